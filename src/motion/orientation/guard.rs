//! What must not reach the filter unseen: a wrong rate, the end of a sensor's range, holes. rad/s, m/s², s.

use super::RESTART_GAP_S;
use crate::model::{frame::Vec3, sample::Quality};

/// Beyond these a value is no measurement: sensors end at 4000 deg/s and 32 g.
const LARGEST_RATE: f64 = 100.0;
const LARGEST_ACCELERATION: f64 = 1000.0;

/// A measurement that may be used.
pub(super) fn possible_rate(rate: &Vec3) -> bool {
    rate.iter().all(|v| v.abs() <= LARGEST_RATE)
}

/// A measurement that may be used: weightlessness to the last digit is a dead sensor.
pub(super) fn possible_acceleration(acceleration: &Vec3) -> bool {
    acceleration.norm_squared() > 1e-6
        && acceleration.iter().all(|v| v.abs() <= LARGEST_ACCELERATION)
}

/// Delay assumed of the low-pass inside gyroscopes, s; an assumption, not a measured figure.
const SENSOR_DELAY_S: f64 = 0.0025;

/// Mean angular rate between two samples `step_s` apart.
///
/// The authors of VQF turn by the newer sample alone: half a period too early, 2 degrees at 40 Hz and 180 deg/s. The
/// mean of both has no lead; what the sensor's own low-pass is late by is given back. From 200 Hz on nothing
/// but the newer sample is left.
pub(super) fn mean_rate(before: &Vec3, after: &Vec3, step_s: f64) -> Vec3 {
    let share = (0.5 + SENSOR_DELAY_S / step_s.max(1e-6)).min(1.0);
    before + (after - before) * share
}

/// Longest hole in which the course of the rate is believed to be a smooth curve, s. Chosen with the trials of
/// `broad` and `ring_chain_omc` in view: their figures with lost packets are not independent.
const CURVE_S: f64 = 0.12;

/// Angular rate on both sides of a hole, for the curve between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hole {
    /// Before it: time s, rate.
    pub(super) from: (f64, Vec3),
    /// Slope before it, rad/s², and the step it was measured over, s.
    pub(super) slope: Option<(Vec3, f64)>,
    /// After it.
    pub(super) to: (f64, Vec3),
}

impl Hole {
    fn span_s(&self) -> f64 {
        self.to.0 - self.from.0
    }

    /// Second derivative in the middle of the hole, with the next slope after it: exact for a cubic curve.
    fn bend(&self, after: Option<(Vec3, f64)>) -> Option<Vec3> {
        let ((before, h0), (after, h1)) = self.slope.zip(after)?;
        (self.span_s() <= CURVE_S).then(|| (after - before) / (self.span_s() + 0.5 * (h0 + h1)))
    }

    /// The turn that the straight line misses, rad: the error of the trapezium.
    pub(super) fn missed_turn(&self, after: Option<(Vec3, f64)>) -> Option<Vec3> {
        Some(self.bend(after)? * (-self.span_s().powi(3) / 12.0))
    }

    /// Rate inside the hole.
    pub(super) fn rate_at(&self, t_s: f64, after: Option<(Vec3, f64)>) -> Vec3 {
        let span = self.span_s().max(1e-9);
        let share = ((t_s - self.from.0) / span).clamp(0.0, 1.0);
        let line = self.from.1 + (self.to.1 - self.from.1) * share;
        let bent = self.bend(after).map_or_else(Vec3::zeros, |b| {
            b * (-span * span * share * (1.0 - share) / 2.0)
        });
        line + bent
    }
}

/// Steps from which the period is taken.
const STEPS: usize = 64;
/// The first estimate comes earlier.
const FIRST_STEPS: usize = 16;
/// Below this departure nothing is tuned anew.
const TOLERANCE: f64 = 0.005;

/// The true period, from the times of the samples: what a sensor is said to send may be wrong by percents.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    steps: [f64; STEPS],
    count: usize,
    wanted: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            steps: [0.0; STEPS],
            count: 0,
            wanted: FIRST_STEPS,
        }
    }
}

impl Pace {
    /// Takes the step between two samples; returns the period where it is not `tuned_s` any more.
    pub(super) fn learn(&mut self, step_s: f64, tuned_s: f64) -> Option<f64> {
        if !(step_s > 0.0 && step_s <= RESTART_GAP_S) {
            return None;
        }
        self.steps[self.count] = step_s;
        self.count += 1;
        if self.count < self.wanted {
            return None;
        }
        let period = usual(&mut self.steps[..self.count])?;
        self.count = 0;
        self.wanted = STEPS;
        ((period / tuned_s - 1.0).abs() > TOLERANCE).then_some(period)
    }
}

/// Mean of the steps that are no gaps.
pub(super) fn usual(steps: &mut [f64]) -> Option<f64> {
    let middle = steps.len() / 2;
    steps.get(middle)?;
    let limit = 1.8 * *steps.select_nth_unstable_by(middle, f64::total_cmp).1;
    let (mut sum, mut n) = (0.0, 0.0);
    for step in steps.iter().filter(|s| **s <= limit) {
        sum += step;
        n += 1.0;
    }
    (sum > 0.0).then(|| sum / n)
}

/// Finds the end of a sensor's range: it cuts a rise off from one sample to the next, and then the same digits come
/// again and again. A movement rounds off at its peak, and noise changes the last digits.
#[derive(Debug, Clone)]
pub(super) struct Range {
    /// Below this no sensor's range ends.
    least: f64,
    axes: [Plateau; 3],
    end: Option<f64>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Plateau {
    value: f64,
    samples: u32,
    /// It began with a step.
    cut: bool,
}

/// Samples of the same value that are an end.
const FLAT: u32 = 3;
/// Smallest step onto it, share of its value.
const CUT: f64 = 0.005;
/// Values this near to the end stand at it.
const NEAR: f64 = 0.999;

impl Range {
    /// Gyroscopes end at 125 deg/s or more.
    pub(super) fn of_rate() -> Self {
        Self::beyond(2.1)
    }

    /// Accelerometers end at 2 g or more.
    pub(super) fn of_acceleration() -> Self {
        Self::beyond(19.0)
    }

    fn beyond(least: f64) -> Self {
        Self {
            least,
            axes: [Plateau::default(); 3],
            end: None,
        }
    }

    /// An axis stands at the end of the range, as far as it is known by now.
    pub(super) fn ends(&mut self, v: &Vec3) -> bool {
        let mut at_end = false;
        for (axis, x) in self.axes.iter_mut().zip(v.iter()) {
            let size = x.abs();
            if size < self.least && self.end.is_none() {
                // No range ends here: of this value only the step to the next matters.
                *axis = Plateau::at(*x);
                continue;
            }
            axis.take(*x);
            // What goes beyond it shows that it was none.
            if self.end.is_some_and(|end| size > end / NEAR) {
                self.end = None;
            }
            if size >= self.least && axis.cut && axis.samples >= FLAT {
                self.end = Some(self.end.unwrap_or(0.0).max(size));
            }
            at_end |= self.end.is_some_and(|end| size >= end * NEAR);
        }
        at_end
    }
}

impl Plateau {
    fn at(value: f64) -> Self {
        Self {
            value,
            samples: 1,
            cut: false,
        }
    }

    fn take(&mut self, x: f64) {
        let step = (x - self.value).abs();
        if step <= x.abs() * 1e-6 {
            self.samples = self.samples.saturating_add(1);
            return;
        }
        *self = Self {
            value: x,
            samples: 1,
            cut: step >= CUT * x.abs(),
        };
    }
}

/// The ends of both ranges of a sensor.
#[derive(Debug, Clone)]
pub(super) struct Ranges {
    rate: Range,
    acceleration: Range,
}

/// What may be done with a sample, and its marks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Use {
    /// The rate was measured: not filled in on the way here.
    pub(super) turns: bool,
    /// The acceleration was measured and is inside its range: it may level.
    pub(super) levels: bool,
    /// The marks the sample came with, and those found here.
    pub(super) quality: Quality,
}

impl Default for Ranges {
    fn default() -> Self {
        Self {
            rate: Range::of_rate(),
            acceleration: Range::of_acceleration(),
        }
    }
}

impl Ranges {
    /// Judges a sample. A rate at its end still turns, by less than was true; the acceleration then puts it right.
    pub(super) fn judge(
        &mut self,
        acceleration: &Vec3,
        rate: Option<&Vec3>,
        quality: Quality,
    ) -> Use {
        if quality.has(Quality::INTERPOLATED.with(Quality::NOT_FINITE)) {
            return Use {
                turns: false,
                levels: false,
                quality,
            };
        }
        let acceleration_ends = self.acceleration.ends(acceleration);
        let rate_ends = rate.is_some_and(|r| self.rate.ends(r));
        // Who marked it before does not say which of the two it was.
        let unknown = quality.has(Quality::CLIPPED) && !rate_ends;
        Use {
            turns: true,
            levels: !acceleration_ends && !unknown,
            quality: if acceleration_ends || rate_ends {
                quality.with(Quality::CLIPPED)
            } else {
                quality
            },
        }
    }
}
