//! A channel's series as it comes: put on the even grid, with its extremes as far as they are known. Units of the
//! channel, seconds of the session.
//!
//! Says when the movement has turned and when a repetition may be complete; which repetitions there are is asked
//! of `count`, the same function that the pass after the set uses, over everything seen so far. Nothing here looks
//! ahead.

use super::{
    count::{Counted, Rule, count_on, worth},
    params::Params,
    segment::{Scale, Zigzag},
    series::GRID_HZ,
};

/// What a new value may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    /// Nothing new.
    None,
    /// The movement turned: provisional.
    Turned,
    /// It came back, or an extreme is certain: worth counting again.
    Count,
}

/// Time constant of the speed's smoothing, s.
const SPEED_TAU_S: f64 = 0.04;
/// Without an extreme the count is taken anew after so long: a long stay shows where the rest end is, s.
const RECOUNT_S: f64 = 2.0;
/// Longest hole that is filled with a straight line, s; longer ones hold the last value.
const BRIDGE_S: f64 = 0.3;

/// A channel's series so far.
pub(super) struct Track {
    scale: Scale,
    start_s: f64,
    x: Vec<f64>,
    newest: Option<(f64, f64)>,
    extremes: Zigzag,
    speed: f64,
    fastest: f64,
    turned: bool,
    counted: bool,
    counted_at: usize,
}

impl Track {
    pub(super) fn new(scale: Scale) -> Self {
        Self {
            scale,
            start_s: 0.0,
            x: Vec::new(),
            newest: None,
            extremes: Zigzag::new(scale.least),
            speed: 0.0,
            fastest: 0.0,
            turned: false,
            counted: false,
            counted_at: 0,
        }
    }

    /// Forgets everything: the series is built again on other axes.
    pub(super) fn clear(&mut self) {
        let mut x = std::mem::take(&mut self.x);
        x.clear();
        *self = Self {
            x,
            ..Self::new(self.scale)
        };
    }

    /// Session time of a place on the grid, s.
    pub(super) fn at_s(&self, index: usize) -> f64 {
        self.start_s + index as f64 / GRID_HZ
    }

    /// Takes a value; times must not go back.
    pub(super) fn push(&mut self, t_s: f64, value: f64) -> Hint {
        let Some((last_s, last)) = self.newest.replace((t_s, value)) else {
            self.start_s = t_s;
            return self.put(value);
        };
        let mut hint = Hint::None;
        let span = (t_s - last_s).max(1e-9);
        let share = 1.0 - (-span / SPEED_TAU_S).exp();
        self.speed += ((value - last) / span - self.speed) * share;
        while self.at_s(self.x.len()) <= t_s {
            let part = ((self.at_s(self.x.len()) - last_s) / span).clamp(0.0, 1.0);
            let between = if span > BRIDGE_S {
                last
            } else {
                last + (value - last) * part
            };
            hint = stronger(hint, self.put(between));
        }
        hint
    }

    fn put(&mut self, value: f64) -> Hint {
        let index = self.x.len();
        self.x.push(value);
        if self.extremes.push(index, value) {
            (self.turned, self.counted, self.fastest) = (false, false, 0.0);
            self.counted_at = index;
            return Hint::Count;
        }
        let Some(leg) = self.extremes.leg() else {
            return Hint::None;
        };
        let along = if leg.to.1 > leg.from.1 {
            self.speed
        } else {
            -self.speed
        };
        self.fastest = self.fastest.max(along);
        let size = (leg.to.1 - leg.from.1).abs();
        let retreat = (leg.to.1 - value).abs();
        let again = retreat >= (0.1 * size).max(0.2 * self.scale.floor);
        let slow = along < 0.1 * self.fastest;
        let back = leg.before.is_some_and(|before| size >= 0.7 * before);
        if !self.counted && back && (slow || again) {
            (self.counted, self.counted_at) = (true, index);
            return Hint::Count;
        }
        if !self.turned && size >= self.scale.floor && again {
            self.turned = true;
            return Hint::Turned;
        }
        if (index - self.counted_at) as f64 > RECOUNT_S * GRID_HZ
            && !self.extremes.pivots().is_empty()
        {
            self.counted_at = index;
            return Hint::Count;
        }
        Hint::None
    }

    /// The repetitions so far: those that have come back far enough.
    pub(super) fn count(&self, rule: &Rule, params: &Params, ended: bool) -> Counted {
        let mut pivots = self.extremes.pivots().to_vec();
        let open = self.extremes.leg().filter(|leg| {
            let size = (leg.to.1 - leg.from.1).abs();
            self.counted
                || leg.before.is_none()
                || (ended && leg.before.is_some_and(|b| size >= 0.6 * b))
        });
        if let Some(leg) = open {
            pivots.push(leg.to.0);
        }
        let mut counted = count_on(&self.x, &pivots, self.scale, rule, params);
        // A turn that is still going on is none.
        counted.cycles.retain(|c| c.turn < self.x.len() - 1);
        counted
    }

    /// The leg that is going on, as grid places, if it leads away from the rest end.
    pub(super) fn outward_turn(&self, counted: &Counted) -> Option<(usize, usize)> {
        let leg = self.extremes.leg()?;
        let outward = if counted.cycles.is_empty() {
            leg.before.is_none()
        } else {
            (leg.to.1 > leg.from.1) == counted.away_is_up
        };
        outward.then_some((leg.from.0, leg.to.0))
    }

    /// How much speaks for this channel where no metric of the exercise can be counted on.
    pub(super) fn worth(&self, counted: &Counted, rule: &Rule) -> f64 {
        worth(&self.x, counted, self.scale, rule)
    }

    /// A movement larger than the floor is going on.
    pub(super) fn moving(&self) -> bool {
        self.extremes
            .leg()
            .is_some_and(|leg| (leg.to.1 - leg.from.1).abs() >= self.scale.floor && !self.counted)
    }
}

fn stronger(a: Hint, b: Hint) -> Hint {
    match (a, b) {
        (Hint::Count, _) | (_, Hint::Count) => Hint::Count,
        (Hint::Turned, _) | (_, Hint::Turned) => Hint::Turned,
        _ => Hint::None,
    }
}
