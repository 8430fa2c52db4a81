//! A metric of one side, of both, and the difference between them. deg, %.

use super::{
    super::{
        anatomy::{Plane, plane},
        post::Found,
    },
    Outcome, View,
    angle::sum_of_tilts,
    arm, impact, lean, scalar,
};
use crate::model::{
    body::{Segment, Side},
    metric::{Metric, Part},
    rep::{Measured, Missing},
};

/// Metrics whose range may be compared between the sides, best first.
pub(super) const SIDED: &[Metric] = &[
    Metric::KneeFlexion,
    Metric::ElbowFlexion,
    Metric::ThighForwardTilt,
    Metric::ShankForwardTilt,
    Metric::UpperArmForwardTilt,
    Metric::ForearmForwardTilt,
];
/// Difference of the ranges of both sides, share of the larger.
pub(super) fn difference(view: &View, found: &Found) -> Outcome {
    let range = |metric, side| match sum_of_tilts(view, found, metric, side, false)? {
        Measured::Value {
            min,
            max,
            error,
            range_error,
            ..
        } => Ok((max - min, range_error.unwrap_or(error))),
        Measured::Missing { why } => Err(why),
    };
    both(range, 5.0)
}

/// The difference of a quantity (value, half-width of its band) between the sides, %, on the first metric that
/// both sides have; nothing below `least` is compared.
fn both(of: impl Fn(Metric, Side) -> Result<(f64, f64), Missing>, least: f64) -> Outcome {
    let mut why = Missing::NoSensor;
    for metric in SIDED {
        match (of(*metric, Side::Left), of(*metric, Side::Right)) {
            (Ok((left, el)), Ok((right, er))) if left.max(right) > least => {
                let larger = left.max(right);
                let percent = 100.0 * (left - right) / larger;
                return Ok(scalar(percent, 100.0 * el.hypot(er) / larger));
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
pub(super) fn on_sides(view: &View, found: &Found, metric: Metric) -> Outcome {
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
            range_error: ar,
            drifting: ad,
        },
        Measured::Value {
            min: b0,
            max: b1,
            at_turn: bt,
            at_start: bs,
            error: be,
            range_error: br,
            drifting: bd,
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
        range_error: ar.zip(br).map(|(a, b)| a.max(b)),
        drifting: ad || bd,
    }
}

fn one_side(view: &View, found: &Found, metric: Metric, side: Side) -> Outcome {
    let sign = if side == Side::Right { 1.0 } else { -1.0 };
    match metric {
        Metric::TrunkSideLean => lean::right_tilts(view, found, &[(Segment::Thorax, sign)]),
        Metric::UpperArmSideTilt => {
            lean::right_tilts(view, found, &[(Part::UpperArm.on(side), sign)])
        }
        Metric::PelvicDrop => lean::right_tilts(view, found, &[(Segment::Pelvis, -sign)]),
        Metric::KneeMedialShift => lean::right_tilts(
            view,
            found,
            &[(Part::Thigh.on(side), sign), (Part::Shank.on(side), -sign)],
        ),
        Metric::ShoulderElevation => arm::elevation(view, found, side),
        Metric::ShoulderAbduction if plane(view.exercise) == Plane::Frontal => {
            arm::elevation(view, found, side)
        }
        Metric::ShoulderAbduction => Err(Missing::Undefined),
        Metric::UpperArmDrift => arm::drift(view, found, side),
        Metric::ShankPeakAccel => impact::peak(view, found, Part::Shank.on(side)),
        _ => sum_of_tilts(view, found, metric, side, true),
    }
}
