//! Plays recorded items into a channel, at a multiple of the pace they arrived with or as fast as they are
//! taken. Times are the items' own host times (ns); no clock is read, so that what is computed from a
//! replay does not depend on when or how fast it is played. Order is kept; nothing is decoded or changed.
//!
//! The channel is bounded by whoever makes it. When it is full the replay waits: time stands still, nothing
//! is lost, and nothing is caught up in a burst afterwards. The channel closes after the last item.

use crate::wire::recording::Item;
use std::time::Duration;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

/// How often items are due, real time: well below a window, well above the timer's resolution.
const STEP: Duration = Duration::from_millis(10);

/// How fast to play.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Speed {
    /// This many times the pace of the recording; at least [`Speed::SLOWEST`].
    Times(f64),
    /// As fast as the channel takes them.
    Max,
}

impl Speed {
    /// Anything below (or not a number) is played at this pace, so that a replay always ends.
    pub const SLOWEST: f64 = 0.01;
}

/// Whoever listened has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("replay on: the receiver is gone after {played} items")]
pub struct ReceiverGone {
    /// Items it has taken.
    pub played: usize,
}

/// Plays all items. Dropping the future stops the replay.
pub async fn play(
    items: impl IntoIterator<Item = Item>,
    speed: Speed,
    out: mpsc::Sender<Item>,
) -> Result<usize, ReceiverGone> {
    let mut pace = Pace::new(speed);
    let mut played = 0;
    for item in items {
        pace.until(item.host().0).await;
        if out.send(item).await.is_err() {
            return Err(ReceiverGone { played });
        }
        played += 1;
    }
    Ok(played)
}

/// A clock that counts steps.
struct Pace {
    /// The timer and the recorded time that passes in a step, ns; `None` = no waiting.
    timer: Option<(tokio::time::Interval, i64)>,
    /// Recorded time up to which items are due; starts with the first item.
    now_ns: Option<i64>,
}

impl Pace {
    fn new(speed: Speed) -> Self {
        let timer = match speed {
            Speed::Max => None,
            Speed::Times(times) => {
                // `max` also takes care of a speed that is not a number.
                let step_ns = STEP.as_nanos() as f64 * times.max(Speed::SLOWEST);
                let mut timer = interval(STEP);
                timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
                Some((timer, step_ns as i64))
            }
        };
        Self {
            timer,
            now_ns: None,
        }
    }

    async fn until(&mut self, host_ns: i64) {
        let Some((timer, step_ns)) = &mut self.timer else {
            return;
        };
        let now_ns = self.now_ns.get_or_insert(host_ns);
        while *now_ns < host_ns {
            timer.tick().await;
            *now_ns = now_ns.saturating_add(*step_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::recording::fixture::items;
    use tokio::time::Instant;

    async fn collect(mut rx: mpsc::Receiver<Item>) -> Vec<Item> {
        let mut all = Vec::new();
        while let Some(item) = rx.recv().await {
            all.push(item);
        }
        all
    }

    async fn played(speed: Speed) -> (Vec<Item>, Duration) {
        let (tx, rx) = mpsc::channel(4);
        let begin = Instant::now();
        let (sent, got) = tokio::join!(play(items(101), speed, tx), collect(rx));
        assert_eq!(sent, Ok(got.len()));
        (got, begin.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn every_speed_gives_the_same_items_in_its_time() {
        // 101 items, 10 ms apart: one second.
        for (speed, ms) in [
            (Speed::Times(1.0), 1000),
            (Speed::Times(4.0), 250),
            (Speed::Times(0.5), 2000),
            (Speed::Max, 0),
        ] {
            let (got, took) = played(speed).await;
            assert_eq!(got, items(101), "{speed:?}");
            let off = took.abs_diff(Duration::from_millis(ms));
            assert!(off <= STEP * 2, "{speed:?} took {took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_speed_that_makes_no_sense_ends_all_the_same() {
        for times in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(played(Speed::Times(times)).await.0.len(), 101, "{times}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_channel_pauses_it_without_a_burst_afterwards() {
        let (tx, mut rx) = mpsc::channel(1);
        let replay = tokio::spawn(play(items(50), Speed::Times(1.0), tx));
        tokio::time::sleep(Duration::from_secs(60)).await;
        let begin = Instant::now();
        let mut got = Vec::new();
        while let Some(item) = rx.recv().await {
            got.push(item);
        }
        assert_eq!(got, items(50));
        assert!(
            begin.elapsed() > Duration::from_millis(400),
            "{:?}",
            begin.elapsed()
        );
        assert_eq!(replay.await.unwrap(), Ok(50));
    }

    #[tokio::test(start_paused = true)]
    async fn it_stops_when_nobody_listens() {
        let (tx, mut rx) = mpsc::channel(1);
        let replay = tokio::spawn(play(items(50), Speed::Max, tx));
        rx.recv().await.unwrap();
        drop(rx);
        let error = replay.await.unwrap().unwrap_err();
        assert!((1..=3).contains(&error.played), "{error}");
    }

    /// Host times that go back (a clock step) neither block nor reorder.
    #[tokio::test(start_paused = true)]
    async fn times_that_go_back_are_due_at_once() {
        let mut back = items(20);
        back.reverse();
        let (tx, rx) = mpsc::channel(4);
        let begin = Instant::now();
        let (_, got) = tokio::join!(play(back.clone(), Speed::Times(1.0), tx), collect(rx));
        assert_eq!(got, back);
        assert!(begin.elapsed() < Duration::from_millis(30));
    }
}
