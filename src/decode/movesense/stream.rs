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

/// A stream and the message that may go on.
pub(super) struct Stream {
    pub(super) reference: u8,
    kind: Kind,
    held: Vec<u8>,
    /// Bytes of a whole message, once one was seen to end.
    size: Option<usize>,
    /// When the batch before began, ns, and its samples.
    before: Option<(i64, i64)>,
    clock: Wide,
    period: UsualPeriod,
}

impl Stream {
    pub(super) fn new(reference: u8, kind: Kind, nominal_hz: f64) -> Self {
        Self {
            reference,
            kind,
            held: Vec::new(),
            size: None,
            before: None,
            clock: Wide::default(),
            period: UsualPeriod::new(nominal_hz),
        }
    }

    /// The connection is gone: what was held may have lacked its end.
    pub(super) fn reset(&mut self) {
        self.held.clear();
        self.size = None;
        self.before = None;
    }

    /// A new message begins, so one that is held has ended.
    pub(super) fn begin(
        &mut self,
        payload: &[u8],
        out: &mut Vec<Reading>,
    ) -> Result<(), DecodeError> {
        let ended = std::mem::take(&mut self.held);
        self.held.extend(payload.iter().take(MAX_BATCH));
        if !ended.is_empty() {
            let batch = Batch::parse(self.kind, &ended)?;
            self.size = Some(ended.len());
            self.foresee(&batch, u32_at(payload, 0));
            self.push(&batch, out);
        }
        self.if_whole(out)
    }

    /// The message goes on.
    pub(super) fn go_on(
        &mut self,
        payload: &[u8],
        out: &mut Vec<Reading>,
    ) -> Result<(), DecodeError> {
        if self.held.is_empty() || self.held.len() + payload.len() > MAX_BATCH {
            self.held.clear();
            self.size = None;
            return Err(DecodeError::Value {
                what: "continuation without a message that it continues, of bytes",
                value: payload.len() as u64,
            });
        }
        self.held.extend_from_slice(payload);
        self.if_whole(out)
    }

    /// A message as long as the one before is whole: it need not wait, or the clock would seem late by it.
    fn if_whole(&mut self, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        if self.size != Some(self.held.len()) {
            return Ok(());
        }
        let whole = std::mem::take(&mut self.held);
        let batch = Batch::parse(self.kind, &whole)?;
        self.push(&batch, out);
        Ok(())
    }

    /// Learns the period from the first message, whose successor has begun.
    fn foresee(&mut self, batch: &Batch, next_ms: Option<u32>) {
        let mut ahead = self.clock;
        let start = ahead.next(batch.time_ms).saturating_mul(NS_PER_MS);
        if let Some(ms) = next_ms {
            let next = ahead.next(ms).saturating_mul(NS_PER_MS);
            self.learn(next.saturating_sub(start), batch.samples as i64);
        }
    }

    fn learn(&mut self, span_ns: i64, samples: i64) {
        if span_ns > 0 && !self.period.lost(span_ns, samples) {
            self.period.learn(span_ns, samples);
        }
    }

    fn push(&mut self, batch: &Batch, out: &mut Vec<Reading>) {
        let start = self.clock.next(batch.time_ms).saturating_mul(NS_PER_MS);
        if let Some((before, samples)) = self.before {
            self.learn(start.saturating_sub(before), samples);
        }
        self.before = Some((start, batch.samples as i64));
        let period = self.period.ns();
        for i in 0..batch.samples {
            let Some(value) = value(self.kind, batch, i) else {
                continue;
            };
            let ns = start.saturating_add(period.saturating_mul(i as i64));
            out.push(Reading {
                time: DeviceTime::Clock(DeviceNs(ns)),
                value,
            });
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
        // No link is so narrow that it parts a time stamp.
        for cut in 4..whole.len() {
            let mut stream = Stream::new(2, Kind::Imu6, 52.0);
            let mut out = Vec::new();
            stream.begin(&whole[..cut], &mut out).unwrap();
            stream.go_on(&whole[cut..], &mut out).unwrap();
            assert!(out.is_empty());
            stream.begin(&batch(1080)[..cut], &mut out).unwrap();
            assert_eq!(times_ms(&out), [1000, 1020, 1040, 1060], "{cut}");
            // From now on its length tells that a message is whole.
            stream.go_on(&batch(1080)[cut..], &mut out).unwrap();
            assert_eq!(times_ms(&out)[4..], [1080, 1100, 1120, 1140], "{cut}");
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
            [160, 180, 200, 220, 400, 420, 440, 460, 480, 500, 520, 540]
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
        let out = &mut Vec::new();
        assert!(stream.go_on(&[1, 2], out).is_err());
        stream.begin(&batch(0), out).unwrap();
        let grown = (0..100).filter(|_| stream.go_on(&[0; 200], out).is_ok());
        let grown = grown.count();
        assert!(grown < 100 && stream.held.len() <= MAX_BATCH);
    }
}
