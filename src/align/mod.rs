//! Readings of many devices to samples on one clock: counters, clock fit, gaps, guards.
//!
//! In: readings on each device's own clock (or none) with the host's arrival time. Out: samples on the
//! session's clock, strictly ascending per stream, every gap marked. Nothing is filtered here.
//!
//! | file | what |
//! |---|---|
//! | [`clock`] | a device's clock against the host's: offset and drift from the lower envelope |
//! | `counter` | the clock of a device that only counts its samples |
//! | [`device`] | one device: clock, merge of separate streams, gaps |
//! | `gaps` | one stream: order, short gaps filled and marked, long ones marked |
//! | `guard` | values that are no number, impossible or without contact |

pub mod clock;
mod counter;
pub mod device;
mod gaps;
mod guard;

pub use device::DeviceAligner;

use serde::{Deserialize, Serialize};

/// How clocks are fitted and gaps treated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Params {
    /// Length of a bucket of which the smallest latency is kept; s, default 10.
    pub bucket_s: f64,
    /// Number of buckets kept, default 30 (5 minutes).
    pub buckets: usize,
    /// Largest drift believed; parts per million, default 200.
    pub max_skew_ppm: f64,
    /// Largest correction of the published offset per packet; ms, default 0.5.
    pub max_slew_ms: f64,
    /// A packet this much later than the fit says means a new anchor; s, default 30.
    pub reanchor_late_s: f64,
    /// A packet this much earlier than the fit says means a new anchor; s, default 1.
    pub reanchor_early_s: f64,
    /// Gaps up to this are filled by interpolation and marked; ms, default 200.
    pub fill_gap_ms: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            bucket_s: 10.0,
            buckets: 30,
            max_skew_ppm: 200.0,
            max_slew_ms: 0.5,
            reanchor_late_s: 30.0,
            reanchor_early_s: 1.0,
            fill_gap_ms: 200.0,
        }
    }
}
