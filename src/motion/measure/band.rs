//! Which pose may be measured with, and half of the 95 % band of its tilt. deg.

use super::{
    super::{
        pose::{Pose, Zero, fault},
        post::Found,
    },
    View,
};
use crate::model::rep::Missing;

/// The pose of a device if it may be measured with during this repetition.
pub(super) fn usable<'a>(
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
pub(super) fn tilt_error(pose: &Pose) -> f64 {
    let zero: f64 = if pose.zero == Zero::Stance { 3.0 } else { 8.0 };
    let axis = pose.range_deg * 0.5 / (1.0 + pose.quality);
    zero.hypot(axis.min(30.0))
}
