//! One client's two ends of the bus: typed topics in, typed topics out.

use crate::{
    model::session::SessionId,
    mqtt::{
        BusConfig,
        publisher::{Offered, PublishError, Publisher, State},
        subscriber::{self, Message, Stay, Subscription},
    },
    wire::{
        payload::PayloadError,
        topic::{Part, Subject, Topic, TopicError},
    },
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Messages waiting between the radio side and the worker; the subscriber waits when it is full, the
/// broker keeps what is not taken.
const QUEUE: usize = 1024;

/// A client of the bus.
pub struct Link {
    publisher: Publisher,
    messages: mpsc::Receiver<Message>,
    _subscription: Subscription,
}

/// The bus refuses, or something cannot be said on it.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The client of the bus.
    #[error(transparent)]
    Bus(#[from] PublishError),
    /// A payload that cannot be formed.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// A topic that cannot be formed.
    #[error(transparent)]
    Topic(#[from] TopicError),
}

impl LinkError {
    /// The client of the bus has ended.
    #[must_use]
    pub const fn stopped() -> Self {
        Self::Bus(PublishError::Stopped)
    }
}

impl Link {
    /// Connects `name` to the bus, for as long as the daemon lives, and subscribes to `parts` of one session, or of all.
    ///
    /// # Errors
    /// The broker cannot be reached or refuses.
    pub async fn connect(
        bus: &BusConfig,
        name: &str,
        parts: &[Part],
        session: Option<&SessionId>,
    ) -> Result<Self, LinkError> {
        Self::open(bus, bus, name, parts, session, Stay::Kept).await
    }

    /// The same for who asks something and leaves: the broker forgets `name` then.
    ///
    /// # Errors
    /// As [`Link::connect`].
    pub async fn visit(
        bus: &BusConfig,
        name: &str,
        parts: &[Part],
        session: Option<&SessionId>,
    ) -> Result<Self, LinkError> {
        Self::open(bus, bus, name, parts, session, Stay::Visit).await
    }

    /// Connects as [`Link::connect`] does; when the connection dies, the broker says `will` of `session`.
    ///
    /// # Errors
    /// As [`Link::connect`].
    pub async fn connect_with_will(
        bus: &BusConfig,
        name: &str,
        parts: &[Part],
        session: &SessionId,
        will: (Subject, Vec<u8>),
    ) -> Result<Self, LinkError> {
        let topic = Topic::new(session.clone(), will.0)?.to_string();
        let speaks = bus.clone().with_will(topic, will.1);
        // Where consumers stand is retained: a broker that keeps filters of every session for us is of no use.
        Self::open(bus, &speaks, name, parts, Some(session), Stay::Visit).await
    }

    /// `speaks`: the broker as the client that publishes sees it.
    async fn open(
        bus: &BusConfig,
        speaks: &BusConfig,
        name: &str,
        parts: &[Part],
        session: Option<&SessionId>,
        stay: Stay,
    ) -> Result<Self, LinkError> {
        let (sender, messages) = mpsc::channel(QUEUE);
        let filters = parts
            .iter()
            .map(|p| p.filter(session))
            .collect::<Result<Vec<_>, _>>()?;
        let subscription =
            subscriber::subscribe(bus.named(&format!("{name}-in")), filters, stay, sender).await?;
        let publisher = Publisher::connect(speaks.named(&format!("{name}-out"))).await?;
        Ok(Self {
            publisher,
            messages,
            _subscription: subscription,
        })
    }

    /// The next message with a topic of ours; `None` when stopped.
    pub async fn next(&mut self, stop: &CancellationToken) -> Option<(Topic, Vec<u8>)> {
        loop {
            let message = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                message = self.messages.recv() => message?,
            };
            match message.topic.parse::<Topic>() {
                Ok(topic) => return Some((topic, message.payload)),
                Err(e) => warn!(topic = message.topic, "not a topic of ours: {e}"),
            }
        }
    }

    /// Publishes; waits when too much is on its way.
    ///
    /// # Errors
    /// The payload is too large for the bus, or the client has stopped.
    pub async fn publish(
        &self,
        session: &SessionId,
        subject: Subject,
        payload: Vec<u8>,
    ) -> Result<(), LinkError> {
        let retain = subject.retained();
        let topic = Topic::new(session.clone(), subject)?.to_string();
        Ok(self.publisher.publish(&topic, payload, retain).await?)
    }

    /// Publishes if that can be done without waiting.
    ///
    /// # Errors
    /// As [`Link::publish`].
    pub fn offer(
        &self,
        session: &SessionId,
        subject: Subject,
        payload: Vec<u8>,
    ) -> Result<Offered, LinkError> {
        let retain = subject.retained();
        let topic = Topic::new(session.clone(), subject)?.to_string();
        Ok(self.publisher.offer(&topic, payload, retain)?)
    }

    /// Messages on their way to the broker.
    #[must_use]
    pub fn on_the_way(&self) -> usize {
        self.publisher.on_the_way()
    }

    /// How the connection is, whenever that changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<State> {
        self.publisher.watch()
    }

    /// Leaves, after what was published: the broker is told, so that it says no last will.
    pub async fn close(self, limit: std::time::Duration) {
        self.publisher.close(limit).await;
    }

    /// Waits until the broker has taken everything.
    ///
    /// # Errors
    /// It does not within `limit`.
    pub async fn flush(&self, limit: std::time::Duration) -> Result<(), LinkError> {
        Ok(self.publisher.flush(limit).await?)
    }
}
