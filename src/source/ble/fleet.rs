//! All sensors of one adapter: who may be looked for, who may connect, and what to do when the adapter or the bus is
//! gone. Pure: fed with what happened and the time, it says what to do. ns of the host's clock.
//!
//! One connection is made at a time, and not while a scan runs: both disturb the links there are. Scans are short and
//! come again while a sensor is missing: endless ones go deaf. A device is connected to only after it was heard just
//! now, because the system remembers devices that are long gone. A device that is connected already is not heard: its
//! link was left behind by a program that was killed or a service that hung, and a session lets go of it.
//!
//! What helps is tried in this order: the sensor's own retries, the adapter off and on (where that is allowed), the
//! connection to the service anew, and last the end of the process, for the service manager to start it again.

use super::{
    identity::{self, Fit, Seen},
    namesakes::{Namesakes, Naming},
    params::{Params, ns},
    protocol::{Event, Offer, Output, Request},
    supervisor::Supervisor,
};
use crate::model::{
    link::{LinkEvent, LinkStatus},
    time::HostNs,
};
use std::collections::BTreeMap;

/// What can be said of the adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adapter {
    /// It answers and is powered.
    On,
    /// It answers and is not powered.
    Off,
    /// It, or the Bluetooth service, does not answer.
    Gone,
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// A device was heard.
    Seen(Seen),
    /// The result of a sensor's request.
    Answered(usize, u64, Event),
    /// Something else happened to a sensor.
    Happened(usize, Event),
    /// The adapter was asked.
    Adapter(Adapter),
    /// A scan could not be begun.
    ScanRefused(String),
    /// The session ends.
    Stop,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Begin a scan, or end it.
    Scan(bool),
    /// Carry out a sensor's request; its number comes back with the result.
    Request(usize, u64, Request),
    /// A sensor's link changed.
    Link(LinkEvent),
    /// Switch the adapter off and on.
    PowerCycle,
    /// End the connection of that address, which is not one of ours.
    Release(String),
    /// Build the connection to the Bluetooth service anew.
    Rebuild,
    /// End the process: nothing helps.
    GiveUp(String),
}

/// What the fleet may do that others feel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    /// Switch the adapter off and on.
    pub power_cycle: bool,
    /// Let go of connections to its sensors that it did not make.
    pub take_over: bool,
}

/// A configured sensor.
pub struct Member {
    /// What tells it from others.
    pub id: String,
    /// Its link.
    pub link: Supervisor,
    /// It was found by its name: its `id` is no serial number that others could be asked for.
    by_name: bool,
}

impl Member {
    /// Not found yet.
    #[must_use]
    pub fn new(id: &str, link: Supervisor) -> Self {
        Self {
            id: id.to_owned(),
            link,
            by_name: false,
        }
    }
}

/// All sensors.
pub struct Fleet {
    members: Vec<Member>,
    params: Params,
    leave: Leave,
    scanning: Option<HostNs>,
    scan_from: HostNs,
    heard: HostNs,
    /// Times in a row that the adapter was switched off and on and heard nobody.
    deaf_cycles: u32,
    /// When links of others were let go of, by address.
    released: BTreeMap<String, HostNs>,
    /// Serial numbers that connections have told, by address.
    serials: BTreeMap<String, String>,
    /// Sensors that are known by a name alone.
    names: Namesakes,
    /// Until when a scan is counted as listened to.
    listened: HostNs,
    adapter: Adapter,
    /// Since when the service is gone, and when the connection to it is built anew.
    gone: Option<(HostNs, HostNs)>,
    /// It was gone, and may have forgotten whose links it has.
    was_gone: bool,
    stopping: bool,
    /// Which sensors are connected to find out who they are.
    asked: Vec<bool>,
    said: Vec<Output>,
}

impl Fleet {
    /// Nothing is heard yet.
    #[must_use]
    pub fn new(members: Vec<Member>, params: &Params, leave: Leave, now: HostNs) -> Self {
        Self {
            asked: vec![false; members.len()],
            members,
            params: params.clone(),
            leave,
            scanning: None,
            scan_from: now,
            heard: now,
            deaf_cycles: 0,
            released: BTreeMap::new(),
            serials: BTreeMap::new(),
            names: Namesakes::new(ns(params.namesake_ms), ns(params.namesake_forget_ms)),
            listened: now,
            adapter: Adapter::On,
            gone: None,
            was_gone: false,
            stopping: false,
            said: Vec::new(),
        }
    }

    /// Where every sensor stands.
    #[must_use]
    pub fn status(&self) -> Vec<LinkStatus> {
        self.members.iter().map(|m| m.link.status()).collect()
    }

    /// A scan runs.
    #[must_use]
    pub fn is_scanning(&self) -> bool {
        self.scanning.is_some()
    }

    /// The sensor wants to see every value.
    #[must_use]
    pub fn is_scripted(&self, i: usize) -> bool {
        self.members.get(i).is_some_and(|m| m.link.is_scripted())
    }

    /// All links are closed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.stopping && self.members.iter().all(|m| m.link.is_stopped())
    }

    /// When [`Fleet::tick`] has something to do, at the latest.
    #[must_use]
    pub fn next(&self, now: HostNs) -> HostNs {
        let links = self.members.iter().filter_map(|m| m.link.next());
        let scan = match self.scanning {
            Some(since) => Some(HostNs(since.0 + ns(self.params.scan_ms))),
            None => Some(self.scan_from).filter(|_| self.is_searching()),
        };
        let next = links.chain(scan).filter(|t| *t > now).min();
        // A second at the longest: what is due late is no harm.
        next.unwrap_or(HostNs(i64::MAX))
            .min(HostNs(now.0 + ns(1000)))
    }

    /// Something happened.
    pub fn input(&mut self, now: HostNs, input: Input, out: &mut Vec<Act>) {
        match input {
            Input::Seen(seen) => self.seen(now, &seen, out),
            Input::Answered(i, number, event) => self.answered(now, (i, number), event, out),
            Input::Happened(i, event) => {
                let said = &mut self.said;
                if let Some(member) = self.members.get_mut(i) {
                    member.link.event(now, event, said);
                    self.pass_on(i, out);
                }
            }
            Input::Adapter(adapter) => self.adapter(now, adapter, out),
            Input::ScanRefused(reason) => {
                self.scanning = None;
                self.scan_from = HostNs(now.0 + ns(self.params.scan_pause_ms));
                self.unclear(now, &format!("no scan for it: {reason}"), out);
            }
            Input::Stop => {
                self.stopping = true;
                for i in 0..self.members.len() {
                    self.members[i].link.event(now, Event::Stop, &mut self.said);
                    self.pass_on(i, out);
                }
            }
        }
        self.scan(now, out);
    }

    /// Time passes.
    pub fn tick(&mut self, now: HostNs, out: &mut Vec<Act>) {
        for i in 0..self.members.len() {
            self.members[i].link.tick(now, &mut self.said);
            self.pass_on(i, out);
        }
        self.listen_on(now);
        for seen in self.names.alone(self.scanning.unwrap_or(HostNs(i64::MAX))) {
            self.seen(now, &seen, out);
        }
        self.scan(now, out);
        self.listen(now, out);
    }

    /// Why sensors that are missing are not found.
    fn unclear(&mut self, now: HostNs, why: &str, out: &mut Vec<Act>) {
        for i in 0..self.members.len() {
            let event = Event::Unclear(why.to_owned());
            self.members[i].link.event(now, event, &mut self.said);
            self.pass_on(i, out);
        }
    }

    fn listen_on(&mut self, now: HostNs) {
        if let Some(since) = self.scanning {
            let from = since.max(self.listened);
            self.names.listened(now.0 - from.0);
        }
        self.listened = now;
    }

    fn seen(&mut self, now: HostNs, seen: &Seen, out: &mut Vec<Act>) {
        if self.scanning.is_none() {
            return;
        }
        if seen.rssi_dbm.is_none() {
            return self.remembered(now, seen, out);
        }
        self.heard = now;
        self.deaf_cycles = 0;
        if self.members.iter().any(|m| m.link.is_connecting()) {
            return;
        }
        self.is_called(now, seen, out);
        let fits = |m: &Member| self.fit(m, seen);
        let wanting = |m: &&Member| m.link.wants(now);
        let best = |wanted: Fit| {
            self.members
                .iter()
                .position(|m| wanting(&m) && fits(m) == wanted)
        };
        // Somebody's for sure is nobody's to try.
        let taken = |m: &Member| matches!(fits(m), Fit::Yes | Fit::Named);
        let taken = self.members.iter().any(taken);
        let found = best(Fit::Yes).or_else(|| best(Fit::Maybe).filter(|_| !taken));
        let Some(i) = found else { return };
        self.asked[i] = fits(&self.members[i]) == Fit::Maybe;
        self.members[i].by_name = self.told(&self.members[i], seen) == Fit::Named;
        self.end_scan(now, out);
        let event = Event::Found {
            address: seen.address.clone(),
            rssi_dbm: seen.rssi_dbm,
        };
        self.members[i].link.event(now, event, &mut self.said);
        self.pass_on(i, out);
    }

    /// Whether that device is the member: by its name only if no other on the air has it, and until a device of that
    /// name was connected to once. From then on it is that one, because another may be worn elsewhere.
    fn fit(&self, member: &Member, seen: &Seen) -> Fit {
        match (self.told(member, seen), member.link.bound()) {
            (Fit::Named, Some(at)) if at == seen.address => Fit::Yes,
            (Fit::Named, Some(_)) => Fit::No,
            (Fit::Maybe, Some(_)) if member.by_name => Fit::No,
            (Fit::Named, None) => match self.names.naming(&member.id) {
                Naming::One => Fit::Yes,
                Naming::Open => Fit::Named,
                // One of them may be somebody's by its serial number.
                Naming::Several(_) => Fit::No,
            },
            (other, _) => other,
        }
    }

    /// What the device itself tells.
    fn told(&self, member: &Member, seen: &Seen) -> Fit {
        let serial = self.serials.get(&seen.address).map(String::as_str);
        identity::fit(&member.id, member.link.driver(), seen, serial)
    }

    /// Takes down who has a name that a sensor is known by, and says so where several have it.
    fn is_called(&mut self, now: HostNs, seen: &Seen, out: &mut Vec<Act>) {
        let surely = |m: &Member| {
            m.link.bound() == Some(seen.address.as_str()) || self.told(m, seen) == Fit::Yes
        };
        let named = |m: &Member| m.link.bound().is_none() && self.told(m, seen) == Fit::Named;
        if self.members.iter().any(surely) {
            return;
        }
        let Some(i) = self.members.iter().position(named) else {
            return;
        };
        self.listen_on(now);
        self.names.heard(now, seen);
        if let Naming::Several(ends) = self.names.naming(&seen.advert.name) {
            let several = format!(
                "{} in reach have its name ({}): switch the others off, or name it by its address",
                ends.len(),
                ends.join(", ")
            );
            self.members[i]
                .link
                .event(now, Event::Unclear(several), &mut self.said);
            self.pass_on(i, out);
        }
    }

    /// A device without a signal is a memory of the system, or connected.
    fn remembered(&mut self, now: HostNs, seen: &Seen, out: &mut Vec<Act>) {
        let again_ns = ns(self.params.release_again_ms);
        let recent = |at: &HostNs| now.0 - at.0 < again_ns;
        // After a service that hung a link of our own may be one that nobody holds.
        let was_ours = |m: &Member| m.link.bound() == Some(seen.address.as_str());
        if !seen.is_connected
            || !(self.leave.take_over || self.was_gone && self.members.iter().any(was_ours))
            || self.released.get(&seen.address).is_some_and(recent)
        {
            return;
        }
        let ours =
            |m: &Member| !m.link.is_absent() && m.link.address() == Some(seen.address.as_str());
        let missed = |m: &Member| m.link.wants(now) && self.fit(m, seen) != Fit::No;
        if !self.members.iter().any(ours) && self.members.iter().any(missed) {
            self.released.insert(seen.address.clone(), now);
            out.push(Act::Release(seen.address.clone()));
        }
    }

    fn answered(
        &mut self,
        now: HostNs,
        (i, number): (usize, u64),
        event: Event,
        out: &mut Vec<Act>,
    ) {
        let Some(member) = self.members.get_mut(i) else {
            return;
        };
        if let (Event::Offers(offer), Some(address)) = (&event, member.link.address())
            && !offer.serial_unread
        {
            let serial = offer.serial.clone().unwrap_or_else(|| "none".to_owned());
            self.serials.insert(address.to_owned(), serial);
        }
        let event = match event {
            Event::Offers(offer) if self.asked[i] && offer.serial_unread => {
                Event::Refused("its serial number could not be read".to_owned())
            }
            Event::Offers(offer) if self.asked[i] && !has_serial(&offer, &member.id) => {
                let other = offer.serial.as_deref().unwrap_or("none");
                Event::Refused(format!("it is another sensor (serial number {other})"))
            }
            other => other,
        };
        member.link.answered(now, number, event, &mut self.said);
        self.pass_on(i, out);
    }

    fn adapter(&mut self, now: HostNs, adapter: Adapter, out: &mut Vec<Act>) {
        let before = std::mem::replace(&mut self.adapter, adapter);
        if adapter == Adapter::Gone {
            self.was_gone = true;
            let anew = HostNs(now.0 + ns(self.params.rebuild_ms));
            let (since, due) = *self.gone.get_or_insert((now, anew));
            if now.0 - since.0 >= ns(self.params.gone_ms) {
                let gone = "the Bluetooth service does not come back";
                out.push(Act::GiveUp(gone.to_owned()));
            } else if due <= now {
                self.gone = Some((since, anew));
                out.push(Act::Rebuild);
            }
        } else {
            self.gone = None;
        }
        if adapter == before {
            return;
        }
        self.scanning = None;
        self.scan_from = HostNs(now.0 + ns(self.params.scan_pause_ms));
        self.heard = now;
        if adapter != Adapter::On {
            let reason = match adapter {
                Adapter::Off => "the adapter was switched off",
                _ => "the Bluetooth service is gone",
            };
            for i in 0..self.members.len() {
                let event = Event::Disconnected(reason.to_owned());
                self.members[i].link.event(now, event, &mut self.said);
                self.pass_on(i, out);
            }
        }
    }

    /// Scans while a sensor is missing, in short stretches.
    fn scan(&mut self, now: HostNs, out: &mut Vec<Act>) {
        let searching = self.is_searching();
        if let Some(since) = self.scanning {
            let over = now.0 - since.0 >= ns(self.params.scan_ms);
            if over || !searching {
                self.end_scan(now, out);
            }
        } else if searching
            && self.scan_from <= now
            && self.members.iter().any(|m| m.link.wants(now))
        {
            self.scanning = Some(now);
            out.push(Act::Scan(true));
        }
    }

    fn is_searching(&self) -> bool {
        !self.stopping
            && self.adapter == Adapter::On
            && self.members.iter().any(|m| m.link.is_absent())
            && !self.members.iter().any(|m| m.link.is_connecting())
    }

    fn end_scan(&mut self, now: HostNs, out: &mut Vec<Act>) {
        if self.scanning.take().is_some() {
            let busy = self.members.iter().any(|m| m.link.is_streaming());
            let pause_ms = if busy {
                self.params.scan_pause_busy_ms
            } else {
                self.params.scan_pause_ms
            };
            self.scan_from = HostNs(now.0 + ns(pause_ms));
            out.push(Act::Scan(false));
        }
    }

    /// An adapter that hears nobody at all for long may be deaf. With a good link it is not touched.
    fn listen(&mut self, now: HostNs, out: &mut Vec<Act>) {
        if !self.is_searching() || self.members.iter().any(|m| m.link.is_streaming()) {
            self.heard = now;
        } else if now.0 - self.heard.0 > ns(self.params.deaf_ms) {
            self.heard = now;
            self.unclear(now, "the adapter hears nobody at all", out);
            self.deaf_cycles += 1;
            let given_up = self.deaf_cycles > self.params.deaf_cycles;
            match (self.leave.power_cycle, given_up) {
                (true, false) => out.push(Act::PowerCycle),
                (true, true) => {
                    let deaf =
                        "the adapter hears nobody, and switching it off and on does not help";
                    out.push(Act::GiveUp(deaf.to_owned()));
                }
                // Perhaps nobody is there.
                (false, _) => {}
            }
        }
    }

    fn pass_on(&mut self, i: usize, out: &mut Vec<Act>) {
        // Not its number here: phones are sensors of the session, too.
        let Some(device) = self.members.get(i).map(|m| m.link.device()) else {
            return;
        };
        out.extend(self.said.drain(..).map(|said| match said {
            Output::Request(number, request) => Act::Request(i, number, request),
            Output::Link(change) => Act::Link(LinkEvent { device, change }),
        }));
    }
}

/// The device has the serial number that was asked for.
fn has_serial(offer: &Offer, id: &str) -> bool {
    let serial = offer.serial.as_deref().map(str::trim);
    serial.is_some_and(|s| s.eq_ignore_ascii_case(id.trim()))
}
