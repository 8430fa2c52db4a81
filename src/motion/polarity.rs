//! Which way a sensor's gyroscope counts, from gravity: when a sensor turns, the direction of gravity in it must turn
//! the other way by as much. A driver, a firmware or a housing may have the sign of one axis or of all reversed;
//! the orientation would then be wrong by twice every movement. m/s², rad/s, s.
//!
//! In blocks of a fifth of a second the mean direction of the acceleration changes by `d`; with the turn `w` of the
//! gyroscope over the same time, `d = u x (s * w)` for signs `s` that are +1 where all is right. `s` is the least
//! squares solution over all blocks in which little else than gravity acts.

use crate::model::frame::Vec3;
use nalgebra::Matrix3;

/// Length of a block, s.
const BLOCK_S: f64 = 0.2;
/// Blocks whose mean acceleration differs from gravity by more than this share say nothing.
const FORCE_SHARE: f64 = 0.15;
/// Nor do blocks that turn further, rad: the mean direction is no direction then.
const TURN_RAD: f64 = 1.0;
/// Sum of squared turns about an axis (across gravity) from which on its sign is known, rad²: two squats of a
/// thigh, six of a shank.
const ENOUGH_RAD2: f64 = 0.5;
/// A factor beyond this is a sign. Right gyroscopes of 104 sensors on people, rigs and weights showed 0.5 to 1.9 where
/// their accelerometer was right and 0 to 0.8 where it was not, never less than 0.
const SIGN: f64 = 0.5;
/// Share of the change of direction that may stay unexplained.
const RESIDUAL: f64 = 0.5;

/// Means of a block.
#[derive(Debug, Clone, Copy, Default)]
struct Block {
    number: i64,
    samples: f64,
    acc: Vec3,
    gyro: Vec3,
}

/// Watches one sensor until the signs of its gyroscope are known.
#[derive(Debug, Clone)]
pub(super) struct Polarity {
    sign: Vec3,
    decided: bool,
    now: Block,
    before: Option<Block>,
    normal: Matrix3<f64>,
    right: Vec3,
    change: f64,
}

impl Polarity {
    pub(super) fn new() -> Self {
        Self {
            sign: Vec3::repeat(1.0),
            decided: false,
            now: Block::default(),
            before: None,
            normal: Matrix3::zeros(),
            right: Vec3::zeros(),
            change: 0.0,
        }
    }

    /// What every angular rate of the sensor is to be multiplied with, axis by axis.
    pub(super) fn sign(&self) -> Vec3 {
        self.sign
    }

    /// Gravity has shown the signs; nothing more is to be learned.
    pub(super) fn is_decided(&self) -> bool {
        self.decided
    }

    /// Takes a sample as the sensor sent it; `gravity` as this sensor reads it. `true` = the signs are others than
    /// they were taken to be.
    pub(super) fn push(&mut self, t_s: f64, acc: Vec3, gyro: Vec3, gravity: f64) -> bool {
        let number = (t_s / BLOCK_S).floor() as i64;
        let mut turned = false;
        if number != self.now.number {
            turned = self.close(gravity);
            self.now = Block {
                number,
                ..Block::default()
            };
        }
        self.now.samples += 1.0;
        self.now.acc += acc;
        self.now.gyro += gyro;
        turned
    }

    fn close(&mut self, gravity: f64) -> bool {
        let block = self.now;
        let before = self.before.take();
        if block.samples < 2.0 {
            return false;
        }
        let mean = Block {
            acc: block.acc / block.samples,
            gyro: block.gyro / block.samples,
            ..block
        };
        if (mean.acc.norm() / gravity - 1.0).abs() > FORCE_SHARE {
            return false;
        }
        self.before = Some(mean);
        if let Some(before) = before.filter(|b| b.number + 1 == mean.number) {
            self.add(before, mean);
        }
        self.decide()
    }

    fn add(&mut self, a: Block, b: Block) {
        let turn = (a.gyro + b.gyro) * (BLOCK_S / 2.0);
        let (from, to) = (a.acc.normalize(), b.acc.normalize());
        let Some(up) = (from + to).try_normalize(1e-9) else {
            return;
        };
        if turn.norm() > TURN_RAD {
            return;
        }
        let change = to - from;
        let by = Matrix3::from_columns(&[
            up.cross(&Vec3::x()) * turn.x,
            up.cross(&Vec3::y()) * turn.y,
            up.cross(&Vec3::z()) * turn.z,
        ]);
        self.normal += by.transpose() * by;
        self.right += by.transpose() * change;
        self.change += change.norm_squared();
    }

    fn decide(&mut self) -> bool {
        let seen = self.normal.diagonal();
        if seen.max() < ENOUGH_RAD2 {
            return false;
        }
        let Some(inverse) = (self.normal + Matrix3::identity() * 1e-6).try_inverse() else {
            return false;
        };
        let factor = inverse * self.right;
        let explained = 2.0 * factor.dot(&self.right) - factor.dot(&(self.normal * factor));
        if self.change - explained > RESIDUAL * self.change {
            return false;
        }
        let known = |i: usize| seen[i] >= ENOUGH_RAD2;
        if (0..3).any(|i| known(i) && factor[i].abs() < SIGN) {
            return false;
        }
        self.decided = true;
        let reversed = |i: usize| known(i) && factor[i] < 0.0;
        if !(0..3).any(reversed) {
            return false;
        }
        // An axis that nothing is known of goes with the others: mostly all three are reversed.
        let right = |i: usize| seen[i] >= 0.2 * ENOUGH_RAD2 && factor[i] > SIGN;
        let sign = |i: usize| if right(i) { 1.0 } else { -1.0 };
        self.sign = Vec3::new(sign(0), sign(1), sign(2));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nods of 60 deg about `axis`, with the gyroscope's signs.
    fn reversed(axis: Vec3, signs: Vec3) -> Option<Vec3> {
        let mut polarity = Polarity::new();
        let axis = nalgebra::Unit::new_normalize(axis);
        for i in 0..2000 {
            let t = f64::from(i) * 0.01;
            let angle = 0.5 * (1.0 - (2.0 * t).cos());
            let turn = nalgebra::UnitQuaternion::from_axis_angle(&axis, angle);
            let acc = turn.inverse_transform_vector(&Vec3::new(1.0, 2.0, 9.6));
            let gyro = axis.into_inner() * (2.0 * t).sin();
            if polarity.push(t, acc, gyro.component_mul(&signs), acc.norm()) {
                return Some(polarity.sign());
            }
        }
        None
    }

    #[test]
    fn a_right_gyroscope_is_left_alone() {
        assert_eq!(reversed(Vec3::new(1.0, 0.2, 0.1), Vec3::repeat(1.0)), None);
    }

    #[test]
    fn a_reversed_gyroscope_is_seen() {
        let all = Vec3::repeat(-1.0);
        assert_eq!(reversed(Vec3::new(1.0, 0.2, 0.1), all), Some(all));
        assert_eq!(reversed(Vec3::new(-0.3, 1.0, 0.0), all), Some(all));
    }

    #[test]
    fn one_reversed_axis_is_seen() {
        let one = Vec3::new(-1.0, 1.0, 1.0);
        let found = reversed(Vec3::new(1.0, 1.0, 0.1), one);
        assert_eq!(found.map(|s| (s.x, s.y)), Some((-1.0, 1.0)));
    }
}
