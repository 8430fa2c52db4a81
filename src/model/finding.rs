//! A repetition, a set or a heart rate judged against one number, with the verdict and its reasons.

use super::{
    body::Segment,
    metric::Metric,
    plan::TrainingSide,
    rep::{Missing, Stage},
    time::SessionNs,
};
use serde::{Deserialize, Serialize};

/// How a check ended. Only `Within` may ever be shown as good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Measured over the whole repetition, at or inside the number.
    Within,
    /// Measured, past the number by no more than the guard band.
    Unsure,
    /// Measured, past the number by more than the guard band, or unsure three times running.
    Outside,
    /// The plan asks, no worn sensor can measure: check by eye.
    NotAssessed,
    /// A sensor is there, its data are missing, uncalibrated, clipped or drifting: no data.
    Invalid,
}

/// What kind of number was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// Do not pass.
    Limit,
    /// Try to reach.
    Target,
    /// Prescribed tempo.
    Tempo,
    /// Observe; a compensation of the table.
    Watch,
    /// Heart-rate ceiling or zone.
    Effort,
}

/// How much attention it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Counted in the report.
    Note,
    /// Above the first threshold once.
    Minor,
    /// Above the second threshold, or persistent.
    Moderate,
    /// A limit passed.
    Major,
}

/// What is done about it live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Goes to the report.
    Record,
    /// One short cue.
    Cue,
    /// Stop, latched until acknowledged.
    Stop,
}

/// Where a threshold comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The therapist's plan.
    Plan,
    /// The client's own accepted baseline.
    Baseline,
    /// A default of the compensation table.
    Default,
}

/// One check with its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Number within the session, from 1, in the order found.
    pub id: u64,
    /// When it was known.
    pub t: SessionNs,
    /// Set number, 0 outside sets.
    pub set: u32,
    /// Repetition number, `None` for a whole set or the heart rate.
    pub rep: Option<u32>,
    /// Live (`confirmed`) or after the set (`final`).
    pub stage: Stage,
    /// Rule identifier: a code of the compensation table, or `LIMIT`, `TARGET`, `TEMPO`, `HR_CEILING`, `HR_ZONE`,
    /// `LOAD_MAX`, `PAIN`, `PAIN_RISE`, `RPE`, `SYMPTOM`.
    pub code: String,
    /// What kind of number.
    pub kind: CheckKind,
    /// What was measured.
    pub metric: Metric,
    /// The verdict.
    pub verdict: Verdict,
    /// Attention.
    pub severity: Severity,
    /// What to do.
    pub action: Action,
    /// Measured value, unit of the metric.
    pub value: Option<f64>,
    /// Half-width of its 95 % band.
    pub error: Option<f64>,
    /// Lower end of the allowed window.
    pub min: Option<f64>,
    /// Upper end of the allowed window.
    pub max: Option<f64>,
    /// What is usual in the client's accepted baseline, where the number is counted from it.
    #[serde(default)]
    pub usual: Option<f64>,
    /// Guard band.
    pub guard: f64,
    /// Who set the number.
    pub source: Source,
    /// Why a value is missing.
    pub missing: Option<Missing>,
}

/// A set of the client's own that a professional watched and accepted: what later sets are compared with.
///
/// It never changes. It says nothing of another side, of other sensors or of another phase of the plan; a
/// later accepted set of the same kind and load takes its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Exercise library id.
    pub exercise: String,
    /// Working side: a left baseline says nothing of the right.
    pub side: TrainingSide,
    /// Segments that carried a motion sensor, in the order of [`Segment`].
    pub sensors: Vec<Segment>,
    /// Load of the set, kg; `None` = none was typed.
    pub load_kg: Option<f64>,
    /// Phase of the plan it was accepted in, and with which it expires; `None` = there was no plan.
    pub phase: Option<String>,
    /// Professional who accepted it.
    pub accepted_by: String,
    /// Session it was accepted in, and that session's wall clock at its beginning (RFC 3339, for people).
    pub session: String,
    /// See `session`.
    pub session_started_at: String,
    /// End of the set, on that session's clock.
    pub accepted_at: SessionNs,
    /// Whole repetitions it was taken from.
    pub reps: u32,
    /// Centre and spread of each metric.
    pub rows: Vec<BaselineRow>,
}

impl Baseline {
    /// Centre and spread of a feature.
    #[must_use]
    pub fn row(&self, metric: Metric, feature: &str) -> Option<&BaselineRow> {
        self.rows
            .iter()
            .find(|r| r.metric == metric && r.feature == feature)
    }

    /// Whether both speak of the same thing: the later one takes the place of the earlier.
    #[must_use]
    pub fn same_kind(&self, other: &Self) -> bool {
        let kind = |b: &Self| (b.side, b.load_kg.map(f64::to_bits));
        kind(self) == kind(other)
            && self.exercise == other.exercise
            && self.sensors == other.sensors
            && self.phase == other.phase
    }
}

/// Centre and spread of one metric over an accepted set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaselineRow {
    /// What.
    pub metric: Metric,
    /// Which feature of it: `max`, `min`, `at_turn`, `range`.
    pub feature: String,
    /// Median over the repetitions.
    pub centre: f64,
    /// Larger of 1.4826 times the median absolute deviation and the standard deviation: of few
    /// repetitions either alone is easily too small.
    pub spread: f64,
    /// Number of repetitions.
    pub reps: u32,
}

/// One metric of a loaded set beside the accepted set with less load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContrastRow {
    /// What.
    pub metric: Metric,
    /// Which feature of it.
    pub feature: String,
    /// Median of the accepted set with less load.
    pub lighter: f64,
    /// Median of this set.
    pub loaded: f64,
    /// Smallest difference of the medians that is more than the method's and the client's own scatter.
    pub detectable: f64,
    /// Repetitions of this set with it.
    pub reps: u32,
    /// Of these, how many each depart from the lighter set by more than its scatter explains.
    pub departing: u32,
    /// It appears only under load: the medians differ by more than that, or three repetitions depart.
    pub appears: bool,
}

/// What the load changes: the same metrics in an accepted set with less load and in a loaded set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadContrast {
    /// The loaded set.
    pub set: u32,
    /// Exercise library id.
    pub exercise: String,
    /// Working side.
    pub side: TrainingSide,
    /// Load of the set, kg.
    pub load_kg: f64,
    /// Load of the accepted set, kg; `None` = none was typed.
    pub lighter_kg: Option<f64>,
    /// Professional who accepted it.
    pub accepted_by: String,
    /// Metrics that both sets have.
    pub rows: Vec<ContrastRow>,
}
