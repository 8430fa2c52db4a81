//! VQF without magnetometer: the attitude of one sensor from angular rate and acceleration, sample by sample.
//!
//! Laidig & Seel, "VQF: Highly accurate IMU orientation estimation with bias estimation and magnetic
//! disturbance rejection", Information Fusion 91 (2023) 187-204: strapdown integration; the acceleration, low-passed
//! in the almost inertial frame of that integration, levels it; a Kalman filter of three states finds the
//! gyroscope's bias at rest and in movement. Equal to the authors' program (vectors in `tests/vectors`), but
//! each turn has its own duration, the rate may be learned later, and nothing that is no number gets in:
//! there one such sample silences the gyroscope for ever. rad/s, m/s², s; earth z up, heading arbitrary.

use super::low_pass::{Coefficients, LowPass};
use crate::model::frame::Vec3;
use nalgebra::{Quaternion, UnitQuaternion};

/// Parameters with the names and defaults of the publication.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// Trust in the gyroscope against the accelerometer (tau_acc), s.
    pub level_tau_s: f64,
    /// Standard deviation of the bias at the beginning, deg/s.
    pub bias_sigma_first: f64,
    /// Time in which the bias becomes unsure by 0.1 deg/s when nothing is measured, s.
    pub bias_forgetting_s: f64,
    /// Largest bias, deg/s.
    pub bias_clip: f64,
    /// Standard deviation of a bias measured in movement, deg/s.
    pub bias_sigma_motion: f64,
    /// Weight of the pull of the vertical bias to zero in movement.
    pub bias_vertical_forgetting: f64,
    /// Standard deviation of a bias measured at rest, deg/s.
    pub bias_sigma_rest: f64,
    /// Stillness that is rest, s.
    pub rest_s: f64,
    /// Time constant of the means that rest is judged by, s.
    pub rest_tau_s: f64,
    /// Largest departure of the angular rate at rest, deg/s.
    pub rest_rate: f64,
    /// Largest departure of the acceleration at rest, m/s².
    pub rest_acceleration: f64,
    /// The bias is learned no more often than this, Hz: it moves by 0.1 deg/s in 100 s. As published, with every sample.
    pub bias_hz: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            level_tau_s: 3.0,
            bias_sigma_first: 0.5,
            bias_forgetting_s: 100.0,
            bias_clip: 2.0,
            bias_sigma_motion: 0.1,
            bias_vertical_forgetting: 0.0001,
            bias_sigma_rest: 0.03,
            rest_s: 1.5,
            rest_tau_s: 0.5,
            rest_rate: 2.0,
            rest_acceleration: 0.5,
            bias_hz: f64::INFINITY,
        }
    }
}

/// What follows from parameters and period. Variances in (0.01 deg/s)².
#[derive(Debug, Clone)]
struct Gains {
    step_s: f64,
    /// Samples from one step of the bias filter to the next, and their rate.
    bias_every: f64,
    bias_rate_hz: f64,
    level: Coefficients,
    bias: Coefficients,
    rest: Coefficients,
    variance_first: f64,
    variance_step: f64,
    noise_motion: f64,
    noise_vertical: f64,
    noise_rest: f64,
    clip: f64,
    rest_rate_squared: f64,
}

impl Gains {
    fn new(p: &Params, step_s: f64) -> Self {
        let square = |v: f64| v * v;
        let bias_every = (1.0 / (step_s * p.bias_hz)).floor().max(1.0);
        let bias_step_s = bias_every * step_s;
        let variance_step = square(0.1 * 100.0) * bias_step_s / p.bias_forgetting_s;
        let noise = |sigma: f64| {
            let variance = square(sigma * 100.0);
            square(variance) / variance_step + variance
        };
        let noise_motion = noise(p.bias_sigma_motion);
        Self {
            step_s,
            bias_every,
            bias_rate_hz: 1.0 / bias_step_s,
            level: Coefficients::new(p.level_tau_s, step_s),
            bias: Coefficients::new(p.level_tau_s, bias_step_s),
            rest: Coefficients::new(p.rest_tau_s, step_s),
            variance_first: square(p.bias_sigma_first * 100.0),
            variance_step,
            noise_motion,
            noise_vertical: noise_motion / p.bias_vertical_forgetting.max(1e-10),
            noise_rest: noise(p.bias_sigma_rest),
            clip: p.bias_clip.to_radians(),
            rest_rate_squared: square(p.rest_rate.to_radians()),
        }
    }
}

/// Symmetric 3 x 3: xx, xy, xz, yy, yz, zz.
pub(super) type Covariance = [f64; 6];

/// All that moves.
#[derive(Debug, Clone)]
struct State {
    /// Sensor to almost inertial frame.
    strapdown: Quaternion<f64>,
    /// Almost inertial frame to earth.
    leveling: Quaternion<f64>,
    bias: [f64; 3],
    covariance: Covariance,
    acceleration: LowPass<3>,
    rotation: LowPass<9>,
    turned_bias: LowPass<2>,
    rest_rate: LowPass<3>,
    rest_acceleration: LowPass<3>,
    mean_rate: [f64; 3],
    still_s: f64,
    at_rest: bool,
    /// Since the bias was learned last: samples, and the sum of what leveling had to put right.
    unlearned: f64,
    leaned: [f64; 2],
    leveled: bool,
}

impl State {
    fn new(bias: [f64; 3], covariance: Covariance) -> Self {
        Self {
            strapdown: Quaternion::identity(),
            leveling: Quaternion::identity(),
            bias,
            covariance,
            acceleration: LowPass::default(),
            rotation: LowPass::default(),
            turned_bias: LowPass::default(),
            rest_rate: LowPass::default(),
            rest_acceleration: LowPass::default(),
            mean_rate: [0.0; 3],
            still_s: 0.0,
            at_rest: false,
            unlearned: 0.0,
            leaned: [0.0; 2],
            leveled: false,
        }
    }
}

fn diagonal(v: f64) -> Covariance {
    [v, 0.0, 0.0, v, 0.0, v]
}

/// The filter.
#[derive(Debug, Clone)]
pub struct Vqf {
    params: Params,
    gains: Gains,
    state: State,
}

impl Vqf {
    /// A filter for samples every `step_s`, a positive number.
    #[must_use]
    pub fn new(params: Params, step_s: f64) -> Self {
        let gains = Gains::new(&params, step_s);
        let state = State::new([0.0; 3], diagonal(gains.variance_first));
        Self {
            params,
            gains,
            state,
        }
    }

    /// The period the filter is tuned to, s.
    #[must_use]
    pub fn step_s(&self) -> f64 {
        self.gains.step_s
    }

    /// Goes on with another period; what was learned stays.
    pub fn retune(&mut self, step_s: f64) {
        let new = Gains::new(&self.params, step_s);
        let (old, s) = (&self.gains, &mut self.state);
        s.acceleration.retune(&old.level, &new.level);
        s.rotation.retune(&old.bias, &new.bias);
        s.turned_bias.retune(&old.bias, &new.bias);
        s.rest_rate.retune(&old.rest, &new.rest);
        s.rest_acceleration.retune(&old.rest, &new.rest);
        self.gains = new;
    }

    /// Begins anew with the bias that is known.
    pub fn restart(&mut self) {
        self.state = State::new(self.state.bias, self.state.covariance);
    }

    /// Sensor to earth.
    #[must_use]
    pub fn attitude(&self) -> UnitQuaternion<f64> {
        UnitQuaternion::new_unchecked(self.state.leveling * self.state.strapdown)
    }

    /// "Up" in the sensor: the last row of the rotation matrix, so no matrix is made.
    #[must_use]
    pub fn up(&self) -> Vec3 {
        let q = self.state.leveling * self.state.strapdown;
        let (w, x, y, z) = (q.w, q.i, q.j, q.k);
        Vec3::new(
            2.0 * (x * z - w * y),
            2.0 * (w * x + y * z),
            1.0 - 2.0 * (x * x + y * y),
        )
    }

    /// Gyroscope bias, rad/s.
    #[must_use]
    pub fn bias(&self) -> Vec3 {
        Vec3::from(self.state.bias)
    }

    /// A bias from elsewhere, rad/s, with its standard deviation, deg/s.
    pub fn set_bias(&mut self, bias: Vec3, sigma: f64) {
        if bias.iter().all(|v| v.is_finite()) && sigma > 0.0 {
            self.state.bias = bias.into();
            let variance = (sigma * 100.0) * (sigma * 100.0);
            self.state.covariance = diagonal(variance);
        }
    }

    /// Rest was found.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.state.at_rest
    }

    pub(super) fn covariance(&self) -> &Covariance {
        &self.state.covariance
    }

    /// Turns by an angular rate over `step_s`; what is no number is left out.
    pub fn turn(&mut self, rate: Vec3, step_s: f64) {
        if !(rate.norm_squared() * step_s).is_finite() {
            return;
        }
        let (g, s) = (&self.gains, &mut self.state);
        s.mean_rate = s.rest_rate.push(rate.into(), &g.rest);
        let away = rate - Vec3::from(s.mean_rate);
        if away.norm_squared() >= g.rest_rate_squared
            || s.mean_rate.iter().any(|v| v.abs() > g.clip)
        {
            s.still_s = 0.0;
            s.at_rest = false;
        }
        s.strapdown = turned(&s.strapdown, &(rate - Vec3::from(s.bias)), step_s);
    }

    /// A turn that was found out later, about the sensor's axes, rad.
    pub(super) fn correct(&mut self, angle: &Vec3) {
        if angle.norm_squared().is_finite() {
            self.state.strapdown = turned(&self.state.strapdown, angle, 1.0);
        }
    }

    /// Levels by an acceleration; nothing is learned from 0 or from what is no number.
    pub fn level(&mut self, acceleration: Vec3) {
        let size = acceleration.norm_squared();
        if !(size > 0.0 && size.is_finite()) {
            return;
        }
        self.judge_rest(acceleration);
        let (g, s) = (&self.gains, &mut self.state);
        let inertial = rotate(&s.strapdown, &acceleration);
        let low = Vec3::from(s.acceleration.push(inertial.into(), &g.level));
        let up = rotate(&s.leveling, &low);
        let size = up.norm();
        if size <= f64::EPSILON {
            return;
        }
        s.leveling = unit(half_way(&up, size) * s.leveling);
        let up = up * (1.0 / size);
        // The first leveling finds the vertical and is no drift. As published it counts; there the next samples soon
        // outweigh it.
        if s.leveled || g.bias_every <= 1.0 {
            s.leaned[0] += up.x;
            s.leaned[1] += up.y;
        }
        s.leveled = true;
        s.unlearned += 1.0;
        if s.unlearned >= g.bias_every {
            self.learn_bias();
        }
    }

    fn judge_rest(&mut self, acceleration: Vec3) {
        let (g, s) = (&self.gains, &mut self.state);
        let mean = s.rest_acceleration.push(acceleration.into(), &g.rest);
        let away = (acceleration - Vec3::from(mean)).norm_squared();
        if away >= self.params.rest_acceleration * self.params.rest_acceleration {
            s.still_s = 0.0;
            s.at_rest = false;
        } else {
            s.still_s += g.step_s;
            s.at_rest |= s.still_s >= self.params.rest_s;
        }
    }

    /// One step of the Kalman filter, from how far the measured vertical leaned before it was levelled.
    fn learn_bias(&mut self) {
        let (g, s) = (&self.gains, &mut self.state);
        let [x, y] = std::mem::take(&mut s.leaned);
        s.unlearned = 0.0;
        let m = matrix(&(s.leveling * s.strapdown));
        let b = s.bias;
        let dot = |row: &[f64]| row[0] * b[0] + row[1] * b[1] + row[2] * b[2];
        let turned = s.turned_bias.push([dot(&m[..3]), dot(&m[3..6])], &g.bias);
        let r = s.rotation.push(m, &g.bias);
        for i in [0, 3, 5] {
            if s.covariance[i] < g.variance_first {
                s.covariance[i] += g.variance_step;
            }
        }
        let mut update = Update {
            covariance: &mut s.covariance,
            change: [0.0; 3],
        };
        if s.at_rest {
            for i in 0..3 {
                let mut row = [0.0; 3];
                row[i] = 1.0;
                let error = (s.mean_rate[i] - b[i]).clamp(-g.clip, g.clip);
                update.measure(&row, error, g.noise_rest);
            }
        } else {
            let errors = [
                -y * g.bias_rate_hz + turned[0] - dot(&r[..3]),
                x * g.bias_rate_hz + turned[1] - dot(&r[3..6]),
                -dot(&r[6..]),
            ];
            let noise = [g.noise_motion, g.noise_motion, g.noise_vertical];
            for i in 0..3 {
                let row = [r[3 * i], r[3 * i + 1], r[3 * i + 2]];
                update.measure(&row, errors[i].clamp(-g.clip, g.clip), noise[i]);
            }
        }
        for (bias, change) in s.bias.iter_mut().zip(update.change) {
            *bias = (*bias + change).clamp(-g.clip, g.clip);
        }
    }
}

/// Measurements whose noises are independent may be taken one after the other.
struct Update<'a> {
    covariance: &'a mut Covariance,
    change: [f64; 3],
}

impl Update<'_> {
    /// `error` = measured - row * bias, with the bias from before the first measurement.
    fn measure(&mut self, row: &[f64; 3], error: f64, noise: f64) {
        let p = &mut *self.covariance;
        let c = [
            p[0] * row[0] + p[1] * row[1] + p[2] * row[2],
            p[1] * row[0] + p[3] * row[1] + p[4] * row[2],
            p[2] * row[0] + p[4] * row[1] + p[5] * row[2],
        ];
        let scale = 1.0 / (row[0] * c[0] + row[1] * c[1] + row[2] * c[2] + noise);
        let x = &mut self.change;
        let left = (error - row[0] * x[0] - row[1] * x[1] - row[2] * x[2]) * scale;
        for i in 0..3 {
            x[i] += c[i] * left;
        }
        let k = c.map(|v| v * scale);
        p[0] -= k[0] * c[0];
        p[1] -= k[0] * c[1];
        p[2] -= k[0] * c[2];
        p[3] -= k[1] * c[1];
        p[4] -= k[1] * c[2];
        p[5] -= k[2] * c[2];
    }
}

/// The smallest rotation that takes `up`, of length `size`, to z; its own length is any.
pub(super) fn half_way(up: &Vec3, size: f64) -> Quaternion<f64> {
    let w = size + up.z;
    if w > 1e-12 * size {
        Quaternion::new(w, up.y, -up.x, 0.0)
    } else {
        Quaternion::new(0.0, 1.0, 0.0, 0.0)
    }
}

/// `q` after turning at `rate` for `step_s`.
pub(super) fn turned(q: &Quaternion<f64>, rate: &Vec3, step_s: f64) -> Quaternion<f64> {
    let half = rate * (step_s / 2.0);
    let square = half.norm_squared();
    let (sinc, cos) = if square < SMALL * SMALL {
        small_sinc_cos(square)
    } else {
        let size = square.sqrt();
        (size.sin() / size, size.cos())
    };
    let v = half * sinc;
    still_unit(q * Quaternion::new(cos, v.x, v.y, v.z))
}

/// Below this the series of sine and cosine are exact to the last bits.
const SMALL: f64 = 0.2;

/// `sin(x) / x` and `cos(x)` of `y = x^2`: Taylor's series to the 10th and 12th power, without a root or a division.
fn small_sinc_cos(y: f64) -> (f64, f64) {
    const SIN: [f64; 5] = [
        -1.0 / 6.0,
        1.0 / 120.0,
        -1.0 / 5_040.0,
        1.0 / 362_880.0,
        -1.0 / 39_916_800.0,
    ];
    const COS: [f64; 6] = [
        -1.0 / 2.0,
        1.0 / 24.0,
        -1.0 / 720.0,
        1.0 / 40_320.0,
        -1.0 / 3_628_800.0,
        1.0 / 479_001_600.0,
    ];
    let series = |k: &[f64]| k.iter().rev().fold(0.0, |sum, k| k + y * sum);
    (1.0 + y * series(&SIN), 1.0 + y * series(&COS))
}

pub(super) fn unit(q: Quaternion<f64>) -> Quaternion<f64> {
    q * (1.0 / q.norm())
}

/// A product of unit quaternions, without what rounding has added: one step of Newton's method is exact there.
fn still_unit(q: Quaternion<f64>) -> Quaternion<f64> {
    q * (1.5 - 0.5 * q.norm_squared())
}

/// `q v q*` for a unit quaternion.
pub(super) fn rotate(q: &Quaternion<f64>, v: &Vec3) -> Vec3 {
    let (w, u) = (q.w, q.imag());
    let t = u.cross(v) * 2.0;
    v + t * w + u.cross(&t)
}

/// Rows of the rotation matrix of a unit quaternion.
fn matrix(q: &Quaternion<f64>) -> [f64; 9] {
    let (w, x, y, z) = (q.w, q.i, q.j, q.k);
    [
        1.0 - 2.0 * (y * y + z * z),
        2.0 * (x * y - w * z),
        2.0 * (w * y + x * z),
        2.0 * (w * z + x * y),
        1.0 - 2.0 * (x * x + z * z),
        2.0 * (y * z - w * x),
        2.0 * (x * z - w * y),
        2.0 * (w * x + y * z),
        1.0 - 2.0 * (x * x + y * y),
    ]
}
