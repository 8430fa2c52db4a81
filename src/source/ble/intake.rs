//! A sensor's values on their way in: stamped as the first thing that happens to them, passed on, listened to.

use super::{
    super::outlet::Outlet,
    device::{Device, Values, our},
    fleet::Input,
    protocol::Event,
};
use crate::{
    decode::Decoder,
    model::{
        packet::{DeviceIndex, Packet, Uuid},
        reading::{Measurand, Reading, Value},
        time::HostNs,
    },
};
use futures::StreamExt;
use std::{cell::Cell, collections::BTreeMap, rc::Rc};
use tokio::sync::mpsc;

/// That a stream is heard is said so often.
const HEARD_NS: i64 = 200_000_000;

/// Takes a sensor's values: stamps them, passes them on, and says what was heard.
pub(super) struct Pump {
    /// Its place in the fleet.
    pub(super) index: usize,
    /// Its place in the session.
    pub(super) device: DeviceIndex,
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
            let packet = packet(self.device, characteristic, host, value.value);
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
                if let Value::Battery { percent } = reading.value {
                    news.push(Event::Charge(percent));
                }
                news.push(if reading.value.is_blank() {
                    Event::Blank(what)
                } else {
                    Event::Heard(what)
                });
            }
        }
        news
    }
}

pub(super) fn packet(
    device: DeviceIndex,
    characteristic: Uuid,
    host: HostNs,
    bytes: Vec<u8>,
) -> Packet {
    Packet {
        device,
        characteristic,
        host,
        bytes: bytes.into(),
    }
}
