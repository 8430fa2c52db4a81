//! Repetitions against their labelled number and boundaries, and what was counted where nothing was to count.
//! Times in s on the recording's clock.

use super::{
    recording::{Said, Scores},
    score::{Score, Span, matched, quantile},
};
use crate::{
    model::rep::{Rep, Stage},
    motion::MotionEvent,
    wire::labelled::Meta,
};

/// Name under which the sets of all collections with an exactly known number stand together.
pub(super) const EXACT: &str = "all sets with exact truth";
/// Shortest stretch between labelled repetitions in which the client did something else, s.
const IDLE_S: f64 = 5.0;

/// Counts, boundaries and false repetitions.
pub(super) fn score(said: &Said, begin_s: f64, scores: &mut Scores<'_>) {
    if is_exercise(&scores.meta.exercise) {
        let before = scores.list.len();
        counts(said, scores);
        boundaries(said, begin_s, scores);
        among_exact(before, scores);
        live(said, scores);
    }
    false_reps(said, begin_s, scores);
}

/// The figures since `before` once more among all sets whose true number is exactly known, if this one's is.
pub(super) fn among_exact(before: usize, scores: &mut Scores<'_>) {
    let truth = &scores.meta.truth;
    if truth.rep_count_tolerance == Some(0) && truth.reps_complete != Some(false) {
        let again = scores.list[before..].to_vec();
        let all = again.into_iter().map(|s| Score {
            dataset: EXACT.into(),
            ..s
        });
        scores.list.extend(all);
    }
}

/// Walking and doing nothing have no repetitions.
pub(super) fn is_exercise(id: &str) -> bool {
    !matches!(id, "none" | "walk")
}

fn counts(said: &Said, scores: &mut Scores<'_>) {
    let Some(count) = scores.meta.truth.rep_count else {
        return;
    };
    let live: u32 = said.sets.iter().map(|s| s.reps_live).sum();
    let truth = Some(count as f64);
    scores.add("rep_count_live", Some(live.into()), truth, "{rep}");
    let finals = said.finals.len() as f64;
    scores.add("rep_count_final", Some(finals), truth, "{rep}");
}

fn boundaries(said: &Said, begin_s: f64, scores: &mut Scores<'_>) {
    let truth = &scores.meta.truth;
    if truth.reps.is_empty() {
        return;
    }
    let found: Vec<Span> = said.finals.iter().map(|r| span(r, begin_s)).collect();
    let pairs = matched(&truth.reps, &found);
    let starts: Vec<f64> = pairs.iter().map(|(t, f)| f.0 - t.0).collect();
    let ends: Vec<f64> = pairs.iter().map(|(t, f)| f.1 - t.1).collect();
    let errors: Vec<f64> = starts.iter().chain(&ends).map(|e| e.abs()).collect();
    scores.add("rep_boundary_error", quantile(&errors, 0.5), None, "s");
    let spread: Vec<f64> = about_median(&starts)
        .chain(about_median(&ends))
        .map(f64::abs)
        .collect();
    scores.add("rep_boundary_spread", quantile(&spread, 0.5), None, "s");
}

/// Differences from their median: what is left when a label is always early or late by the same time.
fn about_median(errors: &[f64]) -> impl Iterator<Item = f64> {
    let median = quantile(errors, 0.5).unwrap_or(0.0);
    errors.iter().map(move |e| e - median)
}

/// How soon the live machine spoke, and how often it took back what it had confirmed.
fn live(said: &Said, scores: &mut Scores<'_>) {
    let (mut provisional, mut confirmed, mut withdrawn) = (Vec::new(), Vec::new(), 0.0);
    for (told, event) in said.told.iter().zip(&said.events) {
        let MotionEvent::Rep(rep) = event else {
            continue;
        };
        match rep.stage {
            Stage::Provisional => provisional.push(told.seconds() - rep.turn.seconds()),
            Stage::Confirmed => confirmed.push(told.seconds() - rep.end.seconds()),
            Stage::Retracted => withdrawn += 1.0,
            Stage::Final => {}
        }
    }
    scores.add("live_turn_delay", quantile(&provisional, 0.5), None, "s");
    scores.add("live_end_delay", quantile(&confirmed, 0.5), None, "s");
    scores.add("live_withdrawn", Some(withdrawn), None, "{rep}");
}

fn span(rep: &Rep, begin_s: f64) -> Span {
    (rep.start.seconds() + begin_s, rep.end.seconds() + begin_s)
}

fn false_reps(said: &Said, begin_s: f64, scores: &mut Scores<'_>) {
    let idle = idle(said, begin_s, scores);
    let seconds: f64 = idle.iter().map(|(a, b)| b - a).sum();
    if seconds <= 0.0 {
        return;
    }
    let inside = |rep: &&Rep| {
        let turn = rep.turn.seconds() + begin_s;
        idle.iter().any(|(a, b)| (*a..*b).contains(&turn))
    };
    let finals = said.finals.iter().filter(inside).count();
    let live = said
        .events
        .iter()
        .filter_map(|e| match e {
            MotionEvent::Rep(r) if r.stage == Stage::Confirmed => Some(r),
            _ => None,
        })
        .filter(inside)
        .count();
    scores.add("idle_time", Some(seconds / 60.0), None, "min");
    scores.add("false_reps", Some(finals as f64), Some(0.0), "{rep}");
    scores.add("false_reps_live", Some(live as f64), Some(0.0), "{rep}");
}

/// Some sensor moved with a person: a test rig may repeat its movement all day.
fn worn(meta: &Meta) -> bool {
    let mut segments = meta.sensors.iter().filter_map(|s| s.segment.as_deref());
    segments.any(|s| !s.starts_with("seg"))
}

/// Stretches in which there is nothing to count.
fn idle(said: &Said, begin_s: f64, scores: &Scores<'_>) -> Vec<Span> {
    let meta = scores.meta;
    let (Some(first), Some(last)) = (
        said.samples.iter().map(|s| s.t).min(),
        said.samples.iter().map(|s| s.t).max(),
    ) else {
        return Vec::new();
    };
    let whole = (first.seconds() + begin_s, last.seconds() + begin_s);
    if worn(meta) && (!is_exercise(&meta.exercise) || meta.truth.rep_count == Some(0)) {
        return vec![whole];
    }
    if meta.truth.reps_complete == Some(false) || meta.truth.reps.is_empty() {
        return Vec::new();
    }
    let mut from = whole.0;
    let mut stretches = Vec::new();
    for rep in &meta.truth.reps {
        stretches.push((from, rep.start_s));
        from = rep.end_s;
    }
    stretches.push((from, whole.1));
    stretches.retain(|(a, b)| b - a >= IDLE_S);
    stretches
}
