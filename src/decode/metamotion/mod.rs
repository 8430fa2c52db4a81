//! MbientLab MetaMotion (MetaWear) boards: acceleration, angular rate and field, battery.
//!
//! The streams carry no time of their own, so each goes through a processor on the board that puts the
//! board's tick (1.46 ms) before every sample: acceleration and angular rate then meet on one clock. A
//! sample a notification is what that costs: two streams at 50 Hz are what a link carries. Ranges are
//! ±16 g and ±2000 deg/s. The module information says which motion chip the board has. Fusion and packed
//! samples are read where they come and not passed on: they have no time.

pub mod message;

use self::message::{
    ACCELEROMETER, ANSWER, GYROSCOPE, MAGNETOMETER, Message, PROCESSOR, SETTINGS, tick_ns,
};
use super::{
    bytes::at_the_end,
    counter::Wide,
    driver::{Advert, DecodeError, Decoder, Driver, Wish},
    gatt::{Answer, Bytes, GattOp, Repeat, Reply},
};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{DeviceTime, Measurand, Reading, Value},
    time::DeviceNs,
    units::STANDARD_GRAVITY,
};

/// Commands.
pub const COMMAND: Uuid = Uuid(0x326a_9001_85cb_9195_d9dd_464c_fbba_e75a);
/// Notifications.
pub const NOTIFY: Uuid = Uuid(0x326a_9006_85cb_9195_d9dd_464c_fbba_e75a);
const SERVICE: Uuid = Uuid(0x326a_9000_85cb_9195_d9dd_464c_fbba_e75a);

const RANGE_G: f64 = 16.0;
const LSB_PER_G: f64 = 2048.0;
const RANGE_DPS: f64 = 2000.0;
const LSB_PER_DPS: f64 = 16.4;
const FULL_SCALE: f64 = 32_767.0;
const LSB_PER_MICROTESLA: f64 = 16.0;
const DEFAULT_HZ: f64 = 100.0;
const ANSWER_MS: u32 = 3000;
/// Chips of the accelerometer module.
const BMI160: u8 = 1;
const BMI270: u8 = 4;
/// The gyroscope module numbers its chips otherwise.
const GYRO_BMI270: u8 = 1;

const DEFAULT: &[Measurand] = &[Measurand::Acceleration, Measurand::AngularRate];

/// Stops, disables and unsubscribes everything and removes all processors: a board goes on with what a
/// former connection left.
const CLEAN: [&[u8]; 13] = [
    &[ACCELEROMETER, 0x01, 0x00],
    &[GYROSCOPE, 0x01, 0x00],
    &[MAGNETOMETER, 0x01, 0x00],
    &[ACCELEROMETER, 0x02, 0x00, 0x01],
    &[GYROSCOPE, 0x02, 0x00, 0x01],
    &[MAGNETOMETER, 0x02, 0x00, 0x01],
    &[ACCELEROMETER, 0x04, 0x00],
    &[ACCELEROMETER, 0x1c, 0x00],
    &[GYROSCOPE, 0x05, 0x00],
    &[GYROSCOPE, 0x07, 0x00],
    &[MAGNETOMETER, 0x05, 0x00],
    &[message::FUSION, 0x01, 0x00],
    &[PROCESSOR, 0x08],
];
/// Connection interval 7.5-15 ms, no latency, 6 s until a link counts as lost.
const FAST_LINK: &[u8] = &[SETTINGS, 0x09, 6, 0, 12, 0, 0, 0, 0x58, 0x02];
const READ_BATTERY: &[u8] = &[SETTINGS, 0xcc];

fn send(bytes: &'static [u8]) -> GattOp {
    GattOp::write(COMMAND, bytes)
}

fn answer() -> Answer {
    Answer {
        characteristic: NOTIFY,
        read,
        within_ms: ANSWER_MS,
    }
}

/// Module information and new processors.
fn read<'a>(command: &[u8], value: &'a [u8]) -> Reply<'a> {
    let same_head = command.get(..2).is_some() && command.get(..2) == value.get(..2);
    match value.get(2..) {
        Some(rest) if same_head => Reply::Done(rest),
        _ => Reply::Other,
    }
}

/// Sent if the last command was answered with anything.
fn then_send(bytes: &'static [u8]) -> GattOp {
    let sent = |answer: &[u8]| (!answer.is_empty()).then(|| bytes.to_vec());
    GattOp::write(COMMAND, Bytes::chosen(sent))
}

fn then_choose(choose: impl Fn(u8) -> Option<Vec<u8>> + Send + Sync + 'static) -> Bytes {
    Bytes::chosen(move |answer| choose(*answer.first()?))
}

/// Makes a processor that puts the board's tick before six bytes of `module`, and listens to it.
fn ticked(module: u8, register: impl Fn(u8) -> Option<u8> + Send + Sync + 'static) -> [GattOp; 2] {
    let make = then_choose(move |chip| {
        Some(vec![
            PROCESSOR,
            0x02,
            module,
            register(chip)?,
            0xff,
            0xa0,
            0x11,
            0x31,
            0x03,
        ])
    });
    let listen = then_choose(|processor| Some(vec![PROCESSOR, 0x07, processor, 0x01]));
    [
        GattOp::ask(COMMAND, make, answer()),
        GattOp::write(COMMAND, listen),
    ]
}

fn accelerometer(rate: u8) -> Vec<GattOp> {
    let configure = then_choose(move |chip| match chip {
        BMI160 => Some(vec![ACCELEROMETER, 0x03, 0x20 | rate, 0x0c]),
        BMI270 => Some(vec![ACCELEROMETER, 0x03, 0xa0 | rate, 0x03]),
        _ => None,
    });
    let mut ops = vec![
        GattOp::ask(COMMAND, &[ACCELEROMETER, ANSWER][..], answer()),
        GattOp::write(COMMAND, configure),
    ];
    ops.extend(ticked(ACCELEROMETER, |_| Some(0x04)));
    ops.push(send(&[PROCESSOR, 0x03, 0x01]));
    ops.push(send(&[ACCELEROMETER, 0x02, 0x01, 0x00]));
    ops.push(send(&[ACCELEROMETER, 0x01, 0x01]).starting(&[Measurand::Acceleration]));
    ops
}

/// Boards without a gyroscope exist.
fn gyroscope(rate: u8) -> Vec<GattOp> {
    let configure = then_choose(move |_| Some(vec![GYROSCOPE, 0x03, 0x20 | rate, 0x00]));
    let mut ops = vec![
        GattOp::ask(COMMAND, &[GYROSCOPE, ANSWER][..], answer()),
        GattOp::write(COMMAND, configure),
    ];
    ops.extend(ticked(GYROSCOPE, |chip| match chip {
        0 => Some(0x05),
        GYRO_BMI270 => Some(0x04),
        _ => None,
    }));
    ops.push(then_send(&[PROCESSOR, 0x03, 0x01]));
    ops.push(then_send(&[GYROSCOPE, 0x02, 0x01, 0x00]));
    ops.push(then_send(&[GYROSCOPE, 0x01, 0x01]).starting(&[Measurand::AngularRate]));
    ops.into_iter().map(GattOp::or_skip).collect()
}

/// 25 Hz.
fn magnetometer() -> Vec<GattOp> {
    let ops = [
        GattOp::ask(COMMAND, &[MAGNETOMETER, ANSWER][..], answer()),
        then_send(&[MAGNETOMETER, 0x04, 0x04, 0x0e]),
        then_send(&[MAGNETOMETER, 0x03, 0x00, 0x06]),
        then_send(&[MAGNETOMETER, 0x05, 0x01]),
        then_send(&[MAGNETOMETER, 0x02, 0x01, 0x00]),
        then_send(&[MAGNETOMETER, 0x01, 0x01]).starting(&[Measurand::MagneticField]),
    ];
    ops.into_iter().map(GattOp::or_skip).collect()
}

/// MetaMotion boards.
pub struct MetaMotion;

impl Driver for MetaMotion {
    fn name(&self) -> &'static str {
        "metamotion"
    }

    fn matches(&self, advert: &Advert) -> bool {
        advert.services.contains(&SERVICE) || advert.name == "MetaWear"
    }

    /// Each stream asks for its module before it makes its processor: so the decoder knows whose it is.
    fn setup(&self, wish: &Wish) -> Vec<GattOp> {
        let rate = rate(wish).0;
        let mut ops = vec![GattOp::subscribe(NOTIFY, &[])];
        ops.extend(CLEAN.map(send));
        ops.push(send(FAST_LINK).or_skip());
        if wish.wants(Measurand::Acceleration, DEFAULT) {
            ops.extend(accelerometer(rate));
        }
        if wish.wants(Measurand::AngularRate, DEFAULT) {
            ops.extend(gyroscope(rate));
        }
        if wish.wants(Measurand::MagneticField, DEFAULT) {
            ops.extend(magnetometer());
        }
        ops.push(send(READ_BATTERY).or_skip());
        ops
    }

    fn teardown(&self, _wish: &Wish) -> Vec<GattOp> {
        CLEAN.map(send).to_vec()
    }

    fn repeat(&self) -> Vec<Repeat> {
        vec![Repeat {
            every_ms: 300_000,
            ops: vec![send(READ_BATTERY).or_skip()],
        }]
    }

    fn nominal_hz(&self, wish: &Wish) -> f64 {
        rate(wish).1
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(MetaMotionDecoder::default())
    }
}

/// The chip's number of the rate, and Hz. One stream alone may be twice as fast.
fn rate(wish: &Wish) -> (u8, f64) {
    let both = DEFAULT.iter().all(|m| wish.wants(*m, DEFAULT));
    let offered: &[f64] = if both {
        &[25.0, 50.0]
    } else {
        &[25.0, 50.0, 100.0]
    };
    let hz = wish.nearest_hz(offered.iter().copied(), DEFAULT_HZ);
    match hz as u32 {
        ..=25 => (6, hz),
        26..=50 => (7, hz),
        _ => (8, hz),
    }
}

/// A stream with the board's time.
#[derive(Default)]
struct Ticked {
    processor: Option<u8>,
    clock: Wide,
}

#[derive(Default)]
struct MetaMotionDecoder {
    /// The module that was asked for last.
    asked: u8,
    acceleration: Ticked,
    angular_rate: Ticked,
    ignored: u64,
}

impl Decoder for MetaMotionDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        if packet.characteristic != NOTIFY {
            return Err(DecodeError::Characteristic(packet.characteristic));
        }
        let arrival = |value| Reading {
            time: DeviceTime::Arrival,
            value,
        };
        match Message::parse(&packet.bytes)? {
            Message::Module { module, .. } => self.asked = module,
            Message::Created { processor } => self.created(processor),
            Message::Ticked {
                processor,
                tick,
                raw,
            } => out.push(self.ticked(processor, tick, raw)?),
            Message::Samples { module, raw } if module == MAGNETOMETER => {
                out.extend(raw.iter().map(|raw| {
                    arrival(Value::MagneticField {
                        field: raw.map(|v| f64::from(v) / LSB_PER_MICROTESLA),
                    })
                }));
            }
            Message::Battery { percent, .. } if percent <= 100 => {
                out.push(arrival(Value::Battery { percent }));
            }
            Message::Battery { percent, .. } => {
                return Err(DecodeError::Value {
                    what: "battery level",
                    value: percent.into(),
                });
            }
            Message::Samples { .. } | Message::Fusion { .. } | Message::Other => {
                self.ignored += packet.bytes.len() as u64;
            }
        }
        Ok(())
    }

    fn reset(&mut self) {
        self.asked = 0;
        self.acceleration.processor = None;
        self.angular_rate.processor = None;
    }

    fn ignored_bytes(&self) -> u64 {
        self.ignored
    }
}

impl MetaMotionDecoder {
    /// Numbers are given anew after all processors were removed.
    fn created(&mut self, processor: u8) {
        let (of, other) = match self.asked {
            ACCELEROMETER => (&mut self.acceleration, &mut self.angular_rate),
            GYROSCOPE => (&mut self.angular_rate, &mut self.acceleration),
            _ => return,
        };
        of.processor = Some(processor);
        if other.processor == Some(processor) {
            other.processor = None;
        }
    }

    fn ticked(&mut self, processor: u8, tick: u32, raw: [i16; 3]) -> Result<Reading, DecodeError> {
        let raw = raw.map(f64::from);
        let (clock, value) = if self.acceleration.processor == Some(processor) {
            let g = raw.map(|v| v / LSB_PER_G);
            let value = Value::Acceleration {
                acceleration: g.map(|v| v * STANDARD_GRAVITY),
                clipped: at_the_end(g, RANGE_G),
            };
            (&mut self.acceleration.clock, value)
        } else if self.angular_rate.processor == Some(processor) {
            let dps = raw.map(|v| v / LSB_PER_DPS);
            let value = Value::AngularRate {
                angular_rate: dps.map(f64::to_radians),
                // 16 bits end just short of the range.
                clipped: raw.iter().any(|v| v.abs() >= FULL_SCALE) || at_the_end(dps, RANGE_DPS),
            };
            (&mut self.angular_rate.clock, value)
        } else {
            return Err(DecodeError::Value {
                what: "processor",
                value: processor.into(),
            });
        };
        let ns = tick_ns(clock.next(tick));
        let time = DeviceTime::Clock(DeviceNs(ns));
        Ok(Reading { time, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{packet::DeviceIndex, time::HostNs};

    fn decode(decoder: &mut MetaMotionDecoder, bytes: &[u8]) -> Result<Vec<Reading>, DecodeError> {
        let packet = Packet {
            device: DeviceIndex(0),
            characteristic: NOTIFY,
            host: HostNs(0),
            bytes: bytes.into(),
        };
        let mut out = Vec::new();
        decoder.decode(&packet, &mut out).map(|()| out)
    }

    #[test]
    fn a_processor_belongs_to_the_module_asked_for_before_it() {
        let mut decoder = MetaMotionDecoder::default();
        let sample = |processor| [9, 3, processor, 4, 0, 0, 0, 0, 8, 0, 0, 0, 0];
        assert!(decode(&mut decoder, &sample(0)).is_err());
        for bytes in [
            &[3, 0x80, 1, 1][..],
            &[9, 2, 0],
            &[0x13, 0x80, 0, 1],
            &[9, 2, 1],
        ] {
            assert_eq!(decode(&mut decoder, bytes), Ok(Vec::new()));
        }
        let acceleration = decode(&mut decoder, &sample(0)).unwrap()[0];
        assert_eq!(acceleration.time, DeviceTime::Clock(DeviceNs(5_859_375)));
        let Value::Acceleration { acceleration, .. } = acceleration.value else {
            panic!("{acceleration:?}")
        };
        assert!((acceleration[0] - STANDARD_GRAVITY).abs() < 1e-9);
        let rate = decode(&mut decoder, &sample(1)).unwrap()[0].value;
        assert!(matches!(rate, Value::AngularRate { .. }), "{rate:?}");
    }
}
