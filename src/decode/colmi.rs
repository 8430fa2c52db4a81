//! Colmi rings (R02, R03, R06): heart rate on request, battery.
//!
//! 16-byte packets whose last byte is the sum of the others; numbers of more than a byte are big-endian
//! except in the activity log. The ring measures heart rate only while it is reminded every two seconds,
//! and gives 0 until it has a value. No clock: readings carry `Arrival`. Raw acceleration (1-18 Hz,
//! irregular) is read where it comes and not asked for; steps and light are parsed and not passed on.

use super::{
    driver::{Advert, DecodeError, Decoder, Driver, Wish},
    gatt::{GattOp, Repeat},
};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{Contact, DeviceTime, Measurand, Reading, Value},
    units::STANDARD_GRAVITY,
};

/// Notifications.
pub const NOTIFY: Uuid = Uuid(0x6e40_0003_b5a3_f393_e0a9_e50e_24dc_ca9e);
/// Commands.
pub const WRITE: Uuid = Uuid(0x6e40_0002_b5a3_f393_e0a9_e50e_24dc_ca9e);

const PACKET: usize = 16;
const SERVICE: Uuid = Uuid(0x6e40_fff0_b5a3_f393_e0a9_e50e_24dc_ca9e);
const KIND_HEART_RATE: u8 = 1;
/// Raw acceleration of a g.
pub const LSB_PER_G: f64 = 512.0;
const RANGE_G: f64 = 4.0;

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// `69`: a value measured on request.
    Measured {
        /// 1 heart rate, 3 oxygen, 8 stress, 10 variability.
        kind: u8,
        /// 0 = none.
        error: u8,
        /// 0 = not yet.
        value: u8,
    },
    /// `03`
    Battery {
        /// %
        percent: u8,
        /// On the charger.
        charging: bool,
    },
    /// `A1 03`: raw acceleration, 512 a g.
    Acceleration {
        /// 12 bits each.
        raw: [i16; 3],
    },
    /// `73 12`: what the ring counted today.
    Today {
        /// Number.
        steps: u32,
        /// cal
        calories: u32,
        /// m
        distance: u32,
    },
    /// `43`: a quarter of an hour of the activity log.
    Log(LogEntry),
    /// Anything else, by its first byte.
    Other(u8),
}

/// A quarter of an hour of the activity log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEntry {
    /// Year.
    pub year: u16,
    /// 1-12
    pub month: u8,
    /// 1-31
    pub day: u8,
    /// Quarters of an hour since midnight.
    pub time_index: u8,
    /// In units of 10 cal on rings that announce it in the log's header, of 1 cal on the others.
    pub energy: u16,
    /// Number.
    pub steps: u16,
    /// m
    pub distance: u16,
}

impl Message {
    /// Reads one packet.
    ///
    /// # Errors
    /// If it is not 16 bytes with a right sum.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "ring packet";
        let packet: &[u8; PACKET] = bytes.first_chunk().ok_or(DecodeError::Short {
            what: WHAT,
            needed: PACKET,
            got: bytes.len(),
        })?;
        if bytes.len() > PACKET {
            return Err(DecodeError::Trailing {
                what: WHAT,
                bytes: bytes.len() - PACKET,
            });
        }
        if packet[PACKET - 1] != sum(packet) {
            return Err(DecodeError::CheckSum { what: WHAT });
        }
        Ok(match *packet {
            [0x69, kind, error, value, ..] => Self::Measured { kind, error, value },
            [0x03, percent, charging, ..] => Self::Battery {
                percent,
                charging: charging != 0,
            },
            [0xa1, 0x03, y1, y0, z1, z0, x1, x0, ..] => Self::Acceleration {
                raw: [twelve(x1, x0), twelve(y1, y0), twelve(z1, z0)],
            },
            [0x73, 0x12, a, b, c, d, e, f, g, h, i, ..] => Self::Today {
                steps: u32::from_be_bytes([0, a, b, c]),
                calories: u32::from_be_bytes([0, d, e, f]),
                distance: u32::from_be_bytes([0, g, h, i]),
            },
            // F0 is the log's header, FF an empty log.
            [
                0x43,
                year,
                month,
                day,
                time_index,
                _,
                _,
                a,
                b,
                c,
                d,
                e,
                f,
                ..,
            ] if year < 0xf0 => Self::Log(LogEntry {
                year: 2000 + u16::from(decimal(year)),
                month: decimal(month),
                day: decimal(day),
                time_index,
                energy: u16::from_le_bytes([a, b]),
                steps: u16::from_le_bytes([c, d]),
                distance: u16::from_le_bytes([e, f]),
            }),
            [other, ..] => Self::Other(other),
        })
    }
}

/// Eight bits and four, as a signed number of twelve.
fn twelve(high: u8, low: u8) -> i16 {
    (i16::from_be_bytes([high, 0]) >> 4) | i16::from(low & 0x0f)
}

/// Two decimal digits in a byte.
const fn decimal(byte: u8) -> u8 {
    10 * (byte >> 4) + (byte & 0x0f)
}

fn sum(packet: &[u8; PACKET]) -> u8 {
    let bytes = packet[..PACKET - 1].iter();
    bytes.fold(0, |sum, byte| sum.wrapping_add(*byte))
}

fn command(bytes: &[u8]) -> Vec<u8> {
    let mut packet = [0; PACKET];
    for (to, from) in packet[..PACKET - 1].iter_mut().zip(bytes) {
        *to = *from;
    }
    packet[PACKET - 1] = sum(&packet);
    packet.to_vec()
}

fn send(bytes: &[u8]) -> GattOp {
    GattOp::write(WRITE, command(bytes))
}

/// Colmi rings.
pub struct Colmi;

impl Driver for Colmi {
    fn name(&self) -> &'static str {
        "colmi"
    }

    fn matches(&self, advert: &Advert) -> bool {
        let model = |name: &str| ["R02_", "R03_", "R06_"].iter().any(|m| name.starts_with(m));
        advert.services.contains(&SERVICE) || model(&advert.name)
    }

    fn setup(&self, _wish: &Wish) -> Vec<GattOp> {
        vec![
            GattOp::subscribe(NOTIFY, &[]),
            send(&[0x69, KIND_HEART_RATE, 1]).starting(&[Measurand::HeartRate]),
            send(&[0x03]).or_skip(),
        ]
    }

    fn teardown(&self, _wish: &Wish) -> Vec<GattOp> {
        vec![send(&[0x6a, KIND_HEART_RATE, 0, 0])]
    }

    fn repeat(&self) -> Vec<Repeat> {
        vec![
            Repeat {
                every_ms: 2000,
                ops: vec![send(&[0x69, KIND_HEART_RATE, 3]).or_skip()],
            },
            Repeat {
                every_ms: 600_000,
                ops: vec![send(&[0x03]).or_skip()],
            },
        ]
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(ColmiDecoder { ignored: 0 })
    }
}

struct ColmiDecoder {
    ignored: u64,
}

impl Decoder for ColmiDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        if packet.characteristic != NOTIFY {
            return Err(DecodeError::Characteristic(packet.characteristic));
        }
        let value = match Message::parse(&packet.bytes)? {
            // An error means that the ring cannot see the skin.
            Message::Measured { kind, error, value } if kind == KIND_HEART_RATE => {
                Value::HeartRate {
                    bpm: if error == 0 { value.into() } else { 0 },
                    contact: if error == 0 {
                        Contact::Unknown
                    } else {
                        Contact::Lost
                    },
                }
            }
            Message::Battery { percent, .. } if percent <= 100 => Value::Battery { percent },
            Message::Battery { percent, .. } => {
                return Err(DecodeError::Value {
                    what: "battery level",
                    value: percent.into(),
                });
            }
            Message::Acceleration { raw } => {
                let g = raw.map(|v| f64::from(v) / LSB_PER_G);
                Value::Acceleration {
                    acceleration: g.map(|v| v * STANDARD_GRAVITY),
                    clipped: super::bytes::at_the_end(g, RANGE_G),
                }
            }
            Message::Measured { .. } | Message::Today { .. } | Message::Log(_) => return Ok(()),
            Message::Other(_) => {
                self.ignored += PACKET as u64;
                return Ok(());
            }
        };
        out.push(Reading {
            time: DeviceTime::Arrival,
            value,
        });
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
    fn commands_carry_their_sum() {
        assert_eq!(command(&[0x69, 1, 3])[15], 0x6d);
        assert_eq!(command(&[0x03])[15], 0x03);
    }

    #[test]
    fn a_wrong_sum_is_no_packet() {
        let mut packet = command(&[0x69, 1, 0, 78]);
        assert!(matches!(
            Message::parse(&packet),
            Ok(Message::Measured { value: 78, .. })
        ));
        packet[3] = 79;
        assert!(matches!(
            Message::parse(&packet),
            Err(DecodeError::CheckSum { .. })
        ));
    }
}
