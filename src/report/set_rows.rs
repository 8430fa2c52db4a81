//! One row a set: done against planned. Medians over the final repetitions; seconds, degrees, kg.

use super::{
    facts::{SetRow, Spread},
    gather::SetFacts,
    words,
};
use crate::model::{
    command::SetRole,
    finding::CheckKind,
    metric::Metric,
    plan::{Plan, Prescription, TrainingSide},
    rep::{Measured, Phases, Rep},
};

pub(super) fn set_row(number: u32, set: &SetFacts, plan: Option<&Plan>) -> SetRow {
    let asked = plan.and_then(|p| p.prescription(set.exercise()));
    let metric = shown_metric(set);
    let fallback = SetRole::Working;
    let (side, role, load_kg) = match (set.summary, set.started) {
        (Some(s), _) => (s.side, &s.role, s.load_kg),
        (None, Some(s)) => (s.1, s.2, s.3),
        (None, None) => (TrainingSide::Both, &fallback, None),
    };
    SetRow {
        set: number,
        exercise: set.exercise().to_owned(),
        side,
        role: role.clone(),
        baseline_refused: set.refused,
        ended: set.summary.map(|s| s.reason),
        reps: set.reps_done(),
        partial: set.reps.values().filter(|r| r.partial).count() as u32,
        reps_live: set.summary.map_or(set.live.len() as u32, |s| s.reps_live),
        reps_planned: asked.map(|a| format!("{} x {}", a.sets, words::span(a.reps))),
        load_kg,
        load_planned: asked.map(load_words),
        tempo_planned: asked.and_then(|a| a.tempo.as_ref().map(words::tempo)),
        tempo: tempo_median(set),
        tempo_threshold: phases(set).next().map(|p| p.threshold),
        tempo_error_s: tempo_error(set),
        metric,
        range_planned: metric.and_then(|m| range_words(asked?, m)),
        range: metric.and_then(|m| range(set, m)),
        rpe: set.typed.iter().rev().find_map(|t| t.rpe),
        pain: set.typed.iter().filter_map(|t| t.pain).max(),
        heart_max: set.summary.and_then(|s| s.heart.max_bpm),
        heart_fall: set.summary.and_then(|s| s.heart.recovery_60s_bpm),
        rest_before: set.summary.map(|s| s.heart.before),
        loss: set.reps.values().rev().find_map(|r| r.speed?.loss),
        rep_verdicts: set.rep_verdicts(),
        counts: set.counts(),
    }
}

fn load_words(asked: &Prescription) -> String {
    let load = &asked.load;
    let value = load.value.map(|v| words::number(v, "kg"));
    let kind = match load.kind.as_str() {
        "pct_1rm" => "% 1RM",
        "bodyweight_pct" => "% body weight",
        other => other,
    };
    let asked = value.map_or_else(|| kind.replace('_', " "), |v| format!("{v} {kind}"));
    match load.max_kg {
        Some(max) => format!("{asked}, max {} kg", words::number(max, "kg")),
        None => asked,
    }
}

fn range_words(asked: &Prescription, metric: Metric) -> Option<String> {
    let facts = metric.facts();
    let limit = asked.limits.iter().find(|l| l.metric == facts.id);
    let target = asked.targets.iter().find(|t| t.metric == facts.id);
    let limit = limit.map(|l| words::window(l.min, l.max, facts.unit));
    let target = target.map(|t| format!("aim {}", words::window(t.min, t.max, facts.unit)));
    let both: Vec<String> = limit.into_iter().chain(target).collect();
    (!both.is_empty()).then(|| both.join(", "))
}

/// The exercise's own metric if it was measured in any repetition, else whatever angle was.
pub(super) fn shown_metric(set: &SetFacts) -> Option<Metric> {
    let measured = |m: Metric| set.reps.values().any(|r| value_at_turn(r, m).is_some());
    let library = crate::model::exercise::exercise(set.exercise());
    let own = library.and_then(|e| e.primary);
    let tilts = library.map_or(&[][..], |e| e.fallbacks);
    own.into_iter()
        .chain(tilts.iter().copied())
        .chain(
            Metric::ALL
                .iter()
                .copied()
                .filter(|m| m.facts().unit == "deg"),
        )
        .find(|m| measured(*m))
        .or(own)
}

/// Value and half-width at the turn of a repetition.
pub(super) fn value_at_turn(rep: &Rep, metric: Metric) -> Option<(f64, f64)> {
    match rep.measured(metric) {
        Some(Measured::Value { at_turn, error, .. }) => Some((at_turn, error)),
        _ => None,
    }
}

fn range(set: &SetFacts, metric: Metric) -> Option<Spread> {
    let judged = |rep: u32| {
        // A lower limit is judged on the smallest value, which is seldom the range that was trained.
        set.of_rep(rep)
            .filter(|f| f.metric == metric && f.kind == CheckKind::Limit)
            .max_by_key(|f| f.max.is_some())
            .and_then(|f| Some((f.value?, f.error)))
    };
    let values: Vec<(f64, Option<f64>)> = set
        .reps
        .iter()
        .filter_map(|(n, rep)| {
            judged(*n).or_else(|| value_at_turn(rep, metric).map(|(v, e)| (v, Some(e))))
        })
        .collect();
    let mut sorted: Vec<f64> = values.iter().map(|v| v.0).collect();
    let mut errors: Vec<f64> = values.iter().filter_map(|v| v.1).collect();
    let middle = median(&mut sorted)?;
    Some(Spread {
        min: *sorted.first()?,
        median: middle,
        max: *sorted.last()?,
        error: median(&mut errors),
    })
}

fn phases<'a>(set: &'a SetFacts) -> impl Iterator<Item = Phases> + 'a {
    set.reps.values().filter_map(|r| r.phases)
}

fn tempo_median(set: &SetFacts) -> Option<[Option<f64>; 4]> {
    phases(set).next()?;
    let middle = |get: fn(&Phases) -> Option<f64>| {
        median(&mut phases(set).filter_map(|p| get(&p)).collect::<Vec<_>>())
    };
    Some([
        middle(|p| Some(p.eccentric_s)),
        middle(|p| p.pause_stretched_s),
        middle(|p| Some(p.concentric_s)),
        middle(|p| p.pause_shortened_s),
    ])
}

fn tempo_error(set: &SetFacts) -> Option<f64> {
    let of = |place: usize| median(&mut phases(set).map(|p| p.error_s[place]).collect::<Vec<_>>());
    (0..4).filter_map(of).reduce(f64::max)
}

/// Sorts; the lower middle of an even number would lean to one side, so the mean of both.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => values.get(half).copied(),
        _ => Some((values.get(half - 1)? + values.get(half)?) / 2.0),
    }
}
