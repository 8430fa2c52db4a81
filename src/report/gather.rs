//! The events of a session sorted by what they belong to, before anything is counted. Only what the
//! pass after the set upheld is kept as a result; live repetitions say no more than how many there were.

use super::verdict::{Counts, RepVerdict};
use crate::model::{
    command::{Command, SetRole},
    event::{Event, Numbered},
    finding::{Baseline, Finding, LoadContrast},
    plan::{RpeScale, TrainingSide},
    rep::{Rep, SessionHeart, SetSummary, Stage},
};
use std::collections::{BTreeMap, BTreeSet};

/// What was typed after a set.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    pub(super) rpe: Option<(RpeScale, f64)>,
    pub(super) pain: Option<u8>,
    pub(super) symptoms: Vec<String>,
}

/// One set while it is gathered.
#[derive(Debug, Default)]
pub(super) struct SetFacts<'a> {
    pub(super) started: Option<(&'a str, TrainingSide, &'a SetRole, Option<f64>)>,
    pub(super) summary: Option<&'a SetSummary>,
    /// Final repetitions.
    pub(super) reps: BTreeMap<u32, &'a Rep>,
    pub(super) live: BTreeSet<u32>,
    /// Final findings of repetitions, in order.
    pub(super) findings: Vec<&'a Finding>,
    pub(super) typed: Vec<Typed>,
    /// It should have become a baseline: valid repetitions it has, and how many are needed.
    pub(super) refused: Option<(u32, u32)>,
}

impl SetFacts<'_> {
    /// Exercise library id.
    pub(super) fn exercise(&self) -> &str {
        match (self.summary, self.started) {
            (Some(s), _) => &s.exercise,
            (None, Some(s)) => s.0,
            (None, None) => "unknown exercise",
        }
    }

    pub(super) fn is_working(&self) -> bool {
        match (self.summary.map(|s| &s.role), self.started.map(|s| s.2)) {
            (Some(role), _) | (None, Some(role)) => matches!(role, SetRole::Working),
            (None, None) => true,
        }
    }

    pub(super) fn of_rep(&self, rep: u32) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .copied()
            .filter(move |f| f.rep == Some(rep))
    }

    pub(super) fn reps_done(&self) -> u32 {
        let seen = u32::try_from(self.reps.len()).unwrap_or(u32::MAX);
        let live = u32::try_from(self.live.len()).unwrap_or(u32::MAX);
        match self.summary {
            Some(s) => seen.max(s.reps_final),
            None => seen.max(live),
        }
    }

    pub(super) fn rep_verdicts(&self) -> Vec<RepVerdict> {
        let mut verdicts: Vec<RepVerdict> = self
            .reps
            .keys()
            .map(|number| RepVerdict::of(self.of_rep(*number)))
            .collect();
        // Repetitions that were counted but never came out of the pass after the set.
        let done = usize::try_from(self.reps_done()).unwrap_or(verdicts.len());
        verdicts.resize(done.max(verdicts.len()), RepVerdict::NotJudged);
        verdicts
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.rep_verdicts().into_iter().for_each(|v| counts.add(v));
        counts
    }
}

/// Everything, sorted by what it belongs to.
#[derive(Debug, Default)]
pub(super) struct Gathered<'a> {
    /// Sets by number.
    pub(super) sets: BTreeMap<u32, SetFacts<'a>>,
    /// Findings of no repetition: whole sets, heart rate, entries.
    pub(super) others: Vec<&'a Finding>,
    pub(super) baselines: Vec<&'a Baseline>,
    pub(super) session_heart: Option<&'a SessionHeart>,
    pub(super) contrasts: Vec<&'a LoadContrast>,
    pub(super) by_eye: Vec<(String, Vec<String>)>,
    /// Heart rate as shown live.
    pub(super) heart: Vec<(f64, f64)>,
    pub(super) end_s: f64,
    pub(super) closed: bool,
}

/// Counts in the report: final, or never anything but live (heart rate, entries).
fn counts(f: &Finding) -> bool {
    f.stage == Stage::Final || (f.rep.is_none() && f.stage == Stage::Confirmed)
}

impl<'a> Gathered<'a> {
    pub(super) fn from_events(events: &'a [Numbered]) -> Self {
        let mut all = Self::default();
        for numbered in events {
            all.take(&numbered.event);
        }
        all
    }

    fn take(&mut self, event: &'a Event) {
        match event {
            Event::SetStarted {
                set,
                t,
                exercise,
                side,
                role,
                load_kg,
                by_eye,
            } => {
                self.end_s = self.end_s.max(t.seconds());
                let facts = self.sets.entry(*set).or_default();
                facts.started = Some((exercise, *side, role, *load_kg));
                self.note_by_eye(exercise, by_eye);
            }
            Event::Rep(rep) => self.take_rep(rep),
            Event::Finding(f) if counts(f) && f.rep.is_some() => {
                self.sets.entry(f.set).or_default().findings.push(f);
            }
            Event::Finding(f) if counts(f) => self.others.push(f),
            Event::Set(summary) => {
                self.end_s = self.end_s.max(summary.end.seconds());
                self.sets.entry(summary.set).or_default().summary = Some(summary);
            }
            Event::SessionHeart(heart) => self.session_heart = Some(heart),
            Event::Baseline(b) => self.baselines.push(b),
            Event::BaselineRefused { set, reps, needed } => {
                self.sets.entry(*set).or_default().refused = Some((*reps, *needed));
            }
            Event::LoadContrast(c) => self.contrasts.push(c),
            Event::Entry { set, entry, .. } => self.take_entry(*set, entry),
            Event::Live(live) => {
                self.end_s = self.end_s.max(live.t.seconds());
                let bpm = live.heart.filter(|h| !h.stale).map_or(f64::NAN, |h| h.bpm);
                self.heart.push((live.t.seconds(), bpm));
            }
            Event::Closed { t, .. } => {
                self.end_s = self.end_s.max(t.seconds());
                self.closed = true;
            }
            // Traces are handed over apart.
            Event::Finding(_) | Event::Tech(_) | Event::Calibration(_) | Event::Trace { .. } => {}
        }
    }

    fn take_rep(&mut self, rep: &'a Rep) {
        self.end_s = self.end_s.max(rep.end.seconds());
        let facts = self.sets.entry(rep.set).or_default();
        match rep.stage {
            Stage::Final => {
                facts.reps.insert(rep.number, rep);
            }
            Stage::Confirmed => {
                facts.live.insert(rep.number);
            }
            Stage::Retracted => {
                facts.live.remove(&rep.number);
            }
            Stage::Provisional => {}
        }
    }

    fn take_entry(&mut self, set: u32, entry: &Command) {
        if let Command::Entry {
            rpe,
            pain,
            symptoms,
        } = entry
        {
            self.sets.entry(set).or_default().typed.push(Typed {
                rpe: *rpe,
                pain: *pain,
                symptoms: symptoms.clone(),
            });
        }
    }

    fn note_by_eye(&mut self, exercise: &str, items: &[String]) {
        for item in items {
            let at = self.by_eye.iter().position(|(known, _)| known == item);
            let at = at.unwrap_or_else(|| {
                self.by_eye.push((item.clone(), Vec::new()));
                self.by_eye.len() - 1
            });
            let exercises = &mut self.by_eye[at].1;
            if !exercises.iter().any(|e| e == exercise) {
                exercises.push(exercise.to_owned());
            }
        }
    }
}
