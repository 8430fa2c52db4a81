//! Events to people: the live page's stream, and the report of a stored session.

use super::link::Link;
use crate::{
    model::{
        event::{Event, Numbered},
        plan::Plan,
        session::{SessionHeader, SessionId, TechKind},
    },
    report::{self, RepTrace, SessionReport},
    store::{Store, StoreError},
    web::WebState,
    wire::{payload, plan, topic::Subject},
};
use anyhow::Result;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// The page's side of the bus.
#[derive(Clone)]
pub struct Feed {
    web: WebState,
}

impl Feed {
    /// A feed whose reports come from `store`.
    #[must_use]
    pub fn new(store: Arc<Mutex<Store>>) -> Self {
        let lookup = move |session: &str| {
            let store = store.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            stored_report(&store, &SessionId(session.to_owned())).ok().map(|r| report::html(&r))
        };
        Self { web: WebState::new(Arc::new(lookup)) }
    }

    /// What the page serves.
    #[must_use]
    pub fn web_state(&self) -> WebState {
        self.web.clone()
    }

    /// Hands what comes off the bus to the page; a slow page loses the oldest, never the daemon.
    ///
    /// # Errors
    /// None today; the signature is that of every task.
    pub async fn run(self, mut link: Link, stop: CancellationToken) -> Result<()> {
        while let Some((topic, bytes)) = link.next(&stop).await {
            match topic.subject() {
                Subject::Session => {
                    if let Ok(announcement) = payload::decode_announcement(&bytes) {
                        self.web.session(&announcement.header);
                    }
                }
                Subject::Event | Subject::Live => {
                    if let Some(json) = payload::event_json(&bytes) {
                        self.web.event(Arc::from(json));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The report of a session in the store.
///
/// # Errors
/// The store does not have it or does not answer.
pub fn stored_report(store: &Store, session: &SessionId) -> Result<SessionReport, StoreError> {
    let info = store.session(session)?;
    let events = store.events(session)?;
    let plan = info.plan_text.as_deref().and_then(|text| plan::parse(text).ok()).map(|p| p.plan);
    Ok(session_report(&info.header, plan.as_ref(), &events))
}

/// The report of a session whose events are at hand.
#[must_use]
pub fn session_report(header: &SessionHeader, plan: Option<&Plan>, events: &[Numbered]) -> SessionReport {
    let traces: Vec<_> = events
        .iter()
        .filter_map(|n| match &n.event {
            Event::Trace { set, rep, metric, points } => Some(RepTrace {
                set: *set,
                rep: *rep,
                metric: *metric,
                points: points.iter().filter_map(|(t, v)| v.map(|v| (t.seconds(), v))).collect(),
            }),
            _ => None,
        })
        .collect();
    SessionReport::build(header, plan, events, &traces)
}

/// Batches and windows that never came.
#[must_use]
pub fn lost_data(events: &[Numbered]) -> usize {
    events
        .iter()
        .filter(|n| {
            matches!(&n.event, Event::Tech(t) if matches!(t.kind, TechKind::BatchLost { .. } | TechKind::WindowLost { .. }))
        })
        .count()
}
