//! The analysis on the bus: windows in, events out.
//!
//! What it says depends on the windows and on nothing else, so that after a restart it is built anew from the
//! windows in the store and says the same. Events are kept until the store has them.

use super::{ANALYSIS, STORE, SharedStore, assemble_into, lock, run_number, standing, understood};
use crate::{
    daemon::link::{Link, LinkError},
    model::{
        event::{Event, Numbered},
        plan::Plan,
        session::SessionId,
        window::Window,
    },
    pipeline::{
        analysis::{Analysis, Params},
        assemble::Assembler,
    },
    store::{Standing, StoreError},
    wire::{
        payload::{self, Ack, Announcement},
        topic::{Subject, Topic},
    },
};
use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// Windows taken from the store at a time while an analysis is built anew: 25.6 s.
const AT_A_TIME: usize = 256;
/// What is live is not said while so many windows or more are waiting: it would be old.
const BEHIND: u64 = 10;
/// How long the store may take to have an event before the event is said again.
const UNSTORED: Duration = Duration::from_secs(3);

struct Analysed {
    assembler: Assembler,
    analysis: Analysis,
    /// Events that the store does not have yet, with their numbers.
    unstored: VecDeque<(u64, Vec<u8>)>,
    /// Events said so far.
    said: u64,
    /// Run of the store that spoke last, and when it moved.
    store_run: u64,
    moved: Instant,
    last: bool,
}

/// Takes windows off the bus, says what it finds back onto it. Runs until `stop`.
///
/// # Errors
/// The bus cannot be reached at all.
pub async fn analyse(
    link: Link,
    store: SharedStore,
    params: Params,
    stop: CancellationToken,
) -> Result<(), LinkError> {
    let mut analyst = Analyst {
        link,
        store,
        params,
        run: run_number(),
        sessions: BTreeMap::new(),
    };
    let mut timer = tokio::time::interval(UNSTORED / 3);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = analyst.link.next(&stop) => match message {
                // What it says may have to wait for a broker: not when it is to end.
                Some((topic, bytes)) => tokio::select! {
                    said = analyst.message(&topic, &bytes) => said?,
                    () = stop.cancelled() => return Ok(()),
                },
                None => return Ok(()),
            },
            _ = timer.tick() => tokio::select! {
                said = analyst.remind() => said?,
                () = stop.cancelled() => return Ok(()),
            },
        }
    }
}

struct Analyst {
    link: Link,
    store: SharedStore,
    params: Params,
    run: u64,
    sessions: BTreeMap<SessionId, Analysed>,
}

impl Analyst {
    async fn message(&mut self, topic: &Topic, bytes: &[u8]) -> Result<(), LinkError> {
        let session = topic.session();
        match topic.subject() {
            // What is empty was taken back.
            Subject::Session | Subject::Ack(_) if bytes.is_empty() => Ok(()),
            Subject::Session => match understood(topic, payload::decode_announcement(bytes)) {
                Some(announcement) => self.announced(session, &announcement).await,
                None => Ok(()),
            },
            Subject::Ack(consumer) if consumer == STORE => {
                match understood(topic, payload::decode_ack(bytes)) {
                    Some(ack) => self.stored(session, ack).await,
                    None => Ok(()),
                }
            }
            _ => self.take(topic, bytes).await,
        }
    }

    /// A session begins, or whoever publishes it wants to know how far it is analysed.
    async fn announced(
        &mut self,
        session: &SessionId,
        announcement: &Announcement,
    ) -> Result<(), LinkError> {
        if !self.sessions.contains_key(session) {
            match standing(&self.store, session) {
                Ok(there) if there.closed => {
                    let ack = self.ack(there.windows, there.events, true);
                    return self.say_ack(session, ack).await;
                }
                Ok(there) => self.begin(session, announcement, there).await?,
                // Nothing is acknowledged; the announcement comes again.
                Err(e) => {
                    error!(session = %session.0, "failed to read what the store has: {e}");
                    return Ok(());
                }
            }
        }
        self.acknowledge(session).await
    }

    /// An analysis of what the store has, ready for what it has not.
    async fn begin(
        &mut self,
        session: &SessionId,
        announcement: &Announcement,
        there: Standing,
    ) -> Result<(), LinkError> {
        let plan = announcement.plan_text.as_deref().and_then(plan_of);
        let analysis = Analysis::new(&self.params, &announcement.header, plan.as_ref());
        let mut state = Analysed {
            assembler: Assembler::from_window(there.windows),
            analysis,
            unstored: VecDeque::new(),
            said: there.events,
            store_run: 0,
            moved: Instant::now(),
            last: false,
        };
        if there.windows > 0 {
            info!(session = %session.0, windows = there.windows, "analysing again what the store has");
        }
        let mut next = 0;
        while next < there.windows {
            let (store, id) = (SharedStore::clone(&self.store), session.clone());
            // The store may grow meanwhile; what is in it since comes on the bus as well.
            let limit = AT_A_TIME.min((there.windows - next) as usize);
            let read = move || -> Result<_, StoreError> { lock(&store).windows(&id, next, limit) };
            let windows = match tokio::task::spawn_blocking(read).await {
                Ok(Ok(windows)) if !windows.is_empty() => windows,
                Ok(Ok(_)) | Err(_) => Vec::new(),
                Ok(Err(e)) => {
                    error!(session = %session.0, "failed to read windows from the store: {e}");
                    Vec::new()
                }
            };
            if windows.is_empty() {
                // What cannot be read from the store is asked for on the bus.
                state.assembler = Assembler::from_window(next);
                break;
            }
            next += windows.len() as u64;
            self.push(session, &mut state, &windows).await?;
        }
        self.sessions.insert(session.clone(), state);
        Ok(())
    }

    async fn take(&mut self, topic: &Topic, bytes: &[u8]) -> Result<(), LinkError> {
        let session = topic.session();
        let Some(mut state) = self.sessions.remove(session) else {
            return Ok(());
        };
        let mut windows = Vec::new();
        assemble_into(&mut state.assembler, topic, bytes, &mut windows);
        let result = self.push(session, &mut state, &windows).await;
        self.sessions.insert(session.clone(), state);
        result?;
        if windows.is_empty() {
            return Ok(());
        }
        self.acknowledge(session).await
    }

    /// Analyses windows and says what there is to say.
    async fn push(
        &self,
        session: &SessionId,
        state: &mut Analysed,
        windows: &[Window],
    ) -> Result<(), LinkError> {
        let mut events = Vec::new();
        for window in windows {
            state.analysis.push(window, &mut events);
            state.last |= window.manifest.last;
            let behind = state.assembler.ahead() >= BEHIND
                || windows
                    .last()
                    .is_some_and(|w| w.manifest.index >= window.manifest.index + BEHIND);
            for numbered in events.drain(..) {
                self.say(session, state, &numbered, behind).await?;
            }
        }
        Ok(())
    }

    async fn say(
        &self,
        session: &SessionId,
        state: &mut Analysed,
        numbered: &Numbered,
        behind: bool,
    ) -> Result<(), LinkError> {
        let live = matches!(numbered.event, Event::Live(_));
        let stored = !live && numbered.sequence < state.said;
        if stored || live && behind {
            return Ok(());
        }
        let bytes = payload::encode_event(numbered)?;
        if live {
            // What has no room now is old when it has.
            self.link.offer(session, Subject::Live, bytes)?;
            return Ok(());
        }
        state.said = numbered.sequence + 1;
        if state.unstored.is_empty() {
            state.moved = Instant::now();
        }
        state.unstored.push_back((numbered.sequence, bytes.clone()));
        self.link.publish(session, Subject::Event, bytes).await
    }

    /// The store says what it has.
    async fn stored(&mut self, session: &SessionId, ack: Ack) -> Result<(), LinkError> {
        let Some(state) = self.sessions.get_mut(session) else {
            return Ok(());
        };
        let before = state.unstored.len();
        while state.unstored.front().is_some_and(|(n, _)| *n < ack.events) {
            state.unstored.pop_front();
        }
        let another = std::mem::replace(&mut state.store_run, ack.run) != ack.run;
        if another || state.unstored.len() < before {
            state.moved = Instant::now();
        }
        if ack.closed {
            self.sessions.remove(session);
        } else if another {
            self.again(session).await?;
        }
        Ok(())
    }

    /// Says again what the store does not take.
    async fn remind(&mut self) -> Result<(), LinkError> {
        let due = |s: &Analysed| !s.unstored.is_empty() && s.moved.elapsed() > UNSTORED;
        let late: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, s)| due(s))
            .map(|(id, _)| id.clone())
            .collect();
        for session in late {
            self.again(&session).await?;
        }
        Ok(())
    }

    async fn again(&mut self, session: &SessionId) -> Result<(), LinkError> {
        let Some(state) = self.sessions.get_mut(session) else {
            return Ok(());
        };
        state.moved = Instant::now();
        for (_, bytes) in &state.unstored {
            self.link
                .publish(session, Subject::Event, bytes.clone())
                .await?;
        }
        Ok(())
    }

    async fn acknowledge(&self, session: &SessionId) -> Result<(), LinkError> {
        let Some(state) = self.sessions.get(session) else {
            return Ok(());
        };
        let ack = self.ack(state.assembler.next_window(), state.said, state.last);
        self.say_ack(session, ack).await
    }

    fn ack(&self, windows: u64, events: u64, closed: bool) -> Ack {
        Ack {
            windows,
            events,
            closed,
            run: self.run,
            short: None,
            awaits_last: false,
            refused: None,
        }
    }

    async fn say_ack(&self, session: &SessionId, ack: Ack) -> Result<(), LinkError> {
        let bytes = payload::encode_ack(&ack)?;
        self.link
            .publish(session, Subject::Ack(ANALYSIS.into()), bytes)
            .await
    }
}

/// The plan that the session is judged by. One that does not parse was refused before; here it checks nothing.
fn plan_of(text: &str) -> Option<Plan> {
    match crate::wire::plan::parse(text) {
        Ok(parsed) => Some(parsed.plan),
        Err(problems) => {
            let problems = problems.len();
            error!(
                problems,
                "plan of the session does not parse: limits not checked"
            );
            None
        }
    }
}
