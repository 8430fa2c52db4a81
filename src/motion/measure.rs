//! The metrics of one repetition: joint angles from forward tilts exactly as the clinic defines them, with an
//! honest error, or the reason why there is no value. deg, s, deg/s.

use super::{
    anatomy::{Neutral, Plane, neutral, plane, terms},
    channel::{Kind, find},
    params::Params,
    pose::{BRIDGE_S, Pose, Zero, fault, tilt_at, tilt_of, wrap},
    post::Found,
    record::{Sensing, between, up_at},
    sensor::Device,
    tempo::span_s,
};
use crate::model::{
    body::{Segment, Side},
    exercise::exercise,
    metric::{Metric, Part},
    plan::TrainingSide,
    rep::{Measured, Measurement, Missing, Phases},
    session::Sensor,
    time::SessionNs,
    units::STANDARD_GRAVITY,
};

/// Everything a measurement needs to know of the set.
pub(super) struct View<'a> {
    pub(super) devices: &'a [Device],
    pub(super) poses: &'a [Option<Pose>],
    pub(super) exercise: &'a str,
    pub(super) side: TrainingSide,
    pub(super) params: &'a Params,
}

/// Metrics that this module can measure from several segments, without the simple sums of tilts.
const COMPOSED: &[Metric] = &[
    Metric::TrunkSideLean,
    Metric::PelvicDrop,
    Metric::ShoulderAbduction,
    Metric::ShoulderElevation,
    Metric::UpperArmDrift,
    Metric::KneeMedialShift,
    Metric::ShankPeakAccel,
];

/// Metrics that any moving segment gives.
const GENERAL: &[Metric] = &[
    Metric::RepDuration,
    Metric::TimeEccentric,
    Metric::TimePauseBottom,
    Metric::TimeConcentric,
    Metric::TimePauseTop,
    Metric::TempoRatio,
    Metric::RangeOfMotion,
];

/// What the worn sensors can measure in a set, in the order of [`Metric`].
pub(super) fn available(sensors: &[Sensor], side: TrainingSide) -> Vec<Metric> {
    let worn = |s: Segment| sensors.iter().any(|w| w.segment == s);
    let moving = sensors.iter().any(|w| w.segment != Segment::Chest);
    let on = |m: Metric, s: Side| m.facts().parts.iter().all(|p| worn(p.on(s)));
    let both = |m: Metric| !terms(m).is_empty() && on(m, Side::Left) && on(m, Side::Right);
    Metric::ALL
        .iter()
        .copied()
        .filter(|m| match m {
            Metric::SideDifferenceRom => {
                side == TrainingSide::Both && SIDED.iter().any(|m| both(*m))
            }
            Metric::PeakAngularVelocity => moving,
            m if GENERAL.contains(m) => moving,
            m if terms(*m).is_empty() && !COMPOSED.contains(m) => false,
            m => side.sides().iter().any(|s| on(*m, *s)),
        })
        .collect()
}

/// Metrics whose range may be compared between the sides, best first.
const SIDED: &[Metric] = &[
    Metric::KneeFlexion,
    Metric::ElbowFlexion,
    Metric::ThighForwardTilt,
    Metric::ShankForwardTilt,
    Metric::UpperArmForwardTilt,
    Metric::ForearmForwardTilt,
];

/// Measures everything on the list.
pub(super) fn measure(
    view: &View,
    found: &Found,
    phases: Option<&Phases>,
    list: &[Metric],
) -> Vec<Measurement> {
    list.iter()
        .map(|metric| Measurement {
            metric: *metric,
            measured: one(view, found, phases, *metric)
                .unwrap_or_else(|why| Measured::Missing { why }),
        })
        .collect()
}

type Outcome = Result<Measured, Missing>;

fn one(view: &View, found: &Found, phases: Option<&Phases>, metric: Metric) -> Outcome {
    let phase = |pick: fn(&Phases) -> f64| {
        counted_on(view, found)?;
        Ok(scalar(phases.map(pick).ok_or(Missing::Undefined)?, 0.1))
    };
    match metric {
        Metric::RepDuration => {
            counted_on(view, found)?;
            Ok(scalar(span_s(found.start, found.end), 0.1))
        }
        Metric::TimeEccentric => phase(|p| p.eccentric_s),
        Metric::TimePauseBottom => phase(|p| p.pause_stretched_s),
        Metric::TimeConcentric => phase(|p| p.concentric_s),
        Metric::TimePauseTop => phase(|p| p.pause_shortened_s),
        Metric::TempoRatio => {
            counted_on(view, found)?;
            let p = phases
                .filter(|p| p.concentric_s > 0.05)
                .ok_or(Missing::Undefined)?;
            Ok(scalar(p.eccentric_s / p.concentric_s, 0.1))
        }
        Metric::RangeOfMotion => {
            counted_on(view, found)?;
            if found.channel.kind == Kind::Height {
                return Err(Missing::Undefined);
            }
            Ok(scalar(
                found.amplitude,
                if found.channel.terms.len() > 1 {
                    5.0
                } else {
                    3.0
                },
            ))
        }
        Metric::PeakAngularVelocity => peak_rate(view, found),
        Metric::SideDifferenceRom => side_difference(view, found),
        _ => on_sides(view, found, metric),
    }
}

/// A value that is one number.
fn scalar(value: f64, error: f64) -> Measured {
    Measured::Value {
        min: value,
        max: value,
        at_turn: value,
        at_start: value,
        error,
    }
}

/// Times and ranges hold only if the counting channel's own sensors saw the whole repetition.
fn counted_on(view: &View, found: &Found) -> Result<(), Missing> {
    for (device, _) in &found.channel.terms {
        if let Some(why) = fault(&view.devices[*device], found.start, found.end, view.params) {
            return Err(why);
        }
    }
    Ok(())
}

fn peak_rate(view: &View, found: &Found) -> Outcome {
    counted_on(view, found)?;
    let mut peak: Option<f64> = None;
    for (device, _) in &found.channel.terms {
        let device = &view.devices[*device];
        if device.sensing == Sensing::AccOnly {
            continue;
        }
        let bias = device.bias();
        for row in between(&device.rows, found.start, found.end) {
            let rate = (row.gyro() - bias).norm().to_degrees();
            peak = Some(peak.map_or(rate, |p| p.max(rate)));
        }
    }
    peak.map(|p| scalar(p, 0.03 * p)).ok_or(Missing::NoSensor)
}

fn side_difference(view: &View, found: &Found) -> Outcome {
    let range = |metric, side| match sum_of_tilts(view, found, metric, side, false)? {
        Measured::Value { min, max, .. } => Ok(max - min),
        Measured::Missing { why } => Err(why),
    };
    let mut why = Missing::NoSensor;
    for metric in SIDED {
        match (range(*metric, Side::Left), range(*metric, Side::Right)) {
            (Ok(left), Ok(right)) if left.max(right) > 5.0 => {
                return Ok(scalar(100.0 * (left - right) / left.max(right), 5.0));
            }
            (Err(Missing::NoSensor), _) | (_, Err(Missing::NoSensor)) => {}
            (Err(reason), _) | (_, Err(reason)) => why = reason,
            _ => why = Missing::Undefined,
        }
    }
    Err(why)
}

/// A metric over the working sides that carry its sensors: the union of their ranges, because a limit holds
/// for either; missing on one of them is missing.
fn on_sides(view: &View, found: &Found, metric: Metric) -> Outcome {
    let mut whole: Option<Measured> = None;
    for side in view.side.sides() {
        let here = match one_side(view, found, metric, *side) {
            Err(Missing::NoSensor) => continue,
            other => other?,
        };
        whole = Some(match whole {
            None => here,
            Some(other) => union(other, here),
        });
        let sided = metric
            .facts()
            .parts
            .iter()
            .any(|p| !matches!(p, Part::Mid(_)));
        if !sided {
            break;
        }
    }
    whole.ok_or(Missing::NoSensor)
}

fn union(a: Measured, b: Measured) -> Measured {
    let (
        Measured::Value {
            min: a0,
            max: a1,
            at_turn: at,
            at_start: as_,
            error: ae,
        },
        Measured::Value {
            min: b0,
            max: b1,
            at_turn: bt,
            at_start: bs,
            error: be,
        },
    ) = (a, b)
    else {
        return a;
    };
    let first_moves_more = a1 - a0 >= b1 - b0;
    Measured::Value {
        min: a0.min(b0),
        max: a1.max(b1),
        at_turn: if first_moves_more { at } else { bt },
        at_start: if first_moves_more { as_ } else { bs },
        error: ae.max(be),
    }
}

fn one_side(view: &View, found: &Found, metric: Metric, side: Side) -> Outcome {
    let sign = if side == Side::Right { 1.0 } else { -1.0 };
    match metric {
        Metric::TrunkSideLean => right_tilts(view, found, &[(Segment::Thorax, sign)]),
        Metric::PelvicDrop => right_tilts(view, found, &[(Segment::Pelvis, -sign)]),
        Metric::KneeMedialShift => right_tilts(
            view,
            found,
            &[(Part::Thigh.on(side), sign), (Part::Shank.on(side), -sign)],
        ),
        Metric::ShoulderElevation => elevation(view, found, side),
        Metric::ShoulderAbduction if plane(view.exercise) == Plane::Frontal => {
            elevation(view, found, side)
        }
        Metric::ShoulderAbduction => Err(Missing::Undefined),
        Metric::UpperArmDrift => drift_of_arm(view, found, side),
        Metric::ShankPeakAccel => peak_acceleration(view, found, Part::Shank.on(side)),
        _ => sum_of_tilts(view, found, metric, side, true),
    }
}

/// Joint angle or tilt as a sum of forward tilts. `absolute`: the zero matters.
fn sum_of_tilts(view: &View, found: &Found, metric: Metric, side: Side, absolute: bool) -> Outcome {
    let mut parts = Vec::with_capacity(2);
    for (part, weight) in terms(metric) {
        let i = find(view.devices, part.on(side)).ok_or(Missing::NoSensor)?;
        parts.push((i, *weight));
    }
    let frontal = plane(view.exercise) == Plane::Frontal;
    let mut error = 0.0_f64;
    for (i, _) in &parts {
        let pose = usable(view, found, *i, absolute)?;
        if frontal && absolute && pose.range_deg > 10.0 {
            return Err(Missing::Undefined);
        }
        if absolute && !pose.signed && pose.range_deg > 10.0 {
            return Err(Missing::Undefined);
        }
        error = error.hypot(tilt_error(pose));
    }
    let mut path = Path::default();
    along(view, found, &parts, |t, value| {
        if let Some(value) = value {
            path.push(t, value, found.turn);
        }
    });
    path.measured(error)
}

/// The weighted sum of tilts of `parts` (device, weight) at every row of the first of them.
fn along(
    view: &View,
    found: &Found,
    parts: &[(usize, f64)],
    mut each: impl FnMut(SessionNs, Option<f64>),
) {
    let Some((lead, _)) = parts.first() else {
        return;
    };
    let lead = &view.devices[*lead];
    for row in between(&lead.rows, found.start, SessionNs(found.end.0 + 1)) {
        let sum = parts
            .iter()
            .enumerate()
            .try_fold(0.0, |sum, (k, (i, weight))| {
                let frame = &view.poses[*i].as_ref()?.frame;
                let tilt = if k == 0 {
                    tilt_of(lead, frame, row.up())
                } else {
                    tilt_at(&view.devices[*i], frame, row.t)
                };
                Some(sum + weight * tilt?)
            });
        each(row.t, sum);
    }
}

/// Spacing of a repetition's trace, ns: 20 points a second.
const TRACE_NS: i64 = 50_000_000;

/// What a picture of the repetition shows: the exercise's primary metric, or the first fallback that was
/// measured; on the side that moves more. `None` where there is no data, and no trace of what is not measured.
pub(super) fn trace(view: &View, found: &Found) -> Option<RepTrace> {
    let known = exercise(view.exercise)?;
    let metrics = known
        .primary
        .into_iter()
        .chain(known.fallbacks.iter().copied());
    let (metric, side, _) = metrics
        .flat_map(|m| view.side.sides().iter().map(move |s| (m, *s)))
        .filter_map(|(m, s)| match sum_of_tilts(view, found, m, s, true).ok()? {
            Measured::Value { min, max, .. } => Some((m, s, max - min)),
            Measured::Missing { .. } => None,
        })
        .reduce(|best, next| {
            if next.0 == best.0 && next.2 > best.2 {
                next
            } else {
                best
            }
        })?;
    let parts: Vec<_> = terms(metric)
        .iter()
        .filter_map(|(part, weight)| Some((find(view.devices, part.on(side))?, *weight)))
        .collect();
    let mut points: Vec<(SessionNs, Option<f64>)> = Vec::new();
    along(view, found, &parts, |t, value| {
        if points
            .last()
            .is_none_or(|(last, _)| t.0 - last.0 >= TRACE_NS)
        {
            points.push((t, value));
        }
    });
    Some(RepTrace { metric, points })
}

/// The traced metric of one repetition.
pub(super) struct RepTrace {
    pub(super) metric: Metric,
    pub(super) points: Vec<(SessionNs, Option<f64>)>,
}

/// The pose of a device if it may be measured with during this repetition.
fn usable<'a>(
    view: &'a View,
    found: &Found,
    device: usize,
    absolute: bool,
) -> Result<&'a Pose, Missing> {
    if let Some(why) = fault(&view.devices[device], found.start, found.end, view.params) {
        return Err(why);
    }
    let pose = view.poses[device].as_ref().ok_or(Missing::NotCalibrated)?;
    if absolute && pose.zero == Zero::Unknown {
        return Err(Missing::NotCalibrated);
    }
    if absolute && pose.drifted {
        return Err(Missing::Drifted);
    }
    Ok(pose)
}

/// Half-width of a tilt's band, deg: stance 3, rest pose 8, and what a poor axis adds.
fn tilt_error(pose: &Pose) -> f64 {
    let zero: f64 = if pose.zero == Zero::Stance { 3.0 } else { 8.0 };
    let axis = pose.range_deg * 0.5 / (1.0 + pose.quality);
    zero.hypot(axis.min(30.0))
}

/// Smallest, largest, first and turning value of a path, continuous over ±180 deg.
#[derive(Default)]
struct Path {
    last: Option<f64>,
    start: f64,
    min: f64,
    max: f64,
    turn: f64,
}

impl Path {
    fn push(&mut self, t: SessionNs, value: f64, turn: SessionNs) {
        let value = self.last.map_or(value, |last| last + wrap(value - last));
        if self.last.is_none() {
            (self.start, self.min, self.max) = (value, value, value);
        }
        self.last = Some(value);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if t <= turn {
            self.turn = value;
        }
    }

    fn measured(self, error: f64) -> Outcome {
        self.last.ok_or(Missing::Undefined)?;
        Ok(Measured::Value {
            min: self.min,
            max: self.max,
            at_turn: self.turn,
            at_start: self.start,
            error,
        })
    }
}

fn right_tilts(view: &View, found: &Found, parts: &[(Segment, f64)]) -> Outcome {
    let mut used = Vec::with_capacity(2);
    let mut error = 0.0_f64;
    for (segment, weight) in parts {
        let i = find(view.devices, *segment).ok_or(Missing::NoSensor)?;
        let pose = usable(view, found, i, true)?;
        if !pose.signed || plane(view.exercise) == Plane::Frontal {
            return Err(Missing::Undefined);
        }
        error = error.hypot(tilt_error(pose));
        used.push((i, *weight));
    }
    let lead = &view.devices[used.first().ok_or(Missing::NoSensor)?.0];
    let mut path = Path::default();
    for row in between(&lead.rows, found.start, SessionNs(found.end.0 + 1)) {
        let value: Option<f64> = used
            .iter()
            .map(|(i, weight)| {
                let up = up_at(&view.devices[*i].rows, row.t, BRIDGE_S)?;
                let tilt = view.poses[*i].as_ref()?.frame.right_tilt(up)?;
                Some(weight * tilt.to_degrees())
            })
            .sum();
        if let Some(value) = value {
            path.push(row.t, value, found.turn);
        }
    }
    path.measured(error)
}

/// Angle of the upper arm from where it hangs: needs no axis.
fn elevation(view: &View, found: &Found, side: Side) -> Outcome {
    let i = find(view.devices, Part::UpperArm.on(side)).ok_or(Missing::NoSensor)?;
    find(view.devices, Segment::Thorax).ok_or(Missing::NoSensor)?;
    let pose = usable(view, found, i, true)?;
    let device = &view.devices[i];
    let zero = pose.frame.up();
    let zero = device.stance.map_or(zero, |s| s.up);
    let mut path = Path::default();
    for row in between(&device.rows, found.start, SessionNs(found.end.0 + 1)) {
        let angle = row.up().dot(&zero).clamp(-1.0, 1.0).acos().to_degrees();
        path.push(row.t, angle, found.turn);
    }
    path.measured(tilt_error(pose).hypot(5.0))
}

/// Change of the upper arm's tilt since the repetition began.
fn drift_of_arm(view: &View, found: &Found, side: Side) -> Outcome {
    let i = find(view.devices, Part::UpperArm.on(side)).ok_or(Missing::NoSensor)?;
    usable(view, found, i, false)?;
    let device = &view.devices[i];
    let mut path = Path::default();
    let rows = between(&device.rows, found.start, SessionNs(found.end.0 + 1));
    let first = rows.first().ok_or(Missing::Undefined)?.up();
    for row in rows {
        let angle = row.up().dot(&first).clamp(-1.0, 1.0).acos().to_degrees();
        path.push(row.t, angle, found.turn);
    }
    path.measured(4.0)
}

/// Lowest rate at which a peak is no mere lower bound, Hz.
const IMPACT_HZ: f64 = 190.0;

fn peak_acceleration(view: &View, found: &Found, segment: Segment) -> Outcome {
    let i = find(view.devices, segment).ok_or(Missing::NoSensor)?;
    let device = &view.devices[i];
    if let Some(why) = fault(device, found.start, found.end, view.params) {
        return Err(why);
    }
    let rate = super::orientation::rate_of(&device.rows).ok_or(Missing::Undefined)?;
    if rate < IMPACT_HZ {
        return Err(Missing::Undefined);
    }
    let peak = between(&device.rows, found.start, found.end)
        .iter()
        .map(|r| r.acc().norm())
        .fold(0.0, f64::max);
    let rest = device
        .still
        .newest()
        .map_or(STANDARD_GRAVITY, |s| s.acc.norm());
    Ok(scalar(peak / rest, 0.1 * peak / rest))
}

/// Zero of the angles at the start of a set that has no calibration stance.
pub(super) fn zero_at_start(exercise: &str) -> Zero {
    match neutral(exercise) {
        Neutral::Rest => Zero::Rest,
        Neutral::High | Neutral::Outside => Zero::Unknown,
    }
}
