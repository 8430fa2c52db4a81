//! The therapist's plan: limits (do not pass), targets (try to reach), watch items (observe).
//!
//! Schema `loading-limits/0.1`. These are the words of the file; reading the file, with lines and
//! hints, is `wire::plan`, judging its sense is `rules::lint`.

use super::{body::Side, heart::Sex};
use serde::{Deserialize, Serialize};

/// The schema this program reads.
pub const PLAN_SCHEMA: &str = "loading-limits/0.1";

/// A side as a plan writes it; never defaulted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainingSide {
    /// Left only.
    Left,
    /// Right only.
    Right,
    /// Both together.
    Both,
    /// One after the other.
    Alternating,
}

impl TrainingSide {
    /// The sides that work.
    #[must_use]
    pub const fn sides(self) -> &'static [Side] {
        match self {
            Self::Left => &[Side::Left],
            Self::Right => &[Side::Right],
            Self::Both | Self::Alternating => &[Side::Left, Side::Right],
        }
    }
}

/// The client's affected side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AffectedSide {
    /// Left.
    Left,
    /// Right.
    Right,
    /// Both.
    Both,
    /// None.
    None,
}

/// Plan status; FHIR request status plus `superseded` and `expired`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlanStatus {
    /// Being written.
    Draft,
    /// Signed and in force.
    Active,
    /// Paused.
    OnHold,
    /// Withdrawn.
    Revoked,
    /// Finished.
    Completed,
    /// Written by mistake.
    EnteredInError,
    /// Replaced by a newer version.
    Superseded,
    /// Past its date.
    Expired,
}

/// The three scales that share the word RPE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RpeScale {
    /// Borg, 6 to 20.
    #[serde(rename = "borg_6_20")]
    Borg6To20,
    /// Category-ratio, 0 to 10.
    Cr10,
    /// Repetitions in reserve: 10 = none left.
    RirRpe,
}

/// Who checks something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckedBy {
    /// A worn sensor.
    Sensor,
    /// The trainer, by eye.
    Trainer,
    /// The therapist.
    Therapist,
    /// A typed entry.
    Entry,
}

/// What happens when a limit is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reaction {
    /// Stop, latched.
    Stop,
    /// A cue.
    Cue,
    /// The report.
    Record,
    /// Typed by the trainer.
    Entry,
}

/// One number or a pair of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Span {
    /// Lower end.
    pub min: f64,
    /// Upper end.
    pub max: f64,
}

/// One place of a tempo.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub enum Beat {
    /// Seconds.
    Seconds(f64),
    /// As fast as possible with control.
    Explosive,
    /// Not prescribed.
    Free,
}

/// Eccentric, pause stretched, concentric, pause shortened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Tempo(pub [Beat; 4]);

/// Weight bearing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightBearing {
    /// NWB, TTWB, PWB, WBAT, FWB.
    pub status: String,
    /// Share of body weight, %.
    pub limit_percent_body_weight: Option<f64>,
    /// Load, kg.
    pub limit_kg: Option<f64>,
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Frequency {
    /// Sessions a week.
    pub sessions_per_week: u32,
    /// Hours between sessions.
    pub min_rest_hours: u32,
}

/// A milestone: reported, never applied.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Criterion {
    /// What.
    pub metric: String,
    /// `<=`, `>=`, `==`, `<`, `>`.
    pub op: String,
    /// Number.
    pub value: f64,
    /// UCUM unit.
    pub unit: String,
    /// Who measures.
    pub measured_by: CheckedBy,
}

/// A phase of the rehabilitation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phase {
    /// Name.
    pub name: String,
    /// Weeks since the event.
    pub window_weeks: Option<Span>,
    /// Milestones.
    pub progress_when: Vec<Criterion>,
}

/// Effort rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effort {
    /// Heart-rate ceiling, bpm.
    pub hr_ceiling_bpm: Option<f64>,
    /// Heart-rate zone, bpm; a target.
    pub hr_zone_bpm: Option<Span>,
    /// Where the heart-rate numbers come from.
    pub hr_basis: Option<String>,
    /// Free remark on it.
    pub hr_note: Option<String>,
    /// Maximum heart rate, bpm; without it a formula of age may stand in, where one holds.
    pub hr_max_bpm: Option<f64>,
    /// Heart rate at rest, bpm.
    pub hr_rest_bpm: Option<f64>,
    /// Age, years; only formulas need it.
    pub age_years: Option<f64>,
    /// Sex; only the training impulse needs it.
    pub sex: Option<Sex>,
    /// Which RPE.
    pub rpe_scale: RpeScale,
    /// Aim.
    pub rpe_target: Option<Span>,
    /// Ceiling.
    pub rpe_max: f64,
    /// Symptom codes beside the built-in floor.
    pub symptoms_stop: Vec<String>,
}

/// Pain rules, NPRS 0-10.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pain {
    /// Where.
    pub site: String,
    /// Cue at.
    pub cue_at: u8,
    /// Stop at.
    pub stop_at: u8,
    /// Allowed rise over the value before the session.
    pub max_rise: u8,
    /// Allowed rise the next morning.
    pub next_morning_max_rise: u8,
}

/// A restriction of the whole plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Avoid {
    /// Restriction code.
    pub code: String,
    /// Words for the trainer.
    pub trainer_text: String,
    /// Who checks.
    pub check: CheckedBy,
    /// Metric identifier, if measured.
    pub metric: Option<String>,
    /// Lower end.
    pub min: Option<f64>,
    /// Upper end.
    pub max: Option<f64>,
    /// Times the client's own walking peak.
    pub max_times_own_walking: Option<f64>,
    /// Exercises it applies to; empty = all.
    pub applies_to: Vec<String>,
}

/// Do not pass.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Limit {
    /// Metric identifier.
    pub metric: String,
    /// Lower end.
    pub min: Option<f64>,
    /// Upper end.
    pub max: Option<f64>,
    /// UCUM unit.
    pub unit: Option<String>,
    /// `loaded`, `always`.
    pub when: Option<String>,
    /// Guard band; `None` = the metric's default; 0 = strict.
    pub guard: Option<f64>,
    /// Reaction.
    pub on_breach: Reaction,
}

/// Try to reach.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// Metric identifier.
    pub metric: String,
    /// Lower end.
    pub min: Option<f64>,
    /// Upper end.
    pub max: Option<f64>,
    /// UCUM unit.
    pub unit: Option<String>,
}

/// Observe.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Watch {
    /// Compensation code.
    pub code: String,
    /// First threshold, over the baseline or absolute as the code says.
    pub minor: Option<f64>,
    /// Second threshold.
    pub moderate: Option<f64>,
    /// Reaction.
    pub on_flag: Reaction,
}

/// Prescribed load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Load {
    /// `kg`, `pct_1rm`, `rpe`, `rir`, `bodyweight`, `bodyweight_pct`, `band`, `none`.
    pub kind: String,
    /// Value in the unit of the kind.
    pub value: Option<f64>,
    /// Load limit, kg.
    pub max_kg: Option<f64>,
    /// `total`, `per_hand`, `per_leg`, `machine_stack`.
    pub basis: Option<String>,
    /// One-repetition maximum, kg.
    pub one_rm_kg: Option<f64>,
    /// When it was found, `YYYY-MM-DD`.
    pub one_rm_date: Option<String>,
    /// How it was found.
    pub one_rm_method: Option<String>,
    /// Band colour.
    pub colour: Option<String>,
    /// Band brand.
    pub brand: Option<String>,
}

/// One exercise of the plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prescription {
    /// Exercise library id.
    pub id: String,
    /// Side.
    pub side: TrainingSide,
    /// Set-up remark.
    pub setup: Option<String>,
    /// Equipment remark.
    pub equipment: Option<String>,
    /// Sets.
    pub sets: u32,
    /// Repetitions.
    pub reps: Span,
    /// Hold, s.
    pub hold_s: Option<f64>,
    /// Tempo.
    pub tempo: Option<Tempo>,
    /// Rest, s.
    pub rest_s: Span,
    /// Load.
    pub load: Load,
    /// Limits.
    pub limits: Vec<Limit>,
    /// Targets.
    pub targets: Vec<Target>,
    /// Watch items.
    pub watches: Vec<Watch>,
}

/// A plan. Dates and instants are text as in the file (RFC 3339), compared by `rules::lint`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Schema.
    pub schema: String,
    /// Identifier.
    pub plan_id: String,
    /// Version.
    pub version: u32,
    /// Status.
    pub status: PlanStatus,
    /// Title.
    pub title: String,
    /// Client pseudonym.
    pub client: String,
    /// Therapist.
    pub author: String,
    /// When signed, RFC 3339.
    pub signed_at: Option<String>,
    /// First day, `YYYY-MM-DD`.
    pub valid_from: String,
    /// Last day.
    pub valid_until: String,
    /// Affected side.
    pub affected_side: AffectedSide,
    /// Cardiac client.
    pub cardiac: bool,
    /// Takes a beta-blocker.
    pub beta_blocker: bool,
    /// Pregnant.
    pub pregnant: bool,
    /// For the trainer, at most 400 characters.
    pub trainer_summary: String,
    /// For the therapist and the client only.
    pub reason: Option<String>,
    /// Weight bearing.
    pub weight_bearing: Option<WeightBearing>,
    /// Frequency.
    pub frequency: Frequency,
    /// What to do in an emergency.
    pub emergency: String,
    /// Where.
    pub setting: String,
    /// How supervised.
    pub supervision: String,
    /// A lost heart-rate signal is a stop.
    pub require_hr_signal: bool,
    /// Phase.
    pub phase: Phase,
    /// Effort.
    pub effort: Effort,
    /// Pain.
    pub pain: Pain,
    /// Restrictions.
    pub avoid: Vec<Avoid>,
    /// Exercises.
    pub exercises: Vec<Prescription>,
}

impl Plan {
    /// The prescription of an exercise.
    #[must_use]
    pub fn prescription(&self, exercise: &str) -> Option<&Prescription> {
        self.exercises.iter().find(|e| e.id == exercise)
    }
}
