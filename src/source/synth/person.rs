//! A person as a chain of segments: joint angles to orientations and positions in earth coordinates.
//!
//! Segment axes X forward, Y up, Z to the client's right; forward tilt is positive when the top of the
//! segment moves forward. Feet stand; shank, thigh, pelvis, thorax stack up from the ankle, arms hang
//! from the shoulder. Lengths m, angles rad, earth z up.

use super::track::Track;
use crate::model::{
    body::{Segment, Side},
    frame::Vec3,
};
use nalgebra::{Rotation3, UnitQuaternion};
use std::f64::consts::TAU;

/// What a person's body does over time; angles in degrees.
#[derive(Debug, Clone)]
pub(super) struct Body {
    /// Knee flexion of both legs.
    pub knee: Track,
    /// Forward tilt of the thorax.
    pub lean: Track,
    /// Elevation of the arms forward.
    pub arm: Track,
    /// Flexion of the elbows.
    pub elbow: Track,
    /// Which way the client faces.
    pub heading: Track,
    /// Swing of the legs while walking.
    pub gait: Track,
    /// Phases of the sway, rad.
    pub sway: [f64; 6],
}

/// Share of knee flexion that the shank leans forward.
const SHANK_SHARE: f64 = 0.28;
/// Share of the trunk's lean that the pelvis makes.
const PELVIS_SHARE: f64 = 0.6;
/// Amplitude of the sway of a standing person, deg.
const SWAY_DEG: f64 = 0.35;
const SHANK_M: f64 = 0.42;
const THIGH_M: f64 = 0.43;
const TRUNK_M: f64 = 0.50;
const UPPER_ARM_M: f64 = 0.30;
const FOREARM_M: f64 = 0.26;
/// Steps a second of one leg.
const STRIDE_HZ: f64 = 0.9;

/// Where a segment is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pose {
    /// Segment axes to earth.
    pub earth_from_segment: UnitQuaternion<f64>,
    /// The place where its sensor sits.
    pub position_m: Vec3,
}

/// Tilts of one segment, deg.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tilt {
    pub forward: f64,
    pub right: f64,
}

impl Body {
    /// Tilts of a segment at `t`.
    pub(super) fn tilt(&self, segment: Segment, t: f64) -> Tilt {
        let knee = self.knee.at(t);
        let stride = |side: f64| self.gait.at(t) * (TAU * STRIDE_HZ * t + side).sin();
        let side = if segment.side() == Some(Side::Left) {
            0.0
        } else {
            std::f64::consts::PI
        };
        let lean = self.lean.at(t);
        let sway = |k: usize| SWAY_DEG * (TAU * (0.13 + 0.07 * k as f64) * t + self.sway[k]).sin();
        let (forward, right) = match segment {
            Segment::ShankL | Segment::ShankR => (
                SHANK_SHARE * knee + stride(side + 0.7) + sway(0),
                0.4 * sway(3),
            ),
            Segment::ThighL | Segment::ThighR => (
                (SHANK_SHARE - 1.0) * knee + stride(side) + sway(1),
                0.02 * knee + 0.4 * sway(4),
            ),
            Segment::Pelvis | Segment::Lumbar => (PELVIS_SHARE * lean + sway(2), sway(5)),
            Segment::UpperArmL | Segment::UpperArmR => {
                (lean - self.arm.at(t) + sway(2) + sway(4), sway(5))
            }
            Segment::ForearmL | Segment::ForearmR => (
                lean - self.arm.at(t) - self.elbow.at(t) + sway(2) + sway(4),
                sway(5),
            ),
            Segment::FootL | Segment::FootR => (stride(side), 0.0),
            _ => (lean + sway(2), sway(5)),
        };
        Tilt { forward, right }
    }

    /// Orientation and place of the sensor on `segment` at `t`.
    pub(super) fn pose(&self, segment: Segment, t: f64) -> Pose {
        let earth_from_segment = self.orientation(segment, t);
        Pose {
            earth_from_segment,
            position_m: self.place(segment, t),
        }
    }

    fn orientation(&self, segment: Segment, t: f64) -> UnitQuaternion<f64> {
        let tilt = self.tilt(segment, t);
        let heading = self.heading.at(t).to_radians();
        let forward = Vec3::new(heading.cos(), heading.sin(), 0.0);
        let right = forward.cross(&Vec3::z());
        let neutral = Rotation3::from_matrix_unchecked(nalgebra::Matrix3::from_columns(&[
            forward,
            Vec3::z(),
            right,
        ]));
        // Seen in segment axes: tilting forward turns about -Z, leaning right about +X.
        let pitch =
            Rotation3::from_axis_angle(&nalgebra::Vector3::z_axis(), -tilt.forward.to_radians());
        let roll =
            Rotation3::from_axis_angle(&nalgebra::Vector3::x_axis(), tilt.right.to_radians());
        UnitQuaternion::from_rotation_matrix(&(neutral * roll * pitch))
    }

    /// Along a segment from its lower end, m.
    fn up(&self, segment: Segment, t: f64, length: f64) -> Vec3 {
        self.orientation(segment, t) * Vec3::new(0.0, length, 0.0)
    }

    fn place(&self, segment: Segment, t: f64) -> Vec3 {
        let left = segment.side() != Some(Side::Right);
        let (shank, thigh) = if left {
            (Segment::ShankL, Segment::ThighL)
        } else {
            (Segment::ShankR, Segment::ThighR)
        };
        let knee = self.up(shank, t, SHANK_M);
        match segment {
            Segment::FootL | Segment::FootR => return Vec3::zeros(),
            Segment::ShankL | Segment::ShankR => return self.up(shank, t, 0.55 * SHANK_M),
            Segment::ThighL | Segment::ThighR => return knee + self.up(thigh, t, 0.5 * THIGH_M),
            _ => {}
        }
        let hip = knee + self.up(thigh, t, THIGH_M);
        if matches!(segment, Segment::Pelvis | Segment::Lumbar) {
            return hip + self.up(segment, t, 0.1);
        }
        let shoulder = hip + self.up(Segment::Thorax, t, TRUNK_M);
        let (arm, fore) = if left {
            (Segment::UpperArmL, Segment::ForearmL)
        } else {
            (Segment::UpperArmR, Segment::ForearmR)
        };
        match segment {
            Segment::UpperArmL | Segment::UpperArmR => {
                shoulder - self.up(arm, t, 0.7 * UPPER_ARM_M)
            }
            Segment::ForearmL | Segment::ForearmR => {
                shoulder - self.up(arm, t, UPPER_ARM_M) - self.up(fore, t, 0.8 * FOREARM_M)
            }
            _ => hip + self.up(Segment::Thorax, t, 0.75 * TRUNK_M),
        }
    }
}
