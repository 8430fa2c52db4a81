//! Polar sensors with measurement data streams (PMD): H10, Verity Sense, OH1.
//!
//! Acceleration, angular rate, magnetic field, ECG on the device's clock (ns since its own epoch, of
//! which only differences mean anything); pulse intervals, heart rate and battery without a clock.
//! Acceleration and angular rate are separate readings; they meet in the next stage. Optical raw data
//! and temperatures are parsed by [`frame`] and not passed on.

pub mod control;
pub mod delta;
pub mod frame;
mod setup;
pub mod times;

use self::{
    control::{ControlPoint, Operation, Reply, Settings},
    frame::{Frame, Measurement, Number},
    times::{FrameSpan, FrameTimes},
};
use super::{
    bytes::at_the_end,
    driver::{Advert, DecodeError, Decoder, Driver, Wish},
    gatt::{GattOp, Repeat},
    heart_rate,
};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{DeviceTime, Reading, Value},
    time::DeviceNs,
    units::STANDARD_GRAVITY,
};

/// Commands and their replies.
pub const CONTROL: Uuid = Uuid(0xfb00_5c81_02e7_f387_1cad_8acd_2d8d_f0c8);
/// Measurement data.
pub const DATA: Uuid = Uuid(0xfb00_5c82_02e7_f387_1cad_8acd_2d8d_f0c8);

const MICROTESLA_PER_GAUSS: f64 = 100.0;
/// Ranges where no settings were heard: 8 g, 2000 deg/s; the magnetometer has 50 gauss.
const RANGE_G: f64 = 8.0;
const RANGE_DPS: f64 = 2000.0;
const RANGE_GAUSS: f64 = 50.0;

/// The Polar family.
pub struct Polar;

impl Driver for Polar {
    fn name(&self) -> &'static str {
        "polar"
    }

    /// By name: H7 and H9 have heart rate only and belong to that driver.
    fn matches(&self, advert: &Advert) -> bool {
        printed_id(&advert.name).is_some()
    }

    /// The identifier printed on the sensor; its Device Information serial number is the same.
    fn identity(&self, advert: &Advert) -> Option<String> {
        let id = printed_id(&advert.name)?;
        let hexadecimal = id.len() == 8 && id.bytes().all(|b| b.is_ascii_hexdigit());
        hexadecimal.then(|| id.to_ascii_uppercase())
    }

    fn setup(&self, wish: &Wish) -> Vec<GattOp> {
        setup::setup(wish)
    }

    fn teardown(&self, wish: &Wish) -> Vec<GattOp> {
        setup::teardown(wish)
    }

    fn repeat(&self) -> Vec<Repeat> {
        vec![heart_rate::battery_again()]
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(PolarDecoder::new())
    }
}

fn printed_id(name: &str) -> Option<&str> {
    ["Polar H10 ", "Polar Sense ", "Polar OH1 "]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .map(str::trim)
}

/// Longest list of settings, bytes.
const MAX_SETTINGS: usize = 512;

/// Longest frame that waits, samples: what sensors send at once has about 70.
const MAX_HELD: usize = 128;

/// One measurement stream.
struct Stream {
    measurement: Measurement,
    times: FrameTimes,
    /// The first frame, which waits for the second to tell the period: its stamp and values.
    held: Option<(i64, Vec<Value>)>,
    factor: Option<f64>,
    /// In g, deg/s or gauss.
    range: Option<f64>,
}

impl Stream {
    fn new(measurement: Measurement, nominal_hz: f64) -> Self {
        Self {
            measurement,
            times: FrameTimes::new(nominal_hz),
            held: None,
            factor: None,
            range: None,
        }
    }

    /// Takes the values of the next frame, which has so many samples.
    fn frame(
        &mut self,
        last_ns: i64,
        samples: usize,
        values: impl Iterator<Item = Value>,
        out: &mut Vec<Reading>,
    ) {
        let first = self.times.knows_nothing();
        let span = self.times.frame(last_ns, samples);
        if first && samples <= MAX_HELD {
            self.held = Some((last_ns, values.collect()));
            return;
        }
        self.release(out);
        out.extend(stamped(span, values));
    }

    /// Passes on what was held back.
    fn release(&mut self, out: &mut Vec<Reading>) {
        if let Some((last_ns, values)) = self.held.take() {
            let span = self.times.alone(last_ns, values.len());
            out.extend(stamped(span, values));
        }
    }
}

fn stamped(
    span: FrameSpan,
    values: impl IntoIterator<Item = Value>,
) -> impl Iterator<Item = Reading> {
    values
        .into_iter()
        .enumerate()
        .map(move |(i, value)| Reading {
            time: DeviceTime::Clock(DeviceNs(span.instant_ns(i))),
            value,
        })
}

struct PolarDecoder {
    streams: [Stream; 4],
    /// The H10 sends raw acceleration at 100 Hz, the others compressed at 52 Hz.
    raw_acceleration: Stream,
    values: Vec<i32>,
    /// Settings that come in several replies, so far.
    settings: Vec<u8>,
    ignored: u64,
}

impl PolarDecoder {
    fn new() -> Self {
        Self {
            streams: [
                Stream::new(Measurement::Ecg, 130.0),
                Stream::new(Measurement::Acc, 52.0),
                Stream::new(Measurement::Gyro, 52.0),
                Stream::new(Measurement::Mag, 20.0),
            ],
            raw_acceleration: Stream::new(Measurement::Acc, 100.0),
            values: Vec::new(),
            settings: Vec::new(),
            ignored: 0,
        }
    }

    fn stream(&mut self, measurement: Measurement, compressed: bool) -> Option<&mut Stream> {
        if measurement == Measurement::Acc && !compressed {
            return Some(&mut self.raw_acceleration);
        }
        self.streams
            .iter_mut()
            .find(|s| s.measurement == measurement)
    }

    /// Replies bring ranges and factors; a start means that the stream's stamps begin anew.
    fn control(&mut self, bytes: &[u8], out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        match ControlPoint::parse(bytes)? {
            ControlPoint::Stopped(codes) => {
                let stopped = codes.iter().find_map(|c| Measurement::from_code(*c));
                let what = stopped.map_or("something", Measurement::name);
                Err(DecodeError::Stopped { what })
            }
            ControlPoint::Reply(reply) if reply.status == 0 => self.reply(&reply, out),
            ControlPoint::Features(_) | ControlPoint::Reply(_) => Ok(()),
        }
    }

    fn reply(&mut self, reply: &Reply, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        let Some(measurement) = Measurement::from_code(reply.measurement) else {
            return Ok(());
        };
        match reply.operation {
            Operation::SETTINGS => self.offered(measurement, reply),
            Operation::START => {
                let settings = Settings::parse(reply.parameters)?;
                let factor = settings.factor.first().map(|f| f64::from(*f));
                for stream in self.streams_of(measurement) {
                    stream.release(out);
                    stream.times.reset();
                    stream.factor = factor.filter(|f| f.is_finite() && *f > 0.0);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The set-up chooses from these settings, so they say the range of what will come.
    fn offered(&mut self, measurement: Measurement, reply: &Reply) -> Result<(), DecodeError> {
        self.settings.extend_from_slice(reply.parameters);
        if reply.more != 0 && self.settings.len() <= MAX_SETTINGS {
            return Ok(());
        }
        let settings = Settings::parse(&std::mem::take(&mut self.settings))?;
        for stream in self.streams_of(measurement) {
            stream.range = setup::chosen_range(&settings);
        }
        Ok(())
    }

    fn streams_of(&mut self, measurement: Measurement) -> impl Iterator<Item = &mut Stream> {
        self.streams
            .iter_mut()
            .chain([&mut self.raw_acceleration])
            .filter(move |s| s.measurement == measurement)
    }

    fn data(&mut self, bytes: &[u8], out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        let frame = Frame::parse(bytes)?;
        let mut values = std::mem::take(&mut self.values);
        let result = frame.samples(&mut values);
        if let Ok(left_over) = result {
            self.ignored += left_over as u64;
            self.push(&frame, &values, out);
        }
        self.values = values;
        result.map(|_| ())
    }

    fn push(&mut self, frame: &Frame, values: &[i32], out: &mut Vec<Reading>) {
        let samples = values.chunks_exact(frame.channels());
        if frame.measurement == Measurement::Ppi {
            out.extend(samples.map(|sample| Reading {
                // Many firmwares stamp these frames with 0.
                time: DeviceTime::Arrival,
                value: pulse_interval(sample),
            }));
            return;
        }
        let Some(stream) = self.stream(frame.measurement, frame.compressed) else {
            return;
        };
        let last_ns = i64::try_from(frame.timestamp_ns).unwrap_or(i64::MAX);
        let (factor, range) = (stream.factor, stream.range);
        let count = samples.len();
        let values = samples.filter_map(|sample| value(frame, factor, range, sample));
        stream.frame(last_ns, count, values, out);
    }
}

impl Decoder for PolarDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        match packet.characteristic {
            CONTROL => self.control(&packet.bytes, out),
            DATA => self.data(&packet.bytes, out),
            _ => {
                self.ignored += heart_rate::decode(packet, out)? as u64;
                Ok(())
            }
        }
    }

    /// What is known of the rates holds: the set-up asks for the same ones again.
    fn reset(&mut self) {
        for stream in self.streams.iter_mut().chain([&mut self.raw_acceleration]) {
            stream.times.reset();
            (stream.held, stream.factor, stream.range) = (None, None, None);
        }
        self.settings.clear();
    }

    fn finish(&mut self, out: &mut Vec<Reading>) {
        for stream in self.streams.iter_mut().chain([&mut self.raw_acceleration]) {
            stream.release(out);
        }
    }

    fn ignored_bytes(&self) -> u64 {
        self.ignored
    }
}

/// Factor that brings an integer of the frame to the unit of its measurement: g, deg/s or gauss.
///
/// Without a stated factor the full 16 bits stand for the range.
#[must_use]
pub fn unit_factor(frame: &Frame, stated: Option<f64>, range: f64) -> f64 {
    match (frame.layout.number, frame.measurement) {
        (Number::Scaled, _) => stated.unwrap_or(range / 32768.0),
        (Number::MilliWithStatus, _) => 1e-3,
        (Number::Units, Measurement::Acc) => 1e-3 * stated.unwrap_or(1.0),
        _ => stated.unwrap_or(1.0),
    }
}

/// The range of a measurement, in g, deg/s or gauss, where the device has not said it.
const fn usual_range(measurement: Measurement) -> f64 {
    match measurement {
        Measurement::Acc => RANGE_G,
        Measurement::Gyro => RANGE_DPS,
        _ => RANGE_GAUSS,
    }
}

fn value(frame: &Frame, factor: Option<f64>, range: Option<f64>, sample: &[i32]) -> Option<Value> {
    let range = range
        .filter(|r| *r > 0.0)
        .unwrap_or(usual_range(frame.measurement));
    let factor = unit_factor(frame, factor, range);
    let triple = || -> Option<[f64; 3]> {
        let raw: &[i32; 3] = sample.first_chunk()?;
        Some(match frame.layout.number {
            Number::Float => raw.map(|v| f64::from(f32::from_bits(v.cast_unsigned())) * factor),
            _ => raw.map(|v| f64::from(v) * factor),
        })
    };
    // 8 g in steps of 0.244 mg end at 7.995 g.
    let clipped = |v: [f64; 3]| at_the_end(v, range);
    match frame.measurement {
        Measurement::Ecg => Some(Value::Ecg {
            microvolt: *sample.first()?,
        }),
        Measurement::Acc => triple().map(|g| Value::Acceleration {
            acceleration: g.map(|v| v * STANDARD_GRAVITY),
            clipped: clipped(g),
        }),
        Measurement::Gyro => triple().map(|dps| Value::AngularRate {
            angular_rate: dps.map(f64::to_radians),
            clipped: clipped(dps),
        }),
        Measurement::Mag => triple().map(|gauss| Value::MagneticField {
            field: gauss.map(|v| v * MICROTESLA_PER_GAUSS),
        }),
        _ => None,
    }
}

fn pulse_interval(record: &[i32]) -> Value {
    let short = |i: usize| record.get(i).map_or(0, |v| *v as u16);
    let flag = |i: usize| record.get(i) == Some(&1);
    Value::PulseInterval {
        interval_ms: short(1),
        error_ms: short(2),
        blocked: flag(3) || (flag(5) && !flag(4)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{packet::DeviceIndex, time::HostNs};

    fn decode(decoder: &mut PolarDecoder, characteristic: Uuid, bytes: &[u8]) -> Vec<Value> {
        let packet = Packet {
            device: DeviceIndex(0),
            characteristic,
            host: HostNs(0),
            bytes: bytes.into(),
        };
        let mut out = Vec::new();
        decoder.decode(&packet, &mut out).unwrap();
        // The first frame of a stream waits for the second.
        decoder.finish(&mut out);
        out.iter().map(|r| r.value).collect()
    }

    #[test]
    fn the_first_frame_waits_for_the_second_and_has_its_period() {
        let mut decoder = PolarDecoder::new();
        let mut out = Vec::new();
        for k in 1..=3_u64 {
            // 200 a second, where 100 are usual.
            let mut bytes = vec![2];
            bytes.extend((k * 50_000_000 + 1_000_000_000).to_le_bytes());
            bytes.push(1);
            bytes.extend([0; 60]);
            let packet = Packet {
                device: DeviceIndex(0),
                characteristic: DATA,
                host: HostNs(0),
                bytes: bytes.into(),
            };
            decoder.decode(&packet, &mut out).unwrap();
            assert_eq!(out.len(), [0, 20, 30][k as usize - 1]);
        }
        let instants: Vec<i64> = out
            .iter()
            .map(|r| match r.time {
                DeviceTime::Clock(at) => at.0,
                other => panic!("{other:?}"),
            })
            .collect();
        let expected: Vec<i64> = (1..=30).map(|i| 1_000_000_000 + i * 5_000_000).collect();
        assert_eq!(instants, expected);
    }

    fn frame(measurement: u8, kind: u8, samples: &[i16]) -> Vec<u8> {
        let mut bytes = vec![measurement, 0, 0, 0, 1, 0, 0, 0, 0, kind];
        bytes.extend(samples.iter().flat_map(|s| s.to_le_bytes()));
        bytes
    }

    fn first(value: Value) -> (f64, bool) {
        match value {
            Value::Acceleration {
                acceleration: v,
                clipped,
            }
            | Value::AngularRate {
                angular_rate: v,
                clipped,
            } => (v[0], clipped),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_are_si_and_clipping_is_marked() {
        let mut decoder = PolarDecoder::new();
        let mut value = |measurement, kind, raw| {
            first(decode(&mut decoder, DATA, &frame(measurement, kind, &[raw, 0, 0]))[0])
        };
        let (acceleration, clipped) = value(2, 1, 1000);
        assert!((acceleration - STANDARD_GRAVITY).abs() < 1e-9 && !clipped);
        assert!(value(2, 1, -7995).1);
        let (rate, clipped) = value(5, 0x80, 16384);
        assert!((rate - 1000_f64.to_radians()).abs() < 1e-9 && !clipped);
        assert!(value(5, 0x80, i16::MIN).1);
    }

    #[test]
    fn the_factor_of_the_start_reply_is_used() {
        let mut decoder = PolarDecoder::new();
        let reply = [0xf0, 2, 2, 0, 0, 5, 1, 0x40, 0xda, 0x7f, 0x39];
        assert!(decode(&mut decoder, CONTROL, &reply).is_empty());
        let values = decode(&mut decoder, DATA, &frame(2, 0x80, &[4098, 0, 0]));
        assert!((first(values[0]).0 - 4098.0 * 0.000_244 * STANDARD_GRAVITY).abs() < 1e-4);
    }

    #[test]
    fn blocked_and_contactless_intervals_are_marked() {
        let mut decoder = PolarDecoder::new();
        let mut bytes = vec![3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for flags in [0b000, 0b001, 0b100, 0b110] {
            bytes.extend([60, 0xe8, 0x03, 10, 0, flags]);
        }
        let blocked: Vec<bool> = decode(&mut decoder, DATA, &bytes)
            .iter()
            .map(|v| matches!(v, Value::PulseInterval { blocked: true, .. }))
            .collect();
        assert_eq!(blocked, [false, true, true, false]);
    }
}
