//! What the simulator knows to be true of a session, written beside its recording.

use crate::model::{
    command::SetRole,
    finding::Verdict,
    plan::TrainingSide,
};
use serde::Serialize;

/// Truth of one session.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Truth {
    /// Says that nobody was recorded.
    pub note: &'static str,
    /// Scenario and seed.
    pub scenario: String,
    /// Seed.
    pub seed: u64,
    /// Sets in order.
    pub sets: Vec<SetTruth>,
    /// Which check must end how.
    pub expected: Vec<Expected>,
    /// Sensors that were silent: segment, from and to, s.
    pub silent: Vec<(String, f64, f64)>,
    /// Heart rate once a second, bpm.
    pub heart_bpm: Vec<f64>,
}

/// Truth of one set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SetTruth {
    pub set: u32,
    pub exercise: String,
    pub side: TrainingSide,
    pub role: SetRole,
    pub load_kg: Option<f64>,
    pub start_s: f64,
    pub end_s: f64,
    pub reps: Vec<RepTruth>,
}

/// Truth of one repetition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RepTruth {
    pub start_s: f64,
    pub turn_s: f64,
    pub end_s: f64,
    pub depth_deg: f64,
    pub lean_deg: f64,
    pub phases: PhaseTruth,
}

/// Durations of the phases, s.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseTruth {
    pub eccentric_s: f64,
    pub pause_stretched_s: f64,
    pub concentric_s: f64,
    pub pause_shortened_s: f64,
}

/// A check and how it must end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Expected {
    /// Set number.
    pub set: u32,
    /// Repetition number, `None` for the whole set.
    pub rep: Option<u32>,
    /// Rule identifier.
    pub code: &'static str,
    /// Verdict.
    pub verdict: Verdict,
}

impl Truth {
    /// As JSON.
    ///
    /// # Errors
    /// A number that JSON cannot write; none is made.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }
}
