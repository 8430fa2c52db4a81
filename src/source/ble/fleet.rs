//! All sensors of one adapter: who may be looked for, who may connect, and what to do when the adapter or the bus is
//! gone. Pure: fed with what happened and the time, it says what to do. ns of the host's clock.
//!
//! One connection is made at a time, and not while a scan runs: both disturb the links there are. Scans are short and
//! come again while a sensor is missing: endless ones go deaf. A device is connected to only after it was heard just
//! now, because the system remembers devices that are long gone.

use super::{
    identity::{self, Fit, Seen},
    params::Params,
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
    /// Build the connection to the Bluetooth service anew.
    Rebuild,
    /// End the process: nothing helps.
    GiveUp(String),
}

/// A configured sensor.
pub struct Member {
    /// What tells it from others.
    pub id: String,
    /// Its link.
    pub link: Supervisor,
}

/// All sensors.
pub struct Fleet {
    members: Vec<Member>,
    params: Params,
    /// Whether the adapter may be power-cycled.
    power_cycle: bool,
    scanning: Option<HostNs>,
    scan_from: HostNs,
    heard: HostNs,
    /// Serial numbers that connections have told, by address.
    serials: BTreeMap<String, String>,
    adapter: Adapter,
    bus_failures: u32,
    rebuilds: u32,
    stopping: bool,
    /// Which sensors are connected to find out who they are.
    asked: Vec<bool>,
    said: Vec<Output>,
}

impl Fleet {
    /// Nothing is heard yet.
    #[must_use]
    pub fn new(members: Vec<Member>, params: &Params, power_cycle: bool, now: HostNs) -> Self {
        Self {
            asked: vec![false; members.len()],
            members,
            params: params.clone(),
            power_cycle,
            scanning: None,
            scan_from: now,
            heard: now,
            serials: BTreeMap::new(),
            adapter: Adapter::On,
            bus_failures: 0,
            rebuilds: 0,
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
            Some(since) => Some(HostNs(since.0 + ms(self.params.scan_ms))),
            None => Some(self.scan_from).filter(|_| self.is_searching()),
        };
        let next = links.chain(scan).filter(|t| *t > now).min();
        // A second at the longest: what is due late is no harm.
        next.unwrap_or(HostNs(i64::MAX))
            .min(HostNs(now.0 + ms(1000)))
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
            Input::ScanRefused(_) => {
                self.scanning = None;
                self.scan_from = HostNs(now.0 + ms(self.params.scan_pause_ms));
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
        self.scan(now, out);
        self.listen(now, out);
    }

    fn seen(&mut self, now: HostNs, seen: &Seen, out: &mut Vec<Act>) {
        // A device without a signal is a memory of the system.
        if seen.rssi_dbm.is_none() || self.scanning.is_none() {
            return;
        }
        self.heard = now;
        if self.members.iter().any(|m| m.link.is_connecting()) {
            return;
        }
        let serial = self.serials.get(&seen.address).map(String::as_str);
        let fits = |m: &Member| identity::fit(&m.id, m.link.driver(), seen, serial);
        let wanting = |m: &&Member| m.link.wants(now);
        let best = |wanted: Fit| {
            self.members
                .iter()
                .position(|m| wanting(&m) && fits(m) == wanted)
        };
        // Somebody's for sure is nobody's to try.
        let taken = self.members.iter().any(|m| fits(m) == Fit::Yes);
        let found = best(Fit::Yes).or_else(|| best(Fit::Maybe).filter(|_| !taken));
        let Some(i) = found else { return };
        self.asked[i] = fits(&self.members[i]) == Fit::Maybe;
        self.end_scan(now, out);
        let event = Event::Found {
            address: seen.address.clone(),
            rssi_dbm: seen.rssi_dbm,
        };
        self.members[i].link.event(now, event, &mut self.said);
        self.pass_on(i, out);
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
        let event = match event {
            Event::Offers(offer) if self.asked[i] && !is_called(&offer, &member.id) => {
                let other = offer.serial.clone().unwrap_or_else(|| "none".to_owned());
                if let Some(address) = member.link.address() {
                    self.serials.insert(address.to_owned(), other.clone());
                }
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
            self.bus_failures += 1;
            if self.bus_failures >= self.params.bus_failures {
                self.bus_failures = 0;
                self.rebuilds += 1;
                out.push(if self.rebuilds > self.params.rebuilds {
                    Act::GiveUp("the Bluetooth service does not come back".to_owned())
                } else {
                    Act::Rebuild
                });
            }
        } else {
            (self.bus_failures, self.rebuilds) = (0, 0);
        }
        if adapter == before {
            return;
        }
        self.scanning = None;
        self.scan_from = HostNs(now.0 + ms(self.params.scan_pause_ms));
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
            let over = now.0 - since.0 >= ms(self.params.scan_ms);
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
            let busy = self.members.iter().any(|m| m.link.status().is_ready());
            let pause_ms = if busy {
                self.params.scan_pause_busy_ms
            } else {
                self.params.scan_pause_ms
            };
            self.scan_from = HostNs(now.0 + ms(pause_ms));
            out.push(Act::Scan(false));
        }
    }

    /// An adapter that hears nobody at all for long may be deaf. With a good link it is not touched.
    fn listen(&mut self, now: HostNs, out: &mut Vec<Act>) {
        if !self.is_searching() || self.members.iter().any(|m| m.link.status().is_ready()) {
            self.heard = now;
        } else if self.power_cycle && now.0 - self.heard.0 > ms(self.params.deaf_ms) {
            self.heard = now;
            out.push(Act::PowerCycle);
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
fn is_called(offer: &Offer, id: &str) -> bool {
    let serial = offer.serial.as_deref().map(str::trim);
    serial.is_some_and(|s| s.eq_ignore_ascii_case(id.trim()))
}

fn ms(ms: u64) -> i64 {
    i64::try_from(ms)
        .unwrap_or(i64::MAX / 1_000_000)
        .saturating_mul(1_000_000)
}
