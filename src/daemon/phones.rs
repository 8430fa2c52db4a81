//! Phones' messages from the network, over HTTP and MQTT, to the door of the session.

use super::plant;
use crate::{
    config::Config,
    mqtt::{
        BusConfig,
        subscriber::{self, Stay},
    },
    source::phone::{Door, Refusal},
    web::{self, PhoneDoor, Refused},
};
use anyhow::{Context, Result};
use axum::Router;
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Messages between the broker and the door.
const WAITING: usize = 64;

/// What listens for phones.
#[derive(Default)]
pub struct Phones {
    door: Door,
    tasks: JoinSet<Result<()>>,
}

impl Phones {
    /// Listens until `stop` for what a process needs that has neither pages nor broker of its own; for nothing if no phone
    /// is configured.
    ///
    /// # Errors
    /// The address is in use, the broker does not answer.
    pub async fn listen(config: &Config, stop: &CancellationToken) -> Result<Self> {
        let mut phones = Self::default();
        if !config.has_phones() {
            return Ok(phones);
        }
        let listen = config.web.listen;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("take what phones push on {listen} ([web] listen)"))?;
        let (routes, token) = (routes(&phones.door), stop.clone());
        phones
            .tasks
            .spawn(async move { Ok(web::serve(listener, routes, token).await?) });
        if config.bus.url.is_some() {
            let bus = plant::bus(config).await?;
            phones.hear(&bus, config, stop).await?;
        }
        Ok(phones)
    }

    /// Hears what phones say on the broker until `stop`.
    ///
    /// # Errors
    /// The broker does not answer.
    pub async fn hear(
        &mut self,
        bus: &BusConfig,
        config: &Config,
        stop: &CancellationToken,
    ) -> Result<()> {
        let (sender, mut messages) = mpsc::channel(WAITING);
        let topic = config.phones.topic.clone();
        let bus = bus.named("phones");
        // Only what is live: the app does not ask the broker to keep anything.
        let subscription = subscriber::subscribe(bus, vec![topic.clone()], Stay::Visit, sender);
        let subscription = subscription
            .await
            .with_context(|| format!("hear what phones say on {topic}"))?;
        let (door, stop) = (self.door.clone(), stop.clone());
        self.tasks.spawn(async move {
            let _subscription = subscription;
            let mut said = String::new();
            while let Some(message) = tokio::select! {
                () = stop.cancelled() => None,
                message = messages.recv() => message,
            } {
                let refused = door.push(message.payload).await.err();
                let refused = refused.map(|r| r.to_string()).unwrap_or_default();
                // The same ten times a second tells nothing more.
                if !refused.is_empty() && refused != said {
                    warn!(topic, "a phone's message was not taken: {refused}");
                }
                said = refused;
            }
            Ok(())
        });
        Ok(())
    }

    /// Where messages come in.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// Waits until nothing listens any more, after the stop.
    ///
    /// # Errors
    /// What listened failed.
    pub async fn end(mut self) -> Result<()> {
        while let Some(ended) = self.tasks.join_next().await {
            ended.context("join a task")??;
        }
        Ok(())
    }
}

/// The HTTP route to a door.
pub fn routes(door: &Door) -> Router {
    web::phone_routes(Arc::new(Doorkeeper(door.clone())))
}

struct Doorkeeper(Door);

impl PhoneDoor for Doorkeeper {
    fn push(&self, body: Vec<u8>) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(async move {
            self.0.push(body).await.map_err(|refusal| {
                let said = refusal.to_string();
                match refusal {
                    Refusal::Unreadable(_) => Refused::Unreadable(said),
                    Refusal::Stranger { .. } | Refusal::NoSession => Refused::Unwanted(said),
                    Refusal::Busy => Refused::Busy(said),
                }
            })
        })
    }
}
