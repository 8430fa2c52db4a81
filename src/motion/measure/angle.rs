//! Joint angles and tilts as sums of forward tilts, exactly as the clinic defines them. deg.

use super::{
    super::{
        anatomy::{Plane, plane, terms},
        channel::find,
        post::Found,
        record::between,
    },
    Outcome, View,
    band::{Sources, usable},
    joint,
    path::Path,
};
use crate::model::{body::Side, metric::Metric, rep::Missing, time::SessionNs};

/// Joint angle or tilt as a sum of forward tilts. `absolute`: the zero matters.
pub(super) fn sum_of_tilts(
    view: &View,
    found: &Found,
    metric: Metric,
    side: Side,
    absolute: bool,
) -> Outcome {
    let mut parts = Vec::with_capacity(2);
    for (part, weight) in terms(metric) {
        let i = find(view.devices, part.on(side)).ok_or(Missing::NoSensor)?;
        parts.push((i, *weight));
    }
    if let [(a, _), (b, _)] = parts[..] {
        view.in_step(&[a, b])?;
    }
    let frontal = plane(view.exercise) == Plane::Frontal;
    let mut sources = Sources::default();
    for (i, _) in &parts {
        let pose = usable(view, found, *i, absolute)?;
        if frontal && absolute && pose.range_deg > 10.0 {
            return Err(Missing::Undefined);
        }
        if absolute && !pose.signed && pose.range_deg > 10.0 {
            return Err(Missing::Undefined);
        }
        sources = sources.and(Sources::of(&view.devices[*i], pose, found));
    }
    if absolute && parts.len() == 2 && joint::is_steep(view, found, &parts) {
        let followed = joint::followed(view, found, &parts, &sources);
        if followed.is_ok() {
            return followed;
        }
    }
    let mut path = Path::default();
    let mut whole = true;
    along(view, found, &parts, |t, value| match value {
        Some(value) => path.push(t, value, found.turn),
        None => whole = false,
    });
    if !whole {
        return Err(Missing::Undefined);
    }
    path.measured(&sources)
}

/// The weighted sum of tilts of `parts` (device, weight) at every row of the first of them.
pub(super) fn along(
    view: &View,
    found: &Found,
    parts: &[(usize, f64)],
    mut each: impl FnMut(SessionNs, Option<f64>),
) {
    let Some((lead, _)) = parts.first() else {
        return;
    };
    let lead = &view.devices[*lead];
    let (from, to) = (found.start, found.end);
    for (i, _) in parts {
        let Some(pose) = &view.poses[*i] else {
            return;
        };
        let mut tilts = view.tilts[*i].borrow_mut();
        tilts.cover(&view.devices[*i], &pose.frame, from, to);
    }
    let mut near = vec![0; parts.len()];
    for row in between(&lead.rows, from, SessionNs(to.0 + 1)) {
        let sum = parts
            .iter()
            .zip(&mut near)
            .try_fold(0.0, |sum, ((i, weight), near)| {
                let rows = &view.devices[*i].rows;
                let tilt = view.tilts[*i].borrow().at(rows, row.t, near);
                Some(sum + weight * tilt?)
            });
        each(row.t, sum);
    }
}
