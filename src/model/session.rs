//! Who trains, which sensor sits where, under which plan; and what went wrong technically.

use super::{
    body::Segment,
    finding::Baseline,
    packet::DeviceIndex,
    sample::StreamId,
    time::{HostNs, SessionNs},
};
use serde::{Deserialize, Serialize};

/// Identifier of a session: letters, digits, `-` and `_` only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub String);

/// Where the data of a session come from: replayed or simulated data can never look live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Real sensors.
    Sensors,
    /// The simulator.
    Simulated,
    /// Somebody else's recording, imported.
    Imported,
}

/// A sensor of the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensor {
    /// Local alias, such as `imu1`; never a radio address.
    pub alias: String,
    /// Name of the driver that decodes it.
    pub driver: String,
    /// Where it is worn. Heart-rate straps: `chest`.
    pub segment: Segment,
    /// Who said so.
    pub confirmed_by: String,
    /// Configured sample rate, Hz; the true rate is measured. 0 where there is none.
    pub nominal_hz: f64,
}

/// What a recording begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionHeader {
    /// Version of this header.
    pub schema: String,
    /// Which session.
    pub session: SessionId,
    /// Random pseudonym; never a name.
    pub client: String,
    /// Where the data come from.
    pub origin: Origin,
    /// Wall clock at the beginning, RFC 3339; for people, never for logic.
    pub started_at: String,
    /// The host's monotonic clock at the beginning: session time 0.
    pub started_host: HostNs,
    /// Sensors; a packet names its sensor by position in this list.
    pub sensors: Vec<Sensor>,
    /// SHA-256 of the plan file, hexadecimal, if there is a plan.
    pub plan_sha256: Option<String>,
    /// `plan_id` and version, for people.
    pub plan_label: Option<String>,
    /// The client's accepted baselines from earlier sessions that this one is compared with.
    pub baselines: Vec<Baseline>,
    /// Version of this program.
    pub software: String,
    /// SHA-256 of the exercise library, hexadecimal.
    pub library_sha256: String,
}

impl SessionHeader {
    /// Sensors with their positions.
    pub fn devices(&self) -> impl Iterator<Item = (DeviceIndex, &Sensor)> {
        self.sensors
            .iter()
            .enumerate()
            .map(|(i, s)| (DeviceIndex(u16::try_from(i).unwrap_or(u16::MAX)), s))
    }
}

/// A technical event: bad data are counted and marked, never hidden.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TechEvent {
    /// When.
    pub t: SessionNs,
    /// Which sensor, if one.
    pub device: Option<DeviceIndex>,
    /// What.
    pub kind: TechKind,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum TechKind {
    /// No data of a stream for too long; latched until data come again.
    SensorLost {
        /// Which stream.
        stream: StreamId,
        /// How long it has been silent, s.
        silent_s: f64,
    },
    /// Data came again.
    SensorBack {
        /// Which stream.
        stream: StreamId,
        /// Length of the gap, s.
        gap_s: f64,
    },
    /// Packets that could not be decoded.
    Undecodable {
        /// How many since the last such event.
        packets: u64,
        /// The first reason.
        reason: String,
    },
    /// The device's clock was anchored anew (reboot, step).
    ClockReset {
        /// The step, s.
        step_s: f64,
    },
    /// A whole window that could not be carried: the bus was away for too long and there was no recording.
    WindowLost {
        /// Its number.
        index: u64,
    },
    /// Samples that arrived so late that their window was closed; counted, not judged.
    Late {
        /// Which stream.
        stream: StreamId,
        /// How many.
        count: u32,
    },
    /// A sensor's connection began.
    LinkUp,
    /// A sensor's connection ended.
    LinkDown {
        /// Why, for people.
        reason: String,
    },
    /// Packets that came and could not be taken: they are in no recording.
    PacketsLost {
        /// How many.
        packets: u64,
    },
    /// The trainer goes on without a sensor: what needs it is not assessed.
    WentWithout {
        /// Where it is worn.
        segment: Segment,
        /// Who accepted that.
        accepted_by: String,
    },
    /// The trainer goes on although no sensor measures some of what the plan asks: that is not assessed.
    WentUnmeasured {
        /// Who accepted that.
        accepted_by: String,
    },
    /// A person saw a sensor somewhere else than it was said to be: it is worn there from here on, uncalibrated.
    Placed {
        /// Where it is worn.
        segment: Segment,
        /// Where it was said to be worn.
        before: Segment,
        /// Who sees it there.
        confirmed_by: String,
    },
    /// An assignment was refused.
    AssignmentRefused {
        /// Why, for the trainer.
        reason: String,
    },
    /// A sensor's battery is low.
    BatteryLow {
        /// State of charge, %.
        percent: u8,
    },
    /// A calibration was refused.
    CalibrationRefused {
        /// Why, for the trainer.
        reason: String,
    },
    /// A sensor moved as another segment should: the two are exchanged, or their names are.
    SensorsExchanged {
        /// Where it is said to be worn.
        segment: Segment,
        /// As which one it moves.
        with: Segment,
    },
    /// By how much this sensor shows a movement later than another one that makes it, too: their clocks, and the body's
    /// own.
    Skew {
        /// The other sensor.
        with: DeviceIndex,
        /// How much later, s; negative = sooner.
        lag_s: f64,
        /// Half-width of its 95 % band, s.
        error_s: f64,
        /// It is more than bodies do: what is measured with both is without data from here on.
        exceeded: bool,
    },
    /// The movement does not show how far apart in time two sensors are.
    SkewUnknown {
        /// The other sensor.
        with: DeviceIndex,
        /// Why.
        reason: String,
    },
    /// A sensor moved against its segment.
    SensorSlipped {
        /// By how much, deg.
        drift_deg: f64,
    },
    /// Gravity shows that axes of the gyroscope count the other way round; corrected from here on, and back to the
    /// begin of the running set.
    GyroscopeReversed {
        /// Which of x, y, z.
        axes: [bool; 3],
    },
}
