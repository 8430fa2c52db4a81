//! A repetition and a set: what motion gives to the rules.

use super::{
    body::Segment,
    command::{SetRole, StopReason},
    heart::{HeartProfile, Intensity, Variability},
    metric::Metric,
    plan::TrainingSide,
    time::SessionNs,
};
use serde::{Deserialize, Serialize};

/// How settled a repetition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The movement turned: shown within tens of ms, may still merge with the next.
    Provisional,
    /// Complete by the live machine's hysteresis.
    Confirmed,
    /// Result of the pass after the set.
    Final,
    /// An earlier `Confirmed` that the pass after the set does not uphold; never silent.
    Retracted,
}

/// Why a value is missing. Missing is never fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// No worn sensor can measure it.
    NoSensor,
    /// A gap longer than allowed inside the repetition.
    Gap,
    /// More than 2 % of the samples lost.
    LostSamples,
    /// A sensor stood at the end of its range.
    Clipped,
    /// No accepted calibration.
    NotCalibrated,
    /// The sensor moved against its segment, or its tilt drifted by more than 10 deg.
    Drifted,
    /// Two sensors are apart in time.
    Skewed,
    /// The formula is not defined in this pose.
    Undefined,
    /// The value is there; the accepted baseline was taken with other sensors.
    OtherSensors,
    /// The value is there; the accepted baseline belongs to another phase of the plan.
    OtherPhase,
    /// The phase has no end: nothing follows it (yet).
    Open,
}

/// What a metric did during one repetition.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Measured {
    /// Measured over the whole repetition.
    Value {
        /// Smallest value, unit of the metric.
        min: f64,
        /// Largest value.
        max: f64,
        /// Value at the turn (deepest point).
        at_turn: f64,
        /// Value at the start.
        at_start: f64,
        /// Half-width of the 95 % band of `min`, `max` and `at_turn`.
        error: f64,
        /// The same of `max - min`: what both ends share, such as the zero, is not in it. `None` = the ends
        /// are independent.
        #[serde(default)]
        range_error: Option<f64>,
        /// The zero may have moved: the rest pose is 5 to 10 deg from the calibration. What depends on the zero cannot be
        /// called good; the range can.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        drifting: bool,
    },
    /// Not measured.
    Missing {
        /// Why.
        why: Missing,
    },
}

/// One metric of one repetition.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What.
    pub metric: Metric,
    /// How it came out.
    pub measured: Measured,
}

/// Durations of the four phases in the plan's order, s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    /// Eccentric (muscle lengthens under load).
    pub eccentric_s: f64,
    /// Dwell after the eccentric; `None` where nothing follows it (yet).
    pub pause_stretched_s: Option<f64>,
    /// Concentric.
    pub concentric_s: f64,
    /// Dwell after the concentric; `None` where nothing follows it (yet).
    pub pause_shortened_s: Option<f64>,
    /// Share of the repetition's peak rate below which there is "no movement"; tempo codes depend on it.
    pub threshold: f64,
    /// Half-widths of the 95 % bands of the four, s.
    #[serde(default)]
    pub error_s: [f64; 4],
}

/// Unit of a speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpeedUnit {
    /// Upward speed of load or body.
    #[serde(rename = "m/s")]
    MetresPerSecond,
    /// Speed of the counted angle.
    #[serde(rename = "deg/s")]
    DegreesPerSecond,
}

/// Speed of the concentric phase.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Mean over the phase.
    pub mean: f64,
    /// Largest value; in m/s only.
    pub peak: Option<f64>,
    /// Half-width of the 95 % band of the mean.
    pub error: f64,
    /// Unit of the three.
    pub unit: SpeedUnit,
    /// Whose upward speed it is.
    pub segment: Option<Segment>,
    /// Loss against the fastest repetition so far; absent for a partial repetition.
    pub loss: Option<Loss>,
}

/// Loss of speed against the fastest repetition so far. Says nothing of repetitions that are left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// 100 (1 - speed / fastest).
    pub percent: f64,
    /// Smallest change that can be told from none, both speeds having their error (95 %).
    pub error_percent: f64,
}

/// One repetition. Intervals are `[start, end)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rep {
    /// Set number within the session, from 1.
    pub set: u32,
    /// Number within the set, from 1.
    pub number: u32,
    /// How settled it is.
    pub stage: Stage,
    /// Movement begins.
    pub start: SessionNs,
    /// Movement turns (deepest or highest point).
    pub turn: SessionNs,
    /// Movement ends.
    pub end: SessionNs,
    /// Smaller than half of the set's median amplitude: counted, and marked.
    pub partial: bool,
    /// The four phases; absent before the repetition is complete.
    pub phases: Option<Phases>,
    /// Speed of the concentric phase; absent where no sensor shows it whole.
    #[serde(default)]
    pub speed: Option<Speed>,
    /// Metrics, in the order of [`Metric`].
    pub measurements: Vec<Measurement>,
}

impl Rep {
    /// The measurement of `metric`, if motion looked at it at all.
    #[must_use]
    pub fn measured(&self, metric: Metric) -> Option<Measured> {
        self.measurements
            .iter()
            .find(|m| m.metric == metric)
            .map(|m| m.measured)
    }
}

/// Heart over a set and the minute after it, or over a session; bpm.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct HeartStats {
    /// Time-weighted mean of the valid values.
    pub mean_bpm: Option<f64>,
    /// Largest 5-s median.
    pub max_bpm: Option<f64>,
    /// Median of the last 5 s of the effort: until the last repetition ended.
    pub end_bpm: Option<f64>,
    /// Fall from there within 60 s; `None` when the next set began before, or nothing was heard then.
    pub recovery_60s_bpm: Option<f64>,
    /// Share of the span with a valid value, 0-1.
    pub covered: f64,
    /// How hard it was.
    #[serde(default)]
    pub intensity: Intensity,
    /// Variability over the span; in exercise only as far as its quality permits.
    #[serde(default)]
    pub during: Variability,
    /// Variability at rest before a set: up to 5 minutes, without the first after the set before.
    #[serde(default)]
    pub before: Variability,
}

/// The heart over a whole session.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SessionHeart {
    /// Whose numbers the shares refer to.
    pub profile: HeartProfile,
    /// The figures.
    pub stats: HeartStats,
}

/// A set, after it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetSummary {
    /// Number within the session, from 1.
    pub set: u32,
    /// Exercise library id.
    pub exercise: String,
    /// Working side.
    pub side: TrainingSide,
    /// What it was for.
    pub role: SetRole,
    /// Load as typed, kg.
    pub load_kg: Option<f64>,
    /// Begin.
    pub start: SessionNs,
    /// End.
    pub end: SessionNs,
    /// Why it ended.
    pub reason: StopReason,
    /// Repetitions the live machine confirmed.
    pub reps_live: u32,
    /// Repetitions after the final pass.
    pub reps_final: u32,
    /// Heart rate.
    pub heart: HeartStats,
    /// The channel the counting used, such as `knee_flexion` or `thigh_r tilt`, for people.
    pub channel: String,
}
