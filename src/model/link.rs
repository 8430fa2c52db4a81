//! What happens to the radio link of a sensor. Recorded beside the packets, so that a replay begins each connection
//! where it began.

use super::packet::DeviceIndex;
use serde::{Deserialize, Serialize};

/// A change of one sensor's link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkEvent {
    /// Which sensor.
    pub device: DeviceIndex,
    /// What.
    pub change: LinkChange,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "link")]
pub enum LinkChange {
    /// A connection begins: what a decoder knew of the one before is void.
    Up,
    /// The connection was ended here, with the session.
    Closed,
    /// The connection ended.
    Down {
        /// Why, for people.
        reason: String,
    },
    /// Packets came and could not be taken: lost, and counted.
    Overflow {
        /// How many.
        packets: u64,
    },
}

/// Where a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not heard.
    Absent,
    /// A connection is being made.
    Connecting,
    /// Connected; services are looked up.
    Discovering,
    /// The streams are being started.
    Configuring,
    /// Started; not every stream has delivered.
    Awaiting,
    /// Every stream delivers.
    Streaming,
    /// Being stopped or disconnected.
    Closing,
    /// Nothing more will be tried.
    Stopped,
}

/// One sensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinkStatus {
    /// Which sensor of the session.
    pub device: DeviceIndex,
    /// Its alias.
    pub alias: String,
    /// Where it stands.
    pub stage: Stage,
    /// The session goes on without it.
    #[serde(default)]
    pub without: bool,
    /// What was wrong last, in words.
    pub reason: Option<String>,
    /// What it was asked for and does not have.
    pub skipped: Vec<String>,
    /// What it offers and could not be made to start.
    #[serde(default)]
    pub missed: Vec<String>,
    /// It says that it finds nothing to measure.
    #[serde(default)]
    pub blank: bool,
    /// Signal of its last advertisement, dBm.
    pub rssi_dbm: Option<i16>,
    /// State of charge when it was connected, %.
    pub battery_percent: Option<u8>,
    /// Serial number from its Device Information.
    pub serial: Option<String>,
    /// The end of its radio address, to tell like sensors apart.
    #[serde(default)]
    pub address_tail: Option<String>,
    /// Firmware from its Device Information.
    pub firmware: Option<String>,
    /// Connections so far.
    pub connections: u32,
    /// What it offers: service, characteristic, properties.
    pub characteristics: Vec<String>,
}

impl LinkStatus {
    /// Every stream that a session needs of it delivers, and measures something.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.stage == Stage::Streaming && !self.blank && self.missed.is_empty()
    }

    /// Where it stands, in words for a trainer.
    #[must_use]
    pub fn words(&self) -> String {
        if self.without {
            return "the session goes on without it: what needs it is not assessed".to_owned();
        }
        if self.stage == Stage::Streaming && self.blank {
            return "connected, finds no heart beat: is it worn, and moist?".to_owned();
        }
        if self.stage == Stage::Streaming && !self.missed.is_empty() {
            return format!(
                "connected, did not start {}: restart it, or name the streams it has in the configuration",
                self.missed.join(", ")
            );
        }
        let stage = match self.stage {
            Stage::Absent => "not heard; is it switched on, near, and not connected elsewhere?",
            Stage::Connecting => "connecting",
            Stage::Discovering => "connected, looking up what it offers",
            Stage::Configuring => "connected, starting its streams",
            Stage::Awaiting => "connected, no data yet",
            Stage::Streaming => "ready",
            Stage::Closing => "disconnecting",
            Stage::Stopped => "stopped",
        };
        match &self.reason {
            Some(reason) if self.stage != Stage::Streaming => format!("{stage} (last: {reason})"),
            _ => stage.to_owned(),
        }
    }
}
