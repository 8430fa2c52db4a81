//! The one person that all movement sensors sit on. Times in seconds of the bench's clock, accelerations in m/s² with
//! gravity, y up along the standing segment, angular rates in deg/s, z across it. No clothing, no soft tissue.

use std::f64::consts::TAU;

const GRAVITY: f64 = 9.80665;
const REP_S: f64 = 3.0;

/// Stands, or squats.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    begin_s: f64,
    end_s: f64,
}

impl Person {
    pub fn standing() -> Self {
        Self {
            begin_s: f64::INFINITY,
            end_s: f64::INFINITY,
        }
    }

    pub fn squat(&mut self, now_s: f64) {
        *self = Self {
            begin_s: now_s,
            ..Self::standing()
        };
    }

    /// Ends with the repetition under way.
    pub fn stand(&mut self, now_s: f64) {
        let reps = ((now_s - self.begin_s) / REP_S).ceil();
        self.end_s = self.begin_s + reps * REP_S;
    }

    /// Acceleration and angular rate of a sensor whose segment tilts by `range_deg` in a repetition.
    fn at(&self, range_deg: f64, t_s: f64) -> ([f64; 3], [f64; 3]) {
        if !(self.begin_s..self.end_s).contains(&t_s) {
            return ([0.0, GRAVITY, 0.0], [0.0; 3]);
        }
        let w = TAU / REP_S;
        let phase = w * (t_s - self.begin_s);
        let tilt = range_deg.to_radians() * (1.0 - phase.cos()) / 2.0;
        // The hip goes down and up.
        let force = GRAVITY - 0.2 * w * w * phase.cos();
        let rate = range_deg * w * phase.sin() / 2.0;
        (
            [tilt.sin() * force, tilt.cos() * force, 0.0],
            [0.0, 0.0, rate],
        )
    }
}

/// What one sensor feels: its place on the person, somebody's hand, a little noise.
#[derive(Debug, Clone)]
pub struct Feel {
    pub person: Person,
    pub shaken_until_s: f64,
    range_deg: f64,
    draws: u64,
}

impl Feel {
    pub fn at(place: &str) -> Self {
        Self {
            person: Person::standing(),
            shaken_until_s: 0.0,
            range_deg: match place {
                "thigh" => 80.0,
                "shank" => -30.0,
                "trunk" => 25.0,
                _ => 0.0,
            },
            draws: 0,
        }
    }

    /// Between -`size` and `size`, the same in every run.
    fn noise(&mut self, size: f64) -> f64 {
        self.draws += 1;
        let spread = self.draws.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        (spread as f64 / f64::from(1 << 23) - 1.0) * size
    }

    pub fn motion(&mut self, t_s: f64) -> ([f64; 3], [f64; 3]) {
        let (mut acc, mut gyro) = self.person.at(self.range_deg, t_s);
        for axis in 0..3 {
            acc[axis] += self.noise(0.03);
            gyro[axis] += self.noise(0.2);
        }
        if t_s < self.shaken_until_s {
            let swing = (TAU * 4.0 * t_s).sin();
            acc[0] += 8.0 * swing;
            gyro[1] += 300.0 * swing;
        }
        (acc, gyro)
    }
}
