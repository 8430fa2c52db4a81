//! Acceleration without gravity and gravity, which the phone gives apart, to acceleration with gravity.
//!
//! Gravity is interpolated to the instant of the acceleration. Where it is missing there is no sum: the
//! acceleration is given up and counted, never passed on without it. m/s², times in ns.

use std::collections::VecDeque;

/// Gravity further away than this says nothing, ns.
const REACH_NS: i64 = 50_000_000;
/// Most values that wait for their partner.
const MAX_WAITING: usize = 4096;

type Timed = (i64, [f64; 3]);

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Total {
    acceleration: VecDeque<Timed>,
    gravity: VecDeque<Timed>,
    given_up: u64,
}

impl Total {
    /// Accelerations that found no gravity, or came out of turn.
    pub(super) fn given_up(&self) -> u64 {
        self.given_up
    }

    pub(super) fn acceleration(&mut self, time_ns: i64, values: [f64; 3]) {
        self.given_up += push(&mut self.acceleration, (time_ns, values));
    }

    pub(super) fn gravity(&mut self, time_ns: i64, values: [f64; 3]) {
        push(&mut self.gravity, (time_ns, values));
    }

    /// The next sum.
    pub(super) fn pop(&mut self) -> Option<Timed> {
        loop {
            let (time_ns, acceleration) = *self.acceleration.front()?;
            while self.gravity.get(1).is_some_and(|g| g.0 <= time_ns) {
                self.gravity.pop_front();
            }
            let full = self.acceleration.len() >= MAX_WAITING;
            let gravity = match (self.gravity.front(), self.gravity.get(1)) {
                (Some(only), None) if only.0 < time_ns && !full => return None,
                (None, _) if !full => return None,
                (Some(before), after) => between(*before, after.copied(), time_ns),
                (None, _) => None,
            };
            self.acceleration.pop_front();
            match gravity {
                Some(g) => return Some((time_ns, [0, 1, 2].map(|i| acceleration[i] + g[i]))),
                None => self.given_up += 1,
            }
        }
    }
}

/// Appends a value and gives the number of values given up for it: itself if it came twice, the oldest if
/// too many wait, all if the clock went back (what waits for a time that never was would wait for ever).
fn push(queue: &mut VecDeque<Timed>, value: Timed) -> u64 {
    let last = queue.back().map(|last| last.0);
    if last == Some(value.0) {
        return 1;
    }
    let mut given_up = 0;
    if last.is_some_and(|last| value.0 < last) {
        given_up = queue.len() as u64;
        queue.clear();
    } else if queue.len() >= MAX_WAITING {
        given_up = 1;
        queue.pop_front();
    }
    queue.push_back(value);
    given_up
}

/// Gravity at `time_ns`, if it is known within reach.
fn between(before: Timed, after: Option<Timed>, time_ns: i64) -> Option<[f64; 3]> {
    let near = |t: i64| t.saturating_sub(time_ns).saturating_abs() <= REACH_NS;
    if before.0 >= time_ns {
        return near(before.0).then_some(before.1);
    }
    let after = after.filter(|a| near(a.0))?;
    if !near(before.0) {
        return None;
    }
    let share = (time_ns - before.0) as f64 / (after.0 - before.0).max(1) as f64;
    Some([0, 1, 2].map(|i| before.1[i] + share * (after.1[i] - before.1[i])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(value: i64) -> i64 {
        value * 1_000_000
    }

    #[test]
    fn gravity_is_interpolated_to_the_acceleration() {
        let mut total = Total::default();
        total.gravity(ms(0), [0.0, 0.0, 9.0]);
        total.acceleration(ms(5), [1.0, 0.0, 0.0]);
        assert_eq!(total.pop(), None);
        total.gravity(ms(10), [0.0, 0.0, 10.0]);
        assert_eq!(total.pop(), Some((ms(5), [1.0, 0.0, 9.5])));
        // At the same instant nothing has to be waited for.
        total.acceleration(ms(10), [0.0, 2.0, 0.0]);
        assert_eq!(total.pop(), Some((ms(10), [0.0, 2.0, 10.0])));
        assert_eq!(total.given_up(), 0);
    }

    #[test]
    fn a_time_that_never_was_does_not_stop_the_others() {
        let mut total = Total::default();
        total.acceleration(i64::MAX, [1.0; 3]);
        total.gravity(i64::MAX - 1, [9.0; 3]);
        assert_eq!(total.pop(), None);
        total.acceleration(ms(1), [0.0; 3]);
        total.gravity(ms(1), [0.0, 0.0, 9.8]);
        assert_eq!(total.pop(), Some((ms(1), [0.0, 0.0, 9.8])));
        assert_eq!(total.given_up(), 1);
    }

    #[test]
    fn without_gravity_nothing_comes_out_and_it_is_counted() {
        let mut total = Total::default();
        total.gravity(ms(0), [0.0, 0.0, 9.8]);
        total.acceleration(ms(100), [1.0; 3]);
        total.gravity(ms(200), [0.0, 0.0, 9.8]);
        assert_eq!(total.pop(), None);
        assert_eq!(total.given_up(), 1);
        for i in 0..10_000 {
            total.acceleration(ms(300 + i), [0.0; 3]);
            total.pop();
        }
        assert!(total.acceleration.len() <= MAX_WAITING && total.given_up() > 5000);
    }
}
