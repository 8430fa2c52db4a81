//! Payloads of Movella DOT: which fields stand in which payload, and their values.
//!
//! All little-endian: u32 µs, then the fields of the payload's number; bytes after the last field are
//! padding. Units as sent: m/s², deg/s, arbitrary units of field (1.0 is about 40 µT).

use crate::decode::{
    bytes::{f32_at, f32x3_at, i16x3_at, u16_at, u32_at},
    driver::DecodeError,
};

/// Steps of the magnetic field.
const FIELD_SCALE: f64 = 4096.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Quaternion,
    FreeAcceleration,
    Euler,
    Acceleration,
    AngularRate,
    Magnetic,
    DeltaVelocity,
    Status,
    Clips,
}

/// The fields of a payload after its time, in order.
const fn fields(payload: u8) -> Option<&'static [Field]> {
    use Field as F;
    Some(match payload {
        2 => &[F::Quaternion, F::FreeAcceleration, F::Status, F::Clips],
        3 => &[F::Quaternion, F::FreeAcceleration],
        4 => &[F::Euler],
        5 => &[F::Quaternion],
        6 => &[F::FreeAcceleration],
        7 => &[F::Euler, F::FreeAcceleration, F::Status, F::Clips],
        16 => &[F::Euler, F::FreeAcceleration],
        18 => &[F::Quaternion, F::DeltaVelocity, F::Magnetic],
        19 => &[F::Quaternion, F::DeltaVelocity],
        20 => &[F::Acceleration, F::AngularRate, F::Magnetic],
        21 => &[F::Acceleration, F::AngularRate],
        22 => &[F::Euler, F::FreeAcceleration, F::AngularRate],
        23 => &[F::Euler, F::FreeAcceleration, F::Magnetic],
        24 => &[F::Quaternion, F::AngularRate],
        26 => &[F::Quaternion, F::Acceleration, F::AngularRate],
        _ => return None,
    })
}

/// What one payload holds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Payload {
    /// µs since the sensor started, modulo 2^32.
    pub time_us: u32,
    /// w, x, y, z; of a delta payload the turn since the last.
    pub quaternion: Option<[f64; 4]>,
    /// Without gravity, in the earth's frame, m/s².
    pub free_acceleration: Option<[f64; 3]>,
    /// Roll, pitch, yaw, deg.
    pub euler_deg: Option<[f64; 3]>,
    /// Including gravity, m/s².
    pub acceleration: Option<[f64; 3]>,
    /// deg/s
    pub angular_rate_dps: Option<[f64; 3]>,
    /// Arbitrary units.
    pub magnetic: Option<[f64; 3]>,
    /// m/s
    pub delta_velocity: Option<[f64; 3]>,
    /// Bits 0-8: acceleration, angular rate, field at the end of their ranges, axis by axis.
    pub status: Option<u16>,
    /// How often acceleration and angular rate were clipped.
    pub clips: Option<[u8; 2]>,
    /// Bytes the fields fill.
    pub length: usize,
}

impl Payload {
    /// Reads a payload of that number.
    ///
    /// # Errors
    /// If the number is unknown or a field is cut off.
    pub fn parse(payload: u8, bytes: &[u8]) -> Result<Self, DecodeError> {
        let fields = fields(payload).ok_or(DecodeError::Unsupported {
            what: "motion payload",
            value: payload.into(),
        })?;
        let short = |needed| DecodeError::Short {
            what: "motion payload",
            needed,
            got: bytes.len(),
        };
        let mut read = Self {
            time_us: u32_at(bytes, 0).ok_or(short(4))?,
            length: 4,
            ..Self::default()
        };
        for field in fields {
            let size = field.bytes();
            read.take(*field, bytes).ok_or(short(read.length + size))?;
            read.length += size;
        }
        Ok(read)
    }

    fn take(&mut self, field: Field, bytes: &[u8]) -> Option<()> {
        let at = self.length;
        match field {
            Field::Quaternion => {
                let [x, y, z] = f32x3_at(bytes, at + 4)?;
                self.quaternion = Some([f32_at(bytes, at)?.into(), x, y, z]);
            }
            Field::FreeAcceleration => self.free_acceleration = Some(f32x3_at(bytes, at)?),
            Field::Euler => self.euler_deg = Some(f32x3_at(bytes, at)?),
            Field::Acceleration => self.acceleration = Some(f32x3_at(bytes, at)?),
            Field::AngularRate => self.angular_rate_dps = Some(f32x3_at(bytes, at)?),
            Field::DeltaVelocity => self.delta_velocity = Some(f32x3_at(bytes, at)?),
            Field::Magnetic => {
                self.magnetic = Some(i16x3_at(bytes, at)?.map(|v| f64::from(v) / FIELD_SCALE));
            }
            Field::Status => self.status = Some(u16_at(bytes, at)?),
            Field::Clips => self.clips = Some(*bytes.get(at..)?.first_chunk()?),
        }
        Some(())
    }
}

impl Field {
    const fn bytes(self) -> usize {
        match self {
            Self::Quaternion => 16,
            Self::Magnetic => 6,
            Self::Status | Self::Clips => 2,
            _ => 12,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_have_the_sizes_of_the_specification() {
        let sizes = [
            (2, 36),
            (3, 32),
            (4, 16),
            (5, 20),
            (6, 16),
            (7, 32),
            (16, 28),
            (18, 38),
            (19, 32),
            (20, 34),
            (21, 28),
            (22, 40),
            (23, 34),
            (24, 32),
            (26, 44),
        ];
        for (payload, size) in sizes {
            let whole = Payload::parse(payload, &vec![0; size]).unwrap();
            assert_eq!(whole.length, size, "payload {payload}");
            assert!(Payload::parse(payload, &vec![0; size - 1]).is_err());
        }
    }
}
