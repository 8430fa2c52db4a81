//! Movella (Xsens) DOT: acceleration and angular rate on the sensor's own clock, battery.
//!
//! m/s² and deg/s as sent, u32 µs since the sensor started. Only the payloads with acceleration including
//! gravity and angular rate are asked for (20 with magnetic field, 21 without); the sensor's own
//! orientation is read where it comes and not passed on. 60 Hz at most.

pub mod message;
pub mod payload;

use self::{message::Message, payload::Payload};
use super::{
    bytes::at_the_end,
    counter::Wide,
    driver::{Advert, DecodeError, Decoder, Driver, Wish},
    gatt::{Bytes, GattOp, Repeat},
};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{DeviceTime, Measurand, Reading, Value},
    time::DeviceNs,
    units::STANDARD_GRAVITY,
};

/// Device control, read and write.
pub const CONTROL: Uuid = base(0x1002);
/// Measurement control, read and write.
pub const MEASUREMENT: Uuid = base(0x2001);
/// Payloads of up to 63 bytes.
pub const LONG: Uuid = base(0x2002);
/// Payloads of up to 40 bytes.
pub const MEDIUM: Uuid = base(0x2003);
/// Payloads of up to 20 bytes.
pub const SHORT: Uuid = base(0x2004);
/// Level and charging.
pub const BATTERY: Uuid = base(0x3001);
/// Messages from the sensor.
pub const MESSAGE: Uuid = base(0x7003);

/// Company identifier in the advertisement.
const COMPANY: u16 = 0x0886;
/// A medium payload in one notification.
const MTU: u16 = 43;
const RATES: [f64; 8] = [1.0, 4.0, 10.0, 12.0, 15.0, 20.0, 30.0, 60.0];
const DEFAULT_HZ: f64 = 60.0;
const RANGE_G: f64 = 16.0;
const RANGE_DPS: f64 = 2000.0;
const MICROTESLA: f64 = 40.0;
/// Status bits of acceleration and angular rate at the end of their ranges.
const CLIPPED: u16 = 0x003f;
const WITH_FIELD: u8 = 20;
const WITHOUT_FIELD: u8 = 21;
const RATE_AT: usize = 24;
const CONTROL_BYTES: usize = 32;
/// Bit of the output rate in the mask of what a write changes.
const VISIT_RATE: u8 = 1 << 4;

const fn base(short: u16) -> Uuid {
    Uuid(0x1517_0000_4947_11e9_8646_d663_bd87_3d93 | (short as u128) << 96)
}

/// Movella DOT.
pub struct Dot;

impl Driver for Dot {
    fn name(&self) -> &'static str {
        "dot"
    }

    fn matches(&self, advert: &Advert) -> bool {
        let named = ["Movella DOT", "Xsens DOT"]
            .iter()
            .any(|name| advert.name.starts_with(name));
        named || advert.manufacturer.iter().any(|(id, _)| *id == COMPANY)
    }

    fn setup(&self, wish: &Wish) -> Vec<GattOp> {
        let start = GattOp::write(MEASUREMENT, vec![1, 1, payload(wish)]);
        let starts: &[Measurand] = match payload(wish) {
            WITH_FIELD => &[
                Measurand::Acceleration,
                Measurand::AngularRate,
                Measurand::MagneticField,
            ],
            _ => &[Measurand::Acceleration, Measurand::AngularRate],
        };
        let hz = rate(wish) as u16;
        let control = Bytes::chosen(move |now| with_rate(now, hz));
        vec![
            GattOp::NeedMtu(MTU),
            GattOp::Read {
                characteristic: CONTROL,
                optional: false,
            },
            GattOp::write(CONTROL, control),
            // Before the start, or the first payloads are lost.
            GattOp::subscribe(MEDIUM, &[]),
            start.starting(starts),
            // Tells the decoder which payload runs.
            GattOp::read(MEASUREMENT),
            GattOp::read(BATTERY),
        ]
    }

    fn teardown(&self, wish: &Wish) -> Vec<GattOp> {
        vec![GattOp::write(MEASUREMENT, vec![1, 0, payload(wish)])]
    }

    fn repeat(&self) -> Vec<Repeat> {
        vec![Repeat {
            every_ms: 300_000,
            ops: vec![GattOp::read(BATTERY)],
        }]
    }

    fn nominal_hz(&self, wish: &Wish) -> f64 {
        rate(wish)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(DotDecoder::default())
    }
}

fn rate(wish: &Wish) -> f64 {
    wish.nearest_hz(RATES, DEFAULT_HZ)
}

fn payload(wish: &Wish) -> u8 {
    if wish.wants(Measurand::MagneticField, &[]) {
        WITH_FIELD
    } else {
        WITHOUT_FIELD
    }
}

/// The control value that changes the output rate and nothing else.
fn with_rate(now: &[u8], hz: u16) -> Option<Vec<u8>> {
    let mut control = now.get(..CONTROL_BYTES)?.to_vec();
    control[0] = VISIT_RATE;
    control[RATE_AT..RATE_AT + 2].copy_from_slice(&hz.to_le_bytes());
    Some(control)
}

#[derive(Default)]
struct DotDecoder {
    /// Number of the payload that runs, once the sensor has said it.
    running: Option<u8>,
    clock: Wide,
    ignored: u64,
}

impl Decoder for DotDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        let bytes = &packet.bytes;
        match packet.characteristic {
            MEDIUM => self.motion(self.running.unwrap_or(WITHOUT_FIELD), bytes, out),
            LONG | SHORT => match self.running {
                Some(payload) => self.motion(payload, bytes, out),
                None => Err(DecodeError::Unsupported {
                    what: "motion before its payload is known, of bytes",
                    value: bytes.len() as u64,
                }),
            },
            MEASUREMENT => self.measurement(bytes),
            BATTERY => {
                let percent = super::heart_rate::battery(bytes)?;
                out.push(Reading {
                    time: DeviceTime::Arrival,
                    value: Value::Battery { percent },
                });
                Ok(())
            }
            CONTROL => match bytes.len() {
                CONTROL_BYTES.. => Ok(()),
                got => Err(DecodeError::Short {
                    what: "device control",
                    needed: CONTROL_BYTES,
                    got,
                }),
            },
            MESSAGE => Message::parse(bytes).map(|_| ()),
            other => Err(DecodeError::Characteristic(other)),
        }
    }

    fn reset(&mut self) {
        self.running = None;
    }

    fn ignored_bytes(&self) -> u64 {
        self.ignored
    }
}

impl DotDecoder {
    fn measurement(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        match bytes {
            [_, 1, payload, ..] => self.running = Some(*payload),
            [_, _, _, ..] => self.running = None,
            _ => {
                return Err(DecodeError::Short {
                    what: "measurement control",
                    needed: 3,
                    got: bytes.len(),
                });
            }
        }
        Ok(())
    }

    fn motion(
        &mut self,
        payload: u8,
        bytes: &[u8],
        out: &mut Vec<Reading>,
    ) -> Result<(), DecodeError> {
        let read = Payload::parse(payload, bytes)?;
        let padding = bytes.iter().skip(read.length).filter(|b| **b != 0);
        self.ignored += padding.count() as u64;
        let us = self.clock.next(read.time_us);
        let time = DeviceTime::Clock(DeviceNs(us.saturating_mul(1000)));
        if let (Some(acceleration), Some(dps)) = (read.acceleration, read.angular_rate_dps) {
            let clipped = read.status.is_some_and(|s| s & CLIPPED != 0)
                || at_the_end(acceleration, RANGE_G * STANDARD_GRAVITY)
                || at_the_end(dps, RANGE_DPS);
            let value = Value::Imu {
                acceleration,
                angular_rate: dps.map(f64::to_radians),
                clipped,
            };
            out.push(Reading { time, value });
        }
        if let Some(field) = read.magnetic {
            let field = field.map(|v| v * MICROTESLA);
            let value = Value::MagneticField { field };
            out.push(Reading { time, value });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rate_of_the_control_value_changes() {
        let now: Vec<u8> = (0..32).collect();
        let control = with_rate(&now, 60).unwrap();
        assert_eq!(control[0], 0x10);
        assert_eq!(control[24..26], [60, 0]);
        assert_eq!(control[1..24], now[1..24]);
        assert_eq!(control[26..], now[26..]);
        assert_eq!(with_rate(&now[..31], 60), None);
    }
}
