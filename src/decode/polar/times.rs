//! Instants of the samples of a frame, of which only the last is stamped.
//!
//! Frames spread their samples between the previous stamp and their own. Where frames were lost that would
//! stretch the samples over the gap, so the usual period is used instead and the gap stays visible; so it is for
//! the first frame of a stream, which waits for the second where nothing is known of the period yet.

use crate::decode::period::UsualPeriod;

/// The stamps of one stream. All times in ns on the device's clock.
#[derive(Debug, Clone)]
pub struct FrameTimes {
    period: UsualPeriod,
    previous_ns: Option<i64>,
}

/// Where the samples of one frame lie: sample `i` of `n` at `start + span·(i+1)/n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameSpan {
    start_ns: i64,
    span_ns: i64,
    samples: i64,
}

impl FrameSpan {
    /// Instant of sample `index`, ns on the device's clock, rounded.
    #[must_use]
    pub fn instant_ns(&self, index: usize) -> i64 {
        let n = i128::from(self.samples.max(1));
        let along = i128::from(self.span_ns) * (index as i128 + 1);
        let rounded = (2 * along + n).div_euclid(2 * n);
        self.start_ns
            .saturating_add(i64::try_from(rounded).unwrap_or(self.span_ns))
    }
}

impl FrameTimes {
    /// A stream that is expected to have that rate, Hz.
    #[must_use]
    pub fn new(nominal_hz: f64) -> Self {
        Self {
            period: UsualPeriod::new(nominal_hz),
            previous_ns: None,
        }
    }

    /// Continues after a frame stamped `previous_ns`.
    #[must_use]
    pub fn after(mut self, previous_ns: i64) -> Self {
        self.previous_ns = Some(previous_ns);
        self
    }

    /// Nothing is known of the period, and no frame came that it could be learned with.
    #[must_use]
    pub fn knows_nothing(&self) -> bool {
        self.previous_ns.is_none() && !self.period.is_known()
    }

    /// A frame of `samples` samples stamped `last_ns`, by the usual period alone.
    #[must_use]
    pub fn alone(&self, last_ns: i64, samples: usize) -> FrameSpan {
        let samples = count(samples);
        let span_ns = self.period.ns().saturating_mul(samples);
        FrameSpan {
            start_ns: last_ns.saturating_sub(span_ns),
            span_ns,
            samples,
        }
    }

    /// Forgets the previous frame: the stream starts anew.
    pub fn reset(&mut self) {
        self.previous_ns = None;
    }

    /// Takes the next frame, stamped `last_ns`, of `samples` samples.
    pub fn frame(&mut self, last_ns: i64, samples: usize) -> FrameSpan {
        let alone = self.alone(last_ns, samples);
        match self.previous_ns.replace(last_ns) {
            Some(previous) if previous < last_ns => {
                let n = count(samples);
                let span_ns = last_ns.saturating_sub(previous);
                let lost = self.period.lost(span_ns, n);
                self.period.learn(span_ns, n);
                let whole = FrameSpan {
                    start_ns: previous,
                    span_ns,
                    samples: n,
                };
                if lost { alone } else { whole }
            }
            _ => alone,
        }
    }
}

fn count(samples: usize) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instants(span: FrameSpan) -> Vec<i64> {
        (0..span.samples as usize)
            .map(|i| span.instant_ns(i))
            .collect()
    }

    #[test]
    fn the_vendors_rule() {
        let span = FrameTimes::new(1.0).frame(10_000_000_000, 10);
        assert_eq!(instants(span)[0], 1_000_000_000);
        assert_eq!(instants(span)[9], 10_000_000_000);
        let span = FrameTimes::new(1.0).after(100).frame(2_000_000_000, 3);
        assert_eq!(instants(span), [666_666_733, 1_333_333_367, 2_000_000_000]);
    }

    #[test]
    fn lost_frames_leave_a_gap() {
        let mut times = FrameTimes::new(100.0);
        for k in 1..=4 {
            times.frame(k * 100, 10);
        }
        let span = times.frame(700, 10);
        assert_eq!(instants(span)[0], 610);
    }

    #[test]
    fn a_stamp_that_goes_back_starts_anew() {
        let mut times = FrameTimes::new(100.0);
        times.frame(100_000_000, 10);
        times.frame(200_000_000, 10);
        assert_eq!(
            instants(times.frame(50_000_000, 2)),
            [40_000_000, 50_000_000]
        );
    }

    #[test]
    fn extreme_stamps_do_not_overflow() {
        let mut times = FrameTimes::new(100.0);
        for last in [i64::MAX, 0, i64::MAX, 1_000_000_000] {
            let span = times.frame(last, 5);
            assert_eq!(span.instant_ns(4), last);
        }
    }
}
