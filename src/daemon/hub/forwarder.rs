//! Samples on their way from the store to an `InfluxDB`: within a second while it takes them, later when it does not.
//! It has a handle of its own on the store: a server that hangs is in nobody's way.

use crate::{
    model::session::SessionId,
    store::{
        self, Settled, Store, StoreError,
        influx::{
            Target,
            answer::Trouble,
            server::{Dialect, InfluxError, Server},
        },
    },
};
use anyhow::{Context, Result};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::{
    collections::BTreeMap,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant, SystemTime},
};
use tokio::sync::oneshot;
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
/// Longest wait for it then.
const FAREWELL: Duration = Duration::from_secs(8);
/// Times that a finished session is read back until it is the same: a server may show what it took a little later.
const READINGS: u32 = 8;
/// After so many times it is sent once more: a server that was killed may have lost what it took.
const SENT_AGAIN: u32 = 4;

/// Sends until `stop`, then what is left for a few seconds. Whatever ails the server or its settings is said and tried
/// again: nothing that is stored here depends on it.
///
/// # Errors
/// None today; the signature is that of every task.
pub async fn forward(config: store::Config, stop: CancellationToken) -> Result<()> {
    let Some(target) = config.influx.clone() else {
        return Ok(());
    };
    let (quit, told) = mpsc::channel::<()>();
    let (ended, end) = oneshot::channel();
    // No task of the runtime, which waits for what runs in it: a request may take longer than who stops a session waits.
    let started = thread::Builder::new()
        .name("influx".to_owned())
        .spawn(move || {
            Forwarder::new(config, target).run(&told);
            // Nobody listens who has waited long enough.
            let _ = ended.send(());
        });
    if let Err(e) = started {
        error!("samples stay in the store: failed to start what sends them: {e}");
    }
    stop.cancelled().await;
    drop(quit);
    match tokio::time::timeout(FAREWELL, end).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => {
            error!(
                "what sends samples ended early: they are in the store and go at the next start"
            );
        }
        Err(_) => warn!(
            "the server takes its time: what did not go is in the store and goes at the next start"
        ),
    }
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

/// Waits; whether it is time to end.
fn ends(told: &Receiver<()>, pause: Duration) -> bool {
    told.recv_timeout(pause) != Err(RecvTimeoutError::Timeout)
}

/// What is used to send.
struct Work {
    store: Store,
    server: Server,
}

struct Forwarder {
    config: store::Config,
    target: Target,
    at: String,
    /// The server keeps samples as long as they are to be kept; not known before it answers.
    keeps: Option<bool>,
    /// What was last said to be wrong.
    said: Option<String>,
    patience: ExponentialBackoff,
    /// Waits after queries that were not answered, and when the next may be made: writing goes on meanwhile.
    queries: ExponentialBackoff,
    settle_from: Instant,
    /// How often finished sessions were read back, and when to try again.
    readings: BTreeMap<SessionId, (u32, Instant)>,
}

impl Forwarder {
    fn new(config: store::Config, target: Target) -> Self {
        Self {
            config,
            at: target.words(),
            target,
            keeps: None,
            said: None,
            patience: patience(),
            queries: patience(),
            settle_from: Instant::now(),
            readings: BTreeMap::new(),
        }
    }

    fn run(mut self, told: &Receiver<()>) {
        let mut work = loop {
            match self.open() {
                Ok(work) => break work,
                Err(e) => self.say(&format!("{e:#}")),
            }
            let pause = self.pause();
            if ends(told, pause) {
                return;
            }
        };
        loop {
            let pause = self.step(&mut work);
            if ends(told, pause) {
                break;
            }
        }
        let end = Instant::now() + LAST;
        while Instant::now() < end && self.step(&mut work).is_zero() {}
        self.end(&work);
    }

    fn open(&self) -> Result<Work> {
        let dir = &self.config.dir;
        Ok(Work {
            server: Server::open(&self.target)?,
            store: Store::open(dir).with_context(|| format!("open the store {}", dir.display()))?,
        })
    }

    /// Asks the server what it is and how long it keeps samples: none leaves the store before that is known.
    fn check(&mut self, work: &mut Work) {
        let fitness = match work.server.check() {
            Ok(fitness) => fitness,
            Err(e) => return self.say(&e.to_string()),
        };
        let at = self.at.clone();
        let what = match fitness.dialect {
            Dialect::Influx => "InfluxDB",
            Dialect::VictoriaMetrics => "VictoriaMetrics",
        };
        info!("samples go to {at} ({what})");
        let forgets = fitness.forgets(&self.config.retention);
        self.keeps = Some(forgets.is_none());
        if let Some(forgets) = forgets {
            warn!("{at} {forgets}: they also stay in the store");
        }
    }

    /// Sends what is due; how long to wait before the next. Zero: there may be more.
    fn step(&mut self, work: &mut Work) -> Duration {
        let sent = match work.store.forward(&mut work.server, BATCH) {
            Ok(sent) => sent,
            Err(e) => {
                self.say(&e.to_string());
                return self.pause();
            }
        };
        if let Some(why) = &sent.why {
            let (at, count) = (&self.at, sent.kept_aside);
            error!("{at} refuses {count} samples, they stay in the store: {why}");
        }
        if let Some(trouble) = sent.trouble {
            self.say(&format!("{}: {trouble}", self.at));
            if trouble.needs_somebody() {
                // Who sees to it may have changed a file.
                match Server::open(&self.target) {
                    Ok(server) => work.server = server,
                    Err(e) => self.say(&e.to_string()),
                }
            }
            let busy = matches!(trouble, Trouble::Busy { .. });
            let asked = busy.then(|| work.server.rest(SystemTime::now())).flatten();
            return asked.map_or_else(|| self.pause(), |asked| asked.max(PAUSE));
        }
        let more = sent.samples + sent.kept_aside > 0;
        if self.keeps.is_none() {
            self.check(work);
        }
        if self.keeps.is_none() {
            return if more { Duration::ZERO } else { self.pause() };
        }
        if self.said.take().is_some() {
            info!("{} takes samples again", self.at);
        }
        self.patience = patience();
        if more {
            return Duration::ZERO;
        }
        if self.keeps == Some(true) && self.settle_from <= Instant::now() {
            self.settle(work);
        }
        PAUSE
    }

    /// Once for each thing that is wrong.
    fn say(&mut self, what: &str) {
        if self.said.as_deref() != Some(what) {
            error!("samples wait in the store, tried again until they go: {what}");
            self.said = Some(what.to_owned());
        }
    }

    /// Longer each time.
    fn pause(&mut self) -> Duration {
        let next = self.patience.next().unwrap_or(LONGEST_PAUSE);
        next.min(LONGEST_PAUSE)
    }

    /// Finished sessions leave the store when they read back the same.
    fn settle(&mut self, work: &mut Work) {
        let ready = match work.store.sent_whole(&work.server) {
            Ok(ready) => ready,
            Err(e) => return self.say(&e.to_string()),
        };
        for session in ready {
            let known = self.readings.get(&session).copied();
            let (tried, next) = known.unwrap_or((0, Instant::now()));
            if tried == READINGS || Instant::now() < next {
                continue;
            }
            let why = match work.store.settle(&mut work.server, &session) {
                Ok(Settled::Moved) => {
                    self.queries = patience();
                    info!(session = %session.0, "its samples are in {} and read back the same", self.at);
                    self.readings.remove(&session);
                    continue;
                }
                Ok(Settled::Stays(why)) => why,
                Err(StoreError::Busy) => continue,
                // No other session would fare better, and what is live goes first.
                Err(StoreError::Influx(e @ InfluxError::Trouble { .. })) => {
                    warn!(session = %session.0, "its samples are not read back yet, tried again: {e}");
                    let busy = matches!(
                        e,
                        InfluxError::Trouble {
                            trouble: Trouble::Busy { .. },
                            ..
                        }
                    );
                    let asked = busy.then(|| work.server.rest(SystemTime::now())).flatten();
                    let pause = asked.or_else(|| self.queries.next());
                    self.settle_from = Instant::now() + pause.unwrap_or(LONGEST_PAUSE).max(PAUSE);
                    return;
                }
                Err(e) => e.to_string(),
            };
            let tried = tried + 1;
            if tried == SENT_AGAIN {
                warn!(session = %session.0, "its samples are sent once more: {why}");
                if let Err(e) = work.store.send_again(&work.server, &session) {
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
    fn end(&self, work: &Work) {
        if let Ok(stats) = work.store.stats()
            && stats.samples_waiting > 0
        {
            let (count, at) = (stats.samples_waiting, &self.at);
            warn!(
                "{count} samples are still to go to {at}: they are in the store and go at the next start"
            );
        }
    }
}
