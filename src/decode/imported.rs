//! Rows of somebody else's recording as packets, so that imported data take the same road as live data.
//!
//! Layout, little-endian: kind u8, count u16, then `count` rows of {device time i64 ns, channels f64}.
//! Units as in [`Kind`]. No device sends this; the importer and the simulator write it. A packet should
//! hold about [`PACKET_NS`] of data and arrive at the device time of its last row.

use super::{
    driver::{Advert, DecodeError, Decoder, Driver, Wish},
    gatt::GattOp,
};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{Contact, DeviceTime, Reading, Value},
    time::DeviceNs,
};

/// The characteristic of imported rows.
pub const CHARACTERISTIC: Uuid = Uuid(0x706c_696d_736f_6c6c_8000_0000_0000_0001);

/// How much time one packet should hold, ns.
pub const PACKET_NS: i64 = 50_000_000;

const HEADER: usize = 3;

/// What the rows hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// ax, ay, az m/s²; gx, gy, gz rad/s.
    Imu = 0,
    /// ax, ay, az m/s².
    Acc = 1,
    /// bpm.
    HeartRate = 2,
    /// Interval in ms; the row's time is its END.
    Rr = 3,
    /// gx, gy, gz rad/s.
    Gyro = 4,
    /// Magnetic field, µT.
    Mag = 5,
}

impl Kind {
    const ALL: [Kind; 6] = [
        Self::Imu,
        Self::Acc,
        Self::HeartRate,
        Self::Rr,
        Self::Gyro,
        Self::Mag,
    ];

    /// Values a row.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Imu => 6,
            Self::Acc | Self::Gyro | Self::Mag => 3,
            Self::HeartRate | Self::Rr => 1,
        }
    }
}

/// One packet's bytes. Rows beyond 65 535 are left out; missing channels are not-a-number.
#[must_use]
pub fn encode(kind: Kind, rows: &[(i64, &[f64])]) -> Box<[u8]> {
    let count = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    let mut bytes = Vec::with_capacity(HEADER + rows.len() * (8 + 8 * kind.channels()));
    bytes.push(kind as u8);
    bytes.extend(count.to_le_bytes());
    for (time_ns, values) in rows.iter().take(count.into()) {
        bytes.extend(time_ns.to_le_bytes());
        for channel in 0..kind.channels() {
            let value = values.get(channel).copied().unwrap_or(f64::NAN);
            bytes.extend(value.to_le_bytes());
        }
    }
    bytes.into_boxed_slice()
}

/// The driver of imported recordings.
pub struct Imported;

impl Driver for Imported {
    fn name(&self) -> &'static str {
        "imported"
    }

    fn matches(&self, _advert: &Advert) -> bool {
        false
    }

    fn setup(&self, _wish: &Wish) -> Vec<GattOp> {
        Vec::new()
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(ImportedDecoder)
    }
}

struct ImportedDecoder;

impl Decoder for ImportedDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        if packet.characteristic != CHARACTERISTIC {
            return Err(DecodeError::Characteristic(packet.characteristic));
        }
        let (kind, rows) = parse(&packet.bytes)?;
        for row in rows.chunks_exact(8 + 8 * kind.channels()) {
            let time = DeviceTime::Clock(DeviceNs(i64::from_le_bytes(eight(row, 0))));
            let value = value(kind, row);
            out.push(Reading { time, value });
        }
        Ok(())
    }

    fn reset(&mut self) {}
}

fn parse(bytes: &[u8]) -> Result<(Kind, &[u8]), DecodeError> {
    let short = |needed| DecodeError::Short {
        what: "imported rows",
        needed,
        got: bytes.len(),
    };
    let (&[kind, low, high], rows) = bytes.split_first_chunk().ok_or(short(HEADER))?;
    let kind = Kind::ALL
        .into_iter()
        .find(|k| *k as u8 == kind)
        .ok_or(DecodeError::Value {
            what: "kind of imported rows",
            value: kind.into(),
        })?;
    let needed = usize::from(u16::from_le_bytes([low, high])) * (8 + 8 * kind.channels());
    if rows.len() < needed {
        return Err(short(HEADER + needed));
    }
    if rows.len() > needed {
        return Err(DecodeError::Trailing {
            what: "imported rows",
            bytes: rows.len() - needed,
        });
    }
    Ok((kind, rows))
}

fn value(kind: Kind, row: &[u8]) -> Value {
    let channel = |i: usize| f64::from_le_bytes(eight(row, 8 + 8 * i));
    let triple = |i: usize| [channel(i), channel(i + 1), channel(i + 2)];
    match kind {
        Kind::Imu => Value::Imu {
            acceleration: triple(0),
            angular_rate: triple(3),
            clipped: false,
        },
        Kind::Acc => Value::Acceleration {
            acceleration: triple(0),
            clipped: false,
        },
        Kind::Gyro => Value::AngularRate {
            angular_rate: triple(0),
            clipped: false,
        },
        Kind::Mag => Value::MagneticField { field: triple(0) },
        // `as` saturates, and turns not-a-number into the 0 that straps send for "no value".
        Kind::HeartRate => Value::HeartRate {
            bpm: channel(0).round() as u16,
            contact: Contact::Unknown,
        },
        Kind::Rr => Value::RrInterval {
            ticks: (channel(0) * 1.024).round() as u16,
        },
    }
}

/// Eight bytes at `at`; rows are cut to whole size before, so the range is always there.
fn eight(row: &[u8], at: usize) -> [u8; 8] {
    let mut field = [0; 8];
    if let Some(bytes) = row.get(at..at + 8) {
        field.copy_from_slice(bytes);
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{packet::DeviceIndex, time::HostNs};

    fn decode(bytes: Box<[u8]>) -> Result<Vec<Reading>, DecodeError> {
        let packet = Packet {
            device: DeviceIndex(0),
            characteristic: CHARACTERISTIC,
            host: HostNs(0),
            bytes,
        };
        let mut out = Vec::new();
        ImportedDecoder.decode(&packet, &mut out).map(|()| out)
    }

    #[test]
    fn rows_come_back_as_they_went_in() {
        let bytes = encode(
            Kind::Imu,
            &[
                (5, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
                (-7, &[f64::INFINITY, 0.0, 0.0, 0.0, 0.0]),
            ],
        );
        let readings = decode(bytes).unwrap();
        assert_eq!(readings[0].time, DeviceTime::Clock(DeviceNs(5)));
        assert_eq!(
            readings[0].value,
            Value::Imu {
                acceleration: [1.0, 2.0, 3.0],
                angular_rate: [4.0, 5.0, 6.0],
                clipped: false
            }
        );
        let Value::Imu { angular_rate, .. } = readings[1].value else {
            panic!("{:?}", readings[1])
        };
        assert!(angular_rate[2].is_nan());
    }

    #[test]
    fn heart_values_take_the_units_of_their_service() {
        let rr = decode(encode(Kind::Rr, &[(0, &[1000.0])])).unwrap();
        assert_eq!(rr[0].value, Value::RrInterval { ticks: 1024 });
        let hr = decode(encode(Kind::HeartRate, &[(0, &[f64::NAN])])).unwrap();
        assert!(matches!(hr[0].value, Value::HeartRate { bpm: 0, .. }));
    }

    #[test]
    fn a_cut_or_lengthened_packet_is_an_error() {
        let bytes = encode(Kind::Acc, &[(0, &[1.0, 2.0, 3.0])]);
        for length in 0..bytes.len() {
            assert!(decode(bytes[..length].into()).is_err(), "{length} bytes");
        }
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert!(decode(longer.into()).is_err());
    }
}
