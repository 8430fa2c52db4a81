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

    /// Says what is still unsaid, and waits until there is room.
    pub(super) async fn say_last(&self) {
        let lost = std::mem::take(&mut *self.lost.borrow_mut());
        for (device, packets) in lost {
            let change = LinkChange::Overflow { packets };
            let item = Item::Link((self.clock)(), LinkEvent { device, change });
            // Nobody is left to be told.
            let _ = self.items.send(item).await;
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
            let news = self.listen(&packet);
            // First of all: nothing that has been stamped waits or is lost with this task.
            self.outlet.packet(packet);
            for event in news {
                let _ = self.inputs.send(Input::Happened(self.index, event)).await;
            }
        }
    }

    /// What the fleet has to know of a packet.
    fn listen(&mut self, packet: &Packet) -> Vec<Event> {
        self.readings.clear();
        // What cannot be decoded is counted by the session's own decoder.
        let _ = self.decoder.decode(packet, &mut self.readings);
        let mut news = Vec::new();
        if self.scripted.get() {
            let bytes = packet.bytes.to_vec();
            news.push(Event::Notified(packet.characteristic, bytes));
        }
        for reading in &self.readings {
            let what = reading.value.measures();
            let due = what.iter().any(|m| {
                let said = self.said_at.get(m);
                said.is_none_or(|at| packet.host.0 - at.0 >= HEARD_NS)
            });
            if due {
                self.said_at.extend(what.iter().map(|m| (*m, packet.host)));
                news.push(Event::Heard(what));
            }
        }
        news
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
