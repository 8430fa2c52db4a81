//! Nordic Thingy:52: raw motion (0406) of the motion service.
//!
//! Nine 16-bit fixed-point numbers: acceleration Q6.10 g, angular rate Q11.5 deg/s, compass Q12.4 µT. No
//! time: samples carry their count. Streaming is the subscription itself and ends with the connection; the
//! rate lies in flash and is written only where it differs. The firmware's own angles are not used.
//!
//! Its layouts are those of the firmware (archived 2021). The number format of the angular rate ends at
//! 1024 deg/s although the sensor goes further, and the firmware's motion library leaves acceleration at
//! 2 g: beyond either, values are marked clipped.

use super::{
    bytes::{i16x3_at, u16_at},
    driver::{Advert, DecodeError, Decoder, Driver, Wish},
    gatt::{Bytes, GattOp, Repeat},
    heart_rate,
};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{DeviceTime, Measurand, Reading, Value},
    units::STANDARD_GRAVITY,
};

/// Raw motion.
pub const RAW: Uuid = base(0x0406);
/// Motion configuration.
pub const CONFIG: Uuid = base(0x0401);
/// What it advertises.
const SERVICE: Uuid = base(0x0100);

const CONFIG_BYTES: usize = 9;
const RATE_AT: usize = 6;
const MIN_HZ: f64 = 5.0;
const MAX_HZ: f64 = 200.0;
const DEFAULT_HZ: f64 = 100.0;
const CLIPPED_G: f64 = 1.99;
const CLIPPED_DPS: f64 = 1000.0;

const fn base(short: u16) -> Uuid {
    Uuid(0xef68_0000_9b35_4933_9b10_52ff_a974_0042 | (short as u128) << 96)
}

/// One value of 0406, as far as it was sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Raw {
    /// g, including gravity.
    pub acceleration_g: [f64; 3],
    /// deg/s.
    pub angular_rate_dps: Option<[f64; 3]>,
    /// µT.
    pub field_microtesla: Option<[f64; 3]>,
}

impl Raw {
    /// Reads a value; it may end after any of the three vectors.
    ///
    /// # Errors
    /// If not even the acceleration is whole.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let triple = |at, scale: f64| Some(i16x3_at(bytes, at)?.map(|v| f64::from(v) / scale));
        Ok(Self {
            acceleration_g: triple(0, 1024.0).ok_or(short(6, bytes))?,
            angular_rate_dps: triple(6, 32.0),
            field_microtesla: triple(12, 16.0),
        })
    }
}

fn short(needed: usize, bytes: &[u8]) -> DecodeError {
    DecodeError::Short {
        what: "raw motion",
        needed,
        got: bytes.len(),
    }
}

/// The Thingy:52.
pub struct Thingy;

impl Driver for Thingy {
    fn name(&self) -> &'static str {
        "thingy"
    }

    fn matches(&self, advert: &Advert) -> bool {
        advert.services.contains(&SERVICE)
    }

    fn setup(&self, wish: &Wish) -> Vec<GattOp> {
        let hz = rate(wish);
        let config = Bytes::chosen(move |now| {
            let now: &[u8; CONFIG_BYTES] = now.first_chunk()?;
            let mut config = now.to_vec();
            config[RATE_AT..RATE_AT + 2].copy_from_slice(&hz.to_le_bytes());
            (config != now).then_some(config)
        });
        vec![
            GattOp::read(CONFIG),
            GattOp::write(CONFIG, config).or_skip(),
            GattOp::subscribe(RAW, &[Measurand::Acceleration, Measurand::AngularRate]),
            GattOp::read(heart_rate::BATTERY_LEVEL),
        ]
    }

    fn repeat(&self) -> Vec<Repeat> {
        vec![heart_rate::battery_again()]
    }

    fn nominal_hz(&self, wish: &Wish) -> f64 {
        rate(wish).into()
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(ThingyDecoder::default())
    }
}

fn rate(wish: &Wish) -> u16 {
    let wished = wish.rate_hz.filter(|hz| hz.is_finite());
    wished.unwrap_or(DEFAULT_HZ).clamp(MIN_HZ, MAX_HZ).round() as u16
}

#[derive(Default)]
struct ThingyDecoder {
    count: u64,
    ignored: u64,
}

impl Decoder for ThingyDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        let bytes = &packet.bytes;
        match packet.characteristic {
            RAW => self.raw(bytes, out),
            CONFIG => match u16_at(bytes, RATE_AT) {
                Some(_) => Ok(()),
                None => Err(DecodeError::Short {
                    what: "motion configuration",
                    needed: CONFIG_BYTES,
                    got: bytes.len(),
                }),
            },
            heart_rate::BATTERY_LEVEL => {
                self.ignored += heart_rate::decode(packet, out)? as u64;
                Ok(())
            }
            other => Err(DecodeError::Characteristic(other)),
        }
    }

    fn reset(&mut self) {
        self.count = 0;
    }

    fn ignored_bytes(&self) -> u64 {
        self.ignored
    }
}

impl ThingyDecoder {
    fn raw(&mut self, bytes: &[u8], out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        let raw = Raw::parse(bytes)?;
        let (g, dps) = (raw.acceleration_g, raw.angular_rate_dps);
        let dps = dps.ok_or(short(12, bytes))?;
        let beyond = |v: [f64; 3], end: f64| v.iter().any(|x| x.abs() >= end);
        self.ignored += bytes.len().saturating_sub(18) as u64;
        out.push(Reading {
            time: DeviceTime::Count(self.count),
            value: Value::Imu {
                acceleration: g.map(|v| v * STANDARD_GRAVITY),
                angular_rate: dps.map(f64::to_radians),
                clipped: beyond(g, CLIPPED_G) || beyond(dps, CLIPPED_DPS),
            },
        });
        if let Some(field) = raw.field_microtesla {
            // The compass is slower than the count.
            out.push(Reading {
                time: DeviceTime::Arrival,
                value: Value::MagneticField { field },
            });
        }
        self.count += 1;
        Ok(())
    }
}
