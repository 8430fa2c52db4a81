//! The one-page report: sections A to F of the clinic's form and the footer, as one self-contained
//! HTML document without script or outside assets, laid out for one sheet of A4.
//!
//! Grey is the default colour; green appears only where every check is within.

use super::{
    data_quality,
    facts::{Breach, Chart, Head, SensorRow, SessionReport, SetRow, Status, WatchRow},
    plot, text,
    verdict::{Counts, RepVerdict},
    words,
};
use crate::model::{
    command::{SetRole, StopReason},
    finding::{CheckKind, Source, Verdict},
};
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

/// More pictures than this do not fit the sheet; the tables are always complete.
const CHARTS_SHOWN: usize = 3;
const THUMBNAILS_SHOWN: usize = 4;

/// Widths of the columns of section C, % of the sheet.
const SET_COLUMNS: [u32; 9] = [4, 12, 11, 12, 13, 15, 5, 5, 23];

const BOUNDARY: &str = "This software records movement and heart rate during supervised training and \
    compares them with numbers typed in by the client's therapist. It does not diagnose, predict injury, \
    clear anyone for activity or replace supervision. Measurements have errors and can be missing; 'not \
    judged' is not 'safe'. Not evaluated as a medical device. If the client has symptoms, stop, whatever \
    the screen shows.";

/// The report as one HTML document.
#[must_use]
pub fn html(report: &SessionReport) -> String {
    let r = report;
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Session " (r.head.session) " - " (r.head.client) }
                style { (PreEscaped(include_str!("report.css"))) }
            }
            body {
                (banners(r))
                (head(&r.head))
                (status(r))
                (done(r))
                (pictures(r))
                (outside(r))
                (watch(r))
                (by_eye_and_data(r))
                (sign())
                (foot(&r.head))
            }
        }
    };
    page.into_string()
}

fn banners(r: &SessionReport) -> Markup {
    markup! {
        @if let Some(words) = text::origin_banner(r.head.origin) {
            div.banner.origin { (words) }
        }
        @if r.head.plan.is_none() {
            div.banner.noplan { "NO PLAN - limits not checked" }
        }
        @if !r.head.closed {
            div.banner.noplan { "SESSION NOT CLOSED - this is a part of it" }
        }
        @if !r.status.symptoms.is_empty() {
            div.banner.symptom { "Symptoms reported: " (r.status.symptoms.join(", ").replace('_', " ")) }
        }
    }
}

fn head(h: &Head) -> Markup {
    markup! {
        header {
            div {
                h1 { "Movement under load: session report" }
                p { "Client " b { (h.client) } " · session " (h.session) " · " (h.started_at) " · " (words::duration(h.length_s)) }
            }
            div.right {
                @if let Some(p) = &h.plan {
                    p { "Plan " b { (p.label) } ", " (p.title) }
                    p.soft {
                        @match &p.signed_at {
                            Some(at) => { "signed by " (p.author) ", " (at) },
                            None => { "by " (p.author) ", not signed" },
                        }
                        " · valid to " (p.valid_until)
                    }
                } @else {
                    p.soft { "recorded without a plan" }
                }
            }
        }
    }
}

fn status(r: &SessionReport) -> Markup {
    let s = &r.status;
    let judged = s.counts.judged();
    markup! {
        div.status {
            (limits_tile(r))
            (pain_tile(s))
            (heart_tile(s))
            div.tile {
                span.label { "Data" }
                b { (judged) " of " (s.counts.total()) " reps judged" }
                span.soft {
                    @if s.counts.not_judged() > 0 { "not judged: " (s.counts.why_not_judged()) }
                    @else if s.counts.total() == 0 { "no working set" }
                    @else { "every working rep has a verdict" }
                }
            }
        }
    }
}

/// Green only if there was something to judge and all of it came out within.
fn tile_class(c: &Counts) -> &'static str {
    if c.outside > 0 {
        "outside"
    } else if c.unsure > 0 {
        "unsure"
    } else if c.total() > 0 && c.within == c.total() {
        "within"
    } else {
        "none"
    }
}

fn limits_tile(r: &SessionReport) -> Markup {
    let s = &r.status;
    let effort_outside = r.outside.iter().any(|b| b.reps.is_empty());
    let class = if s.stops > 0 || effort_outside {
        "outside"
    } else {
        tile_class(&s.counts)
    };
    markup! {
        div.tile.(class) {
            span.label { "Therapist's numbers" }
            @if r.head.plan.is_none() {
                b { "not checked" }
            } @else if s.stops > 0 {
                b { (s.stops) @if s.stops == 1 { " stop" } @else { " stops" } ", " (s.limit_reps) " reps outside a limit" }
            } @else if s.counts.outside > 0 {
                b { (s.counts.outside) " reps outside a number, no stop" }
            } @else if s.counts.judged() == 0 {
                b { "nothing judged" }
            } @else {
                b { "none outside among the reps judged" }
            }
            span { (s.counts.sentence()) }
        }
    }
}

fn pain_tile(s: &Status) -> Markup {
    let over = s
        .pain
        .zip(s.pain_stop_at)
        .is_some_and(|((_, worst), stop)| worst >= stop);
    let effort = s.rpe.zip(s.rpe_max).is_some_and(|((_, v), max)| v > max);
    let class = if over || effort { "outside" } else { "none" };
    markup! {
        div.tile.(class) {
            span.label { "Pain, effort" }
            b {
                @match s.pain {
                    Some((first, worst)) => { "pain " (first) @if worst != first { " → " (worst) } },
                    None => { "pain not asked" },
                }
            }
            span.soft {
                @if let Some(stop) = s.pain_stop_at { "stop at " (stop) " · " }
                @match s.rpe {
                    Some((scale, value)) => {
                        "RPE " (value) @if let Some(max) = s.rpe_max { " (at most " (max) ")" } " " (words::rpe_scale(scale))
                    },
                    None => { "RPE not asked" },
                }
            }
        }
    }
}

fn heart_tile(s: &Status) -> Markup {
    let over = s
        .heart_max
        .zip(s.heart_ceiling)
        .is_some_and(|(max, top)| max > top);
    markup! {
        div.tile.(if over { "outside" } else { "none" }) {
            span.label { "Heart rate" }
            b {
                @match s.heart_max {
                    Some(bpm) => { "up to " (words::quantity(Some(bpm), None, "/min")) },
                    None => { "no data" },
                }
            }
            span.soft {
                @match s.heart_ceiling {
                    Some(top) => { "ceiling " (words::number(top, "/min")) },
                    None => { "no ceiling" },
                }
            }
        }
    }
}

fn done(r: &SessionReport) -> Markup {
    markup! {
        h2 { "Done against planned" }
        @if r.sets.is_empty() { p.soft { "No set was recorded." } }
        @else {
            table.sets {
                colgroup {
                    @for width in SET_COLUMNS { col style=(format!("width:{width}%")); }
                }
                tr {
                    th { "Set" } th { "Exercise" } th { "Reps" } th { "Load" }
                    th { "Tempo, s " small { "down-hold-up-hold" } }
                    th { "Range of motion " small { "median ± [min to max]" } }
                    th { "RPE, pain" } th { "HR" } th { "Reps against the plan" }
                }
                @for set in &r.sets { (set_row(set)) }
            }
        }
    }
}

fn set_row(s: &SetRow) -> Markup {
    markup! {
        tr {
            td.num { (s.set) }
            td {
                (words::exercise(&s.exercise)) ", " (words::side(s.side))
                @match s.ended {
                    None => span.asked { "never ended: incomplete" },
                    Some(StopReason::Completed) => {},
                    Some(reason) => span.asked { (words::stop_reason(reason)) },
                }
            }
            td.num {
                (s.reps)
                @if s.partial > 0 { " (" (s.partial) " partial)" }
                @if let Some(asked) = &s.reps_planned { span.asked { "asked " (asked) } }
                @if s.ended.is_some() && s.reps_live != s.reps { span.asked { "live count " (s.reps_live) } }
            }
            td {
                @match s.load_kg { Some(kg) => span.num { (words::number(kg, "kg")) " kg" }, None => span.soft { "not entered" } }
                @if let Some(asked) = &s.load_planned { span.asked { "asked " (asked) } }
            }
            td.num {
                @match s.tempo { Some(t) => { (text::tempo(t)) }, None => span.soft { "no data" } }
                @if let Some(asked) = &s.tempo_planned { span.asked { "asked " (asked) } }
            }
            td { (range_cell(s)) }
            td.num {
                @match s.rpe { Some((_, v)) => { (v) }, None => "-" } " · "
                @match s.pain { Some(p) => { (p) }, None => "-" }
            }
            td.num { @match s.heart_max { Some(bpm) => { (words::number(bpm, "/min")) }, None => span.soft { "no data" } } }
            td { (verdict_cell(s)) }
        }
    }
}

fn range_cell(s: &SetRow) -> Markup {
    markup! {
        @match (s.metric, s.range) {
            (Some(metric), Some(range)) => {
                (words::metric(metric).therapist) " " (text::spread(&range, metric))
            },
            (Some(metric), None) => { (words::metric(metric).therapist) " " span.soft { "no data" } },
            (None, _) => span.soft { "no data" },
        }
        @if let Some(asked) = &s.range_planned { span.asked { (asked) } }
    }
}

fn verdict_cell(s: &SetRow) -> Markup {
    let why = s.counts.why_not_judged();
    markup! {
        @match &s.role {
            SetRole::WarmUp => span.mark.none { "warm-up, not judged" },
            SetRole::Baseline { accepted_by } => span.mark.none { "baseline, accepted by " (accepted_by) },
            SetRole::Working => {
                (strip(&s.rep_verdicts)) " "
                span.mark.(tile_class(&s.counts)) { (s.counts.sentence()) }
                @if !why.is_empty() { span.asked { "not judged: " (why) } }
            },
        }
    }
}

/// One small shape a repetition, in order.
fn strip(verdicts: &[RepVerdict]) -> Markup {
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

fn pictures(r: &SessionReport) -> Markup {
    let mut shown: Vec<&Chart> = r.charts.iter().collect();
    // Those with something outside first; otherwise in the order of the session.
    let is_outside = |p: &super::facts::ChartPoint| p.verdict == Some(Verdict::Outside);
    shown.sort_by_key(|c| !c.points.iter().any(is_outside));
    shown.truncate(CHARTS_SHOWN);
    markup! {
        h2 { "Every repetition against the therapist's number "
            small { "- dashed: the number, amber: guard band, bars: ± measurement error" } }
        div.charts {
            @for chart in &shown { (chart_figure(chart)) }
            (heart_figure(r))
        }
        p.legend {
            (strip(&[RepVerdict::Within])) " within  " (strip(&[RepVerdict::Unsure])) " unsure: past the number, inside the guard band  "
            (strip(&[RepVerdict::Outside])) " outside  " (strip(&[RepVerdict::Watch])) " watch item seen  "
            (strip(&[RepVerdict::NoData])) " no data  " (strip(&[RepVerdict::ByEye])) " check by eye  " (strip(&[RepVerdict::NotJudged])) " nothing to check"
            @if r.charts.len() > CHARTS_SHOWN { " · " (r.charts.len() - CHARTS_SHOWN) " more checks without a picture" }
        }
    }
}

fn chart_figure(c: &Chart) -> Markup {
    let term = words::metric(c.metric);
    let unit = c.metric.facts().unit;
    markup! {
        figure {
            figcaption {
                b { (c.exercise.replace('_', " ")) ": " (term.therapist) } " (" (term.trainer) ") "
                @if c.min.is_none() && c.max.is_none() { span.soft { "no number to compare with" } }
                @else { span.soft { (words::window(c.min, c.max, unit)) ", guard " (words::quantity(Some(c.guard), None, unit)) } }
            }
            (PreEscaped(plot::limit(c)))
        }
    }
}

fn heart_figure(r: &SessionReport) -> Markup {
    let known = r.heart.iter().any(|p| p.1.is_finite());
    markup! {
        @if known {
            figure {
                figcaption {
                    b { "heart rate over the session" } " (pulse, bpm) "
                    span.soft { @match r.status.heart_ceiling { Some(top) => { "ceiling " (words::number(top, "/min")) }, None => "no ceiling" } }
                }
                (PreEscaped(plot::heart(&r.heart, r.status.heart_ceiling)))
            }
        }
    }
}

fn outside(r: &SessionReport) -> Markup {
    let judged = r.status.counts.judged();
    let traced: Vec<&Breach> = r.outside.iter().filter(|b| !b.trace.is_empty()).collect();
    markup! {
        h2 { "Outside the therapist's numbers" }
        @if r.head.plan.is_none() { p.soft { "Not checked: no plan." } }
        @else if r.outside.is_empty() { p.soft { "None among the " (judged) " repetitions judged." } }
        @else {
            table {
                tr { th { "Where" } th { "What" } th { "Farthest value" } th { "Therapist's number" } th { "Reaction" } }
                @for b in &r.outside { (breach_row(b)) }
            }
            div.thumbs {
                @for b in traced.iter().take(THUMBNAILS_SHOWN) { (thumbnail(b)) }
            }
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
            td { (text::action(b.action)) }
        }
    }
}

fn thumbnail(b: &Breach) -> Markup {
    markup! {
        figure {
            figcaption { "set " (b.set) " rep " (b.worst_rep.unwrap_or_default()) ": " (words::metric(b.metric).therapist) }
            (PreEscaped(plot::thumbnail(b)))
        }
    }
}

fn watch(r: &SessionReport) -> Markup {
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

fn by_eye_and_data(r: &SessionReport) -> Markup {
    let remarks = data_quality::remarks(&r.quality);
    markup! {
        div.cols {
            div {
                h2 { "By eye, not measured" }
                @if r.by_eye.is_empty() && r.by_people.is_empty() { p.soft { "Nothing in the plan is left to the eye." } }
                ul {
                    @for (exercise, items) in &r.by_eye { li { (exercise.replace('_', " ")) ": " (items.join("; ")) } }
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

fn sign() -> Markup {
    markup! {
        div.sign {
            div { "Therapist: agree / disagree / unsure" }
            div { "Comment, change to the plan" }
            div { "Signature, date" }
        }
    }
}

fn foot(h: &Head) -> Markup {
    markup! {
        footer {
            p { (BOUNDARY) " Compare only with sessions of the same sensor set." }
            p.hash {
                "plimsoll " (h.software) " · library " (h.library_sha256)
                @if let Some(sha) = &h.plan_sha256 { " · plan " (sha) }
            }
        }
    }
}
