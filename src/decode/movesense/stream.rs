//! One stream of a Movesense sensor: pieces joined to batches, samples spread between their stamps.

use super::batch::{Batch, Kind};
use crate::{
    decode::{
        bytes::{at_the_end, u32_at},
        counter::Wide,
        driver::DecodeError,
        period::UsualPeriod,
    },
    model::{
        reading::{DeviceTime, Reading, Value},
        time::DeviceNs,
        units::STANDARD_GRAVITY,
    },
};

/// Longer than any batch of a real sensor.
const MAX_BATCH: usize = 4096;
const RANGE_G: f64 = 8.0;
const RANGE_DPS: f64 = 2000.0;
const NS_PER_MS: i64 = 1_000_000;

/// A stream and its latest batch, which may go on.
pub(super) struct Stream {
    pub(super) reference: u8,
    kind: Kind,
    held: Vec<u8>,
    clock: Wide,
    period: UsualPeriod,
}

impl Stream {
    pub(super) fn new(reference: u8, kind: Kind, nominal_hz: f64) -> Self {
        Self {
            reference,
            kind,
            held: Vec::new(),
            clock: Wide::default(),
            period: UsualPeriod::new(nominal_hz),
        }
    }

    /// The connection is gone: what was held may have lacked its end.
    pub(super) fn reset(&mut self) {
        self.held.clear();
    }

    /// A new message begins: the one before it is whole and goes to `out`.
    pub(super) fn begin(
        &mut self,
        payload: &[u8],
        out: &mut Vec<Reading>,
    ) -> Result<(), DecodeError> {
        let whole = std::mem::take(&mut self.held);
        self.held.extend(payload.iter().take(MAX_BATCH));
        if whole.is_empty() {
            return Ok(());
        }
        let batch = Batch::parse(self.kind, &whole)?;
        self.push(&batch, u32_at(payload, 0), out);
        Ok(())
    }

    /// The message goes on.
    pub(super) fn go_on(&mut self, payload: &[u8]) -> Result<(), DecodeError> {
        if self.held.is_empty() || self.held.len() + payload.len() > MAX_BATCH {
            self.held.clear();
            return Err(DecodeError::Value {
                what: "continuation without a message that it continues, of bytes",
                value: payload.len() as u64,
            });
        }
        self.held.extend_from_slice(payload);
        Ok(())
    }

    fn push(&mut self, batch: &Batch, next_ms: Option<u32>, out: &mut Vec<Reading>) {
        let start = self.clock.next(batch.time_ms).saturating_mul(NS_PER_MS);
        let mut ahead = self.clock;
        let next = next_ms.map(|ms| ahead.next(ms).saturating_mul(NS_PER_MS));
        let span = self.span(start, next, batch.samples as i64);
        for i in 0..batch.samples {
            let Some(value) = value(self.kind, batch, i) else {
                continue;
            };
            let along = i128::from(span) * i as i128 / batch.samples as i128;
            let ns = start.saturating_add(i64::try_from(along).unwrap_or(span));
            out.push(Reading {
                time: DeviceTime::Clock(DeviceNs(ns)),
                value,
            });
        }
    }

    /// From the first sample of a batch to where the next would follow it, ns.
    fn span(&mut self, start_ns: i64, next_ns: Option<i64>, samples: i64) -> i64 {
        let usual = self.period.ns().saturating_mul(samples);
        match next_ns {
            Some(next) if next > start_ns => {
                let span = next - start_ns;
                let lost = self.period.lost(span, samples);
                self.period.learn(span / samples);
                if lost { usual } else { span }
            }
            _ => usual,
        }
    }
}

fn value(kind: Kind, batch: &Batch, i: usize) -> Option<Value> {
    Some(match kind {
        Kind::Ecg => Value::Ecg {
            microvolt: batch.microvolt(i)?.into(),
        },
        Kind::Vector => Value::MagneticField {
            field: batch.vector(0, i)?,
        },
        Kind::Imu6 | Kind::Imu9 => {
            let (acceleration, dps) = (batch.vector(0, i)?, batch.vector(1, i)?);
            let clipped = at_the_end(acceleration, RANGE_G * STANDARD_GRAVITY);
            Value::Imu {
                acceleration,
                angular_rate: dps.map(f64::to_radians),
                clipped: clipped || at_the_end(dps, RANGE_DPS),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four samples whose vectors hold 1.0, 2.0 ... in order.
    fn batch(ms: u32) -> Vec<u8> {
        let mut bytes = ms.to_le_bytes().to_vec();
        for i in 0..8_u8 {
            bytes.extend([f32::from(i); 3].iter().flat_map(|v| v.to_le_bytes()));
        }
        bytes
    }

    fn times_ms(readings: &[Reading]) -> Vec<i64> {
        let ms = |r: &Reading| match r.time {
            DeviceTime::Clock(ns) => ns.0 / NS_PER_MS,
            other => panic!("{other:?}"),
        };
        readings.iter().map(ms).collect()
    }

    #[test]
    fn a_message_in_pieces_is_one_batch_wherever_it_is_cut() {
        let whole = batch(1000);
        for cut in 1..whole.len() {
            let mut stream = Stream::new(2, Kind::Imu6, 52.0);
            let mut out = Vec::new();
            stream.begin(&whole[..cut], &mut out).unwrap();
            stream.go_on(&whole[cut..]).unwrap();
            assert!(out.is_empty());
            stream.begin(&batch(1080), &mut out).unwrap();
            assert_eq!(times_ms(&out), [1000, 1020, 1040, 1060], "{cut}");
            let Value::Imu { angular_rate, .. } = out[3].value else {
                panic!("{:?}", out[3])
            };
            assert!((angular_rate[0] - 7_f64.to_radians()).abs() < 1e-9);
        }
    }

    #[test]
    fn lost_batches_leave_a_gap() {
        let mut stream = Stream::new(2, Kind::Imu6, 52.0);
        let mut out = Vec::new();
        for ms in [0, 80, 160, 400, 480] {
            stream.begin(&batch(ms), &mut out).unwrap();
        }
        assert_eq!(
            times_ms(&out)[8..],
            [160, 180, 200, 220, 400, 420, 440, 460]
        );
    }

    #[test]
    fn stamps_weeks_apart_are_a_gap_and_no_overflow() {
        let mut stream = Stream::new(2, Kind::Ecg, 200.0);
        let mut out = Vec::new();
        for ms in [5_u32, u32::MAX, 4] {
            let mut bytes = vec![0; 4004];
            bytes[..4].copy_from_slice(&ms.to_le_bytes());
            stream.begin(&bytes, &mut out).unwrap();
        }
        assert_eq!(times_ms(&out)[..2], [5, 10]);
    }

    #[test]
    fn a_continuation_alone_is_an_error_and_nothing_grows() {
        let mut stream = Stream::new(2, Kind::Imu6, 52.0);
        assert!(stream.go_on(&[1, 2]).is_err());
        stream.begin(&batch(0), &mut Vec::new()).unwrap();
        let grown = (0..100).filter(|_| stream.go_on(&[0; 200]).is_ok()).count();
        assert!(grown < 100 && stream.held.len() <= MAX_BATCH);
    }
}
