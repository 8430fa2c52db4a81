//! Subscribing at least once: the broker keeps our session over a drop, if we mean to come back, and every connection
//! subscribes again in case it did not.
//!
//! The channel to the worker is bounded: when it is full the connection is not read, and the broker
//! holds what it has. Nothing is dropped here.

use super::{
    BusConfig,
    connection::{fresh, patience},
    publisher::PublishError,
};
use rumqttc::{Event, Packet, QoS, SubscribeFilter};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tracing::warn;

/// A message of the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it was said.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
}

/// Whether the broker keeps our session while we are away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// It keeps what it has for us: a part of the daemon comes back.
    Kept,
    /// It keeps nothing: who asks once and leaves would fill a queue that nobody empties.
    Visit,
}

/// A running subscription; dropped, it ends.
#[derive(Debug)]
pub struct Subscription(JoinHandle<()>);

impl Drop for Subscription {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Subscribes to `filters`; messages go to `sink`. Returns when the broker has confirmed.
///
/// # Errors
/// No broker answers within 10 s.
pub async fn subscribe(
    bus: BusConfig,
    filters: Vec<String>,
    stay: Stay,
    sink: mpsc::Sender<Message>,
) -> Result<Subscription, PublishError> {
    let (host, port) = (bus.host.clone(), bus.port);
    let (confirmed, first) = oneshot::channel();
    let task = tokio::spawn(listen(bus, filters, stay, sink, confirmed));
    let limit = std::time::Duration::from_secs(10);
    if let Ok(Ok(())) = tokio::time::timeout(limit, first).await {
        return Ok(Subscription(task));
    }
    task.abort();
    Err(PublishError::Unreachable {
        host,
        port,
        reason: "no subscription confirmed".into(),
    })
}

async fn listen(
    bus: BusConfig,
    filters: Vec<String>,
    stay: Stay,
    sink: mpsc::Sender<Message>,
    confirmed: oneshot::Sender<()>,
) {
    let mut confirmed = Some(confirmed);
    let mut waits = patience();
    let (mut client, mut events) = fresh(&bus, stay == Stay::Kept);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                waits = patience();
                let all = filters
                    .iter()
                    .map(|f| SubscribeFilter::new(f.clone(), QoS::AtLeastOnce));
                if let Err(e) = client.try_subscribe_many(all) {
                    warn!("failed to subscribe: {e}");
                }
            }
            Ok(Event::Incoming(Packet::SubAck(_))) => {
                if let Some(first) = confirmed.take() {
                    let _ = first.send(());
                }
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let message = Message {
                    topic: publish.topic,
                    payload: publish.payload.to_vec(),
                };
                if sink.send(message).await.is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(e) => {
                if confirmed.is_none() {
                    warn!("the subscription dropped, subscribing again: {e}");
                }
                if let Some(wait) = waits.next() {
                    tokio::time::sleep(wait).await;
                }
                (client, events) = fresh(&bus, stay == Stay::Kept);
            }
        }
    }
}
