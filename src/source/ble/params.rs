//! Numbers of the radio's supervision. Times in ms.

use crate::{model::packet::DeviceIndex, source::streams::Patience};

/// How patient the supervision is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Params {
    /// A connection is made within this. 23000: a sensor in reach answers within seconds, and one that hangs answers the
    /// next try sooner than this one.
    pub connect_ms: u64,
    /// Services are known within this.
    pub discover_ms: u64,
    /// One step of a script is carried out within this.
    pub step_ms: u64,
    /// How long a stream may say nothing.
    pub streams: Patience,
    /// So many tries in a row are made for a stream that the sensor offers and does not start.
    pub start_tries: u32,
    /// First wait before another try.
    pub backoff_first_ms: u64,
    /// Longest wait.
    pub backoff_last_ms: u64,
    /// After streaming for so long the waits begin anew.
    pub settled_ms: u64,
    /// Stopping all streams takes no longer than this.
    pub drain_ms: u64,
    /// A disconnection is over after this; BlueZ takes about 2 s.
    pub close_ms: u64,
    /// How long to scan at a stretch. Not for ever: scans that never stop go deaf, and disturb the links there are.
    pub scan_ms: u64,
    /// Pause between scans while no sensor streams.
    pub scan_pause_ms: u64,
    /// Pause between scans while some sensor streams.
    pub scan_pause_busy_ms: u64,
    /// Without any advertisement for so long while scanning the adapter is called deaf.
    pub deaf_ms: u64,
    /// After being switched off and on so many times in a row without hearing anybody it is given up.
    pub deaf_cycles: u32,
    /// A sensor known by its name alone is taken when for so long no other of the name was heard: sensors advertise every
    /// 0.1 to 1 s.
    pub namesake_ms: u64,
    /// Another of the name that was not heard for so long is not there.
    pub namesake_forget_ms: u64,
    /// A link that others left behind is let go of again after this, if it is still there.
    pub release_again_ms: u64,
    /// While the service is gone, everything is built anew this often.
    pub rebuild_ms: u64,
    /// When it is gone for so long the process gives up, for the service manager to start it again.
    pub gone_ms: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            connect_ms: 23_000,
            discover_ms: 35_000,
            step_ms: 10_000,
            streams: Patience::default(),
            start_tries: 3,
            backoff_first_ms: 500,
            backoff_last_ms: 30_000,
            settled_ms: 60_000,
            drain_ms: 8_000,
            close_ms: 6_000,
            scan_ms: 4_000,
            scan_pause_ms: 1_000,
            scan_pause_busy_ms: 2_000,
            deaf_ms: 60_000,
            deaf_cycles: 5,
            namesake_ms: 2_000,
            namesake_forget_ms: 60_000,
            release_again_ms: 10_000,
            rebuild_ms: 3_000,
            gone_ms: 120_000,
        }
    }
}

impl Params {
    /// How long to wait after so many failures in a row, ns: apart for each sensor, so that they do not all come at once.
    pub(super) fn wait_ns(&self, failures: u32, device: DeviceIndex) -> i64 {
        let doubled = failures.saturating_sub(1).min(10);
        let wait_ms = (self.backoff_first_ms << doubled).min(self.backoff_last_ms);
        ns(wait_ms) + ns(wait_ms) / 16 * i64::from(device.0 % 8)
    }
}

/// ms in ns.
pub(super) fn ns(ms: u64) -> i64 {
    i64::try_from(ms)
        .unwrap_or(i64::MAX / 1_000_000)
        .saturating_mul(1_000_000)
}
