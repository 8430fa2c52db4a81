//! Restrictions of the whole plan: PL-04, PL-12, PL-18.

use super::Found;
use crate::model::{
    exercise::LIBRARY,
    metric::Metric,
    plan::{Avoid, CheckedBy, Plan},
};

/// The restriction codes.
const CODES: &[&str] = &[
    "deep_knee_flexion_loaded",
    "open_chain_terminal_extension",
    "high_impact",
    "explosive",
    "loaded_spinal_flexion",
    "end_range_trunk_rotation",
    "trunk_inclination_max",
    "overhead_load",
    "shoulder_er_max",
    "combined_abd_er",
    "behind_back",
    "weight_through_arm",
    "hip_flexion_max",
    "single_leg_stance",
    "valsalva",
    "supine_flat",
    "max_effort_lift",
    "kneeling",
    "prone",
    "grip_heavy",
    "heat",
    "balance_unsupported",
];

pub(super) fn lint(plan: &Plan, found: &mut Found) {
    for (i, avoid) in plan.avoid.iter().enumerate() {
        let path = format!("avoid[{i}]");
        if !CODES.contains(&avoid.code.as_str()) {
            found.unknown(
                format!("{path}.code"),
                "restriction",
                &avoid.code,
                CODES.iter().copied(),
            );
        }
        if avoid.trainer_text.trim().is_empty() {
            found.reject(
                "PL-15",
                format!("{path}.trainer_text"),
                "trainer_text is empty; the trainer needs it",
            );
        }
        for (j, id) in avoid.applies_to.iter().enumerate() {
            if LIBRARY.iter().all(|e| e.id != id) {
                let known = LIBRARY.iter().map(|e| e.id);
                found.unknown(format!("{path}.applies_to[{j}]"), "exercise", id, known);
            }
        }
        numbers(plan, avoid, &path, found);
    }
}

fn numbers(plan: &Plan, avoid: &Avoid, path: &str, found: &mut Found) {
    let metric = avoid.metric.as_ref().map(|id| found.metric(path, id));
    if let Some(Some(metric)) = metric {
        found.window(path, metric, avoid.min, avoid.max);
    }
    if let Some(times) = avoid.max_times_own_walking.filter(|t| *t <= 0.0) {
        found.reject(
            "PL-04",
            format!("{path}.max_times_own_walking"),
            format!("max_times_own_walking = {times} allows nothing"),
        );
    }
    if avoid.check != CheckedBy::Sensor {
        return;
    }
    let reason = match metric {
        None => Some("it names no metric".to_owned()),
        Some(None) => None,
        Some(Some(metric)) => by_eye(plan, avoid, metric),
    };
    if let Some(reason) = reason {
        found
            .warn(
                "PL-12",
                path,
                format!("{}: no sensor can check it, because {reason}", avoid.code),
            )
            .hint =
            Some("it will be listed by eye; write check = \"trainer\" to say so".to_owned());
    }
}

/// Why no sensor can check the restriction, if that is so.
fn by_eye(plan: &Plan, avoid: &Avoid, metric: Metric) -> Option<String> {
    if avoid.min.is_none() && avoid.max.is_none() && avoid.max_times_own_walking.is_none() {
        return Some("it has no number".to_owned());
    }
    if avoid.max_times_own_walking.is_some() && metric != Metric::ShankPeakAccel {
        return Some("times of the own walking exist for shank_peak_accel only".to_owned());
    }
    if metric != Metric::TempoRatio {
        return None;
    }
    plan.exercises
        .iter()
        .find(|e| e.tempo.is_none() && super::super::limits::applies(avoid, &e.id))
        .map(|e| format!("{} has no tempo", e.id))
}
