//! What a picture of a repetition shows. deg.

use super::{
    super::{anatomy::terms, channel::find, post::Found},
    View,
    angle::{along, sum_of_tilts},
};
use crate::model::{exercise::exercise, metric::Metric, rep::Measured, time::SessionNs};

/// Spacing of a repetition's trace, ns: 20 points a second.
const TRACE_NS: i64 = 50_000_000;

/// What a picture of the repetition shows: the exercise's primary metric, or the first fallback that was
/// measured; on the side that moves more. `None` where there is no data, and no trace of what is not measured.
pub(in crate::motion) fn trace(view: &View, found: &Found) -> Option<RepTrace> {
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
pub(in crate::motion) struct RepTrace {
    pub(in crate::motion) metric: Metric,
    pub(in crate::motion) points: Vec<(SessionNs, Option<f64>)>,
}
