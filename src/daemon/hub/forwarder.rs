//! Samples on their way from the store to an `InfluxDB`: within a second while it takes them, later when it does not.
//! It has a handle of its own on the store: a server that hangs is in nobody's way.

use crate::{
    model::session::SessionId,
    store::{
        self, Forwarded, Settled, Store, StoreError,
        influx::{
            answer::Trouble,
            server::{Dialect, InfluxError, Server},
        },
    },
};
use anyhow::{Context, Result};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// Samples of one request, about.
const BATCH: u64 = 5_000;
/// Time between looking for what is new.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest time between tries while the server takes nothing.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Time that what is left at the end is sent for; the rest goes at the next start.
const LAST: Duration = Duration::from_secs(5);
/// Times that a finished session is read back until it is the same: a server may show what it took a little later.
const READINGS: u32 = 8;
/// After so many times it is sent once more: a server that was killed may have lost what it took.
const SENT_AGAIN: u32 = 4;

/// Sends until `stop`, then what is left for a few seconds.
///
/// # Errors
/// The store does not open, or a file of the settings cannot be read.
pub async fn forward(config: store::Config, stop: CancellationToken) -> Result<()> {
    let Some(target) = &config.influx else {
        return Ok(());
    };
    let server = Server::open(target).context("send samples to InfluxDB")?;
    let store = Store::open(&config.dir)
        .with_context(|| format!("open the store {}", config.dir.display()))?;
    let mut forwarder = Forwarder {
        at: target.words(),
        work: Some(Work { store, server }),
        raw_days: config.retention.raw_days.map(|days| days.get().into()),
        said: None,
        patience: patience(),
        readings: BTreeMap::new(),
    };
    forwarder.check().await;
    while !stop.is_cancelled() {
        let pause = forwarder.step().await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    let end = Instant::now() + LAST;
    while Instant::now() < end && forwarder.step().await.is_zero() {}
    forwarder.end().await;
    Ok(())
}

fn patience() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(PAUSE)
        .with_max_delay(LONGEST_PAUSE / 2)
        .with_jitter()
        .without_max_times()
        .build()
}

/// What waits for the network.
struct Work {
    store: Store,
    server: Server,
}

struct Forwarder {
    at: String,
    /// `None` after a panic within, which the runtime has said.
    work: Option<Work>,
    raw_days: Option<u64>,
    /// What was last said to be wrong.
    said: Option<String>,
    patience: ExponentialBackoff,
    /// How often finished sessions were read back, and when to try again.
    readings: BTreeMap<SessionId, (u32, Instant)>,
}

impl Forwarder {
    /// Does something with the store and the server off the async threads.
    async fn with<T: Send + 'static>(
        &mut self,
        task: impl FnOnce(&mut Work) -> T + Send + 'static,
    ) -> Option<T> {
        let mut work = self.work.take()?;
        let done = spawn_blocking(move || {
            let done = task(&mut work);
            (work, done)
        })
        .await;
        let (work, done) = done.ok()?;
        self.work = Some(work);
        Some(done)
    }

    /// Says what is wrong with the server before anything depends on it. A session does not: it is stored here.
    async fn check(&mut self) {
        let at = self.at.clone();
        match self.with(|w| w.server.check()).await {
            Some(Ok(fitness)) => {
                let what = match fitness.dialect {
                    Dialect::Influx => "InfluxDB",
                    Dialect::VictoriaMetrics => "VictoriaMetrics",
                };
                info!("samples go to {at} ({what})");
                if let Some(keeps_s) = fitness.keeps_s
                    && self
                        .raw_days
                        .is_none_or(|days: u64| keeps_s < days * 86_400)
                {
                    let days = keeps_s / 86_400;
                    warn!(
                        "{at} forgets samples after {days} days, which is less than store.retention.raw_days asks for"
                    );
                }
            }
            Some(Err(e)) => self.say(&e.to_string()),
            None => {}
        }
    }

    /// Sends what is due; how long to wait before the next. Zero: there may be more.
    async fn step(&mut self) -> Duration {
        let sent = self
            .with(|w| w.store.forward(&mut w.server, BATCH))
            .await
            .unwrap_or(Ok(Forwarded::default()));
        let sent = match sent {
            Ok(sent) => sent,
            Err(e) => {
                self.say(&e.to_string());
                return self.wait(None).await;
            }
        };
        if let Some(why) = &sent.why {
            let (at, count) = (&self.at, sent.kept_aside);
            error!("{at} refuses {count} samples, they stay in the store: {why}");
        }
        if let Some(trouble) = sent.trouble {
            self.say(&format!("{}: {trouble}", self.at));
            return self.wait(Some(&trouble)).await;
        }
        if self.said.take().is_some() {
            info!("{} takes samples again", self.at);
        }
        self.patience = patience();
        if sent.samples + sent.kept_aside > 0 {
            return Duration::ZERO;
        }
        self.settle().await;
        PAUSE
    }

    /// Once for each thing that is wrong.
    fn say(&mut self, what: &str) {
        if self.said.as_deref() != Some(what) {
            error!("samples wait in the store, tried again until they go: {what}");
            self.said = Some(what.to_owned());
        }
    }

    /// As long as a busy server asks for, or longer each time.
    async fn wait(&mut self, trouble: Option<&Trouble>) -> Duration {
        if let Some(Trouble::Busy { .. }) = trouble
            && let Some(Some(asked)) = self.with(|w| w.server.rest()).await
        {
            return asked;
        }
        let next = self.patience.next().unwrap_or(LONGEST_PAUSE);
        next.min(LONGEST_PAUSE)
    }

    /// Finished sessions leave the store when they read back the same.
    async fn settle(&mut self) {
        let ready = self.with(|w| w.store.sent_whole(&w.server)).await;
        let ready = match ready {
            Some(Ok(ready)) => ready,
            Some(Err(e)) => return self.say(&e.to_string()),
            None => return,
        };
        for session in ready {
            let (tried, next) = self
                .readings
                .get(&session)
                .copied()
                .unwrap_or((0, Instant::now()));
            if tried == READINGS || Instant::now() < next {
                continue;
            }
            let id = session.clone();
            let settled = self.with(move |w| w.store.settle(&mut w.server, &id)).await;
            let Some(settled) = settled else { return };
            let why = match settled {
                Ok(Settled::Moved) => {
                    info!(session = %session.0, "its samples are in {} and read back the same", self.at);
                    self.readings.remove(&session);
                    continue;
                }
                Ok(Settled::Stays(why)) => why,
                // It will be asked again.
                Err(StoreError::Influx(InfluxError::Trouble { .. }) | StoreError::Busy) => continue,
                Err(e) => e.to_string(),
            };
            let tried = tried + 1;
            if tried == SENT_AGAIN {
                warn!(session = %session.0, "its samples are sent once more: {why}");
                let id = session.clone();
                if let Some(Err(e)) = self.with(move |w| w.store.send_again(&w.server, &id)).await {
                    self.say(&e.to_string());
                }
            }
            if tried == READINGS {
                warn!(session = %session.0, "its samples stay in the store: {why}");
            }
            let pause = PAUSE * 2_u32.pow(tried % SENT_AGAIN);
            self.readings
                .insert(session, (tried, Instant::now() + pause));
        }
    }

    /// Says what is left.
    async fn end(&mut self) {
        if let Some(Ok(stats)) = self.with(|w| w.store.stats()).await
            && stats.samples_waiting > 0
        {
            let (count, at) = (stats.samples_waiting, &self.at);
            warn!(
                "{count} samples are still to go to {at}: they are in the store and go at the next start"
            );
        }
    }
}
