//! The metrics of one repetition, each with an honest error, or the reason why there is no value. deg, s, deg/s.
//!
//! | file | what |
//! |---|---|
//! | `angle` | joint angles and tilts, as sums of forward tilts exactly as the clinic defines them |
//! | `joint` | joint angles where the axis is far from horizontal |
//! | `lean` | tilts to the client's side |
//! | `arm` | what needs no axis: elevation and drift of an upper arm |
//! | `impact` | peaks of acceleration |
//! | `side` | both sides as one metric, and their difference |
//! | `shape` | turning about the vertical, motion out of plane, the tuck, which side leads |
//! | `steadiness` | smoothness, velocity peaks, trembling, jolts, vertical travel |
//! | `band` | which pose may be measured with, and how far its tilt can be trusted |
//! | `path` | smallest, largest, first and turning value over a repetition |
//! | `range` | range of the movement that is counted on, and its peak rate |
//! | `tilts` | forward tilts of one device over a repetition, worked out once |
//! | `trace` | what a picture of a repetition shows |

mod angle;
mod arm;
mod band;
mod impact;
mod joint;
mod lean;
mod path;
mod range;
mod shape;
mod side;
mod steadiness;
#[cfg(test)]
mod tests;
mod tilts;
mod trace;

use super::{
    anatomy::{Neutral, neutral, terms},
    params::Params,
    pose::{Pose, Zero, fault},
    post::Found,
    sensor::Device,
    tempo::span_s,
};
use crate::model::{
    body::{Segment, Side},
    metric::Metric,
    plan::TrainingSide,
    rep::{Measured, Measurement, Missing, Phases},
    time::SessionNs,
};
use std::cell::{Cell, RefCell};
use tilts::Tilts;
pub(super) use trace::trace;

/// Everything a measurement needs to know of the set.
pub(super) struct View<'a> {
    pub(super) devices: &'a [Device],
    pub(super) poses: &'a [Option<Pose>],
    pub(super) exercise: &'a str,
    pub(super) side: TrainingSide,
    pub(super) params: &'a Params,
    /// Of each device: the stretch that was asked about last, and what was answered; every metric of a repetition
    /// asks the same.
    faults: Vec<Cell<Option<Answered>>>,
    /// Of each device: its tilts over the stretch that was asked about last.
    tilts: Vec<RefCell<Tilts>>,
}

/// Begin and end of a stretch, and what speaks against it.
type Answered = (SessionNs, SessionNs, Option<Missing>);

impl<'a> View<'a> {
    pub(super) fn new(
        devices: &'a [Device],
        poses: &'a [Option<Pose>],
        exercise: &'a str,
        side: TrainingSide,
        params: &'a Params,
    ) -> Self {
        Self {
            devices,
            poses,
            exercise,
            side,
            params,
            faults: vec![Cell::new(None); devices.len()],
            tilts: vec![RefCell::default(); devices.len()],
        }
    }

    /// Devices that are apart in time are not measured with together.
    pub(super) fn in_step(&self, devices: &[usize]) -> Result<(), Missing> {
        let apart = |i: &usize| devices.iter().any(|j| self.devices[*i].skewed.contains(j));
        if devices.iter().any(apart) {
            return Err(Missing::Skewed);
        }
        Ok(())
    }

    /// What speaks against measuring with a device between two instants.
    pub(super) fn fault(&self, device: usize, from: SessionNs, to: SessionNs) -> Option<Missing> {
        if let Some((a, b, answer)) = self.faults[device].get()
            && (a, b) == (from, to)
        {
            return answer;
        }
        let answer = fault(&self.devices[device], from, to, self.params);
        self.faults[device].set(Some((from, to, answer)));
        answer
    }
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
    Metric::ThoraxPelvisRotation,
    Metric::PelvicTuck,
    Metric::LumbarTuck,
    Metric::TrunkRotation,
    Metric::ThighRotation,
    Metric::ShankRotation,
    Metric::UpperArmRotation,
    Metric::UpperArmSideTilt,
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
    Metric::Smoothness,
    Metric::RotationAboutVertical,
    Metric::OffAxisRatio,
    Metric::OutOfPlaneTilt,
    Metric::InclinationRange,
    Metric::VelocityPeaks,
    Metric::Unsteadiness,
    Metric::PeakAcceleration,
    Metric::VerticalTravel,
];

/// What the worn sensors can measure in a set, in the order of [`Metric`].
#[must_use]
pub fn measurable(carrying: &[Segment], side: TrainingSide) -> Vec<Metric> {
    let worn = |s: Segment| carrying.contains(&s);
    let moving = carrying.iter().any(|s| *s != Segment::Chest);
    let on = |m: Metric, s: Side| m.facts().parts.iter().all(|p| worn(p.on(s)));
    let both = |m: Metric| !terms(m).is_empty() && on(m, Side::Left) && on(m, Side::Right);
    Metric::ALL
        .iter()
        .copied()
        .filter(|m| match m {
            Metric::SideDifferenceRom => {
                side == TrainingSide::Both && side::SIDED.iter().any(|m| both(*m))
            }
            Metric::SideDifferenceTime => {
                side == TrainingSide::Both
                    && shape::LIMBS
                        .iter()
                        .any(|p| worn(p.on(Side::Left)) && worn(p.on(Side::Right)))
            }
            Metric::PeakAngularVelocity => moving,
            m if GENERAL.contains(m) => moving,
            m if terms(*m).is_empty() && !COMPOSED.contains(m) => false,
            m => side.sides().iter().any(|s| on(*m, *s)),
        })
        .collect()
}

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
    let of_the_course = shape::shape(view, found, metric);
    if let Some(outcome) = of_the_course.or_else(|| steadiness::steadiness(view, found, metric)) {
        return outcome;
    }
    let phase = |place: usize, pick: fn(&Phases) -> Option<f64>| {
        counted_on(view, found)?;
        let p = phases.ok_or(Missing::Undefined)?;
        Ok(scalar(pick(p).ok_or(Missing::Open)?, p.error_s[place]))
    };
    match metric {
        Metric::RepDuration => {
            counted_on(view, found)?;
            let error_s = phases.map_or(0.2, |p| p.error_s[0].hypot(p.error_s[2]));
            Ok(scalar(span_s(found.start, found.end), error_s))
        }
        Metric::TimeEccentric => phase(0, |p| Some(p.eccentric_s)),
        Metric::TimePauseBottom => phase(1, |p| p.pause_stretched_s),
        Metric::TimeConcentric => phase(2, |p| Some(p.concentric_s)),
        Metric::TimePauseTop => phase(3, |p| p.pause_shortened_s),
        Metric::TempoRatio => {
            counted_on(view, found)?;
            let p = phases
                .filter(|p| p.concentric_s > 0.05)
                .ok_or(Missing::Undefined)?;
            let ratio = p.eccentric_s / p.concentric_s;
            let error = p.error_s[0].hypot(ratio * p.error_s[2]) / p.concentric_s;
            Ok(scalar(ratio, error))
        }
        Metric::RangeOfMotion => range::of_motion(view, found),
        Metric::PeakAngularVelocity => range::peak_rate(view, found),
        Metric::SideDifferenceRom => side::difference(view, found),
        _ => side::on_sides(view, found, metric),
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
        range_error: None,
        drifting: false,
    }
}

/// Times and ranges hold only if the counting channel's own sensors saw the whole repetition.
fn counted_on(view: &View, found: &Found) -> Result<(), Missing> {
    let devices: Vec<usize> = found.channel.terms.iter().map(|(i, _)| *i).collect();
    view.in_step(&devices)?;
    for device in &devices {
        if let Some(why) = view.fault(*device, found.start, found.end) {
            return Err(why);
        }
    }
    Ok(())
}

/// Zero of the angles at the start of a set that has no calibration stance.
pub(super) fn zero_at_start(exercise: &str) -> Zero {
    match neutral(exercise) {
        Neutral::Rest => Zero::Rest,
        Neutral::High | Neutral::Outside => Zero::Unknown,
    }
}
