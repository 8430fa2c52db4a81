//! What a radio delivers: bytes of one notification, before any decoding.

use super::time::HostNs;
use serde::{Deserialize, Serialize};

/// Position of a sensor in the session header's list of sensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceIndex(pub u16);

/// A 128-bit GATT characteristic identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub u128);

impl Uuid {
    /// A 16-bit identifier of the Bluetooth SIG, on its base.
    #[must_use]
    pub const fn sig(short: u16) -> Self {
        Self(((short as u128) << 96) | 0x0000_0000_0000_1000_8000_0080_5f9b_34fb)
    }
}

/// One notification as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Which sensor.
    pub device: DeviceIndex,
    /// Which characteristic notified.
    pub characteristic: Uuid,
    /// When the host received it.
    pub host: HostNs,
    /// The value, as received.
    pub bytes: Box<[u8]>,
}

impl std::fmt::Display for Uuid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let v = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            v >> 96,
            (v >> 80) & 0xffff,
            (v >> 64) & 0xffff,
            (v >> 48) & 0xffff,
            v & 0xffff_ffff_ffff
        )
    }
}
