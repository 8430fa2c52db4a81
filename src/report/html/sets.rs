//! Section C: what was asked once for each exercise, one line a set, one small shape a repetition.

use super::{
    super::{
        effort,
        facts::{SessionReport, SetRow},
        text,
        verdict::RepVerdict,
        words,
    },
    tile_class,
};
use crate::model::command::{SetRole, StopReason};
use maud::{Markup, html as markup};

/// Widths of the columns, % of the sheet.
const SET_COLUMNS: [u32; 9] = [4, 6, 6, 12, 14, 4, 4, 6, 44];

pub(super) fn done(r: &SessionReport) -> Markup {
    let same = |a: &SetRow, b: &SetRow| {
        (&a.exercise, a.side, a.metric) == (&b.exercise, b.side, b.metric)
            && a.range_planned == b.range_planned
    };
    markup! {
        h2 { "Done against planned" }
        @if r.sets.is_empty() { p.soft { "No set was recorded." } }
        @else {
            table.sets {
                colgroup {
                    @for width in SET_COLUMNS { col style=(format!("width:{width}%")); }
                }
                tr {
                    th { "Set" } th { "Reps" } th { "Load" }
                    th { "Tempo, s " small { "down-hold-up-hold" } }
                    th { "Range of motion " small { "median ± [min to max]" } }
                    th { "RPE" } th { "Pain" } th { "HR " small { "fall in 60 s" } } th { "Reps against the plan" }
                }
                @for sets in r.sets.chunk_by(same) {
                    @if let Some(first) = sets.first() { (exercise_row(first)) }
                    @for set in sets { (set_row(set)) }
                }
            }
            @for line in effort::lines(r) { p.soft { (line) } }
        }
    }
}

/// What was asked, once for all sets of it.
fn exercise_row(s: &SetRow) -> Markup {
    let tempo = s.tempo_planned.as_ref().map(|t| format!("tempo {t}"));
    let metric = s.metric.map(|m| words::metric(m).therapist);
    let range = metric.zip(s.range_planned.as_ref());
    let range = range.map(|(metric, number)| format!("{metric} {number}"));
    let asked: Vec<&str> = [&s.reps_planned, &s.load_planned, &tempo, &range]
        .into_iter()
        .filter_map(|a| a.as_deref())
        .collect();
    markup! {
        tr.exercise {
            td colspan="9" {
                b { (words::exercise(&s.exercise)) ", " (words::side(s.side)) }
                @if let Some(metric) = metric { ": " (metric) }
                @if !asked.is_empty() { span.soft { " · asked " (asked.join(" · ")) } }
            }
        }
    }
}

fn set_row(s: &SetRow) -> Markup {
    markup! {
        tr {
            td.num { (s.set) }
            td {
                (s.reps)
                @if s.partial > 0 { " (" (s.partial) " partial)" }
                @if s.ended.is_some() && s.reps_live != s.reps { span.soft { " (live " (s.reps_live) ")" } }
            }
            td.num { @match s.load_kg { Some(kg) => { (words::number(kg, "kg")) " kg" }, None => span.soft { "not entered" } } }
            td.num {
                @match s.tempo { Some(t) => { (text::tempo(t)) }, None => span.soft { "no data" } }
                @if let Some(l) = &s.loss { span.asked { "slowed " (words::quantity(Some(l.percent), Some(l.error_percent), "%")) } }
            }
            td.num {
                @match s.metric.zip(s.range) { Some((metric, range)) => { (text::spread(&range, metric)) }, None => span.soft { "no data" } }
            }
            td.num { @match s.rpe { Some((_, v)) => { (v) }, None => span.soft { "-" } } }
            td.num { @match s.pain { Some(p) => { (p) }, None => span.soft { "-" } } }
            td.num {
                @match s.heart_max { Some(bpm) => { (words::number(bpm, "/min")) }, None => span.soft { "no data" } }
                @if let Some(fall) = s.heart_fall { span.soft { " " (effort::change(-fall)) } }
            }
            td { (verdict_cell(s)) }
        }
    }
}

fn verdict_cell(s: &SetRow) -> Markup {
    markup! {
        @match &s.role {
            SetRole::WarmUp => span.mark.none { "warm-up, not judged" },
            SetRole::Baseline { accepted_by } => @match s.baseline_refused {
                Some((reps, needed)) => span.mark.none { "no baseline: " (reps) " valid reps of " (needed) },
                None => span.mark.none { "baseline, accepted by " (accepted_by) },
            },
            SetRole::Working => {
                (strip(&s.rep_verdicts)) " "
                span.mark.(tile_class(&s.counts)) { (s.counts.brief()) }
            },
        }
        @match s.ended {
            None => span.soft { " never ended: incomplete" },
            Some(StopReason::Completed) => {},
            Some(reason) => span.soft { " " (words::stop_reason(reason)) },
        }
    }
}

/// One small shape a repetition, in order.
pub(super) fn strip(verdicts: &[RepVerdict]) -> Markup {
    markup! {
        span.strip {
            @for v in verdicts { i.(shape(*v)) title=(v.word()) {} }
        }
    }
}

const fn shape(v: RepVerdict) -> &'static str {
    match v {
        RepVerdict::Within => "within",
        RepVerdict::Watch => "watch",
        RepVerdict::Unsure => "unsure",
        RepVerdict::Outside => "outside",
        RepVerdict::ByEye => "by_eye",
        RepVerdict::NoData => "no_data",
        RepVerdict::NotJudged => "none",
    }
}
