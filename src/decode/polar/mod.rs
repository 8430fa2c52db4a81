//! Polar sensors with measurement data streams (PMD): H10, Verity Sense, OH1.
//!
//! Acceleration, angular rate, magnetic field, ECG on the device's clock (ns since its own epoch, of
//! which only differences mean anything); pulse intervals, heart rate and battery without a clock.
//! Acceleration and angular rate are separate readings; they meet in the next stage. Optical raw data
//! and temperatures are parsed by [`frame`] and not passed on.

pub mod control;
pub mod delta;
pub mod frame;
pub mod times;

use self::{
    control::{ControlPoint, Operation, Settings},
    frame::{Frame, Measurement, Number},
    times::FrameTimes,
};
use super::{
    driver::{Advert, DecodeError, Decoder, Driver, GattOp},
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
/// Ranges that [`SETUP`] asks for: 8 g, 2000 deg/s; the magnetometer has 50 gauss.
const RANGE_G: f64 = 8.0;
const RANGE_DPS: f64 = 2000.0;
const RANGE_GAUSS: f64 = 50.0;
/// A value this near the range stands at its end (8 g in steps of 0.244 mg end at 7.995 g).
const CLIPPED_SHARE: f64 = 0.999;

/// Settings of both generations are tried; a device refuses what it does not have.
const SETUP: &[GattOp] = &[
    GattOp::NeedMtu(232),
    subscribe(heart_rate::MEASUREMENT, true),
    GattOp::Read {
        characteristic: heart_rate::BATTERY_LEVEL,
    },
    subscribe(CONTROL, false),
    subscribe(DATA, false),
    // H10: acceleration, 8 g, 100 Hz, 16 bit.
    start(&[2, 2, 2, 1, 8, 0, 0, 1, 100, 0, 1, 1, 16, 0]),
    // Verity Sense: acceleration, 52 Hz, 16 bit, 8 g, 3 channels.
    start(&[2, 2, 0, 1, 52, 0, 1, 1, 16, 0, 2, 1, 8, 0, 4, 1, 3]),
    // Verity Sense: angular rate, 52 Hz, 16 bit, 2000 deg/s, 3 channels.
    start(&[2, 5, 0, 1, 52, 0, 1, 1, 16, 0, 2, 1, 0xd0, 0x07, 4, 1, 3]),
];

const fn subscribe(characteristic: Uuid, optional: bool) -> GattOp {
    GattOp::Subscribe {
        characteristic,
        optional,
    }
}

const fn start(bytes: &'static [u8]) -> GattOp {
    GattOp::Write {
        characteristic: CONTROL,
        bytes,
        await_reply: true,
        optional: true,
    }
}

/// The Polar family.
pub struct Polar;

impl Driver for Polar {
    fn name(&self) -> &'static str {
        "polar"
    }

    /// By name: H7 and H9 have heart rate only and belong to that driver.
    fn matches(&self, advert: &Advert) -> bool {
        ["Polar H10 ", "Polar Sense ", "Polar OH1 "]
            .iter()
            .any(|prefix| advert.name.starts_with(prefix))
    }

    fn setup(&self) -> &'static [GattOp] {
        SETUP
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(PolarDecoder::new())
    }
}

/// One measurement stream.
struct Stream {
    measurement: Measurement,
    times: FrameTimes,
    factor: Option<f64>,
}

impl Stream {
    fn new(measurement: Measurement, nominal_hz: f64) -> Self {
        Self {
            measurement,
            times: FrameTimes::new(nominal_hz),
            factor: None,
        }
    }
}

struct PolarDecoder {
    streams: [Stream; 4],
    /// The H10 sends raw acceleration at 100 Hz, the others compressed at 52 Hz.
    raw_acceleration: Stream,
    values: Vec<i32>,
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

    /// A start reply brings the factor and means that the stream's stamps begin anew.
    fn control(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let ControlPoint::Reply(reply) = ControlPoint::parse(bytes)? else {
            return Ok(());
        };
        let measurement = Measurement::from_code(reply.measurement);
        let (Operation::START, 0, Some(measurement)) = (reply.operation, reply.status, measurement)
        else {
            return Ok(());
        };
        let settings = Settings::parse(reply.parameters)?;
        let factor = settings.factor.first().map(|f| f64::from(*f));
        for compressed in [false, true] {
            if let Some(stream) = self.stream(measurement, compressed) {
                stream.times.reset();
                stream.factor = factor.filter(|f| f.is_finite() && *f > 0.0);
            }
        }
        Ok(())
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
        let span = stream.times.frame(last_ns, samples.len());
        for (i, sample) in samples.enumerate() {
            if let Some(value) = value(frame, stream.factor, sample) {
                out.push(Reading {
                    time: DeviceTime::Clock(DeviceNs(span.instant_ns(i))),
                    value,
                });
            }
        }
    }
}

impl Decoder for PolarDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        match packet.characteristic {
            CONTROL => self.control(&packet.bytes),
            DATA => self.data(&packet.bytes, out),
            _ => {
                self.ignored += heart_rate::decode(packet, out)? as u64;
                Ok(())
            }
        }
    }

    fn reset(&mut self) {
        *self = Self::new();
    }

    fn ignored_bytes(&self) -> u64 {
        self.ignored
    }
}

/// Factor that brings an integer of the frame to the unit of its measurement: g, deg/s or gauss.
///
/// Without a stated factor the full 16 bits stand for the range.
#[must_use]
pub fn unit_factor(frame: &Frame, stated: Option<f64>) -> f64 {
    let full_scale = |range: f64| stated.unwrap_or(range / 32768.0);
    match (frame.layout.number, frame.measurement) {
        (Number::Scaled, Measurement::Acc) => full_scale(RANGE_G),
        (Number::Scaled, Measurement::Gyro) => full_scale(RANGE_DPS),
        (Number::Scaled, _) => full_scale(RANGE_GAUSS),
        (Number::MilliWithStatus, _) => 1e-3,
        (Number::Units, Measurement::Acc) => 1e-3 * stated.unwrap_or(1.0),
        _ => stated.unwrap_or(1.0),
    }
}

fn value(frame: &Frame, factor: Option<f64>, sample: &[i32]) -> Option<Value> {
    let factor = unit_factor(frame, factor);
    let triple = || -> Option<[f64; 3]> {
        let raw: &[i32; 3] = sample.first_chunk()?;
        Some(match frame.layout.number {
            Number::Float => raw.map(|v| f64::from(f32::from_bits(v.cast_unsigned())) * factor),
            _ => raw.map(|v| f64::from(v) * factor),
        })
    };
    let clipped = |v: [f64; 3], range: f64| v.iter().any(|x| x.abs() >= CLIPPED_SHARE * range);
    match frame.measurement {
        Measurement::Ecg => Some(Value::Ecg {
            microvolt: *sample.first()?,
        }),
        Measurement::Acc => triple().map(|g| Value::Acceleration {
            acceleration: g.map(|v| v * STANDARD_GRAVITY),
            clipped: clipped(g, RANGE_G),
        }),
        Measurement::Gyro => triple().map(|dps| Value::AngularRate {
            angular_rate: dps.map(f64::to_radians),
            clipped: clipped(dps, RANGE_DPS),
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
        out.iter().map(|r| r.value).collect()
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
