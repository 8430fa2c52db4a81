//! Upper arms: what needs no axis. deg.

use super::{
    super::{channel::find, post::Found, record::between},
    Outcome, View,
    band::{Sources, usable},
    path::Path,
};
use crate::model::{
    body::{Segment, Side},
    metric::Part,
    rep::Missing,
    time::SessionNs,
};

/// Angle of the upper arm from where it hangs: needs no axis.
pub(super) fn elevation(view: &View, found: &Found, side: Side) -> Outcome {
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
    path.measured(&Sources::of(device, pose, found))
}

/// Change of the upper arm's tilt since the repetition began.
pub(super) fn drift(view: &View, found: &Found, side: Side) -> Outcome {
    let i = find(view.devices, Part::UpperArm.on(side)).ok_or(Missing::NoSensor)?;
    let pose = usable(view, found, i, false)?;
    let device = &view.devices[i];
    let mut path = Path::default();
    let rows = between(&device.rows, found.start, SessionNs(found.end.0 + 1));
    let first = rows.first().ok_or(Missing::Undefined)?.up();
    for row in rows {
        let angle = row.up().dot(&first).clamp(-1.0, 1.0).acos().to_degrees();
        path.push(row.t, angle, found.turn);
    }
    // The zero is the repetition's own begin.
    path.measured(&Sources {
        zero: 0.0,
        drifting: false,
        ..Sources::of(device, pose, found)
    })
}
