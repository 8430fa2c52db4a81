//! One sensor's link as a state machine: fed with events and the time, it says what to do next. No radio, no clock.
//!
//! Absent -> Connecting -> Discovering -> Configuring -> Awaiting -> Streaming -> Closing -> Absent. A sensor is ready
//! only when each stream that its set-up started has delivered; a stream that falls silent is started anew by a new
//! connection. Retries go on for ever, with growing waits: a strap that is taken off is normal. Times in ns of the
//! host's clock.

use super::{
    chores::Chores,
    identity::tail,
    params::{Params, ns},
    protocol::{Event, Offer, Output, Request},
    started::Started,
};
use crate::{
    decode::{
        Driver, Wish,
        script::{Script, Step},
    },
    model::{
        link::{LinkChange, LinkStatus, Stage},
        packet::DeviceIndex,
        reading::Measurand,
        time::HostNs,
    },
};

#[derive(Debug)]
enum State {
    Absent {
        retry_at: HostNs,
    },
    Connecting,
    Discovering,
    Configuring(Script),
    Awaiting,
    Streaming {
        since: HostNs,
    },
    /// Stopping the streams, before the connection is ended for good.
    Draining(Script),
    Closing,
    Stopped,
}

/// Something a script waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Pause,
    Answer,
}

/// One sensor's link.
pub struct Supervisor {
    device: DeviceIndex,
    alias: String,
    driver: &'static dyn Driver,
    wish: Wish,
    params: Params,
    state: State,
    /// Number of the last request; results of earlier ones are stale.
    request: u64,
    /// The request has not been answered.
    open: bool,
    /// When what is going on has taken too long.
    deadline: Option<HostNs>,
    /// What the script waits for without the radio; values that arrive meanwhile do not begin it anew.
    waits: Option<Wait>,
    /// When stopping the streams has taken too long.
    drain_until: Option<HostNs>,
    address: Option<String>,
    /// Where the sensor that is meant was connected to.
    bound: Option<String>,
    offer: Offer,
    /// What the set-up started.
    started: Started,
    chores: Chores,
    chore: Option<Script>,
    failures: u32,
    linked: bool,
    stopping: bool,
    reason: Option<String>,
    rssi_dbm: Option<i16>,
    connections: u32,
}

impl Supervisor {
    /// A sensor that was not heard yet.
    #[must_use]
    pub fn new(
        device: DeviceIndex,
        alias: &str,
        driver: &'static dyn Driver,
        wish: Wish,
        params: &Params,
    ) -> Self {
        Self {
            device,
            alias: alias.to_owned(),
            driver,
            wish,
            params: params.clone(),
            state: State::Absent {
                retry_at: HostNs(i64::MIN),
            },
            request: 0,
            open: false,
            deadline: None,
            waits: None,
            drain_until: None,
            address: None,
            bound: None,
            offer: Offer::default(),
            started: Started::default(),
            chores: Chores::default(),
            chore: None,
            failures: 0,
            linked: false,
            stopping: false,
            reason: None,
            rssi_dbm: None,
            connections: 0,
        }
    }

    /// It wants to be found now.
    #[must_use]
    pub fn wants(&self, now: HostNs) -> bool {
        !self.stopping && matches!(self.state, State::Absent { retry_at } if retry_at <= now)
    }

    /// It wants to be found, now or later.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self.state, State::Absent { .. })
    }

    /// A connection is being made: no other may be, and no scan.
    #[must_use]
    pub fn is_connecting(&self) -> bool {
        matches!(self.state, State::Connecting | State::Discovering)
    }

    /// Nothing more will happen.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        matches!(self.state, State::Stopped)
    }

    /// It wants to see every value: an answer may be among them.
    #[must_use]
    pub fn is_scripted(&self) -> bool {
        match self.state {
            State::Configuring(_) | State::Draining(_) => true,
            State::Streaming { .. } => self.chore.is_some(),
            _ => false,
        }
    }

    /// Its driver.
    #[must_use]
    pub fn driver(&self) -> &'static dyn Driver {
        self.driver
    }

    /// The address it was last found at.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// The address at which it was connected to and was the one that is meant.
    #[must_use]
    pub fn bound(&self) -> Option<&str> {
        self.bound.as_deref()
    }

    /// Every stream that was started delivers, if only the word that there is nothing to measure.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        matches!(self.state, State::Streaming { .. })
    }

    /// Its place in the session.
    #[must_use]
    pub fn device(&self) -> DeviceIndex {
        self.device
    }

    /// What to show.
    #[must_use]
    pub fn status(&self) -> LinkStatus {
        let stage = match self.state {
            State::Absent { .. } => Stage::Absent,
            State::Connecting => Stage::Connecting,
            State::Discovering => Stage::Discovering,
            State::Configuring(_) => Stage::Configuring,
            State::Awaiting => Stage::Awaiting,
            State::Streaming { .. } => Stage::Streaming,
            State::Draining(_) | State::Closing => Stage::Closing,
            State::Stopped => Stage::Stopped,
        };
        LinkStatus {
            device: self.device,
            alias: self.alias.clone(),
            stage,
            without: false,
            reason: self.reason.clone(),
            skipped: self.started.skipped.clone(),
            missed: self.started.missed(),
            blank: self.started.streams.is_blank(&self.params.streams),
            rssi_dbm: self.rssi_dbm,
            battery_percent: self.offer.battery_percent,
            serial: self.offer.serial.clone(),
            address_tail: self.address.as_deref().map(tail),
            firmware: self.offer.firmware.clone(),
            connections: self.connections,
            characteristics: self.offer.characteristics.clone(),
        }
    }

    /// When [`Supervisor::tick`] has something to do.
    #[must_use]
    pub fn next(&self) -> Option<HostNs> {
        let chore = self.chores.next();
        let silence = matches!(self.state, State::Streaming { .. })
            .then(|| self.started.streams.silent_at(&self.params.streams))
            .flatten();
        let retry = match self.state {
            State::Absent { retry_at } => Some(retry_at),
            _ => None,
        };
        [self.deadline, self.drain_until, chore, silence, retry]
            .into_iter()
            .flatten()
            .min()
    }

    /// The result of request `number`; of another it is stale.
    pub fn answered(&mut self, now: HostNs, number: u64, event: Event, out: &mut Vec<Output>) {
        if number == self.request {
            self.event(now, event, out);
        }
    }

    /// Something happened.
    pub fn event(&mut self, now: HostNs, event: Event, out: &mut Vec<Output>) {
        match event {
            Event::Found { address, rssi_dbm } => self.found(now, address, rssi_dbm, out),
            Event::Unclear(why) if self.wants(now) => self.reason = Some(why),
            Event::Unclear(_) => {}
            Event::Done(value) => self.done(now, &value, out),
            Event::Offers(offer) => self.offers(now, offer, out),
            Event::Refused(reason) => self.refused(now, &reason, out),
            Event::Disconnected(reason) => self.disconnected(now, &reason, out),
            Event::Notified(characteristic, bytes) => {
                if let Some(script) = self.script() {
                    script.notified(characteristic, &bytes);
                    self.pump(now, out);
                }
            }
            Event::Heard(what) => self.heard(now, what),
            Event::Blank(what) => self.blank(now, what),
            Event::Charge(percent) => self.offer.battery_percent = Some(percent),
            Event::Stop => self.stop(now, out),
        }
    }

    /// Time passes.
    pub fn tick(&mut self, now: HostNs, out: &mut Vec<Output>) {
        if self.drain_until.is_some_and(|d| d <= now) {
            self.close(now, out);
        }
        if self.deadline.is_some_and(|d| d <= now) {
            (self.deadline, self.waits) = (None, None);
            self.late(now, out);
        }
        if let State::Streaming { since } = self.state {
            if self
                .started
                .streams
                .silent_at(&self.params.streams)
                .is_some_and(|at| at <= now)
            {
                self.give_up(now, "a stream fell silent", out);
                return;
            }
            if now.0 - since.0 > ns(self.params.settled_ms) {
                self.failures = 0;
            }
            self.begin_chore(now, out);
        }
    }

    fn found(
        &mut self,
        now: HostNs,
        address: String,
        rssi_dbm: Option<i16>,
        out: &mut Vec<Output>,
    ) {
        if !self.wants(now) {
            return;
        }
        self.rssi_dbm = rssi_dbm;
        self.address = Some(address.clone());
        self.offer = Offer::default();
        self.state = State::Connecting;
        self.ask(now, Request::Connect(address), self.params.connect_ms, out);
    }

    fn done(&mut self, now: HostNs, value: &[u8], out: &mut Vec<Output>) {
        self.open = false;
        match self.state {
            State::Connecting => {
                self.linked = true;
                self.connections += 1;
                out.push(Output::Link(LinkChange::Up));
                self.state = State::Discovering;
                self.ask(now, Request::Discover, self.params.discover_ms, out);
            }
            State::Closing => self.disconnected(now, "disconnected", out),
            _ => {
                if let Some(script) = self.script() {
                    script.done(value);
                    self.pump(now, out);
                }
            }
        }
    }

    fn offers(&mut self, now: HostNs, offer: Offer, out: &mut Vec<Output>) {
        if !matches!(self.state, State::Discovering) {
            return;
        }
        self.open = false;
        self.offer = offer;
        self.bound.clone_from(&self.address);
        self.started = Started::default();
        self.state = State::Configuring(Script::new(self.driver.setup(&self.wish)));
        self.pump(now, out);
    }

    fn refused(&mut self, now: HostNs, reason: &str, out: &mut Vec<Output>) {
        self.open = false;
        match self.state {
            State::Connecting | State::Discovering => self.give_up(now, reason, out),
            State::Closing => self.disconnected(now, reason, out),
            _ => {
                if let Some(script) = self.script() {
                    script.refused(reason);
                    self.pump(now, out);
                }
            }
        }
    }

    fn disconnected(&mut self, now: HostNs, reason: &str, out: &mut Vec<Output>) {
        let ours = matches!(self.state, State::Closing | State::Draining(_));
        match self.state {
            State::Absent { .. } | State::Stopped => return,
            // A connection that was never there ended: the attempt goes on until it is answered or late.
            State::Connecting if !self.linked && self.open => return,
            _ => {}
        }
        if !ours {
            self.reason = Some(reason.to_owned());
            self.failures += 1;
        }
        self.unlink(out);
        self.chores = Chores::default();
        self.chore = None;
        self.deadline = None;
        self.drain_until = None;
        self.open = false;
        self.request += 1;
        self.started = Started::default();
        self.state = if self.stopping {
            State::Stopped
        } else {
            State::Absent {
                retry_at: HostNs(now.0 + self.params.wait_ns(self.failures, self.device)),
            }
        };
    }

    fn heard(&mut self, now: HostNs, what: &[Measurand]) {
        self.started.streams.heard(now, what);
        if matches!(self.state, State::Awaiting) && self.started.streams.missing().next().is_none()
        {
            self.deadline = None;
            self.reason = None;
            self.state = State::Streaming { since: now };
            self.chores = Chores::begin(self.driver, now);
        }
    }

    /// A sensor that is not worn well is not ready, and a new connection would not help.
    fn blank(&mut self, now: HostNs, what: &[Measurand]) {
        self.started.streams.blank(now, what);
        let only_hearts = self
            .started
            .streams
            .missing()
            .all(Measurand::is_of_the_heart);
        if matches!(self.state, State::Awaiting) && only_hearts {
            let first_ms = self.started.streams.first_ms(&self.params.streams);
            self.deadline = Some(HostNs(now.0 + ns(first_ms)));
            self.reason = Some("it finds no heart beat: is it worn, and moist?".to_owned());
        }
    }

    fn stop(&mut self, now: HostNs, out: &mut Vec<Output>) {
        self.stopping = true;
        match self.state {
            State::Absent { .. } => self.state = State::Stopped,
            State::Configuring(_) | State::Awaiting | State::Streaming { .. } => {
                self.chores = Chores::default();
                self.chore = None;
                self.open = false;
                self.request += 1;
                self.drain_until = Some(HostNs(now.0 + ns(self.params.drain_ms)));
                self.state = State::Draining(Script::new(self.driver.teardown(&self.wish)));
                self.pump(now, out);
            }
            State::Connecting | State::Discovering => self.close(now, out),
            State::Draining(_) | State::Closing | State::Stopped => {}
        }
    }

    /// What is going on took too long.
    fn late(&mut self, now: HostNs, out: &mut Vec<Output>) {
        match &mut self.state {
            State::Connecting => self.give_up(now, "no connection in time", out),
            State::Discovering => self.give_up(now, "its services were not found in time", out),
            State::Awaiting => {
                let missing: Vec<String> = self
                    .started
                    .streams
                    .missing()
                    .map(|m| format!("{m:?}"))
                    .collect();
                let reason = format!("it accepts and sends nothing ({})", missing.join(", "));
                self.give_up(now, &reason, out);
            }
            State::Closing => self.disconnected(now, "no answer to the disconnection", out),
            State::Configuring(_) | State::Draining(_) | State::Streaming { .. } => {
                let open = std::mem::take(&mut self.open);
                self.request += 1;
                if let Some(script) = self.script() {
                    settle(script, open);
                    self.pump(now, out);
                }
            }
            State::Absent { .. } | State::Stopped => {}
        }
    }

    /// Ends this try.
    fn give_up(&mut self, now: HostNs, reason: &str, out: &mut Vec<Output>) {
        self.reason = Some(reason.to_owned());
        self.failures += 1;
        self.close(now, out);
    }

    fn close(&mut self, now: HostNs, out: &mut Vec<Output>) {
        self.unlink(out);
        self.chores = Chores::default();
        self.chore = None;
        self.drain_until = None;
        self.state = State::Closing;
        self.ask(now, Request::Disconnect, self.params.close_ms, out);
    }

    fn unlink(&mut self, out: &mut Vec<Output>) {
        if std::mem::take(&mut self.linked) {
            out.push(Output::Link(if self.stopping {
                LinkChange::Closed
            } else {
                LinkChange::Down {
                    reason: self.reason.clone().unwrap_or_default(),
                }
            }));
        }
    }

    /// Goes on with the script that is running until a step has to be waited for.
    fn pump(&mut self, now: HostNs, out: &mut Vec<Output>) {
        while !self.open {
            let (mtu, step_ms) = (self.offer.mtu, self.params.step_ms);
            let Some(script) = self.script() else { return };
            let request = match script.step() {
                None => return self.script_over(now, out),
                Some(Step::NeedMtu(bytes)) => {
                    if mtu >= bytes {
                        script.done(&[]);
                    } else {
                        let said = format!("the link has an MTU of {mtu}");
                        script.refused(&said);
                    }
                    continue;
                }
                Some(Step::PauseMs(ms)) => return self.wait(now, Wait::Pause, u64::from(ms)),
                Some(Step::Await { within_ms, .. }) => {
                    return self.wait(now, Wait::Answer, u64::from(within_ms));
                }
                Some(Step::Subscribe(characteristic)) => Request::Subscribe(characteristic),
                Some(Step::Read(characteristic)) => Request::Read(characteristic),
                Some(Step::Write {
                    characteristic,
                    with_response,
                    bytes,
                }) => Request::Write {
                    characteristic,
                    with_response,
                    bytes: bytes.to_vec(),
                },
            };
            self.ask(now, request, step_ms, out);
        }
    }

    fn wait(&mut self, now: HostNs, wait: Wait, ms: u64) {
        if self.waits.replace(wait) != Some(wait) {
            self.deadline = Some(HostNs(now.0 + ns(ms)));
        }
    }

    fn script_over(&mut self, now: HostNs, out: &mut Vec<Output>) {
        (self.deadline, self.waits) = (None, None);
        if let Some(script) = self.chore.take() {
            // A chore that fails says so; the streams themselves are watched apart.
            if let Err(e) = script.outcome() {
                self.started.skipped = vec![e.to_string()];
            }
            return;
        }
        match std::mem::replace(&mut self.state, State::Awaiting) {
            State::Configuring(script) => match script.outcome() {
                Ok(outcome) => {
                    self.started = Started::by(outcome);
                    let first_ms = self.started.streams.first_ms(&self.params.streams);
                    self.deadline = Some(HostNs(now.0 + ns(first_ms)));
                    let again = self.failures < self.params.start_tries;
                    if let Some(reason) = self.started.lacking(&self.wish, again) {
                        self.give_up(now, &reason, out);
                    }
                }
                Err(e) => self.give_up(now, &e.to_string(), out),
            },
            State::Draining(_) => self.close(now, out),
            other => self.state = other,
        }
    }

    fn begin_chore(&mut self, now: HostNs, out: &mut Vec<Output>) {
        if self.chore.is_some() || self.open {
            return;
        }
        self.chore = self.chores.due(self.driver, now);
        if self.chore.is_some() {
            self.pump(now, out);
        }
    }

    fn script(&mut self) -> Option<&mut Script> {
        match &mut self.state {
            State::Configuring(script) | State::Draining(script) => Some(script),
            State::Streaming { .. } => self.chore.as_mut(),
            _ => None,
        }
    }

    fn ask(&mut self, now: HostNs, request: Request, within_ms: u64, out: &mut Vec<Output>) {
        self.request += 1;
        (self.open, self.waits) = (true, None);
        self.deadline = Some(HostNs(now.0 + ns(within_ms)));
        out.push(Output::Request(self.request, request));
    }
}

/// A pause is over; anything else took too long.
fn settle(script: &mut Script, open: bool) {
    if !open && matches!(script.step(), Some(Step::PauseMs(_))) {
        script.done(&[]);
    } else {
        script.timed_out();
    }
}
