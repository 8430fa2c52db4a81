//! Sections D to F: outside the therapist's numbers, watch items, by eye, state of the data.

use super::{
    super::{
        data_quality,
        facts::{Breach, SensorRow, SessionReport, WatchRow},
        text, words,
    },
    pictures::thumbnails,
};
use crate::model::finding::{CheckKind, Source};
use maud::{Markup, html as markup};

pub(super) fn outside(r: &SessionReport) -> Markup {
    let judged = r.status.counts.judged();
    markup! {
        h2 { "Outside the therapist's numbers" }
        @if r.head.plan.is_none() { p.soft { "Not checked: no plan." } }
        @else if r.outside.is_empty() { p.soft { "None among the " (judged) " repetitions judged." } }
        @else {
            table {
                tr { th { "Where" } th { "What" } th { "Farthest value" } th { "Therapist's number" } th { "Reaction" } }
                @for b in &r.outside { (breach_row(b)) }
            }
            (thumbnails(r))
        }
    }
}

fn breach_row(b: &Breach) -> Markup {
    let unit = b.metric.facts().unit;
    let exercise = b.exercise.as_deref().map(|e| e.replace('_', " "));
    markup! {
        tr {
            td { @if let Some(e) = exercise { (e) ", " } @if b.set > 0 { "set " (b.set) ", " } (text::reps(b)) }
            td { (words::subject(b.kind, &b.code, b.metric)) }
            td.num { span.mark.outside { (words::quantity(b.worst, b.error, unit)) } @if let Some(rep) = b.worst_rep { span.soft { " rep " (rep) } } }
            td.num { (words::kind(b.kind, &b.code)) " " (words::window(b.min, b.max, unit)) @if b.guard > 0.0 { span.soft { ", guard " (words::quantity(Some(b.guard), None, unit)) } } }
            td { (text::action(b.action)) span.soft { " finding " (b.worst_finding) } }
        }
    }
}

pub(super) fn watch(r: &SessionReport) -> Markup {
    markup! {
        @if !r.watch.is_empty() {
            h2 { "Movement under load: watch items" }
            table {
                tr { th { "What was seen" } th { "Exercise" } th { "Reps" } th { "Largest" } th { "Compared with" } }
                @for w in &r.watch { (watch_row(w)) }
            }
        }
    }
}

fn watch_row(w: &WatchRow) -> Markup {
    let unit = w.metric.facts().unit;
    markup! {
        tr {
            td { (words::subject(CheckKind::Watch, &w.code, w.metric)) }
            td { (w.exercise.replace('_', " ")) }
            td.num {
                @if w.looked == 0 { span.soft { "not judged, " (w.not_judged) " of " (w.not_judged) } }
                @else {
                    (w.seen) " of " (w.looked)
                    @if w.not_judged > 0 { span.soft { ", " (w.not_judged) " not judged" } }
                }
            }
            td.num { @match w.largest { Some((v, e)) => { (words::quantity(Some(v), e, unit)) }, None => span.soft { "no data" } } }
            td {
                @match w.baseline {
                    Some((centre, spread)) => { "own baseline " (words::quantity(Some(centre), Some(spread), unit)) },
                    None => { (source(w.source)) " " (words::window(w.min, w.max, unit)) },
                }
            }
        }
    }
}

const fn source(s: Source) -> &'static str {
    match s {
        Source::Plan => "plan:",
        Source::Baseline => "own baseline:",
        Source::Default => "default:",
    }
}

pub(super) fn by_eye_and_data(r: &SessionReport) -> Markup {
    let remarks = data_quality::remarks(&r.quality);
    markup! {
        div.cols {
            div {
                h2 { "By eye, not measured" }
                @if r.by_eye.is_empty() && r.by_people.is_empty() { p.soft { "Nothing in the plan is left to the eye." } }
                ul {
                    @for (item, exercises) in &r.by_eye { li { (item) span.soft { " - " (text::exercises(exercises, r)) } } }
                    @for (what, who) in &r.by_people { li { (what) " " span.soft { "(" (who) ")" } } }
                }
            }
            div {
                h2 { "Data" }
                p { @for (i, s) in r.quality.sensors.iter().enumerate() { @if i > 0 { " · " } (sensor(s)) } }
                @if remarks.is_empty() { p.soft { "No loss, no refused calibration." } }
                ul { @for remark in &remarks { li { (remark) } } }
                @if r.status.sets_without_entry > 0 {
                    p.soft { "Nothing was entered after " (r.status.sets_without_entry) " of the sets." }
                }
            }
        }
    }
}

fn sensor(s: &SensorRow) -> Markup {
    markup! {
        span.num { (s.segment) } " " span.soft {
            (s.name) ", placed by " (s.confirmed_by)
            @match s.calibrated { Some(true) => ", calibrated", Some(false) => ", not calibrated", None => "" }
        }
    }
}
