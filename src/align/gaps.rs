//! One stream on the session's clock: strictly ascending, short gaps filled and marked, long ones marked.

use crate::model::{
    sample::{Quality, Sample},
    time::SessionNs,
};

/// Order and gaps of one stream.
#[derive(Debug, Clone)]
pub(super) struct GapFiller {
    fill_ns: i64,
    /// Estimate of the true sample period, ns; the median of the last steps.
    period_ns: i64,
    steps: [i64; 31],
    seen: usize,
    last: Option<Sample>,
    /// Samples at or before the last one, which time cannot take back.
    pub(super) disordered: u32,
}

impl GapFiller {
    pub(super) fn new(fill_gap_ms: f64, nominal_hz: f64) -> Self {
        let period_ns = if nominal_hz > 0.0 {
            (1e9 / nominal_hz) as i64
        } else {
            0
        };
        Self {
            fill_ns: (fill_gap_ms * 1e6) as i64,
            period_ns,
            steps: [0; 31],
            seen: 0,
            last: None,
            disordered: 0,
        }
    }

    /// True sample period as measured, ns; 0 = not known yet.
    pub(super) fn period_ns(&self) -> i64 {
        self.period_ns
    }

    /// No sample came yet.
    pub(super) fn is_new(&self) -> bool {
        self.last.is_none()
    }

    pub(super) fn push(&mut self, mut sample: Sample, out: &mut Vec<Sample>) {
        if let Some(last) = self.last {
            let step = sample.t.0 - last.t.0;
            if step <= 0 {
                self.disordered += 1;
                return;
            }
            if self.is_gap(step) {
                if step <= self.fill_ns {
                    self.fill(&last, &sample, out);
                } else {
                    sample.quality = sample.quality.with(Quality::AFTER_GAP);
                }
            } else {
                self.learn(step);
            }
        }
        self.last = Some(sample);
        out.push(sample);
    }

    fn is_gap(&self, step: i64) -> bool {
        self.period_ns > 0 && step * 4 > self.period_ns * 7
    }

    fn learn(&mut self, step: i64) {
        self.steps[self.seen % self.steps.len()] = step;
        self.seen += 1;
        if self.seen >= 8 && self.seen.is_multiple_of(8) {
            let n = self.seen.min(self.steps.len());
            let mut sorted = self.steps;
            let known = &mut sorted[..n];
            known.sort_unstable();
            self.period_ns = known[n / 2];
        }
    }

    /// Straight lines between the two ends; no value is invented beyond them.
    fn fill(&self, from: &Sample, to: &Sample, out: &mut Vec<Sample>) {
        let step = to.t.0 - from.t.0;
        let pieces = (step + self.period_ns / 2) / self.period_ns;
        let usable = from.quality.is_measured() && to.quality.is_measured();
        for k in 1..pieces {
            let share = k as f64 / pieces as f64;
            let mut quality = Quality::INTERPOLATED;
            let mut values = [0.0; 6];
            if usable {
                for (out, (a, b)) in values.iter_mut().zip(from.values.iter().zip(&to.values)) {
                    *out = (f64::from(*a) + share * (f64::from(*b) - f64::from(*a))) as f32;
                }
            } else {
                quality = quality.with(Quality::NOT_FINITE);
            }
            let t = SessionNs(from.t.0 + (share * step as f64).round() as i64);
            out.push(Sample {
                stream: from.stream,
                t,
                values,
                quality,
            });
        }
    }
}
