//! The shape of one repetition beside its joint angles: turning about the vertical, motion out of the
//! movement plane, the tuck at the deepest point, the lead of one side. deg, %, ratios.
//!
//! Everything here is read from "up" and the angular rate inside the repetition alone, so that heading
//! never matters and drift has no time to grow.

use super::{
    super::{
        channel::find,
        pose::{tilt_of, wrap},
        post::Found,
        record::{Row, Sensing, between},
        sensor::Device,
    },
    Outcome, View,
};
use crate::model::{
    body::{Segment, Side},
    metric::{Metric, Part},
    rep::{Measured, Missing},
    time::SessionNs,
};

/// Longest step over which a rate is still integrated, s.
const STEP_S: f64 = 0.5;

/// A metric of this module; `None` if it is another's.
pub(super) fn shape(view: &View, found: &Found, metric: Metric) -> Option<Outcome> {
    let on = |segment| find(view.devices, segment).ok_or(Missing::NoSensor);
    Some(match metric {
        Metric::TrunkRotation => on(Segment::Thorax).and_then(|i| rotation(view, found, i, 1.0)),
        Metric::ThighRotation => inward(view, found, Part::Thigh),
        Metric::ShankRotation => inward(view, found, Part::Shank),
        Metric::UpperArmRotation => inward(view, found, Part::UpperArm),
        Metric::ThoraxPelvisRotation => twist(view, found),
        Metric::PelvicTuck => on(Segment::Pelvis).and_then(|i| tuck(view, found, i)),
        Metric::LumbarTuck => on(Segment::Lumbar).and_then(|i| tuck(view, found, i)),
        Metric::RotationAboutVertical => {
            lead(view, found).and_then(|i| rotation(view, found, i, 1.0))
        }
        Metric::OffAxisRatio => lead(view, found).and_then(|i| off_axis(view, found, i)),
        Metric::OutOfPlaneTilt => lead(view, found).and_then(|i| out_of_plane(view, found, i)),
        Metric::InclinationRange => lead(view, found).and_then(|i| inclination(view, found, i)),
        Metric::SideDifferenceTime => side_lead(view, found),
        _ => return None,
    })
}

/// The device of the counting channel that turns most in the set, if its data are whole.
pub(super) fn lead(view: &View, found: &Found) -> Result<usize, Missing> {
    let range = |i: usize| view.poses[i].as_ref().map_or(0.0, |p| p.range_deg);
    let (device, _) = found
        .channel
        .terms
        .iter()
        .max_by(|a, b| range(a.0).total_cmp(&range(b.0)))
        .ok_or(Missing::NoSensor)?;
    whole(view, found, *device)?;
    Ok(*device)
}

fn whole(view: &View, found: &Found, device: usize) -> Result<(), Missing> {
    view.fault(device, found.start, found.end)
        .map_or(Ok(()), Err)
}

pub(super) fn rows_of<'a>(device: &'a Device, found: &Found) -> &'a [Row] {
    between(&device.rows, found.start, SessionNs(found.end.0 + 1))
}

/// A path of one value through the repetition.
struct Walk {
    turn: SessionNs,
    first: Option<f64>,
    min: f64,
    max: f64,
    at_turn: f64,
}

impl Walk {
    fn new(turn: SessionNs) -> Self {
        Self {
            turn,
            first: None,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            at_turn: 0.0,
        }
    }

    fn push(&mut self, t: SessionNs, value: f64) {
        self.first.get_or_insert(value);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if t <= self.turn {
            self.at_turn = value;
        }
    }

    fn measured(&self, error: f64) -> Outcome {
        let at_start = self.first.ok_or(Missing::Undefined)?;
        Ok(Measured::Value {
            min: self.min,
            max: self.max,
            at_turn: self.at_turn,
            at_start,
            error,
            range_error: Some(error),
            drifting: false,
        })
    }
}

/// A value that is one number.
pub(super) fn number(value: f64, error: f64) -> Outcome {
    if !value.is_finite() {
        return Err(Missing::Undefined);
    }
    Ok(Measured::Value {
        min: value,
        max: value,
        at_turn: value,
        at_start: value,
        error,
        range_error: None,
        drifting: false,
    })
}

/// Half-width of the band of an angle integrated over one repetition, deg: bias of 0.1 deg/s and 3 % of
/// scale and misalignment.
fn turned_error(found: &Found, range: f64) -> f64 {
    let span_s = (found.end.0 - found.start.0).max(0) as f64 * 1e-9;
    (0.1 * span_s).hypot(0.03 * range).max(1.0)
}

/// Angle turned about the vertical since the repetition began, counter-clockwise from above, times `sign`.
fn rotation(view: &View, found: &Found, device: usize, sign: f64) -> Outcome {
    whole(view, found, device)?;
    let mut walk = Walk::new(found.turn);
    turned(&view.devices[device], found, |t, angle| {
        walk.push(t, sign * angle);
    })?;
    walk.measured(turned_error(found, walk.max - walk.min))
}

fn turned(
    device: &Device,
    found: &Found,
    mut each: impl FnMut(SessionNs, f64),
) -> Result<(), Missing> {
    if device.sensing == Sensing::AccOnly {
        return Err(Missing::NoSensor);
    }
    let bias = device.bias();
    let mut angle = 0.0;
    let mut last: Option<(f64, f64)> = None;
    for row in rows_of(device, found) {
        let rate = (row.gyro() - bias).dot(&row.up()).to_degrees();
        if let Some((t_s, before)) = last {
            let step_s = row.t_s() - t_s;
            if step_s < STEP_S {
                angle += f64::midpoint(rate, before) * step_s;
            }
        }
        last = Some((row.t_s(), rate));
        each(row.t, angle);
    }
    Ok(())
}

/// Turning of a limb's segment toward the other side, of the working side that turns more.
fn inward(view: &View, found: &Found, part: Part) -> Outcome {
    let mut most: Option<Measured> = None;
    for side in view.side.sides() {
        let Some(i) = find(view.devices, part.on(*side)) else {
            continue;
        };
        // Seen from above, the right leg turns inward counter-clockwise.
        let sign = if *side == Side::Right { 1.0 } else { -1.0 };
        let here = rotation(view, found, i, sign)?;
        if most.is_none_or(|m| range_of(&here) > range_of(&m)) {
            most = Some(here);
        }
    }
    most.ok_or(Missing::NoSensor)
}

fn range_of(measured: &Measured) -> f64 {
    match measured {
        Measured::Value { min, max, .. } => max - min,
        Measured::Missing { .. } => 0.0,
    }
}

/// Turning of the thorax against the pelvis since the repetition began.
fn twist(view: &View, found: &Found) -> Outcome {
    let thorax = find(view.devices, Segment::Thorax).ok_or(Missing::NoSensor)?;
    let pelvis = find(view.devices, Segment::Pelvis).ok_or(Missing::NoSensor)?;
    view.in_step(&[thorax, pelvis])?;
    whole(view, found, thorax)?;
    whole(view, found, pelvis)?;
    let mut below: Vec<(SessionNs, f64)> = Vec::new();
    turned(&view.devices[pelvis], found, |t, a| below.push((t, a)))?;
    let mut walk = Walk::new(found.turn);
    turned(&view.devices[thorax], found, |t, above| {
        let i = below
            .partition_point(|(u, _)| *u < t)
            .min(below.len().saturating_sub(1));
        if let Some((_, under)) = below.get(i) {
            walk.push(t, above - under);
        }
    })?;
    walk.measured(turned_error(found, walk.max - walk.min))
}

/// Secondary-plane motion: the share of the angular rate's energy that is not about the movement's axis.
fn off_axis(view: &View, found: &Found, device: usize) -> Outcome {
    let pose = view.poses[device].as_ref().ok_or(Missing::NotCalibrated)?;
    let device = &view.devices[device];
    if device.sensing == Sensing::AccOnly {
        return Err(Missing::NoSensor);
    }
    let (bias, axis) = (device.bias(), pose.frame.axis());
    let (mut about, mut all) = (0.0, 0.0);
    for row in rows_of(device, found) {
        let rate = row.gyro() - bias;
        about += rate.dot(&axis).powi(2);
        all += rate.norm_squared();
    }
    if all <= 0.0 {
        return Err(Missing::Undefined);
    }
    number(1.0 - about / all, 0.02)
}

/// Tilt out of the movement plane: the angle between "up" and that plane.
fn out_of_plane(view: &View, found: &Found, device: usize) -> Outcome {
    let pose = view.poses[device].as_ref().ok_or(Missing::NotCalibrated)?;
    let axis = pose.frame.axis();
    let mut walk = Walk::new(found.turn);
    for row in rows_of(&view.devices[device], found) {
        walk.push(
            row.t,
            row.up().dot(&axis).clamp(-1.0, 1.0).asin().to_degrees(),
        );
    }
    walk.measured(2.0)
}

/// Angle between "up" now and where it was when the repetition began: needs no axis.
fn inclination(view: &View, found: &Found, device: usize) -> Outcome {
    let rows = rows_of(&view.devices[device], found);
    let first = rows.first().ok_or(Missing::Undefined)?.up();
    let mut walk = Walk::new(found.turn);
    for row in rows {
        let angle = row.up().dot(&first).clamp(-1.0, 1.0).acos();
        walk.push(row.t, angle.to_degrees());
    }
    walk.measured(2.0)
}

/// How far the segment tilts back before the turn after it had tilted on the way there: the lower back
/// rounds under before the deepest point. The smaller of the largest fall and the largest rise on the way;
/// needs neither zero nor sign.
fn tuck(view: &View, found: &Found, device: usize) -> Outcome {
    whole(view, found, device)?;
    let pose = view.poses[device].as_ref().ok_or(Missing::NotCalibrated)?;
    let device = &view.devices[device];
    let mut last: Option<f64> = None;
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    let (mut rise, mut fall) = (0.0_f64, 0.0_f64);
    for row in rows_of(device, found).iter().filter(|r| r.t <= found.turn) {
        let tilt = tilt_of(device, &pose.frame, row.up()).ok_or(Missing::Undefined)?;
        let tilt = last.map_or(tilt, |l| l + wrap(tilt - l));
        last = Some(tilt);
        (low, high) = (low.min(tilt), high.max(tilt));
        (rise, fall) = (rise.max(tilt - low), fall.max(high - tilt));
    }
    last.ok_or(Missing::Undefined)?;
    number(rise.min(fall), 2.0)
}

/// Segments whose turns may be compared between the sides, best first.
pub(super) const LIMBS: &[Part] = &[Part::Thigh, Part::UpperArm, Part::Forearm, Part::Shank];

/// By how much the left side takes longer to its turn than the right one, % of the longer time.
fn side_lead(view: &View, found: &Found) -> Outcome {
    for part in LIMBS {
        let (Some(left), Some(right)) = (
            find(view.devices, part.on(Side::Left)),
            find(view.devices, part.on(Side::Right)),
        ) else {
            continue;
        };
        view.in_step(&[left, right])?;
        let (left, right) = (
            turn_after_s(view, found, left)?,
            turn_after_s(view, found, right)?,
        );
        let longer = left.max(right);
        if longer < 0.1 {
            return Err(Missing::Undefined);
        }
        return number(100.0 * (left - right) / longer, 5.0);
    }
    Err(Missing::NoSensor)
}

/// Time from the beginning until the segment is farthest from where it began, s.
fn turn_after_s(view: &View, found: &Found, device: usize) -> Result<f64, Missing> {
    whole(view, found, device)?;
    let rows = rows_of(&view.devices[device], found);
    let first = rows.first().ok_or(Missing::Undefined)?;
    let angles: Vec<(f64, f64)> = rows
        .iter()
        .map(|r| {
            (
                r.t_s() - first.t_s(),
                r.up().dot(&first.up()).clamp(-1.0, 1.0).acos(),
            )
        })
        .collect();
    let most = angles.iter().map(|a| a.1).fold(0.0, f64::max);
    if most.to_degrees() < 5.0 {
        return Err(Missing::Undefined);
    }
    // A pause at the end makes the very largest angle a matter of chance: the arrival is meant.
    angles
        .iter()
        .find(|(_, a)| *a >= 0.95 * most)
        .map(|(t, _)| *t)
        .ok_or(Missing::Undefined)
}
