//! Vectors and rotations with their frames in the name.
//!
//! Earth frame: x east-like (arbitrary heading, 6D), y north-like, z up. Sensor frame: as the maker
//! prints it. Segment frame (ISB orientation): X forward, Y up, Z to the client's right, when the
//! client stands in the calibration stance.

use nalgebra::{UnitQuaternion, Vector3};

/// A vector; its frame and unit stand in the variable's name.
pub type Vec3 = Vector3<f64>;

/// Rotation that takes sensor coordinates to earth coordinates: `v_earth = q * v_sensor`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarthFromSensor(pub UnitQuaternion<f64>);

/// Rotation that takes sensor coordinates to segment coordinates: `v_segment = q * v_sensor`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentFromSensor(pub UnitQuaternion<f64>);

impl EarthFromSensor {
    /// The direction "up", unit length, in sensor coordinates.
    #[must_use]
    pub fn up_in_sensor(&self) -> Vec3 {
        self.0.inverse_transform_vector(&Vec3::z())
    }
}
