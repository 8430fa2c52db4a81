//! Three clocks, three types: the device's own, the host's monotonic, the session's. Wall clock exists
//! only as text in a session header, written by the daemon.

use serde::{Deserialize, Serialize};

/// Nanoseconds on a device's own clock, unwrapped, from an origin only the device knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceNs(pub i64);

/// Nanoseconds on the host's monotonic clock, stamped as the first thing when a packet arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostNs(pub i64);

/// Nanoseconds since the session began: the one clock that all sensors of a session share.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SessionNs(pub i64);

impl SessionNs {
    /// Seconds since the session began.
    #[must_use]
    pub fn seconds(self) -> f64 {
        // 2^53 ns are 104 days: exact for any session.
        self.0 as f64 * 1e-9
    }

    /// The instant `seconds` after the session began, rounded to the nanosecond.
    #[must_use]
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * 1e9).round() as i64)
    }
}

impl HostNs {
    /// This instant on the clock of a session that began at `origin`.
    #[must_use]
    pub fn since(self, origin: HostNs) -> SessionNs {
        SessionNs(self.0.saturating_sub(origin.0))
    }
}
