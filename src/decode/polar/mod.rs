//! Polar H10, Verity Sense, OH1: the measurement data service (PMD) beside the standard heart rate.
//!
//! Every sample gets its own instant on the device's clock: a frame states that of its last one. The
//! clock counts from an origin that nobody has set; only differences are used.

pub mod control;
pub mod delta;
pub mod frame;

use super::{Advert, DecodeError, Decoder, Driver, GattOp, heart_rate};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{DeviceTime, Reading, Value},
    time::DeviceNs,
    units::STANDARD_GRAVITY,
};
use frame::{Frame, Type};

/// Control point.
pub const CONTROL: Uuid = Uuid(0xfb00_5c81_02e7_f387_1cad_8acd_2d8d_f0c8);
/// Data.
pub const DATA: Uuid = Uuid(0xfb00_5c82_02e7_f387_1cad_8acd_2d8d_f0c8);

/// Instants of `n` samples, ns: from the previous frame's time to this one's; without a previous frame,
/// back from this one's at `period_ns`. The last is `time` exactly.
#[must_use]
pub fn instant(previous: Option<u64>, time: u64, n: usize, i: usize, period_ns: f64) -> i64 {
    let step = match previous {
        Some(previous) if n > 0 => time.saturating_sub(previous) as f64 / n as f64,
        _ => period_ns,
    };
    let back = step * (n.saturating_sub(i + 1)) as f64;
    time as i64 - back.round() as i64
}

/// Polar.
pub struct Polar;

impl Driver for Polar {
    fn name(&self) -> &'static str {
        "polar"
    }

    fn matches(&self, advert: &Advert) -> bool {
        advert
            .name
            .as_deref()
            .is_some_and(|n| n.starts_with("Polar "))
    }

    fn setup(&self) -> &'static [GattOp] {
        &[
            GattOp::Subscribe(heart_rate::MEASUREMENT),
            GattOp::Read(heart_rate::BATTERY),
            GattOp::Read(CONTROL),
            GattOp::Subscribe(CONTROL),
            GattOp::Subscribe(DATA),
        ]
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(PmdDecoder::default())
    }
}

/// State of one connection.
#[derive(Default)]
struct PmdDecoder {
    frame: Frame,
    /// Time of the last frame, sample period and scale, by measurement type.
    streams: [Stream; 16],
}

#[derive(Clone, Copy, Default)]
struct Stream {
    previous: Option<u64>,
    period_ns: Option<f64>,
    factor: Option<f64>,
}

impl Decoder for PmdDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        match packet.characteristic {
            DATA => self.data(&packet.bytes, out),
            CONTROL => self.control(&packet.bytes),
            _ => heart_rate::standard(packet, out),
        }
    }

    fn reset(&mut self) {
        self.streams = Default::default();
    }
}

impl PmdDecoder {
    /// A start reply tells the scale; anything else that comes this way carries no reading.
    fn control(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        if bytes.first() != Some(&0xf0) {
            return Ok(());
        }
        let reply = control::reply(bytes)?;
        if let Some(stream) = self.streams.get_mut(usize::from(reply.kind & 0x3f)) {
            if reply.op == 2 {
                stream.factor = reply.settings.factor.first().copied().map(f64::from);
                stream.previous = None;
            } else if reply.op == 3 {
                stream.previous = None;
            }
        }
        Ok(())
    }

    fn data(&mut self, bytes: &[u8], out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        let number = usize::from(bytes.first().copied().unwrap_or(0) & 0x3f);
        let factor = self.streams.get(number).and_then(|s| s.factor);
        self.frame.read(bytes, factor)?;
        let Some(kind) = self.frame.kind else {
            return Ok(());
        };
        let (time, n) = (self.frame.time_ns, self.frame.samples().len());
        let (previous, period) = self.step(number, kind, time, n);
        for (i, sample) in self.frame.samples().enumerate() {
            let device = DeviceTime::Clock(DeviceNs(instant(previous, time, n, i, period)));
            if let Some((at, value)) = reading(kind, sample, device) {
                out.push(Reading { time: at, value });
            }
        }
        Ok(())
    }

    /// The frame before this one, unless frames were lost between; and the period to use without it.
    fn step(&mut self, number: usize, kind: Type, time: u64, n: usize) -> (Option<u64>, f64) {
        let nominal = nominal_period_ns(kind);
        let Some(stream) = self.streams.get_mut(number) else {
            return (None, nominal);
        };
        let period = stream.period_ns.unwrap_or(nominal);
        let previous = stream.previous.replace(time).filter(|p| *p < time);
        let Some(before) = previous else {
            return (None, period);
        };
        let step = (time - before) as f64 / n.max(1) as f64;
        // More than half a frame longer than its samples: frames were lost, the gap stays a gap.
        if stream.period_ns.is_some() && step > 1.5 * period {
            return (None, period);
        }
        stream.period_ns = Some(step);
        (previous, step)
    }
}

/// Sample period that a type has by default, ns; only until two frames told the true one.
fn nominal_period_ns(kind: Type) -> f64 {
    let hz = match kind {
        Type::Ecg => 130.0,
        Type::Ppg => 55.0,
        Type::Mag => 50.0,
        _ => 52.0,
    };
    1e9 / hz
}

fn reading(kind: Type, s: &[f64], at: DeviceTime) -> Option<(DeviceTime, Value)> {
    let triple = |scale: f64| Some([s.first()? * scale, s.get(1)? * scale, s.get(2)? * scale]);
    let value = match kind {
        Type::Acc => Value::Acceleration {
            acceleration: triple(STANDARD_GRAVITY / 1000.0)?,
            // +-8 g is the widest range of the straps by default.
            clipped: s.iter().any(|v| v.abs() >= 7_990.0),
        },
        Type::Gyro => Value::AngularRate {
            angular_rate: triple(1.0_f64.to_radians())?,
            clipped: s.iter().any(|v| v.abs() >= 1_999.0),
        },
        Type::Mag => Value::MagneticField {
            field: triple(100.0)?,
        },
        Type::Ecg => Value::Ecg {
            microvolt: *s.first()? as i32,
        },
        Type::Ppi => {
            let blocked = s[3] > 0.5 || (s[5] > 0.5 && s[4] < 0.5);
            let value = Value::PulseInterval {
                interval_ms: s[1] as u16,
                error_ms: s[2] as u16,
                blocked,
            };
            // Many firmwares put no time on these.
            return Some((DeviceTime::Arrival, value));
        }
        Type::Ppg | Type::SkinTemperature | Type::Pressure | Type::Temperature => return None,
    };
    Some((at, value))
}
