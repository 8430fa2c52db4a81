//! Sensors to the bus: every item is recorded first, then cut into windows, then published.
//!
//! The gateway never waits for the bus: what cannot be published now is published later, from memory or from the
//! recording, until every consumer says that it has it; neither a broker's memory nor its PUBACK is trusted with
//! data. A source that can wait (a replay) is taken from only as fast as the consumers follow.

use super::{
    courier::Courier,
    hub::{self, ANALYSIS, STORE},
    link::{Link, LinkError},
    roster::Roster,
};
use crate::{
    model::{
        command::Command,
        link::LinkStatus,
        packet::DeviceIndex,
        room::Shortage,
        session::{SessionHeader, SessionId},
        time::HostNs,
        window::{WINDOW_NS, Window},
    },
    mqtt::publisher::{Offered, State},
    pipeline::{
        batch,
        delivery::Position,
        ingest::{Ingest, IngestError},
    },
    source::recorder::{Recorder, RecorderError},
    store,
    wire::{
        payload::{self, Ack, Announcement, Order, PayloadError, Presence, Refused, Reply, Status},
        recording::Item,
        topic::Subject,
    },
};
use std::{
    collections::{BTreeSet, VecDeque},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// Windows that may be on their way before a source that can wait has to: 6.4 s.
pub const CREDIT_WINDOWS: u64 = 64;

/// How long nothing may move after the end of the session before the rest is left for the next start.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the broker may take to hear that the gateway leaves.
const LEAVING: Duration = Duration::from_secs(1);

/// The session could not be carried.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The bus.
    #[error(transparent)]
    Bus(#[from] LinkError),
    /// A payload that cannot be formed.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// A sensor without a driver.
    #[error(transparent)]
    Ingest(#[from] IngestError),
}

/// How a session went.
#[derive(Debug)]
pub struct Carried {
    /// Windows it has.
    pub windows: u64,
    /// What some consumer did not take; nothing of it is lost while there is the recording.
    pub undelivered: Option<Undelivered>,
    /// The store never takes it.
    pub refused: Option<Refused>,
    /// Windows that could be neither published nor recorded.
    pub lost_windows: u64,
    /// The recording could not be written to its end.
    pub recording_error: Option<RecorderError>,
    /// The session was stopped before its source ended.
    pub stopped: bool,
}

/// What a consumer did not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the {consumer} has taken {taken} of {windows} windows and has said nothing for {} s", PATIENCE.as_secs())]
pub struct Undelivered {
    /// `store` or `analysis`.
    pub consumer: &'static str,
    /// Windows that it has.
    pub taken: u64,
    /// Windows of the session.
    pub windows: u64,
}

/// Where items come from, and where they are kept.
pub struct Source {
    /// Packets, link changes and commands, as they come; closed at the end.
    pub items: mpsc::Receiver<Item>,
    /// It can wait for the bus; sensors cannot.
    pub waits: bool,
    /// Takes every item before it goes on.
    pub recorder: Option<Recorder>,
    /// Where windows can be made again from.
    pub recording: Option<PathBuf>,
}

/// One session on its way to the bus.
pub struct Gateway {
    link: Link,
    session: SessionId,
    announcement: Vec<u8>,
    /// The announcement has to be said (again).
    announce: bool,
    /// That it is there has to be said (again).
    born: bool,
    ingest: Ingest,
    courier: Courier,
    source: Source,
    /// Host time of the newest item.
    end: HostNs,
    /// Nothing will come any more.
    over: bool,
    recording_error: Option<RecorderError>,
    windows: Vec<Window>,
    /// Instructions that are not followed yet.
    orders: VecDeque<Order>,
    /// What is to be said to those who gave instructions.
    replies: VecDeque<Vec<u8>>,
    /// The store's disk is short of room, as the store says.
    store_short: Option<Shortage>,
    /// The store has so many windows, and the last one is not among them, as it says.
    store_awaits_last: Option<u64>,
    /// The store never takes the session, as it says.
    store_refuses: Option<Refused>,
    /// It was recorded before: what nobody takes now is tried again at another time.
    of_before: bool,
}

/// What a session with real sensors has beside its items.
pub struct Sensors {
    /// The host's clock.
    pub clock: fn() -> HostNs,
    /// Where every sensor's link stands.
    pub status: watch::Receiver<Vec<LinkStatus>>,
    /// Sensors that the trainer goes on without.
    pub without: BTreeSet<DeviceIndex>,
    /// Which of them is worn where.
    pub roster: Roster,
    /// What is to be kept free on the disk of the recording, MB.
    pub reserve_mb: u64,
}

impl Sensors {
    /// Why an instruction cannot be followed now: no set begins before every sensor is ready or was given up.
    fn refusal(&mut self, command: &Command) -> Option<String> {
        let refused = self.roster.refusal(command, &self.without);
        if refused.is_some() {
            return refused;
        }
        if let Command::GoWithout { device, .. } = command {
            let known = self.status.borrow().iter().any(|s| s.device == *device);
            return (!known).then(|| format!("the session has no sensor number {}", device.0));
        }
        if !matches!(command, Command::StartSet { .. }) {
            return None;
        }
        let waiting: Vec<String> = self
            .status
            .borrow()
            .iter()
            .filter(|s| !s.is_ready() && !self.without.contains(&s.device))
            .map(|s| format!("{}: {}", s.alias, s.words()))
            .collect();
        (!waiting.is_empty()).then(|| {
            format!(
                "not every sensor is ready ({}); wait, or go on without it, then what needs it is not assessed",
                waiting.join("; ")
            )
        })
    }
}

/// How often time is told that it passes, and how far behind the clock: packets are stamped a little before they come.
const TIME_PASSES: Duration = Duration::from_millis(100);
const BEHIND_NS: i64 = 250_000_000;
/// Instructions that may wait.
const WAITING_ORDERS: usize = 64;
/// Why a replay takes no instruction.
const OF_A_RECORDING: &str = "the session comes from a recording: what was done in it is done";

impl Gateway {
    /// A session of `source`, on `link`.
    ///
    /// # Errors
    /// A sensor without a driver.
    pub fn new(
        link: Link,
        header: &SessionHeader,
        plan_text: Option<&str>,
        source: Source,
    ) -> Result<Self, GatewayError> {
        let announcement = Announcement {
            header: header.clone(),
            plan_text: plan_text.map(str::to_owned),
        };
        let consumers = [ANALYSIS, STORE];
        Ok(Self {
            link,
            session: header.session.clone(),
            announcement: payload::encode_announcement(&announcement)?,
            announce: true,
            born: false,
            ingest: Ingest::new(header)?,
            courier: Courier::new(header.clone(), &consumers, source.recording.clone()),
            of_before: source.recording.is_some() && source.recorder.is_none(),
            source,
            end: header.started_host,
            over: false,
            recording_error: None,
            windows: Vec::new(),
            orders: VecDeque::new(),
            replies: VecDeque::new(),
            store_short: None,
            store_awaits_last: None,
            store_refuses: None,
        })
    }

    /// Says live samples as JSON, too.
    #[must_use]
    pub fn with_json(mut self) -> Self {
        self.courier = self.courier.with_json();
        self
    }

    /// Carries the session until its source ends or `stop`, and until all consumers have all of it or nothing has
    /// moved for long.
    ///
    /// # Errors
    /// The bus refuses for good.
    pub async fn carry(
        mut self,
        stop: CancellationToken,
        mut sensors: Option<Sensors>,
    ) -> Result<Carried, GatewayError> {
        let never = CancellationToken::new();
        let mut state = self.link.watch();
        let mut connection = *state.borrow_and_update();
        let mut timer = interval(TIME_PASSES);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopped = false;
        while !self.done() {
            self.say(sensors.as_mut())?;
            let open = self.courier.delivery().open();
            let takes = !self.over && (!self.source.waits || open < CREDIT_WINDOWS);
            tokio::select! {
                () = stop.cancelled(), if !self.over => {
                    stopped = true;
                    self.finish()?;
                }
                changed = state.changed() => {
                    changed.map_err(|_| LinkError::stopped())?;
                    let now = *state.borrow_and_update();
                    self.connection(connection, now, sensors.as_mut());
                    connection = now;
                }
                message = self.link.next(&never) => match message {
                    // The broker may still have for us what belongs to a session before.
                    Some((topic, _)) if *topic.session() != self.session => {}
                    Some((topic, bytes)) => self.message(topic.subject(), &bytes),
                    None => return Err(LinkError::stopped().into()),
                },
                () = self.courier.fetch() => {}
                _ = timer.tick() => self.tick(connection, sensors.as_ref())?,
                item = self.source.items.recv(), if takes => match item {
                    Some(item) => self.take(&item)?,
                    None => self.finish()?,
                },
            }
        }
        self.farewell().await?;
        Ok(self.leave(stopped).await)
    }

    /// Everything was delivered, or the rest is left for later.
    fn done(&self) -> bool {
        let delivery = self.courier.delivery();
        if self.over && delivery.complete() {
            return true;
        }
        let given_up = self.store_refuses.is_some() || self.courier.quiet() > PATIENCE;
        // A recording is read no further than the consumers follow: its end may never come.
        given_up && (self.over || self.of_before && delivery.open() > 0)
    }

    /// Leaves the bus; how it went.
    async fn leave(self, stopped: bool) -> Carried {
        self.link.close(LEAVING).await;
        let delivery = self.courier.delivery();
        let windows = delivery.windows();
        let undelivered = delivery.slowest().filter(|_| !delivery.complete());
        Carried {
            windows,
            undelivered: undelivered.map(|(consumer, position)| Undelivered {
                consumer,
                taken: position.windows,
                windows,
            }),
            refused: self.store_refuses,
            lost_windows: self.courier.lost(),
            recording_error: self.recording_error,
            stopped,
        }
    }

    /// The session is over: takes back what was retained, where all of it was taken or nothing of it ever is.
    async fn farewell(&self) -> Result<(), GatewayError> {
        // Also a refusal: at another time it may be another store that answers.
        let left = !self.courier.delivery().complete() && self.store_refuses.is_none();
        if left {
            let bytes = payload::encode_status(&Status::of(Presence::Ended))?;
            // Nobody may be there to hear it.
            let _ = self.link.offer(&self.session, Subject::Status, bytes)?;
            return Ok(());
        }
        for subject in hub::retained() {
            self.link
                .publish(&self.session, subject, Vec::new())
                .await?;
        }
        // What was retained is harmless: consumers answer to it that they have everything.
        if let Err(e) = self.link.flush(PATIENCE).await {
            warn!("the end of the session could not be said: {e}");
        }
        Ok(())
    }

    /// Says what is to be said: that there is a session, its windows, its sensors, answers.
    fn say(&mut self, sensors: Option<&mut Sensors>) -> Result<(), GatewayError> {
        if !self.born {
            let bytes = payload::encode_status(&Status::of(Presence::Online))?;
            let offered = self.link.offer(&self.session, Subject::Status, bytes)?;
            self.born = offered == Offered::Taken;
        }
        if self.announce {
            let bytes = self.announcement.clone();
            let offered = self.link.offer(&self.session, Subject::Session, bytes)?;
            self.announce = offered != Offered::Taken;
        }
        if let Some(sensors) = sensors {
            self.say_sensors(sensors)?;
            while let Some(order) = self.orders.pop_front() {
                if let Some(item) = self.follow(order, sensors)? {
                    self.take(&item)?;
                }
            }
        }
        // Without sensors nobody follows them.
        while let Some(order) = self.orders.pop_front() {
            self.reply(order.id, Some(OF_A_RECORDING.to_owned()))?;
        }
        while let Some(bytes) = self.replies.pop_front() {
            // Not waited for: the session goes on while the bus takes nothing.
            let offered = self
                .link
                .offer(&self.session, Subject::Reply, bytes.clone())?;
            if offered != Offered::Taken {
                self.replies.push_front(bytes);
                break;
            }
        }
        if !self.announce {
            self.courier.pump(&self.link)?;
        }
        Ok(())
    }

    /// The connection to the broker changed, or what is on its way did.
    fn connection(&mut self, before: State, now: State, sensors: Option<&mut Sensors>) {
        if now.connections == before.connections {
            return;
        }
        // Consumers answer to the announcement where they stand.
        self.announce = true;
        // The broker may have said that it is gone.
        self.born = false;
        self.courier.again();
        if let Some(sensors) = sensors {
            sensors.status.mark_changed();
        }
    }

    /// Time passes: for windows that nothing else closes, and for what does not move.
    fn tick(&mut self, connection: State, sensors: Option<&Sensors>) -> Result<(), GatewayError> {
        if connection.connected && self.courier.stalled() {
            info!(session = %self.session.0, "nothing moves: asking the consumers where they stand");
            self.announce = true;
            self.end_behind_consumers()?;
        }
        // A packet that waits is older than the time.
        if let (Some(sensors), false, true) = (sensors, self.over, self.source.items.is_empty()) {
            let now = HostNs((sensors.clock)().0 - BEHIND_NS);
            if now >= self.ingest.open_until() {
                // Recorded, so that the same windows come out of the recording.
                self.take(&Item::Time(now))?;
            }
        }
        Ok(())
    }

    /// An item: recorded, then taken in, then published.
    fn take(&mut self, item: &Item) -> Result<(), GatewayError> {
        self.end = self.end.max(item.host());
        self.record(item);
        batch::take(&mut self.ingest, item, &mut self.windows);
        self.publish()
    }

    /// The source ended: the rest of the windows, and the end of the recording.
    fn finish(&mut self) -> Result<(), GatewayError> {
        self.over = true;
        self.ingest.finish(self.end, &mut self.windows);
        if let Some(recorder) = self.source.recorder.take()
            && let Err(e) = tokio::task::block_in_place(|| recorder.finish())
        {
            self.recording_error.get_or_insert(e);
        }
        self.publish()
    }

    /// A power cut, or a broken disk, can take from a recording what consumers had already. Then its last window is none
    /// that they wait for: the session ends with one behind all that they have.
    fn end_behind_consumers(&mut self) -> Result<(), GatewayError> {
        let delivery = self.courier.delivery();
        let made = delivery.windows();
        let stored = self.store_awaits_last.filter(|stored| *stored >= made);
        let (Some(stored), true) = (stored, self.over && self.source.waits) else {
            return Ok(());
        };
        let had = delivery.furthest_open().unwrap_or(stored).max(stored);
        warn!(
            session = %self.session.0,
            "the recording ends {:.1} s before what the store has of it: the session ends there",
            (had - made + 1) as f64 * WINDOW_NS as f64 * 1e-9,
        );
        self.ingest.finish_with(had, &mut self.windows);
        self.publish()
    }

    fn publish(&mut self) -> Result<(), GatewayError> {
        for window in std::mem::take(&mut self.windows) {
            self.courier.take(&window)?;
            self.ingest.recycle(window);
        }
        Ok(())
    }

    /// Records before anything else; the first failure is said and kept, the session goes on.
    fn record(&mut self, item: &Item) {
        if let Some(recorder) = &mut self.source.recorder
            && let Err(e) = tokio::task::block_in_place(|| recorder.item(item))
        {
            error!("failed to write the recording, the session goes on without it: {e}");
            self.recording_error.get_or_insert(e);
            self.source.recorder = None;
        }
    }

    /// Where the links stand, if that changed.
    fn say_sensors(&self, sensors: &mut Sensors) -> Result<(), GatewayError> {
        if !sensors.status.has_changed().unwrap_or(false) {
            return Ok(());
        }
        let mut status = sensors.status.borrow_and_update().clone();
        for link in &mut status {
            link.without = sensors.without.contains(&link.device);
        }
        let bytes = payload::encode_sensors(&status)?;
        if self.link.offer(&self.session, Subject::Sensors, bytes)? != Offered::Taken {
            sensors.status.mark_changed();
        }
        Ok(())
    }

    /// Takes an instruction, or says why not.
    fn follow(
        &mut self,
        order: Order,
        sensors: &mut Sensors,
    ) -> Result<Option<Item>, GatewayError> {
        let refused = sensors
            .refusal(&order.command)
            .or_else(|| self.no_room(&order.command, sensors.reserve_mb));
        let taken = refused.is_none();
        self.reply(order.id, refused)?;
        if let (true, Command::GoWithout { device, .. }) = (taken, &order.command) {
            sensors.without.insert(*device);
            sensors.status.mark_changed();
        }
        if taken {
            sensors.roster.follow(&order.command);
        }
        let now = (sensors.clock)();
        Ok(taken.then_some(Item::Command(now, order.command)))
    }

    /// Why no set begins: what is measured in it should have room where it is recorded and where it is stored.
    fn no_room(&self, command: &Command, reserve_mb: u64) -> Option<String> {
        if !matches!(command, Command::StartSet { .. }) {
            return None;
        }
        let recorded_to = self.source.recording.as_deref().and_then(Path::parent);
        // A folder that cannot be asked says what is wrong when it is written to.
        let here = recorded_to.and_then(|dir| store::shortage(folder(dir), reserve_mb).ok()?);
        let (whose, short) = match (here, self.store_short) {
            (Some(short), _) => ("recording", short),
            (None, Some(short)) => ("store", short),
            (None, None) => return None,
        };
        let words = short.words();
        Some(format!(
            "no set begins: on the disk of the {whose} {words}; make room"
        ))
    }

    fn reply(&mut self, id: String, refused: Option<String>) -> Result<(), GatewayError> {
        let bytes = payload::encode_reply(&Reply { id, refused })?;
        // Who waits for an older one has given up.
        if self.replies.len() == WAITING_ORDERS {
            self.replies.pop_front();
        }
        self.replies.push_back(bytes);
        Ok(())
    }

    fn message(&mut self, subject: &Subject, bytes: &[u8]) {
        match subject {
            // Taken back, by a gateway that had delivered all of it.
            Subject::Ack(_) if bytes.is_empty() => {}
            Subject::Ack(consumer) => match payload::decode_ack(bytes) {
                Ok(ack) => {
                    if consumer == STORE {
                        self.store_short = ack.short;
                        self.store_awaits_last = ack.awaits_last.then_some(ack.windows);
                        self.store_refuses = ack.refused;
                    }
                    self.courier.position(consumer, position(ack));
                }
                Err(e) => error!("failed to read an acknowledgement: {e}"),
            },
            Subject::Command if self.orders.len() < WAITING_ORDERS => {
                match payload::decode_order(bytes) {
                    Ok(order) => self.orders.push_back(order),
                    Err(e) => error!("failed to read an instruction: {e}"),
                }
            }
            Subject::Command => error!("too many instructions at once: one is not followed"),
            _ => {}
        }
    }
}

/// What the broker says when the connection of a gateway dies.
///
/// # Errors
/// A payload that cannot be formed.
pub fn will() -> Result<Vec<u8>, PayloadError> {
    payload::encode_status(&Status::of(Presence::Gone))
}

/// The folder of a file that is named without one is the working directory.
fn folder(dir: &Path) -> &Path {
    if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    }
}

fn position(ack: Ack) -> Position {
    Position {
        windows: ack.windows,
        closed: ack.closed,
        run: ack.run,
    }
}
