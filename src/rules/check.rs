//! One check: a reading against a window with its guard band, remembered over the repetitions of a set.
//!
//! Verdicts, for either end of the window: at or inside = `within`; past it by no more than the guard
//! band = `unsure`; past that, or past the number three repetitions running = `outside`. No worn sensor
//! or nothing to compare with = `not_assessed`; a sensor without data = `invalid`. Live and final
//! repetitions are remembered apart.

use super::{
    Params,
    reading::{Feature, Reading, read},
};
use crate::model::{
    finding::{Action, CheckKind, Finding, Severity, Source, Verdict},
    metric::{Metric, Tier},
    plan::{Reaction, Tempo},
    rep::{Missing, Rep, Stage},
};

/// The allowed values, ends included.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Window {
    pub min: Option<f64>,
    pub max: Option<f64>,
}

impl Window {
    pub fn at_most(max: f64) -> Self {
        Self {
            min: None,
            max: Some(max),
        }
    }

    pub fn at_least(min: f64) -> Self {
        Self {
            min: Some(min),
            max: None,
        }
    }

    /// How far the value lies past the nearer end; negative = inside by that much.
    pub fn excess(&self, value: f64) -> f64 {
        let below = self.min.map_or(f64::NEG_INFINITY, |min| min - value);
        let above = self.max.map_or(f64::NEG_INFINITY, |max| value - max);
        below.max(above)
    }

    pub fn is_open(&self) -> bool {
        self.min.is_none() && self.max.is_none()
    }
}

/// The verdict on a measured number by itself.
pub(super) fn judge_number(value: f64, window: Window, guard: f64) -> Verdict {
    let excess = window.excess(value);
    if excess <= 0.0 {
        Verdict::Within
    } else if excess <= guard {
        Verdict::Unsure
    } else {
        // Also where the value is not a number: never good.
        Verdict::Outside
    }
}

/// The last five judged repetitions, newest in the lowest bit.
#[derive(Debug, Clone, Copy, Default)]
struct Recent(u8);

impl Recent {
    fn push(&mut self, past: bool) {
        self.0 = (self.0 << 1 | u8::from(past)) & 0b1_1111;
    }

    fn of_last(self, n: u32) -> u32 {
        (self.0 & ((1u8 << n) - 1)).count_ones()
    }
}

/// What one stage remembers.
#[derive(Debug, Clone, Default)]
struct Track {
    past_run: u32,
    minor: Recent,
    moderate: Recent,
    raised: bool,
    first: Vec<f64>,
}

/// What the window is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reference {
    /// It stands.
    Given,
    /// There is nothing to compare with (yet), or a baseline that does not hold here.
    Absent(Option<Missing>),
    /// Shares of the mean of the set's first three repetitions: first and second threshold.
    FirstThree(f64, f64),
}

/// A check of a set.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub code: &'static str,
    pub kind: CheckKind,
    pub metric: Metric,
    pub feature: Feature,
    pub window: Window,
    /// Second threshold; only watch items have one of their own.
    pub second: Window,
    pub reference: Reference,
    pub guard: f64,
    /// What is usual in the own baseline that the window is counted from.
    pub usual: Option<f64>,
    pub reaction: Reaction,
    pub source: Source,
    /// A worn sensor can measure the metric.
    pub available: bool,
    /// A clipped sensor certainly saw a big impact.
    pub clipping_is_breach: bool,
    tracks: [Track; 2],
}

impl Check {
    pub fn new(code: &'static str, kind: CheckKind, metric: Metric, window: Window) -> Self {
        Self {
            code,
            kind,
            metric,
            feature: Feature::Max,
            window,
            second: window,
            reference: Reference::Given,
            usual: None,
            guard: default_guard(metric, window.max.or(window.min)),
            reaction: Reaction::Record,
            source: Source::Plan,
            available: true,
            clipping_is_breach: false,
            tracks: [Track::default(), Track::default()],
        }
    }

    /// The finding on this repetition, without its number; stages other than confirmed and final have none.
    pub fn judge(&mut self, params: &Params, rep: &Rep, tempo: Option<&Tempo>) -> Option<Finding> {
        let slot = match rep.stage {
            Stage::Confirmed => 0,
            Stage::Final => 1,
            Stage::Provisional | Stage::Retracted => return None,
        };
        let mut finding = self.blank(rep);
        match read(rep, self.metric, self.feature, tempo, self.available) {
            Ok(reading) => self.judge_reading(params, slot, reading, &mut finding),
            // No pause follows the last repetition, and one that goes on cannot be held to its number.
            Err(Missing::Open) => return None,
            Err(why) => self.judge_missing(why, &mut finding),
        }
        Some(finding)
    }

    /// The finding that was just made stands by itself: past the second threshold, or for so many repetitions running.
    pub fn is_firm(&self, params: &Params, finding: &Finding) -> bool {
        let slot = usize::from(finding.stage == Stage::Final);
        let far = finding.value.is_none_or(|v| self.second.excess(v) > 0.0);
        far || self.tracks[slot].past_run >= params.unsure_run
    }

    fn blank(&self, rep: &Rep) -> Finding {
        Finding {
            id: 0,
            t: rep.end,
            set: rep.set,
            rep: Some(rep.number),
            stage: rep.stage,
            code: self.code.to_owned(),
            kind: self.kind,
            metric: self.metric,
            verdict: Verdict::NotAssessed,
            severity: Severity::Note,
            action: Action::Record,
            value: None,
            error: None,
            min: self.window.min,
            max: self.window.max,
            usual: self.usual,
            guard: self.guard,
            source: self.source,
            missing: None,
        }
    }

    fn judge_missing(&self, why: Missing, finding: &mut Finding) {
        finding.missing = Some(why);
        if self.clipping_is_breach && why == Missing::Clipped {
            finding.verdict = Verdict::Outside;
            finding.severity = Severity::Major;
            finding.action = action_of(self.reaction);
        } else if why == Missing::NoSensor {
            finding.verdict = Verdict::NotAssessed;
        } else {
            finding.verdict = Verdict::Invalid;
            if self.kind == CheckKind::Limit {
                finding.severity = Severity::Minor;
            }
        }
    }

    fn judge_reading(
        &mut self,
        params: &Params,
        slot: usize,
        reading: Reading,
        finding: &mut Finding,
    ) {
        finding.value = Some(reading.value);
        finding.error = reading.error;
        let Some((window, second)) = self.windows(slot, reading.value) else {
            if let Reference::Absent(why) = self.reference {
                finding.missing = why;
            }
            return;
        };
        (finding.min, finding.max) = (window.min, window.max);
        let excess = window.excess(reading.value);
        let mut verdict = judge_number(reading.value, window, self.guard);
        let track = &mut self.tracks[slot];
        track.past_run = if verdict == Verdict::Within {
            0
        } else {
            track.past_run + 1
        };
        let lasting = track.past_run >= params.unsure_run && self.kind != CheckKind::Target;
        if verdict == Verdict::Unsure && lasting {
            verdict = Verdict::Outside;
        }
        if reading.drifting && verdict == Verdict::Within {
            verdict = Verdict::Unsure;
            finding.missing = Some(Missing::Drifted);
        }
        finding.verdict = verdict;
        if self.kind == CheckKind::Limit {
            (finding.severity, finding.action) = if finding.missing.is_some() {
                // The sensor is in doubt, not the movement: nothing to cue the client on.
                (Severity::Minor, Action::Record)
            } else {
                of_limit(verdict, self.reaction)
            };
            return;
        }
        let (past, far) = if self.kind == CheckKind::Watch {
            let still = track.raised && excess > -params.hysteresis_share * self.guard;
            (excess > 0.0 || still, second.excess(reading.value) > 0.0)
        } else {
            // A target or tempo inside its guard band is good enough to stay silent about.
            (verdict == Verdict::Outside, verdict == Verdict::Outside)
        };
        track.minor.push(past);
        track.moderate.push(far);
        (finding.severity, finding.action) = self.attention(slot, past);
        self.tracks[slot].raised = finding.severity >= Severity::Moderate;
    }

    /// First and second window; `None` = nothing to compare with.
    fn windows(&mut self, slot: usize, value: f64) -> Option<(Window, Window)> {
        match self.reference {
            Reference::Given => Some((self.window, self.second)),
            Reference::Absent(_) => None,
            Reference::FirstThree(minor, moderate) => {
                let first = &mut self.tracks[slot].first;
                if first.len() < 3 {
                    first.push(value);
                    return None;
                }
                let mean = first.iter().sum::<f64>() / 3.0;
                Some((
                    Window::at_least(mean * minor),
                    Window::at_least(mean * moderate),
                ))
            }
        }
    }

    /// Persistence raises the severity, the metric's tier caps what is done about it.
    fn attention(&self, slot: usize, past: bool) -> (Severity, Action) {
        let Track {
            minor, moderate, ..
        } = &self.tracks[slot];
        if !past {
            return (Severity::Note, Action::Record);
        }
        let allowed = action_of(self.reaction).min(cap(self.metric));
        if allowed == Action::Stop && moderate.of_last(5) >= 3 {
            return (Severity::Major, Action::Stop);
        }
        if moderate.of_last(3) >= 2 || minor.of_last(5) >= 3 {
            return (Severity::Moderate, allowed.min(Action::Cue));
        }
        (Severity::Minor, Action::Record)
    }
}

fn of_limit(verdict: Verdict, reaction: Reaction) -> (Severity, Action) {
    match verdict {
        Verdict::Outside => (Severity::Major, action_of(reaction)),
        // At the limit: a soft cue at once, unless the therapist wants it silent.
        Verdict::Unsure => (Severity::Minor, action_of(reaction).min(Action::Cue)),
        _ => (Severity::Note, Action::Record),
    }
}

pub(super) const fn action_of(reaction: Reaction) -> Action {
    match reaction {
        Reaction::Stop => Action::Stop,
        Reaction::Cue => Action::Cue,
        Reaction::Record | Reaction::Entry => Action::Record,
    }
}

/// The most a watch item on this metric may do: a surrogate is recorded only.
pub(super) const fn cap(metric: Metric) -> Action {
    match metric.facts().tier {
        Tier::A => Action::Stop,
        Tier::B => Action::Cue,
        Tier::C => Action::Record,
    }
}

/// The metric's guard band; of two metrics it is a share of the number itself.
pub(super) fn default_guard(metric: Metric, number: Option<f64>) -> f64 {
    match (metric, number) {
        (Metric::ShankPeakAccel, Some(n)) => 0.2 * n.abs(),
        (Metric::PeakAngularVelocity, Some(n)) => 0.1 * n.abs(),
        _ => metric.facts().guard,
    }
}
