//! One evenly sampled series to repetitions: adaptive zig-zag, rest end, boundaries. Indices of the series;
//! amplitudes in its unit. No knowledge of sensors.
//!
//! A repetition leaves the rest end, turns, and comes back: an excursion without return is none.

use super::{
    filter::{mean, median},
    params::Params,
};

/// What the series is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Samples a second.
    pub(super) rate_hz: f64,
    /// Smallest usual excursion of a set that has repetitions at all.
    pub(super) floor: f64,
    /// Smallest excursion that may be a repetition in such a set.
    pub(super) least: f64,
    /// Speed below which nothing moves, unit of the series a second.
    pub(super) speed_floor: f64,
    /// Share of the peak speed below which nothing moves.
    pub(super) speed_share: f64,
}

/// One excursion from rest to rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cycle {
    /// Movement begins.
    pub(super) start: usize,
    /// Extreme.
    pub(super) turn: usize,
    /// Movement ends.
    pub(super) end: usize,
    /// Where the way out ends and the way back begins: equal when there is no pause at the turn.
    pub(super) dwell: (usize, usize),
    /// Smaller of the ways out and back.
    pub(super) amplitude: f64,
}

/// Alternating extremes that differ by `step` at least, as the values come; the first point included where it
/// qualifies.
#[derive(Debug, Clone)]
pub(super) struct Zigzag {
    step: f64,
    low: (usize, f64),
    high: (usize, f64),
    rising: Option<bool>,
    pivots: Vec<usize>,
    /// Value at the newest certain extreme, and the size of the leg before it.
    certain: Option<(f64, Option<f64>)>,
}

/// The leg that is going on: from the newest certain extreme to the farthest value since.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leg {
    pub(super) from: (usize, f64),
    pub(super) to: (usize, f64),
    /// Size of the leg before it.
    pub(super) before: Option<f64>,
}

impl Zigzag {
    pub(super) fn new(step: f64) -> Self {
        Self {
            step,
            low: (0, f64::INFINITY),
            high: (0, f64::NEG_INFINITY),
            rising: None,
            pivots: Vec::new(),
            certain: None,
        }
    }

    /// Takes the next value; `true` = an extreme has become certain.
    pub(super) fn push(&mut self, index: usize, value: f64) -> bool {
        if value < self.low.1 {
            self.low = (index, value);
        }
        if value > self.high.1 {
            self.high = (index, value);
        }
        if self.rising != Some(true) && value - self.low.1 >= self.step {
            self.fix(self.low, true);
            self.high = (index, value);
        } else if self.rising != Some(false) && self.high.1 - value >= self.step {
            self.fix(self.high, false);
            self.low = (index, value);
        } else {
            return false;
        }
        true
    }

    fn fix(&mut self, extreme: (usize, f64), rising: bool) {
        let before = self.certain.map(|(value, _)| (extreme.1 - value).abs());
        self.certain = Some((extreme.1, before));
        self.pivots.push(extreme.0);
        self.rising = Some(rising);
    }

    /// The certain extremes.
    pub(super) fn pivots(&self) -> &[usize] {
        &self.pivots
    }

    /// The leg that is going on; `None` before the first extreme is certain.
    pub(super) fn leg(&self) -> Option<Leg> {
        let (value, before) = self.certain?;
        Some(Leg {
            from: (*self.pivots.last()?, value),
            to: if self.rising? { self.high } else { self.low },
            before,
        })
    }

    /// The extremes with the newest, uncertain one.
    fn all(mut self) -> Vec<usize> {
        if let Some(leg) = self.leg() {
            self.pivots.push(leg.to.0);
        }
        self.pivots
    }
}

/// Alternating extremes of the places `at` of a series.
fn zigzag_at(x: &[f64], at: impl Iterator<Item = usize>, step: f64) -> Vec<usize> {
    let mut zigzag = Zigzag::new(step);
    for i in at {
        zigzag.push(i, x[i]);
    }
    zigzag.all()
}

/// Alternating extremes of a whole series.
pub(super) fn zigzag(x: &[f64], step: f64) -> Vec<usize> {
    zigzag_at(x, 0..x.len(), step)
}

/// Usual size of a leg: the median weighted by size, so that neither tremor nor a change of posture counts.
pub(super) fn usual_leg(x: &[f64], pivots: &[usize]) -> f64 {
    let mut legs: Vec<f64> = pivots
        .windows(2)
        .map(|p| (x[p[1]] - x[p[0]]).abs())
        .collect();
    legs.sort_by(f64::total_cmp);
    let half = legs.iter().sum::<f64>() / 2.0;
    let mut sum = 0.0;
    for leg in &legs {
        sum += leg;
        if sum >= half {
            return *leg;
        }
    }
    0.0
}

/// Extremes at the scale of the set itself, out of those at the smallest scale that matters.
pub(super) fn adaptive(x: &[f64], fine: &[usize], floor: f64, share: f64) -> Vec<usize> {
    let mut pivots = fine.to_vec();
    for _ in 0..3 {
        let step = (share * usual_leg(x, &pivots)).max(floor);
        let next = zigzag_at(x, fine.iter().copied(), step);
        if next == pivots {
            break;
        }
        pivots = next;
    }
    pivots
}

/// Usual level of the rest end.
pub(super) fn rest_end(x: &[f64], pivots: &[usize], away_is_up: bool) -> f64 {
    median(&ends(x, pivots, away_is_up))
}

/// Values of the low extremes, or of the high ones.
fn ends(x: &[f64], pivots: &[usize], low: bool) -> Vec<f64> {
    let next_to = |k: usize| if k > 0 { k - 1 } else { 1 };
    (0..pivots.len())
        .filter(|k| {
            pivots
                .get(next_to(*k))
                .is_some_and(|n| (x[pivots[*k]] < x[*n]) == low)
        })
        .map(|k| x[pivots[k]])
        .collect()
}

/// Whether the low extremes are the rest end (positive) or the high ones: where the set begins and ends, and
/// which end repeats better.
pub(super) fn rest_vote(x: &[f64], pivots: &[usize]) -> f64 {
    if pivots.len() < 2 {
        return 1.0;
    }
    let (lows, highs) = (ends(x, pivots, true), ends(x, pivots, false));
    let (low, high) = (median(&lows), median(&highs));
    let place = |v: f64| 1.0 - 2.0 * ((v - low) / (high - low).max(1e-9)).clamp(0.0, 1.0);
    let n = (x.len() / 100).clamp(1, 10);
    let spread =
        |v: &[f64], centre: f64| median(&v.iter().map(|a| (a - centre).abs()).collect::<Vec<_>>());
    let (spread_low, spread_high) = (spread(&lows, low), spread(&highs, high));
    let steadier = (spread_high - spread_low) / (spread_high + spread_low).max(1e-9);
    let middle = f64::midpoint(low, high);
    let (stay_low, stay_high) = longest_stays(x, middle);
    let stays = (stay_low - stay_high) / (stay_low + stay_high).max(1.0);
    stays + place(mean(&x[..n])) + 0.8 * place(mean(&x[x.len() - n..])) + 0.5 * steadier
}

/// Longest runs of values below `middle` and not below it: between sets of repetitions a client waits at the rest end.
fn longest_stays(x: &[f64], middle: f64) -> (f64, f64) {
    let mut longest = [0; 2];
    for run in x.chunk_by(|a, b| (*a < middle) == (*b < middle)) {
        let side = &mut longest[usize::from(run[0] >= middle)];
        *side = run.len().max(*side);
    }
    (longest[0] as f64, longest[1] as f64)
}

/// Cycles whose boundaries were found before on the same series; it may have grown since.
#[derive(Debug, Default)]
pub(super) struct Bounded(Vec<([usize; 3], Cycle)>);

impl Bounded {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Speeds look one place ahead: what ends at the end of the series is looked at again.
    fn of(&mut self, knots: [usize; 3], len: usize, find: impl FnOnce() -> Cycle) -> Cycle {
        if let Some((_, cycle)) = self.0.iter().find(|(known, _)| *known == knots) {
            return *cycle;
        }
        let cycle = find();
        if knots[2] + 1 < len {
            self.0.push((knots, cycle));
        }
        cycle
    }
}

/// Repetitions of the stretch `[from, to)` of a series, in order. `away_is_up` says to which side the series
/// leaves the rest end.
pub(super) fn cycles(
    x: &[f64],
    (from, to): (usize, usize),
    pivots: &[usize],
    away_is_up: bool,
    (scale, params): (Scale, &Params),
    bounded: &mut Bounded,
) -> Vec<Cycle> {
    let sign = if away_is_up { 1.0 } else { -1.0 };
    let mut found = Vec::new();
    for (i, k) in pivots.windows(3).enumerate() {
        if sign * (x[k[1]] - x[k[0]]) <= 0.0 {
            continue;
        }
        // A change of posture goes out and does not come back. A jerk at the rest end must not look like one,
        // nor a rest end that is only touched: either measure of the rest level will do.
        let top = sign * x[k[1]];
        let returns = |a: f64, b: f64| (top - a).min(top - b) >= 0.45 * (top - a).max(top - b);
        let levels = || {
            let before = if i == 0 { from } else { pivots[i - 1] };
            let after = pivots.get(i + 3).map_or(to - 1, |p| *p);
            (
                rest_level(x, before, k[1], sign),
                rest_level(x, k[1], after, sign),
            )
        };
        let stays = || {
            let (before, after) = levels();
            returns(before, after)
        };
        if returns(sign * x[k[0]], sign * x[k[2]]) || stays() {
            let knots = [k[0], k[1], k[2]];
            let find = || boundaries(x, knots, sign, scale, params);
            found.push(bounded.of(knots, x.len(), find));
        }
    }
    let lengths = params.rep_min_s * scale.rate_hz..=params.rep_max_s * scale.rate_hz;
    found.retain(|c| lengths.contains(&length(c)));
    found
}

/// Where the series rests between two extremes: not its very end, which may be a jerk.
fn rest_level(x: &[f64], from: usize, to: usize, sign: f64) -> f64 {
    let values: Vec<f64> = x[from..=to].iter().map(|v| sign * v).collect();
    super::filter::quantile(&values, 0.15)
}

/// Lobes at the edges of a set that are unlike its repetitions and unlike their neighbour (un-racking, sitting
/// down) are none; a block of partial repetitions stays.
pub(super) fn drop_strangers(mut found: Vec<Cycle>) -> Vec<Cycle> {
    if found.len() < 4 {
        return found;
    }
    let amplitude = median(&found.iter().map(|c| c.amplitude).collect::<Vec<_>>());
    let near = |a: f64, b: f64| a < 2.2 * b;
    let sizes: Vec<f64> = found.iter().map(|c| c.amplitude).collect();
    let mut i = 0_usize;
    found.retain(|c| {
        let before = i.checked_sub(1).map_or(0.0, |k| sizes[k]);
        let after = sizes.get(i + 1).copied().unwrap_or(0.0);
        i += 1;
        near(c.amplitude, amplitude) || near(c.amplitude, before) || near(c.amplitude, after)
    });
    let seconds = median(&found.iter().map(length).collect::<Vec<_>>());
    let unlike = |c: &Cycle, size: f64, duration: f64| {
        let (a, d) = (c.amplitude / size, length(c) / duration);
        a < 0.5 || !(0.33..=3.0).contains(&d)
    };
    let strange = |c: &Cycle, next: &Cycle| {
        unlike(c, amplitude, seconds) && unlike(c, next.amplitude, length(next))
    };
    while found.len() > 3 && strange(&found[0], &found[1]) {
        found.remove(0);
    }
    while found.len() > 3 && strange(&found[found.len() - 1], &found[found.len() - 2]) {
        found.pop();
    }
    found
}

/// Steps into and out of a place: short and smaller movements at the edges of a bout, however many.
pub(super) fn drop_steps(mut found: Vec<Cycle>) -> Vec<Cycle> {
    let amplitude = median(&found.iter().map(|c| c.amplitude).collect::<Vec<_>>());
    let seconds = median(&found.iter().map(length).collect::<Vec<_>>());
    let step = |c: &Cycle| length(c) < 0.4 * seconds && c.amplitude < 0.8 * amplitude;
    let first = found.iter().take_while(|c| step(c)).count();
    found.drain(..first);
    while found.last().is_some_and(step) {
        found.pop();
    }
    found
}

fn length(cycle: &Cycle) -> f64 {
    (cycle.end - cycle.start) as f64
}

/// Finds where the movement of an excursion begins, pauses and ends.
///
/// `knots` are rest, extreme, rest. A minimum-jerk movement spends a known share of its time below the
/// threshold; the boundaries are moved outward by it (Plimsoll facts 4.3: D / (1 - 2 u), u = sqrt(1.875 f / 30)).
pub(super) fn boundaries(
    x: &[f64],
    knots: [usize; 3],
    sign: f64,
    scale: Scale,
    params: &Params,
) -> Cycle {
    let turn = knots[1];
    let before = foot(x, knots[0], turn, sign, scale.rate_hz);
    let after = foot(x, knots[2], turn, sign, scale.rate_hz);
    let out = sign * (x[turn] - x[before]);
    let back = sign * (x[turn] - x[after]);
    let speed = |i: usize| {
        let (a, b) = (i.saturating_sub(1), (i + 1).min(x.len() - 1));
        sign * (x[b] - x[a]) * scale.rate_hz / (b - a).max(1) as f64
    };
    let level = |i: usize| sign * (x[i] - x[turn]);
    let low_out = last(before, turn, |i| level(i) <= -0.8 * out).unwrap_or(before);
    let high_out = first(low_out, turn, |i| level(i) >= -0.2 * out).unwrap_or(turn);
    let high_back = last(turn, after, |i| level(i) >= -0.2 * back).unwrap_or(turn);
    let low_back = first(high_back, after, |i| level(i) <= -0.8 * back).unwrap_or(after);
    let limit = |from: usize, to: usize, direction: f64| {
        let peak = (from..=to)
            .map(|i| direction * speed(i))
            .fold(0.0, f64::max);
        let limit = (scale.speed_share * peak)
            .max(scale.speed_floor)
            .min(0.3 * peak);
        (limit, peak)
    };
    let (slow_out, peak_out) = limit(low_out, high_out, 1.0);
    let (slow_back, peak_back) = limit(high_back, low_back, -1.0);
    let start = last(before, low_out, |i| speed(i) < slow_out).unwrap_or(before);
    let still = first(high_out, turn, |i| speed(i) < slow_out).unwrap_or(turn);
    let leave = last(turn, high_back, |i| -speed(i) < slow_back).unwrap_or(turn);
    let end = first(low_back, after, |i| -speed(i) < slow_back).unwrap_or(after);
    let (start, still) = widen(start, still, slow_out / peak_out.max(1e-9), before, turn);
    let (leave, end) = widen(leave, end, slow_back / peak_back.max(1e-9), turn, after);
    let pause = (params.pause_min_s * scale.rate_hz).ceil() as usize;
    let dwell = if leave.saturating_sub(still) >= pause {
        (still, leave)
    } else {
        (turn, turn)
    };
    Cycle {
        start,
        turn,
        end,
        dwell,
        amplitude: out.min(back),
    }
}

/// Where the slope that leads to `turn` begins on the side of `rest`: a rest end that drifts for half a minute
/// is no part of the movement. Downhill from half height, looking ahead so that a dent does not stop it.
fn foot(x: &[f64], rest: usize, turn: usize, sign: f64, rate_hz: f64) -> usize {
    let ahead = (0.4 * rate_hz) as usize;
    let toward = |i: usize, n: usize| {
        if rest < turn {
            i.saturating_sub(n).max(rest)
        } else {
            (i + n).min(rest)
        }
    };
    let height = sign * (x[turn] - x[rest]);
    let low = |i: usize| sign * (x[i] - x[rest]) <= 0.5 * height;
    let half = if rest < turn {
        last(rest, turn, low)
    } else {
        first(turn, rest, low)
    };
    let mut at = half.unwrap_or(rest);
    loop {
        let end = toward(at, ahead);
        let (a, b) = (at.min(end), at.max(end));
        let least = (a..=b)
            .min_by(|i, k| (sign * x[*i]).total_cmp(&(sign * x[*k])))
            .unwrap_or(at);
        if sign * (x[at] - x[least]) <= 0.01 * height.max(0.0) {
            break;
        }
        at = least;
    }
    // The first hundredth of the height of a smooth movement takes a tenth of its time (minimum jerk).
    toward(at, at.abs_diff(turn) * 15 / 100)
}

fn widen(from: usize, to: usize, share: f64, earliest: usize, latest: usize) -> (usize, usize) {
    let u = (1.875 * share.min(0.15) / 30.0).sqrt();
    let extra = ((to - from) as f64 * u / (1.0 - 2.0 * u)).round() as usize;
    (
        from.saturating_sub(extra).max(earliest),
        (to + extra).min(latest),
    )
}

fn first(from: usize, to: usize, test: impl Fn(usize) -> bool) -> Option<usize> {
    (from..=to).find(|i| test(*i))
}

fn last(from: usize, to: usize, test: impl Fn(usize) -> bool) -> Option<usize> {
    (from..=to).rev().find(|i| test(*i))
}

/// Largest autocorrelation at lags between `from_s` and `to_s`, with the lag in seconds.
pub(super) fn autocorrelation(x: &[f64], rate_hz: f64, from_s: f64, to_s: f64) -> (f64, f64) {
    // A twentieth of a second is fine enough to tell one rhythm from another.
    let thin = (rate_hz / 20.0).floor().max(1.0) as usize;
    let y: Vec<f64> = x.iter().step_by(thin).copied().collect();
    let m = mean(&y);
    let y: Vec<f64> = y.iter().map(|v| v - m).collect();
    let rate = rate_hz / thin as f64;
    let power: f64 = y.iter().map(|v| v * v).sum::<f64>() / y.len().max(1) as f64;
    if power <= 0.0 {
        return (0.0, 0.0);
    }
    let longest = ((to_s * rate) as usize).min(y.len() / 2);
    let shortest = (from_s * rate) as usize;
    let at = |lag: usize| {
        let n = y.len() - lag;
        y[..n]
            .iter()
            .zip(&y[lag..])
            .map(|(a, b)| a * b)
            .sum::<f64>()
            / n as f64
            / power
    };
    let mut best = (0.0, 0.0);
    let mut dipped = false;
    for lag in 1..=longest {
        let r = at(lag);
        dipped |= r < 0.3;
        if dipped && lag >= shortest && r > best.0 {
            best = (r, lag as f64 / rate);
        }
    }
    best
}
