//! The checks of one set, put together when it starts: which prescription holds, which limits, and
//! which of the plan's checks no worn sensor can make.
//!
//! Warm-up and baseline sets are held to the limits only; targets, tempo and watch items are for working
//! sets.

use super::{
    Params,
    baseline::{Collected, Own, Wanted},
    check::{Check, Reference},
    coach,
    compensation::compensation,
    limits::{applies, limits},
    reading::from_counting,
    watch::{Ground, watches},
};
use crate::model::{
    body::Segment,
    command::SetRole,
    exercise::{Exercise, exercise},
    finding::{Baseline, CheckKind},
    metric::Metric,
    plan::{CheckedBy, Plan, Prescription, Tempo, TrainingSide},
    rep::Missing,
};

/// What a set is and what it is held to.
#[derive(Debug)]
pub(super) struct SetState {
    pub exercise: String,
    pub side: TrainingSide,
    pub load_kg: Option<f64>,
    pub working: bool,
    pub tempo: Option<Tempo>,
    pub checks: Vec<Check>,
    /// Values for a baseline, if this set is one.
    pub collected: Collected,
    /// The heart rate's ceiling was passed during it.
    pub heart_over: bool,
    /// A heart-rate sensor is worn.
    pub heart_worn: bool,
}

/// What a set begins with.
pub(super) struct Start<'a> {
    pub exercise: &'a str,
    pub side: TrainingSide,
    pub role: &'a SetRole,
    pub load_kg: Option<f64>,
    pub available: &'a [Metric],
    pub sensors: &'a [Segment],
}

/// The prescriptions of this exercise for this side: a limit on one leg holds in a set with both. An
/// exercise prescribed for another side only is still held to those limits.
pub(super) fn prescriptions<'p>(
    plan: &'p Plan,
    id: &str,
    side: TrainingSide,
) -> Vec<&'p Prescription> {
    let all = || plan.exercises.iter().filter(|p| p.id == id);
    let mut found: Vec<_> = all()
        .filter(|p| p.side.sides().iter().any(|s| side.sides().contains(s)))
        .collect();
    if found.is_empty() {
        found = all().collect();
    }
    // The one written for exactly this side gives targets, tempo and watch items.
    found.sort_by_key(|p| p.side != side);
    found
}

impl SetState {
    pub fn new(
        params: &Params,
        plan: Option<&Plan>,
        baselines: &[Baseline],
        start: &Start,
    ) -> (Self, Vec<String>) {
        let mut state = Self {
            exercise: start.exercise.to_owned(),
            side: start.side,
            load_kg: start.load_kg,
            working: *start.role == SetRole::Working,
            tempo: None,
            checks: Vec::new(),
            collected: Collected::default(),
            heart_over: false,
            heart_worn: start.available.contains(&Metric::HeartRate),
        };
        let Some(plan) = plan else {
            return (state, Vec::new());
        };
        let found = prescriptions(plan, start.exercise, start.side);
        let worn = (start.sensors, start.available);
        state.put_together(params, plan, &found, baselines, worn);
        let by_eye = state.by_eye(plan, &found);
        (state, by_eye)
    }

    fn put_together(
        &mut self,
        params: &Params,
        plan: &Plan,
        found: &[&Prescription],
        baselines: &[Baseline],
        (sensors, available): (&[Segment], &[Metric]),
    ) {
        let library = exercise(&self.exercise);
        let own = Own::of(baselines, &self.wanted(Some(plan), sensors));
        self.tempo = found.first().and_then(|p| p.tempo);
        self.checks = limits(
            params,
            plan,
            found,
            &self.exercise,
            library,
            own.walking_g(),
        );
        if self.working
            && let Some(prescription) = found.first()
        {
            self.checks.extend(coach::targets(prescription));
            if let Some(tempo) = &self.tempo {
                self.checks.extend(coach::tempo(params, tempo));
            }
            self.checks.extend(watches(&Ground {
                params,
                own: &own,
                primary: library.and_then(|e: &Exercise| e.primary),
                available,
                prescription,
            }));
        }
        for check in &mut self.checks {
            check.available = from_counting(check.metric) || available.contains(&check.metric);
            if check.metric == Metric::TempoRatio && self.tempo.is_none() {
                check.reference = Reference::Absent(None);
            }
        }
    }

    /// Which baselines hold for it.
    pub fn wanted<'a>(&'a self, plan: Option<&'a Plan>, sensors: &'a [Segment]) -> Wanted<'a> {
        Wanted {
            exercise: &self.exercise,
            side: self.side,
            sensors,
            load_kg: self.load_kg,
            phase: plan.map(|p| p.phase.name.as_str()),
        }
    }

    /// What the trainer must look at, because nothing worn can.
    fn by_eye(&self, plan: &Plan, found: &[&Prescription]) -> Vec<String> {
        let mut list = self.mismatches(found);
        list.extend(self.checks.iter().filter_map(unassessed));
        for avoid in plan.avoid.iter().filter(|a| applies(a, &self.exercise)) {
            if avoid.check != CheckedBy::Sensor || avoid.metric.is_none() {
                list.push(format!("{} ({})", avoid.trainer_text, avoid.code));
            }
        }
        if self.working
            && let Some(prescription) = found.first()
        {
            for watch in &prescription.watches {
                list.extend(self.unseen(&watch.code));
            }
        }
        list.extend(self.ceiling_unseen(plan));
        let load_limit = found.iter().any(|p| p.load.max_kg.is_some());
        if load_limit && self.load_kg.is_none() {
            list.push("load limit: the load was not typed".to_owned());
        }
        list
    }

    /// What the plan asks of it that a sensor could measure and none that is worn does.
    pub fn unworn(&self, plan: &Plan) -> Vec<String> {
        let unworn = self.checks.iter().filter(|c| !c.available);
        let mut list: Vec<String> = unworn.filter_map(unassessed).collect();
        list.extend(self.ceiling_unseen(plan));
        list
    }

    fn ceiling_unseen(&self, plan: &Plan) -> Option<String> {
        let unseen = plan.effort.hr_ceiling_bpm.is_some() && !self.heart_worn;
        unseen.then(|| "heart-rate ceiling: no heart-rate sensor is worn".to_owned())
    }

    fn mismatches(&self, found: &[&Prescription]) -> Vec<String> {
        if found.is_empty() {
            return vec![format!(
                "{} is not in the plan: only plan-wide restrictions are checked",
                self.exercise
            )];
        }
        if found.iter().any(|p| p.side == self.side) {
            return Vec::new();
        }
        let sides: Vec<_> = found.iter().map(|p| side_word(p.side)).collect();
        vec![format!(
            "the plan prescribes {} for {}, this set is {}",
            self.exercise,
            sides.join(" and "),
            side_word(self.side)
        )]
    }

    /// A watch item without a check of its own.
    fn unseen(&self, code: &str) -> Option<String> {
        if self.checks.iter().any(|c| c.code == code) {
            return None;
        }
        let row = compensation(code)?;
        Some(if row.code == "DEPTH_OVER" {
            format!("{} ({code}): the plan has no limit for it", row.trainer)
        } else {
            format!("{} ({code}): no sensor can see it", row.trainer)
        })
    }
}

/// Why a check of this set cannot be made, if it cannot.
fn unassessed(check: &Check) -> Option<String> {
    let what = match check.kind {
        CheckKind::Watch => compensation(check.code).map_or("", |c| c.trainer),
        CheckKind::Limit => "limit",
        _ => "target",
    };
    let name = super::explain::metric_name(check.metric);
    let window = super::explain::window(check.window.min, check.window.max, check.metric);
    let subject = if check.kind == CheckKind::Watch {
        format!("{what} ({})", check.code)
    } else {
        format!("{name} {window} ({what})")
    };
    if !check.available {
        return Some(format!("{subject}: no worn sensor measures {name}"));
    }
    let Reference::Absent(refused) = check.reference else {
        return None;
    };
    let missing = match (refused, check.metric) {
        (Some(Missing::OtherSensors), _) => "the accepted baseline was taken with other sensors",
        (Some(Missing::OtherPhase), _) => {
            "the accepted baseline belongs to another phase of the plan"
        }
        (_, Metric::TempoRatio) => "the plan prescribes no tempo",
        (_, Metric::ShankPeakAccel) => "no accepted walking baseline yet",
        _ => "no accepted baseline yet",
    };
    Some(format!("{subject}: {missing}"))
}

pub(super) const fn side_word(side: TrainingSide) -> &'static str {
    match side {
        TrainingSide::Left => "left",
        TrainingSide::Right => "right",
        TrainingSide::Both => "both sides",
        TrainingSide::Alternating => "alternating sides",
    }
}
