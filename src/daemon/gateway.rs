//! Sensors to the bus: every item is recorded first, then cut into windows, then published.
//!
//! Paced by what the consumers have acknowledged, so that neither a broker's memory nor its PUBACK is
//! trusted with data: at most [`CREDIT_WINDOWS`] windows are on their way at any time.

use super::{
    hub::{ANALYSIS, STORE},
    link::{Link, LinkError},
};
use crate::{
    model::{
        command::Command,
        link::LinkStatus,
        packet::DeviceIndex,
        session::{SessionHeader, SessionId},
        time::HostNs,
        window::Window,
    },
    pipeline::{
        batch,
        ingest::{Ingest, IngestError},
    },
    source::recorder::{Recorder, RecorderError},
    wire::{
        payload::{self, Announcement, Order, Reply},
        recording::Item,
        topic::Subject,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{Interval, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::error;

/// Windows that may be on their way before one of the consumers has to acknowledge: 6.4 s.
pub const CREDIT_WINDOWS: u64 = 64;

/// How long to wait for an acknowledgement before saying that a consumer does not answer.
const ACK_PATIENCE: Duration = Duration::from_secs(30);

/// The session could not be carried to its end.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The bus.
    #[error(transparent)]
    Bus(#[from] LinkError),
    /// A sensor without a driver.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// A consumer is silent.
    #[error("get an acknowledgement from the {consumer} within {} s (it has acknowledged window {seen:?} of {published})", ACK_PATIENCE.as_secs())]
    Unacknowledged {
        /// `store` or `analysis`.
        consumer: &'static str,
        /// Its last acknowledgement.
        seen: Option<u64>,
        /// Windows published.
        published: u64,
    },
}

/// How a session went.
#[derive(Debug)]
pub struct Carried {
    /// Windows published and acknowledged by every consumer.
    pub windows: u64,
    /// The recording could not be written to its end; the session itself is in the store.
    pub recording_error: Option<RecorderError>,
    /// The session was stopped before its source ended.
    pub stopped: bool,
}

/// One session on its way to the bus.
pub struct Gateway {
    link: Link,
    session: SessionId,
    ingest: Ingest,
    acks: BTreeMap<&'static str, (Option<u64>, bool)>,
    published: u64,
    /// Instructions that came while something else was waited for.
    orders: VecDeque<Order>,
}

/// What a session with real sensors has beside its items.
pub struct Sensors {
    /// The host's clock.
    pub clock: fn() -> HostNs,
    /// Where every sensor's link stands.
    pub status: watch::Receiver<Vec<LinkStatus>>,
    /// Sensors that the trainer goes on without.
    pub without: BTreeSet<DeviceIndex>,
}

impl Sensors {
    /// Why an instruction cannot be followed now: no set begins before every sensor is ready or was given up.
    fn refusal(&self, command: &Command) -> Option<String> {
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

impl Gateway {
    /// Announces the session.
    ///
    /// # Errors
    /// The bus, or a sensor without a driver.
    pub async fn announce(
        link: Link,
        header: &SessionHeader,
        plan_text: Option<&str>,
    ) -> Result<Self, GatewayError> {
        let ingest = Ingest::new(header)?;
        let session = header.session.clone();
        let announcement = Announcement {
            header: header.clone(),
            plan_text: plan_text.map(str::to_owned),
        };
        let bytes = payload::encode_announcement(&announcement).map_err(LinkError::from)?;
        link.publish(&session, Subject::Session, bytes).await?;
        let acks = BTreeMap::from([(ANALYSIS, (None, false)), (STORE, (None, false))]);
        Ok(Self {
            link,
            session,
            ingest,
            acks,
            published: 0,
            orders: VecDeque::new(),
        })
    }

    /// Carries `items` until they end or `stop`; then waits until all consumers have all of it.
    ///
    /// # Errors
    /// The bus refuses, or a consumer does not acknowledge.
    pub async fn carry(
        mut self,
        mut items: mpsc::Receiver<Item>,
        mut recorder: Option<Recorder>,
        header: &SessionHeader,
        stop: CancellationToken,
        mut sensors: Option<Sensors>,
    ) -> Result<Carried, GatewayError> {
        let (mut out, mut recording_error) = (Vec::new(), None);
        let mut end = header.started_host;
        let mut timer = interval(TIME_PASSES);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let stopped = loop {
            let next = self
                .next(&mut items, &stop, sensors.as_mut(), &mut timer)
                .await?;
            let item = match next {
                Next::Item(item) => item,
                Next::Time(now) => {
                    self.ingest.advance(now, &mut out);
                    self.publish(&mut out).await?;
                    continue;
                }
                Next::Over { early } => break early,
            };
            end = end.max(item.host());
            record(&mut recorder, &item, &mut recording_error);
            batch::take(&mut self.ingest, &item, &mut out);
            self.publish(&mut out).await?;
        };
        self.ingest.finish(end, &mut out);
        self.publish(&mut out).await?;
        if let Some(recorder) = recorder
            && let Err(e) = recorder.finish()
        {
            recording_error.get_or_insert(e);
        }
        self.wait(|acks| acks.values().all(|(_, closed)| *closed))
            .await?;
        // Takes back what was retained: the session is over.
        self.link
            .publish(&self.session, Subject::Session, Vec::new())
            .await?;
        if sensors.is_some() {
            self.link
                .publish(&self.session, Subject::Sensors, Vec::new())
                .await?;
        }
        self.link.flush(ACK_PATIENCE).await?;
        Ok(Carried {
            windows: self.published,
            recording_error,
            stopped,
        })
    }

    /// The next item, from the sensors or from a person; or that time passed.
    async fn next(
        &mut self,
        items: &mut mpsc::Receiver<Item>,
        stop: &CancellationToken,
        mut sensors: Option<&mut Sensors>,
        timer: &mut Interval,
    ) -> Result<Next, GatewayError> {
        let never = CancellationToken::new();
        loop {
            if let (Some(sensors), Some(order)) = (sensors.as_deref_mut(), self.orders.pop_front())
            {
                if let Some(item) = self.follow(order, sensors).await? {
                    return Ok(Next::Item(item));
                }
                continue;
            }
            let live = sensors.is_some();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Next::Over { early: true }),
                _ = timer.tick(), if live => {
                    if let Some(sensors) = sensors.as_deref_mut() {
                        self.say_sensors(sensors).await?;
                        // A packet that waits is older than the time.
                        if items.is_empty() {
                            return Ok(Next::Time(HostNs((sensors.clock)().0 - BEHIND_NS)));
                        }
                    }
                }
                message = self.link.next(&never), if live => {
                    if let Some((topic, bytes)) = message {
                        self.message(topic.subject(), &bytes);
                    }
                }
                item = items.recv() => {
                    return Ok(item.map_or(Next::Over { early: false }, Next::Item));
                }
            }
        }
    }

    /// Where the links stand, if that changed.
    async fn say_sensors(&self, sensors: &mut Sensors) -> Result<(), GatewayError> {
        if !sensors.status.has_changed().unwrap_or(false) {
            return Ok(());
        }
        let mut status = sensors.status.borrow_and_update().clone();
        for link in &mut status {
            link.without = sensors.without.contains(&link.device);
        }
        let bytes = payload::encode_sensors(&status).map_err(LinkError::from)?;
        self.link
            .publish(&self.session, Subject::Sensors, bytes)
            .await?;
        Ok(())
    }

    /// Takes an instruction, or says why not.
    async fn follow(
        &self,
        order: Order,
        sensors: &mut Sensors,
    ) -> Result<Option<Item>, GatewayError> {
        let refused = sensors.refusal(&order.command);
        let taken = refused.is_none();
        let reply = Reply {
            id: order.id,
            refused,
        };
        let bytes = payload::encode_reply(&reply).map_err(LinkError::from)?;
        self.link
            .publish(&self.session, Subject::Reply, bytes)
            .await?;
        if let (true, Command::GoWithout { device, .. }) = (taken, &order.command) {
            sensors.without.insert(*device);
            sensors.status.mark_changed();
        }
        let now = (sensors.clock)();
        Ok(taken.then_some(Item::Command(now, order.command)))
    }

    async fn publish(&mut self, windows: &mut Vec<Window>) -> Result<(), GatewayError> {
        for window in windows.drain(..) {
            for batch in &window.batches {
                let bytes = payload::encode_batch(batch).map_err(LinkError::from)?;
                self.link
                    .publish(&self.session, Subject::Samples(batch.stream), bytes)
                    .await?;
            }
            let bytes = payload::encode_manifest(&window.manifest).map_err(LinkError::from)?;
            self.link
                .publish(&self.session, Subject::Window, bytes)
                .await?;
            self.published += 1;
            self.ingest.recycle(window);
            let enough = self.published.saturating_sub(CREDIT_WINDOWS);
            let come = move |window: Option<u64>| window.map_or(0, |w| w + 1) >= enough;
            self.wait(|acks| acks.values().all(|(window, _)| come(*window)))
                .await?;
        }
        Ok(())
    }

    /// Waits until the acknowledgements are as `enough` wants them.
    async fn wait(
        &mut self,
        enough: impl Fn(&BTreeMap<&'static str, (Option<u64>, bool)>) -> bool,
    ) -> Result<(), GatewayError> {
        let never = CancellationToken::new();
        while !enough(&self.acks) {
            let next = tokio::time::timeout(ACK_PATIENCE, self.link.next(&never)).await;
            let Ok(Some((topic, bytes))) = next else {
                return Err(self.silent());
            };
            self.message(topic.subject(), &bytes);
        }
        Ok(())
    }

    fn message(&mut self, subject: &Subject, bytes: &[u8]) {
        match subject {
            Subject::Ack(consumer) => {
                let Some(known) = self.acks.get_mut(consumer.as_str()) else {
                    return;
                };
                match payload::decode_ack(bytes) {
                    Ok(ack) => *known = (Some(ack.window), ack.closed),
                    Err(e) => error!("failed to read an acknowledgement: {e}"),
                }
            }
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

    fn silent(&self) -> GatewayError {
        let slowest = self
            .acks
            .iter()
            .min_by_key(|(_, (window, closed))| (*closed, *window));
        let (consumer, seen) =
            slowest.map_or(("store", None), |(name, (window, _))| (*name, *window));
        GatewayError::Unacknowledged {
            consumer,
            seen,
            published: self.published,
        }
    }
}

/// What the session does next.
enum Next {
    Item(Item),
    /// Nothing will come from before this.
    Time(HostNs),
    Over {
        early: bool,
    },
}

/// Instructions that may wait.
const WAITING_ORDERS: usize = 64;

/// Records before anything else; the first failure is said and kept, the session goes on.
fn record(recorder: &mut Option<Recorder>, item: &Item, failure: &mut Option<RecorderError>) {
    if let Some(writer) = recorder
        && let Err(e) = tokio::task::block_in_place(|| writer.item(item))
    {
        error!("failed to write the recording, the session goes on without it: {e}");
        failure.get_or_insert(e);
        *recorder = None;
    }
}
