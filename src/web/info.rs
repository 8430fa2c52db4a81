//! What the page must know about a session before the first event: who, from where, under which plan,
//! and the words for every metric and code.

use crate::{
    model::{
        exercise::{Exercise, LIBRARY},
        metric::Metric,
        plan::Plan,
        session::{Origin, SessionHeader},
    },
    report::words,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// A session as the page introduces it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Info {
    /// Session identifier; its report is at `/report/{session}`.
    pub session: String,
    /// Pseudonym.
    pub client: String,
    /// Where the data come from.
    pub origin: Origin,
    /// The data were recorded earlier: they can never look live, and nothing alarms.
    pub replay: bool,
    /// The plan for people; `None` = limits are not checked.
    pub plan: Option<String>,
    /// The plan's words for the trainer.
    pub trainer_summary: Option<String>,
    /// The plan's heart-rate ceiling, bpm.
    pub heart_ceiling: Option<f64>,
    /// Sensor aliases, by position.
    pub sensors: Vec<String>,
    /// Names and prescriptions by exercise id.
    pub exercises: BTreeMap<String, ExerciseInfo>,
    /// Names and units by metric id.
    pub metrics: BTreeMap<&'static str, MetricInfo>,
    /// Names by code: therapist's, trainer's.
    pub codes: BTreeMap<&'static str, [&'static str; 2]>,
}

/// An exercise on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExerciseInfo {
    /// What trainers call it.
    pub name: String,
    /// Sets and repetitions asked.
    pub asked: Option<String>,
    /// Tempo asked.
    pub tempo: Option<String>,
}

/// A metric on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MetricInfo {
    /// What therapists call it.
    pub therapist: &'static str,
    /// What trainers call it.
    pub trainer: &'static str,
    /// As written behind a number.
    pub unit: String,
}

impl Info {
    /// Introduces the session of this header.
    #[must_use]
    pub fn new(header: &SessionHeader, plan: Option<&Plan>, replay: bool) -> Self {
        Self {
            session: header.session.0.clone(),
            client: header.client.clone(),
            origin: header.origin,
            replay,
            plan: plan.map(|p| format!("{} v{}", p.plan_id, p.version)),
            trainer_summary: plan.map(|p| p.trainer_summary.clone()),
            heart_ceiling: plan.and_then(|p| p.effort.hr_ceiling_bpm),
            sensors: header.sensors.iter().map(|s| s.alias.clone()).collect(),
            exercises: LIBRARY.iter().map(|e| exercise(e, plan)).collect(),
            metrics: Metric::ALL.iter().map(|m| metric(*m)).collect(),
            codes: words::CODES
                .iter()
                .map(|(code, term)| (*code, [term.therapist, term.trainer]))
                .collect(),
        }
    }
}

fn exercise(e: &Exercise, plan: Option<&Plan>) -> (String, ExerciseInfo) {
    let asked = plan.and_then(|p| p.prescription(e.id));
    let info = ExerciseInfo {
        name: e.trainer_name.to_owned(),
        asked: asked.map(|a| format!("{} x {}", a.sets, words::span(a.reps))),
        tempo: asked.and_then(|a| a.tempo.as_ref()).map(words::tempo),
    };
    (e.id.to_owned(), info)
}

fn metric(m: Metric) -> (&'static str, MetricInfo) {
    let term = words::metric(m);
    let info = MetricInfo {
        therapist: term.therapist,
        trainer: term.trainer,
        unit: words::unit(m.facts().unit).to_owned(),
    };
    (m.facts().id, info)
}
