//! What is said on the bus: samples as CBOR (keys and tags in `batch.rs`), everything else as JSON in an envelope
//! `{"v":1,"body":...}`. Times are nanoseconds of the session's clock, units those of the model.
//!
//! Encoding is canonical: equal values give equal bytes, because the analysis is compared byte by byte.
//! JSON has no word for numbers that are not finite; the model holds none, and one that slipped in would
//! be written as `null` and be refused, or read as missing, on the other side. Topics are in `topic`.

mod batch;
mod readable;

pub use batch::{decode_batch, encode_batch};
pub use readable::encode_readable;

use crate::model::{
    command::Command,
    event::{Event, Numbered},
    link::LinkStatus,
    room::Shortage,
    session::SessionHeader,
    window::Manifest,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The version this program writes and reads.
pub const VERSION: u32 = 1;

/// Why a payload cannot be formed or understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Not CBOR, or not of the expected shape.
    #[error("read CBOR payload: {0}")]
    Cbor(String),
    /// Not JSON, or not of the expected shape.
    #[error("read JSON payload: {0}")]
    Json(String),
    /// Of another version.
    #[error("read payload: version {0} (this program knows {VERSION})")]
    Version(u32),
    /// Fields whose lengths contradict each other.
    #[error("read batch: {samples} times, {qualities} qualities, {values} values of {channels}")]
    Lengths {
        /// Number of times.
        samples: usize,
        /// Number of qualities.
        qualities: usize,
        /// Number of values.
        values: usize,
        /// Values expected per sample.
        channels: usize,
    },
    /// A batch without samples.
    #[error("read batch: no samples")]
    Empty,
}

/// What a session's consumers need before its first sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Announcement {
    /// Who trains, which sensors where.
    pub header: SessionHeader,
    /// The plan file, if there is a plan.
    pub plan_text: Option<String>,
}

/// How far a consumer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Every window below this number is durable (store) or analysed (analysis).
    pub windows: u64,
    /// Every event below this number is durable (store) or said (analysis).
    pub events: u64,
    /// The last window is among them, and everything said about the session is durable too.
    pub closed: bool,
    /// Which run of the consumer says so: another one may have less than the one before had.
    pub run: u64,
    /// Its disk is short of room: no set should begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<Shortage>,
    /// The store has windows, and none of them is the session's last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub awaits_last: bool,
    /// It never takes anything of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
}

/// Why a store never takes anything of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// It was removed there on purpose.
    #[error("it was erased there")]
    Erased,
    /// What there is of it is damaged.
    #[error("what it has of it is damaged")]
    Damaged,
    /// Another one has its name there.
    #[error("it has another session of that name")]
    Different,
}

/// A person's instruction on its way to the daemon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The sender's own number for it.
    pub id: String,
    /// What to do.
    pub command: Command,
}

/// What became of an [`Order`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The sender's number.
    pub id: String,
    /// Why it was refused, as a sentence; `None` = done.
    pub refused: Option<String>,
}

/// Whether the gateway of a session is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It is connected: its birth message.
    Online,
    /// Its connection died: its last will, said by the broker.
    Gone,
    /// It ended before everything was taken: the rest comes when it is started again.
    Ended,
}

/// What a gateway says of itself, or has said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether it is there.
    pub gateway: Presence,
    /// Version of its program.
    pub software: String,
}

impl Status {
    /// Of this program.
    #[must_use]
    pub fn of(gateway: Presence) -> Self {
        Self {
            gateway,
            software: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

#[derive(Serialize)]
struct Sealed<'a, T> {
    v: u32,
    body: &'a T,
}

#[derive(Deserialize)]
struct Opened<T> {
    body: T,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

fn encode<T: Serialize>(body: &T) -> Result<Vec<u8>, PayloadError> {
    serde_json::to_vec(&Sealed { v: VERSION, body }).map_err(|e| PayloadError::Json(e.to_string()))
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PayloadError> {
    let json = |e: serde_json::Error| PayloadError::Json(e.to_string());
    let version: Version = serde_json::from_slice(bytes).map_err(json)?;
    if version.v != VERSION {
        return Err(PayloadError::Version(version.v));
    }
    let opened: Opened<T> = serde_json::from_slice(bytes).map_err(json)?;
    Ok(opened.body)
}

macro_rules! documents {
    ($($what:literal, $type:ty, $encode:ident, $decode:ident;)*) => {
        $(
            #[doc = concat!("The bytes of ", $what, ".")]
            pub fn $encode(body: &$type) -> Result<Vec<u8>, PayloadError> {
                encode(body)
            }

            #[doc = concat!("Reads ", $what, " back.")]
            pub fn $decode(bytes: &[u8]) -> Result<$type, PayloadError> {
                decode(bytes)
            }
        )*
    };
}

documents! {
    "a session's announcement", Announcement, encode_announcement, decode_announcement;
    "a window's table of contents", Manifest, encode_manifest, decode_manifest;
    "an event", Numbered, encode_event, decode_event;
    "an acknowledgement", Ack, encode_ack, decode_ack;
    "a command", Order, encode_order, decode_order;
    "the answer to a command", Reply, encode_reply, decode_reply;
    "whether the gateway is there", Status, encode_status, decode_status;
    "where every sensor's link stands", Vec<LinkStatus>, encode_sensors, decode_sensors;
}

/// An analysis as text, one JSON object a line: what two runs are compared by. Live events, which
/// nobody keeps, are left out.
pub fn events_text(events: &[Numbered]) -> Result<String, PayloadError> {
    let mut text = String::new();
    for event in events {
        if matches!(event.event, Event::Live(_)) {
            continue;
        }
        let line = serde_json::to_string(event).map_err(|e| PayloadError::Json(e.to_string()))?;
        text.push_str(&line);
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
