//! The store on the bus: windows and events in, durable in groups, then acknowledged.
//!
//! Nothing is acknowledged that is not durable. While the store cannot take it, a bounded number of windows is kept
//! and tried again; the rest is not taken, and comes again from whoever publishes.

use super::{STORE, SharedStore, assemble_into, lock, retained, run_number, understood};
use crate::{
    daemon::link::{Link, LinkError},
    model::{event::Numbered, room::Shortage, session::SessionId, window::Window},
    mqtt::publisher::Offered,
    pipeline::{assemble::Assembler, delivery::REACH},
    store::{self, Standing, Store, StoreError},
    wire::{
        payload::{self, Ack, Refused},
        topic::{Subject, Topic},
    },
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// Longest time between taking a sample and making it durable.
const GROUP_COMMIT: Duration = Duration::from_millis(200);
/// How long to leave a store alone that could not take something.
const RECOVERY: Duration = Duration::from_secs(1);
/// How often the disk is asked for its room.
const LOOK: Duration = Duration::from_secs(2);
/// Events that are kept for a store that does not take them; the analysis keeps all.
const MOST_EVENTS: usize = 10_000;

struct Stored {
    assembler: Assembler,
    windows: Vec<Window>,
    events: BTreeMap<u64, Numbered>,
    there: Standing,
    /// Somebody wants to know.
    asked: bool,
    /// It failed; not to be tried before.
    failing: Option<Instant>,
}

/// Takes windows and events off the bus and makes them durable in groups. Runs until `stop`, then
/// writes what it holds.
///
/// # Errors
/// The bus cannot be reached at all.
pub async fn store(
    link: Link,
    store: SharedStore,
    config: store::Config,
    stop: CancellationToken,
) -> Result<(), LinkError> {
    let mut storer = Storer {
        link,
        store,
        config,
        run: run_number(),
        short: None,
        sessions: BTreeMap::new(),
        unbegun: BTreeMap::new(),
    };
    if storer.config.influx.is_none() {
        tokio::spawn(archive_rest(
            SharedStore::clone(&storer.store),
            stop.clone(),
        ));
    }
    let mut commit = tokio::time::interval(GROUP_COMMIT);
    commit.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = storer.link.next(&stop) => match message {
                Some((topic, bytes)) => storer.message(&topic, &bytes),
                None => break,
            },
            _ = commit.tick() => storer.commit().await?,
            _ = look.tick() => storer.look(),
        }
    }
    storer.commit().await
}

struct Storer {
    link: Link,
    store: SharedStore,
    config: store::Config,
    run: u64,
    /// What is free is less than what is to be kept free.
    short: Option<Shortage>,
    sessions: BTreeMap<SessionId, Stored>,
    /// Sessions that could not be begun, and whether they never can be: to be said.
    unbegun: BTreeMap<SessionId, Option<Refused>>,
}

impl Storer {
    fn message(&mut self, topic: &Topic, bytes: &[u8]) {
        let session = topic.session();
        if *topic.subject() == Subject::Session {
            // An empty one takes the announcement back.
            if !bytes.is_empty() {
                self.announced(topic, bytes);
            }
            return;
        }
        let Some(state) = self.sessions.get_mut(session) else {
            return;
        };
        if *topic.subject() != Subject::Event {
            if (state.windows.len() as u64) < REACH {
                assemble_into(&mut state.assembler, topic, bytes, &mut state.windows);
            }
        } else if state.events.len() < MOST_EVENTS
            && let Some(event) = understood(topic, payload::decode_event(bytes))
            && event.sequence >= state.there.events
        {
            state.events.insert(event.sequence, event);
        }
    }

    /// A session begins, or whoever publishes it wants to know how far it is stored.
    fn announced(&mut self, topic: &Topic, bytes: &[u8]) {
        let session = topic.session();
        if let Some(state) = self.sessions.get_mut(session) {
            state.asked = true;
            return;
        }
        let Some(announcement) = understood(topic, payload::decode_announcement(bytes)) else {
            return;
        };
        let (header, plan_text) = (&announcement.header, announcement.plan_text.as_deref());
        let mut store = lock(&self.store);
        let begun = store.begin(header, plan_text);
        // A run before may have been killed between its last commit and the end.
        match begun.and_then(|()| settle(&mut store, session)) {
            Ok(there) => {
                info!(session = %session.0, windows = there.windows, "session begins");
                self.sessions.insert(session.clone(), Stored::new(there));
            }
            Err(e) => {
                error!(session = %session.0, "failed to store the session: {e}");
                let refused = match e {
                    StoreError::Erased(_) => Some(Refused::Erased),
                    StoreError::DifferentSession(_) => Some(Refused::Different),
                    StoreError::Damaged(_) => Some(Refused::Damaged),
                    _ => None,
                };
                self.unbegun.insert(session.clone(), refused);
            }
        }
    }

    /// Says of sessions that could not be begun why, and takes back what the broker keeps of those that were erased.
    fn say_unbegun(&mut self) -> Result<(), LinkError> {
        let mut waiting = BTreeMap::new();
        for (session, refused) in std::mem::take(&mut self.unbegun) {
            let ack = Ack {
                windows: 0,
                events: 0,
                closed: false,
                run: self.run,
                short: self.short,
                awaits_last: false,
                refused,
            };
            let said = Subject::Ack(STORE.into());
            let mut all = vec![(said, payload::encode_ack(&ack)?)];
            if refused == Some(Refused::Erased) {
                all.extend(retained().map(|subject| (subject, Vec::new())));
            }
            for (subject, bytes) in all {
                if self.link.offer(&session, subject, bytes)? != Offered::Taken {
                    waiting.insert(session, refused);
                    break;
                }
            }
        }
        self.unbegun = waiting;
        Ok(())
    }

    /// Says when room gets short, and when there is some again.
    fn look(&mut self) {
        let short = match store::shortage(&self.config.dir, self.config.reserve_mb) {
            Ok(short) => short,
            // Whether there is room shows when something is written.
            Err(e) => return warn!("failed to ask the disk of the store for its room: {e}"),
        };
        if short == self.short {
            return;
        }
        match (short, self.short) {
            (Some(s), None) => warn!("no set begins: on the disk of the store {}", s.words()),
            (None, Some(_)) => info!("there is room on the disk of the store again"),
            _ => {}
        }
        self.short = short;
        for state in self.sessions.values_mut() {
            state.asked = true;
        }
    }

    /// Makes durable what came, and says so.
    async fn commit(&mut self) -> Result<(), LinkError> {
        self.say_unbegun()?;
        for (session, state) in &mut self.sessions {
            let rests = state.failing.is_some_and(|until| Instant::now() < until);
            let nothing = rests || state.windows.is_empty() && state.events.is_empty();
            let written = !nothing && write(&self.store, session, state).await;
            // Also while nothing can be written: that there is no room is said.
            if !written && !state.asked {
                continue;
            }
            let ack = Ack {
                windows: state.there.windows,
                events: state.there.events,
                closed: state.there.closed,
                run: self.run,
                short: self.short,
                awaits_last: state.there.windows > 0 && !state.there.last_window,
                refused: None,
            };
            let bytes = payload::encode_ack(&ack)?;
            let said = Subject::Ack(STORE.into());
            // Not waited for: what comes is stored while the broker takes nothing.
            state.asked = self.link.offer(session, said, bytes)? != Offered::Taken;
            // With an InfluxDB they go there instead.
            if state.there.closed && !state.asked && self.config.influx.is_none() {
                archive(&self.store, session).await;
            }
        }
        self.sessions.retain(|_, s| !s.there.closed || s.asked);
        Ok(())
    }
}

impl Stored {
    fn new(there: Standing) -> Self {
        Self {
            assembler: Assembler::from_window(there.windows),
            windows: Vec::new(),
            events: BTreeMap::new(),
            there,
            asked: true,
            failing: None,
        }
    }
}

/// One transaction; whether the store took it. What it did not take is kept.
async fn write(store: &SharedStore, session: &SessionId, state: &mut Stored) -> bool {
    let (shared, id) = (SharedStore::clone(store), session.clone());
    let windows = std::mem::take(&mut state.windows);
    let events: Vec<Numbered> = std::mem::take(&mut state.events).into_values().collect();
    let task = move || {
        let written = append(&shared, &id, &windows, &events);
        (windows, events, written)
    };
    let Ok((windows, events, written)) = tokio::task::spawn_blocking(task).await else {
        // A panic, which the runtime has said: what it held comes again.
        error!(session = %session.0, "the storing task ended early");
        *state = Stored::new(state.there);
        return false;
    };
    match written {
        Ok(there) => {
            if state.failing.take().is_some() {
                info!(session = %session.0, "the store takes again");
            }
            state.there = there;
            true
        }
        Err(e) => {
            if state.failing.is_none() {
                error!(session = %session.0, "failed to store, trying again until it is: {e}");
            }
            state.failing = Some(Instant::now() + RECOVERY);
            state.windows = windows;
            state.events = events.into_iter().map(|e| (e.sequence, e)).collect();
            false
        }
    }
}

/// Makes all of it durable; then what the store has of the session.
fn append(
    store: &SharedStore,
    session: &SessionId,
    windows: &[Window],
    events: &[Numbered],
) -> Result<Standing, StoreError> {
    let mut store = lock(store);
    store.append(session, windows, events)?;
    settle(&mut store, session)
}

/// Closes the session if all of it is there; then what the store has of it.
fn settle(store: &mut Store, session: &SessionId) -> Result<Standing, StoreError> {
    let there = store.standing(session)?;
    if there.closed || !(there.last_window && there.last_event) {
        return Ok(there);
    }
    store.close(session)?;
    store.standing(session)
}

/// Finished sessions whose samples have not moved to columns: the run before was killed, or there was no room.
async fn archive_rest(store: SharedStore, stop: CancellationToken) {
    let shared = SharedStore::clone(&store);
    let left = tokio::task::spawn_blocking(move || lock(&shared).uncompacted()).await;
    match left {
        Ok(Ok(left)) => {
            for session in left {
                if stop.is_cancelled() {
                    return;
                }
                archive(&store, &session).await;
            }
        }
        Ok(Err(e)) => warn!("failed to look for finished sessions to archive: {e}"),
        // A panic, which the runtime has said.
        Err(_) => {}
    }
}

/// A finished session's samples move to columns. They are durable before and after: a failure costs room,
/// nothing else.
async fn archive(store: &SharedStore, session: &SessionId) {
    let (store, id) = (SharedStore::clone(store), session.clone());
    let moved = tokio::task::spawn_blocking(move || lock(&store).compact(&id)).await;
    if let Ok(Err(e)) = moved {
        warn!(session = %session.0, "failed to archive the session, it stays as it is: {e}");
    }
}
