//! Which window goes to the bus next, so that every consumer gets all of them, in spite of whatever happens to
//! broker, consumers and connection.
//!
//! A consumer says how many windows it has without a hole; that alone counts as delivered. A window is due
//! until it was sent to consumers that could keep it; everything that is not covered is due again when the
//! connection is new, when a consumer comes back with less than it had, and when nothing moves for long.
//! Doubles are harmless: consumers know windows by their numbers. Pure: no clock, no bus, no memory of contents.

use std::{collections::VecDeque, ops::Range};

/// Windows ahead of its position that a consumer keeps; what lies beyond it may forget: two minutes.
pub const REACH: u64 = 1200;

/// Windows of the backlog on their way at a time, so that consumers need not hold more: one minute.
pub const CREDIT: u64 = 600;

/// How far a consumer has come, as it says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// It has every window below this number.
    pub windows: u64,
    /// It has the last one, and everything that belongs to the session.
    pub closed: bool,
    /// Which run of the consumer says so: another one may have less than the one before had.
    pub run: u64,
}

/// What is on its way to a number of consumers.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    made: u64,
    consumers: Vec<(&'static str, Position)>,
    /// To be sent, ascending, without overlap.
    due: VecDeque<Range<u64>>,
}

impl Delivery {
    /// Nothing sent yet, to these.
    #[must_use]
    pub fn new(consumers: &[&'static str]) -> Self {
        Self {
            consumers: consumers
                .iter()
                .map(|name| (*name, Position::default()))
                .collect(),
            ..Self::default()
        }
    }

    /// Another window was made; its number. It is due, unless the consumers have it from an earlier run.
    pub fn made(&mut self) -> u64 {
        let window = self.made;
        self.made += 1;
        if window < self.covered() {
            return window;
        }
        match self.due.back_mut() {
            Some(last) if last.end == window => last.end += 1,
            _ => self.due.push_back(window..window + 1),
        }
        window
    }

    /// Windows made so far.
    #[must_use]
    pub fn windows(&self) -> u64 {
        self.made
    }

    /// A window was sent. One that is too far ahead for the consumers stays due.
    pub fn sent(&mut self, window: u64) {
        if window >= self.covered() + REACH {
            return;
        }
        let Some(at) = self.due.iter().position(|r| r.contains(&window)) else {
            return;
        };
        let range = self.due[at].clone();
        self.due[at] = range.start..window;
        self.due.insert(at + 1, window + 1..range.end);
        self.due.retain(|r| !r.is_empty());
    }

    /// A consumer says where it stands. True if that moves the delivery on.
    pub fn position(&mut self, consumer: &str, position: Position) -> bool {
        let Some((_, known)) = self.consumers.iter_mut().find(|(n, _)| *n == consumer) else {
            return false;
        };
        let before = *known;
        let another = before.run != position.run;
        // The same run has no less than it had: what says so is an old message that came again.
        *known = if another {
            position
        } else {
            Position {
                windows: position.windows.max(before.windows),
                closed: position.closed || before.closed,
                run: position.run,
            }
        };
        let moved = *known != before;
        if another {
            self.again();
        }
        let covered = self.covered();
        for range in &mut self.due {
            range.start = range.start.max(covered.min(range.end));
        }
        self.due.retain(|r| !r.is_empty());
        moved
    }

    /// Nothing that was sent is believed to have come: all that is not covered is due again.
    pub fn again(&mut self) {
        self.due.clear();
        let covered = self.covered().min(self.made);
        if covered < self.made {
            self.due.push_back(covered..self.made);
        }
    }

    /// The next window of the backlog, if the consumers can take it now.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        let first = self.due.front()?.start;
        (first < self.covered() + CREDIT).then_some(first)
    }

    /// Windows that every consumer has.
    #[must_use]
    pub fn covered(&self) -> u64 {
        let least = self.consumers.iter().map(|(_, p)| p.windows).min();
        least.unwrap_or(self.made)
    }

    /// Windows that not every consumer has.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.made.saturating_sub(self.covered())
    }

    /// Every consumer has all of the session.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.consumers.iter().all(|(_, p)| p.closed)
    }

    /// The furthest that a consumer has come that waits for the end of the session.
    #[must_use]
    pub fn furthest_open(&self) -> Option<u64> {
        let open = self.consumers.iter().filter(|(_, p)| !p.closed);
        open.map(|(_, p)| p.windows).max()
    }

    /// The consumer that is furthest behind, and where it stands.
    #[must_use]
    pub fn slowest(&self) -> Option<(&'static str, Position)> {
        let behind = |(_, p): &&(&str, Position)| (p.closed, p.windows);
        self.consumers.iter().min_by_key(behind).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one() -> Delivery {
        Delivery::new(&["store"])
    }

    fn at(windows: u64, run: u64) -> Position {
        Position {
            windows,
            closed: false,
            run,
        }
    }

    #[test]
    fn what_is_sent_and_kept_is_not_due() {
        let mut delivery = one();
        for _ in 0..5 {
            let window = delivery.made();
            delivery.sent(window);
        }
        assert_eq!(delivery.next(), None);
        assert_eq!(delivery.open(), 5);
        delivery.again();
        assert_eq!(delivery.next(), Some(0));
        delivery.position("store", at(3, 0));
        assert_eq!(delivery.next(), Some(3));
    }

    #[test]
    fn what_an_earlier_run_delivered_is_not_due() {
        let mut delivery = one();
        delivery.position("store", at(3, 0));
        for _ in 0..5 {
            delivery.made();
        }
        assert_eq!(delivery.next(), Some(3));
        assert_eq!(delivery.open(), 2);
    }

    #[test]
    fn a_consumer_that_restarted_with_less_gets_it_again() {
        let mut delivery = one();
        for _ in 0..9 {
            let window = delivery.made();
            delivery.sent(window);
        }
        delivery.position("store", at(9, 1));
        assert_eq!(delivery.next(), None);
        assert!(delivery.position("store", at(4, 2)));
        assert_eq!(delivery.next(), Some(4));
    }

    #[test]
    fn live_goes_ahead_of_a_long_backlog_and_comes_again() {
        let mut delivery = one();
        for _ in 0..5000 {
            delivery.made();
        }
        let live = delivery.made();
        delivery.sent(live);
        assert_eq!(delivery.next(), Some(0));
        for window in 0..CREDIT {
            assert_eq!(delivery.next(), Some(window));
            delivery.sent(window);
        }
        assert_eq!(delivery.next(), None, "no more than the credit at a time");
        delivery.position("store", at(live, 0));
        assert_eq!(delivery.next(), Some(live), "it was beyond reach");
    }

    /// A consumer as the rules say: keeps what is within its reach, forgets everything in a restart but what it
    /// has without a hole (of which a part may be lost, too).
    #[derive(Default)]
    struct Consumer {
        position: Position,
        held: std::collections::BTreeSet<u64>,
    }

    impl Consumer {
        fn take(&mut self, window: u64) {
            if (self.position.windows..self.position.windows + REACH).contains(&window) {
                self.held.insert(window);
            }
            while self.held.remove(&self.position.windows) {
                self.position.windows += 1;
            }
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Turn {
        Make(u16),
        /// So many of the backlog go out; every nth is lost.
        Send(u8, u8),
        Ack,
        /// The consumer restarts and has lost this many of what it had.
        Restart(u8),
        Reconnect,
    }

    fn turn() -> impl Strategy<Value = Turn> {
        prop_oneof![
            (1u16..400).prop_map(Turn::Make),
            (0u8..=255, 1u8..9).prop_map(|(n, lost)| Turn::Send(n, lost)),
            Just(Turn::Ack),
            (0u8..50).prop_map(Turn::Restart),
            Just(Turn::Reconnect),
        ]
    }

    proptest! {
        /// Whatever was lost on the way: with a connection that works in the end, everything arrives.
        #[test]
        fn everything_arrives_in_the_end(turns in prop::collection::vec(turn(), 0..60)) {
            let mut delivery = one();
            let mut consumer = Consumer::default();
            for turn in turns {
                match turn {
                    Turn::Make(n) => for _ in 0..n {
                        let live = delivery.made();
                        delivery.sent(live);
                        if n % 2 == 0 { consumer.take(live); }
                    },
                    Turn::Send(n, lost) => for i in 0..n {
                        let Some(window) = delivery.next() else { break };
                        delivery.sent(window);
                        if i % lost != 0 { consumer.take(window); }
                    },
                    Turn::Ack => { delivery.position("store", consumer.position); }
                    Turn::Restart(lost) => {
                        consumer.held.clear();
                        consumer.position.run += 1;
                        consumer.position.windows = consumer.position.windows.saturating_sub(lost.into());
                        delivery.position("store", consumer.position);
                    }
                    Turn::Reconnect => delivery.again(),
                }
                prop_assert!(delivery.due.iter().zip(delivery.due.iter().skip(1)).all(|(a, b)| a.end <= b.start));
            }
            // The stall: everything is believed lost.
            delivery.again();
            let mut rounds = 0;
            while delivery.open() > 0 {
                while let Some(window) = delivery.next() {
                    delivery.sent(window);
                    consumer.take(window);
                }
                delivery.position("store", consumer.position);
                rounds += 1;
                prop_assert!(rounds < 1000, "{:?} at {:?}", delivery, consumer.position);
            }
            prop_assert_eq!(consumer.position.windows, delivery.windows());
        }
    }
}
