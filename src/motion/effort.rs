//! Heart rate: the newest value, the 5-s median, statistics of a set and the fall in the minute after it.
//! bpm, s. No zones and no judgement; beats of which nothing is known are no beats.

use crate::model::{
    rep::HeartStats,
    sample::{Quality, Sample, StreamKind},
    time::SessionNs,
};
use std::collections::VecDeque;

/// Span of the median, s.
const MEDIAN_S: f64 = 5.0;
/// A value speaks for this long at most, s: straps send one a second.
const HOLD_S: f64 = 3.0;
/// Values kept for the median.
const KEPT: usize = 64;

/// Heart rate of the session.
#[derive(Default)]
pub(super) struct Effort {
    recent: VecDeque<(f64, f64)>,
    last: Option<(f64, Option<f64>)>,
    saw_rate: bool,
    set: Option<Sums>,
}

#[derive(Default)]
struct Sums {
    start_s: f64,
    weight_s: f64,
    weighted: f64,
    max: Option<f64>,
}

impl Effort {
    /// Takes a sample; streams that are no heart are ignored.
    pub(super) fn push(&mut self, sample: &Sample) {
        let bpm = match sample.stream.kind {
            StreamKind::HeartRate => {
                self.saw_rate = true;
                f64::from(sample.values[0])
            }
            // A device that gives intervals only.
            StreamKind::Rr if !self.saw_rate => 60_000.0 / f64::from(sample.values[0]),
            _ => return,
        };
        let bad = Quality::NO_CONTACT.with(Quality::NOT_FINITE);
        let valid = (30.0..=230.0).contains(&bpm) && !sample.quality.has(bad);
        self.take(sample.t.seconds(), valid.then_some(bpm));
    }

    fn take(&mut self, t_s: f64, bpm: Option<f64>) {
        if self.last.is_some_and(|(last, _)| t_s < last) {
            return;
        }
        self.account(t_s);
        self.last = Some((t_s, bpm));
        let Some(bpm) = bpm else { return };
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back((t_s, bpm));
        let median = self.median(t_s);
        if let (Some(set), Some(m)) = (&mut self.set, median) {
            set.max = Some(set.max.map_or(m, |old| old.max(m)));
        }
    }

    /// Gives the time since the last value to that value.
    fn account(&mut self, t_s: f64) {
        let (Some(set), Some((from, Some(bpm)))) = (&mut self.set, self.last) else {
            return;
        };
        let step = (t_s - from.max(set.start_s)).clamp(0.0, HOLD_S);
        set.weight_s += step;
        set.weighted += step * bpm;
    }

    /// Median of the last 5 s; `None` when no valid value lies in them.
    pub(super) fn median(&self, now_s: f64) -> Option<f64> {
        let values: Vec<f64> = self
            .recent
            .iter()
            .filter(|(t, _)| *t > now_s - MEDIAN_S && *t <= now_s)
            .map(|(_, bpm)| *bpm)
            .collect();
        (!values.is_empty()).then(|| super::filter::median(&values))
    }

    /// The newest value, if the strap said so within the last 5 s.
    pub(super) fn now(&self, now_s: f64) -> Option<f64> {
        let (t, bpm) = self.last?;
        bpm.filter(|_| now_s - t <= MEDIAN_S)
    }

    /// Any strap was heard.
    pub(super) fn alive(&self) -> bool {
        self.last.is_some()
    }

    pub(super) fn begin_set(&mut self, t: SessionNs) {
        self.set = Some(Sums {
            start_s: t.seconds(),
            ..Sums::default()
        });
    }

    pub(super) fn end_set(&mut self, t: SessionNs) -> HeartStats {
        let t_s = t.seconds();
        self.account(t_s);
        let Some(set) = self.set.take() else {
            return HeartStats::default();
        };
        let span = t_s - set.start_s;
        HeartStats {
            mean_bpm: (set.weight_s > 0.0).then(|| set.weighted / set.weight_s),
            max_bpm: set.max,
            end_bpm: self.median(t_s),
            recovery_60s_bpm: None,
            covered: if span > 0.0 {
                (set.weight_s / span).min(1.0)
            } else {
                0.0
            },
        }
    }
}
