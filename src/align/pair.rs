//! Acceleration and angular rate that a device sends apart, joined to one sample.
//!
//! Works on the device's clock, before it is mapped, so the clock fit cannot move the two against each
//! other. Angular rate sets the instants; acceleration is interpolated between its neighbours. Waiting
//! is bounded: without a partner for `wait_ns`, acceleration goes on alone, angular rate is dropped and
//! counted. Angular rate beside a hole in the acceleration is dropped too: the gap then shows.

use super::period::Period;
use crate::model::sample::Quality;
use std::collections::VecDeque;

/// Most values that wait, whatever their times say.
const MAX_WAITING: usize = 8192;
/// Acceleration steps longer than this many periods are a hole.
const PERIODS_OF_A_HOLE: f64 = 2.5;

/// Three values at one device time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Triple {
    /// Device time, ns.
    pub device_ns: i64,
    /// m/s² or rad/s.
    pub values: [f64; 3],
    /// What is known against them.
    pub quality: Quality,
}

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Joined {
    /// Both.
    Imu {
        /// Device time, ns.
        device_ns: i64,
        /// m/s²
        acceleration: [f64; 3],
        /// rad/s
        angular_rate: [f64; 3],
        /// Of both.
        quality: Quality,
    },
    /// The device has no angular rate, or it is silent.
    Acc(Triple),
}

/// What waits for its partner.
#[derive(Debug, Clone)]
pub struct Pair {
    wait_ns: i64,
    hole_ns: i64,
    acceleration: VecDeque<Triple>,
    angular_rate: VecDeque<Triple>,
    acceleration_period: Period,
    /// No angular rate came for `wait_ns`.
    alone: bool,
    /// The latest value that came out was of both.
    paired: bool,
    /// Device time up to which acceleration was used, ns.
    used_ns: Option<i64>,
    dropped: u64,
}

impl Pair {
    /// Nothing waits; `hole_ns` is what an acceleration step must exceed to be a hole.
    #[must_use]
    pub fn new(wait_ns: i64, hole_ns: i64) -> Self {
        Self {
            wait_ns,
            hole_ns,
            acceleration: VecDeque::new(),
            angular_rate: VecDeque::new(),
            acceleration_period: Period::default(),
            alone: false,
            paired: false,
            used_ns: None,
            dropped: 0,
        }
    }

    /// Values that found no partner or came twice.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The device's clock starts anew: nothing before belongs to anything after.
    pub fn restart(&mut self) {
        self.acceleration.clear();
        self.angular_rate.clear();
        self.used_ns = None;
    }

    /// Takes an acceleration.
    pub fn acceleration(&mut self, triple: Triple) {
        if let Some(last) = self.acceleration.back() {
            let step = triple.device_ns.saturating_sub(last.device_ns);
            if step <= 0 {
                self.dropped += 1;
                return;
            }
            self.acceleration_period.learn(step);
        }
        if self.used_ns.is_some_and(|used| triple.device_ns <= used) {
            self.dropped += 1;
            return;
        }
        self.acceleration.push_back(triple);
    }

    /// Takes an angular rate.
    pub fn angular_rate(&mut self, triple: Triple) {
        let late = |last: &Triple| triple.device_ns <= last.device_ns;
        if self.angular_rate.back().is_some_and(late) {
            self.dropped += 1;
            return;
        }
        self.alone = false;
        self.angular_rate.push_back(triple);
    }

    /// The next value that need not wait any longer.
    pub fn pop(&mut self) -> Option<Joined> {
        while let Some(rate) = self.angular_rate.front().copied() {
            match self.partner(rate.device_ns) {
                Partner::Found(acceleration) => {
                    self.angular_rate.pop_front();
                    self.paired = true;
                    self.used_ns = Some(rate.device_ns);
                    return Some(joined(acceleration, rate));
                }
                Partner::None => {
                    self.angular_rate.pop_front();
                    self.dropped += 1;
                }
                Partner::NotYet => return None,
            }
        }
        self.pop_alone(self.wait_ns)
    }

    /// As [`Pair::pop`] when nothing more will come.
    pub fn pop_last(&mut self) -> Option<Joined> {
        if let Some(joined) = self.pop() {
            return Some(joined);
        }
        // The angular rate after the last acceleration: hold that within its period.
        if let (Some(rate), Some(acceleration)) =
            (self.angular_rate.pop_front(), self.acceleration.front())
        {
            let beyond = rate.device_ns.saturating_sub(acceleration.device_ns);
            let period = self.acceleration_period.ns().unwrap_or(0.0);
            if beyond as f64 <= period {
                return Some(joined(*acceleration, rate));
            }
            self.dropped += 1 + self.angular_rate.len() as u64;
            self.angular_rate.clear();
        }
        // Beside angular rate, what is left is the right neighbour of the last one.
        if self.paired {
            None
        } else {
            self.pop_alone(-1)
        }
    }

    fn pop_alone(&mut self, wait_ns: i64) -> Option<Joined> {
        let newest = self.acceleration.back()?.device_ns;
        let oldest = *self.acceleration.front()?;
        let waited = newest.saturating_sub(oldest.device_ns);
        if !self.alone && waited <= wait_ns && self.acceleration.len() < MAX_WAITING {
            return None;
        }
        self.alone = true;
        self.paired = false;
        self.acceleration.pop_front();
        if self.used_ns.is_some_and(|used| oldest.device_ns <= used) {
            // The left neighbour of angular rate that is out already.
            return self.pop_alone(wait_ns);
        }
        self.used_ns = Some(oldest.device_ns);
        Some(Joined::Acc(oldest))
    }

    fn partner(&mut self, device_ns: i64) -> Partner {
        while self
            .acceleration
            .get(1)
            .is_some_and(|next| next.device_ns <= device_ns)
        {
            self.acceleration.pop_front();
        }
        let newest = self.angular_rate.back().map_or(device_ns, |t| t.device_ns);
        let waited_out = newest.saturating_sub(device_ns) > self.wait_ns
            || self.angular_rate.len() >= MAX_WAITING;
        match (self.acceleration.front(), self.acceleration.get(1)) {
            (Some(before), _) if before.device_ns == device_ns => Partner::Found(*before),
            (Some(before), _) if before.device_ns > device_ns => Partner::None,
            (Some(before), Some(after)) => self.between(*before, *after, device_ns),
            _ if waited_out => Partner::None,
            _ => Partner::NotYet,
        }
    }

    fn between(&self, before: Triple, after: Triple, device_ns: i64) -> Partner {
        let step = after.device_ns.saturating_sub(before.device_ns);
        let period = self.acceleration_period.ns().unwrap_or(0.0);
        if step > self.hole_ns.max((PERIODS_OF_A_HOLE * period) as i64) {
            return Partner::None;
        }
        let mut quality = before.quality.with(after.quality);
        if period > 0.0 && step as f64 > PERIODS_OF_A_HOLE * period {
            quality = quality.with(Quality::INTERPOLATED);
        }
        let share = device_ns.saturating_sub(before.device_ns) as f64 / step as f64;
        let mut values = before.values;
        for (value, end) in values.iter_mut().zip(after.values) {
            *value += (end - *value) * share;
        }
        Partner::Found(Triple {
            device_ns,
            values,
            quality,
        })
    }
}

enum Partner {
    Found(Triple),
    None,
    NotYet,
}

fn joined(acceleration: Triple, rate: Triple) -> Joined {
    Joined::Imu {
        device_ns: rate.device_ns,
        acceleration: acceleration.values,
        angular_rate: rate.values,
        quality: acceleration.quality.with(rate.quality),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn triple(ms: i64, value: f64) -> Triple {
        Triple {
            device_ns: ms * MS,
            values: [value; 3],
            quality: Quality::GOOD,
        }
    }

    fn pair() -> Pair {
        Pair::new(3000 * MS, 200 * MS)
    }

    fn imus(pair: &mut Pair) -> Vec<(i64, f64)> {
        std::iter::from_fn(|| pair.pop())
            .map(|j| match j {
                Joined::Imu {
                    device_ns,
                    acceleration,
                    ..
                } => (device_ns / MS, acceleration[0]),
                Joined::Acc(t) => panic!("alone at {}", t.device_ns),
            })
            .collect()
    }

    #[test]
    fn acceleration_is_interpolated_at_the_instants_of_the_angular_rate() {
        let mut pair = pair();
        for i in 0..4 {
            pair.angular_rate(triple(20 * i + 5, 0.0));
        }
        assert_eq!(imus(&mut pair), []);
        for i in 0..4 {
            pair.acceleration(triple(20 * i, 20.0 * i as f64));
        }
        assert_eq!(imus(&mut pair), [(5, 5.0), (25, 25.0), (45, 45.0)]);
        pair.acceleration(triple(80, 80.0));
        assert_eq!(imus(&mut pair), [(65, 65.0)]);
    }

    #[test]
    fn a_device_without_angular_rate_gives_acceleration_after_the_wait() {
        let mut pair = pair();
        let mut got = 0;
        for i in 0..200 {
            pair.acceleration(triple(20 * i, 0.0));
            while let Some(joined) = pair.pop() {
                assert_eq!(joined, Joined::Acc(triple(20 * got, 0.0)));
                got += 1;
            }
            assert_eq!(got, if 20 * i <= 3000 { 0 } else { i + 1 });
        }
    }

    #[test]
    fn angular_rate_beside_a_hole_is_dropped() {
        let mut pair = pair();
        pair.acceleration(triple(0, 0.0));
        pair.acceleration(triple(20, 0.0));
        pair.acceleration(triple(520, 0.0));
        pair.acceleration(triple(540, 0.0));
        for i in 0..26 {
            pair.angular_rate(triple(20 * i + 10, 0.0));
        }
        let got = imus(&mut pair);
        assert_eq!(got, [(10, 0.0)]);
        pair.angular_rate(triple(530, 0.0));
        assert_eq!(imus(&mut pair), [(530, 0.0)]);
    }

    #[test]
    fn waiting_is_bounded() {
        let mut pair = pair();
        for i in 0..100_000 {
            pair.angular_rate(triple(20 * i, 0.0));
            assert!(pair.pop().is_none());
        }
        assert!(pair.angular_rate.len() <= 152);
        assert!(pair.dropped() > 99_000);
    }

    #[test]
    fn a_short_recording_is_not_lost() {
        let mut pair = pair();
        for i in 0..10 {
            pair.acceleration(triple(20 * i, 0.0));
        }
        assert!(pair.pop().is_none());
        assert_eq!(std::iter::from_fn(|| pair.pop_last()).count(), 10);
    }
}
