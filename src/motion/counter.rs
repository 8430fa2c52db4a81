//! The live counting machine of one channel: every excursion from rest and back, as the samples come.
//! Units of the channel, seconds.
//!
//! It says `Turned` within some hundredths of a second of the extreme, and `Completed` when the way back has
//! slowed down near the rest end, or turned again. It never looks ahead: the pass after the set does.

/// What the machine saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    /// The movement turned: provisional.
    Turned(Excursion),
    /// It came back: confirmed.
    Completed(Excursion),
}

/// An excursion as seen live.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Excursion {
    pub(super) start_s: f64,
    pub(super) turn_s: f64,
    pub(super) end_s: f64,
    pub(super) amplitude: f64,
    /// Side to which the channel leaves the rest end.
    pub(super) sign: f64,
}

#[derive(Debug, Clone, Copy)]
struct Point {
    t: f64,
    y: f64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Nobody knows yet to which side the movement goes.
    Unsure {
        low: Point,
        high: Point,
    },
    Rest {
        low: Point,
        left: f64,
    },
    Out {
        low: Point,
        left: f64,
        high: Point,
    },
    Back {
        low: Point,
        left: f64,
        high: Point,
        least: Point,
        fastest: f64,
    },
}

/// Counter of one channel.
pub(super) struct Counter {
    floor: f64,
    least: f64,
    share: f64,
    sign: f64,
    state: Option<State>,
    recent: [f64; 5],
    count: usize,
    previous: Option<Point>,
    speed: f64,
}

/// Time constant of the speed's smoothing, s.
const SPEED_TAU_S: f64 = 0.04;

impl Counter {
    pub(super) fn new(floor: f64, least: f64, share: f64) -> Self {
        Self {
            floor,
            least,
            share,
            sign: 1.0,
            state: None,
            recent: [0.0; 5],
            count: 0,
            previous: None,
            speed: 0.0,
        }
    }

    /// Repetitions completed so far.
    pub(super) fn completed(&self) -> usize {
        self.count
    }

    /// The set ends: an excursion that has come most of the way back is complete.
    pub(super) fn finish(&mut self) -> Option<Step> {
        let Some(State::Back {
            low,
            left,
            high,
            least,
            ..
        }) = self.state
        else {
            return None;
        };
        let amplitude = high.y - low.y;
        (high.y - least.y >= 0.6 * amplitude)
            .then(|| self.complete((left, high), least, amplitude).1)
            .flatten()
    }

    /// Forgets the excursion that is going on: the channel's zero was moved.
    pub(super) fn restart(&mut self) {
        self.state = None;
        self.previous = None;
        self.speed = 0.0;
    }

    /// An excursion is going on.
    pub(super) fn moving(&self) -> bool {
        matches!(self.state, Some(State::Out { .. } | State::Back { .. }))
    }

    pub(super) fn push(&mut self, t: f64, x: f64) -> Option<Step> {
        let p = Point {
            t,
            y: self.sign * x,
        };
        self.follow_speed(p);
        let step = self.step();
        let (state, said) = match self.state {
            None => (State::Unsure { low: p, high: p }, None),
            Some(State::Unsure { low, high }) => (self.unsure(p, low, high), None),
            Some(State::Rest { low, left }) => (rest(p, low, left, step), None),
            Some(State::Out { low, left, high }) => self.out(p, low, left, high),
            Some(State::Back {
                low,
                left,
                high,
                least,
                fastest,
            }) => self.back(p, (low, left, high), least, fastest),
        };
        self.state = Some(state);
        said
    }

    fn follow_speed(&mut self, p: Point) {
        if let Some(last) = self.previous {
            let dt = (p.t - last.t).max(1e-4);
            let share = 1.0 - (-dt / SPEED_TAU_S).exp();
            self.speed += ((p.y - last.y) / dt - self.speed) * share;
        }
        self.previous = Some(p);
    }

    /// Excursion that counts now: a share of the usual one, never below the floor.
    fn step(&self) -> f64 {
        let n = self.count.min(self.recent.len());
        if n == 0 {
            return self.floor;
        }
        (self.share * super::filter::median(&self.recent[..n])).max(self.least)
    }

    fn unsure(&mut self, p: Point, low: Point, high: Point) -> State {
        let low = if p.y < low.y { p } else { low };
        let high = if p.y > high.y { p } else { high };
        if p.y - low.y >= self.floor {
            return State::Out {
                low,
                left: low.t,
                high: p,
            };
        }
        if high.y - p.y >= self.floor {
            self.sign = -self.sign;
            self.speed = -self.speed;
            let mirror = |q: Point| Point { t: q.t, y: -q.y };
            self.previous = Some(mirror(p));
            return State::Out {
                low: mirror(high),
                left: high.t,
                high: mirror(p),
            };
        }
        State::Unsure { low, high }
    }

    fn out(&mut self, p: Point, low: Point, left: f64, high: Point) -> (State, Option<Step>) {
        let high = if p.y > high.y { p } else { high };
        let amplitude = high.y - low.y;
        if high.y - p.y < (0.1 * amplitude).max(0.2 * self.floor) {
            return (State::Out { low, left, high }, None);
        }
        let turned = self.excursion(left, high, p, amplitude);
        (
            State::Back {
                low,
                left,
                high,
                least: p,
                fastest: -self.speed,
            },
            Some(Step::Turned(turned)),
        )
    }

    fn back(
        &mut self,
        p: Point,
        (low, left, high): (Point, f64, Point),
        least: Point,
        fastest: f64,
    ) -> (State, Option<Step>) {
        let amplitude = high.y - low.y;
        if p.y > high.y {
            return (State::Out { low, left, high: p }, None);
        }
        let least = if p.y < least.y { p } else { least };
        let fastest = fastest.max(-self.speed);
        let returned = (high.y - least.y) / amplitude;
        let slow = -self.speed < 0.10 * fastest;
        let again = p.y - least.y >= (0.1 * amplitude).max(0.2 * self.floor);
        let other_way = p.y - least.y >= self.step();
        let complete = (returned >= 0.7 && (slow || again)) || (returned >= 0.5 && other_way);
        if !complete {
            return (
                State::Back {
                    low,
                    left,
                    high,
                    least,
                    fastest,
                },
                None,
            );
        }
        self.complete((left, high), least, amplitude)
    }

    fn complete(
        &mut self,
        (left, high): (f64, Point),
        least: Point,
        amplitude: f64,
    ) -> (State, Option<Step>) {
        let done = self.excursion(left, high, least, amplitude.min(high.y - least.y));
        self.recent[self.count % self.recent.len()] = done.amplitude;
        self.count += 1;
        let state = State::Rest {
            low: least,
            left: least.t,
        };
        (state, Some(Step::Completed(done)))
    }

    fn excursion(&self, left: f64, high: Point, end: Point, amplitude: f64) -> Excursion {
        Excursion {
            start_s: left,
            turn_s: high.t,
            end_s: end.t,
            amplitude,
            sign: self.sign,
        }
    }
}

/// At the rest end: the lowest point counts as rest, the last instant near it as the start.
fn rest(p: Point, low: Point, left: f64, step: f64) -> State {
    if p.y <= low.y {
        return State::Rest { low: p, left: p.t };
    }
    let left = if p.y - low.y < 0.15 * step { p.t } else { left };
    if p.y - low.y >= step {
        State::Out { low, left, high: p }
    } else {
        State::Rest { low, left }
    }
}
