//! Heart rate as it comes: the newest value and the 5-s median at any instant of the last minutes. bpm, s.

use std::collections::VecDeque;

/// Span of the median, s.
pub(super) const MEDIAN_S: f64 = 5.0;
/// Values are kept for so long, s: the end of the effort lies before the end of the set, and is asked for then.
const KEPT_S: f64 = 180.0;
/// ... and never more of them.
const KEPT: usize = 1024;

/// Newest values.
#[derive(Default)]
pub(super) struct Rate {
    recent: VecDeque<(f64, f64)>,
    last: Option<(f64, Option<f64>)>,
}

impl Rate {
    /// Takes a value or the word that there is none; `false` if it is older than the last.
    pub(super) fn push(&mut self, t_s: f64, bpm: Option<f64>) -> bool {
        if self.last.is_some_and(|(last, _)| t_s < last) {
            return false;
        }
        self.last = Some((t_s, bpm));
        if let Some(bpm) = bpm {
            let full = self.recent.len() == KEPT;
            let old = self.recent.front().is_some_and(|(t, _)| t_s - t > KEPT_S);
            if full || old {
                self.recent.pop_front();
            }
            self.recent.push_back((t_s, bpm));
        }
        true
    }

    /// The newest word of the strap.
    pub(super) fn last(&self) -> Option<(f64, Option<f64>)> {
        self.last
    }

    /// Median of the 5 s before; `None` when no valid value lies in them.
    pub(super) fn median(&self, at_s: f64) -> Option<f64> {
        let values: Vec<f64> = self
            .recent
            .iter()
            .rev()
            .skip_while(|(t, _)| *t > at_s)
            .take_while(|(t, _)| *t > at_s - MEDIAN_S)
            .map(|(_, bpm)| *bpm)
            .collect();
        (!values.is_empty()).then(|| crate::motion::filter::median(&values))
    }

    /// The newest value and when it was, if the strap said so within the last 5 s.
    pub(super) fn now(&self, now_s: f64) -> Option<(f64, f64)> {
        let (t_s, bpm) = self.last?;
        bpm.filter(|_| now_s - t_s <= MEDIAN_S)
            .map(|bpm| (t_s, bpm))
    }
}
