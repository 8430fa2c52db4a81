//! Sensor to segment: the axis a segment turns about (principal axis of its angular rate without the part
//! about the vertical) and, with "up" in the reference pose, the segment's axes. Sensor coordinates, rad.
//!
//! Which end of the axis points to the client's right is not decided here: that is anatomy.

use super::record::{Row, Sensing};
use crate::model::frame::Vec3;
use nalgebra::Matrix3;

/// Scatter of the angular rate.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scatter(Matrix3<f64>);

/// An axis with its quality.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    /// Unit vector, sign arbitrary.
    pub(super) direction: Vec3,
    /// First over the sum of the remaining eigenvalues.
    pub(super) quality: f64,
}

impl Scatter {
    /// Adds one horizontal angular rate (rad/s) that lasted `step_s`.
    pub(super) fn add(&mut self, rate: Vec3, step_s: f64) {
        self.0 += rate * rate.transpose() * step_s;
    }

    /// Adds another scatter.
    pub(super) fn merge(&mut self, other: &Scatter) {
        self.0 += other.0;
    }

    /// Forgets with the given share.
    pub(super) fn fade(&mut self, keep: f64) {
        self.0 *= keep;
    }

    /// The principal axis, `None` while nothing moved.
    pub(super) fn axis(&self) -> Option<Axis> {
        let total = self.0.trace();
        if total.is_nan() || total <= 1e-9 {
            return None;
        }
        let eigen = self.0.symmetric_eigen();
        let largest = eigen.eigenvalues.imax();
        let energy = eigen.eigenvalues[largest];
        let rest = (self.0.trace() - energy).max(energy * 1e-4);
        Some(Axis {
            direction: eigen.eigenvectors.column(largest).into_owned(),
            quality: energy / rest,
        })
    }
}

/// Scatter of a stretch of rows.
pub(super) fn scatter(rows: &[Row], bias: Vec3, sensing: Sensing) -> Scatter {
    let mut sum = Scatter::default();
    for pair in rows.windows(2) {
        let step_s = pair[1].t_s() - pair[0].t_s();
        if step_s > 0.0 && step_s < 0.5 {
            sum.add(horizontal_rate(&pair[0], &pair[1], bias, sensing), step_s);
        }
    }
    sum
}

/// Angular rate without its part about the vertical: turning on the spot must not look like a joint axis.
pub(super) fn horizontal_rate(before: &Row, after: &Row, bias: Vec3, sensing: Sensing) -> Vec3 {
    let up = after.up();
    match sensing {
        Sensing::Imu => {
            let rate = after.gyro() - bias;
            rate - up * rate.dot(&up)
        }
        Sensing::AccOnly => {
            let step_s = (after.t_s() - before.t_s()).max(1e-6);
            up.cross(&((before.up() - up) / step_s))
        }
    }
}

/// The axes of a segment in its sensor: up in the reference pose, and the axis it turns about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    up: Vec3,
    /// Axis of the movement; to the client's right once anatomy has decided.
    axis: Vec3,
    ahead: Vec3,
}

/// Below this share of "up" in the movement plane the tilt is not defined.
const SMALLEST_PROJECTION: f64 = 0.3;

impl Frame {
    /// `None` where the axis is nearly vertical in the reference pose.
    pub(super) fn new(reference_up: Vec3, axis: Vec3) -> Option<Self> {
        let up = reference_up - axis * reference_up.dot(&axis);
        if up.norm() < SMALLEST_PROJECTION {
            return None;
        }
        let up = up.normalize();
        Some(Self {
            up,
            axis,
            ahead: up.cross(&axis),
        })
    }

    /// Tilt in the movement plane, rad: positive when the top moves ahead. `None` where undefined.
    pub(super) fn forward_tilt(&self, up: Vec3) -> Option<f64> {
        let (x, y) = (up.dot(&self.ahead), up.dot(&self.up));
        (x * x + y * y >= SMALLEST_PROJECTION * SMALLEST_PROJECTION).then(|| (-x).atan2(y))
    }

    /// Tilt to the client's right, rad.
    pub(super) fn right_tilt(&self, up: Vec3) -> Option<f64> {
        let (z, y) = (up.dot(&self.axis), up.dot(&self.up));
        (z * z + y * y >= SMALLEST_PROJECTION * SMALLEST_PROJECTION).then(|| (-z).atan2(y))
    }

    /// The same frame looking the other way.
    pub(super) fn turned(self) -> Self {
        Self {
            up: self.up,
            axis: -self.axis,
            ahead: -self.ahead,
        }
    }

    pub(super) fn axis(&self) -> Vec3 {
        self.axis
    }

    /// "Up" in the reference pose, in the movement plane.
    pub(super) fn up(&self) -> Vec3 {
        self.up
    }

    /// The same axis with another reference pose.
    pub(super) fn referred_to(&self, reference_up: Vec3) -> Option<Self> {
        Self::new(reference_up, self.axis)
    }
}
