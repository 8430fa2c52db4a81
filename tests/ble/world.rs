//! What BlueZ would do: adapter, scanning, connecting, GATT. Errors are named as BlueZ 5.66 names them.
//!
//! Not modelled: pairing, battery objects, descriptors, AcquireNotify and AcquireWrite, caching, several adapters, how
//! long a radio takes.

use super::{
    peripheral::{Attempt, CHARACTERISTIC, DEVICE, HCI, Peripheral, sensors},
    person::Person,
    tree::{Properties, Tree, Value},
};
use dbus::{
    Message, Path,
    arg::{RefArg, Variant},
    strings::ErrorName,
};
use std::{collections::BTreeSet, ffi::CString, time::Instant};

const ADAPTER: &str = "org.bluez.Adapter1";
const FOUND_S: f64 = 0.1;
const CONNECT_S: f64 = 0.1;
const RESOLVE_S: f64 = 0.2;
/// BlueZ tries for 40 s, longer than btleplug waits.
const ABSENT_S: f64 = 40.0;

/// An error of BlueZ: the end of its name, its text.
pub struct Refusal(&'static str, &'static str);

const NOT_READY: Refusal = Refusal("NotReady", "Resource Not Ready");
const IN_PROGRESS: Refusal = Refusal("InProgress", "Operation already in progress");
const ALREADY: Refusal = Refusal("Failed", "Operation already in progress");
const NO_DISCOVERY: Refusal = Refusal("Failed", "No discovery started");
const NOT_CONNECTED: Refusal = Refusal("Failed", "Not connected");
const NOT_SUPPORTED: Refusal = Refusal("NotSupported", "Operation is not supported");
const NO_SESSION: Refusal = Refusal("Failed", "No notify session started");
const ABORTED: Refusal = Refusal("Failed", "le-connection-abort-by-local");
const CANCELLED: Refusal = Refusal("Failed", "br-connection-canceled");
const UNKNOWN: Refusal = Refusal("", "Method, interface or object does not exist");

impl Refusal {
    fn of(&self, call: &Message) -> Message {
        let name = match self.0 {
            "" => "org.freedesktop.DBus.Error.UnknownObject".to_owned(),
            name => format!("org.bluez.Error.{name}"),
        };
        let text = CString::new(self.1).unwrap();
        call.error(&ErrorName::from(name), &text)
    }
}

pub struct World {
    pub tree: Tree,
    pub peripherals: Vec<Peripheral>,
    pub person: Person,
    pub fail_connects: u32,
    pub hang_connects: u32,
    /// bluetoothd dies and is started again.
    pub restart: bool,
    /// It hangs until then, s.
    pub frozen_until_s: f64,
    scanners: BTreeSet<String>,
    next_scan_s: f64,
    started: Instant,
}

impl World {
    pub fn new(set: &str) -> Self {
        Self {
            tree: Tree::default(),
            peripherals: sensors(set),
            person: Person::standing(),
            fail_connects: 0,
            hang_connects: 0,
            restart: false,
            frozen_until_s: 0.0,
            scanners: BTreeSet::new(),
            next_scan_s: 0.0,
            started: Instant::now(),
        }
    }

    /// The bench's clock.
    pub fn now_s(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    pub fn is_frozen(&self) -> bool {
        self.now_s() < self.frozen_until_s
    }

    /// The state right after bluetoothd's start: nothing known but the adapter, where there is one.
    pub fn boot(&mut self, with_adapter: bool) {
        self.forget_links();
        self.tree = Tree::default();
        self.tree
            .add("/org/bluez", "org.bluez.AgentManager1", Properties::new());
        if with_adapter {
            self.plug();
        }
    }

    pub fn plug(&mut self) {
        if self.tree.has(HCI) {
            return;
        }
        let no = Value::Bool(false);
        let properties = Properties::from([
            ("Address", Value::text("C0:DE:00:00:00:01")),
            ("AddressType", Value::text("public")),
            ("Name", Value::text("bench")),
            ("Alias", Value::text("bench")),
            ("Class", Value::U32(0)),
            ("Powered", Value::Bool(true)),
            ("Discoverable", no.clone()),
            ("Pairable", no.clone()),
            ("Discovering", no),
            ("UUIDs", Value::Texts(Vec::new())),
            ("Modalias", Value::text("usb:v1D6Bp0246d0542")),
        ]);
        self.tree.add(HCI, ADAPTER, properties);
    }

    pub fn unplug(&mut self) {
        self.forget_links();
        self.tree.remove(HCI);
    }

    fn forget_links(&mut self) {
        let now_s = self.now_s();
        self.scanners.clear();
        for p in &mut self.peripherals {
            p.sensor.subscribed(false, now_s);
            p.notifying.clear();
            p.connected = false;
            p.resolved = false;
            p.attempt = None;
        }
    }

    pub fn power(&mut self, on: bool) {
        if self.tree.is(HCI, ADAPTER, "Powered") == on {
            return;
        }
        if !on {
            let now_s = self.now_s();
            for p in &mut self.peripherals {
                p.link_down(&mut self.tree, now_s);
            }
            self.scanners.clear();
            let off = ("Discovering", Value::Bool(false));
            self.tree.set(HCI, ADAPTER, [off]);
        }
        self.tree.set(HCI, ADAPTER, [("Powered", Value::Bool(on))]);
    }

    pub fn labelled(&mut self, label: &str) -> &mut Peripheral {
        self.peripherals
            .iter_mut()
            .find(|p| p.label == label)
            .unwrap_or_else(|| panic!("no sensor is called {label}"))
    }

    pub fn drop_link(&mut self, label: &str) {
        let now_s = self.now_s();
        let at = self.peripherals.iter().position(|p| p.label == label);
        self.peripherals[at.unwrap()].link_down(&mut self.tree, now_s);
    }

    /// What time brings: finds, connections, notifications.
    pub fn tick(&mut self) {
        let now_s = self.now_s();
        if !self.scanners.is_empty() && now_s >= self.next_scan_s {
            self.next_scan_s = now_s + FOUND_S;
            for p in &self.peripherals {
                if p.reachable && !p.connected {
                    p.seen(&mut self.tree);
                }
            }
        }
        for p in &mut self.peripherals {
            if let Some(mut attempt) = p.attempt.take()
                && advance(p, &mut self.tree, &mut attempt, now_s)
            {
                p.attempt = Some(attempt);
            }
            p.feel.person = self.person;
            p.send(&mut self.tree, now_s);
        }
    }

    /// A client of the bus went away.
    pub fn client_gone(&mut self, client: &str) {
        let now_s = self.now_s();
        self.scanners.remove(client);
        for p in &mut self.peripherals {
            let paths: Vec<String> = p.notifying.keys().cloned().collect();
            for path in paths {
                p.stop_notify(&mut self.tree, &path, client, now_s);
            }
        }
    }

    /// Answers a call, now or (a `Connect`) later.
    pub fn call(&mut self, call: &Message) {
        if let Some(answer) = self.tree.answer(call) {
            return self.tree.outbox.push(answer);
        }
        let answer = match self.ask(call) {
            Ok(Some(bytes)) => call.method_return().append1(bytes),
            Ok(None) if self.waits(call) => return,
            Ok(None) => call.method_return(),
            Err(refusal) => refusal.of(call),
        };
        self.tree.outbox.push(answer);
    }

    fn waits(&self, call: &Message) -> bool {
        let same = |a: &Attempt| {
            a.call.get_serial() == call.get_serial() && a.call.sender() == call.sender()
        };
        self.peripherals
            .iter()
            .any(|p| p.attempt.as_ref().is_some_and(same))
    }

    fn ask(&mut self, call: &Message) -> Result<Option<Vec<u8>>, Refusal> {
        let text = |part: Option<String>| part.ok_or(UNKNOWN);
        let path = text(call.path().map(|p| p.to_string()))?;
        let interface = text(call.interface().map(|i| i.to_string()))?;
        let member = text(call.member().map(|m| m.to_string()))?;
        let client = text(call.sender().map(|s| s.to_string()))?;
        if interface == "org.freedesktop.DBus.Properties" && member == "Set" {
            return self.set_property(call).map(|()| None);
        }
        if self.tree.properties(&path, &interface).is_none() {
            return Err(UNKNOWN);
        }
        match (interface.as_str(), member.as_str()) {
            (ADAPTER, "SetDiscoveryFilter") => Ok(None),
            (ADAPTER, "StartDiscovery") => self.start_discovery(client).map(|()| None),
            (ADAPTER, "StopDiscovery") => self.stop_discovery(&client).map(|()| None),
            (ADAPTER, "RemoveDevice") => self.remove_device(call).map(|()| None),
            (DEVICE, "Connect") => self.connect(&path, call).map(|()| None),
            (DEVICE, "Disconnect") => self.disconnect(&path).map(|()| None),
            (CHARACTERISTIC, _) => self.gatt(&path, &member, &client, call),
            _ => Err(UNKNOWN),
        }
    }

    fn set_property(&mut self, call: &Message) -> Result<(), Refusal> {
        type Setting = Variant<Box<dyn RefArg>>;
        let (interface, name, value) = call.get3::<&str, &str, Setting>();
        let on = value.and_then(|v| v.0.as_u64());
        let (Some(ADAPTER), Some("Powered"), Some(on)) = (interface, name, on) else {
            return Err(UNKNOWN);
        };
        self.power(on != 0);
        Ok(())
    }

    fn start_discovery(&mut self, client: String) -> Result<(), Refusal> {
        if !self.tree.is(HCI, ADAPTER, "Powered") {
            return Err(NOT_READY);
        }
        if !self.scanners.insert(client) {
            return Err(IN_PROGRESS);
        }
        if self.scanners.len() == 1 {
            self.next_scan_s = self.now_s() + FOUND_S;
            let on = ("Discovering", Value::Bool(true));
            self.tree.set(HCI, ADAPTER, [on]);
        }
        Ok(())
    }

    fn stop_discovery(&mut self, client: &str) -> Result<(), Refusal> {
        if !self.scanners.remove(client) {
            return Err(NO_DISCOVERY);
        }
        if self.scanners.is_empty() {
            let off = ("Discovering", Value::Bool(false));
            self.tree.set(HCI, ADAPTER, [off]);
            for p in &self.peripherals {
                self.tree.unset(&p.path, DEVICE, "RSSI");
            }
        }
        Ok(())
    }

    fn at(&self, path: &str) -> Result<usize, Refusal> {
        self.peripherals
            .iter()
            .position(|p| path.starts_with(&p.path))
            .ok_or(UNKNOWN)
    }

    fn remove_device(&mut self, call: &Message) -> Result<(), Refusal> {
        let path: Path = call.get1().ok_or(UNKNOWN)?;
        let (at, now_s) = (self.at(&path)?, self.now_s());
        self.peripherals[at].link_down(&mut self.tree, now_s);
        self.peripherals[at].notifying.clear();
        self.tree.remove(&path);
        Ok(())
    }

    fn connect(&mut self, path: &str, call: &Message) -> Result<(), Refusal> {
        let (at, now_s) = (self.at(path)?, self.now_s());
        if !self.tree.is(HCI, ADAPTER, "Powered") {
            return Err(NOT_READY);
        }
        let peripheral = &mut self.peripherals[at];
        if peripheral.connected {
            return Ok(());
        }
        if peripheral.attempt.is_some() {
            return Err(ALREADY);
        }
        let (hangs, refused) = (self.hang_connects > 0, self.fail_connects > 0);
        if hangs {
            self.hang_connects -= 1;
        } else {
            self.fail_connects = self.fail_connects.saturating_sub(1);
        }
        let mut waiting = call.duplicate().unwrap();
        waiting.set_serial(call.get_serial().ok_or(UNKNOWN)?);
        peripheral.attempt = Some(Attempt {
            call: waiting,
            next_s: (!hangs).then_some(now_s + CONNECT_S),
            until_s: now_s + ABSENT_S,
            refused,
        });
        Ok(())
    }

    fn disconnect(&mut self, path: &str) -> Result<(), Refusal> {
        let (at, now_s) = (self.at(path)?, self.now_s());
        let peripheral = &mut self.peripherals[at];
        if let Some(attempt) = peripheral.attempt.take() {
            self.tree.outbox.push(CANCELLED.of(&attempt.call));
        }
        peripheral.link_down(&mut self.tree, now_s);
        Ok(())
    }

    fn gatt(
        &mut self,
        path: &str,
        member: &str,
        client: &str,
        call: &Message,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let (at, now_s, tree) = (self.at(path)?, self.now_s(), &mut self.tree);
        let peripheral = &mut self.peripherals[at];
        let uuid = tree
            .get(path, CHARACTERISTIC, "UUID")
            .cloned()
            .ok_or(UNKNOWN)?;
        let can = |flag: &str| match tree.get(path, CHARACTERISTIC, "Flags") {
            Some(Value::Texts(flags)) => flags.iter().any(|f| f.starts_with(flag)),
            _ => false,
        };
        let (readable, writable, notifies) = (can("read"), can("write"), can("notify"));
        if member == "StopNotify" {
            let stopped = peripheral.stop_notify(tree, path, client, now_s);
            return stopped.then_some(None).ok_or(NO_SESSION);
        }
        let possible = match member {
            "ReadValue" => readable,
            "WriteValue" => writable,
            "StartNotify" => notifies,
            _ => return Err(UNKNOWN),
        };
        if !possible {
            return Err(NOT_SUPPORTED);
        }
        if !peripheral.connected {
            let waiting = peripheral.notifying.get(path);
            let known = waiting.is_some_and(|clients| clients.contains(client));
            let again = member == "StartNotify" && known;
            return Err(if again { IN_PROGRESS } else { NOT_CONNECTED });
        }
        match (member, uuid) {
            ("ReadValue", uuid) => {
                let bytes = peripheral.read(&uuid);
                // A read shows as a change of the value, too.
                tree.set(
                    path,
                    CHARACTERISTIC,
                    [("Value", Value::Bytes(bytes.clone()))],
                );
                Ok(Some(bytes))
            }
            ("WriteValue", Value::Text(uuid)) => {
                let bytes: Vec<u8> = call.get1().ok_or(UNKNOWN)?;
                peripheral.sensor.write(&uuid, &bytes, now_s);
                Ok(None)
            }
            _ => {
                peripheral.start_notify(tree, path, client, now_s);
                Ok(None)
            }
        }
    }
}

/// Carries a `Connect` on; whether it goes on further.
fn advance(p: &mut Peripheral, tree: &mut Tree, attempt: &mut Attempt, now_s: f64) -> bool {
    let Some(next_s) = attempt.next_s else {
        return true;
    };
    let over = attempt.refused || now_s >= attempt.until_s;
    if now_s < next_s || (!p.reachable && !p.connected && !over) {
        return true;
    }
    if over {
        tree.outbox.push(ABORTED.of(&attempt.call));
        return false;
    }
    if !p.connected {
        p.link_up(tree);
        // From here on a link that is lost ends the attempt.
        attempt.next_s = Some(now_s + RESOLVE_S);
        attempt.until_s = f64::INFINITY;
        return true;
    }
    p.services_known(tree, now_s);
    tree.outbox.push(attempt.call.method_return());
    false
}
