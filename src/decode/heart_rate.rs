//! Heart Rate service (0x180D, measurement 0x2A37) and Battery service (0x2A19), as the Bluetooth SIG
//! defines them. Intervals between beats in 1/1024 s, oldest first. No device clock.

use super::{Advert, DecodeError, Decoder, Driver, GattOp, bytes::Bytes};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{Contact, DeviceTime, Reading, Value},
};

/// Heart Rate Measurement.
pub const MEASUREMENT: Uuid = Uuid::sig(0x2A37);
/// Battery Level.
pub const BATTERY: Uuid = Uuid::sig(0x2A19);
/// Heart Rate service.
pub const SERVICE: Uuid = Uuid::sig(0x180D);

/// One Heart Rate Measurement; the intervals follow as `rr_1024`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measurement<'a> {
    /// Beats per minute.
    pub bpm: u16,
    /// Skin contact.
    pub contact: Contact,
    /// Energy expended since reset, kJ.
    pub energy_kj: Option<u16>,
    rr: &'a [u8],
}

impl<'a> Measurement<'a> {
    /// Intervals between beats, 1/1024 s, oldest first. An odd byte at the end is ignored.
    pub fn rr_1024(self) -> impl Iterator<Item = u16> + 'a {
        self.rr
            .chunks_exact(2)
            .map(|b| u16::from_le_bytes([b[0], b[1]]))
    }
}

/// Reads a Heart Rate Measurement.
///
/// # Errors
/// It ends before a field that its flags announce.
pub fn measurement(bytes: &[u8]) -> Result<Measurement<'_>, DecodeError> {
    let mut b = Bytes::new("heart rate measurement", bytes);
    let flags = b.u8()?;
    let bpm = if flags & 1 == 0 {
        u16::from(b.u8()?)
    } else {
        b.u16()?
    };
    let contact = match (flags & 4 != 0, flags & 2 != 0) {
        (false, _) => Contact::Unknown,
        (true, false) => Contact::Lost,
        (true, true) => Contact::Good,
    };
    let energy_kj = if flags & 8 == 0 { None } else { Some(b.u16()?) };
    let rr = if flags & 16 == 0 {
        &[][..]
    } else {
        b.take(b.left())?
    };
    Ok(Measurement {
        bpm,
        contact,
        energy_kj,
        rr,
    })
}

/// Reads a Battery Level, %.
///
/// # Errors
/// Empty, or above 100.
pub fn battery(bytes: &[u8]) -> Result<u8, DecodeError> {
    match Bytes::new("battery level", bytes).u8()? {
        percent @ 0..=100 => Ok(percent),
        other => Err(DecodeError::Value {
            what: "battery level",
            value: other.into(),
        }),
    }
}

/// Readings of the two services, for families that have them beside their own.
pub(super) fn standard(packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
    let time = DeviceTime::Arrival;
    match packet.characteristic {
        MEASUREMENT => {
            let m = measurement(&packet.bytes)?;
            out.push(Reading {
                time,
                value: Value::HeartRate {
                    bpm: m.bpm,
                    contact: m.contact,
                },
            });
            out.extend(m.rr_1024().map(|ticks| Reading {
                time,
                value: Value::RrInterval { ticks },
            }));
            Ok(())
        }
        BATTERY => {
            let percent = battery(&packet.bytes)?;
            out.push(Reading {
                time,
                value: Value::Battery { percent },
            });
            Ok(())
        }
        Uuid(other) => Err(DecodeError::Characteristic(other)),
    }
}

/// Any strap or watch with the Heart Rate service.
pub struct HeartRateStrap;

impl Driver for HeartRateStrap {
    fn name(&self) -> &'static str {
        "heart_rate"
    }

    fn matches(&self, advert: &Advert) -> bool {
        advert.services.contains(&SERVICE)
    }

    fn setup(&self) -> &'static [GattOp] {
        &[GattOp::Subscribe(MEASUREMENT), GattOp::Read(BATTERY)]
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(StrapDecoder)
    }
}

struct StrapDecoder;

impl Decoder for StrapDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        standard(packet, out)
    }

    fn reset(&mut self) {}
}
