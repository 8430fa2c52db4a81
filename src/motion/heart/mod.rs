//! The heart of the session: rate, effort and variability of every set and of the whole. bpm, ms, s.
//!
//! | file | what |
//! |---|---|
//! | `rate` | newest value and 5-s median |
//! | `load` | shares of reserve and maximum, zones, training impulse |
//! | `zones` | zones with hysteresis |
//! | [`beats`] | which intervals between beats are no normal ones |
//! | [`variability`](mod@variability) | RMSSD without them |
//!
//! Beats of which nothing is known are no beats. No judgement is made here.

pub mod beats;
mod load;
mod rate;
#[cfg(test)]
mod tests;
pub mod variability;
mod zones;

use crate::model::{
    heart::{HeartProfile, Variability},
    packet::DeviceIndex,
    rep::HeartStats,
    sample::{Quality, Sample, StreamKind},
    time::SessionNs,
};
use load::Load;
use rate::Rate;
use std::collections::VecDeque;
use variability::{Interval, variability};

/// Rates that a person can have, bpm.
const POSSIBLE_BPM: std::ops::RangeInclusive<f64> = 30.0..=230.0;
/// Fall of the heart rate is taken so long after the end of the effort, s.
pub(super) const RECOVERY_S: f64 = 60.0;
/// Rest before a set: the heart settles for so long, s (Bourdillon and others 2017) ...
const SETTLE_S: f64 = 60.0;
/// ... and what lies further back says nothing of now, s.
const REST_S: f64 = 300.0;
/// Intervals kept: three quarters of an hour at 180 bpm.
const KEPT: usize = 8192;

/// Heart rate of the session.
pub(super) struct Heart {
    profile: HeartProfile,
    rate: Rate,
    saw_rate: bool,
    set: Option<Load>,
    session: Load,
    intervals: VecDeque<Interval>,
    strap: Option<DeviceIndex>,
    quiet_since_s: f64,
    before: Variability,
}

impl Heart {
    pub(super) fn new(profile: &HeartProfile) -> Self {
        Self {
            profile: *profile,
            rate: Rate::default(),
            saw_rate: false,
            set: None,
            session: Load::new(0.0, profile),
            intervals: VecDeque::new(),
            strap: None,
            quiet_since_s: 0.0,
            before: Variability::default(),
        }
    }

    /// Takes a sample; streams that are no heart are ignored.
    pub(super) fn push(&mut self, sample: &Sample) {
        let value = f64::from(sample.values[0]);
        let bad = Quality::NO_CONTACT.with(Quality::NOT_FINITE);
        let heard = value.is_finite() && !sample.quality.has(bad);
        let t_s = sample.t.seconds();
        let bpm = match sample.stream.kind {
            StreamKind::HeartRate => {
                self.saw_rate = true;
                value
            }
            StreamKind::Rr => {
                if heard {
                    self.keep(sample.stream.device, t_s, value);
                }
                if self.saw_rate || value <= 0.0 {
                    return;
                }
                // A device that gives intervals only.
                60_000.0 / value
            }
            _ => return,
        };
        self.take(t_s, (heard && POSSIBLE_BPM.contains(&bpm)).then_some(bpm));
    }

    /// Intervals of two straps must not mix: the one heard first is meant.
    fn keep(&mut self, device: DeviceIndex, end_s: f64, ms: f64) {
        if *self.strap.get_or_insert(device) != device {
            return;
        }
        if self.intervals.len() == KEPT {
            self.intervals.pop_front();
        }
        self.intervals.push_back(Interval { end_s, ms });
    }

    fn take(&mut self, t_s: f64, bpm: Option<f64>) {
        let last = self.rate.last();
        if !self.rate.push(t_s, bpm) {
            return;
        }
        self.account(last, t_s);
        if bpm.is_none() {
            return;
        }
        if let Some(median) = self.rate.median(t_s) {
            self.session.median(median);
            if let Some(set) = &mut self.set {
                set.median(median);
            }
        }
    }

    /// Gives the time since the last value to that value.
    fn account(&mut self, last: Option<(f64, Option<f64>)>, t_s: f64) {
        let Some((from_s, Some(bpm))) = last else {
            return;
        };
        self.session.account(from_s, t_s, bpm);
        if let Some(set) = &mut self.set {
            set.account(from_s, t_s, bpm);
        }
    }

    /// Median of the last 5 s; `None` when no valid value lies in them.
    pub(super) fn median(&self, now_s: f64) -> Option<f64> {
        self.rate.median(now_s)
    }

    /// The newest value, bpm, and when it was, if the strap said so within the last 5 s.
    pub(super) fn now(&self, now_s: f64) -> Option<(SessionNs, f64)> {
        let (t_s, bpm) = self.rate.now(now_s)?;
        Some((SessionNs((t_s * 1e9).round() as i64), bpm))
    }

    /// Any strap was heard.
    pub(super) fn alive(&self) -> bool {
        self.rate.last().is_some()
    }

    pub(super) fn begin_set(&mut self, t: SessionNs) {
        let t_s = t.seconds();
        let from_s = (self.quiet_since_s + SETTLE_S).max(t_s - REST_S);
        self.before = self.between(from_s, t_s);
        self.set = Some(Load::new(t_s, &self.profile));
    }

    /// The set ends at `t`; its effort ended at `effort_end`, with the last repetition.
    pub(super) fn end_set(&mut self, t: SessionNs, effort_end: SessionNs) -> HeartStats {
        let t_s = t.seconds();
        self.account(self.rate.last(), t_s);
        self.quiet_since_s = t_s;
        let Some(set) = self.set.take() else {
            return HeartStats::default();
        };
        HeartStats {
            end_bpm: self.median(effort_end.seconds()),
            during: self.between(set.start_s(), t_s),
            before: self.before,
            ..self.stats(&set, t_s)
        }
    }

    /// The whole session until `t`: its beats are of rest and effort, no variability is said of them.
    pub(super) fn session(&mut self, t: SessionNs) -> HeartStats {
        self.account(self.rate.last(), t.seconds());
        self.stats(&self.session, t.seconds())
    }

    /// Whose heart it is.
    pub(super) fn profile(&self) -> HeartProfile {
        self.profile
    }

    fn stats(&self, load: &Load, end_s: f64) -> HeartStats {
        HeartStats {
            mean_bpm: load.mean_bpm(),
            max_bpm: load.max_bpm,
            end_bpm: self.median(end_s),
            recovery_60s_bpm: None,
            covered: load.covered(end_s),
            intensity: load.intensity(end_s),
            during: Variability::default(),
            before: Variability::default(),
        }
    }

    fn between(&self, from_s: f64, to_s: f64) -> Variability {
        let begin_s = |i: &Interval| i.end_s - i.ms / 1000.0;
        let inside: Vec<Interval> = self
            .intervals
            .iter()
            .filter(|i| begin_s(i) >= from_s && i.end_s <= to_s)
            .copied()
            .collect();
        variability(&inside)
    }
}
