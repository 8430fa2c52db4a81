//! Rows of other people's tables, carried as packets so that they take the way of every sensor.
//!
//! Packet: kind u8, count u16, then `count` times (device time i64 ns, channels f64), little-endian;
//! SI units. Not a radio family: it matches no advertisement.

use super::{Advert, DecodeError, Decoder, Driver, GattOp, bytes::Bytes};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{Contact, DeviceTime, Reading, Value},
    time::DeviceNs,
};

/// The characteristic that imported packets carry.
pub const CHARACTERISTIC: Uuid = Uuid(0x706c_696d_736f_6c6c_8000_0000_0000_0001);

/// What the rows of a packet are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `ax ay az gx gy gz`, m/s² and rad/s.
    Imu,
    /// `ax ay az`, m/s².
    Acceleration,
    /// `bpm`.
    HeartRate,
    /// `rr_ms`.
    Rr,
    /// `gx gy gz`, rad/s.
    AngularRate,
    /// `mx my mz`, µT.
    MagneticField,
}

impl Kind {
    const ALL: [Kind; 6] = [
        Self::Imu,
        Self::Acceleration,
        Self::HeartRate,
        Self::Rr,
        Self::AngularRate,
        Self::MagneticField,
    ];

    /// Values in a row.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Imu => 6,
            Self::Acceleration | Self::AngularRate | Self::MagneticField => 3,
            Self::HeartRate | Self::Rr => 1,
        }
    }
}

/// Rows (device time ns, values) as the bytes of one packet; at most 65,535 rows, values beyond the
/// kind's channels are left out, missing ones are not a number.
#[must_use]
pub fn encode(kind: Kind, rows: &[(i64, &[f64])]) -> Box<[u8]> {
    let rows = &rows[..rows.len().min(usize::from(u16::MAX))];
    let mut out = Vec::with_capacity(3 + rows.len() * (8 + 8 * kind.channels()));
    out.push(Kind::ALL.iter().position(|k| *k == kind).unwrap_or(0) as u8);
    out.extend((rows.len() as u16).to_le_bytes());
    for (t, values) in rows {
        out.extend(t.to_le_bytes());
        for channel in 0..kind.channels() {
            out.extend(
                values
                    .get(channel)
                    .copied()
                    .unwrap_or(f64::NAN)
                    .to_le_bytes(),
            );
        }
    }
    out.into()
}

/// Rows of tables.
pub struct Imported;

impl Driver for Imported {
    fn name(&self) -> &'static str {
        "imported"
    }

    fn matches(&self, _: &Advert) -> bool {
        false
    }

    fn setup(&self) -> &'static [GattOp] {
        &[]
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(RowDecoder)
    }
}

struct RowDecoder;

impl Decoder for RowDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        if packet.characteristic != CHARACTERISTIC {
            return Err(DecodeError::Characteristic(packet.characteristic.0));
        }
        let mut b = Bytes::new("imported rows", &packet.bytes);
        let code = b.u8()?;
        let kind = *Kind::ALL.get(usize::from(code)).ok_or(DecodeError::Value {
            what: "kind of imported rows",
            value: code.into(),
        })?;
        for _ in 0..b.u16()? {
            let time = DeviceTime::Clock(DeviceNs(b.i64()?));
            let mut row = [0.0; 6];
            for value in &mut row[..kind.channels()] {
                *value = b.f64()?;
            }
            out.push(Reading {
                time,
                value: value(kind, row),
            });
        }
        Ok(())
    }

    fn reset(&mut self) {}
}

fn value(kind: Kind, row: [f64; 6]) -> Value {
    let first = [row[0], row[1], row[2]];
    // A table does not say what the sensor's range was.
    let clipped = false;
    match kind {
        Kind::Imu => Value::Imu {
            acceleration: first,
            angular_rate: [row[3], row[4], row[5]],
            clipped,
        },
        Kind::Acceleration => Value::Acceleration {
            acceleration: first,
            clipped,
        },
        Kind::AngularRate => Value::AngularRate {
            angular_rate: first,
            clipped,
        },
        Kind::MagneticField => Value::MagneticField { field: first },
        // `as` saturates: what is no number or out of range becomes 0 or the end, both marked later.
        Kind::HeartRate => Value::HeartRate {
            bpm: row[0].round() as u16,
            contact: Contact::Unknown,
        },
        Kind::Rr => Value::RrInterval {
            ticks: (row[0] * 1.024).round() as u16,
        },
    }
}
