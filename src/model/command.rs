//! The one arrow that goes back: what a person tells the daemon. One enum, one topic, one handler.

use super::{
    packet::DeviceIndex,
    placement::Placement,
    plan::{RpeScale, TrainingSide},
};
use serde::{Deserialize, Serialize};

/// What a set is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "role")]
pub enum SetRole {
    /// Judged against the plan.
    Working,
    /// Counted apart, not judged.
    WarmUp,
    /// Becomes the client's own baseline, because a professional watched and accepts it.
    Baseline {
        /// Identity of the professional.
        accepted_by: String,
    },
}

/// A person's instruction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "command")]
pub enum Command {
    /// The client stands still in the calibration stance from now on.
    Calibrate,
    /// The client makes a movement of the library a few times from now on, starting in the pose it rests in: the
    /// axes of the segments that it moves.
    CalibrateMovement {
        /// Exercise library id.
        exercise: String,
        /// Side that moves; never defaulted.
        side: TrainingSide,
    },
    /// A set begins.
    StartSet {
        /// Exercise library id.
        exercise: String,
        /// Working side; never defaulted.
        side: TrainingSide,
        /// What the set is for.
        role: SetRole,
        /// Actual load, kg, as the trainer typed it.
        load_kg: Option<f64>,
    },
    /// The set ends.
    EndSet {
        /// Why.
        reason: StopReason,
    },
    /// The session goes on without a sensor that is not ready: what needs it is not assessed from here on.
    GoWithout {
        /// Which sensor.
        device: DeviceIndex,
        /// Who accepts that.
        accepted_by: String,
    },
    /// The session goes on although none of its sensors measures some of what the plan asks: that is not assessed.
    GoUnmeasured {
        /// Who accepts that.
        accepted_by: String,
    },
    /// Sensors are worn elsewhere than the session's header says, from here on and before its first set. All at once, so
    /// that two can be swapped.
    Assign {
        /// Which sensors, and where each is worn.
        worn: Vec<Placement>,
        /// Who sees them there.
        confirmed_by: String,
    },
    /// Entered after a set.
    Entry {
        /// Rating of perceived exertion with its scale.
        rpe: Option<(RpeScale, f64)>,
        /// Pain 0-10 (NPRS), worst during the set.
        pain: Option<u8>,
        /// Symptom codes.
        symptoms: Vec<String>,
    },
}

/// Why a set ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// As planned.
    Completed,
    /// A stop rule.
    StopRule,
    /// The trainer ended it.
    Trainer,
    /// The client asked.
    ClientRequest,
    /// A needed sensor fell silent.
    SensorLoss,
    /// Nobody moved any more.
    Timeout,
    /// The session ended first.
    SessionEnd,
}
