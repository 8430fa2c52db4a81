//! One stream on the session's clock: strictly rising times, short gaps filled, long ones marked.

use super::period::Period;
use crate::model::{
    sample::{Quality, Sample, StreamId, StreamKind},
    time::SessionNs,
};

/// What happens where samples are missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GapRule {
    /// Up to `limit_ns` interpolated, beyond marked.
    Fill {
        /// ns
        limit_ns: i64,
    },
    /// Marked beyond `limit_ns`, never filled.
    Mark {
        /// ns
        limit_ns: i64,
    },
}

/// Slow streams: a step is a gap only if it is longer than this many periods.
const PERIODS_OF_A_GAP: f64 = 1.5;

/// Most samples put into one gap; 200 ms at 2.5 kHz.
const MAX_FILLED: i64 = 500;

/// The state of one stream.
#[derive(Debug, Clone)]
pub struct Series {
    stream: StreamId,
    rule: GapRule,
    last: Option<Sample>,
    period: Period,
    dropped: u64,
}

impl Series {
    /// A stream without samples.
    #[must_use]
    pub fn new(stream: StreamId, rule: GapRule) -> Self {
        Self {
            stream,
            rule,
            last: None,
            period: Period::default(),
            dropped: 0,
        }
    }

    /// Instant of the latest sample.
    #[must_use]
    pub fn last_t(&self) -> Option<SessionNs> {
        self.last.map(|s| s.t)
    }

    /// The true rate, Hz, once it is known.
    #[must_use]
    pub fn rate_hz(&self) -> Option<f64> {
        self.period.ns().map(|ns| 1e9 / ns)
    }

    /// Samples that were not later than the one before (duplicates).
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// As [`Series::push`], but a sample that is not later than the last becomes so: it has no clock of
    /// its own, two notifications arrived at once.
    pub fn push_arrival(&mut self, sample: Sample, out: &mut Vec<Sample>) {
        let earliest = self
            .last
            .map_or(i64::MIN, |last| last.t.0.saturating_add(1));
        self.push(
            Sample {
                t: SessionNs(sample.t.0.max(earliest)),
                ..sample
            },
            out,
        );
    }

    /// Takes the next sample; `sample.stream` is replaced by this stream's.
    pub fn push(&mut self, sample: Sample, out: &mut Vec<Sample>) {
        let mut sample = Sample {
            stream: self.stream,
            ..sample
        };
        if let Some(last) = self.last {
            if sample.t <= last.t {
                self.dropped += 1;
                return;
            }
            let step = sample.t.0.saturating_sub(last.t.0);
            if step > self.gap_ns() {
                sample.quality = sample.quality.with(Quality::AFTER_GAP);
            } else {
                self.fill(last, &mut sample, step, out);
                self.period.learn(step);
            }
        }
        self.last = Some(sample);
        out.push(sample);
    }

    fn gap_ns(&self) -> i64 {
        let (GapRule::Fill { limit_ns } | GapRule::Mark { limit_ns }) = self.rule;
        let slow = PERIODS_OF_A_GAP * self.period.ns().unwrap_or(0.0);
        limit_ns.max(slow as i64)
    }

    fn fill(&self, last: Sample, sample: &mut Sample, step: i64, out: &mut Vec<Sample>) {
        let (GapRule::Fill { .. }, Some(period)) = (self.rule, self.period.steady_ns()) else {
            return;
        };
        let steps = (step as f64 / period).round() as i64;
        if steps < 2 {
            return;
        }
        let bad_end = last.quality.with(sample.quality).has(Quality::NOT_FINITE);
        if bad_end || steps > MAX_FILLED {
            // Nothing to interpolate between, or no rate that a sensor has.
            sample.quality = sample.quality.with(Quality::AFTER_GAP);
            return;
        }
        let unsure = Quality(sample.quality.0 & Quality::CLOCK_UNSURE.0);
        for k in 1..steps {
            let share = k as f64 / steps as f64;
            let mut values = [0.0; 6];
            for (value, (a, b)) in values.iter_mut().zip(last.values.iter().zip(sample.values)) {
                *value = (f64::from(*a) + (f64::from(b) - f64::from(*a)) * share) as f32;
            }
            out.push(Sample {
                stream: self.stream,
                t: SessionNs(last.t.0.saturating_add((step as f64 * share) as i64)),
                values,
                quality: Quality::INTERPOLATED.with(unsure),
            });
        }
    }
}

/// The rule of a kind of stream.
#[must_use]
pub fn rule(kind: StreamKind, fill_gap_ms: f64, heart_gap_ms: f64) -> GapRule {
    let ns = |ms: f64| (ms * 1e6) as i64;
    match kind {
        StreamKind::Imu | StreamKind::Acc => GapRule::Fill {
            limit_ns: ns(fill_gap_ms),
        },
        // A straight line through an electrocardiogram could hide a beat.
        StreamKind::Ecg => GapRule::Mark {
            limit_ns: ns(fill_gap_ms),
        },
        StreamKind::HeartRate | StreamKind::Rr => GapRule::Mark {
            limit_ns: ns(heart_gap_ms),
        },
        StreamKind::Battery => GapRule::Mark { limit_ns: i64::MAX },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::packet::DeviceIndex;

    const MS: i64 = 1_000_000;

    fn run(times_ms: &[(i64, f32, Quality)]) -> Vec<Sample> {
        let stream = StreamId {
            device: DeviceIndex(0),
            kind: StreamKind::Acc,
        };
        let mut series = Series::new(stream, rule(StreamKind::Acc, 200.0, 5000.0));
        let mut out = Vec::new();
        for (ms, value, quality) in times_ms {
            let sample = Sample {
                stream,
                t: SessionNs(ms * MS),
                values: [*value; 6],
                quality: *quality,
            };
            series.push(sample, &mut out);
        }
        out
    }

    fn regular(until: i64) -> Vec<(i64, f32, Quality)> {
        (0..until)
            .map(|i| (10 * i, i as f32, Quality::GOOD))
            .collect()
    }

    #[test]
    fn a_short_gap_is_filled_at_the_true_period_and_marked() {
        let mut times = regular(20);
        times.push((240, 24.0, Quality::GOOD));
        let out = run(&times);
        assert_eq!(out.len(), 25);
        for (i, sample) in out.iter().enumerate() {
            assert_eq!(sample.t, SessionNs(10 * MS * i.cast_signed() as i64));
            assert!((sample.values[0] - i as f32).abs() < 1e-4);
            assert_eq!(
                sample.quality.has(Quality::INTERPOLATED),
                (20..24).contains(&i)
            );
        }
    }

    #[test]
    fn a_long_gap_is_marked_and_not_filled() {
        let mut times = regular(20);
        times.push((400, 0.0, Quality::GOOD));
        times.push((410, 0.0, Quality::GOOD));
        let out = run(&times);
        assert_eq!(out.len(), 22);
        assert_eq!(out[20].quality, Quality::AFTER_GAP);
        assert_eq!(out[21].quality, Quality::GOOD);
    }

    #[test]
    fn nothing_is_interpolated_from_a_value_that_is_none() {
        let mut times = regular(20);
        times.push((220, 0.0, Quality::NOT_FINITE));
        let out = run(&times);
        assert_eq!(out.len(), 21);
        assert!(out[20].quality.has(Quality::AFTER_GAP));
    }

    #[test]
    fn duplicates_are_dropped() {
        let mut times = regular(3);
        times.extend(regular(4));
        assert_eq!(run(&times).len(), 4);
    }
}
