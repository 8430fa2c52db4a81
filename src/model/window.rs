//! The unit of the bus: all samples of all streams whose packets arrived in one tenth of a second.
//!
//! Windows make the order of work independent of threads, brokers and replay speed: a consumer that
//! takes windows in order, streams in the order of their ids, computes the same bytes every time.

use super::{
    command::Command,
    sample::{Sample, StreamId},
    session::TechEvent,
    time::SessionNs,
};
use serde::{Deserialize, Serialize};

/// Length of a window on the host's clock, ns.
pub const WINDOW_NS: i64 = 100_000_000;

/// Consecutive samples of one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Which series.
    pub stream: StreamId,
    /// Sequence number of the first sample within its stream, counting from 0 without holes.
    pub first_sequence: u64,
    /// At least one; all of `stream`, ascending in time.
    pub samples: Vec<Sample>,
}

/// What a batch is called in a window's table of contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRef {
    /// Which series.
    pub stream: StreamId,
    /// Sequence number of its first sample.
    pub first_sequence: u64,
    /// Number of samples.
    pub count: u32,
}

/// A command with the instant it takes effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimedCommand {
    /// When, on the session's clock.
    pub t: SessionNs,
    /// What.
    pub command: Command,
}

/// Table of contents of one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Number of the window since the session began, counting from 0 without holes.
    pub index: u64,
    /// End of the window on the session's clock: nothing that arrives later is in it.
    pub end: SessionNs,
    /// Commands in it, in order.
    pub commands: Vec<TimedCommand>,
    /// What went wrong in it, in order.
    pub tech: Vec<TechEvent>,
    /// Batches in it, in the order of their streams.
    pub batches: Vec<BatchRef>,
    /// The session ends with this window.
    pub last: bool,
}

/// A window with its contents.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Table of contents.
    pub manifest: Manifest,
    /// The batches that the table names, in its order; a lost one is absent.
    pub batches: Vec<Batch>,
}
