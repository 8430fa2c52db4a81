//! Stillness of one sensor: a running stretch in which the angular rate stays near its mean and the size of
//! the acceleration stays near its mean. Everything is relative to the sensor's own values: sensors read
//! 0.965 g or 14 m/s² at rest, and turn at some deg/s when nothing turns. m/s², rad/s, s.

use super::params::Params;
use crate::model::frame::Vec3;

/// Largest mean angular rate that may be bias and not movement, rad/s (10 deg/s).
const LARGEST_BIAS: f64 = 0.175;
/// Time after which a stretch is judged against a forgetting mean, s.
const MEMORY_S: f64 = 4.0;

/// The stretch of stillness that is going on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) since_s: f64,
    pub(super) until_s: f64,
    pub(super) gyro: Vec3,
    pub(super) acc: Vec3,
}

impl Stretch {
    pub(super) fn seconds(&self) -> f64 {
        self.until_s - self.since_s
    }

    /// "Up" in the sensor.
    pub(super) fn up(&self) -> Option<Vec3> {
        self.acc.try_normalize(1e-9)
    }
}

/// Detector of one sensor.
pub(super) struct Still {
    rate_limit: f64,
    acc_share: f64,
    now: Option<Stretch>,
    /// The newest stretch that lasted long enough to be used, complete or going on.
    best: Option<Stretch>,
}

/// A stretch shorter than this says nothing, s.
const USABLE_S: f64 = 0.4;

impl Still {
    pub(super) fn new(params: &Params) -> Self {
        Self {
            rate_limit: params.still_rate_deg_s.to_radians(),
            acc_share: params.still_acc_share,
            now: None,
            best: None,
        }
    }

    /// A detector with the same limits that has seen nothing.
    pub(super) fn anew(&self) -> Self {
        Self {
            now: None,
            best: None,
            ..*self
        }
    }

    pub(super) fn push(&mut self, t_s: f64, acc: Vec3, gyro: Vec3) {
        let Some(now) = &mut self.now else {
            self.begin(t_s, acc, gyro);
            return;
        };
        let square = |v: f64| v * v;
        let quiet = (gyro - now.gyro).norm_squared() < square(self.rate_limit)
            && (acc - now.acc).norm_squared()
                < square(1.5 * self.acc_share) * now.acc.norm_squared()
            && now.gyro.norm_squared() < square(LARGEST_BIAS)
            && t_s - now.until_s < 0.5;
        if !quiet {
            self.begin(t_s, acc, gyro);
            return;
        }
        let step = t_s - now.until_s;
        now.until_s = t_s;
        let share = step / (t_s - now.since_s).clamp(step.max(1e-6), MEMORY_S);
        now.acc += (acc - now.acc) * share.min(1.0);
        now.gyro += (gyro - now.gyro) * share.min(1.0);
        if now.seconds() >= USABLE_S {
            self.best = Some(*now);
        }
    }

    /// The stretch that is going on.
    pub(super) fn now(&self) -> Option<&Stretch> {
        self.now.as_ref()
    }

    /// The newest usable stretch.
    pub(super) fn newest(&self) -> Option<&Stretch> {
        self.best.as_ref()
    }

    fn begin(&mut self, t_s: f64, acc: Vec3, gyro: Vec3) {
        self.now = Some(Stretch {
            since_s: t_s,
            until_s: t_s,
            gyro,
            acc,
        });
    }
}
