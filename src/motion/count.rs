//! Repetitions of one evenly sampled series: which end is the rest end, and which excursions from it count.
//! Used while the set runs, on what has been seen, and after it, on everything.

use super::{
    anatomy::{Neutral, hands_go_straight, neutral},
    bout::bouts,
    channel::{Channel, Kind},
    filter::median,
    params::Params,
    segment::{
        Bounded, Cycle, Scale, adaptive, autocorrelation, cycles, drop_steps, drop_strangers,
        rest_end, rest_vote, usual_leg, zigzag,
    },
    series::GRID_HZ,
};
use crate::model::exercise::{FirstPhase, exercise};

/// What decides how a channel is counted.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    kind: Kind,
    exercise: String,
    /// How much the exercise lets expect of the channel, 0 to 1.
    expected: f64,
    automatic: bool,
}

impl Rule {
    pub(super) fn new(channel: &Channel, exercise_id: &str) -> Self {
        let expected = match (channel.kind, hands_go_straight(exercise_id)) {
            _ if channel.metric.is_some() => 1.0,
            (Kind::Height, true) | (Kind::Angle, false) => 1.0,
            (Kind::Height, false) | (Kind::Angle, true) => 0.7,
            (Kind::Turn, _) => 0.6,
        };
        Self {
            kind: channel.kind,
            exercise: exercise_id.to_owned(),
            expected,
            automatic: channel.metric.is_none(),
        }
    }

    /// The channel is no metric of the exercise: what repeats best among such channels is counted on.
    pub(super) fn is_automatic(&self) -> bool {
        self.automatic
    }
}

/// Less repetitions say nothing about rhythm.
const FEW: usize = 3;
/// What repeats faster is walking or shaking where no exercise was begun, s.
const STEP_S: f64 = 1.4;
/// So many are a set where no exercise was begun.
const RHYTHM: usize = 4;
/// A movement without rhythm on an unexpected channel must exceed the channel's floor so many times.
const LARGE: f64 = 2.0;
/// A way that is braked by less than this share of it was not gone. This and the two below were chosen on simulated
/// presses, with the counts of the public recordings in view.
const COAST_SHARE: f64 = 0.15;
/// A move to or from a rack is smaller than this share of the usual repetition.
const MOVE_SHARE: f64 = 0.7;
/// For longer the acceleration cannot be summed up, s.
const COAST_S: f64 = 2.5;
/// Smallest leg of a bout that may be a repetition, as a share of the set's usual leg.
const LEAST_OF_SET: f64 = 0.15;

/// What was found.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    /// In order.
    pub(super) cycles: Vec<Cycle>,
    /// Usual size of a leg, unit of the series.
    pub(super) usual: f64,
    /// The series leaves the rest end upward.
    pub(super) away_is_up: bool,
}

/// Counts on the extremes `fine` of `x` (alternating, found at the smallest scale that matters). `vertical` is what a
/// height was summed up from; of other channels it is empty. `bounded` holds what earlier calls found on this series.
pub(super) fn count_on(
    (x, vertical): (&[f64], &[f64]),
    fine: &[usize],
    scale: Scale,
    rule: &Rule,
    params: &Params,
    bounded: &mut Bounded,
) -> Counted {
    let pivots = adaptive(x, fine, scale.least, params.hysteresis_share);
    let usual = usual_leg(x, &pivots);
    let mut of = |away_is_up| {
        let mut found = in_bouts(x, fine, &pivots, away_is_up, (scale, params), bounded);
        if !vertical.is_empty() {
            found = drop_moves(found, x, vertical);
        }
        enough(found, scale, rule)
    };
    let vote = rest_vote(x, &pivots);
    if rule.kind != Kind::Height {
        let away_is_up = vote > 0.0;
        return Counted {
            cycles: of(away_is_up),
            usual,
            away_is_up,
        };
    }
    // Integrated height has no steady rest level to vote with: a set has one closed excursion more from its rest
    // end than from the other; and a load rises in the concentric phase.
    let prior = lifts_first(&rule.exercise).map_or(0.0, |up| if up { 0.8 } else { -0.8 });
    let (up, down) = (of(true), of(false));
    let away_is_up = up.len() > down.len() || (up.len() == down.len() && vote + prior > 0.0);
    Counted {
        cycles: if away_is_up { up } else { down },
        usual,
        away_is_up,
    }
}

/// A load that is taken from a place, or put there, stays; its height without drift sinks back as if it had returned.
/// Such movements, smaller than the repetitions and at either end of them, are none.
fn drop_moves(mut found: Vec<Cycle>, x: &[f64], vertical: &[f64]) -> Vec<Cycle> {
    let usual = median(&found.iter().map(|c| c.amplitude).collect::<Vec<_>>());
    let is_move = |c: &Cycle| {
        let coasting = |rest| is_coasting(x, vertical, c.turn, rest);
        c.amplitude < MOVE_SHARE * usual && (coasting(c.start) || coasting(c.end))
    };
    if found.len() > FEW && is_move(&found[0]) {
        found.remove(0);
    }
    // A way that is still going on has no brake yet.
    let over = |c: &Cycle| (x.len() - c.end) as f64 > GRID_HZ;
    if found.len() > FEW && found.last().is_some_and(|c| over(c) && is_move(c)) {
        found.pop();
    }
    found
}

/// Nothing brakes on the way from the turn: what was gone after its first third by the acceleration is as if there were
/// none. A smooth movement would go on by 0.35 of its way without its brake.
fn is_coasting(x: &[f64], vertical: &[f64], turn: usize, rest: usize) -> bool {
    let way = x[rest] - x[turn];
    let gone = |i: usize| (x[i] - x[turn]) / way >= 0.3;
    let toward: Vec<usize> = if rest > turn {
        (turn..=rest).skip_while(|i| !gone(*i)).collect()
    } else {
        (rest..=turn).rev().skip_while(|i| !gone(*i)).collect()
    };
    let seconds = toward.len() as f64 / GRID_HZ;
    let (mut speed, mut braked) = (0.0, 0.0);
    for i in toward {
        speed += vertical[i] / GRID_HZ;
        braked += speed / GRID_HZ;
    }
    seconds <= COAST_S && -braked / way < COAST_SHARE
}

/// One or two movements have no rhythm that speaks for them: on a channel that the exercise hardly moves they must
/// be large, or taking the weight down from its place would be a repetition.
fn enough(mut found: Vec<Cycle>, scale: Scale, rule: &Rule) -> Vec<Cycle> {
    if rule.expected < 1.0 && found.len() < FEW {
        found.retain(|c| c.amplitude >= LARGE * scale.floor);
    }
    found
}

/// Repetitions of every bout, measured by the bout's own usual leg.
fn in_bouts(
    x: &[f64],
    fine: &[usize],
    pivots: &[usize],
    away_is_up: bool,
    (scale, params): (Scale, &Params),
    bounded: &mut Bounded,
) -> Vec<Cycle> {
    let usual = usual_leg(x, pivots);
    if usual < scale.floor {
        return Vec::new();
    }
    let rest = rest_end(x, pivots, away_is_up);
    let mut found = Vec::new();
    for (from, to) in bouts(x, rest, usual, scale.rate_hz) {
        // The stay itself is the rest end of the repetitions beside it.
        let begin = (from > 0).then_some(from);
        let end = (to < x.len()).then(|| to - 1);
        let inside = fine.iter().copied().filter(|p| (from..to).contains(p));
        let places: Vec<usize> = begin.into_iter().chain(inside).chain(end).collect();
        let floor = scale.least.max(LEAST_OF_SET * usual);
        let own = adaptive(x, &places, floor, params.hysteresis_share);
        let mut cycles = cycles(x, (from, to), &own, away_is_up, (scale, params), bounded);
        if cycles.len() < FEW {
            // A stir while the client waits is no bout of its own.
            cycles.retain(|c| c.amplitude >= params.hysteresis_share * usual);
        }
        found.extend(drop_strangers(drop_steps(cycles)));
    }
    drop_strangers(found)
}

/// Whether a repetition of the exercise begins with the way up; an exercise that may begin at either end says
/// nothing.
fn lifts_first(exercise_id: &str) -> Option<bool> {
    let known = exercise(exercise_id).filter(|e| neutral(e.id) != Neutral::High)?;
    Some(known.starts_with == FirstPhase::Concentric)
}

/// Worth of an automatic channel: how well it repeats, how far above its floor it moves, what the exercise lets
/// expect, and how much of all its movement its repetitions explain (a change of posture explains none).
pub(super) fn worth(x: &[f64], counted: &Counted, scale: Scale, rule: &Rule) -> f64 {
    if counted.usual < scale.floor {
        return 0.0;
    }
    let (r, lag_s) = autocorrelation(x, scale.rate_hz, 0.8, 8.0);
    // Less than three periods say nothing about rhythm.
    let known = counted.cycles.len() >= FEW && 3.0 * lag_s * scale.rate_hz < x.len() as f64;
    let rhythm = if known { r } else { 0.3 };
    let size = (counted.usual / scale.floor).min(4.0) / 4.0;
    let legs: f64 = zigzag(x, scale.least)
        .windows(2)
        .map(|p| (x[p[1]] - x[p[0]]).abs())
        .sum();
    let told: f64 = counted.cycles.iter().map(|c| 2.0 * c.amplitude).sum();
    (0.2 + rhythm.max(0.0)) * size * rule.expected * (0.3 + (told / legs.max(1e-9)).min(1.0))
}

/// Four movements at least of like size and length, in like steps: without an exercise everything else is a person
/// who moves.
pub(super) fn is_rhythm(counted: &[Cycle], rate_hz: f64) -> bool {
    let like = |a: f64, b: f64| (0.5..=2.0).contains(&(a / b.max(1e-9)));
    let steps: Vec<f64> = counted
        .windows(2)
        .map(|p| (p[1].turn - p[0].turn) as f64)
        .collect();
    let even = steps.windows(2).filter(|s| like(s[0], s[1])).count();
    let pairs = counted.windows(2).filter(|p| {
        like(p[0].amplitude, p[1].amplitude)
            && like(
                (p[0].end - p[0].start) as f64,
                (p[1].end - p[1].start) as f64,
            )
    });
    let n = counted.len();
    n >= RHYTHM
        && median(&steps) >= STEP_S * rate_hz
        && pairs.count() * 3 >= (n - 1) * 2
        && even * 3 >= (n - 2) * 2
}
