//! Repetitions of one evenly sampled series: which end is the rest end, and which excursions from it count.
//! Used while the set runs, on what has been seen, and after it, on everything.

use super::{
    anatomy::{Neutral, hands_go_straight, neutral},
    channel::Kind,
    params::Params,
    segment::{Cycle, Scale, adaptive, autocorrelation, cycles, rest_vote, usual_leg, zigzag},
};
use crate::model::exercise::{FirstPhase, exercise};

/// What decides how a channel is counted.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) kind: Kind,
    pub(super) exercise: String,
}

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

/// Counts on the extremes `fine` of `x` (alternating, found at the smallest scale that matters).
pub(super) fn count_on(
    x: &[f64],
    fine: &[usize],
    scale: Scale,
    rule: &Rule,
    params: &Params,
) -> Counted {
    let pivots = adaptive(x, fine, scale.least, params.hysteresis_share);
    let usual = usual_leg(x, &pivots);
    let of = |away_is_up| cycles(x, &pivots, away_is_up, scale, params);
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
    let rhythm = if 3.0 * lag_s * scale.rate_hz < x.len() as f64 {
        r
    } else {
        0.3
    };
    let size = (counted.usual / scale.floor).min(4.0) / 4.0;
    let preference = match (rule.kind, hands_go_straight(&rule.exercise)) {
        (Kind::Height, true) | (Kind::Angle, false) => 1.0,
        (Kind::Height, false) | (Kind::Angle, true) => 0.7,
        (Kind::Turn, _) => 0.6,
    };
    let legs: f64 = zigzag(x, scale.least)
        .windows(2)
        .map(|p| (x[p[1]] - x[p[0]]).abs())
        .sum();
    let told: f64 = counted.cycles.iter().map(|c| 2.0 * c.amplitude).sum();
    (0.2 + rhythm.max(0.0)) * size * preference * (0.3 + (told / legs.max(1e-9)).min(1.0))
}

/// Three movements of like size and length at least: without an exercise everything else is a person who moves.
pub(super) fn is_rhythm(counted: &[Cycle]) -> bool {
    let like = |a: f64, b: f64| (0.5..=2.0).contains(&(a / b));
    let pairs = counted.windows(2).filter(|p| {
        like(p[0].amplitude, p[1].amplitude)
            && like(
                (p[0].end - p[0].start) as f64,
                (p[1].end - p[1].start) as f64,
            )
    });
    let n = counted.len();
    n >= 3 && pairs.count() * 3 >= (n - 1) * 2
}
