//! Reading a recording, whole or cut short, whatever became of its bytes: no input makes this panic.
//!
//! The container's framing (operation code, length, body) is walked here, because mcap 0.26's own
//! readers subtract lengths unchecked inside damaged chunks; the bodies are parsed by mcap. Only what is
//! under a CRC that holds is believed; the first thing that is not right ends the reading.

use super::{Item, digest::Digest, names};
use crate::model::{
    packet::{DeviceIndex, Packet, Uuid},
    session::SessionHeader,
    time::HostNs,
};
use mcap::{
    MAGIC,
    records::{self, MessageHeader, Record, op},
};
use std::collections::BTreeMap;

/// A recording in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Who, which sensors where.
    pub header: SessionHeader,
    /// The plan file, as it was.
    pub plan_text: Option<String>,
    /// Packets and commands in order.
    pub items: Vec<Item>,
    /// It was ended properly and its contents hash to what was written then.
    pub complete: bool,
    /// Bytes of the input that belong to no record that could be read.
    pub discarded_bytes: u64,
    /// SHA-256 of the contents as read, hexadecimal.
    pub content_sha256: String,
    /// Where and why reading stopped early, if it did.
    pub damage: Option<Damage>,
}

/// Where and why reading stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {offset}")]
pub struct Damage {
    /// Position of the record that could not be read.
    pub offset: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Why bytes are no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// Nothing there.
    #[error("read recording: the file is empty")]
    Empty,
    /// Something else.
    #[error("read recording: this is no MCAP file (it begins with {0:02x?})")]
    NotMcap(Vec<u8>),
    /// MCAP, of somebody else.
    #[error(
        "read recording: this MCAP file holds no session header: it was not recorded by plimsoll"
    )]
    Foreign,
    /// It ends or is damaged before the header.
    #[error("read recording: no session header: {0}")]
    NoHeader(Damage),
    /// The header is whole, but not understood.
    #[error("read recording: session header not understood: {0}")]
    Header(String),
}

/// The file ends before the header does.
pub(super) const FILE_ENDS: &str = "the file ends";

impl RecordingError {
    /// Whoever wrote it was killed before the header was whole: there is nothing in it.
    #[must_use]
    pub fn holds_nothing(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::NotMcap(begin) => MAGIC.starts_with(begin),
            Self::NoHeader(damage) => damage.reason == FILE_ENDS,
            _ => false,
        }
    }
}

/// Whoever wrote it, whatever it is, came to its end.
#[must_use]
pub fn is_ended(bytes: &[u8]) -> bool {
    bytes.ends_with(MAGIC)
}

/// Reads as much of a recording as is whole.
pub fn read(bytes: &[u8]) -> Result<Recording, RecordingError> {
    if bytes.is_empty() {
        return Err(RecordingError::Empty);
    }
    if !bytes.starts_with(MAGIC) && !MAGIC.starts_with(bytes) {
        let begin = bytes.iter().copied().take(MAGIC.len()).collect();
        return Err(RecordingError::NotMcap(begin));
    }
    let mut reader = Reader::default();
    let (end, reason) = reader.walk(bytes);
    let damage = reason.map(|reason| Damage {
        offset: end as u64,
        reason,
    });
    reader.recording(damage, end, bytes.len() - end)
}

/// Splits a record off: operation code, body, rest.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (op, rest) = bytes.split_first()?;
    let (len, rest) = rest.split_first_chunk::<8>()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    let (body, rest) = rest.split_at_checked(len)?;
    Some((*op, body, rest))
}

/// What stops the reading, in words; the walk adds the place.
type Stop = String;

enum Kind {
    Session,
    Plan,
    Command,
    Link,
    Time,
    Packets(DeviceIndex, Uuid),
    /// Of a later version or a foreign tool: passed over.
    Other,
}

struct Channel {
    kind: Kind,
    next_sequence: u32,
}

#[derive(Default)]
pub(super) struct Reader {
    channels: BTreeMap<u16, Channel>,
    pub(super) header_json: Option<Vec<u8>>,
    pub(super) plan_text: Option<String>,
    digest: Option<Digest>,
    /// Items read and not taken yet.
    pub(super) items: Vec<Item>,
    /// All items read.
    count: u64,
    end: Option<BTreeMap<String, String>>,
    data_ended: bool,
}

impl Reader {
    /// Returns up to where the bytes were read, and why not further.
    fn walk(&mut self, bytes: &[u8]) -> (usize, Option<Stop>) {
        let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
            return (0, Some("the file ends".to_owned()));
        };
        loop {
            let at = bytes.len() - rest.len();
            let Some((op, body, after)) = split(rest) else {
                let reason = if rest.is_empty() {
                    "the file ends without a closing record"
                } else {
                    "the file ends within a record"
                };
                return (at, Some(reason.to_owned()));
            };
            if let Err(reason) = self.record(op, body, at == MAGIC.len()) {
                return (at, Some(reason));
            }
            if op == op::FOOTER {
                let (tail, reason) = match after.strip_prefix(MAGIC) {
                    Some([]) => return (bytes.len(), None),
                    Some(tail) => (tail, "there are bytes after the end"),
                    None => (after, "the end mark is missing"),
                };
                return (bytes.len() - tail.len(), Some(reason.to_owned()));
            }
            rest = after;
        }
    }

    /// Before the end of the data only what a recorder writes there is believed: an operation code is
    /// under no CRC, and a damaged one must not make a chunk be passed over in silence.
    pub(super) fn record(&mut self, op: u8, body: &[u8], first: bool) -> Result<(), Stop> {
        match op {
            _ if self.data_ended => Ok(()),
            op::HEADER if first => Ok(()),
            op::CHUNK => self.chunk(body),
            op::MESSAGE_INDEX if is_message_index(body) => Ok(()),
            op::ATTACHMENT => Ok(()),
            op::METADATA => match parse(op, body)? {
                Record::Metadata(metadata) if metadata.name == names::END => {
                    self.end = Some(metadata.metadata);
                    Ok(())
                }
                _ => Ok(()),
            },
            op::DATA_END if body.len() == 4 => {
                self.data_ended = true;
                Ok(())
            }
            _ => Err(format!("a record of kind {op:#04x} has no place here")),
        }
    }

    fn chunk(&mut self, body: &[u8]) -> Result<(), Stop> {
        let Record::Chunk { header, data } = parse(op::CHUNK, body)? else {
            return Err("not a chunk".to_owned());
        };
        if !header.compression.is_empty() {
            let name = header.compression;
            return Err(format!("a chunk is compressed with {name:?}"));
        }
        let crc = crc32fast::hash(&data);
        if crc != header.uncompressed_crc {
            let stored = header.uncompressed_crc;
            return Err(format!(
                "a chunk is damaged (CRC {crc:08x}, stored {stored:08x})"
            ));
        }
        let mut rest = &*data;
        while !rest.is_empty() {
            let (op, body, after) = split(rest).ok_or("a chunk ends within a record")?;
            match parse(op, body)? {
                Record::Channel(channel) => self.channel(&channel),
                Record::Message { header, data } => self.message(header, &data)?,
                _ => {}
            }
            rest = after;
        }
        Ok(())
    }

    fn channel(&mut self, channel: &records::Channel) {
        let kind = match channel.topic.as_str() {
            names::SESSION => Kind::Session,
            names::PLAN => Kind::Plan,
            names::COMMAND => Kind::Command,
            names::LINK => Kind::Link,
            names::TIME => Kind::Time,
            _ => packet_channel(channel).unwrap_or(Kind::Other),
        };
        // A tool may repeat a channel; its count goes on.
        self.channels.entry(channel.id).or_insert(Channel {
            kind,
            next_sequence: 0,
        });
    }

    fn message(&mut self, header: MessageHeader, data: &[u8]) -> Result<(), Stop> {
        let id = header.channel_id;
        let channel = self
            .channels
            .get_mut(&id)
            .ok_or_else(|| format!("a message of the unknown channel {id}"))?;
        if matches!(channel.kind, Kind::Other) {
            return Ok(());
        }
        if header.sequence != channel.next_sequence {
            let (expected, found) = (channel.next_sequence, header.sequence);
            return Err(format!(
                "message {expected} of channel {id} is missing (found {found})"
            ));
        }
        channel.next_sequence = channel.next_sequence.wrapping_add(1);
        let host = HostNs(header.log_time.cast_signed());
        match channel.kind {
            Kind::Packets(device, characteristic) => self.packet(Packet {
                device,
                characteristic,
                host,
                bytes: data.into(),
            }),
            Kind::Command => self.command(host, data),
            Kind::Link => self.link(host, data),
            Kind::Time => self.time(host),
            Kind::Session => self.session(data),
            Kind::Plan => self.plan(data),
            Kind::Other => Ok(()),
        }
    }

    fn session(&mut self, json: &[u8]) -> Result<(), Stop> {
        if self.header_json.is_some() {
            return Err("a second session header".to_owned());
        }
        self.header_json = Some(json.to_owned());
        self.digest = Some(Digest::new(json));
        Ok(())
    }

    fn plan(&mut self, data: &[u8]) -> Result<(), Stop> {
        if self.plan_text.is_some() || self.count > 0 {
            return Err("a plan out of place".to_owned());
        }
        let text = std::str::from_utf8(data).map_err(|e| format!("the plan is no text: {e}"))?;
        self.plan_text = Some(text.to_owned());
        Ok(())
    }

    fn packet(&mut self, packet: Packet) -> Result<(), Stop> {
        self.hash()?.packet(&packet);
        self.take(Item::Packet(packet));
        Ok(())
    }

    fn link(&mut self, host: HostNs, json: &[u8]) -> Result<(), Stop> {
        let event = serde_json::from_slice(json)
            .map_err(|e| format!("a link event is not understood ({e})"))?;
        self.hash()?.link(host, json);
        self.take(Item::Link(host, event));
        Ok(())
    }

    fn time(&mut self, host: HostNs) -> Result<(), Stop> {
        self.hash()?.time(host);
        self.take(Item::Time(host));
        Ok(())
    }

    fn command(&mut self, host: HostNs, json: &[u8]) -> Result<(), Stop> {
        let command = serde_json::from_slice(json)
            .map_err(|e| format!("a command is not understood ({e})"))?;
        self.hash()?.command(host, json);
        self.take(Item::Command(host, command));
        Ok(())
    }

    fn take(&mut self, item: Item) {
        self.items.push(item);
        self.count += 1;
    }

    /// The hash, ready for the next item.
    fn hash(&mut self) -> Result<&mut Digest, Stop> {
        let digest = self
            .digest
            .as_mut()
            .ok_or("an item before the session header")?;
        if self.count == 0 {
            digest.plan(self.plan_text.as_deref());
        }
        Ok(digest)
    }

    fn recording(
        self,
        mut damage: Option<Damage>,
        end: usize,
        discarded: usize,
    ) -> Result<Recording, RecordingError> {
        let (Some(json), Some(mut digest)) = (self.header_json, self.digest) else {
            return Err(damage.map_or(RecordingError::Foreign, RecordingError::NoHeader));
        };
        let header: SessionHeader =
            serde_json::from_slice(&json).map_err(|e| RecordingError::Header(e.to_string()))?;
        if self.count == 0 {
            digest.plan(self.plan_text.as_deref());
        }
        let content_sha256 = digest.finish();
        let complete = self.end.as_ref().is_some_and(|end| {
            end.get(names::CONTENT_SHA256) == Some(&content_sha256)
                && end.get(names::ITEMS) == Some(&self.count.to_string())
        });
        if !complete && damage.is_none() {
            let reason = if self.end.is_some() {
                "the contents are not those that the closing record names"
            } else {
                "there is no closing record"
            };
            damage = Some(Damage {
                offset: end as u64,
                reason: reason.to_owned(),
            });
        }
        Ok(Recording {
            header,
            plan_text: self.plan_text,
            items: self.items,
            complete,
            discarded_bytes: discarded as u64,
            content_sha256,
            damage,
        })
    }
}

fn parse(op: u8, body: &[u8]) -> Result<Record<'_>, Stop> {
    // mcap 0.26 subtracts unchecked in a short attachment; none is of use here.
    if op == op::ATTACHMENT {
        return Err("an attachment has no place here".to_owned());
    }
    mcap::parse_record(op, body).map_err(|e| format!("a record of kind {op:#04x}: {e}"))
}

/// Channel id, then as many bytes of entries as stated.
fn is_message_index(body: &[u8]) -> bool {
    body.get(2..6)
        .and_then(|len| <[u8; 4]>::try_from(len).ok())
        .is_some_and(|len| body.len() as u64 == 6 + u64::from(u32::from_le_bytes(len)))
}

fn packet_channel(channel: &records::Channel) -> Option<Kind> {
    if channel.message_encoding != names::NOTIFICATION {
        return None;
    }
    let device = channel.metadata.get(names::DEVICE)?.parse().ok()?;
    let uuid = names::parse_uuid(channel.metadata.get(names::CHARACTERISTIC)?)?;
    Some(Kind::Packets(DeviceIndex(device), uuid))
}
