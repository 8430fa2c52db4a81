//! Tilts to the client's side. deg.

use super::{
    super::{
        anatomy::{Plane, plane},
        channel::find,
        pose::BRIDGE_S,
        post::Found,
        record::{between, up_at},
    },
    Outcome, View,
    band::{Sources, usable},
    path::Path,
};
use crate::model::{body::Segment, rep::Missing, time::SessionNs};

/// Rows sooner after the last one are passed over, ns: a body leans to the side slower than 10 Hz.
const SPACING_NS: i64 = 14_000_000;

pub(super) fn right_tilts(view: &View, found: &Found, parts: &[(Segment, f64)]) -> Outcome {
    let mut used = Vec::with_capacity(2);
    let mut sources = Sources::default();
    for (segment, weight) in parts {
        let i = find(view.devices, *segment).ok_or(Missing::NoSensor)?;
        let pose = usable(view, found, i, true)?;
        if !pose.signed || plane(view.exercise) == Plane::Frontal {
            return Err(Missing::Undefined);
        }
        sources = sources.and(Sources::of(&view.devices[i], pose, found));
        used.push((i, *weight));
    }
    if let [(a, _), (b, _)] = used[..] {
        view.in_step(&[a, b])?;
    }
    let lead = &view.devices[used.first().ok_or(Missing::NoSensor)?.0];
    let mut path = Path::default();
    let mut next = found.start;
    for row in between(&lead.rows, found.start, SessionNs(found.end.0 + 1)) {
        if row.t < next {
            continue;
        }
        next = SessionNs(row.t.0 + SPACING_NS);
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
    path.measured(&sources)
}
