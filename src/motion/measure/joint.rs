//! Joint angles where the axis is far from horizontal: lying on the side, an arm held out. deg.
//!
//! There the difference of forward tilts says little or nothing, and the angle is followed about the joint's axis
//! instead, from the stance on. It needs both axes from movements on command: a knee is no hinge, and an axis guessed
//! from any movement of it would be 3 to 20 deg wrong.

use super::{
    super::{
        hinge::{Hinge, pairs, smoothed},
        pose::wrap,
        post::Found,
        record::{Sensing, between},
        sensor::Device,
    },
    Outcome, View,
    band::Sources,
    path::Path,
};
use crate::model::{rep::Missing, time::SessionNs};

/// "Up" leans so far along an axis that it is more than 45 deg from horizontal (sine).
const STEEP: f64 = 0.7;
/// Rows before and after the repetition that help to know the drift, ns.
const AROUND_NS: i64 = 5_000_000_000;

/// The axis of one of the parts leaves the horizontal by more than 45 deg during the repetition.
pub(super) fn is_steep(view: &View, found: &Found, parts: &[(usize, f64)]) -> bool {
    parts.iter().any(|(i, _)| {
        let Some(pose) = &view.poses[*i] else {
            return false;
        };
        let axis = pose.frame.axis();
        between(&view.devices[*i].rows, found.start, found.end)
            .iter()
            .any(|r| r.up().dot(&axis).abs() > STEEP)
    })
}

/// The angle of a joint of two parts, followed about its axis; zero is the stance.
pub(super) fn followed(
    view: &View,
    found: &Found,
    parts: &[(usize, f64)],
    sources: &Sources,
) -> Outcome {
    // The metric is the tilt of the first part less that of the second.
    let [(distal, _), (proximal, _)] = parts else {
        return Err(Missing::Undefined);
    };
    let (distal, proximal) = (*distal, *proximal);
    let devices = [&view.devices[proximal], &view.devices[distal]];
    if !devices.iter().all(|d| is_known(d)) {
        return Err(Missing::Undefined);
    }
    let axis = |i: usize| view.poses[i].as_ref().map(|p| p.frame.axis());
    let hinge = Hinge::known(
        axis(proximal).ok_or(Missing::NotCalibrated)?,
        axis(distal).ok_or(Missing::NotCalibrated)?,
    );
    let stance = |d: &Device| d.stance.map(|s| s.up).ok_or(Missing::NotCalibrated);
    let zero = hinge.shown([stance(devices[0])?, stance(devices[1])?]);
    let rows = between(
        &devices[0].rows,
        SessionNs(found.start.0 - AROUND_NS),
        SessionNs(found.end.0 + AROUND_NS),
    );
    let pairs = pairs(devices[0], devices[1], rows);
    let mut path = Path::default();
    for (pair, angle) in pairs.iter().zip(smoothed(&hinge, &pairs)) {
        let t = SessionNs::from_seconds(pair.t_s);
        if t >= found.start && t <= found.end {
            // A tilt forward is a negative turn about the axis to the right.
            path.push(t, wrap((zero - angle).to_degrees()), found.turn);
        }
    }
    path.measured(sources)
}

fn is_known(device: &Device) -> bool {
    device.sensing == Sensing::Imu && device.axis_commanded
}
