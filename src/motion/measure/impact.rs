//! Peaks of acceleration, as multiples of gravity.

use super::{
    super::{channel::find, orientation, post::Found, record::between},
    Outcome, View, scalar,
};
use crate::model::{body::Segment, rep::Missing, units::STANDARD_GRAVITY};

/// Lowest rate at which a peak is no mere lower bound, Hz.
const IMPACT_HZ: f64 = 190.0;

pub(super) fn peak(view: &View, found: &Found, segment: Segment) -> Outcome {
    let i = find(view.devices, segment).ok_or(Missing::NoSensor)?;
    let device = &view.devices[i];
    if let Some(why) = view.fault(i, found.start, found.end) {
        return Err(why);
    }
    let rate = orientation::rate_of(&device.rows).ok_or(Missing::Undefined)?;
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
