//! Writing a recording, item by item. Times are host nanoseconds; nothing is decoded, nothing is synced to
//! a disk (the writer below decides that).

use super::{Item, digest::Digest, names};
use crate::model::{
    command::Command,
    link::LinkEvent,
    packet::{DeviceIndex, Packet, Uuid},
    session::SessionHeader,
    time::HostNs,
};
use mcap::{
    records::{MessageHeader, Metadata},
    write::NoSeek,
};
use std::{
    collections::BTreeMap,
    io::{BufWriter, Write},
};

/// A chunk this large is closed by itself, however long the next flush may be away.
const CHUNK_BYTES: u64 = 64 * 1024;

/// Why a recording could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The writer below failed: disk full, device gone.
    #[error("write recording: {0}")]
    Io(#[from] std::io::Error),
    /// The container refused.
    #[error("write recording: {0}")]
    Container(mcap::McapError),
    /// A header or command has no JSON form.
    #[error("write recording: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<mcap::McapError> for WriteError {
    fn from(error: mcap::McapError) -> Self {
        match error {
            mcap::McapError::Io(error) => Self::Io(error),
            other => Self::Container(other),
        }
    }
}

/// What closing a recording gives back.
#[derive(Debug)]
pub struct Finished<W> {
    /// The writer below, flushed.
    pub inner: W,
    /// SHA-256 of the contents, hexadecimal.
    pub content_sha256: String,
    /// Number of items.
    pub items: u64,
}

/// Writes a recording. Dropped without [`Writer::finish`], it leaves a readable but incomplete one.
pub struct Writer<W: Write> {
    container: mcap::Writer<NoSeek<BufWriter<W>>>,
    header: SessionHeader,
    packets: BTreeMap<(DeviceIndex, Uuid), Channel>,
    /// Of commands, of links, of time.
    events: BTreeMap<&'static str, Channel>,
    digest: Digest,
    items: u64,
}

#[derive(Clone, Copy)]
struct Channel {
    id: u16,
    /// Of the next message; wraps, as the container's counter does.
    sequence: u32,
}

impl<W: Write> Writer<W> {
    /// Begins a recording; header and plan are in `inner` when this returns.
    pub fn create(
        inner: W,
        header: &SessionHeader,
        plan_text: Option<&str>,
    ) -> Result<Self, WriteError> {
        let json = serde_json::to_vec(header)?;
        let mut digest = Digest::new(&json);
        digest.plan(plan_text);
        let mut writer = Self {
            // Without seeking a chunk is built in memory and reaches `inner` whole, under its CRC.
            container: mcap::WriteOptions::new()
                .profile(names::PROFILE)
                .library(concat!("plimsoll ", env!("CARGO_PKG_VERSION")))
                .compression(None)
                .chunk_size(Some(CHUNK_BYTES))
                .disable_seeking(true)
                .create(NoSeek::new(BufWriter::new(inner)))?,
            header: header.clone(),
            packets: BTreeMap::new(),
            events: BTreeMap::new(),
            digest,
            items: 0,
        };
        writer.preface(names::SESSION, names::JSON, &json)?;
        if let Some(text) = plan_text {
            writer.preface(names::PLAN, names::TEXT, text.as_bytes())?;
        }
        writer.flush()?;
        Ok(writer)
    }

    /// Appends an item.
    pub fn item(&mut self, item: &Item) -> Result<(), WriteError> {
        match item {
            Item::Packet(packet) => self.packet(packet),
            Item::Command(host, command) => self.command(*host, command),
            Item::Link(host, event) => self.link(*host, event),
            Item::Time(host) => self.time(*host),
        }
    }

    /// Appends a packet.
    pub fn packet(&mut self, packet: &Packet) -> Result<(), WriteError> {
        let key = (packet.device, packet.characteristic);
        let mut channel = match self.packets.get(&key) {
            Some(channel) => *channel,
            None => self.packet_channel(key.0, key.1)?,
        };
        self.message(&mut channel, packet.host, &packet.bytes)?;
        self.packets.insert(key, channel);
        self.digest.packet(packet);
        Ok(())
    }

    /// Appends a command.
    pub fn command(&mut self, host: HostNs, command: &Command) -> Result<(), WriteError> {
        let json = serde_json::to_vec(command)?;
        self.event(names::COMMAND, host, &json)?;
        self.digest.command(host, &json);
        Ok(())
    }

    fn link(&mut self, host: HostNs, event: &LinkEvent) -> Result<(), WriteError> {
        let json = serde_json::to_vec(event)?;
        self.event(names::LINK, host, &json)?;
        self.digest.link(host, &json);
        Ok(())
    }

    fn time(&mut self, host: HostNs) -> Result<(), WriteError> {
        let mut channel = if let Some(channel) = self.events.get(names::TIME) {
            *channel
        } else {
            let id =
                self.container
                    .add_channel(0, names::TIME, names::HOST_TIME, &BTreeMap::new())?;
            Channel { id, sequence: 0 }
        };
        self.message(&mut channel, host, &[])?;
        self.events.insert(names::TIME, channel);
        self.digest.time(host);
        Ok(())
    }

    fn event(&mut self, topic: &'static str, host: HostNs, json: &[u8]) -> Result<(), WriteError> {
        let mut channel = match self.events.get(topic) {
            Some(channel) => *channel,
            None => self.json_channel(topic)?,
        };
        self.message(&mut channel, host, json)?;
        self.events.insert(topic, channel);
        Ok(())
    }

    /// Ends the open chunk and hands it to the writer below: whatever was appended so far can be read
    /// back from now on, whatever happens to this process.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        Ok(self.container.flush()?)
    }

    /// Ends the recording with its content hash.
    pub fn finish(mut self) -> Result<Finished<W>, WriteError> {
        let content_sha256 = self.digest.finish();
        self.container.write_metadata(&Metadata {
            name: names::END.to_owned(),
            metadata: BTreeMap::from([
                (names::CONTENT_SHA256.to_owned(), content_sha256.clone()),
                (names::ITEMS.to_owned(), self.items.to_string()),
            ]),
        })?;
        self.container.finish()?;
        let inner = self
            .container
            .into_inner()
            .into_inner()
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        Ok(Finished {
            inner,
            content_sha256,
            items: self.items,
        })
    }

    /// One of the two messages that stand before all items.
    fn preface(&mut self, topic: &str, encoding: &str, data: &[u8]) -> Result<(), WriteError> {
        let id = if encoding == names::JSON {
            self.json_channel(topic)?.id
        } else {
            self.container
                .add_channel(0, topic, encoding, &BTreeMap::new())?
        };
        let header = message_header(id, 0, self.header.started_host);
        Ok(self.container.write_to_known_channel(&header, data)?)
    }

    fn json_channel(&mut self, topic: &str) -> Result<Channel, WriteError> {
        // A container's JSON channel needs a schema of type object; the fields are documented in the code.
        let schema = self.container.add_schema(
            &format!("plimsoll.{topic}"),
            "jsonschema",
            br#"{"type":"object"}"#,
        )?;
        let id = self
            .container
            .add_channel(schema, topic, names::JSON, &BTreeMap::new())?;
        Ok(Channel { id, sequence: 0 })
    }

    fn packet_channel(
        &mut self,
        device: DeviceIndex,
        characteristic: Uuid,
    ) -> Result<Channel, WriteError> {
        let uuid = names::uuid_text(characteristic);
        let mut metadata = BTreeMap::from([
            (names::DEVICE.to_owned(), device.0.to_string()),
            (names::CHARACTERISTIC.to_owned(), uuid.clone()),
        ]);
        // A packet of a sensor that the header does not list is kept all the same.
        let mut alias = format!("device{}", device.0);
        if let Some(sensor) = self.header.sensors.get(usize::from(device.0)) {
            alias.clone_from(&sensor.alias);
            metadata.insert(names::SEGMENT.to_owned(), sensor.segment.to_string());
            metadata.insert(names::DRIVER.to_owned(), sensor.driver.clone());
        }
        metadata.insert(names::ALIAS.to_owned(), alias.clone());
        let topic = format!("{}/{alias}/{uuid}", names::PACKETS);
        let id = self
            .container
            .add_channel(0, &topic, names::NOTIFICATION, &metadata)?;
        Ok(Channel { id, sequence: 0 })
    }

    fn message(
        &mut self,
        channel: &mut Channel,
        host: HostNs,
        data: &[u8],
    ) -> Result<(), WriteError> {
        let header = message_header(channel.id, channel.sequence, host);
        self.container.write_to_known_channel(&header, data)?;
        channel.sequence = channel.sequence.wrapping_add(1);
        self.items += 1;
        Ok(())
    }
}

/// Host times are kept bit for bit; they are not negative on any host, but may be in an import.
fn message_header(channel_id: u16, sequence: u32, host: HostNs) -> MessageHeader {
    let time = host.0.cast_unsigned();
    MessageHeader {
        channel_id,
        sequence,
        log_time: time,
        publish_time: time,
    }
}
