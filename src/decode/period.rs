//! The usual time between two samples of a stream, learned from whole batches.
//!
//! The median of what recent batches had: never the nominal rate, which devices miss by several per cent.

/// Batches that the usual period is taken from.
const HISTORY: usize = 15;

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

    /// A batch had this period.
    pub(super) fn learn(&mut self, period_ns: i64) {
        self.recent_ns[self.next] = period_ns.max(1);
        self.next = (self.next + 1) % HISTORY;
        self.known = (self.known + 1).min(HISTORY);
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

    /// Samples are missing between two stamps that are `span_ns` apart and have `samples` between them. A
    /// first span has nothing to be compared with.
    pub(super) fn lost(&self, span_ns: i64, samples: i64) -> bool {
        let fit = (span_ns as f64 / self.ns().max(1) as f64).round() as i64;
        self.known > 0 && fit.saturating_sub(samples) >= 1
    }
}
