//! Where "up" is in a sensor, from acceleration (m/s²) and angular rate (rad/s). f64.
//!
//! [`Tracker`] is the live filter (VQF 6D, no magnetometer: a gym is full of steel). [`smooth`] is the
//! pass after the set: the same strapdown integration, with the acceleration in the almost inertial
//! frame low-passed without delay (offline VQF, Laidig & Seel 2023). Heading is not estimated anywhere:
//! nothing here may depend on it. A sample that is no number must not get in: it would silence VQF's
//! gyroscope for ever.

use super::{
    filter::low_pass_to_mean,
    record::{Row, Sensing},
};
use crate::model::frame::Vec3;
use nalgebra::UnitQuaternion;
use vqf_rs::VQF;

/// Gap after which the orientation starts anew, s.
pub(super) const RESTART_GAP_S: f64 = 0.5;
/// Cut-off that belongs to VQF's time constant of 3 s: sqrt(2) / (2 pi tau).
const CUT_HZ: f64 = std::f64::consts::SQRT_2 / (2.0 * std::f64::consts::PI * 3.0);
/// Stretch at each end whose mean stands for what lies beyond, s.
const EDGE_S: f64 = 4.0;
/// Cut-off for sensors without gyroscope, where acceleration alone shows the tilt, Hz.
const ACC_ONLY_CUT_HZ: f64 = 1.5;

/// Live filter of one sensor.
pub struct Tracker {
    vqf: VQF,
    last_s: Option<f64>,
    /// Low-passed acceleration of a sensor without gyroscope.
    acc_low: Option<Vec3>,
}

impl Tracker {
    /// A tracker for about `nominal_hz`.
    #[must_use]
    pub fn new(nominal_hz: f64) -> Self {
        let rate = if nominal_hz > 1.0 { nominal_hz } else { 50.0 };
        Self {
            vqf: VQF::new(1.0 / rate, None, None, None),
            last_s: None,
            acc_low: None,
        }
    }

    /// Takes one finite sample and returns "up" in the sensor.
    pub fn update(&mut self, t_s: f64, acc: Vec3, gyro: Option<Vec3>) -> Vec3 {
        let step_s = self.last_s.map_or(0.0, |last| t_s - last);
        self.last_s = Some(t_s);
        if !(0.0..=RESTART_GAP_S).contains(&step_s) {
            self.restart();
        }
        let Some(gyro) = gyro else {
            return self.tilt_only(step_s, acc);
        };
        if step_s > 0.0 && step_s <= RESTART_GAP_S {
            self.vqf.update_gyr_with_ts(gyro.into(), step_s);
        }
        self.vqf.update_acc(acc.into());
        let q = self.vqf.quat_6d();
        let q = UnitQuaternion::from_quaternion(nalgebra::Quaternion::new(q.0, q.1, q.2, q.3));
        q.inverse_transform_vector(&Vec3::z())
    }

    /// Gyroscope bias as estimated so far, rad/s.
    pub(super) fn bias(&self) -> Vec3 {
        let (bias, _) = self.vqf.bias_estimate();
        Vec3::from(bias)
    }

    /// A better estimate of the bias, from stillness.
    pub(super) fn set_bias(&mut self, bias: Vec3) {
        if bias.iter().all(|v| v.is_finite()) {
            self.vqf.set_bias_estimate(bias.into(), Some(0.002));
        }
    }

    fn restart(&mut self) {
        let (bias, sigma) = self.vqf.bias_estimate();
        self.vqf.reset_state();
        self.vqf.set_bias_estimate(bias, Some(sigma));
        self.acc_low = None;
    }

    fn tilt_only(&mut self, step_s: f64, acc: Vec3) -> Vec3 {
        let low = match self.acc_low {
            Some(low) => {
                let share = 1.0 - (-2.0 * std::f64::consts::PI * ACC_ONLY_CUT_HZ * step_s).exp();
                low + (acc - low) * share
            }
            None => acc,
        };
        self.acc_low = Some(low);
        low.try_normalize(1e-9).unwrap_or_else(Vec3::z)
    }
}

/// Replaces "up" of the rows by the estimate without delay, and fills in the vertical acceleration.
pub(super) fn smooth(rows: &mut [Row], bias: Vec3, sensing: Sensing) {
    let mut from = 0;
    for i in 1..=rows.len() {
        let cut = i == rows.len() || rows[i].t_s() - rows[i - 1].t_s() > RESTART_GAP_S;
        if cut {
            smooth_piece(&mut rows[from..i], bias, sensing);
            from = i;
        }
    }
}

fn smooth_piece(rows: &mut [Row], bias: Vec3, sensing: Sensing) {
    let Some(rate_hz) = rate_of(rows) else {
        return;
    };
    let mut attitude = Vec::with_capacity(rows.len());
    let mut inertial = [const { Vec::new() }; 3];
    let mut q = UnitQuaternion::identity();
    let mut last = rows[0];
    for row in rows.iter() {
        let step_s = row.t_s() - last.t_s();
        if sensing == Sensing::Imu {
            // The mean of both ends: slow sensors turn far between two samples.
            let rate = (row.gyro() + last.gyro()) / 2.0 - bias;
            q *= UnitQuaternion::from_scaled_axis(rate * step_s);
        }
        last = *row;
        attitude.push(q);
        let f = q * row.acc();
        for (axis, v) in inertial.iter_mut().zip(f.iter()) {
            axis.push(*v);
        }
    }
    let low = match sensing {
        Sensing::Imu => inertial
            .each_ref()
            .map(|x| low_pass_to_mean(x, rate_hz, CUT_HZ, EDGE_S)),
        Sensing::AccOnly => inertial
            .each_ref()
            .map(|x| super::filter::low_pass(x, rate_hz, ACC_ONLY_CUT_HZ)),
    };
    let at = |i: usize| Vec3::new(low[0][i], low[1][i], low[2][i]);
    let g0 = (0..rows.len()).map(|i| at(i).norm()).sum::<f64>() / rows.len() as f64;
    for (i, row) in rows.iter_mut().enumerate() {
        let Some(up) = at(i).try_normalize(1e-9) else {
            continue;
        };
        let f = Vec3::new(inertial[0][i], inertial[1][i], inertial[2][i]);
        row.set_up(attitude[i].inverse_transform_vector(&up));
        // Scaled by the sensor's own gravity: some read 0.97 g or 1.4 g at rest.
        row.vertical = if g0 > 1.0 {
            ((f.dot(&up) / g0 - 1.0) * crate::model::units::STANDARD_GRAVITY) as f32
        } else {
            0.0
        };
    }
}

/// Samples a second, from first to last; `None` for less than four rows.
pub(super) fn rate_of(rows: &[Row]) -> Option<f64> {
    let (first, last) = (rows.first()?, rows.last()?);
    let span = last.t_s() - first.t_s();
    (rows.len() > 3 && span > 0.0).then(|| (rows.len() - 1) as f64 / span)
}
