//! Publishing at least once.
//!
//! A bounded window of messages without PUBACK is ours, not the client library's: when the connection
//! drops, a fresh one is made and everything in the window is sent again, in order. Doubles are harmless
//! because payloads carry sequence numbers. What a spool would do for a long outage fits in front: it
//! would feed [`Publisher::publish`] from disk instead of from memory.

use super::{
    BusConfig, MAX_PACKET,
    connection::{IN_FLIGHT, Tries, Troubles, first, fresh},
};
use rumqttc::{AsyncClient, Event, EventLoop, Outgoing, Packet, QoS};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot, watch,
};
use tracing::{info, warn};

/// Messages waiting before the window; publishing waits when it is full.
const QUEUE: usize = 64;
/// Bytes of a packet beside topic and payload.
const PACKET_HEAD: usize = 16;

/// Why nothing can be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// No broker, or one that does not take us.
    #[error("use the broker at {broker}: {why}")]
    Refused {
        /// Its URL.
        broker: String,
        /// What happened, and what was expected.
        why: String,
    },
    /// More than the bus carries.
    #[error("publish {bytes} bytes to {topic} (at most {MAX_PACKET} with the topic)")]
    TooLarge {
        /// Where to.
        topic: String,
        /// Size of the payload.
        bytes: usize,
    },
    /// The client's task has ended.
    #[error("publish: the client of the bus has stopped")]
    Stopped,
    /// The broker did not take everything in time.
    #[error("have the broker take everything within {0:?}")]
    Unacknowledged(Duration),
}

impl PublishError {
    pub(super) fn refused(bus: &BusConfig, why: String) -> Self {
        let broker = bus.to_string();
        Self::Refused { broker, why }
    }
}

/// How the connection is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct State {
    /// There is one.
    pub connected: bool,
    /// Messages without PUBACK.
    pub in_flight: usize,
    /// Messages sent again after a drop, so far.
    pub resent: u64,
    /// Connections so far: one that came and went between two looks is seen.
    pub connections: u64,
}

/// What became of a message that nobody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// It is on its way.
    Taken,
    /// Too much is on its way already.
    Full,
    /// There is no connection now.
    Away,
}

struct Message {
    topic: String,
    payload: Vec<u8>,
    retain: bool,
}

enum Order {
    Publish(Message),
    Flush(oneshot::Sender<()>),
}

/// A client that publishes. Dropped, it ends after what it holds.
#[derive(Debug, Clone)]
pub struct Publisher {
    orders: mpsc::Sender<Order>,
    state: watch::Receiver<State>,
}

impl Publisher {
    /// Connects to the bus.
    ///
    /// # Errors
    /// No broker answers within 10 s, or it refuses.
    pub async fn connect(bus: BusConfig) -> Result<Self, PublishError> {
        let (orders, inbox) = mpsc::channel(QUEUE);
        let (told, mut state) = watch::channel(State::default());
        let (troubles, follow) = Troubles::new(bus.clone());
        let (client, events) = fresh(&bus, false);
        let broker = bus.clone();
        let worker = Worker {
            bus,
            client,
            events,
            window: VecDeque::new(),
            unsent: 0,
            by_id: BTreeMap::new(),
            next: 0,
            flushes: Vec::new(),
            state: told,
            troubles,
        };
        tokio::spawn(worker.run(inbox));
        let connected = async { state.wait_for(|s| s.connected).await.is_ok() };
        first(&broker, connected, follow).await?;
        Ok(Self { orders, state })
    }

    /// Publishes with QoS 1; waits while the window and the queue are full.
    ///
    /// # Errors
    /// Too large, or the client has stopped.
    pub async fn publish(
        &self,
        topic: &str,
        payload: Vec<u8>,
        retain: bool,
    ) -> Result<(), PublishError> {
        let order = order(topic, payload, retain)?;
        self.orders
            .send(order)
            .await
            .map_err(|_| PublishError::Stopped)
    }

    /// Publishes with QoS 1 if that can be done without waiting; what is not taken is the caller's still.
    ///
    /// # Errors
    /// Too large, or the client has stopped.
    pub fn offer(
        &self,
        topic: &str,
        payload: Vec<u8>,
        retain: bool,
    ) -> Result<Offered, PublishError> {
        let order = order(topic, payload, retain)?;
        if !self.state.borrow().connected {
            return Ok(Offered::Away);
        }
        match self.orders.try_send(order) {
            Ok(()) => Ok(Offered::Taken),
            Err(TrySendError::Full(_)) => Ok(Offered::Full),
            Err(TrySendError::Closed(_)) => Err(PublishError::Stopped),
        }
    }

    /// Messages on their way: waiting for the window, or in it without PUBACK.
    #[must_use]
    pub fn on_the_way(&self) -> usize {
        QUEUE - self.orders.capacity() + self.state.borrow().in_flight
    }

    /// How the connection is, whenever that changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Waits until everything published so far has its PUBACK.
    ///
    /// # Errors
    /// Not within `limit`.
    pub async fn flush(&self, limit: Duration) -> Result<(), PublishError> {
        let (done, wait) = oneshot::channel();
        self.orders
            .send(Order::Flush(done))
            .await
            .map_err(|_| PublishError::Stopped)?;
        match tokio::time::timeout(limit, wait).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(PublishError::Stopped),
            Err(_) => Err(PublishError::Unacknowledged(limit)),
        }
    }

    /// Ends it after what it holds, and waits for that, if it does not take long: the broker is told that it goes.
    pub async fn close(self, limit: Duration) {
        let Self { orders, mut state } = self;
        drop(orders);
        let gone = async { while state.changed().await.is_ok() {} };
        let _ = tokio::time::timeout(limit, gone).await;
    }

    /// How the connection is now.
    #[must_use]
    pub fn state(&self) -> State {
        *self.state.borrow()
    }
}

/// The order to publish, if the bus can carry it.
fn order(topic: &str, payload: Vec<u8>, retain: bool) -> Result<Order, PublishError> {
    if payload.len() + topic.len() + PACKET_HEAD > MAX_PACKET {
        return Err(PublishError::TooLarge {
            topic: topic.to_owned(),
            bytes: payload.len(),
        });
    }
    Ok(Order::Publish(Message {
        topic: topic.to_owned(),
        payload,
        retain,
    }))
}

struct Worker {
    bus: BusConfig,
    client: AsyncClient,
    events: EventLoop,
    /// Messages without PUBACK, with their numbers, in order.
    window: VecDeque<(u64, Message)>,
    /// How many at the end of the window have not been seen leaving.
    unsent: usize,
    /// Packet id to number, for those that have left.
    by_id: BTreeMap<u16, u64>,
    next: u64,
    /// Who waits until all before a number is acknowledged.
    flushes: Vec<(u64, oneshot::Sender<()>)>,
    state: watch::Sender<State>,
    troubles: Troubles,
}

impl Worker {
    async fn run(mut self, mut inbox: mpsc::Receiver<Order>) {
        let mut open = true;
        let mut tries = Tries::new();
        while open || !self.window.is_empty() {
            let room = open && self.window.len() < usize::from(IN_FLIGHT);
            let wait = tokio::select! {
                order = inbox.recv(), if room => {
                    match order {
                        Some(order) => self.order(order),
                        None => open = false,
                    }
                    None
                }
                event = self.events.poll() => match event {
                    Ok(event) => {
                        if self.event(&event) {
                            tries.connected();
                        }
                        None
                    }
                    Err(e) => {
                        self.troubles.heard(&e);
                        if self.state.borrow().connected {
                            warn!("the connection to the broker dropped, {} messages go again", self.window.len());
                        }
                        Some(tries.ended(&self.troubles))
                    }
                },
            };
            if let Some(wait) = wait {
                self.state.send_modify(|s| s.connected = false);
                tokio::time::sleep(wait).await;
                self.again();
            }
        }
        let _ = self.client.try_disconnect();
        // Lets the farewell leave; how it ends no longer matters.
        let _ = tokio::time::timeout(Duration::from_millis(200), self.events.poll()).await;
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Publish(message) => {
                self.hand_over(&message);
                self.window.push_back((self.next, message));
                self.next += 1;
                self.unsent += 1;
                self.tell();
            }
            Order::Flush(done) if self.window.is_empty() => {
                let _ = done.send(());
            }
            Order::Flush(done) => self.flushes.push((self.next, done)),
        }
    }

    /// The library's queue is twice the window: it cannot be full.
    fn hand_over(&self, message: &Message) {
        let sent = self.client.try_publish(
            &message.topic,
            QoS::AtLeastOnce,
            message.retain,
            message.payload.clone(),
        );
        if let Err(e) = sent {
            warn!(
                topic = message.topic,
                "handed over too fast, will go again after the next drop: {e}"
            );
        }
    }

    /// Follows an event; whether it was a new connection.
    fn event(&mut self, event: &Event) -> bool {
        match event {
            Event::Incoming(Packet::ConnAck(_)) => {
                self.troubles.over();
                self.state.send_modify(|s| {
                    s.connected = true;
                    s.connections += 1;
                });
                if self.next > 0 {
                    info!("connected to the broker again");
                }
                return true;
            }
            // Publishes leave in the order they were handed over.
            Event::Outgoing(Outgoing::Publish(id)) if *id != 0 && self.unsent > 0 => {
                let at = self.window.len() - self.unsent;
                if let Some((number, _)) = self.window.get(at) {
                    self.by_id.insert(*id, *number);
                }
                self.unsent -= 1;
            }
            Event::Incoming(Packet::PubAck(ack)) => {
                if let Some(number) = self.by_id.remove(&ack.pkid) {
                    self.acknowledged(number);
                }
            }
            _ => {}
        }
        false
    }

    fn acknowledged(&mut self, number: u64) {
        if let Some(at) = self.window.iter().position(|(n, _)| *n == number) {
            self.window.remove(at);
        }
        let oldest = self.window.front().map_or(self.next, |(n, _)| *n);
        for (upto, done) in std::mem::take(&mut self.flushes) {
            if upto <= oldest {
                let _ = done.send(());
            } else {
                self.flushes.push((upto, done));
            }
        }
        self.tell();
    }

    /// A fresh connection, and everything without PUBACK again.
    fn again(&mut self) {
        (self.client, self.events) = fresh(&self.bus, false);
        self.by_id.clear();
        self.unsent = self.window.len();
        for (_, message) in &self.window {
            self.hand_over(message);
        }
        let resent = self.window.len() as u64;
        self.state.send_modify(|s| s.resent += resent);
    }

    fn tell(&self) {
        let in_flight = self.window.len();
        self.state.send_modify(|s| s.in_flight = in_flight);
    }
}
