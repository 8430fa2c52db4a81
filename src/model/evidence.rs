//! The raw numbers behind a finding: what one stream of a sensor sent between two instants, counted and marked.
//! Values in the units of the stream.

use super::{sample::StreamId, time::SessionNs};
use serde::Serialize;

/// Smallest, mean and largest value of one channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Channel {
    /// What, such as `acceleration`.
    pub name: &'static str,
    /// UCUM unit.
    pub unit: &'static str,
    /// Smallest.
    pub min: f64,
    /// Mean.
    pub mean: f64,
    /// Largest.
    pub max: f64,
}

/// One stream within `[from, to)`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// Which stream.
    pub stream: StreamId,
    /// Begin.
    pub from: SessionNs,
    /// End.
    pub to: SessionNs,
    /// Sequence number of the first sample within its stream, where the bus' windows are at hand.
    pub first_sequence: Option<u64>,
    /// Samples in it, also those that are marked.
    pub samples: u32,
    /// Samples a second, from the first to the last of them; `None` for fewer than two.
    pub rate_hz: Option<f64>,
    /// Longest time without a measured sample, the ends included, ms.
    pub longest_gap_ms: f64,
    /// Filled in by interpolation.
    pub interpolated: u32,
    /// At the end of the sensor's range.
    pub clipped: u32,
    /// No number, or impossible.
    pub not_finite: u32,
    /// The strap had no skin contact.
    pub no_contact: u32,
    /// The clock fit was not settled.
    pub clock_unsure: u32,
    /// Sizes of what was measured; empty where nothing was.
    pub channels: Vec<Channel>,
}
