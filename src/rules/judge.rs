//! The facade: a session's sets, repetitions, heart rate and entries in, findings out, numbered from 1.
//!
//! Sets are numbered from 1 in the order they start, as in the repetitions. Without a plan there are no
//! findings at all ("NO PLAN: limits not checked" is for the screen to say); baselines are captured all
//! the same.

use super::{
    Params,
    agreement::{Said, agree},
    contrast::contrast,
    entry::{self, EntryRules},
    heart::HeartWatch,
    set::{SetState, Start, prescriptions},
};
use crate::model::{
    body::Segment,
    command::{Command, SetRole},
    finding::{Baseline, CheckKind, Finding, LoadContrast},
    metric::Metric,
    plan::{Plan, TrainingSide},
    rep::{Rep, SetSummary, Stage},
    time::SessionNs,
};
use std::collections::BTreeMap;

/// What a set leaves behind beside its findings.
#[derive(Debug, Clone, PartialEq)]
pub enum AfterSet {
    /// It was accepted as a baseline. Which session it belongs to is for the caller to write into it.
    Baseline(Baseline),
    /// It should have become one and has too few valid repetitions.
    Refused {
        /// Set number.
        set: u32,
        /// Valid whole repetitions it has.
        reps: u32,
        /// How many are needed.
        needed: u32,
    },
    /// What the load changes.
    Contrast(LoadContrast),
}

/// Judges one session.
#[derive(Debug)]
pub struct Judge {
    params: Params,
    plan: Option<Plan>,
    baselines: Vec<Baseline>,
    /// Segments that carry a motion sensor, in order.
    sensors: Vec<Segment>,
    /// Sets whose summary is still to come.
    sets: BTreeMap<u32, SetState>,
    started: u32,
    heart: HeartWatch,
    pain_before: Option<u8>,
    /// Found when a set started, told with whatever comes next.
    pending: Vec<Finding>,
    last_id: u64,
}

impl Judge {
    /// A judge with the plan of the session and the client's accepted baselines.
    #[must_use]
    pub fn new(params: &Params, plan: Option<&Plan>, baselines: Vec<Baseline>) -> Self {
        let effort = plan.map(|p| &p.effort);
        let required = plan.is_some_and(|p| p.require_hr_signal);
        Self {
            params: params.clone(),
            plan: plan.cloned(),
            baselines,
            sensors: Vec::new(),
            sets: BTreeMap::new(),
            started: 0,
            heart: HeartWatch::new(effort, required),
            pain_before: None,
            pending: Vec::new(),
            last_id: 0,
        }
    }

    /// What is worn: a baseline holds for the sensors it was taken with.
    #[must_use]
    pub fn worn(mut self, segments: impl IntoIterator<Item = Segment>) -> Self {
        self.wear(segments);
        self
    }

    /// As [`Judge::worn`], when sensors are worn elsewhere.
    pub fn wear(&mut self, segments: impl IntoIterator<Item = Segment>) {
        self.sensors = segments
            .into_iter()
            .filter(|s| !matches!(s, Segment::Chest | Segment::Unplaced))
            .collect();
        self.sensors.sort_unstable();
        self.sensors.dedup();
    }

    /// The session goes on without the sensor on that segment.
    pub fn went_without(&mut self, segment: Segment) {
        self.sensors.retain(|s| *s != segment);
    }

    /// A set starts. Returns what the plan asks and no worn sensor can check: by eye.
    pub fn set_started(
        &mut self,
        t: SessionNs,
        exercise: &str,
        side: TrainingSide,
        role: &SetRole,
        load_kg: Option<f64>,
        available: &[Metric],
    ) -> Vec<String> {
        self.started += 1;
        let start = Start {
            exercise,
            side,
            role,
            load_kg,
            available,
            sensors: &self.sensors,
        };
        let (mut state, by_eye) =
            SetState::new(&self.params, self.plan.as_ref(), &self.baselines, &start);
        state.heart_over = self.heart.over();
        self.sets.insert(self.started, state);
        let limit_kg = self.plan.as_ref().and_then(|plan| {
            prescriptions(plan, exercise, side)
                .iter()
                .filter_map(|p| p.load.max_kg)
                .reduce(f64::min)
        });
        if let Some(max_kg) = limit_kg {
            self.pending
                .push(entry::load(t, self.started, load_kg, max_kg));
        }
        by_eye
    }

    /// The metrics that the checks of the running (or last started) set ask for.
    #[must_use]
    pub fn asks_for(&self) -> Vec<Metric> {
        let checks = self.sets.get(&self.started).map(|set| set.checks.iter());
        checks.into_iter().flatten().map(|c| c.metric).collect()
    }

    /// The combined limits on a metric in the running (or last started) set, for the live trace.
    #[must_use]
    pub fn limits_on(&self, metric: Metric) -> (Option<f64>, Option<f64>) {
        let checks = self.sets.get(&self.started).map(|set| set.checks.iter());
        checks
            .into_iter()
            .flatten()
            .filter(|c| c.kind == CheckKind::Limit && c.metric == metric)
            .fold((None, None), |(min, max), c| {
                (c.window.min.or(min), c.window.max.or(max))
            })
    }

    /// A repetition; only confirmed and final ones are judged.
    pub fn rep(&mut self, rep: &Rep, out: &mut Vec<Finding>) {
        self.tell_pending(out);
        if rep.stage == Stage::Confirmed && self.plan.is_some() {
            let lost = self.heart.silence(&self.params, rep.end, Some(rep.set));
            self.issue(lost, out);
        }
        let Some(set) = self.sets.get_mut(&rep.set) else {
            return;
        };
        set.collected.add(rep);
        let tempo = set.tempo;
        let said: Vec<Said> = set
            .checks
            .iter_mut()
            .filter_map(|check| {
                let finding = check.judge(&self.params, rep, tempo.as_ref())?;
                let firm = check.is_firm(&self.params, &finding);
                Some(Said { finding, firm })
            })
            .collect();
        self.issue(agree(said), out);
    }

    /// The 5-s median of the heart rate, or that there is none.
    pub fn heart(&mut self, t: SessionNs, median_5s: Option<f64>, out: &mut Vec<Finding>) {
        self.tell_pending(out);
        let running = self
            .sets
            .contains_key(&self.started)
            .then_some(self.started);
        let found = self.heart.push(&self.params, t, median_5s, running);
        if let Some(set) = self.sets.get_mut(&self.started) {
            set.heart_over |= self.heart.over();
        }
        self.issue(found, out);
    }

    /// A set ended and its final repetitions were judged. An accepted baseline set gives a baseline, which
    /// holds for later sets of the exercise; a loaded working set, what appears only under load.
    pub fn set(&mut self, summary: &SetSummary, out: &mut Vec<Finding>, after: &mut Vec<AfterSet>) {
        self.tell_pending(out);
        let Some(state) = self.sets.remove(&summary.set) else {
            return;
        };
        let found = self.heart.of_set(&self.params, summary, &state);
        self.issue(found, out);
        match &summary.role {
            SetRole::Baseline { accepted_by } => {
                after.push(self.capture(summary, state, accepted_by));
            }
            SetRole::Working => {
                let wanted = state.wanted(self.plan.as_ref(), &self.sensors);
                let found = contrast(
                    &self.params,
                    &self.baselines,
                    &wanted,
                    summary.set,
                    &state.collected,
                );
                after.extend(found.map(AfterSet::Contrast));
            }
            SetRole::WarmUp => {}
        }
    }

    /// The accepted set as a baseline, in place of an earlier one of its kind.
    fn capture(&mut self, summary: &SetSummary, state: SetState, accepted_by: &str) -> AfterSet {
        let needed = self.params.baseline_min_reps.max(1);
        let reps = state.collected.reps();
        if reps < needed {
            return AfterSet::Refused {
                set: summary.set,
                reps,
                needed,
            };
        }
        let baseline = Baseline {
            sensors: self.sensors.clone(),
            load_kg: state.load_kg,
            phase: self.plan.as_ref().map(|p| p.phase.name.clone()),
            accepted_by: accepted_by.to_owned(),
            session: String::new(),
            session_started_at: String::new(),
            accepted_at: summary.end,
            reps,
            rows: state.collected.rows(needed),
            exercise: state.exercise,
            side: state.side,
        };
        self.baselines.retain(|old| !old.same_kind(&baseline));
        self.baselines.push(baseline.clone());
        AfterSet::Baseline(baseline)
    }

    /// A person typed pain, effort or symptoms; before the first set it is the pain to compare with.
    pub fn entry(&mut self, t: SessionNs, command: &Command, out: &mut Vec<Finding>) {
        self.tell_pending(out);
        let (
            Command::Entry {
                rpe,
                pain,
                symptoms,
            },
            Some(plan),
        ) = (command, &self.plan)
        else {
            return;
        };
        let rules = EntryRules {
            plan,
            t,
            set: self.started,
            pain_before: self.pain_before,
        };
        let mut found = Vec::new();
        rules.symptoms(symptoms, &mut found);
        rules.pain(*pain, &mut found);
        rules.effort(*rpe, &mut found);
        if self.started == 0 && pain.is_some() {
            self.pain_before = *pain;
        }
        self.issue(found, out);
    }

    fn tell_pending(&mut self, out: &mut Vec<Finding>) {
        let pending = std::mem::take(&mut self.pending);
        self.issue(pending, out);
    }

    fn issue(&mut self, found: impl IntoIterator<Item = Finding>, out: &mut Vec<Finding>) {
        for mut finding in found {
            self.last_id += 1;
            finding.id = self.last_id;
            out.push(finding);
        }
    }
}
