//! Does a broker let us write and read what is ours, and is it large enough? A broker that speaks MQTT 3.1.1 refuses in
//! silence what its access rules do not allow or what is too large for it: so something is said, and listened for.

use super::{
    BusConfig,
    publisher::{PublishError, Publisher},
    refusal::Refusal,
    subscriber::{self, Message, Stay},
};
use crate::{
    model::session::SessionId,
    wire::topic::{Subject, Topic},
};
use std::time::Duration;
use tokio::{sync::mpsc, time::timeout};

/// How long what was said may take to come back.
const ECHO: Duration = Duration::from_secs(3);
/// More than any batch of samples has, bytes.
const LARGE: usize = 64 * 1024;

/// Says something under a topic of ours, where nobody else listens, and waits for it.
///
/// # Errors
/// The broker cannot be reached, or refuses, or what was said does not come back.
pub async fn probe(bus: &BusConfig) -> Result<(), PublishError> {
    let name = format!("probe-{}", std::process::id());
    let bus = bus.named(&name);
    let topic = Topic::new(SessionId(name), Subject::Reply)
        .map_err(|e| PublishError::refused(&bus, e.to_string()))?
        .to_string();
    let (sink, mut echo) = mpsc::channel(16);
    let filters = vec![topic.clone()];
    let listening = subscriber::subscribe(bus.named("in"), filters, Stay::Visit, sink).await?;
    let publisher = Publisher::connect(bus.named("out")).await?;
    let mut said = bus.client_id.clone().into_bytes();
    publisher.publish(&topic, said.clone(), false).await?;
    if !comes_back(&mut echo, &said).await {
        let why = Refusal::access(&bus, &topic).why;
        return Err(PublishError::refused(&bus, why));
    }
    said.resize(LARGE, b'.');
    publisher.publish(&topic, said.clone(), false).await?;
    let large = comes_back(&mut echo, &said).await;
    drop(listening);
    if large {
        Ok(())
    } else {
        let why = format!(
            "it does not carry a message of {LARGE} bytes (expected a larger message_size_limit or max_packet_size there)"
        );
        Err(PublishError::refused(&bus, why))
    }
}

/// Whether what was said comes back in time.
async fn comes_back(echo: &mut mpsc::Receiver<Message>, said: &[u8]) -> bool {
    let heard = async {
        while let Some(message) = echo.recv().await {
            if message.payload == said {
                return true;
            }
        }
        false
    };
    timeout(ECHO, heard).await.unwrap_or(false)
}
