//! What is in a recording, at a glance: counts, bytes and times per channel. Decodes nothing.

use super::{Item, Recording, names};
use crate::model::{
    packet::{DeviceIndex, Uuid},
    session::{Origin, SessionId},
    time::HostNs,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// One characteristic of one sensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelSummary {
    /// Which sensor.
    pub device: DeviceIndex,
    /// Its alias, if the header lists it.
    pub alias: Option<String>,
    /// UUID.
    pub characteristic: String,
    /// Number of packets.
    pub packets: u64,
    /// Their bytes, without any overhead.
    pub bytes: u64,
    /// Earliest arrival.
    pub first: HostNs,
    /// Latest arrival.
    pub last: HostNs,
}

/// What is in a recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Which session.
    pub session: SessionId,
    /// Where the data come from.
    pub origin: Origin,
    /// From the beginning of the session to the last item, s.
    pub duration_s: f64,
    /// Channels, by sensor and characteristic.
    pub channels: Vec<ChannelSummary>,
    /// Number of commands.
    pub commands: u64,
    /// There is a plan.
    pub plan: bool,
    /// Ended properly, contents verified.
    pub complete: bool,
    /// Bytes that could not be read.
    pub discarded_bytes: u64,
    /// Where and why reading stopped early.
    pub damage: Option<String>,
    /// SHA-256 of the contents, hexadecimal.
    pub content_sha256: String,
}

/// Counts what is in a recording.
#[must_use]
pub fn summary(recording: &Recording) -> Summary {
    let mut channels: BTreeMap<(DeviceIndex, Uuid), ChannelSummary> = BTreeMap::new();
    let mut commands = 0;
    let begin = recording.header.started_host;
    let mut last = begin;
    for item in &recording.items {
        last = last.max(item.host());
        let packet = match item {
            Item::Packet(packet) => packet,
            Item::Command(..) => {
                commands += 1;
                continue;
            }
            Item::Link(..) | Item::Time(_) => continue,
        };
        let channel = channels
            .entry((packet.device, packet.characteristic))
            .or_insert_with(|| ChannelSummary {
                device: packet.device,
                alias: recording
                    .header
                    .sensors
                    .get(usize::from(packet.device.0))
                    .map(|s| s.alias.clone()),
                characteristic: names::uuid_text(packet.characteristic),
                packets: 0,
                bytes: 0,
                first: packet.host,
                last: packet.host,
            });
        channel.packets += 1;
        channel.bytes += packet.bytes.len() as u64;
        channel.first = channel.first.min(packet.host);
        channel.last = channel.last.max(packet.host);
    }
    Summary {
        session: recording.header.session.clone(),
        origin: recording.header.origin,
        duration_s: last.since(begin).seconds(),
        channels: channels.into_values().collect(),
        commands,
        plan: recording.plan_text.is_some(),
        complete: recording.complete,
        discarded_bytes: recording.discarded_bytes,
        damage: recording.damage.as_ref().map(ToString::to_string),
        content_sha256: recording.content_sha256.clone(),
    }
}
