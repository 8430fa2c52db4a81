//! Limits of a set: the plan-wide restrictions and the exercise's own limits, combined end by end. The
//! tighter number wins; where a looser number has the smaller guard band, its edge holds too, so that
//! the combination never allows what one of its parts forbids.
//!
//! `when = "loaded"` means counted repetitions, and those are all that is judged here: an unloaded or
//! bodyweight set is held to the same limit.

use super::{
    Params,
    check::{Check, Window, action_of, default_guard},
    reading::Feature,
};
use crate::model::{
    exercise::Exercise,
    finding::CheckKind,
    metric::Metric,
    plan::{Avoid, CheckedBy, Plan, Prescription, Reaction},
};
use std::collections::BTreeMap;

/// Which end of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Lower,
    Upper,
}

#[derive(Debug, Clone, Copy)]
struct Bound {
    number: f64,
    guard: f64,
    reaction: Reaction,
}

impl Bound {
    /// Both bounds as one, never looser than either.
    fn with(self, other: Bound, end: End) -> Bound {
        let tighter = |a: f64, b: f64| match end {
            End::Lower => a.max(b),
            End::Upper => a.min(b),
        };
        let edge = |b: Bound| match end {
            End::Lower => b.number - b.guard,
            End::Upper => b.number + b.guard,
        };
        let number = tighter(self.number, other.number);
        Bound {
            number,
            guard: (tighter(edge(self), edge(other)) - number).abs(),
            reaction: if action_of(self.reaction) >= action_of(other.reaction) {
                self.reaction
            } else {
                other.reaction
            },
        }
    }
}

/// The restriction speaks of this exercise.
pub(super) fn applies(avoid: &Avoid, exercise: &str) -> bool {
    avoid.applies_to.is_empty() || avoid.applies_to.iter().any(|id| id == exercise)
}

/// The limit checks, in the order of metric and end.
pub(super) fn limits(
    params: &Params,
    plan: &Plan,
    prescriptions: &[&Prescription],
    id: &str,
    library: Option<&Exercise>,
    walking_g: Option<f64>,
) -> Vec<Check> {
    let mut bounds: BTreeMap<(Metric, End), Bound> = BTreeMap::new();
    let mut add = |metric: Metric, min, max, guard: Option<f64>, reaction| {
        for (end, number) in [(End::Lower, min), (End::Upper, max)] {
            let Some(number) = number else { continue };
            let guard = guard.unwrap_or_else(|| default_guard(metric, Some(number)));
            let bound = Bound {
                number,
                guard,
                reaction,
            };
            bounds
                .entry((metric, end))
                .and_modify(|b| *b = b.with(bound, end))
                .or_insert(bound);
        }
    };
    let mut impacts = Vec::new();
    for avoid in plan.avoid.iter().filter(|a| applies(a, id)) {
        let metric = avoid.metric.as_deref().and_then(Metric::from_id);
        let (CheckedBy::Sensor, Some(metric)) = (avoid.check, metric) else {
            continue;
        };
        add(metric, avoid.min, avoid.max, None, Reaction::Stop);
        if let Some(times) = avoid.max_times_own_walking {
            impacts.push(impact(params, metric, times, walking_g));
        }
    }
    for limit in prescriptions.iter().flat_map(|p| &p.limits) {
        if let Some(metric) = Metric::from_id(&limit.metric) {
            add(metric, limit.min, limit.max, limit.guard, limit.on_breach);
        }
    }
    let primary = library.and_then(|e| e.primary);
    let mut checks: Vec<Check> = bounds
        .into_iter()
        .map(|((metric, end), bound)| check(metric, end, bound, primary))
        .collect();
    checks.extend(impacts);
    checks
}

fn check(metric: Metric, end: End, bound: Bound, primary: Option<Metric>) -> Check {
    let (code, feature, window) = match end {
        End::Upper if primary == Some(metric) => {
            ("DEPTH_OVER", Feature::Max, Window::at_most(bound.number))
        }
        End::Upper => ("LIMIT", Feature::Max, Window::at_most(bound.number)),
        End::Lower => ("LIMIT", Feature::Min, Window::at_least(bound.number)),
    };
    let mut check = Check::new(code, CheckKind::Limit, metric, window);
    check.feature = feature;
    check.guard = bound.guard;
    check.reaction = bound.reaction;
    check.clipping_is_breach = metric == Metric::ShankPeakAccel;
    check
}

/// A limit in times of the client's own walking; without a walking baseline it cannot be judged, but a
/// clipped sensor breaches it all the same.
fn impact(params: &Params, metric: Metric, times: f64, walking_g: Option<f64>) -> Check {
    let number = walking_g.map(|g| (times * g).max(params.impact_floor_g));
    let window = number.map_or_else(Window::default, Window::at_most);
    let mut check = Check::new("LIMIT", CheckKind::Limit, metric, window);
    if number.is_none() {
        check.reference = super::check::Reference::Absent(None);
    }
    check.reaction = Reaction::Stop;
    check.clipping_is_breach = metric == Metric::ShankPeakAccel;
    check
}
