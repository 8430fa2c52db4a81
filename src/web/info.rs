//! What the page must know about a session before the first event: who, from where, under which plan,
//! and the words for every metric and code.

use crate::{
    model::{
        body::Segment,
        exercise::{Exercise, LIBRARY},
        metric::Metric,
        plan::Plan,
        session::{Origin, Sensor, SessionHeader, TechEvent, TechKind},
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
    /// Sensors, by position.
    pub sensors: Vec<SensorInfo>,
    /// Where a sensor can be worn.
    pub segments: Vec<&'static str>,
    /// Names and prescriptions by exercise id.
    pub exercises: BTreeMap<String, ExerciseInfo>,
    /// Names and units by metric id.
    pub metrics: BTreeMap<&'static str, MetricInfo>,
    /// Names by code: therapist's, trainer's.
    pub codes: BTreeMap<&'static str, [&'static str; 2]>,
}

/// A sensor on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SensorInfo {
    /// Its name.
    pub alias: String,
    /// Its driver.
    pub driver: String,
    /// Where it is worn.
    pub segment: Segment,
    /// Who said so.
    pub confirmed_by: String,
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
            sensors: header.sensors.iter().map(sensor).collect(),
            segments: segments(),
            exercises: LIBRARY.iter().map(|e| exercise(e, plan)).collect(),
            metrics: Metric::ALL.iter().map(|m| metric(*m)).collect(),
            codes: words::CODES
                .iter()
                .map(|(code, term)| (*code, [term.therapist, term.trainer]))
                .collect(),
        }
    }
}

impl Info {
    /// Sensors that are worn elsewhere from this event on.
    pub fn follow(&mut self, event: &TechEvent) {
        if let TechKind::Placed {
            segment,
            confirmed_by,
            ..
        } = &event.kind
            && let Some(device) = event.device
            && let Some(sensor) = self.sensors.get_mut(usize::from(device.0))
        {
            sensor.segment = *segment;
            sensor.confirmed_by.clone_from(confirmed_by);
        }
    }
}

fn sensor(s: &Sensor) -> SensorInfo {
    SensorInfo {
        alias: s.alias.clone(),
        driver: s.driver.clone(),
        segment: s.segment,
        confirmed_by: s.confirmed_by.clone(),
    }
}

/// Segments of a rig are no places on a person.
fn segments() -> Vec<&'static str> {
    use Segment::{Rig1, Rig2, Rig3, Rig4, Rig5, Unplaced};
    let worn = |s: &&Segment| !matches!(s, Rig1 | Rig2 | Rig3 | Rig4 | Rig5 | Unplaced);
    let all = Segment::ALL.iter().filter(worn);
    all.map(|s| s.as_str()).collect()
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
