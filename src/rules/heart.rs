//! Heart rate against its ceiling and zone; bpm, seconds on the session's clock.
//!
//! The ceiling is passed when the 5-s median stays above it for the dwell, once; the alarm ends when the
//! median stays below by the clearing margin for the clearing time. A missing value proves nothing: it
//! neither ends an alarm nor a rise that has begun. A gap is reported once, during sets only.

use super::{
    Params,
    check::{Window, judge_number},
    set::SetState,
};
use crate::model::{
    finding::{Action, CheckKind, Finding, Severity, Source, Verdict},
    metric::Metric,
    plan::Effort,
    rep::{Missing, SetSummary, Stage},
    time::SessionNs,
};

/// What is watched and what is remembered.
#[derive(Debug)]
pub(super) struct HeartWatch {
    ceiling: Option<f64>,
    zone: Option<(f64, f64)>,
    required: bool,
    over_since: Option<SessionNs>,
    under_since: Option<SessionNs>,
    alarmed: bool,
    silent_since: Option<SessionNs>,
    gap_reported: bool,
    seen: bool,
}

impl HeartWatch {
    pub fn new(effort: Option<&Effort>, required: bool) -> Self {
        Self {
            ceiling: effort.and_then(|e| e.hr_ceiling_bpm),
            zone: effort.and_then(|e| e.hr_zone_bpm).map(|z| (z.min, z.max)),
            required,
            over_since: None,
            under_since: None,
            alarmed: false,
            silent_since: None,
            gap_reported: false,
            seen: false,
        }
    }

    fn active(&self) -> bool {
        self.ceiling.is_some() || self.required
    }

    /// The ceiling is passed now.
    pub fn over(&self) -> bool {
        self.alarmed
    }

    /// A value or its absence, in time order.
    pub fn push(
        &mut self,
        params: &Params,
        t: SessionNs,
        median: Option<f64>,
        set: Option<u32>,
    ) -> Option<Finding> {
        if !self.active() {
            return None;
        }
        let Some(bpm) = median.filter(|b| b.is_finite()) else {
            self.under_since = None;
            return self.silence(params, t, set);
        };
        // The gap may end before anybody said that it was there.
        let gap = self.silence(params, t, set);
        self.seen = true;
        if self.gap_s(t) > params.heart_gap_s {
            // What was before a gap says nothing of now.
            self.over_since = None;
            self.under_since = None;
        }
        self.silent_since = Some(t);
        self.gap_reported = false;
        self.passed(params, t, bpm, set).or(gap)
    }

    /// The ceiling's alarm, when it begins.
    fn passed(
        &mut self,
        params: &Params,
        t: SessionNs,
        bpm: f64,
        set: Option<u32>,
    ) -> Option<Finding> {
        let ceiling = self.ceiling?;
        if self.alarmed {
            self.clear(params, t, bpm, ceiling);
            return None;
        }
        if bpm <= ceiling {
            self.over_since = None;
            return None;
        }
        let since = *self.over_since.get_or_insert(t);
        if t.seconds() - since.seconds() < params.heart_dwell_s {
            return None;
        }
        self.alarmed = true;
        self.under_since = None;
        let mut finding = self.finding(t, set);
        finding.value = Some(bpm);
        finding.verdict = Verdict::Outside;
        finding.severity = Severity::Major;
        finding.action = Action::Stop;
        Some(finding)
    }

    fn clear(&mut self, params: &Params, t: SessionNs, bpm: f64, ceiling: f64) {
        if bpm > ceiling - params.heart_clear_bpm {
            self.under_since = None;
            return;
        }
        let since = *self.under_since.get_or_insert(t);
        if t.seconds() - since.seconds() >= params.heart_clear_s {
            self.alarmed = false;
            self.over_since = None;
            self.under_since = None;
        }
    }

    fn gap_s(&self, t: SessionNs) -> f64 {
        self.silent_since
            .map_or(0.0, |last| t.seconds() - last.seconds())
    }

    /// Nothing valid until `t`: a gap longer than allowed is found once, and only during a set.
    /// Asked at the end of repetitions too, should nobody report that there is no heart rate.
    pub fn silence(&mut self, params: &Params, t: SessionNs, set: Option<u32>) -> Option<Finding> {
        if !self.active() {
            return None;
        }
        // A session that never had a value: the gap begins where we began to look.
        self.silent_since.get_or_insert(t);
        if self.gap_reported || set.is_none() || self.gap_s(t) <= params.heart_gap_s {
            return None;
        }
        self.gap_reported = true;
        let mut finding = self.finding(t, set);
        finding.verdict = Verdict::Invalid;
        finding.missing = Some(self.why_missing());
        if self.required {
            // Required monitoring was lost: that is a stop of its own.
            finding.severity = Severity::Major;
            finding.action = Action::Stop;
        } else {
            finding.severity = Severity::Minor;
        }
        Some(finding)
    }

    fn why_missing(&self) -> Missing {
        if self.seen {
            Missing::Gap
        } else {
            Missing::NoSensor
        }
    }

    fn finding(&self, t: SessionNs, set: Option<u32>) -> Finding {
        Finding {
            id: 0,
            t,
            set: set.unwrap_or(0),
            rep: None,
            stage: Stage::Confirmed,
            code: "HR_CEILING".to_owned(),
            kind: CheckKind::Effort,
            metric: Metric::HeartRate,
            verdict: Verdict::NotAssessed,
            severity: Severity::Note,
            action: Action::Record,
            value: None,
            error: Some(Metric::HeartRate.facts().guard),
            min: None,
            max: self.ceiling,
            usual: None,
            guard: 0.0,
            source: Source::Plan,
            missing: None,
        }
    }

    /// The heart rate of a whole set: one finding for the ceiling, one for the zone (working sets).
    pub fn of_set(&self, params: &Params, summary: &SetSummary, state: &SetState) -> Vec<Finding> {
        let mut found = Vec::new();
        if self.active() {
            found.push(self.ceiling_of_set(params, summary, state));
        }
        if let Some((min, max)) = self.zone.filter(|_| state.working) {
            let window = Window {
                min: Some(min),
                max: Some(max),
            };
            let mut finding = self.set_finding("HR_ZONE", summary, window);
            finding.value = summary.heart.mean_bpm;
            match finding.value {
                Some(mean) if summary.heart.covered >= params.heart_covered => {
                    finding.verdict = judge_number(mean, window, finding.guard);
                }
                _ => self.no_data(state, &mut finding),
            }
            found.push(finding);
        }
        found
    }

    fn set_finding(&self, code: &str, summary: &SetSummary, window: Window) -> Finding {
        Finding {
            stage: Stage::Final,
            code: code.to_owned(),
            min: window.min,
            max: window.max,
            usual: None,
            guard: Metric::HeartRate.facts().guard,
            ..self.finding(summary.end, Some(summary.set))
        }
    }

    fn ceiling_of_set(&self, params: &Params, summary: &SetSummary, state: &SetState) -> Finding {
        let window = Window {
            min: None,
            max: self.ceiling,
        };
        let mut finding = self.set_finding("HR_CEILING", summary, window);
        finding.value = summary.heart.max_bpm.filter(|b| b.is_finite());
        let verdict = finding
            .value
            .map(|max| judge_number(max, window, finding.guard));
        // What was seen is enough for a breach; for `within` it must have been seen all the time.
        match verdict {
            _ if state.heart_over => finding.verdict = Verdict::Outside,
            Some(Verdict::Within) | None if summary.heart.covered < params.heart_covered => {
                self.no_data(state, &mut finding);
            }
            None => self.no_data(state, &mut finding),
            Some(verdict) => finding.verdict = verdict,
        }
        finding.severity = match finding.verdict {
            Verdict::Outside => Severity::Major,
            Verdict::Unsure | Verdict::Invalid => Severity::Minor,
            Verdict::Within | Verdict::NotAssessed => Severity::Note,
        };
        finding
    }

    fn no_data(&self, state: &SetState, finding: &mut Finding) {
        if self.seen || state.heart_worn {
            finding.verdict = Verdict::Invalid;
            finding.missing = Some(Missing::Gap);
        } else {
            finding.verdict = Verdict::NotAssessed;
            finding.missing = Some(Missing::NoSensor);
        }
    }
}
