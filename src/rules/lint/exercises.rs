//! Exercises: dose, load, tempo, limits, targets, watch items: PL-02, PL-04, PL-05, PL-08, PL-09, PL-10,
//! PL-12, PL-13, PL-16, PL-18.

use super::{Found, people::scale};
use crate::model::{
    exercise::{LIBRARY, exercise},
    finding::Action,
    metric::{Metric, Tier},
    plan::{Beat, Load, Plan, Prescription, Reaction, Tempo, TrainingSide},
};
use crate::rules::{
    check::{action_of, cap},
    compensation::{Basis, TABLE, compensation},
    limits::applies,
};
use jiff::civil::Date;

pub(super) fn lint(plan: &Plan, found: &mut Found) {
    if plan.exercises.is_empty() {
        found.reject("PL-16", "exercise", "the plan has no exercise");
    }
    for (i, prescription) in plan.exercises.iter().enumerate() {
        let path = format!("exercise[{i}]");
        identity(plan, i, &path, found);
        dose(prescription, &path, found);
        load(plan, prescription, &path, found);
        if let Some(tempo) = &prescription.tempo {
            self::tempo(plan, prescription, tempo, &path, found);
        }
        limits(prescription, &path, found);
        looser(plan, prescription, &path, found);
        watches(prescription, &path, found);
    }
}

fn identity(plan: &Plan, index: usize, path: &str, found: &mut Found) {
    let it = &plan.exercises[index];
    match exercise(&it.id) {
        None => {
            let known = LIBRARY.iter().map(|e| e.id);
            found.unknown(format!("{path}.id"), "exercise", &it.id, known);
        }
        Some(known) if known.unilateral_only && it.side == TrainingSide::Both => {
            found
                .reject(
                    "PL-02",
                    format!("{path}.side"),
                    format!("{} works one side at a time", it.id),
                )
                .hint = Some("write left, right or alternating".to_owned());
        }
        Some(_) => {}
    }
    let twice = plan.exercises[..index]
        .iter()
        .any(|other| other.id == it.id && other.side == it.side);
    if twice {
        found.reject(
            "PL-18",
            format!("{path}.id"),
            format!("{} is prescribed twice for the same side", it.id),
        );
    }
}

fn dose(it: &Prescription, path: &str, found: &mut Found) {
    if !(1..=10).contains(&it.sets) {
        found.reject(
            "PL-16",
            format!("{path}.sets"),
            format!("sets = {}; expected 1 to 10", it.sets),
        );
    }
    for (key, span, low, high) in [
        ("reps", it.reps, 1.0, 50.0),
        ("rest_s", it.rest_s, 0.0, 600.0),
    ] {
        if span.min < low || span.max > high || span.min > span.max {
            let shown = format!("{} to {}", span.min, span.max);
            found.reject(
                "PL-16",
                format!("{path}.{key}"),
                format!("{key} = {shown}; expected {low} to {high}"),
            );
        }
    }
    if let Some(s) = it.hold_s.filter(|s| !(0.0..=600.0).contains(s)) {
        found.reject(
            "PL-16",
            format!("{path}.hold_s"),
            format!("hold_s = {s}; expected 0 to 600"),
        );
    }
}

fn load(plan: &Plan, it: &Prescription, path: &str, found: &mut Found) {
    let load = &it.load;
    let path = format!("{path}.load");
    let needs_value =
        ["kg", "pct_1rm", "rpe", "rir", "bodyweight_pct"].contains(&load.kind.as_str());
    if needs_value && load.value.is_none() {
        found.reject(
            "PL-10",
            path.clone(),
            format!("load of kind {} without a value", load.kind),
        );
    }
    if ["kg", "pct_1rm"].contains(&load.kind.as_str()) && load.basis.is_none() {
        found
            .reject(
                "PL-10",
                path.clone(),
                format!("load of kind {} without a basis", load.kind),
            )
            .hint = Some(
            "write basis = \"total\", \"per_hand\", \"per_leg\" or \"machine_stack\"".to_owned(),
        );
    }
    for (key, value) in [
        ("value", load.value),
        ("max_kg", load.max_kg),
        ("one_rm_kg", load.one_rm_kg),
    ] {
        if let Some(v) = value.filter(|v| *v < 0.0) {
            found.reject(
                "PL-10",
                format!("{path}.{key}"),
                format!("{key} = {v} is negative"),
            );
        }
    }
    if let (Some(kg), Some(max)) = (target_kg(load), load.max_kg)
        && kg > max
    {
        found.reject(
            "PL-10",
            format!("{path}.max_kg"),
            format!("the load of {kg} kg lies above max_kg {max}"),
        );
    }
    if ["rpe", "rir"].contains(&load.kind.as_str())
        && let Some(value) = load.value
    {
        let (low, high, name) = if load.kind == "rpe" {
            scale(plan.effort.rpe_scale)
        } else {
            (0.0, 10.0, "repetitions in reserve")
        };
        if !(low..=high).contains(&value) {
            found.reject(
                "PL-16",
                format!("{path}.value"),
                format!("value = {value} is not on the scale {name}, {low} to {high}"),
            );
        }
    }
    if load.kind == "pct_1rm" {
        one_rm(plan, load, &path, found);
    }
}

fn target_kg(load: &Load) -> Option<f64> {
    match load.kind.as_str() {
        "kg" => load.value,
        "pct_1rm" => Some(load.value? / 100.0 * load.one_rm_kg?),
        _ => None,
    }
}

fn one_rm(plan: &Plan, load: &Load, path: &str, found: &mut Found) {
    for (key, missing) in [
        ("one_rm_kg", load.one_rm_kg.is_none()),
        ("one_rm_date", load.one_rm_date.is_none()),
        (
            "one_rm_method",
            load.one_rm_method
                .as_deref()
                .is_none_or(|m| m.trim().is_empty()),
        ),
    ] {
        if missing {
            found.reject(
                "PL-09",
                format!("{path}.{key}"),
                format!("a share of the one-repetition maximum needs {key}"),
            );
        }
    }
    if let Some(percent) = load.value.filter(|v| !(0.0..=100.0).contains(v)) {
        found.reject(
            "PL-09",
            format!("{path}.value"),
            format!("value = {percent} % of the one-repetition maximum"),
        );
    }
    let Some(text) = &load.one_rm_date else {
        return;
    };
    match (text.parse::<Date>(), plan.valid_from.parse::<Date>()) {
        (Ok(measured), Ok(from)) if (from - measured).get_days() > 56 => {
            let weeks = (from - measured).get_days() / 7;
            found.warn(
                "PL-09",
                format!("{path}.one_rm_date"),
                format!("the one-repetition maximum was {weeks} weeks old when the plan began"),
            );
        }
        (Err(_), _) => {
            found.reject(
                "PL-09",
                format!("{path}.one_rm_date"),
                format!("{text:?} is not a day of the calendar"),
            );
        }
        _ => {}
    }
}

fn tempo(plan: &Plan, it: &Prescription, tempo: &Tempo, path: &str, found: &mut Found) {
    let path = format!("{path}.tempo");
    for (i, beat) in tempo.0.iter().enumerate() {
        let moving = i % 2 == 0;
        let place = [
            "eccentric",
            "pause after the eccentric",
            "concentric",
            "pause after the concentric",
        ][i];
        match beat {
            Beat::Seconds(s) if moving && *s <= 0.0 => {
                found
                    .reject("PL-08", path.clone(), format!("0 s for the {place} phase is no movement"))
                    .hint = Some("write * for no prescription, or X for as fast as possible with control (concentric only)".to_owned());
            }
            Beat::Explosive if i != 2 => {
                found.reject(
                    "PL-08",
                    path.clone(),
                    format!("X in the place of the {place}; X is for the concentric phase only"),
                );
            }
            Beat::Explosive => {
                let avoided = plan.avoid.iter().find(|a| {
                    ["explosive", "high_impact"].contains(&a.code.as_str()) && applies(a, &it.id)
                });
                if let Some(avoid) = avoided {
                    found
                        .reject(
                            "PL-08",
                            path.clone(),
                            format!("X asks for speed, but the plan avoids {}", avoid.code),
                        )
                        .hint = Some("write seconds for the concentric phase".to_owned());
                }
            }
            _ => {}
        }
    }
}

fn limits(it: &Prescription, path: &str, found: &mut Found) {
    let mut seen = Vec::new();
    let limits = it.limits.iter().enumerate().map(|(i, l)| {
        (
            format!("{path}.limit[{i}]"),
            &l.metric,
            l.min,
            l.max,
            &l.unit,
        )
    });
    let targets = it.targets.iter().enumerate().map(|(i, t)| {
        (
            format!("{path}.target[{i}]"),
            &t.metric,
            t.min,
            t.max,
            &t.unit,
        )
    });
    for (i, (path, id, min, max, unit)) in limits.chain(targets).enumerate() {
        let is_limit = i < it.limits.len();
        let Some(metric) = found.metric(&path, id) else {
            continue;
        };
        if min.is_none() && max.is_none() {
            found.reject(
                "PL-04",
                path.clone(),
                format!("{id} has neither min nor max"),
            );
        }
        found.window(&path, metric, min, max);
        if let Some(unit) = unit.as_ref().filter(|u| *u != metric.facts().unit) {
            found.reject(
                "PL-04",
                format!("{path}.unit"),
                format!(
                    "{id} is measured in {}, not in {unit:?}",
                    metric.facts().unit
                ),
            );
        }
        if seen.contains(&(is_limit, metric)) {
            let what = if is_limit { "limit" } else { "target" };
            found
                .reject(
                    "PL-18",
                    path.clone(),
                    format!("a second {what} on {id} in the same exercise"),
                )
                .hint = Some("write min and max in one table".to_owned());
        }
        seen.push((is_limit, metric));
    }
    reactions(it, path, found);
}

fn reactions(it: &Prescription, path: &str, found: &mut Found) {
    for (i, limit) in it.limits.iter().enumerate() {
        let path = format!("{path}.limit[{i}]");
        let Some(metric) = Metric::from_id(&limit.metric) else {
            continue;
        };
        if limit.on_breach == Reaction::Stop && metric.facts().tier == Tier::C {
            found.warn(
                "PL-13",
                format!("{path}.on_breach"),
                format!(
                    "{} is a surrogate: stopping on it will often be for nothing",
                    limit.metric
                ),
            );
        }
        if limit.on_breach == Reaction::Entry {
            found.reject(
                "PL-04",
                format!("{path}.on_breach"),
                "a limit cannot be an entry; write stop, cue or record",
            );
        }
        if let Some(when) = limit
            .when
            .as_ref()
            .filter(|w| !["loaded", "always"].contains(&w.as_str()))
        {
            found.reject(
                "PL-04",
                format!("{path}.when"),
                format!("when = {when:?}; expected loaded or always"),
            );
        }
        let Some(guard) = limit.guard else { continue };
        let usual = crate::rules::check::default_guard(metric, limit.max.or(limit.min));
        if guard < 0.0 {
            found.reject(
                "PL-04",
                format!("{path}.guard"),
                format!("guard = {guard} is negative; 0 makes the limit strict"),
            );
        } else if guard > 2.0 * usual {
            found.warn(
                "PL-04",
                format!("{path}.guard"),
                format!(
                    "guard = {guard} lets the limit be passed by more than twice the usual {usual}"
                ),
            );
        }
    }
}

/// Nothing of the exercise may be looser than a restriction that applies to it, and no target may lead
/// past a limit.
fn looser(plan: &Plan, it: &Prescription, path: &str, found: &mut Found) {
    let avoids = plan
        .avoid
        .iter()
        .filter(|a| applies(a, &it.id))
        .filter_map(|a| {
            Some((
                format!("restriction {}", a.code),
                a.metric.as_deref()?,
                a.min,
                a.max,
            ))
        });
    let own = it.limits.iter().map(|l| {
        (
            "limit of the exercise".to_owned(),
            l.metric.as_str(),
            l.min,
            l.max,
        )
    });
    let limits = it
        .limits
        .iter()
        .enumerate()
        .map(|(i, l)| ("limit", i, l.metric.as_str(), l.min, l.max));
    let targets = it
        .targets
        .iter()
        .enumerate()
        .map(|(i, t)| ("target", i, t.metric.as_str(), t.min, t.max));
    let windows: Vec<_> = limits.chain(targets).collect();
    for (from, metric, min, max) in avoids.chain(own) {
        for (what, i, id, low, high) in &windows {
            if *id != metric || (*what == "limit" && from.starts_with("limit")) {
                continue;
            }
            let past_max = |v: Option<f64>| v.zip(max).filter(|(v, max)| v > max);
            let past_min = |v: Option<f64>| v.zip(min).filter(|(v, min)| v < min);
            for (end, past) in [
                ("max", past_max(*high)),
                ("min", past_max(*low)),
                ("min", past_min(*low)),
                ("max", past_min(*high)),
            ] {
                if let Some((value, bound)) = past {
                    found
                        .reject("PL-05", format!("{path}.{what}[{i}].{end}"), format!("the {what} on {id} allows {value}, looser than {bound} of the {from}"))
                        .hint = Some("the tighter number would win; write what is meant".to_owned());
                }
            }
        }
    }
}

fn watches(it: &Prescription, path: &str, found: &mut Found) {
    for (i, watch) in it.watches.iter().enumerate() {
        let path = format!("{path}.watch[{i}]");
        let Some(row) = compensation(&watch.code) else {
            found.unknown(
                format!("{path}.code"),
                "compensation",
                &watch.code,
                TABLE.iter().map(|c| c.code),
            );
            continue;
        };
        if it.watches[..i].iter().any(|w| w.code == watch.code) {
            found.reject(
                "PL-18",
                format!("{path}.code"),
                format!("{} is watched twice in the same exercise", watch.code),
            );
        }
        let wanted = action_of(watch.on_flag);
        let allowed = row
            .signals
            .iter()
            .map(|s| cap(s.metric))
            .max()
            .unwrap_or(Action::Record);
        if row.signals.is_empty() && wanted > Action::Record && row.code != "DEPTH_OVER" {
            found.warn(
                "PL-12",
                path.clone(),
                format!(
                    "{}: no sensor can see it; it will be listed by eye",
                    watch.code
                ),
            );
        } else if wanted > allowed && row.code != "DEPTH_OVER" {
            let (most, id) = (
                word(allowed),
                row.signals.first().map_or("", |s| s.metric.facts().id),
            );
            found.warn(
                "PL-13",
                format!("{path}.on_flag"),
                format!(
                    "{} rests on {id}, which may at most {most}: it will {most}, not {}",
                    watch.code,
                    word(wanted)
                ),
            );
        }
        if let (Some(minor), Some(moderate), Some(signal)) =
            (watch.minor, watch.moderate, row.signals.first())
        {
            let ordered = if signal.basis == Basis::PercentOfGoal {
                moderate < minor
            } else {
                minor < moderate
            };
            if !ordered || minor <= 0.0 {
                found.reject(
                    "PL-04",
                    format!("{path}.moderate"),
                    format!(
                        "thresholds {minor} and {moderate} of {} are in no sensible order",
                        watch.code
                    ),
                );
            }
        }
    }
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::Stop => "stop",
        Action::Cue => "cue",
        Action::Record => "record",
    }
}
