//! Movements and the sensors on them. Earth: x forward, y left, z up; m, s, rad. A movement is a depth between 0 (rest
//! end) and 1; the body says what depth does to its segments.

use nalgebra::{UnitQuaternion, Vector3};
use plimsoll::model::{
    body::Segment,
    packet::DeviceIndex,
    sample::{Quality, Sample, StreamId, StreamKind},
    time::SessionNs,
};

pub type V = Vector3<f64>;
pub type Q = UnitQuaternion<f64>;

pub const GRAVITY: f64 = 9.81;
pub const SHANK_DEG: f64 = 28.0;
pub const THIGH_DEG: f64 = -62.0;

/// Ways and stays, one after the other.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// Seconds, depth at the end, how.
    moves: Vec<(f64, f64, Way)>,
}

/// Course of a way over time.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Minimum jerk: begins and ends as slowly as a person after a pause.
    Smooth,
    /// Half a swing: turns without a pause.
    Swing,
}

impl Script {
    pub fn stay(mut self, seconds: f64) -> Self {
        let at = self.moves.last().map_or(0.0, |m| m.1);
        self.moves.push((seconds, at, Way::Smooth));
        self
    }

    pub fn go(mut self, seconds: f64, depth: f64) -> Self {
        self.moves.push((seconds, depth, Way::Smooth));
        self
    }

    /// `n` times out and back without a pause.
    pub fn swing(mut self, n: usize, out_s: f64, back_s: f64) -> Self {
        for _ in 0..n {
            self.moves.push((out_s, 1.0, Way::Swing));
            self.moves.push((back_s, 0.0, Way::Swing));
        }
        self
    }

    /// `n` times out, hold, back, rest.
    pub fn repeat(mut self, n: usize, tempo: [f64; 4], depth: f64) -> Self {
        for _ in 0..n {
            self = self
                .go(tempo[0], depth)
                .stay(tempo[1])
                .go(tempo[2], 0.0)
                .stay(tempo[3]);
        }
        self
    }

    pub fn seconds(&self) -> f64 {
        self.moves.iter().map(|m| m.0).sum()
    }

    pub fn depth(&self, t: f64) -> f64 {
        let (mut begin, mut from) = (0.0, 0.0);
        for (seconds, to, way) in &self.moves {
            if t < begin + seconds {
                let u = ((t - begin) / seconds).max(0.0);
                let share = match way {
                    Way::Smooth => u * u * u * (10.0 + u * (-15.0 + 6.0 * u)),
                    Way::Swing => (1.0 - (std::f64::consts::PI * u).cos()) / 2.0,
                };
                return from + (to - from) * share;
            }
            (begin, from) = (begin + seconds, *to);
        }
        from
    }

    /// Instants at which a way out of at least `least` ends.
    pub fn turns(&self, least: f64) -> Vec<f64> {
        let (mut t, mut from) = (0.0, 0.0);
        let mut turns = Vec::new();
        for (seconds, to, _) in &self.moves {
            t += seconds;
            if to - from >= least {
                turns.push(t);
            }
            from = *to;
        }
        turns
    }
}

/// What moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Squat: shank and thigh.
    Leg,
    /// Curl: the forearm turns by 130 deg.
    Curl,
    /// Press: the hand goes up by half a metre and does not turn.
    Press,
    /// Walking on the spot: thigh and shank swing; depth runs with the stride.
    Gait,
}

impl Body {
    pub fn segments(self) -> Vec<Segment> {
        match self {
            Self::Leg | Self::Gait => vec![Segment::ShankR, Segment::ThighR],
            Self::Curl | Self::Press => vec![Segment::ForearmR],
        }
    }

    /// Orientation (segment to earth) and position of a sensor at a depth.
    fn pose(self, link: usize, depth: f64) -> (Q, V) {
        let tilt = |deg: f64| Q::from_axis_angle(&V::y_axis(), (deg * depth).to_radians());
        match self {
            Self::Leg | Self::Gait => {
                let share = if self == Self::Gait { 0.6 } else { 1.0 };
                let (shank, thigh) = (tilt(SHANK_DEG * share), tilt(THIGH_DEG * share));
                let knee = shank * V::new(0.0, 0.0, 0.4);
                if link == 0 {
                    (shank, shank * V::new(0.0, 0.0, 0.2))
                } else {
                    (thigh, knee + thigh * V::new(0.0, 0.0, 0.2))
                }
            }
            Self::Curl => {
                let forearm = tilt(-130.0);
                (forearm, forearm * V::new(0.0, 0.0, -0.3))
            }
            Self::Press => (Q::identity(), V::new(0.0, 0.0, 0.5 * depth)),
        }
    }
}

/// How the body is watched.
#[derive(Debug, Clone)]
pub struct Watch {
    pub rate_hz: f64,
    pub mounts: [Q; 2],
    /// Heading of the body, rad.
    pub heading: fn(f64) -> f64,
    /// Error of every gyroscope, rad/s.
    pub bias: V,
    /// Signs of every gyroscope's axes.
    pub signs: V,
    pub gyroscope: bool,
    /// Largest error of an acceleration, m/s²; the rate errs by a hundredth of it, rad/s.
    pub noise: f64,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            rate_hz: 100.0,
            mounts: [
                Q::from_euler_angles(0.4, -1.1, 2.0),
                Q::from_euler_angles(-2.2, 0.7, 0.3),
            ],
            heading: |_| 0.0,
            bias: V::zeros(),
            signs: V::repeat(1.0),
            gyroscope: true,
            noise: 0.05,
        }
    }
}

impl Watch {
    /// Readings of all sensors of a body.
    pub fn samples(&self, body: Body, script: &Script) -> Vec<Sample> {
        let links = body.segments().len();
        let mut seed = 1;
        let mut samples = Vec::new();
        for i in 0..(script.seconds() * self.rate_hz) as i64 {
            for link in 0..links {
                // Sensors do not sample at the same instants.
                let t = i as f64 / self.rate_hz + 0.003 * link as f64;
                let (f, w) = self.reading(body, script, link, t);
                let mut error = || self.noise * random(&mut seed);
                let f = f + V::new(error(), error(), error());
                let w = w + V::new(error(), error(), error()) / 100.0;
                samples.push(self.sample(link, t, f, w));
            }
        }
        samples
    }

    fn sample(&self, link: usize, t: f64, f: V, w: V) -> Sample {
        let kind = if self.gyroscope {
            StreamKind::Imu
        } else {
            StreamKind::Acc
        };
        let w = if self.gyroscope { w } else { V::zeros() };
        Sample {
            stream: StreamId {
                device: DeviceIndex(u16::try_from(link).unwrap()),
                kind,
            },
            t: SessionNs::from_seconds(t),
            values: [f.x, f.y, f.z, w.x, w.y, w.z].map(|v| v as f32),
            quality: Quality::GOOD,
        }
    }

    /// Acceleration with gravity and angular rate in the axes of the mounted sensor.
    fn reading(&self, body: Body, script: &Script, link: usize, t: f64) -> (V, V) {
        const H: f64 = 1e-3;
        let pose = |t: f64| {
            let turn = Q::from_axis_angle(&V::z_axis(), (self.heading)(t));
            let (q, p) = body.pose(link, script.depth(t));
            (turn * q, turn * p)
        };
        let ((before, p0), (now, p1), (after, p2)) = (pose(t - H), pose(t), pose(t + H));
        let force = (p0 - 2.0 * p1 + p2) / (H * H) + V::new(0.0, 0.0, GRAVITY);
        let rate = (before.inverse() * after).scaled_axis() / (2.0 * H);
        let mount = self.mounts[link];
        let rate = mount * rate + self.bias;
        (
            mount * now.inverse_transform_vector(&force),
            rate.component_mul(&self.signs),
        )
    }
}

/// Between -1 and 1, always the same.
fn random(seed: &mut u64) -> f64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as f64 / f64::from(1_u32 << 30) - 1.0
}
