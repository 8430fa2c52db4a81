//! A clock for straps that send intervals between beats and no time: the running sum of the intervals.
//!
//! The arrival of a notification is taken as the end of its last interval, late by up to a second;
//! the lower envelope of that is the beat. Where the sum falls behind arrivals, intervals were lost.

use super::{
    clock::{ClockMap, FrameTime},
    params::ClockParams,
};

/// A strap interval's unit is 1/1024 s.
const TICKS_A_SECOND: i64 = 1024;

/// The running sum and its map to the host's clock.
#[derive(Debug, Clone)]
pub struct BeatClock {
    map: ClockMap,
    sum_ticks: i64,
}

impl BeatClock {
    /// No beat yet.
    #[must_use]
    pub fn new(params: ClockParams) -> Self {
        Self {
            map: ClockMap::new(params),
            sum_ticks: 0,
        }
    }

    /// Takes the intervals of one notification; their ends follow from [`BeatClock::next_end`].
    /// Nothing may end before `floor_ns`. True if intervals were lost before it.
    pub fn notification(&mut self, ticks: i64, host_ns: i64, floor_ns: Option<i64>) -> bool {
        let first_ns = ns(self.sum_ticks);
        let last_ns = ns(self.sum_ticks.saturating_add(ticks));
        let frame = FrameTime {
            first_ns,
            last_ns,
            host_ns,
        };
        let lost = self.map.would_step(last_ns, host_ns);
        if lost {
            self.map.tie(frame, floor_ns);
        } else {
            self.map.observe(frame);
        }
        lost
    }

    /// Adds one interval; gives the host time of its end, ns.
    pub fn next_end(&mut self, ticks: u16) -> Option<i64> {
        self.sum_ticks = self.sum_ticks.saturating_add(ticks.into());
        self.map.host_ns(ns(self.sum_ticks))
    }

    /// Ends may be off by more than 20 ms.
    #[must_use]
    pub fn unsure(&self) -> bool {
        self.map.unsure()
    }
}

fn ns(ticks: i64) -> i64 {
    let ns = i128::from(ticks) * 1_000_000_000 / i128::from(TICKS_A_SECOND);
    i64::try_from(ns).unwrap_or(i64::MAX)
}
