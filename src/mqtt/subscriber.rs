//! Subscribing at least once: the broker keeps our session over a drop, if we mean to come back, and every connection
//! subscribes again in case it did not.
//!
//! The channel to the worker is bounded: when it is full the connection is not read, and the broker
//! holds what it has. Nothing is dropped here.

use super::{
    BusConfig,
    connection::{Tries, Troubles, first, fresh},
    publisher::PublishError,
    refusal::Refusal,
};
use rumqttc::{Event, Packet, QoS, SubscribeFilter, SubscribeReasonCode};
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
/// No broker answers within 10 s, or it refuses.
pub async fn subscribe(
    bus: BusConfig,
    filters: Vec<String>,
    stay: Stay,
    sink: mpsc::Sender<Message>,
) -> Result<Subscription, PublishError> {
    let (confirmed, ready) = oneshot::channel();
    let (troubles, follow) = Troubles::new(bus.clone());
    let broker = bus.clone();
    // Dropped with an error, it ends.
    let running = Subscription(tokio::spawn(listen(
        bus, filters, stay, sink, confirmed, troubles,
    )));
    first(&broker, async { ready.await.is_ok() }, follow).await?;
    Ok(running)
}

async fn listen(
    bus: BusConfig,
    filters: Vec<String>,
    stay: Stay,
    sink: mpsc::Sender<Message>,
    confirmed: oneshot::Sender<()>,
    troubles: Troubles,
) {
    let mut confirmed = Some(confirmed);
    let mut tries = Tries::new();
    let (mut client, mut events) = fresh(&bus, stay == Stay::Kept);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                tries.connected();
                let all = filters
                    .iter()
                    .map(|f| SubscribeFilter::new(f.clone(), QoS::AtLeastOnce));
                if let Err(e) = client.try_subscribe_many(all) {
                    warn!("failed to subscribe: {e}");
                }
            }
            Ok(Event::Incoming(Packet::SubAck(ack)))
                if ack.return_codes.contains(&SubscribeReasonCode::Failure) =>
            {
                let refused: Vec<&str> = filters
                    .iter()
                    .zip(&ack.return_codes)
                    .filter(|(_, code)| **code == SubscribeReasonCode::Failure)
                    .map(|(filter, _)| filter.as_str())
                    .collect();
                troubles.are(Refusal::access(&bus, &refused.join(", ")));
                // Asks again in a while, on a new connection.
                tokio::time::sleep(tries.wait()).await;
                (client, events) = fresh(&bus, stay == Stay::Kept);
            }
            Ok(Event::Incoming(Packet::SubAck(_))) => {
                troubles.over();
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
                troubles.heard(&e);
                tokio::time::sleep(tries.ended(&troubles)).await;
                (client, events) = fresh(&bus, stay == Stay::Kept);
            }
        }
    }
}
