//! The running set: frames of the segments as far as known, every candidate channel with its counter, and the
//! one that counts. Works at the end of each window, so that the order of devices within it does not matter.

use super::{
    anatomy::tilt_sign,
    calibration::Frame,
    channel::{Channel, Group, Kind},
    counter::{Counter, Excursion, Step},
    measure::zero_at_start,
    params::Params,
    pose::{BRIDGE_S, Pose, Zero, tilt_of, wrap},
    post::Found,
    record::{Row, up_at},
    segment::boundaries,
    sensor::Device,
    series::{GRID_HZ, scale},
};
use crate::model::{frame::Vec3, time::SessionNs, units::STANDARD_GRAVITY};

/// What the running set says about its repetitions.
pub(super) enum Said {
    /// The movement turned.
    Turned(Found),
    /// It came back.
    Completed(Found),
}

/// A point of the trace.
pub(super) struct TracePoint {
    pub(super) t: SessionNs,
    pub(super) value: Option<f64>,
}

/// Longest trail kept of a channel since its last repetition, samples.
const TRAIL: usize = 12_000;
/// Spacing of the trace, ns: 20 points a second.
const TRACE_NS: i64 = 50_000_000;
/// Silence of a sensor after which another channel counts, s.
const LOST_S: f64 = 0.5;
/// A segment must have turned so far before its axis is used, rad (10 deg).
const AXIS_ANGLE: f64 = 0.175;

/// A client may still walk into place when the set is started, s.
const SETTLING_S: f64 = 3.0;
/// A pose kept for so long is one, s.
const CALM_S: f64 = 0.5;
/// A reference pose is replaced when the still one differs by more: cosine of 5 deg.
const REFERENCE_COS: f64 = 0.9962;

struct Candidate {
    channel: Channel,
    counter: Counter,
    /// Next row of the leading device.
    cursor: usize,
    trail: Vec<(f64, f64)>,
    last: Option<(SessionNs, f64)>,
    /// Leaky integrals of the vertical acceleration: speed, height.
    rise: (f64, f64),
    kept: Vec<Found>,
}

/// State of the running set.
pub(super) struct LiveSet {
    exercise: String,
    start: SessionNs,
    params: Params,
    pub(super) poses: Vec<Option<Pose>>,
    reference: Vec<Option<Vec3>>,
    /// Newest pose that each device keeps within some degrees, and since when.
    calm: Vec<Option<(Vec3, f64)>>,
    candidates: Vec<Candidate>,
    active: usize,
    counted_until: SessionNs,
    counted: usize,
    next_trace: SessionNs,
}

impl LiveSet {
    pub(super) fn new(exercise: &str, start: SessionNs, devices: usize, params: &Params) -> Self {
        Self {
            exercise: exercise.to_owned(),
            start,
            params: params.clone(),
            poses: vec![None; devices],
            reference: vec![None; devices],
            calm: vec![None; devices],
            candidates: Vec::new(),
            active: 0,
            counted_until: start,
            counted: 0,
            next_trace: start,
        }
    }

    /// Adds candidates that were not there before: a sensor may wake up after the set began.
    pub(super) fn offer(&mut self, groups: &[Group]) {
        for channel in groups.iter().flatten() {
            if channel.kind == Kind::Turn || self.candidates.iter().any(|c| c.channel == *channel) {
                continue;
            }
            let scale = scale(channel.kind, &self.exercise, 0.0, &self.params);
            self.candidates.push(Candidate {
                channel: channel.clone(),
                counter: Counter::new(scale.floor, scale.least, self.params.hysteresis_share),
                cursor: 0,
                trail: Vec::with_capacity(TRAIL),
                last: None,
                rise: (0.0, 0.0),
                kept: Vec::new(),
            });
        }
    }

    /// The channel that counts now.
    pub(super) fn channel(&self) -> Option<&Channel> {
        self.candidates.get(self.active).map(|c| &c.channel)
    }

    /// Works through the rows that came since the last call.
    pub(super) fn advance(
        &mut self,
        devices: &[Device],
        now: SessionNs,
        out: &mut Vec<Said>,
        trace: &mut Vec<TracePoint>,
    ) {
        for (i, device) in devices.iter().enumerate() {
            self.follow(i, device);
        }
        for i in 0..self.candidates.len() {
            self.feed(i, devices, out, trace);
        }
        self.choose(devices, now, out);
        let known = self.candidates.get(self.active).and_then(|c| c.last);
        let stale = known.is_none_or(|(t, _)| now.seconds() - t.seconds() > self.params.stale_s);
        if stale && now >= self.next_trace {
            trace.push(TracePoint {
                t: now,
                value: None,
            });
            self.next_trace = SessionNs(now.0 + TRACE_NS);
        }
    }

    /// Keeps the frame of a device up to date.
    fn follow(&mut self, i: usize, device: &Device) {
        let Some(first) = device.rows.first() else {
            return;
        };
        let reference = self.reference(i, device, first);
        let axis = match (device.scatter.axis(), device.axis) {
            (Some(now), Some(earlier)) if earlier.quality > now.quality => earlier,
            (Some(now), _) => now,
            (None, Some(earlier)) => earlier,
            (None, None) => return,
        };
        let up = device.last.map_or(reference, |r| r.up());
        let moved = up.dot(&reference).clamp(-1.0, 1.0).acos() > AXIS_ANGLE;
        if self.poses[i].is_none() && !moved {
            return;
        }
        let Some(mut frame) = Frame::new(reference, axis.direction) else {
            return;
        };
        let before = match (&self.poses[i], device.axis) {
            (Some(pose), _) => Some(pose.frame.axis()),
            (None, Some(a)) if device.axis_signed => Some(a.direction),
            _ => None,
        };
        let turn = match before {
            Some(axis) => frame.axis().dot(&axis) < 0.0,
            None => self.against_anatomy(device, &frame, up),
        };
        if turn {
            frame = frame.turned();
        }
        self.poses[i] = Some(Pose {
            frame,
            zero: if device.stance.is_some() {
                Zero::Stance
            } else {
                zero_at_start(&self.exercise)
            },
            quality: axis.quality,
            signed: tilt_sign(&self.exercise, device.segment) != 0.0,
            drifted: false,
            drift_deg: 0.0,
            range_deg: 30.0,
        });
    }

    /// Pose from which tilts count: the stance, else where the client stands still as the set begins.
    fn reference(&mut self, i: usize, device: &Device, first: &Row) -> Vec3 {
        let stance = device.stance.map(|s| s.up);
        let known = *self.reference[i]
            .get_or_insert_with(|| stance.unwrap_or_else(|| rest_up(device, first)));
        let still = device
            .still
            .newest()
            .filter(|s| (0.0..SETTLING_S).contains(&(s.since_s - self.start.seconds())))
            .and_then(super::still::Stretch::up);
        let calm = self.calm(i, device).filter(|_| was_jolted(first));
        let Some(up) = still.or(calm).filter(|_| stance.is_none()) else {
            return known;
        };
        if self.counted > 0 || up.dot(&known) > REFERENCE_COS {
            return known;
        }
        self.reference[i] = Some(up);
        self.poses[i] = None;
        for c in &mut self.candidates {
            if c.channel.kind == Kind::Angle && c.channel.terms.iter().any(|(d, _)| *d == i) {
                c.counter.restart();
                c.trail.clear();
                c.last = None;
            }
        }
        up
    }

    /// The pose that a device keeps, if it came to it while the client may still have been walking into place.
    fn calm(&mut self, i: usize, device: &Device) -> Option<Vec3> {
        let row = device.last.as_ref()?;
        let (up, since_s) = *self.calm[i].get_or_insert((row.up(), row.t_s()));
        if up.dot(&row.up()) < REFERENCE_COS {
            self.calm[i] = Some((row.up(), row.t_s()));
            return None;
        }
        let came_s = since_s - self.start.seconds();
        (row.t_s() - since_s >= CALM_S && came_s < SETTLING_S).then_some(up)
    }

    fn against_anatomy(&self, device: &Device, frame: &Frame, up: Vec3) -> bool {
        let sign = match tilt_sign(&self.exercise, device.segment) {
            0.0 => 1.0,
            sign => sign,
        };
        frame.forward_tilt(up).is_some_and(|tilt| tilt * sign < 0.0)
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
            let Some(x) = self.value(i, devices, row) else {
                continue;
            };
            let c = &mut self.candidates[i];
            let x = c
                .last
                .filter(|_| c.channel.kind == Kind::Angle)
                .map_or(x, |(_, l)| l + wrap(x - l));
            c.last = Some((row.t, x));
            if c.trail.len() == TRAIL {
                c.trail.drain(..TRAIL / 2);
            }
            c.trail.push((row.t_s(), x));
            let step = c.counter.push(row.t_s(), x);
            if i == self.active && row.t >= self.next_trace {
                trace.push(TracePoint {
                    t: row.t,
                    value: Some(x),
                });
                self.next_trace = SessionNs(row.t.0 + TRACE_NS);
            }
            if let Some(step) = step {
                self.said(i, step, out);
            }
        }
    }

    fn value(&mut self, i: usize, devices: &[Device], row: &Row) -> Option<f64> {
        if self.candidates[i].channel.kind == Kind::Height {
            return Some(self.candidates[i].lift(row));
        }
        let mut sum = 0.0;
        for (k, (device, weight)) in self.candidates[i].channel.terms.iter().enumerate() {
            let up = if k == 0 {
                row.up()
            } else {
                up_at(&devices[*device].rows, row.t, BRIDGE_S)?
            };
            sum += weight * self.tilt(*device, &devices[*device], up)?;
        }
        Some(sum)
    }

    /// Tilt of a device; before its axis is known, the whole angle from its reference pose.
    fn tilt(&self, i: usize, device: &Device, up: Vec3) -> Option<f64> {
        if let Some(pose) = &self.poses[i] {
            return tilt_of(device, &pose.frame, up);
        }
        let sign = match tilt_sign(&self.exercise, device.segment) {
            0.0 => 1.0,
            sign => sign,
        };
        let reference = self.reference[i]?;
        Some(sign * up.dot(&reference).clamp(-1.0, 1.0).acos().to_degrees())
    }

    fn said(&mut self, i: usize, step: Step, out: &mut Vec<Said>) {
        let active = i == self.active;
        match step {
            Step::Turned(e) => {
                let found = self.candidates[i].found(&e);
                if active && found.turn > self.counted_until {
                    out.push(Said::Turned(found));
                }
            }
            Step::Completed(e) => {
                let found = self.candidates[i].refined(&e, &self.exercise, &self.params);
                if active {
                    self.count(found, out);
                } else if self.candidates[i].kept.len() < 4 {
                    self.candidates[i].kept.push(found);
                }
            }
        }
    }

    fn count(&mut self, found: Found, out: &mut Vec<Said>) {
        // Another channel may have counted this movement already.
        if found.turn > self.counted_until {
            self.counted_until = found.end;
            self.counted += 1;
            out.push(Said::Completed(found));
        }
    }

    /// The set ends: the last repetition may not have slowed down yet.
    pub(super) fn finish(&mut self, out: &mut Vec<Said>) {
        if let Some(step) = self
            .candidates
            .get_mut(self.active)
            .and_then(|c| c.counter.finish())
        {
            self.said(self.active, step, out);
        }
    }

    /// Another channel counts when the present one is silent, or sees nothing where another sees a set.
    fn choose(&mut self, devices: &[Device], now: SessionNs, out: &mut Vec<Said>) {
        let heard = |c: &Candidate| {
            c.channel
                .terms
                .iter()
                .all(|(d, _)| devices[*d].fresh(now, LOST_S))
        };
        let Some(active) = self.candidates.get(self.active) else {
            return;
        };
        let next = if heard(active) {
            let blind = self.counted == 0 && !active.counter.moving();
            let sees = |c: &Candidate| {
                c.counter.completed() >= if c.channel.metric.is_some() { 1 } else { 3 }
            };
            blind
                .then(|| self.candidates.iter().position(|c| sees(c) && heard(c)))
                .flatten()
        } else {
            self.candidates.iter().position(heard)
        };
        if let Some(next) = next.filter(|n| *n != self.active) {
            self.active = next;
            for found in std::mem::take(&mut self.candidates[next].kept) {
                self.count(found, out);
            }
        }
    }
}

/// The first sample of the set shows no pose: the client jumps, or walks.
fn was_jolted(first: &Row) -> bool {
    let size = first.acc().norm() / STANDARD_GRAVITY;
    first.gyro().norm() > 0.7 || !(0.6..=1.6).contains(&size)
}

fn rest_up(device: &Device, first: &Row) -> Vec3 {
    device
        .still
        .newest()
        .filter(|s| first.t_s() - s.until_s < 1.0)
        .and_then(super::still::Stretch::up)
        .unwrap_or_else(|| first.up())
}

impl Candidate {
    /// Height by leaky integration: what is slower than 0.15 Hz is drift.
    fn lift(&mut self, row: &Row) -> f64 {
        let step = self.last.map_or(0.0, |(t, _)| row.t_s() - t.seconds());
        if step > 0.5 {
            self.rise = (0.0, 0.0);
            return 0.0;
        }
        let leak = 1.0 + 2.0 * std::f64::consts::PI * 0.15 * step;
        self.rise.0 = (self.rise.0 + f64::from(row.vertical) * step) / leak;
        self.rise.1 = (self.rise.1 + self.rise.0 * step) / leak;
        self.rise.1
    }

    fn found(&self, e: &Excursion) -> Found {
        let turn = SessionNs::from_seconds(e.turn_s);
        Found {
            start: SessionNs::from_seconds(e.start_s),
            turn,
            end: SessionNs::from_seconds(e.end_s.max(e.turn_s)),
            dwell: (turn, turn),
            amplitude: e.amplitude,
            channel: self.channel.clone(),
        }
    }

    /// The excursion with the boundaries of the tempo rules, from the trail; the trail begins anew.
    fn refined(&mut self, e: &Excursion, exercise: &str, params: &Params) -> Found {
        let mut found = self.found(e);
        let from_s = (e.start_s - 1.5).max(self.trail.first().map_or(e.start_s, |p| p.0));
        let n = ((e.end_s - from_s) * GRID_HZ) as usize + 1;
        let x = resample(&self.trail, from_s, n);
        let index = |s: f64| (((s - from_s) * GRID_HZ).round().max(0.0) as usize).min(n - 1);
        let (first, turn) = (index(e.start_s - 0.5), index(e.turn_s));
        if turn > first && n - 1 > turn {
            let scale = scale(self.channel.kind, exercise, params.rate_share_live, params);
            let c = boundaries(&x, [first, turn, n - 1], e.sign, scale, params);
            let at = |i: usize| SessionNs::from_seconds(from_s + i as f64 / GRID_HZ);
            found.start = at(c.start);
            found.dwell = (at(c.dwell.0), at(c.dwell.1));
            found.end = at(c.end).max(found.turn);
        }
        let keep = self.trail.partition_point(|p| p.0 < e.end_s - 0.5);
        self.trail.drain(..keep);
        found
    }
}

fn resample(trail: &[(f64, f64)], from_s: f64, n: usize) -> Vec<f64> {
    let mut k = 0;
    (0..n)
        .map(|i| {
            let t = from_s + i as f64 / GRID_HZ;
            while k + 1 < trail.len() && trail[k + 1].0 < t {
                k += 1;
            }
            match (trail.get(k), trail.get(k + 1)) {
                (Some(a), Some(b)) => {
                    let share = ((t - a.0) / (b.0 - a.0).max(1e-9)).clamp(0.0, 1.0);
                    a.1 + (b.1 - a.1) * share
                }
                (Some(a), None) => a.1,
                _ => 0.0,
            }
        })
        .collect()
}
