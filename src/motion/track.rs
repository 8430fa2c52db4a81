//! A channel's series as it comes: put on the even grid, with its extremes as far as they are known. Units of the
//! channel, seconds of the session.
//!
//! Says when the movement has turned and when a repetition may be complete; which repetitions there are is asked
//! of `count`, the same function that the pass after the set uses, over everything seen so far. Nothing here looks
//! ahead.
//!
//! A height drifts: its turns are seen on a leaky integral, its repetitions are counted on the height without drift
//! over the set so far.

use super::{
    count::{Counted, Rule, count_on, worth},
    filter::left_after,
    params::Params,
    segment::{Bounded, Scale, Zigzag, zigzag},
    series::{GRID_HZ, heights},
};
use crate::model::units::STANDARD_GRAVITY;
use std::borrow::Cow;

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
/// The movement has turned when it comes back with this share of its fastest speed on the way out; chosen on simulated
/// squats.
const TURN_SHARE: f64 = 0.045;
/// Nothing that began longer ago is still going on, s.
const MOVING_S: f64 = 10.0;
/// Without an extreme the count is taken anew after so long: a long stay shows where the rest end is, s.
const RECOUNT_S: f64 = 2.0;
/// Longest hole that is filled with a straight line, s; longer ones hold the last value.
const BRIDGE_S: f64 = 0.3;

/// A channel's series so far.
pub(super) struct Track {
    scale: Scale,
    start_s: f64,
    x: Vec<f64>,
    /// Upward acceleration with gravity at the same places, m/s² as the sensor reads it, where the channel is a height;
    /// not a number in holes.
    vertical: Vec<f64>,
    newest: Option<(f64, f64)>,
    newest_vertical: f64,
    extremes: Zigzag,
    speed: f64,
    fastest: f64,
    turned: bool,
    counted: bool,
    counted_at: usize,
    bounded: Bounded,
}

impl Track {
    pub(super) fn new(scale: Scale) -> Self {
        Self {
            scale,
            start_s: 0.0,
            x: Vec::new(),
            vertical: Vec::new(),
            newest: None,
            newest_vertical: 0.0,
            extremes: Zigzag::new(scale.least),
            speed: 0.0,
            fastest: 0.0,
            turned: false,
            counted: false,
            counted_at: 0,
            bounded: Bounded::default(),
        }
    }

    /// Forgets everything: the series is built again on other axes.
    pub(super) fn clear(&mut self) {
        let (mut x, mut vertical) = (
            std::mem::take(&mut self.x),
            std::mem::take(&mut self.vertical),
        );
        x.clear();
        vertical.clear();
        *self = Self {
            x,
            vertical,
            ..Self::new(self.scale)
        };
    }

    /// Session time of a place on the grid, s.
    pub(super) fn at_s(&self, index: usize) -> f64 {
        self.start_s + index as f64 / GRID_HZ
    }

    /// Takes a height with the upward acceleration (with gravity) that it comes from.
    pub(super) fn push_height(&mut self, t_s: f64, height: f64, vertical: f64) -> Hint {
        let last = std::mem::replace(&mut self.newest_vertical, vertical);
        let span = self.newest.map_or(0.0, |(last_s, _)| t_s - last_s);
        let hint = self.push(t_s, height);
        let (from, to) = (self.vertical.len(), self.x.len());
        for i in from..to {
            let part = ((t_s - self.at_s(i)) / span.max(1e-9)).clamp(0.0, 1.0);
            let between = vertical + (last - vertical) * part;
            let known = span <= BRIDGE_S;
            self.vertical.push(if known { between } else { f64::NAN });
        }
        hint
    }

    /// Takes a value; times must not go back.
    pub(super) fn push(&mut self, t_s: f64, value: f64) -> Hint {
        let Some((last_s, last)) = self.newest.replace((t_s, value)) else {
            self.start_s = t_s;
            return self.put(value);
        };
        let mut hint = Hint::None;
        let span = (t_s - last_s).max(1e-9);
        let share = 1.0 - left_after(span / SPEED_TAU_S);
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
        let back_speed = (TURN_SHARE * self.fastest).max(2.0 * self.scale.speed_floor);
        if !self.turned && size >= self.scale.floor && (again || -along > back_speed) {
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

    /// The repetitions so far, those that have come back far enough; with what speaks for the channel. `gravity` as the
    /// sensor reads it, m/s².
    pub(super) fn count(
        &mut self,
        rule: &Rule,
        params: &Params,
        gravity: f64,
        ended: bool,
    ) -> (Counted, f64) {
        let free: Vec<f64> = self
            .vertical
            .iter()
            .map(|a| (a / gravity - 1.0) * STANDARD_GRAVITY)
            .map(|a| if a.is_finite() { a } else { 0.0 })
            .collect();
        let (x, mut pivots) = if free.is_empty() {
            let newest = self.extremes.leg().map(|leg| leg.to.0);
            let certain = self.extremes.pivots().iter().copied();
            (Cow::Borrowed(&self.x), certain.chain(newest).collect())
        } else {
            let x = heights(&free);
            let pivots = zigzag(&x, self.scale.least);
            (Cow::Owned(x), pivots)
        };
        if !self.came_back(&x, &pivots, ended) {
            pivots.pop();
        }
        if !free.is_empty() {
            // A height without drift changes as a whole when it grows.
            self.bounded.clear();
        }
        let (series, bounded) = ((x.as_slice(), free.as_slice()), &mut self.bounded);
        let mut counted = count_on(series, &pivots, self.scale, rule, params, bounded);
        // A turn that is still going on is none.
        counted.cycles.retain(|c| c.turn < x.len() - 1);
        let worth = if rule.is_automatic() {
            worth(&x, &counted, self.scale, rule)
        } else {
            counted.usual
        };
        (counted, worth)
    }

    /// The leg that is going on may be the way back of a repetition.
    fn came_back(&self, x: &[f64], pivots: &[usize], ended: bool) -> bool {
        let [.., a, b, c] = pivots else {
            return true;
        };
        let (before, size) = ((x[*b] - x[*a]).abs(), (x[*c] - x[*b]).abs());
        if ended || !self.vertical.is_empty() {
            size >= if ended { 0.6 } else { 0.7 } * before
        } else {
            self.counted
        }
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

    /// A movement larger than the floor is going on, out or back.
    pub(super) fn moving(&self) -> bool {
        self.extremes.leg().is_some_and(|leg| {
            let size = (leg.to.1 - leg.from.1).abs();
            let since = (self.x.len() - leg.from.0) as f64;
            !self.counted
                && size.max(leg.before.unwrap_or(0.0)) >= self.scale.floor
                && since < MOVING_S * GRID_HZ
        })
    }
}

fn stronger(a: Hint, b: Hint) -> Hint {
    match (a, b) {
        (Hint::Count, _) | (_, Hint::Count) => Hint::Count,
        (Hint::Turned, _) | (_, Hint::Turned) => Hint::Turned,
        _ => Hint::None,
    }
}
