//! Effort, heart rate, pain, weight bearing: PL-03, PL-06, PL-07, PL-11.

use super::Found;
use crate::model::plan::{Effort, Plan, RpeScale, Span};
use crate::rules::profile::{FORMULAS, formula};

pub(super) fn lint(plan: &Plan, found: &mut Found) {
    pain(plan, found);
    exertion(&plan.effort, found);
    heart(plan, found);
    weight_bearing(plan, found);
}

fn pain(plan: &Plan, found: &mut Found) {
    let pain = &plan.pain;
    for (key, value) in [
        ("cue_at", pain.cue_at),
        ("stop_at", pain.stop_at),
        ("max_rise", pain.max_rise),
        ("next_morning_max_rise", pain.next_morning_max_rise),
    ] {
        if value > 10 {
            found.reject(
                "PL-03",
                format!("pain.{key}"),
                format!("{key} = {value}; pain is 0 to 10"),
            );
        }
    }
    if pain.cue_at > pain.stop_at {
        found.reject(
            "PL-03",
            "pain.cue_at",
            format!("cue_at {} lies above stop_at {}", pain.cue_at, pain.stop_at),
        );
    }
    if pain.stop_at == 0 {
        found.warn(
            "PL-03",
            "pain.stop_at",
            "stop_at = 0 stops at no pain at all",
        );
    }
}

/// Ends of an RPE scale and its name.
pub(super) const fn scale(scale: RpeScale) -> (f64, f64, &'static str) {
    match scale {
        RpeScale::Borg6To20 => (6.0, 20.0, "borg_6_20"),
        RpeScale::Cr10 => (0.0, 10.0, "cr10"),
        RpeScale::RirRpe => (1.0, 10.0, "rir_rpe"),
    }
}

fn exertion(effort: &Effort, found: &mut Found) {
    let (low, high, name) = scale(effort.rpe_scale);
    let inside = |v: f64| (low..=high).contains(&v);
    if !inside(effort.rpe_max) {
        found
            .reject(
                "PL-03",
                "effort.rpe_max",
                format!(
                    "rpe_max = {} is not on the scale {name}, {low} to {high}",
                    effort.rpe_max
                ),
            )
            .hint = Some("three scales share the word RPE: borg_6_20, cr10, rir_rpe".to_owned());
    }
    let Some(Span { min, max }) = effort.rpe_target else {
        return;
    };
    if !inside(min) || !inside(max) {
        found.reject(
            "PL-03",
            "effort.rpe_target",
            format!("rpe_target {min} to {max} is not on the scale {name}, {low} to {high}"),
        );
    } else if max > effort.rpe_max {
        found.reject(
            "PL-03",
            "effort.rpe_target",
            format!(
                "rpe_target goes up to {max}, above rpe_max {}",
                effort.rpe_max
            ),
        );
    }
}

fn heart(plan: &Plan, found: &mut Found) {
    let effort = &plan.effort;
    let basis = effort.hr_basis.as_deref();
    let formula = basis.and_then(|b| b.strip_prefix("formula:"));
    let has_number = effort.hr_ceiling_bpm.is_some()
        || effort.hr_zone_bpm.is_some()
        || effort.hr_max_bpm.is_some();
    let delicate = match (plan.cardiac, plan.beta_blocker) {
        (_, true) => Some("beta_blocker"),
        (true, _) => Some("cardiac"),
        _ => None,
    };
    if let Some(why) = delicate {
        if effort.hr_ceiling_bpm.is_none() {
            found.reject(
                "PL-06",
                "effort",
                format!("{why} = true, but there is no hr_ceiling_bpm"),
            );
        }
        if formula.is_some_and(|f| f.starts_with("220")) {
            found.reject(
                "PL-06",
                "effort.hr_basis",
                format!("{why} = true, but the heart-rate numbers come from 220 minus age"),
            );
        }
    }
    if formula.is_some() && (plan.pregnant || plan.beta_blocker) {
        let why = if plan.pregnant {
            "pregnant"
        } else {
            "beta_blocker"
        };
        found
            .reject(
                "PL-07",
                "effort.hr_basis",
                format!("{why} = true, but the heart-rate numbers come from an age formula"),
            )
            .hint = Some("use measured_max, gxt or therapist".to_owned());
    }
    match basis {
        None if has_number => {
            found
                .reject("PL-06", "effort", "heart-rate numbers without hr_basis")
                .hint = Some(
                "say where they come from: measured_max, gxt, formula:<name> or therapist"
                    .to_owned(),
            );
        }
        Some(b)
            if formula.is_none_or(str::is_empty)
                && !["measured_max", "gxt", "therapist"].contains(&b) =>
        {
            found.reject(
                "PL-06",
                "effort.hr_basis",
                format!("hr_basis {b:?}; expected measured_max, gxt, formula:<name> or therapist"),
            );
        }
        _ => {}
    }
    heart_numbers(effort, plan.require_hr_signal, found);
    heart_of_client(plan, formula, found);
}

/// Rest, maximum, age: what shares of the reserve are made of.
fn heart_of_client(plan: &Plan, named: Option<&str>, found: &mut Found) {
    let effort = &plan.effort;
    for (key, value, possible) in [
        ("hr_max_bpm", effort.hr_max_bpm, 80.0..=230.0),
        ("hr_rest_bpm", effort.hr_rest_bpm, 30.0..=120.0),
        ("age_years", effort.age_years, 5.0..=110.0),
    ] {
        if let Some(v) = value.filter(|v| !possible.contains(v)) {
            let (low, high) = (possible.start(), possible.end());
            let message = format!("{key} = {v}; expected {low} to {high}");
            found.reject("PL-04", format!("effort.{key}"), message);
        }
    }
    if let (Some(rest), Some(max)) = (effort.hr_rest_bpm, effort.hr_max_bpm)
        && rest + 20.0 > max
    {
        let message = format!("hr_rest_bpm = {rest} leaves no reserve below hr_max_bpm = {max}");
        found.reject("PL-04", "effort.hr_rest_bpm", message);
    }
    if let (Some(ceiling), Some(max)) = (effort.hr_ceiling_bpm, effort.hr_max_bpm)
        && ceiling > max
    {
        let message = format!("hr_ceiling_bpm = {ceiling} lies above hr_max_bpm = {max}");
        found.reject("PL-05", "effort.hr_ceiling_bpm", message);
    }
    let Some(name) = named.filter(|n| !n.is_empty()) else {
        return;
    };
    if formula(name).is_none() {
        let message =
            format!("no formula is called {name:?}: shares of heart-rate reserve are withheld");
        found.warn("PL-06", "effort.hr_basis", message).hint =
            Some(format!("known: {}", FORMULAS.join(", ")));
    }
    if plan.cardiac && !plan.beta_blocker {
        let message = "cardiac = true: shares of heart-rate reserve are withheld, a formula of age is no exercise test";
        found.warn("PL-06", "effort.hr_basis", message).hint =
            Some("give hr_max_bpm with hr_basis = \"gxt\"".to_owned());
    }
}

fn heart_numbers(effort: &Effort, required: bool, found: &mut Found) {
    let possible = 30.0..=230.0;
    if let Some(bpm) = effort.hr_ceiling_bpm
        && !possible.contains(&bpm)
    {
        found.reject(
            "PL-04",
            "effort.hr_ceiling_bpm",
            format!("hr_ceiling_bpm = {bpm} is no heart rate a person can have"),
        );
    }
    if let Some(Span { min, max }) = effort.hr_zone_bpm {
        if min >= max || !possible.contains(&min) || !possible.contains(&max) {
            found.reject(
                "PL-04",
                "effort.hr_zone_bpm",
                format!("hr_zone_bpm {min} to {max} is no window of heart rates"),
            );
        } else if effort.hr_ceiling_bpm.is_some_and(|ceiling| max > ceiling) {
            found.reject(
                "PL-05",
                "effort.hr_zone_bpm",
                format!("hr_zone_bpm goes up to {max}, above hr_ceiling_bpm"),
            );
        }
    }
    if required && effort.hr_ceiling_bpm.is_none() {
        found.warn(
            "PL-06",
            "require_hr_signal",
            "a heart-rate signal is required, but there is no hr_ceiling_bpm to hold it against",
        );
    }
}

fn weight_bearing(plan: &Plan, found: &mut Found) {
    let Some(bearing) = &plan.weight_bearing else {
        return;
    };
    let has_number = bearing.limit_percent_body_weight.is_some() || bearing.limit_kg.is_some();
    if ["TTWB", "PWB"].contains(&bearing.status.as_str()) && !has_number {
        found
            .reject(
                "PL-11",
                "weight_bearing",
                format!(
                    "{} is defined differently everywhere: a number is needed",
                    bearing.status
                ),
            )
            .hint = Some("add limit_percent_body_weight or limit_kg".to_owned());
    }
    for (key, value) in [
        (
            "limit_percent_body_weight",
            bearing.limit_percent_body_weight,
        ),
        ("limit_kg", bearing.limit_kg),
    ] {
        if let Some(v) = value.filter(|v| *v < 0.0) {
            found.reject(
                "PL-11",
                format!("weight_bearing.{key}"),
                format!("{key} = {v} is negative"),
            );
        }
    }
}
