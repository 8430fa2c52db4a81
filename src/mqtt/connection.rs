//! What every client of the bus has in common: options, and how long to wait before trying again.

use super::{BusConfig, MAX_PACKET, publisher::PublishError, refusal::Refusal, target::Will};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use rumqttc::{
    AsyncClient, ConnectionError, EventLoop, LastWill, MqttOptions, QoS, TlsConfiguration,
    Transport,
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle};
use tracing::warn;

/// Messages without acknowledgement that the broker and we allow on a connection.
pub(super) const IN_FLIGHT: u16 = 100;

/// A fresh connection: its state begins anew, because a reused event loop can livelock on a packet id.
pub(super) fn fresh(bus: &BusConfig, keep_session: bool) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(&bus.client_id, &bus.host, bus.port);
    options
        .set_keep_alive(Duration::from_secs(10))
        .set_max_packet_size(MAX_PACKET, MAX_PACKET)
        .set_inflight(IN_FLIGHT)
        .set_clean_session(!keep_session);
    if let Some((user, password)) = &bus.user {
        options.set_credentials(user, &password.0);
    }
    if let Some(will) = &bus.will {
        let Will { topic, payload } = will;
        options.set_last_will(LastWill::new(
            topic,
            payload.clone(),
            QoS::AtLeastOnce,
            true,
        ));
    }
    if let Some(tls) = &bus.tls {
        let client = TlsConfiguration::Rustls(Arc::clone(&tls.client));
        options.set_transport(Transport::tls_with_config(client));
    }
    let (client, mut events) = AsyncClient::new(options, usize::from(IN_FLIGHT) * 2);
    events.network_options.set_tcp_nodelay(true);
    (client, events)
}

/// A connection that lasted for so long was none that somebody ends at once.
const LASTS: Duration = Duration::from_secs(2);
/// So many that were ended at once in a row are said.
const ENDED_AT_ONCE: u32 = 5;

/// How long to wait before the next attempt: growing, at most 10 s, with jitter: a broker nearby is back when it is back.
pub(super) struct Tries {
    waits: ExponentialBackoff,
    /// Over when the connection has lasted.
    lasts: Option<JoinHandle<()>>,
    ended_at_once: u32,
}

impl Tries {
    pub(super) fn new() -> Self {
        Self {
            waits: waits(),
            lasts: None,
            ended_at_once: 0,
        }
    }

    /// The broker has taken us.
    pub(super) fn connected(&mut self) {
        self.lasts = Some(tokio::spawn(tokio::time::sleep(LASTS)));
    }

    /// The connection ended, or did not come about: how long to wait.
    pub(super) fn ended(&mut self, troubles: &Troubles) -> Duration {
        if let Some(timer) = self.lasts.take() {
            let lasted = timer.is_finished();
            timer.abort();
            self.ended_at_once = if lasted { 0 } else { self.ended_at_once + 1 };
            if lasted {
                self.waits = waits();
            } else if self.ended_at_once == ENDED_AT_ONCE {
                troubles.ended_at_once();
            }
        }
        self.wait()
    }

    /// We end the connection ourselves: how long to wait.
    pub(super) fn wait(&mut self) -> Duration {
        if let Some(timer) = self.lasts.take() {
            timer.abort();
        }
        let wait = self.waits.next().unwrap_or(LONGEST_WAIT);
        wait.min(LONGEST_WAIT)
    }
}

const LONGEST_WAIT: Duration = Duration::from_secs(10);

fn waits() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(LONGEST_WAIT / 2)
        .with_jitter()
        .without_max_times()
        .build()
}

/// How long the first connection may take.
const FIRST_CONNECTION: Duration = Duration::from_secs(10);

/// What keeps a client from its broker, said once each time it changes.
pub(super) struct Troubles {
    bus: BusConfig,
    last: watch::Sender<Option<Refusal>>,
}

impl Troubles {
    /// Of a client of `bus`, and where they can be followed.
    pub(super) fn new(bus: BusConfig) -> (Self, watch::Receiver<Option<Refusal>>) {
        let (last, follow) = watch::channel(None);
        (Self { bus, last }, follow)
    }

    /// Why a connection did not come about, or ended.
    pub(super) fn heard(&self, error: &ConnectionError) {
        self.are(Refusal::of(&self.bus, error));
    }

    /// The broker takes us and ends each connection at once.
    fn ended_at_once(&self) {
        let (bus, name) = (&self.bus, &self.bus.client_id);
        warn!(
            client = name,
            "the broker at {bus} ends each connection at once: is another program called {name}? Give this one another \
             name with bus.client_id"
        );
    }

    /// What the broker refuses on a connection that stands.
    pub(super) fn are(&self, refusal: Refusal) {
        let new = self.last.borrow().as_ref() != Some(&refusal);
        if new {
            let (bus, why) = (&self.bus, &refusal.why);
            warn!(
                client = bus.client_id,
                "the broker at {bus} cannot be used, trying again: {why}"
            );
            self.last.send_replace(Some(refusal));
        }
    }

    /// There is a connection.
    pub(super) fn over(&self) {
        self.last.send_replace(None);
    }
}

/// Waits until `ready` on the first connection to `bus`; what does not pass by itself is not waited for.
pub(super) async fn first(
    bus: &BusConfig,
    ready: impl Future<Output = bool>,
    mut troubles: watch::Receiver<Option<Refusal>>,
) -> Result<(), PublishError> {
    let follow = troubles.clone();
    let lasting = troubles.wait_for(|t| t.as_ref().is_some_and(|t| t.lasting));
    tokio::select! {
        true = ready => return Ok(()),
        Ok(_) = lasting => {}
        () = tokio::time::sleep(FIRST_CONNECTION) => {}
    }
    let why = follow.borrow().as_ref().map(|t| t.why.clone());
    Err(match why {
        Some(why) => PublishError::refused(bus, why),
        None => PublishError::refused(
            bus,
            format!("it does not answer within {} s", FIRST_CONNECTION.as_secs()),
        ),
    })
}
