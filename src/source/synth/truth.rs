//! What the simulator knows to be true of a session, written beside its recording.

use crate::model::{command::SetRole, finding::Verdict, plan::TrainingSide};
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
    /// Set number.
    pub set: u32,
    /// Exercise library id.
    pub exercise: String,
    /// Working side.
    pub side: TrainingSide,
    /// What for.
    pub role: SetRole,
    /// Load, kg.
    pub load_kg: Option<f64>,
    /// Begin, s.
    pub start_s: f64,
    /// End, s.
    pub end_s: f64,
    /// Repetitions.
    pub reps: Vec<RepTruth>,
}

/// Truth of one repetition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RepTruth {
    /// Begin, s.
    pub start_s: f64,
    /// Turn, s.
    pub turn_s: f64,
    /// End, s.
    pub end_s: f64,
    /// Peak of the primary angle, deg.
    pub depth_deg: f64,
    /// Peak forward tilt of the trunk, deg.
    pub lean_deg: f64,
    /// Phases.
    pub phases: PhaseTruth,
}

/// Durations of the phases, s.
#[expect(clippy::struct_field_names, reason = "the unit is last")]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseTruth {
    /// Eccentric.
    pub eccentric_s: f64,
    /// Dwell after it.
    pub pause_stretched_s: f64,
    /// Concentric.
    pub concentric_s: f64,
    /// Dwell after it.
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
