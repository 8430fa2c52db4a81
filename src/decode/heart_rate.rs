//! Heart-rate straps and watches: Heart Rate Measurement (2A37) and Battery Level (2A19).
//!
//! Bluetooth SIG layouts. bpm as sent (0 = the strap has none), RR intervals in 1/1024 s, oldest first.
//! The service has no clock: readings carry `Arrival`. Energy is parsed and not passed on.

use super::{
    bytes::u16_at,
    driver::{Advert, DecodeError, Decoder, Driver, Wish},
    gatt::{GattOp, Repeat},
};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{Contact, DeviceTime, Measurand, Reading, Value},
};

/// Heart Rate service.
pub const SERVICE: Uuid = Uuid::sig(0x180d);
/// Heart Rate Measurement.
pub const MEASUREMENT: Uuid = Uuid::sig(0x2a37);
/// Battery Level.
pub const BATTERY_LEVEL: Uuid = Uuid::sig(0x2a19);

const BPM_IS_U16: u8 = 1 << 0;
const CONTACT: u8 = 1 << 1;
const CONTACT_SUPPORTED: u8 = 1 << 2;
const HAS_ENERGY: u8 = 1 << 3;
const HAS_RR: u8 = 1 << 4;

/// One Heart Rate Measurement, field by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measurement<'a> {
    /// Beats per minute; 0 = no value.
    pub bpm: u16,
    /// Skin contact. The contact bit means nothing without the bit that says it is supported.
    pub contact: Contact,
    /// kJ since the last reset; sticks at 65535.
    pub energy_kj: Option<u16>,
    rr: &'a [u8],
    /// Bytes after the last whole field.
    pub ignored: usize,
}

impl<'a> Measurement<'a> {
    /// Reads the value of 2A37.
    ///
    /// # Errors
    /// If a field that the flags announce is cut off.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let short = |what, needed| DecodeError::Short {
            what,
            needed,
            got: bytes.len(),
        };
        let flags = *bytes.first().ok_or(short("heart rate flags", 1))?;
        let (bpm, mut at) = if flags & BPM_IS_U16 == 0 {
            let bpm = bytes.get(1).ok_or(short("heart rate", 2))?;
            (u16::from(*bpm), 2)
        } else {
            (u16_at(bytes, 1).ok_or(short("heart rate", 3))?, 3)
        };
        let mut energy_kj = None;
        if flags & HAS_ENERGY != 0 {
            energy_kj = Some(u16_at(bytes, at).ok_or(short("energy", at + 2))?);
            at += 2;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let rr_bytes = if flags & HAS_RR == 0 {
            0
        } else {
            rest.len() & !1
        };
        Ok(Self {
            bpm,
            contact: contact(flags),
            energy_kj,
            rr: &rest[..rr_bytes],
            ignored: rest.len() - rr_bytes,
        })
    }

    /// Intervals in 1/1024 s, oldest first.
    pub fn rr_ticks(&self) -> impl Iterator<Item = u16> + 'a {
        self.rr
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
    }
}

fn contact(flags: u8) -> Contact {
    match (flags & CONTACT_SUPPORTED != 0, flags & CONTACT != 0) {
        (false, _) => Contact::Unknown,
        (true, false) => Contact::Lost,
        (true, true) => Contact::Good,
    }
}

/// Reads the value of 2A19, %.
///
/// # Errors
/// If it is empty or above 100.
pub fn battery(bytes: &[u8]) -> Result<u8, DecodeError> {
    match bytes.first() {
        None => Err(DecodeError::Short {
            what: "battery level",
            needed: 1,
            got: 0,
        }),
        Some(&percent @ 0..=100) => Ok(percent),
        Some(&other) => Err(DecodeError::Value {
            what: "battery level",
            value: other.into(),
        }),
    }
}

/// Appends the readings of a 2A37 or 2A19 value; gives the number of bytes passed over.
pub(super) fn decode(packet: &Packet, out: &mut Vec<Reading>) -> Result<usize, DecodeError> {
    let reading = |value| Reading {
        time: DeviceTime::Arrival,
        value,
    };
    match packet.characteristic {
        MEASUREMENT => {
            let measurement = Measurement::parse(&packet.bytes)?;
            out.push(reading(Value::HeartRate {
                bpm: measurement.bpm,
                contact: measurement.contact,
            }));
            out.extend(
                measurement
                    .rr_ticks()
                    .map(|ticks| reading(Value::RrInterval { ticks })),
            );
            Ok(measurement.ignored)
        }
        BATTERY_LEVEL => {
            let percent = battery(&packet.bytes)?;
            out.push(reading(Value::Battery { percent }));
            Ok(packet.bytes.len() - 1)
        }
        other => Err(DecodeError::Characteristic(other)),
    }
}

/// The battery is read, not subscribed to: the host's Bluetooth service keeps its notifications to itself.
pub(super) fn battery_again() -> Repeat {
    Repeat {
        every_ms: 300_000,
        ops: vec![GattOp::read(BATTERY_LEVEL)],
    }
}

/// Any strap or watch that offers the Heart Rate service.
pub struct HeartRate;

impl Driver for HeartRate {
    fn name(&self) -> &'static str {
        "heart_rate"
    }

    fn matches(&self, advert: &Advert) -> bool {
        advert.services.contains(&SERVICE)
    }

    fn setup(&self, _wish: &Wish) -> Vec<GattOp> {
        vec![
            GattOp::subscribe(MEASUREMENT, &[Measurand::HeartRate]),
            GattOp::read(BATTERY_LEVEL),
        ]
    }

    fn repeat(&self) -> Vec<Repeat> {
        vec![battery_again()]
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(HeartRateDecoder { ignored: 0 })
    }
}

struct HeartRateDecoder {
    ignored: u64,
}

impl Decoder for HeartRateDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        self.ignored += decode(packet, out)? as u64;
        Ok(())
    }

    fn reset(&mut self) {}

    fn ignored_bytes(&self) -> u64 {
        self.ignored
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_trailing_byte_is_ignored_and_counted() {
        let value = Measurement::parse(&[0x10, 60, 0x00, 0x04, 0x07]).unwrap();
        assert_eq!(value.rr_ticks().collect::<Vec<_>>(), [1024]);
        assert_eq!(value.ignored, 1);
    }

    #[test]
    fn contact_needs_the_bit_that_says_it_is_supported() {
        let contact = |flags| Measurement::parse(&[flags, 60]).unwrap().contact;
        assert_eq!(contact(0b010), Contact::Unknown);
        assert_eq!(contact(0b100), Contact::Lost);
        assert_eq!(contact(0b110), Contact::Good);
    }

    #[test]
    fn a_field_that_is_announced_and_cut_off_is_an_error() {
        assert!(Measurement::parse(&[]).is_err());
        assert!(Measurement::parse(&[0x01, 60]).is_err());
        assert!(Measurement::parse(&[0x08, 60, 1]).is_err());
    }

    #[test]
    fn a_battery_above_100_percent_is_an_error() {
        assert_eq!(battery(&[100]), Ok(100));
        assert!(battery(&[101]).is_err());
    }
}
