//! VQF without delay: the attitude of one sensor over a stretch that is known whole.
//!
//! Offline VQF (Laidig & Seel, Information Fusion 91, 2023, section 3.7; program `offline_vqf` of the authors):
//! the filter runs forward and backward for the gyroscope's bias, both estimates are weighed by their
//! covariances, the rates are integrated once without it, the acceleration is low-passed forward and backward
//! in that almost inertial frame, and each attitude is levelled by it. Equal to the authors' program for even
//! steps (vectors in `tests/vectors`). rad/s, m/s², s; earth z up, heading arbitrary.

use super::{
    low_pass::{Coefficients, LowPass},
    vqf::{Covariance, Params, Vqf, half_way, rotate, turned, unit},
};
use crate::model::frame::Vec3;
use nalgebra::{Matrix3, Quaternion, UnitQuaternion};

/// One sample of an unbroken stretch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Duration of the turn that ends with this sample, s.
    pub step_s: f64,
    /// Angular rate of that turn, rad/s.
    pub rate: Vec3,
    /// Acceleration at its end, m/s².
    pub acceleration: Vec3,
}

/// Attitudes of a stretch.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Sensor to earth at each step.
    pub attitudes: Vec<UnitQuaternion<f64>>,
    /// Gyroscope bias at each step, rad/s.
    pub biases: Vec<Vec3>,
    /// Mean size of the low-passed acceleration: gravity as the sensor reads it, m/s².
    pub gravity: f64,
}

/// Attitudes over `steps`, which are finite and come every `step_s` on average.
#[must_use]
pub fn attitudes(params: &Params, steps: &[Step], step_s: f64) -> Stretch {
    let biases = biases(params, steps, step_s);
    let mut strapdown = Vec::with_capacity(steps.len());
    let mut inertial = Vec::with_capacity(steps.len());
    let mut q = Quaternion::identity();
    for (step, bias) in steps.iter().zip(&biases) {
        q = turned(&q, &(step.rate - bias), step.step_s);
        inertial.push(rotate(&q, &step.acceleration).into());
        strapdown.push(q);
    }
    low_pass(
        &mut inertial,
        &Coefficients::new(params.level_tau_s, step_s),
    );
    let mut leveling = Quaternion::identity();
    let mut size = 0.0;
    let attitudes = strapdown
        .iter()
        .zip(&inertial)
        .map(|(q, low)| {
            let low = Vec3::from(*low);
            size += low.norm();
            let up = rotate(&leveling, &low);
            let length = up.norm();
            if length > f64::EPSILON {
                leveling = unit(half_way(&up, length) * leveling);
            }
            UnitQuaternion::new_unchecked(leveling * q)
        })
        .collect();
    Stretch {
        attitudes,
        biases,
        gravity: size / steps.len().max(1) as f64,
    }
}

/// What one direction knows of the bias: inverse covariance, and its product with the bias.
struct Belief {
    information: Matrix3<f64>,
    weighted: Vec3,
}

impl Belief {
    fn of(filter: &Vqf, sign: f64) -> Self {
        let information = symmetric(filter.covariance())
            .try_inverse()
            .unwrap_or_else(Matrix3::zeros);
        Self {
            information,
            weighted: information * filter.bias() * sign,
        }
    }

    fn with(&self, other: &Self) -> Vec3 {
        (self.information + other.information)
            .try_inverse()
            .map_or_else(Vec3::zeros, |covariance| {
                covariance * (self.weighted + other.weighted)
            })
    }
}

fn biases(params: &Params, steps: &[Step], step_s: f64) -> Vec<Vec3> {
    let mut filter = Vqf::new(params.clone(), step_s);
    let forward: Vec<Belief> = steps
        .iter()
        .map(|step| {
            filter.turn(step.rate, step.step_s);
            filter.level(step.acceleration);
            Belief::of(&filter, 1.0)
        })
        .collect();
    // Time runs backward: every turn is the other way round, and so is the bias.
    let mut filter = Vqf::new(params.clone(), step_s);
    let mut biases = vec![Vec3::zeros(); steps.len()];
    for i in (0..steps.len()).rev() {
        filter.turn(-steps[i].rate, steps[i].step_s);
        filter.level(steps[i].acceleration);
        biases[i] = forward[i].with(&Belief::of(&filter, -1.0));
    }
    biases
}

fn symmetric(p: &Covariance) -> Matrix3<f64> {
    Matrix3::new(p[0], p[1], p[2], p[1], p[3], p[4], p[2], p[4], p[5])
}

/// Forward, then backward from the level at which it ended.
fn low_pass(x: &mut [[f64; 3]], k: &Coefficients) {
    let mut filter = LowPass::default();
    for v in x.iter_mut() {
        *v = filter.push(*v, k);
    }
    let Some(last) = x.last() else { return };
    let mut filter = LowPass::settled(*last, k);
    for v in x.iter_mut().rev() {
        *v = filter.push(*v, k);
    }
}
