//! What the analysis says, in the order it says it: the arrow from the analysis to store, page and report.

use super::{
    body::Segment,
    command::{Command, SetRole},
    finding::{Baseline, Finding, LoadContrast},
    metric::Metric,
    packet::DeviceIndex,
    plan::TrainingSide,
    rep::{Rep, SessionHeart, SetSummary},
    session::TechEvent,
    time::SessionNs,
};
use serde::{Deserialize, Serialize};

/// Which part of a calibration was attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationStep {
    /// Standing still: gyroscope bias, size of gravity, "up" in the sensor.
    Stillness,
    /// The movement itself: the axis the segment turns about.
    Functional,
}

/// Result of calibrating one sensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// When.
    pub t: SessionNs,
    /// Which sensor.
    pub device: DeviceIndex,
    /// Where it is worn.
    pub segment: Segment,
    /// Which part.
    pub step: CalibrationStep,
    /// It may be used.
    pub accepted: bool,
    /// Score: stillness = seconds used; functional = first over remaining eigenvalues of the angular rate.
    pub quality: f64,
    /// Why it was refused, in words for the trainer.
    pub reason: Option<String>,
}

/// Heart rate as shown now.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LiveHeart {
    /// Last valid value.
    pub bpm: f64,
    /// Its age.
    pub age_s: f64,
    /// Too old to show as a number.
    pub stale: bool,
}

/// The state of a sensor as shown now.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LiveSensor {
    /// Which sensor.
    pub device: DeviceIndex,
    /// Where it is worn.
    pub segment: Segment,
    /// Age of its newest sample; `None` = never seen.
    pub age_s: Option<f64>,
    /// Too old: nothing that needs it may be judged.
    pub stale: bool,
}

/// What a person needs to see now. One per window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// End of the window it speaks of.
    pub t: SessionNs,
    /// Heart rate, `None` = none yet.
    pub heart: Option<LiveHeart>,
    /// Running set, `None` = between sets.
    pub set: Option<u32>,
    /// Exercise of the running set.
    pub exercise: Option<String>,
    /// Repetitions counted in it.
    pub reps: u32,
    /// What the trace shows.
    pub metric: Option<Metric>,
    /// Lower and upper limit on it, from the plan.
    pub limit: (Option<f64>, Option<f64>),
    /// New points of the trace, about 20 a second; `None` = no data at that instant.
    pub trace: Vec<(SessionNs, Option<f64>)>,
    /// Sensors.
    pub sensors: Vec<LiveSensor>,
}

/// One thing the analysis says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event", content = "data")]
pub enum Event {
    /// A calibration was tried.
    Calibration(Calibration),
    /// A set began.
    SetStarted {
        /// Number within the session, from 1.
        set: u32,
        /// When.
        t: SessionNs,
        /// Exercise library id.
        exercise: String,
        /// Working side.
        side: TrainingSide,
        /// What for.
        role: SetRole,
        /// Load, kg.
        load_kg: Option<f64>,
        /// The plan's checks on it that no worn sensor can make: by eye.
        by_eye: Vec<String>,
    },
    /// A repetition, at a stage.
    Rep(Rep),
    /// The traced metric over one final repetition; `None` = no data at that instant.
    Trace {
        /// Set number.
        set: u32,
        /// Repetition number.
        rep: u32,
        /// What is traced.
        metric: Metric,
        /// About 20 points a second.
        points: Vec<(SessionNs, Option<f64>)>,
    },
    /// A check.
    Finding(Finding),
    /// A set ended.
    Set(SetSummary),
    /// The heart over the session, at its end; absent where none was heard.
    SessionHeart(SessionHeart),
    /// A baseline was captured.
    Baseline(Baseline),
    /// A set that should become a baseline did not.
    BaselineRefused {
        /// Set number.
        set: u32,
        /// Valid whole repetitions it has.
        reps: u32,
        /// How many are needed.
        needed: u32,
    },
    /// What appears only under load.
    LoadContrast(LoadContrast),
    /// An entry was typed.
    Entry {
        /// When.
        t: SessionNs,
        /// After which set.
        set: u32,
        /// What.
        entry: Command,
    },
    /// A technical event.
    Tech(TechEvent),
    /// What a person needs to see now; not kept.
    Live(Live),
    /// The session ended; nothing follows.
    Closed {
        /// When.
        t: SessionNs,
        /// Windows analysed.
        windows: u64,
    },
}

/// An event with its place in the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Numbered {
    /// Counting from 0 without holes.
    pub sequence: u64,
    /// The window whose analysis said it.
    pub window: u64,
    /// What.
    pub event: Event,
}
