//! The usual time between two samples of a stream, learned from whole batches.
//!
//! The median of what recent batches had: never the nominal rate, which devices miss by several per cent.

/// Batches that the usual period is taken from.
const HISTORY: usize = 15;
/// Batches after which it is relied on.
const SURE: usize = 8;
/// A first period may be this many times the nominal one: devices are set to other rates than expected.
/// Beyond it, it is a gap.
const FIRST_AT_MOST: i64 = 8;

/// What is known of a stream's period, ns.
#[derive(Debug, Clone)]
pub(super) struct UsualPeriod {
    nominal_ns: i64,
    recent_ns: [i64; HISTORY],
    known: usize,
    next: usize,
}

impl UsualPeriod {
    /// A stream that is expected to have that rate, Hz.
    pub(super) fn new(nominal_hz: f64) -> Self {
        Self {
            nominal_ns: (1e9 / nominal_hz.clamp(0.1, 10_000.0)) as i64,
            recent_ns: [0; HISTORY],
            known: 0,
            next: 0,
        }
    }

    /// So many samples lie between two stamps. Those that are seen to be missing count as well, once there were enough
    /// whole batches to tell; before, what is learned may be wrong and is soon outvoted.
    pub(super) fn learn(&mut self, span_ns: i64, samples: i64) {
        let samples = samples.max(1);
        if self.known == 0 && self.is_gap(span_ns / samples) {
            return;
        }
        let there = if self.known < SURE {
            samples
        } else {
            samples.max(self.fitting(span_ns))
        };
        let period_ns = span_ns / there;
        self.recent_ns[self.next] = period_ns.max(1);
        self.next = (self.next + 1) % HISTORY;
        self.known = (self.known + 1).min(HISTORY);
    }

    /// Something was learned.
    pub(super) fn is_known(&self) -> bool {
        self.known > 0
    }

    /// The usual period.
    pub(super) fn ns(&self) -> i64 {
        let mut sorted = self.recent_ns;
        let sorted = &mut sorted[..self.known];
        sorted.sort_unstable();
        sorted
            .get(self.known / 2)
            .copied()
            .unwrap_or(self.nominal_ns)
    }

    /// Samples are missing between two stamps that are `span_ns` apart and have `samples` between them.
    pub(super) fn lost(&self, span_ns: i64, samples: i64) -> bool {
        if self.known == 0 {
            return self.is_gap(span_ns / samples.max(1));
        }
        self.fitting(span_ns).saturating_sub(samples) >= 1
    }

    /// Samples of the usual period that fit into a time.
    fn fitting(&self, span_ns: i64) -> i64 {
        (span_ns as f64 / self.ns().max(1) as f64).round() as i64
    }

    fn is_gap(&self, first_ns: i64) -> bool {
        first_ns > self.nominal_ns.saturating_mul(FIRST_AT_MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_gap_is_neither_spread_over_nor_learned() {
        let mut period = UsualPeriod::new(100.0);
        assert!(!period.lost(80_000_000, 2));
        assert!(period.lost(3_600_000_000_000, 2));
        period.learn(3_600_000_000_000, 2);
        assert_eq!(period.ns(), 10_000_000);
        period.learn(40_000_000, 2);
        assert_eq!(period.ns(), 20_000_000);
    }

    #[test]
    fn batches_that_go_missing_for_long_do_not_stretch_the_period() {
        let mut period = UsualPeriod::new(52.0);
        for _ in 0..SURE {
            period.learn(1_900_000, 10);
        }
        for _ in 0..100 {
            // Every second one.
            assert!(period.lost(3_800_000, 10));
            period.learn(3_800_000, 10);
        }
        assert_eq!(period.ns(), 190_000);
    }

    #[test]
    fn a_first_period_that_was_wrong_is_outvoted() {
        let mut period = UsualPeriod::new(100.0);
        period.learn(50_000_000, 10);
        for _ in 0..SURE {
            period.learn(100_000_000, 10);
        }
        assert_eq!(period.ns(), 10_000_000);
    }
}
