//! A sensor's values on their way in: stamped as the first thing that happens to them, passed on, listened to.
//!
//! Where the queue to the session is full, packets are counted, and the count is said as soon as there is room.

use super::{
    device::{Device, Values, our},
    fleet::Input,
    protocol::Event,
};
use crate::{
    decode::Decoder,
    model::{
        link::{LinkChange, LinkEvent},
        packet::{DeviceIndex, Packet, Uuid},
        reading::{Measurand, Reading},
        time::HostNs,
    },
    wire::recording::Item,
};
use futures::StreamExt;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};
use tokio::sync::mpsc;
use tracing::warn;

/// That a stream is heard is said so often.
const HEARD_NS: i64 = 200_000_000;

/// The host's clock.
pub type Clock = fn() -> HostNs;

/// Packets and link changes on their way to the session.
#[derive(Clone)]
pub(super) struct Outlet {
    pub(super) items: mpsc::Sender<Item>,
    pub(super) clock: Clock,
    /// Packets of each sensor that found no room.
    pub(super) lost: Rc<RefCell<BTreeMap<DeviceIndex, u64>>>,
}

impl Outlet {
    pub(super) fn packet(&self, packet: Packet) {
        let device = packet.device;
        self.say_lost();
        if self.items.try_send(Item::Packet(packet)).is_err() {
            *self.lost.borrow_mut().entry(device).or_default() += 1;
        }
    }

    pub(super) fn say_lost(&self) {
        let mut lost = self.lost.borrow_mut();
        while let Some((&device, &packets)) = lost.first_key_value() {
            let change = LinkChange::Overflow { packets };
            let event = LinkEvent { device, change };
            if self
                .items
                .try_send(Item::Link((self.clock)(), event))
                .is_err()
            {
                return;
            }
            warn!(
                packets,
                device = device.0,
                "packets were lost: the queue was full"
            );
            lost.pop_first();
        }
    }
}

/// Takes a sensor's values: stamps them, passes them on, and says what was heard.
pub(super) struct Pump {
    pub(super) index: usize,
    /// Tells which streams deliver; the session's own decoder is elsewhere.
    pub(super) decoder: Box<dyn Decoder>,
    pub(super) readings: Vec<Reading>,
    pub(super) scripted: Rc<Cell<bool>>,
    pub(super) outlet: Outlet,
    pub(super) inputs: mpsc::Sender<Input>,
    pub(super) said_at: BTreeMap<Measurand, HostNs>,
}

impl Pump {
    pub(super) async fn run(mut self, device: Device, mut values: Values) {
        let mut connections = device.connections();
        while let Some(value) = values.next().await {
            let host = (self.outlet.clock)();
            let characteristic = our(value.uuid);
            if !device.is_subscribed(characteristic) {
                continue;
            }
            if std::mem::replace(&mut connections, device.connections()) != connections {
                self.decoder.reset();
            }
            let packet = packet(self.index, characteristic, host, value.value);
            self.listen(&packet).await;
            self.outlet.packet(packet);
        }
    }

    async fn listen(&mut self, packet: &Packet) {
        self.readings.clear();
        // What cannot be decoded is counted by the session's own decoder.
        let _ = self.decoder.decode(packet, &mut self.readings);
        if self.scripted.get() {
            let notified = Event::Notified(packet.characteristic, packet.bytes.to_vec());
            let _ = self
                .inputs
                .send(Input::Happened(self.index, notified))
                .await;
        }
        let mut news = Vec::new();
        for reading in &self.readings {
            let what = reading.value.measures();
            let due = what.iter().any(|m| {
                let said = self.said_at.get(m);
                said.is_none_or(|at| packet.host.0 - at.0 >= HEARD_NS)
            });
            if due {
                self.said_at.extend(what.iter().map(|m| (*m, packet.host)));
                news.push(what);
            }
        }
        for what in news {
            let heard = Event::Heard(what);
            let _ = self.inputs.send(Input::Happened(self.index, heard)).await;
        }
    }
}

pub(super) fn packet(i: usize, characteristic: Uuid, host: HostNs, bytes: Vec<u8>) -> Packet {
    Packet {
        device: DeviceIndex(u16::try_from(i).unwrap_or(u16::MAX)),
        characteristic,
        host,
        bytes: bytes.into(),
    }
}
