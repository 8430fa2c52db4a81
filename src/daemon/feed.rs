//! Events to people: the live page's stream, and the report of a stored session.

use super::link::Link;
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
        payload::{self, Announcement},
        plan,
        topic::Subject,
    },
};
use anyhow::Result;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;
use tracing::error;

/// Hands what comes off the bus to the page; a slow page loses the oldest, never the daemon.
///
/// # Errors
/// None today; the signature is that of every task.
pub async fn run(mut link: Link, page: Feed, stop: CancellationToken) -> Result<()> {
    let mut shown = Shown::default();
    while let Some((topic, bytes)) = link.next(&stop).await {
        match topic.subject() {
            Subject::Session if bytes.is_empty() => {}
            Subject::Session => match payload::decode_announcement(&bytes) {
                // It is said again whenever somebody may have missed it.
                Ok(announcement) if shown.is(topic.session()) => drop(announcement),
                Ok(announcement) => {
                    shown = Shown::of(topic.session());
                    page.begin(introduction(&announcement));
                }
                Err(e) => error!("failed to read an announcement: {e}"),
            },
            Subject::Sensors if bytes.is_empty() => page.links(&[]),
            Subject::Sensors => match payload::decode_sensors(&bytes) {
                Ok(status) => page.links(&status),
                Err(e) => error!("failed to read where the sensors stand: {e}"),
            },
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

/// What the page shows, so that what the bus says twice is shown once.
#[derive(Default)]
struct Shown {
    session: Option<SessionId>,
    next_event: u64,
}

impl Shown {
    fn of(session: &SessionId) -> Self {
        Self {
            session: Some(session.clone()),
            next_event: 0,
        }
    }

    fn is(&self, session: &SessionId) -> bool {
        self.session.as_ref() == Some(session)
    }

    /// It belongs to the session and was not shown yet.
    fn is_new(&mut self, session: &SessionId, numbered: &Numbered) -> bool {
        let live = matches!(numbered.event, Event::Live(_));
        if !self.is(session) || !live && numbered.sequence < self.next_event {
            return false;
        }
        if !live {
            self.next_event = numbered.sequence + 1;
        }
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
