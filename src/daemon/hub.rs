//! The consumers of the bus: the analysis and the store, each a subscriber like anyone else.
//!
//! A consumer says, retained, how far it has come (`ack/analysis`, `ack/store`): the gateway paces itself
//! by that, and a PUBACK alone is never taken for stored.

use super::link::{Link, LinkError};
use crate::{
    model::{
        event::{Event, Numbered},
        session::{SessionHeader, SessionId},
        window::Window,
    },
    pipeline::{
        analysis::{Analysis, Params},
        assemble::{self, Assembler},
    },
    store::Store,
    wire::{
        payload::{self, Ack, Announcement},
        topic::{Subject, Topic},
    },
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// Longest time between taking a sample and making it durable.
const GROUP_COMMIT: Duration = Duration::from_millis(200);

/// Name of the analysis in acknowledgements.
pub const ANALYSIS: &str = "analysis";
/// Name of the store in acknowledgements.
pub const STORE: &str = "store";

struct Analysed {
    assembler: Assembler,
    analysis: Analysis,
}

/// Takes windows off the bus, says what it finds back onto it. Runs until `stop`.
///
/// # Errors
/// The bus cannot be reached at all.
pub async fn analyse(
    mut link: Link,
    params: Params,
    stop: CancellationToken,
) -> Result<(), LinkError> {
    let mut sessions: BTreeMap<SessionId, Analysed> = BTreeMap::new();
    let mut windows = Vec::new();
    let mut said = Vec::new();
    while let Some((topic, bytes)) = link.next(&stop).await {
        let session = topic.session().clone();
        if *topic.subject() == Subject::Session {
            // An empty one takes the announcement back.
            if bytes.is_empty() {
                continue;
            }
            if let Some(announcement) = understood(&topic, payload::decode_announcement(&bytes)) {
                sessions
                    .entry(session)
                    .or_insert_with(|| begin(&params, &announcement));
            }
            continue;
        }
        let Some(state) = sessions.get_mut(&session) else {
            continue;
        };
        assemble_into(&mut state.assembler, &topic, &bytes, &mut windows);
        let mut done = None;
        for window in windows.drain(..) {
            state.analysis.push(&window, &mut said);
            done = Some((window.manifest.index, window.manifest.last));
        }
        for numbered in said.drain(..) {
            let subject = match numbered.event {
                Event::Live(_) => Subject::Live,
                _ => Subject::Event,
            };
            link.publish(&session, subject, payload::encode_event(&numbered)?)
                .await?;
        }
        if let Some((window, last)) = done {
            let ack = Ack {
                window,
                closed: last,
            };
            link.publish(
                &session,
                Subject::Ack(ANALYSIS.into()),
                payload::encode_ack(&ack)?,
            )
            .await?;
            if last {
                sessions.remove(&session);
            }
        }
    }
    Ok(())
}

fn begin(params: &Params, announcement: &Announcement) -> Analysed {
    let plan =
        announcement
            .plan_text
            .as_deref()
            .and_then(|text| match crate::wire::plan::parse(text) {
                Ok(parsed) => Some(parsed.plan),
                Err(problems) => {
                    error!(
                        problems = problems.len(),
                        "plan of the session does not parse: limits not checked"
                    );
                    None
                }
            });
    Analysed {
        assembler: Assembler::new(assemble::Params::default()),
        analysis: Analysis::new(params, &announcement.header, plan.as_ref()),
    }
}

/// Gives a message of the bus to the assembler; what cannot be read is counted in the log and stays
/// missing, so that its window says so.
fn assemble_into(assembler: &mut Assembler, topic: &Topic, bytes: &[u8], out: &mut Vec<Window>) {
    match topic.subject() {
        Subject::Samples(_) => {
            if let Some(batch) = understood(topic, payload::decode_batch(bytes)) {
                assembler.batch(batch, out);
            }
        }
        Subject::Window => {
            if let Some(manifest) = understood(topic, payload::decode_manifest(bytes)) {
                assembler.manifest(manifest, out);
            }
        }
        _ => {}
    }
}

fn understood<T, E: std::fmt::Display>(topic: &Topic, result: Result<T, E>) -> Option<T> {
    result
        .map_err(|e| error!(topic = %topic, "failed to read a message: {e}"))
        .ok()
}

struct Stored {
    assembler: Assembler,
    windows: Vec<Window>,
    events: Vec<Numbered>,
    /// The last window and the closing event are durable.
    last_window: bool,
    closed: bool,
}

/// Takes windows and events off the bus and makes them durable in groups. Runs until `stop`, then
/// writes what it holds.
///
/// # Errors
/// The bus cannot be reached at all.
pub async fn store(
    mut link: Link,
    store: Arc<Mutex<Store>>,
    stop: CancellationToken,
) -> Result<(), LinkError> {
    let mut sessions: BTreeMap<SessionId, Stored> = BTreeMap::new();
    let mut commit = tokio::time::interval(GROUP_COMMIT);
    commit.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = link.next(&stop) => match message {
                Some((topic, bytes)) => take(&store, &mut sessions, &topic, &bytes),
                None => break,
            },
            _ = commit.tick() => commit_all(&mut link, &store, &mut sessions).await?,
        }
    }
    commit_all(&mut link, &store, &mut sessions).await
}

fn take(
    store: &Arc<Mutex<Store>>,
    sessions: &mut BTreeMap<SessionId, Stored>,
    topic: &Topic,
    bytes: &[u8],
) {
    let session = topic.session();
    if *topic.subject() == Subject::Session {
        if bytes.is_empty() {
            return;
        }
        if let Some(announcement) = understood(topic, payload::decode_announcement(bytes)) {
            announce(store, sessions, session, &announcement);
        }
        return;
    }
    let Some(state) = sessions.get_mut(session) else {
        return;
    };
    if *topic.subject() == Subject::Event {
        state
            .events
            .extend(understood(topic, payload::decode_event(bytes)));
    } else {
        assemble_into(&mut state.assembler, topic, bytes, &mut state.windows);
    }
}

fn announce(
    store: &Arc<Mutex<Store>>,
    sessions: &mut BTreeMap<SessionId, Stored>,
    session: &SessionId,
    announcement: &Announcement,
) {
    if sessions.contains_key(session) {
        return;
    }
    let header: &SessionHeader = &announcement.header;
    let begun = lock(store).begin(header, announcement.plan_text.as_deref());
    match begun {
        Ok(()) => {
            info!(session = %session.0, "session begins");
            sessions.insert(
                session.clone(),
                Stored {
                    assembler: Assembler::new(assemble::Params::default()),
                    windows: Vec::new(),
                    events: Vec::new(),
                    last_window: false,
                    closed: false,
                },
            );
        }
        Err(e) => error!(session = %session.0, "failed to store the session: {e}"),
    }
}

async fn commit_all(
    link: &mut Link,
    store: &Arc<Mutex<Store>>,
    sessions: &mut BTreeMap<SessionId, Stored>,
) -> Result<(), LinkError> {
    for (session, state) in sessions.iter_mut() {
        if state.windows.is_empty() && state.events.is_empty() {
            continue;
        }
        let (shared, id) = (Arc::clone(store), session.clone());
        let windows = std::mem::take(&mut state.windows);
        let events = std::mem::take(&mut state.events);
        state.last_window |= windows.iter().any(|w| w.manifest.last);
        state.closed |= events
            .iter()
            .any(|e| matches!(e.event, Event::Closed { .. }));
        let finished = state.last_window && state.closed;
        let writer = Arc::clone(&shared);
        let task = move || write(&writer, &id, windows, events, finished);
        match tokio::task::spawn_blocking(task).await {
            Ok(Ok(Some(window))) => {
                let ack = Ack {
                    window,
                    closed: finished,
                };
                link.publish(
                    session,
                    Subject::Ack(STORE.into()),
                    payload::encode_ack(&ack)?,
                )
                .await?;
                if finished {
                    archive(&shared, session).await;
                }
            }
            Ok(Ok(None)) => {}
            Ok(Err((windows, events, e))) => {
                // Kept and tried again: nothing is acknowledged that is not durable.
                error!(session = %session.0, "failed to store, will try again: {e}");
                state.windows = windows;
                state.events = events;
            }
            Err(e) => warn!("the storing task ended early: {e}"),
        }
    }
    sessions
        .retain(|_, s| !(s.last_window && s.closed && s.windows.is_empty() && s.events.is_empty()));
    Ok(())
}

/// A finished session's samples move to columns. They are durable before and after: a failure costs room,
/// nothing else.
async fn archive(store: &Arc<Mutex<Store>>, session: &SessionId) {
    let (store, id) = (Arc::clone(store), session.clone());
    let moved = tokio::task::spawn_blocking(move || lock(&store).compact(&id)).await;
    if let Ok(Err(e)) = moved {
        warn!(session = %session.0, "failed to archive the session, it stays as it is: {e}");
    }
}

type Unwritten = (Vec<Window>, Vec<Numbered>, crate::store::StoreError);

/// One transaction; then how far the session is durable without a hole.
fn write(
    store: &Arc<Mutex<Store>>,
    session: &SessionId,
    windows: Vec<Window>,
    events: Vec<Numbered>,
    finished: bool,
) -> Result<Option<u64>, Unwritten> {
    let mut store = lock(store);
    let written = store.append(session, &windows, &events).and_then(|()| {
        if finished {
            store.close(session)?;
        }
        store.durable(session)
    });
    written.map_err(|e| (windows, events, e))
}

/// A poisoned lock means that a writer panicked in the middle of a transaction, which SQLite rolled
/// back: the store itself is sound.
fn lock(store: &Arc<Mutex<Store>>) -> std::sync::MutexGuard<'_, Store> {
    store
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
