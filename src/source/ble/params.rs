//! Numbers of the radio's supervision. Times in ms.

use crate::source::streams::Patience;

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
            release_again_ms: 10_000,
            rebuild_ms: 3_000,
            gone_ms: 120_000,
        }
    }
}
