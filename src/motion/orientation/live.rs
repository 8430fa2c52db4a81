//! "Up" in one worn sensor, sample by sample: the filter behind its guards. m/s², rad/s, session time in s.

use super::{
    ACC_ONLY_CUT_HZ, RESTART_GAP_S,
    guard::{Hole, Pace, Ranges, mean_rate, possible_acceleration, possible_rate},
    vqf::{Params, Vqf},
};
use crate::model::{frame::Vec3, sample::Quality};
use nalgebra::UnitQuaternion;

/// Standard deviation of a bias that was measured in stillness, deg/s.
const STILL_SIGMA: f64 = 0.115;
/// The bias is learned so often, Hz: it moves by hundredths of a deg/s in a second.
const BIAS_HZ: f64 = 12.5;
/// A step this many periods long is a hole.
const PERIODS_OF_A_HOLE: f64 = 1.6;

/// A measured angular rate with its time, s.
type Timed = (f64, Vec3);

/// Live filter of one sensor.
#[derive(Debug, Clone)]
pub struct Tracker {
    vqf: Vqf,
    pace: Pace,
    ranges: Ranges,
    last_s: Option<f64>,
    /// The newest rate, measured or not.
    rate: Option<Vec3>,
    /// The two newest measured rates, older first.
    measured: [Option<Timed>; 2],
    /// A hole whose far slope is not known yet.
    hole: Option<Hole>,
    /// Bias that is taken off before the filter, whose own reaches 2 deg/s.
    bias: Vec3,
    /// Low-passed acceleration of a sensor without gyroscope.
    acc_low: Option<Vec3>,
}

/// What one sample gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tracked {
    /// "Up" in the sensor, unit length.
    pub up: Vec3,
    /// The sample's marks, with those found here.
    pub quality: Quality,
}

impl Tracker {
    /// A tracker for about `nominal_hz`; the true rate is learned from the times.
    #[must_use]
    pub fn new(nominal_hz: f64) -> Self {
        let rate = if (1.0..=10_000.0).contains(&nominal_hz) {
            nominal_hz
        } else {
            50.0
        };
        Self {
            vqf: Vqf::new(
                Params {
                    bias_hz: BIAS_HZ,
                    ..Params::default()
                },
                1.0 / rate,
            ),
            pace: Pace::default(),
            ranges: Ranges::default(),
            last_s: None,
            rate: None,
            measured: [None; 2],
            hole: None,
            bias: Vec3::zeros(),
            acc_low: None,
        }
    }

    /// Takes one sample and returns "up" in the sensor. A sample that is no later than the one before, or that
    /// cannot be, changes nothing.
    pub fn update(
        &mut self,
        t_s: f64,
        acceleration: Vec3,
        rate: Option<Vec3>,
        quality: Quality,
    ) -> Tracked {
        let step_s = self.last_s.map(|last| t_s - last);
        let possible = t_s.is_finite()
            && step_s.is_none_or(|s| s > 0.0)
            && possible_acceleration(&acceleration)
            && rate.is_none_or(|r| possible_rate(&r));
        if !possible {
            let quality = quality.with(Quality::NOT_FINITE);
            return Tracked {
                up: self.up(),
                quality,
            };
        }
        self.last_s = Some(t_s);
        let usable = self.ranges.judge(&acceleration, rate.as_ref(), quality);
        let step_s = step_s.filter(|s| *s <= RESTART_GAP_S);
        if step_s.is_none() {
            self.restart();
        }
        match rate {
            Some(rate) => {
                self.turn(t_s, step_s, rate, usable.turns);
                if usable.levels {
                    self.vqf.level(acceleration);
                }
            }
            None => self.tilt(step_s.unwrap_or(0.0), acceleration),
        }
        Tracked {
            up: self.up(),
            quality: usable.quality,
        }
    }

    /// Sensor to earth; heading arbitrary.
    #[must_use]
    pub fn attitude(&self) -> UnitQuaternion<f64> {
        self.vqf.attitude()
    }

    /// "Up" in the sensor.
    #[must_use]
    pub fn up(&self) -> Vec3 {
        self.acc_low
            .and_then(|low| low.try_normalize(1e-9))
            .unwrap_or_else(|| self.vqf.up())
    }

    /// Gyroscope bias as estimated so far, rad/s.
    #[must_use]
    pub fn bias(&self) -> Vec3 {
        self.bias + self.vqf.bias()
    }

    /// A better estimate of the bias, from stillness.
    pub(in crate::motion) fn set_bias(&mut self, bias: Vec3) {
        if possible_rate(&bias) {
            self.bias = bias;
            self.vqf.set_bias(Vec3::zeros(), STILL_SIGMA);
        }
    }

    fn restart(&mut self) {
        self.vqf.restart();
        self.rate = None;
        self.measured = [None; 2];
        self.hole = None;
        self.acc_low = None;
    }

    fn turn(&mut self, t_s: f64, step_s: Option<f64>, raw: Vec3, measured: bool) {
        let rate = raw - self.bias;
        let before = self.rate.replace(rate);
        if let Some((step_s, before)) = step_s.zip(before) {
            if let Some(period) = self.pace.learn(step_s, self.vqf.step_s()) {
                self.vqf.retune(period);
            }
            self.bridge(before, rate, step_s);
        }
        if measured {
            self.look_back((t_s, rate));
        }
    }

    /// Turns from one sample to the next; a hole in small steps along a straight line.
    fn bridge(&mut self, before: Vec3, after: Vec3, step_s: f64) {
        let period = self.vqf.step_s();
        let parts = if step_s > PERIODS_OF_A_HOLE * period {
            (step_s / period).round().clamp(1.0, 500.0)
        } else {
            1.0
        };
        let part_s = step_s / parts;
        let mut from = before;
        for k in 1..=parts as u32 {
            let to = before + (after - before) * (f64::from(k) / parts);
            self.vqf.turn(mean_rate(&from, &to, part_s), part_s);
            from = to;
        }
    }

    /// One measured sample after a hole the slope beyond it is known, and with it what the straight line missed.
    fn look_back(&mut self, now: Timed) {
        let slope = |from: Timed, to: Timed| ((to.1 - from.1) / (to.0 - from.0), to.0 - from.0);
        let [older, last] = self.measured;
        self.measured = [last, Some(now)];
        let Some(last) = last else { return };
        let usual = |step_s: f64| step_s <= PERIODS_OF_A_HOLE * self.vqf.step_s();
        if !usual(now.0 - last.0) {
            let slope = older.map(|o| slope(o, last)).filter(|s| usual(s.1));
            self.hole = Some(Hole {
                from: last,
                slope,
                to: now,
            });
        } else if let Some(hole) = self.hole.take()
            && let Some(missed) = hole.missed_turn(Some(slope(last, now)))
        {
            self.vqf.correct(&missed);
        }
    }

    fn tilt(&mut self, step_s: f64, acceleration: Vec3) {
        let low = match self.acc_low {
            Some(low) => {
                let share = 1.0 - (-2.0 * std::f64::consts::PI * ACC_ONLY_CUT_HZ * step_s).exp();
                low + (acceleration - low) * share
            }
            None => acceleration,
        };
        self.acc_low = Some(low);
    }
}
