//! The one way into the page: events of the running session, encoded once, sent to every open page.
//!
//! A page that joins late or falls behind gets a snapshot: the introduction of the session and the
//! events of the running set, with the last ten seconds of the trace. Everything is bounded: a slow
//! page loses the oldest events and is told so by getting a snapshot again; nobody waits for a page.

use super::info::Info;
use crate::model::{
    event::{Event, Live, Numbered},
    finding::{Action, Verdict},
    link::LinkStatus,
    rep::Stage,
    room::Shortage,
    time::SessionNs,
};
use serde::Serialize;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::broadcast;

/// Events that may wait for a slow page; oldest are dropped. More than the burst at the end of a set.
const WAITING: usize = 2048;
/// Events of one set that a snapshot keeps; oldest are dropped.
const KEPT_OF_SET: usize = 2000;
/// Stops that a snapshot keeps until the session ends; oldest are dropped.
const KEPT_STOPS: usize = 16;
/// Trace that a snapshot keeps.
const TRACE_S: f64 = 10.0;

/// A message to every page.
#[derive(Debug, Clone)]
pub(super) enum Message {
    /// A [`Numbered`] as JSON.
    Event(Arc<str>),
    /// Forget everything: a session begins. A snapshot as JSON.
    Snapshot(Arc<str>),
    /// Where the links of the sensors stand, as JSON.
    Links(Arc<str>),
    /// What is wrong beside the session, as a JSON list of texts.
    Banners(Arc<str>),
}

/// Events in, messages out. Cheap to clone; all clones are one feed.
#[derive(Debug, Clone)]
pub struct Feed {
    board: Arc<Mutex<Board>>,
    pages: broadcast::Sender<Message>,
}

/// What a page that joins now must know.
#[derive(Debug, Default)]
struct Board {
    info: Option<Info>,
    stops: VecDeque<Numbered>,
    started: Option<Numbered>,
    set: VecDeque<Numbered>,
    live: Option<Numbered>,
    links: Vec<Link>,
    short: Option<Shortage>,
    /// Nothing comes from where the sensors are.
    gone: bool,
}

/// A sensor's link as the page shows it.
#[derive(Debug, Serialize)]
struct Link {
    alias: String,
    ready: bool,
    without: bool,
    words: String,
    battery_percent: Option<u8>,
    /// What tells it from others: its serial number, or the tail of its address.
    identity: Option<String>,
}

/// A snapshot as the page reads it.
#[derive(Serialize)]
struct Snapshot<'a> {
    info: Option<&'a Info>,
    events: Vec<&'a Numbered>,
    links: &'a [Link],
    banners: Vec<String>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            board: Arc::default(),
            pages: broadcast::channel(WAITING).0,
        }
    }
}

impl Feed {
    /// A session begins, or is met in its midst, when `events` of it were said already: every page starts anew.
    pub fn begin(&self, info: Info, events: &[Numbered]) {
        let mut board = self.lock();
        *board = Board {
            info: Some(info),
            // The disk is that of the store, whatever session.
            short: board.short,
            ..Board::default()
        };
        for event in events {
            board.keep(event);
        }
        self.send(Message::Snapshot(board.snapshot()));
    }

    /// An event of the running session, as the analysis said it.
    pub fn publish(&self, event: &Numbered) {
        let Ok(json) = serde_json::to_string(event) else {
            // A number that JSON cannot write; the page's own watch on silence shows the hole.
            return;
        };
        // Kept and sent under one lock: a page that joins now misses nothing and sees nothing twice.
        let mut board = self.lock();
        board.keep(event);
        self.send(Message::Event(json.into()));
    }

    /// Where the sensors' links stand now.
    pub fn links(&self, status: &[LinkStatus]) {
        let links: Vec<Link> = status
            .iter()
            .map(|s| Link {
                alias: s.alias.clone(),
                ready: s.is_ready() && !s.without,
                without: s.without,
                words: s.words(),
                battery_percent: s.battery_percent,
                identity: s.serial.clone().or_else(|| s.address_tail.clone()),
            })
            .collect();
        let Ok(json) = serde_json::to_string(&links) else {
            return;
        };
        let mut board = self.lock();
        board.links = links;
        self.send(Message::Links(json.into()));
    }

    /// Whether the disk of the store is short of room, as the store says.
    pub fn short_of_room(&self, short: Option<Shortage>) {
        let mut board = self.lock();
        if board.short == short {
            return;
        }
        board.short = short;
        self.send_banners(&board);
    }

    /// Whether the gateway is gone: what is shown is not live then.
    pub fn gateway_gone(&self, gone: bool) {
        let mut board = self.lock();
        if board.gone == gone {
            return;
        }
        board.gone = gone;
        self.send_banners(&board);
    }

    fn send_banners(&self, board: &Board) {
        if let Ok(json) = serde_json::to_string(&board.banners()) {
            self.send(Message::Banners(json.into()));
        }
    }

    /// A page joins: what it must know, then everything that follows.
    pub(super) fn join(&self) -> (Arc<str>, broadcast::Receiver<Message>) {
        let board = self.lock();
        (board.snapshot(), self.pages.subscribe())
    }

    fn send(&self, message: Message) {
        // An error only says that no page is open.
        let _ = self.pages.send(message);
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        // A panic elsewhere leaves at worst a snapshot that lacks an event.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    fn keep(&mut self, numbered: &Numbered) {
        match &numbered.event {
            Event::Live(live) => self.keep_live(numbered, live),
            Event::SetStarted { .. } => {
                self.set.clear();
                self.started = Some(numbered.clone());
            }
            Event::Finding(f) => {
                let live_stop = f.stage == Stage::Confirmed
                    && f.action == Action::Stop
                    && f.verdict != Verdict::Within;
                if live_stop {
                    push(&mut self.stops, numbered, KEPT_STOPS);
                } else {
                    push(&mut self.set, numbered, KEPT_OF_SET);
                }
            }
            Event::Tech(tech) => {
                if let Some(info) = &mut self.info {
                    info.follow(tech);
                }
                push(&mut self.set, numbered, KEPT_OF_SET);
            }
            _ => push(&mut self.set, numbered, KEPT_OF_SET),
        }
    }

    fn keep_live(&mut self, numbered: &Numbered, live: &Live) {
        let mut trace = match self.live.take().map(|n| n.event) {
            Some(Event::Live(old)) if old.metric == live.metric => old.trace,
            _ => Vec::new(),
        };
        trace.extend_from_slice(&live.trace);
        let from = SessionNs::from_seconds(live.t.seconds() - TRACE_S);
        trace.retain(|(t, _)| *t >= from);
        self.live = Some(Numbered {
            event: Event::Live(Live {
                trace,
                ..live.clone()
            }),
            ..numbered.clone()
        });
    }

    /// What is wrong beside the session: nothing live comes, no set begins.
    fn banners(&self) -> Vec<String> {
        let gone = self.gone.then(|| {
            "NOTHING IS LIVE - the gateway is gone: no data from any sensor until it is back"
                .to_owned()
        });
        let short = self.short.map(|short| {
            let said = "DISK NEARLY FULL - no set begins, a running one goes on";
            format!("{said}: {}", short.words())
        });
        gone.into_iter().chain(short).collect()
    }

    fn snapshot(&self) -> Arc<str> {
        let mut events: Vec<&Numbered> = self
            .stops
            .iter()
            .chain(&self.started)
            .chain(&self.set)
            .chain(&self.live)
            .collect();
        events.sort_by_key(|n| n.sequence);
        let snapshot = Snapshot {
            info: self.info.as_ref(),
            events,
            links: &self.links,
            banners: self.banners(),
        };
        serde_json::to_string(&snapshot)
            .unwrap_or_else(|_| r#"{"info":null,"events":[]}"#.to_owned())
            .into()
    }
}

fn push(queue: &mut VecDeque<Numbered>, numbered: &Numbered, keep: usize) {
    if queue.len() >= keep {
        queue.pop_front();
    }
    queue.push_back(numbered.clone());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{command::SetRole, event::LiveSensor, plan::TrainingSide};

    fn numbered(sequence: u64, event: Event) -> Numbered {
        Numbered {
            sequence,
            window: sequence,
            event,
        }
    }

    fn started() -> Event {
        Event::SetStarted {
            set: 1,
            t: SessionNs(0),
            exercise: "squat".to_owned(),
            side: TrainingSide::Left,
            role: SetRole::Working,
            load_kg: None,
            by_eye: Vec::new(),
        }
    }

    fn live(tenths: i64) -> Event {
        let t = SessionNs(tenths * 100_000_000);
        Event::Live(Live {
            t,
            heart: None,
            set: Some(1),
            exercise: None,
            reps: 0,
            metric: None,
            limit: (None, None),
            trace: vec![(t, Some(1.0))],
            sensors: Vec::<LiveSensor>::new(),
        })
    }

    fn snapshot(feed: &Feed) -> serde_json::Value {
        serde_json::from_str(&feed.join().0).unwrap()
    }

    #[test]
    fn a_snapshot_is_bounded_and_keeps_the_beginning_of_the_set() {
        let feed = Feed::default();
        feed.publish(&numbered(0, started()));
        for i in 1..10_000 {
            let closed = Event::Closed {
                t: SessionNs(0),
                windows: 0,
            };
            feed.publish(&numbered(i, closed));
        }
        let events = snapshot(&feed)["events"].clone();
        assert_eq!(events.as_array().unwrap().len(), KEPT_OF_SET + 1);
        assert_eq!(events[0]["event"]["event"], "set_started");
    }

    #[test]
    fn a_snapshot_holds_one_live_event_with_ten_seconds_of_trace() {
        let feed = Feed::default();
        for i in 0..500 {
            feed.publish(&numbered(i as u64, live(i)));
        }
        let events = snapshot(&feed)["events"].clone();
        assert_eq!(events.as_array().unwrap().len(), 1);
        let trace = events[0]["event"]["data"]["trace"].clone();
        assert_eq!(trace.as_array().unwrap().len(), 101);
    }
}
