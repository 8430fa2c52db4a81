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
