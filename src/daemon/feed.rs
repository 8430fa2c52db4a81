//! Events to people: the live page's stream, and the report of a stored session.

use super::{
    hub::{self, SharedStore},
    link::Link,
};
use crate::{
    model::{
        event::{Event, Numbered},
        plan::Plan,
        session::{Origin, SessionHeader, SessionId, TechKind},
    },
    report::{self, RepTrace, SessionReport},
    store::{Store, StoreError},
    web::{self, Feed, Info},
    wire::{
        payload::{self, Announcement, PayloadError, Presence},
        plan,
        topic::Subject,
    },
};
use anyhow::Result;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};
use tokio_util::sync::CancellationToken;
use tracing::error;

/// Events that were not heard and may still be said again; more are not waited for.
const MOST_MISSED: usize = 10_000;

/// Hands what comes off the bus to the page; a slow page loses the oldest, never the daemon. What was said of the session
/// before, by an earlier run of this process, comes from the store.
///
/// # Errors
/// None today; the signature is that of every task.
pub async fn run(
    mut link: Link,
    page: Feed,
    store: SharedStore,
    stop: CancellationToken,
) -> Result<()> {
    let mut shown = Shown::default();
    // Sessions whose gateway is gone: it may be said before the session is.
    let mut gone = BTreeSet::new();
    while let Some((topic, bytes)) = link.next(&stop).await {
        match topic.subject() {
            Subject::Session if bytes.is_empty() => {}
            Subject::Session => match payload::decode_announcement(&bytes) {
                // It is said again whenever somebody may have missed it.
                Ok(announcement) if shown.is(topic.session()) => drop(announcement),
                Ok(announcement) => {
                    let said = said_before(&store, topic.session());
                    shown = Shown::of(topic.session(), &said);
                    page.begin(introduction(&announcement), &said);
                    page.gateway_gone(gone.contains(topic.session()));
                }
                Err(e) => error!("failed to read an announcement: {e}"),
            },
            Subject::Sensors if bytes.is_empty() => page.links(&[]),
            Subject::Sensors => match payload::decode_sensors(&bytes) {
                Ok(status) => page.links(&status),
                Err(e) => error!("failed to read where the sensors stand: {e}"),
            },
            Subject::Status => {
                match is_gone(&bytes) {
                    Ok(true) => {
                        gone.insert(topic.session().clone());
                    }
                    Ok(false) => {
                        gone.remove(topic.session());
                    }
                    Err(e) => error!("failed to read whether the gateway is there: {e}"),
                }
                if shown.is(topic.session()) {
                    page.gateway_gone(gone.contains(topic.session()));
                }
            }
            // An empty one is taken back.
            Subject::Ack(consumer)
                if consumer == hub::STORE && shown.is(topic.session()) && !bytes.is_empty() =>
            {
                match payload::decode_ack(&bytes) {
                    Ok(ack) => page.short_of_room(ack.short),
                    Err(e) => error!("failed to read an acknowledgement: {e}"),
                }
            }
            Subject::Event | Subject::Live => match payload::decode_event(&bytes) {
                Ok(event) if !shown.is_new(topic.session(), &event) => {}
                Ok(event) => page.publish(&event),
                Err(e) => error!("failed to read an event: {e}"),
            },
            _ => {}
        }
    }
    Ok(())
}

/// Whether a gateway is not there, by what it or the broker says. Empty: its session is over, nothing is missing.
fn is_gone(bytes: &[u8]) -> Result<bool, PayloadError> {
    if bytes.is_empty() {
        return Ok(false);
    }
    Ok(payload::decode_status(bytes)?.gateway != Presence::Online)
}

/// What the store has of a session.
fn said_before(store: &SharedStore, session: &SessionId) -> Vec<Numbered> {
    match hub::lock(store).events(session) {
        Ok(events) => events,
        Err(StoreError::UnknownSession(_)) => Vec::new(),
        Err(e) => {
            error!("failed to read what was said before: {e}");
            Vec::new()
        }
    }
}

/// What the page shows, so that what the bus says twice is shown once, and what it says late is shown.
#[derive(Default)]
struct Shown {
    session: Option<SessionId>,
    next_event: u64,
    /// Below that, and not heard.
    missed: BTreeSet<u64>,
}

impl Shown {
    fn of(session: &SessionId, said: &[Numbered]) -> Self {
        let mut shown = Self {
            session: Some(session.clone()),
            ..Self::default()
        };
        for event in said {
            shown.is_new(session, event);
        }
        shown
    }

    fn is(&self, session: &SessionId) -> bool {
        self.session.as_ref() == Some(session)
    }

    /// It belongs to the session and was not shown yet.
    fn is_new(&mut self, session: &SessionId, numbered: &Numbered) -> bool {
        if !self.is(session) {
            return false;
        }
        if matches!(numbered.event, Event::Live(_)) {
            return true;
        }
        let number = numbered.sequence;
        if number < self.next_event {
            return self.missed.remove(&number);
        }
        let room = MOST_MISSED.saturating_sub(self.missed.len());
        self.missed.extend((self.next_event..number).take(room));
        self.next_event = number + 1;
        true
    }
}

fn introduction(announcement: &Announcement) -> Info {
    let plan = announcement
        .plan_text
        .as_deref()
        .and_then(|text| plan::parse(text).ok());
    // Only sensors are live; everything else must not look so.
    let replay = announcement.header.origin != Origin::Sensors;
    Info::new(&announcement.header, plan.as_ref().map(|p| &p.plan), replay)
}

/// Reports of stored sessions, for the page.
#[must_use]
pub fn reports(store: Arc<Mutex<Store>>) -> web::Reports {
    Arc::new(move |session| {
        let store = store
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        stored_report(&store, &SessionId(session.to_owned()))
            .ok()
            .map(|r| report::html(&r))
    })
}

/// The report of a session in the store.
///
/// # Errors
/// The store does not have it or does not answer.
pub fn stored_report(store: &Store, session: &SessionId) -> Result<SessionReport, StoreError> {
    let info = store.session(session)?;
    let events = store.events(session)?;
    let plan = info
        .plan_text
        .as_deref()
        .and_then(|text| plan::parse(text).ok())
        .map(|p| p.plan);
    Ok(session_report(&info.header, plan.as_ref(), &events))
}

/// The report of a session whose events are at hand.
#[must_use]
pub fn session_report(
    header: &SessionHeader,
    plan: Option<&Plan>,
    events: &[Numbered],
) -> SessionReport {
    let traces: Vec<_> = events
        .iter()
        .filter_map(|n| match &n.event {
            Event::Trace {
                set,
                rep,
                metric,
                points,
            } => Some(RepTrace {
                set: *set,
                rep: *rep,
                metric: *metric,
                points: points
                    .iter()
                    .filter_map(|(t, v)| v.map(|v| (t.seconds(), v)))
                    .collect(),
            }),
            _ => None,
        })
        .collect();
    SessionReport::build(header, plan, events, &traces)
}

/// Windows and packets that could not be kept.
#[must_use]
pub fn lost_data(events: &[Numbered]) -> usize {
    events
        .iter()
        .filter(|n| {
            matches!(&n.event, Event::Tech(t) if matches!(t.kind, TechKind::WindowLost { .. } | TechKind::PacketsLost { .. }))
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::SessionNs;

    fn event(sequence: u64) -> Numbered {
        Numbered {
            sequence,
            window: 0,
            event: Event::Closed {
                t: SessionNs(0),
                windows: 0,
            },
        }
    }

    #[test]
    fn what_is_said_twice_is_shown_once_and_what_comes_late_is_shown() {
        let session = SessionId("S".to_owned());
        let mut shown = Shown::of(&session, &[event(0), event(1)]);
        assert!(!shown.is_new(&session, &event(1)), "the store had it");
        assert!(shown.is_new(&session, &event(4)));
        assert!(!shown.is_new(&session, &event(4)));
        assert!(shown.is_new(&session, &event(2)), "it was missed");
        assert!(!shown.is_new(&session, &event(2)));
        let other = SessionId("T".to_owned());
        assert!(!shown.is_new(&other, &event(5)), "of another session");
        // A number far ahead is not waited for without bound.
        assert!(shown.is_new(&session, &event(u64::MAX - 1)));
        assert_eq!(shown.missed.len(), MOST_MISSED);
    }
}
