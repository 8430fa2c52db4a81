//! `/events`: a page's own stream of server-sent events. `snapshot` first, then every event as it
//! comes, and a `heartbeat` every second whether or not there are events: silence of the analysis and
//! silence of the line look different to the page.

use super::{
    WebState,
    feed::{Feed, Message},
};
use axum::{
    extract::State,
    http::StatusCode,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures::Stream;
use serde::Serialize;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast, broadcast::error::RecvError},
    time::{Interval, MissedTickBehavior, interval},
};

const BEAT: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Heartbeat {
    beat: u64,
    server_time: String,
}

/// One open page.
struct Reader {
    state: WebState,
    feed: broadcast::Receiver<Message>,
    first: Option<Arc<str>>,
    beat: Interval,
    beats: u64,
    _seat: OwnedSemaphorePermit,
}

pub(super) async fn events(State(state): State<WebState>) -> Response {
    let Ok(seat) = Arc::clone(&state.seats).try_acquire_owned() else {
        let text = "too many open pages; close one\n";
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    };
    Sse::new(stream(state, seat)).into_response()
}

fn stream(
    state: WebState,
    seat: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let (first, feed) = state.feed.join();
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let reader = Reader {
        state,
        feed,
        first: Some(first),
        beat,
        beats: 0,
        _seat: seat,
    };
    futures::stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    })
}

impl Reader {
    /// The next event; `None` when the server stops.
    async fn next(&mut self) -> Option<Event> {
        if let Some(snapshot) = self.first.take() {
            return Some(named("snapshot", &snapshot));
        }
        tokio::select! {
            biased;
            () = self.state.stop.cancelled() => None,
            _ = self.beat.tick() => Some(self.heartbeat()),
            message = self.feed.recv() => self.message(message),
        }
    }

    fn message(&mut self, message: Result<Message, RecvError>) -> Option<Event> {
        match message {
            Ok(Message::Event(json)) => Some(Event::default().data(&*json)),
            Ok(Message::Snapshot(json)) => Some(named("snapshot", &json)),
            Ok(Message::Links(json)) => Some(named("links", &json)),
            Ok(Message::Banners(json)) => Some(named("banners", &json)),
            Err(RecvError::Lagged(_)) => Some(self.again()),
            Err(RecvError::Closed) => None,
        }
    }

    /// The page was too slow: what it missed is gone, so it starts from the present.
    fn again(&mut self) -> Event {
        let (snapshot, feed) = Feed::join(&self.state.feed);
        self.feed = feed;
        named("snapshot", &snapshot)
    }

    fn heartbeat(&mut self) -> Event {
        self.beats += 1;
        let beat = Heartbeat {
            beat: self.beats,
            server_time: (self.state.clock)(),
        };
        let json = serde_json::to_string(&beat).unwrap_or_default();
        named("heartbeat", &json)
    }
}

fn named(name: &str, json: &str) -> Event {
    Event::default().event(name).data(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        event::{Event as Said, Numbered},
        time::SessionNs,
    };

    fn closed(sequence: u64) -> Numbered {
        let t = SessionNs(0);
        Numbered {
            sequence,
            window: 0,
            event: Said::Closed { t, windows: 1 },
        }
    }

    async fn reader(state: &WebState, every: Duration) -> Reader {
        let (first, feed) = state.feed.join();
        let mut beat = interval(every);
        beat.tick().await; // the first comes at once
        Reader {
            state: state.clone(),
            feed,
            first: Some(first),
            beat,
            beats: 0,
            _seat: Arc::clone(&state.seats).acquire_owned().await.unwrap(),
        }
    }

    /// `Event` has no way to read it back but its debug text.
    fn shown(event: &Event) -> String {
        format!("{event:?}")
    }

    #[tokio::test]
    async fn a_slow_page_gets_a_snapshot_again_and_the_newest_events() {
        let state = WebState::for_tests();
        let mut slow = reader(&state, Duration::from_secs(60)).await;
        assert!(shown(&slow.next().await.unwrap()).contains("snapshot"));
        for i in 0..5_000 {
            state.feed.publish(&closed(i));
        }
        let event = shown(&slow.next().await.unwrap());
        assert!(event.contains("snapshot"), "{event}");
        state.feed.publish(&closed(9_999));
        assert!(shown(&slow.next().await.unwrap()).contains("9999"));
    }

    #[tokio::test]
    async fn the_stream_ends_when_the_server_stops() {
        let state = WebState::for_tests();
        let mut page = reader(&state, Duration::from_secs(60)).await;
        page.next().await;
        state.stop.cancel();
        assert!(page.next().await.is_none());
    }

    #[tokio::test]
    async fn the_heart_beats_in_silence() {
        let state = WebState::for_tests();
        let mut page = reader(&state, Duration::from_millis(5)).await;
        page.next().await;
        for beat in 1..4 {
            let event = shown(&page.next().await.unwrap());
            assert!(event.contains("heartbeat"), "{event}");
            assert!(event.contains(&format!("beat\\\":{beat}")), "{event}");
        }
    }
}
