//! The running set: every candidate channel with its series so far, the one that counts, and what was said of it.
//! Works at the end of each window, so that the order of devices within it does not matter.
//!
//! Whenever something new may be known (a turn, a return, a better axis, a long stay), the repetitions are counted
//! anew over the set so far by the rules of the pass after it. What differs from what was said before is said:
//! new repetitions, and, when it stays so, that an earlier one is withdrawn.

use super::{
    channel::{Channel, Group, Kind},
    count::{Counted, Rule, is_rhythm},
    frames::Frames,
    params::Params,
    pose::{BRIDGE_S, Pose, wrap},
    post::{Found, NO_EXERCISE},
    record::{Row, up_at},
    segment::Cycle,
    sensor::Device,
    series::{GRID_HZ, scale},
    track::{Hint, Track},
};
use crate::model::{time::SessionNs, units::STANDARD_GRAVITY};

/// What the running set says about its repetitions.
pub(super) enum Said {
    /// The movement turned.
    Turned(Found),
    /// It came back.
    Completed(Found),
    /// The repetition that was said to be complete with this turn is none.
    Withdrawn(SessionNs),
}

/// A point of the trace.
pub(super) struct TracePoint {
    pub(super) t: SessionNs,
    pub(super) value: Option<f64>,
}

/// Spacing of the trace, ns: 20 points a second.
const TRACE_NS: i64 = 50_000_000;
/// Silence of a sensor after which another channel counts, s.
const LOST_S: f64 = 0.5;
/// Without an exercise rhythm has to stand for so long before a repetition is said, s. What a standing person's arm
/// does looks like rhythm for less than 2 s at a time (the recordings of rest it was chosen on); a set shows it for good.
const RHYTHM_S: f64 = 3.0;
/// A repetition that is no longer counted is withdrawn after so long, s.
const DOUBT_S: f64 = 2.0;
/// While a set is so young, heights are computed anew when gravity is known better, s.
const GRAVITY_S: f64 = 10.0;
/// ... by this share.
const GRAVITY_SHARE: f64 = 0.001;
/// A sample nearer to the last one than this share of the grid's step adds nothing to it.
const SOON: f64 = 0.7;
/// Leak of the integrals of height, rad/s: what is slower than 0.15 Hz is drift.
const LEAK: f64 = 2.0 * std::f64::consts::PI * 0.15;

struct Candidate {
    channel: Channel,
    /// Preference: of smaller groups first.
    group: usize,
    track: Track,
    rule: Rule,
    /// Next row of the leading device.
    cursor: usize,
    last: Option<(SessionNs, f64)>,
    /// Leaky integrals of the vertical acceleration: speed, height.
    rise: (f64, f64),
    gravity: f64,
    counted: Counted,
    worth: f64,
    due: bool,
}

/// Start, turn and end of a repetition.
type Span = (SessionNs, SessionNs, SessionNs);

/// A repetition that was said to be complete.
struct Known {
    span: Span,
    doubted_s: Option<f64>,
}

/// State of the running set.
pub(super) struct LiveSet {
    exercise: String,
    start: SessionNs,
    params: Params,
    frames: Frames,
    candidates: Vec<Candidate>,
    active: usize,
    known: Vec<Known>,
    /// Of each device: what its rows were when they were last followed.
    revisions: Vec<u32>,
    /// Before, another channel counted: what it said stays.
    settled_until: SessionNs,
    turned: Option<SessionNs>,
    /// Without an exercise: the channel that shows rhythm, and since when.
    rhythm: Option<(usize, SessionNs)>,
    recounts: u64,
    rechecked: u64,
    /// What was said last was said of this: channel, whether a set was known, recounts.
    said_of: (usize, bool, u64),
    next_trace: SessionNs,
}

impl LiveSet {
    pub(super) fn new(exercise: &str, start: SessionNs, devices: usize, params: &Params) -> Self {
        Self {
            exercise: exercise.to_owned(),
            start,
            params: params.clone(),
            frames: Frames::new(exercise, start, devices, params.drift_deg),
            candidates: Vec::new(),
            active: 0,
            known: Vec::new(),
            revisions: vec![0; devices],
            settled_until: start,
            turned: None,
            rhythm: None,
            recounts: 0,
            rechecked: 0,
            said_of: (0, false, 0),
            next_trace: start,
        }
    }

    /// Adds candidates that were not there before: a sensor may wake up after the set began.
    pub(super) fn offer(&mut self, groups: &[Group]) {
        let all = groups.iter().enumerate();
        for (group, channel) in all.flat_map(|(g, channels)| channels.iter().map(move |c| (g, c))) {
            if channel.kind == Kind::Turn {
                continue;
            }
            if let Some(old) = self.candidates.iter_mut().find(|c| c.channel == *channel) {
                old.group = group;
                continue;
            }
            let share = self.params.rate_share_live;
            let scale = scale(channel.kind, &self.exercise, share, &self.params);
            self.candidates.push(Candidate {
                channel: channel.clone(),
                group,
                track: Track::new(scale),
                rule: Rule::new(channel, &self.exercise),
                cursor: 0,
                last: None,
                rise: (0.0, 0.0),
                gravity: STANDARD_GRAVITY,
                counted: Counted::default(),
                worth: 0.0,
                due: false,
            });
        }
    }

    /// The channel that counts now.
    pub(super) fn channel(&self) -> Option<&Channel> {
        self.candidates.get(self.active).map(|c| &c.channel)
    }

    /// What is known of the segments now.
    pub(super) fn poses(&self) -> &[Option<Pose>] {
        self.frames.poses()
    }

    /// Works through the rows that came since the last call.
    pub(super) fn advance(
        &mut self,
        devices: &[Device],
        now: SessionNs,
        out: &mut Vec<Said>,
        trace: &mut Vec<TracePoint>,
    ) {
        let counted = self.known.len();
        for (i, device) in devices.iter().enumerate() {
            let revision = std::mem::replace(&mut self.revisions[i], device.revision);
            if revision != device.revision {
                self.frames.forget(i);
                self.restart(|c| c.uses(i));
            }
            if self.frames.follow(i, device, counted) {
                self.restart(|c| c.kind == Kind::Angle && c.uses(i));
            }
        }
        self.weigh(devices, now);
        self.feed_all(devices, out, trace);
        self.recount(false);
        self.choose(devices, now);
        self.anchor(devices, out, trace);
        self.recheck(devices);
        self.say(now, out);
        let newest = self.candidates.get(self.active).and_then(|c| c.last);
        let stale = newest.is_none_or(|(t, _)| now.seconds() - t.seconds() > self.params.stale_s);
        if stale && now >= self.next_trace {
            trace.push(TracePoint {
                t: now,
                value: None,
            });
            self.next_trace = SessionNs(now.0 + TRACE_NS);
        }
    }

    /// The set ends: the last repetition may not have slowed down yet, and nothing stays in doubt.
    pub(super) fn finish(&mut self, devices: &[Device], now: SessionNs, out: &mut Vec<Said>) {
        self.recount(true);
        self.choose(devices, now);
        self.say(SessionNs(now.0 + (2.0 * DOUBT_S * 1e9) as i64), out);
    }

    /// Series that are to be computed again from the beginning of the set.
    fn restart(&mut self, which: impl Fn(&Channel) -> bool) {
        for c in self.candidates.iter_mut().filter(|c| which(&c.channel)) {
            c.track.clear();
            (c.cursor, c.last, c.rise) = (0, None, (0.0, 0.0));
        }
    }

    /// Gravity as each sensor reads it: heights depend on a thousandth of it.
    fn weigh(&mut self, devices: &[Device], now: SessionNs) {
        let young = now.seconds() - self.start.seconds() < GRAVITY_S;
        for c in self
            .candidates
            .iter_mut()
            .filter(|c| c.channel.kind == Kind::Height)
        {
            let known = devices[c.channel.terms[0].0].gravity();
            let better = (known / c.gravity - 1.0).abs() > GRAVITY_SHARE;
            if better && (young || c.cursor == 0) {
                c.track.clear();
                (c.cursor, c.last, c.rise) = (0, None, (0.0, 0.0));
            }
            if better || !young {
                c.gravity = known;
            }
        }
    }

    /// The last group that matters: while a channel sees a set, those of later groups wait. They catch up, from the
    /// beginning of the set, as soon as it sees none.
    fn enough(&self) -> usize {
        self.candidates
            .get(self.active)
            .filter(|c| !c.counted.cycles.is_empty())
            .map_or(usize::MAX, |c| c.group)
    }

    fn feed_all(&mut self, devices: &[Device], out: &mut Vec<Said>, trace: &mut Vec<TracePoint>) {
        let enough = self.enough();
        for i in 0..self.candidates.len() {
            if self.candidates[i].group <= enough {
                self.feed(i, devices, out, trace);
            }
        }
    }

    fn feed(
        &mut self,
        i: usize,
        devices: &[Device],
        out: &mut Vec<Said>,
        trace: &mut Vec<TracePoint>,
    ) {
        let lead = self.candidates[i].channel.terms[0].0;
        while let Some(row) = devices[lead].rows.get(self.candidates[i].cursor) {
            self.candidates[i].cursor += 1;
            if self.candidates[i].is_soon(row) {
                continue;
            }
            let Some(x) = self.value(i, devices, row) else {
                continue;
            };
            let active = i == self.active;
            let c = &mut self.candidates[i];
            let x = c
                .last
                .filter(|_| c.channel.kind == Kind::Angle)
                .map_or(x, |(_, l)| l + wrap(x - l));
            c.last = Some((row.t, x));
            if active && row.t >= self.next_trace {
                trace.push(TracePoint {
                    t: row.t,
                    value: Some(x),
                });
                self.next_trace = SessionNs(row.t.0 + TRACE_NS);
            }
            let upward = row.acc().dot(&row.up());
            let hint = match c.channel.kind {
                Kind::Height => c.track.push_height(row.t_s(), x, upward),
                _ => c.track.push(row.t_s(), x),
            };
            match hint {
                Hint::Count => c.due = true,
                Hint::Turned if active => self.turn(i, out),
                _ => {}
            }
        }
    }

    fn value(&mut self, i: usize, devices: &[Device], row: &Row) -> Option<f64> {
        let c = &mut self.candidates[i];
        if c.channel.kind == Kind::Height {
            return Some(c.lift(row));
        }
        let mut sum = 0.0;
        for (k, (device, weight)) in c.channel.terms.iter().enumerate() {
            let up = if k == 0 {
                row.up()
            } else {
                up_at(&devices[*device].rows, row.t, BRIDGE_S)?
            };
            sum += weight * self.frames.tilt(*device, &devices[*device], up)?;
        }
        Some(sum)
    }

    /// The active channel turned: provisional, if it turned away from the rest end and this is new.
    /// Without an exercise a turn is none before there is a set.
    fn turn(&mut self, i: usize, out: &mut Vec<Said>) {
        if self.exercise == NO_EXERCISE && self.known.is_empty() {
            return;
        }
        let c = &self.candidates[i];
        let Some((from, to)) = c.track.outward_turn(&c.counted) else {
            return;
        };
        let at = |index| SessionNs::from_seconds(c.track.at_s(index));
        let (start, turn) = (at(from), at(to));
        let last = self.known.last().map(|k| k.span.2).max(self.turned);
        if last.is_some_and(|last| turn <= last) {
            return;
        }
        let found = Found {
            start,
            turn,
            end: turn,
            dwell: (turn, turn),
            amplitude: 0.0,
            channel: c.channel.clone(),
        };
        self.turned = Some(turn);
        out.push(Said::Turned(found));
    }

    /// Counts anew where something is new, as far as it can matter.
    fn recount(&mut self, ended: bool) {
        let enough = self.enough();
        let due = self.candidates.iter_mut().filter(|c| c.due || ended);
        for c in due.filter(|c| c.group <= enough) {
            c.due = false;
            self.recounts += 1;
            (c.counted, c.worth) = c.track.count(&c.rule, &self.params, c.gravity, ended);
        }
    }

    /// Once a repetition is known, it says where the rest end is and which way is out.
    fn anchor(&mut self, devices: &[Device], out: &mut Vec<Said>, trace: &mut Vec<TracePoint>) {
        let Some(c) = self
            .candidates
            .get(self.active)
            .filter(|c| c.channel.metric.is_some())
        else {
            return;
        };
        let Some(cycle) = c.counted.cycles.first() else {
            return;
        };
        let at = |index| SessionNs::from_seconds(c.track.at_s(index));
        let channel = c.channel.clone();
        if !self
            .frames
            .anchor(devices, &channel, at(cycle.start), at(cycle.turn))
        {
            return;
        }
        self.restart(|other| {
            other.kind == Kind::Angle && channel.terms.iter().any(|(d, _)| other.uses(*d))
        });
        self.feed_all(devices, out, trace);
        for c in &mut self.candidates {
            c.due = true;
        }
        self.recount(false);
    }

    /// Where the sensors sit is looked at again with every new count.
    fn recheck(&mut self, devices: &[Device]) {
        if std::mem::replace(&mut self.rechecked, self.recounts) == self.recounts {
            return;
        }
        if let Some(c) = self.candidates.get(self.active) {
            let rests: Vec<SessionNs> = c.counted.cycles.iter().map(|y| c.span(y).0).collect();
            self.frames.recheck(devices, &rests);
        }
    }

    /// Whether what the counting channel shows may be said. As after the set: first which channel counts, then, without
    /// an exercise, whether it shows rhythm; before the first repetition is said that has to stand for a while.
    fn is_set(&mut self, now: SessionNs) -> bool {
        if self.exercise != NO_EXERCISE {
            return true;
        }
        let cycles = self.candidates.get(self.active).map(|c| &c.counted.cycles);
        if !cycles.is_some_and(|c| is_rhythm(c, GRID_HZ)) {
            self.rhythm = None;
            return false;
        }
        let before = self.rhythm.filter(|(channel, _)| *channel == self.active);
        let (_, since) = *self.rhythm.insert(before.unwrap_or((self.active, now)));
        !self.known.is_empty() || now.seconds() - since.seconds() >= RHYTHM_S
    }

    /// Says what differs from what was said.
    fn say(&mut self, now: SessionNs, out: &mut Vec<Said>) {
        let shown = self.is_set(now);
        let basis = (self.active, shown, self.recounts);
        let doubted = self.known.iter().any(|k| k.doubted_s.is_some());
        if std::mem::replace(&mut self.said_of, basis) == basis && !doubted {
            return;
        }
        let Some(c) = self.candidates.get(self.active) else {
            return;
        };
        let spans: Vec<Span> = if shown {
            c.counted.cycles.iter().map(|y| c.span(y)).collect()
        } else {
            Vec::new()
        };
        let mut free: Vec<bool> = spans.iter().map(|s| s.1 > self.settled_until).collect();
        for known in &mut self.known {
            if known.span.1 <= self.settled_until {
                continue;
            }
            let same = (0..spans.len())
                .filter(|k| free[*k] && overlap_ns(known.span, spans[*k]) > 0)
                .max_by_key(|k| overlap_ns(known.span, spans[*k]));
            if let Some(k) = same {
                (free[k], known.doubted_s) = (false, None);
            } else {
                known.doubted_s.get_or_insert(now.seconds());
            }
        }
        self.known.retain(|k| {
            let gone = k
                .doubted_s
                .is_some_and(|since| now.seconds() - since >= DOUBT_S);
            if gone {
                out.push(Said::Withdrawn(k.span.1));
            }
            !gone
        });
        for (i, span) in spans.into_iter().enumerate().filter(|(i, _)| free[*i]) {
            self.known.push(Known {
                span,
                doubted_s: None,
            });
            out.push(Said::Completed(c.found(&c.counted.cycles[i])));
        }
    }

    /// Another channel counts when the present one is silent, or sees nothing or little where another sees a set.
    fn choose(&mut self, devices: &[Device], now: SessionNs) {
        let heard = |c: &Candidate| {
            c.channel
                .terms
                .iter()
                .all(|(d, _)| devices[*d].fresh(now, LOST_S))
        };
        let Some(active) = self.candidates.get(self.active) else {
            return;
        };
        if !heard(active) {
            if let Some(next) = self.candidates.iter().position(heard) {
                self.active = next;
                self.settled_until = self.known.last().map_or(self.start, |k| k.span.2);
            }
            return;
        }
        let best = self
            .candidates
            .iter()
            .enumerate()
            .filter(|(_, c)| heard(c) && !c.counted.cycles.is_empty())
            .reduce(|best, next| if next.1.is_better(best.1) { next } else { best });
        let Some((next, best)) = best.filter(|(i, _)| *i != self.active) else {
            return;
        };
        let blind = active.counted.cycles.is_empty();
        // As long as nothing was said a change costs nothing.
        let better =
            best.is_clearly_better(active) || self.known.is_empty() && best.is_better(active);
        if blind && !active.track.moving() || !blind && better {
            self.active = next;
        }
    }
}

fn overlap_ns(a: Span, b: Span) -> i64 {
    a.2.0.min(b.2.0) - a.0.0.max(b.0.0)
}

impl Candidate {
    /// Of a group that comes first, or worth more within it.
    fn is_better(&self, other: &Candidate) -> bool {
        self.group < other.group || self.group == other.group && self.worth > other.worth
    }

    /// So much that changing over in the middle of a set is right.
    fn is_clearly_better(&self, other: &Candidate) -> bool {
        self.group < other.group || self.group == other.group && self.worth > 1.5 * other.worth
    }

    /// The grid has no place for a tilt that comes so soon after the last one; a height needs every sample.
    fn is_soon(&self, row: &Row) -> bool {
        let since_s = self.last.map(|(t, _)| row.t.seconds() - t.seconds());
        self.channel.kind != Kind::Height && since_s.is_some_and(|s| s < SOON / GRID_HZ)
    }

    /// Height by leaky integration.
    fn lift(&mut self, row: &Row) -> f64 {
        let step = self.last.map_or(0.0, |(t, _)| row.t_s() - t.seconds());
        if step > 0.5 {
            self.rise = (0.0, 0.0);
            return 0.0;
        }
        let vertical = (row.acc().dot(&row.up()) / self.gravity - 1.0) * STANDARD_GRAVITY;
        let leak = 1.0 + LEAK * step;
        self.rise.0 = (self.rise.0 + vertical * step) / leak;
        self.rise.1 = (self.rise.1 + self.rise.0 * step) / leak;
        self.rise.1
    }

    fn span(&self, cycle: &Cycle) -> Span {
        let at = |index| SessionNs::from_seconds(self.track.at_s(index));
        (at(cycle.start), at(cycle.turn), at(cycle.end))
    }

    fn found(&self, cycle: &Cycle) -> Found {
        let at = |index| SessionNs::from_seconds(self.track.at_s(index));
        let (start, turn, end) = self.span(cycle);
        Found {
            start,
            turn,
            end,
            dwell: (at(cycle.dwell.0), at(cycle.dwell.1)),
            amplitude: cycle.amplitude,
            channel: self.channel.clone(),
        }
    }
}
