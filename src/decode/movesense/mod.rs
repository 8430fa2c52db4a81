//! Movesense sensors over their GATT data protocol: motion, field, ECG, heart rate, battery.
//!
//! A message is a code, a reference and a payload; references are ours to choose, so each stream has its
//! own. A message that does not fit into a notification goes on in the next one, and nothing says so
//! beforehand: the first message of a stream is held until the second begins, and from then on its length
//! tells when a message is whole. Only the first sample of a batch has a time, in whole ms; the others
//! follow at the stream's usual period. m/s², deg/s, µT, µV; ranges are those of the default firmware.

pub mod batch;
mod stream;

use self::{
    batch::{Heart, Kind},
    stream::Stream,
};
use super::{
    driver::{Advert, DecodeError, Decoder, Driver, Wish},
    gatt::{Answer, GattOp, Repeat, Reply},
    heart_rate,
};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{Contact, DeviceTime, Measurand, Reading, Value},
};

/// Commands.
pub const WRITE: Uuid = base(0x3480_0001);
/// Results and data.
pub const NOTIFY: Uuid = base(0x3480_0002);
const SERVICE: Uuid = base(0x3480_2252);

const fn base(first: u32) -> Uuid {
    Uuid(0x7185_4d5d_b431_630e_7050_e8f0 | (first as u128) << 96)
}

/// A batch of nine axes at 52 Hz in one piece.
const MTU: u16 = 161;
const ANSWER_MS: u32 = 5000;
const OK: u16 = 200;
/// What statuses are: other numbers stand the other way round.
const STATUSES: std::ops::Range<u16> = 100..600;
const DEFAULT_HZ: f64 = 52.0;
const MOTION_HZ: [f64; 8] = [13.0, 26.0, 52.0, 104.0, 208.0, 416.0, 833.0, 1666.0];
const ECG_HZ: f64 = 200.0;
const FIELD_HZ: f64 = 13.0;

/// Commands.
const HELLO: u8 = 0;
const SUBSCRIBE: u8 = 1;
const UNSUBSCRIBE: u8 = 2;
/// Answers.
const RESULT: u8 = 1;
const DATA: u8 = 2;
const MORE_DATA: u8 = 3;

/// References.
const GREETING: u8 = 1;
const MOTION: u8 = 2;
const HEART: u8 = 3;
const ECG: u8 = 4;
const FIELD: u8 = 5;

const DEFAULT: &[Measurand] = &[Measurand::Acceleration, Measurand::AngularRate];

/// Reference, resource and measurands of each stream that is wanted.
fn streams(wish: &Wish) -> Vec<(u8, String, &'static [Measurand])> {
    let wants = |m| wish.wants(m, DEFAULT);
    let mut streams = Vec::new();
    if DEFAULT.iter().any(|m| wants(*m)) {
        let path = format!("/Meas/IMU6/{}", rate(wish));
        streams.push((MOTION, path, DEFAULT));
    }
    if wants(Measurand::HeartRate) || wants(Measurand::RrInterval) {
        let starts: &[Measurand] = &[Measurand::HeartRate];
        streams.push((HEART, "/Meas/HR".to_owned(), starts));
    }
    if wants(Measurand::Ecg) {
        let starts: &[Measurand] = &[Measurand::Ecg];
        streams.push((ECG, format!("/Meas/ECG/{ECG_HZ}/mV"), starts));
    }
    if wants(Measurand::MagneticField) {
        let starts: &[Measurand] = &[Measurand::MagneticField];
        streams.push((FIELD, format!("/Meas/Magn/{FIELD_HZ}"), starts));
    }
    streams
}

fn rate(wish: &Wish) -> f64 {
    wish.nearest_hz(MOTION_HZ, DEFAULT_HZ)
}

fn ask(command: u8, reference: u8, data: &[u8]) -> GattOp {
    let mut bytes = vec![command, reference];
    bytes.extend_from_slice(data);
    let answer = Answer {
        characteristic: NOTIFY,
        read: reply,
        within_ms: ANSWER_MS,
    };
    GattOp::ask(WRITE, bytes, answer)
}

/// The result of a command: its reference, and a status unless it was a greeting.
fn reply<'a>(command: &[u8], value: &'a [u8]) -> Reply<'a> {
    let (Some(&[code, reference]), &[RESULT, about, ref rest @ ..]) =
        (command.first_chunk(), value)
    else {
        return Reply::Other;
    };
    match (code, rest) {
        _ if about != reference => Reply::Other,
        (HELLO, greeting) => Reply::Done(greeting),
        (_, [low, high, data @ ..]) => {
            let status = [u16::from_le_bytes, u16::from_be_bytes].map(|f| f([*low, *high]));
            match status.into_iter().find(|s| STATUSES.contains(s)) {
                Some(OK) => Reply::Done(data),
                other => Reply::Refused(other.unwrap_or(status[0])),
            }
        }
        _ => Reply::Other,
    }
}

/// Movesense sensors with firmware 2.3 or newer.
pub struct Movesense;

impl Driver for Movesense {
    fn name(&self) -> &'static str {
        "movesense"
    }

    fn matches(&self, advert: &Advert) -> bool {
        advert.services.contains(&SERVICE) || advert.name.starts_with("Movesense ")
    }

    /// The serial number in the name.
    fn identity(&self, advert: &Advert) -> Option<String> {
        let serial = advert.name.strip_prefix("Movesense ")?.trim();
        let number = serial.len() >= 8 && serial.bytes().all(|b| b.is_ascii_digit());
        number.then(|| serial.to_owned())
    }

    fn setup(&self, wish: &Wish) -> Vec<GattOp> {
        let mut ops = vec![
            GattOp::NeedMtu(MTU),
            GattOp::subscribe(NOTIFY, &[]),
            ask(HELLO, GREETING, &[]),
        ];
        ops.extend(streams(wish).into_iter().map(|(reference, path, starts)| {
            ask(SUBSCRIBE, reference, path.as_bytes())
                .or_skip()
                .starting(starts)
        }));
        ops.push(GattOp::read(heart_rate::BATTERY_LEVEL));
        ops
    }

    fn teardown(&self, wish: &Wish) -> Vec<GattOp> {
        let stop = |(reference, _, _)| GattOp::write(WRITE, vec![UNSUBSCRIBE, reference]).or_skip();
        streams(wish).into_iter().map(stop).collect()
    }

    fn repeat(&self) -> Vec<Repeat> {
        vec![heart_rate::battery_again()]
    }

    fn nominal_hz(&self, wish: &Wish) -> f64 {
        rate(wish)
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(MovesenseDecoder {
            streams: [
                Stream::new(MOTION, Kind::Imu6, DEFAULT_HZ),
                Stream::new(ECG, Kind::Ecg, ECG_HZ),
                Stream::new(FIELD, Kind::Vector, FIELD_HZ),
            ],
            ignored: 0,
        })
    }
}

struct MovesenseDecoder {
    streams: [Stream; 3],
    ignored: u64,
}

impl Decoder for MovesenseDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        match packet.characteristic {
            NOTIFY => self.message(&packet.bytes, out),
            heart_rate::BATTERY_LEVEL => {
                self.ignored += heart_rate::decode(packet, out)? as u64;
                Ok(())
            }
            other => Err(DecodeError::Characteristic(other)),
        }
    }

    fn reset(&mut self) {
        for stream in &mut self.streams {
            stream.reset();
        }
    }

    fn ignored_bytes(&self) -> u64 {
        self.ignored
    }
}

impl MovesenseDecoder {
    fn message(&mut self, bytes: &[u8], out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        let &[code, reference, ref payload @ ..] = bytes else {
            return Err(DecodeError::Short {
                what: "sensor message",
                needed: 2,
                got: bytes.len(),
            });
        };
        match (code, reference) {
            (RESULT, _) => Ok(()),
            (DATA, HEART) => self.heart(payload, out),
            (DATA | MORE_DATA, _) => {
                let stream = self.streams.iter_mut().find(|s| s.reference == reference);
                let stream = stream.ok_or(DecodeError::Value {
                    what: "reference",
                    value: reference.into(),
                })?;
                if code == DATA {
                    stream.begin(payload, out)
                } else {
                    stream.go_on(payload, out)
                }
            }
            _ => Err(DecodeError::Value {
                what: "code of a sensor message",
                value: code.into(),
            }),
        }
    }

    fn heart(&mut self, payload: &[u8], out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        let heart = Heart::parse(payload)?;
        self.ignored += heart.ignored as u64;
        let arrival = |value| Reading {
            time: DeviceTime::Arrival,
            value,
        };
        out.push(arrival(Value::HeartRate {
            // `as` saturates, and turns not-a-number into the 0 that means "no value".
            bpm: heart.bpm.round() as u16,
            contact: Contact::Unknown,
        }));
        out.extend(heart.intervals_ms().map(|ms| {
            arrival(Value::RrInterval {
                ticks: (f64::from(ms) * 1.024).round() as u16,
            })
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_older_firmware_stands_the_other_way_round() {
        let subscribe = [SUBSCRIBE, MOTION, b'/'];
        assert_eq!(reply(&subscribe, &[1, MOTION, 200, 0]), Reply::Done(&[]));
        assert_eq!(
            reply(&subscribe, &[1, MOTION, 0xfb, 1]),
            Reply::Refused(507)
        );
        assert_eq!(
            reply(&subscribe, &[1, MOTION, 1, 0xfb]),
            Reply::Refused(507)
        );
        assert_eq!(reply(&subscribe, &[1, HEART, 200, 0]), Reply::Other);
        assert_eq!(reply(&subscribe, &[2, MOTION, 200, 0]), Reply::Other);
        assert_eq!(reply(&[HELLO, GREETING], &[1, 1, 9]), Reply::Done(&[9]));
    }
}
