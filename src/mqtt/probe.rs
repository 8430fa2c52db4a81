//! Does a broker let us write and read what is ours? A broker that speaks MQTT 3.1.1 refuses in silence what its access
//! rules do not allow: so something is said, and listened for.

use super::{
    BusConfig,
    publisher::{PublishError, Publisher},
    refusal::Refusal,
    subscriber::{self, Stay},
};
use crate::{
    model::session::SessionId,
    wire::topic::{Subject, Topic},
};
use std::time::Duration;
use tokio::{sync::mpsc, time::timeout};

/// How long what was said may take to come back.
const ECHO: Duration = Duration::from_secs(3);

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
    let said = bus.client_id.clone().into_bytes();
    publisher.publish(&topic, said.clone(), false).await?;
    let heard = async {
        while let Some(message) = echo.recv().await {
            if message.payload == said {
                return true;
            }
        }
        false
    };
    let came = timeout(ECHO, heard).await.unwrap_or(false);
    drop(listening);
    if came {
        Ok(())
    } else {
        let why = Refusal::access(&bus, &topic).why;
        Err(PublishError::refused(&bus, why))
    }
}
