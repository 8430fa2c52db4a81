//! A recording: every packet as it arrived, every command, in order, before any decoding.
//!
//! The container is MCAP, uncompressed: an existing, documented container for messages with times, with
//! a CRC over every chunk and tools that open it, so that no format of our own has to be invented and
//! trusted. Times are nanoseconds of the host's monotonic clock. What is written where:
//!
//! | channel | message encoding | one message is |
//! |---|---|---|
//! | `session` | `json` | the [`SessionHeader`]; the first message of the file |
//! | `plan` | `utf-8` | the text of the plan file, byte for byte; the second message, if there is a plan |
//! | `packets/{alias}/{characteristic}` | `gatt-notification` | the value of one notification, as received |
//! | `command` | `json` | one [`Command`] |
//! | `link` | `json` | one [`LinkEvent`]: a sensor's connection began or ended |
//! | `time` | `host-time` | nothing; at its time nothing from before was to come any more |
//!
//! `log_time` and `publish_time` are the host time of arrival, `sequence` counts a channel's messages from
//! 0 without holes. The metadata of a packet channel name `device` (position in the header's list),
//! `alias`, `segment`, `driver` and `characteristic` (a UUID), so that a foreign tool can tell what it reads.
//!
//! Messages lie in chunks; a chunk reaches the file whole, when it is flushed. A recording that was ended
//! properly closes with a metadata record `plimsoll.end` that holds the number of items and the SHA-256
//! of the contents (see `digest`); one that was not is readable up to its last whole chunk.
//!
//! This module reads and writes bytes; it opens no file, and does not decode what is in a packet.

mod digest;
mod names;
mod read;
mod stream;
mod summary;
mod write;

pub use read::{Damage, Recording, RecordingError, is_ended, read};
pub use stream::{End, Items};
pub use summary::{ChannelSummary, Summary, summary};
pub use write::{Finished, WriteError, Writer};

use crate::model::{command::Command, link::LinkEvent, packet::Packet, time::HostNs};

#[cfg(doc)]
use crate::model::session::SessionHeader;

/// What a recording is made of, in the order of arrival.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A sensor notified.
    Packet(Packet),
    /// A person told the daemon something.
    Command(HostNs, Command),
    /// A sensor's link changed.
    Link(HostNs, LinkEvent),
    /// Nothing from before this was to come any more: what was concluded from silence is concluded again.
    Time(HostNs),
}

impl Item {
    /// When it arrived.
    #[must_use]
    pub const fn host(&self) -> HostNs {
        match self {
            Self::Packet(packet) => packet.host,
            Self::Command(host, _) | Self::Link(host, _) | Self::Time(host) => *host,
        }
    }
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
