//! The angle of a hinge: the difference of the rates about its axis is summed up, and what has drifted is taken out
//! by the angle that gravity shows across the axis, weighted by how much of gravity there is. rad.
//!
//! It is the heading filter of two sensors seen from the axis: instead of the heading between both earth frames
//! the drift about the axis itself is followed, as an average on the circle that forgets, so that angles beyond
//! half a turn need nothing special. Where the axis is upright gravity says nothing and the sum alone goes on.
//! On mechanical chains it is twice as exact as following the heading (range per swing, live, 0.3-1.1 against
//! 0.9-1.5 deg).

use super::{Hinge, Pair};
use nalgebra::Complex;

/// Time after which drift is forgotten, s.
const MEMORY_S: f64 = 1.5;
/// Longest step over which rates are summed up, s.
const LONGEST_STEP_S: f64 = 0.5;

/// The streaming filter.
#[derive(Debug, Clone)]
pub struct Filter {
    hinge: Hinge,
    last: Option<(f64, f64)>,
    summed: f64,
    drift: Complex<f64>,
    followed: f64,
}

impl Filter {
    /// A filter for a hinge.
    #[must_use]
    pub fn new(hinge: &Hinge) -> Self {
        Self {
            hinge: *hinge,
            last: None,
            summed: 0.0,
            drift: Complex::new(0.0, 0.0),
            followed: 0.0,
        }
    }

    /// Takes both sensors at the next instant; returns the angle of the distal one, continuous, rad.
    pub fn push(&mut self, pair: &Pair) -> f64 {
        let step = self.step(pair);
        self.forget(step.span_s);
        self.drift += step.shown;
        self.followed = nearest(self.drift.arg(), self.followed);
        self.summed + self.followed
    }

    /// Sums up the rates.
    fn step(&mut self, pair: &Pair) -> Step {
        let axes = [self.hinge.proximal, self.hinge.distal];
        let rate = pair.rate[1].dot(&axes[1]) - pair.rate[0].dot(&axes[0]);
        let step_s = self.last.map_or(0.0, |(t_s, _)| pair.t_s - t_s);
        if let Some((_, before)) = self.last
            && step_s < LONGEST_STEP_S
        {
            self.summed += f64::midpoint(before, rate) * step_s;
        }
        self.last = Some((pair.t_s, rate));
        let seen = |k: usize| 1.0 - pair.up[k].dot(&axes[k]).powi(2).min(1.0);
        Step {
            span_s: step_s,
            summed: self.summed,
            shown: Complex::from_polar(
                seen(0) * seen(1) * step_s.clamp(1e-3, LONGEST_STEP_S),
                self.hinge.shown(pair.up) - self.summed,
            ),
        }
    }

    fn forget(&mut self, step_s: f64) {
        self.drift *= (-step_s / MEMORY_S).exp();
    }
}

struct Step {
    span_s: f64,
    summed: f64,
    /// Drift as gravity shows it, with its weight as length.
    shown: Complex<f64>,
}

/// The angle over a whole stretch, with the drift followed from both sides, rad.
#[must_use]
pub fn smoothed(hinge: &Hinge, pairs: &[Pair]) -> Vec<f64> {
    let mut filter = Filter::new(hinge);
    let steps: Vec<Step> = pairs.iter().map(|p| filter.step(p)).collect();
    let mut later = vec![Complex::new(0.0, 0.0); steps.len()];
    let mut sum = Complex::new(0.0, 0.0);
    for (i, step) in steps.iter().enumerate().rev() {
        later[i] = sum;
        sum = (sum + step.shown) * (-step.span_s / MEMORY_S).exp();
    }
    let mut sum = Complex::new(0.0, 0.0);
    let mut followed = 0.0;
    steps
        .iter()
        .zip(later)
        .map(|(step, later)| {
            sum = sum * (-step.span_s / MEMORY_S).exp() + step.shown;
            followed = nearest((sum + later).arg(), followed);
            step.summed + followed
        })
        .collect()
}

/// The same direction as `angle`, less than half a turn from `to`.
fn nearest(angle: f64, to: f64) -> f64 {
    let turn = std::f64::consts::TAU;
    to + (angle - to + turn / 2.0).rem_euclid(turn) - turn / 2.0
}
