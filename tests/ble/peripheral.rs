//! One sensor as BlueZ sees it: its link, its notifications, its objects.

use super::{
    person::Feel,
    sensor::{Sensor, movesense::Movesense, strap::Strap, witmotion::WitMotion},
    tree::{Properties, Tree, Value},
};
use dbus::Message;
use std::collections::{BTreeMap, BTreeSet};

pub const HCI: &str = "/org/bluez/hci0";
pub const DEVICE: &str = "org.bluez.Device1";
pub const SERVICE: &str = "org.bluez.GattService1";
pub const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
const MTU: u16 = 517;
const RSSI: i16 = -52;

/// A `Connect` that waits for its answer.
pub struct Attempt {
    pub call: Message,
    /// When it goes on, s; `None` = never.
    pub next_s: Option<f64>,
    /// Gives up then, s.
    pub until_s: f64,
    /// It will fail.
    pub refused: bool,
}

pub struct Peripheral {
    pub label: String,
    pub address: String,
    pub path: String,
    pub feel: Feel,
    pub reachable: bool,
    pub stalled: bool,
    pub connected: bool,
    /// Services are known: notifications flow.
    pub resolved: bool,
    /// Who wants the notifications of a characteristic (by its path).
    pub notifying: BTreeMap<String, BTreeSet<String>>,
    pub attempt: Option<Attempt>,
    /// Notifications sent and links made so far.
    pub sent: u64,
    pub links: u32,
    pub sensor: Box<dyn Sensor>,
}

impl Peripheral {
    fn new(kind: &str, label: &str, place: &str, number: usize) -> Self {
        let address = format!("C0:FF:EE:00:00:{number:02X}");
        let serial = format!("{}", 174_630_000_000 + number);
        let sensor: Box<dyn Sensor> = match kind {
            "strap" => Box::new(Strap::new(serial)),
            "wit" => Box::new(WitMotion::new()),
            "movesense" => Box::new(Movesense::new(serial)),
            other => panic!("no sensor is called {other}"),
        };
        Self {
            label: label.to_owned(),
            path: format!("{HCI}/dev_{}", address.replace(':', "_")),
            address,
            feel: Feel::at(place),
            reachable: true,
            stalled: false,
            connected: false,
            resolved: false,
            notifying: BTreeMap::new(),
            attempt: None,
            sent: 0,
            links: 0,
            sensor,
        }
    }

    /// Seen while scanning: its object appears, or its signal strength is told again.
    pub fn seen(&self, tree: &mut Tree) {
        if tree.has(&self.path) {
            return tree.set(&self.path, DEVICE, [("RSSI", Value::I16(RSSI))]);
        }
        let name = Value::Text(self.sensor.name());
        let no = Value::Bool(false);
        let properties = Properties::from([
            ("Address", Value::Text(self.address.clone())),
            ("AddressType", Value::text("random")),
            ("Name", name.clone()),
            ("Alias", name),
            ("Paired", no.clone()),
            ("Bonded", no.clone()),
            ("Trusted", no.clone()),
            ("Blocked", no.clone()),
            ("LegacyPairing", no.clone()),
            ("RSSI", Value::I16(RSSI)),
            ("Connected", no.clone()),
            ("ServicesResolved", no),
            ("UUIDs", Value::Texts(self.sensor.advertised())),
            ("Adapter", Value::Path(HCI.to_owned())),
        ]);
        tree.add(&self.path, DEVICE, properties);
    }

    pub fn link_up(&mut self, tree: &mut Tree) {
        self.connected = true;
        self.links += 1;
        tree.set(&self.path, DEVICE, [("Connected", Value::Bool(true))]);
    }

    pub fn services_known(&mut self, tree: &mut Tree, now_s: f64) {
        let services = self.sensor.services();
        let uuids = services.iter().map(|s| s.uuid.clone()).collect();
        if !tree.has(&format!("{}/service0001", self.path)) {
            self.export_services(tree);
        }
        let known = ("ServicesResolved", Value::Bool(true));
        tree.set(&self.path, DEVICE, [("UUIDs", Value::Texts(uuids)), known]);
        self.resolved = true;
        // BlueZ subscribes again by itself for whoever had asked before.
        if self.streams_to(tree).is_some() {
            self.sensor.subscribed(true, now_s);
        }
    }

    fn export_services(&self, tree: &mut Tree) {
        let mut handle = 1;
        for service in self.sensor.services() {
            let path = format!("{}/service{handle:04x}", self.path);
            let properties = Properties::from([
                ("UUID", Value::Text(service.uuid)),
                ("Device", Value::Path(self.path.clone())),
                ("Primary", Value::Bool(true)),
            ]);
            tree.add(&path, SERVICE, properties);
            for characteristic in service.characteristics {
                let flags = characteristic.flags.iter().map(|f| (*f).to_owned());
                let mut properties = Properties::from([
                    ("UUID", Value::Text(characteristic.uuid)),
                    ("Service", Value::Path(path.clone())),
                    ("Value", Value::Bytes(Vec::new())),
                    ("Flags", Value::Texts(flags.collect())),
                    ("MTU", Value::U16(MTU)),
                ]);
                if characteristic.flags.contains(&"notify") {
                    properties.insert("Notifying", Value::Bool(false));
                }
                tree.add(
                    &format!("{path}/char{:04x}", handle + 1),
                    CHARACTERISTIC,
                    properties,
                );
                handle += 3;
            }
            handle += 1;
        }
    }

    /// The link ended; notify sessions outlive it.
    pub fn link_down(&mut self, tree: &mut Tree, now_s: f64) {
        if !self.connected {
            return;
        }
        self.connected = false;
        self.resolved = false;
        self.sensor.subscribed(false, now_s);
        if let Some(attempt) = &mut self.attempt {
            attempt.refused = true;
        }
        let (unresolved, gone) = (
            ("ServicesResolved", Value::Bool(false)),
            ("Connected", Value::Bool(false)),
        );
        tree.set(&self.path, DEVICE, [unresolved, gone]);
    }

    /// The path of the streaming characteristic, if somebody wants its notifications.
    fn streams_to(&self, tree: &Tree) -> Option<String> {
        let output = Value::Text(self.sensor.output());
        self.notifying
            .iter()
            .find(|(path, who)| {
                !who.is_empty() && tree.get(path, CHARACTERISTIC, "UUID") == Some(&output)
            })
            .map(|(path, _)| path.clone())
    }

    /// Sends what is due.
    pub fn send(&mut self, tree: &mut Tree, now_s: f64) {
        let Some(path) = self.streams_to(tree).filter(|_| self.resolved) else {
            return;
        };
        let mut due = Vec::new();
        self.sensor.due(now_s, &mut self.feel, &mut due);
        for bytes in due.into_iter().filter(|_| !self.stalled) {
            tree.set(&path, CHARACTERISTIC, [("Value", Value::Bytes(bytes))]);
            self.sent += 1;
        }
    }

    pub fn start_notify(&mut self, tree: &mut Tree, path: &str, client: &str, now_s: f64) {
        let before = self.streams_to(tree).is_some();
        let first = self.notifying.get(path).is_none_or(BTreeSet::is_empty);
        let clients = self.notifying.entry(path.to_owned()).or_default();
        clients.insert(client.to_owned());
        if first {
            tree.set(path, CHARACTERISTIC, [("Notifying", Value::Bool(true))]);
        }
        if !before && self.streams_to(tree).is_some() {
            self.sensor.subscribed(true, now_s);
        }
    }

    /// Whether there was such a session.
    pub fn stop_notify(&mut self, tree: &mut Tree, path: &str, client: &str, now_s: f64) -> bool {
        let before = self.streams_to(tree).is_some();
        let clients = self.notifying.entry(path.to_owned()).or_default();
        if !clients.remove(client) {
            return false;
        }
        if clients.is_empty() {
            tree.set(path, CHARACTERISTIC, [("Notifying", Value::Bool(false))]);
        }
        if before && self.streams_to(tree).is_none() {
            self.sensor.subscribed(false, now_s);
        }
        true
    }

    /// What a read of the characteristic gives.
    pub fn read(&self, uuid: &Value) -> Vec<u8> {
        let services = self.sensor.services().into_iter();
        services
            .flat_map(|s| s.characteristics)
            .find(|c| *uuid == Value::Text(c.uuid.clone()))
            .map_or(Vec::new(), |c| c.value)
    }
}

/// Sensors of a list like `strap,wit:thigh,movesense*3`: kind, kind and place, or kind and count. A sensor is called
/// after its place, otherwise after its kind and number (`wit1`).
pub fn sensors(set: &str) -> Vec<Peripheral> {
    let mut all: Vec<Peripheral> = Vec::new();
    let mut counts = BTreeMap::<&str, usize>::new();
    for word in set.split(',') {
        let (kind, times) = word.split_once('*').unwrap_or((word, "1"));
        let (kind, place) = kind.split_once(':').unwrap_or((kind, ""));
        for _ in 0..times.parse().unwrap() {
            let count = counts.entry(kind).or_default();
            *count += 1;
            let label = match (place, kind) {
                ("", "strap") => kind.to_owned(),
                ("", _) => format!("{kind}{count}"),
                _ => place.to_owned(),
            };
            let number = all.len() + 1;
            all.push(Peripheral::new(kind, &label, place, number));
        }
    }
    all
}
