//! Instants of the samples of a frame, of which only the last is stamped.
//!
//! The first frame of a stream walks back from its stamp at the nominal period; later frames spread
//! their samples between the previous stamp and their own. Where frames were lost that would stretch
//! the samples over the gap, so the usual period is used instead and the gap stays visible. The usual
//! period is the median of what recent frames had: never the nominal rate, which devices miss by
//! several per cent.

/// Frames that the usual period is taken from.
const HISTORY: usize = 15;

/// The stamps of one stream. All times in ns on the device's clock.
#[derive(Debug, Clone)]
pub struct FrameTimes {
    nominal_period_ns: i64,
    previous_ns: Option<i64>,
    periods_ns: [i64; HISTORY],
    known: usize,
    next: usize,
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
            nominal_period_ns: (1e9 / nominal_hz.clamp(0.1, 10_000.0)) as i64,
            previous_ns: None,
            periods_ns: [0; HISTORY],
            known: 0,
            next: 0,
        }
    }

    /// Continues after a frame stamped `previous_ns`.
    #[must_use]
    pub fn after(mut self, previous_ns: i64) -> Self {
        self.previous_ns = Some(previous_ns);
        self
    }

    /// Forgets the previous frame: the stream starts anew.
    pub fn reset(&mut self) {
        self.previous_ns = None;
    }

    /// Takes the next frame, stamped `last_ns`, of `samples` samples.
    pub fn frame(&mut self, last_ns: i64, samples: usize) -> FrameSpan {
        let n = i64::try_from(samples).unwrap_or(i64::MAX).max(1);
        let usual = self.usual_period_ns();
        let span_ns = match self.previous_ns.replace(last_ns) {
            Some(previous) if previous < last_ns => {
                let span = last_ns.saturating_sub(previous);
                // A first period has nothing to be compared with.
                let lost = self.known > 0 && missing(span, usual, n) >= 1;
                self.learn(span / n);
                if lost { usual.saturating_mul(n) } else { span }
            }
            _ => usual.saturating_mul(n),
        };
        FrameSpan {
            start_ns: last_ns.saturating_sub(span_ns),
            span_ns,
            samples: n,
        }
    }

    fn learn(&mut self, period_ns: i64) {
        self.periods_ns[self.next] = period_ns.max(1);
        self.next = (self.next + 1) % HISTORY;
        self.known = (self.known + 1).min(HISTORY);
    }

    fn usual_period_ns(&self) -> i64 {
        let mut sorted = self.periods_ns;
        let sorted = &mut sorted[..self.known];
        sorted.sort_unstable();
        sorted
            .get(self.known / 2)
            .copied()
            .unwrap_or(self.nominal_period_ns)
    }
}

/// Samples that fit into `span_ns` beyond the `samples` there are.
fn missing(span_ns: i64, period_ns: i64, samples: i64) -> i64 {
    let fit = (span_ns as f64 / period_ns as f64).round() as i64;
    fit.saturating_sub(samples)
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
