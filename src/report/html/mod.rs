//! The one-page report: sections A to F of the clinic's form and the footer, as one self-contained
//! HTML document without script or outside assets, laid out for one sheet of A4.
//!
//! Grey is the default colour; green appears only where every check is within.

mod contrast;
mod findings;
mod pictures;
mod sets;

use super::{
    data_quality, effort,
    facts::{Head, SessionReport, Status},
    text,
    verdict::Counts,
    words,
};
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

/// A session with more lines and charts than this is laid out closer, to stay on one sheet.
const LINES_OF_A_SHORT_SESSION: usize = 12;

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
                style { (PreEscaped(include_str!("../report.css"))) }
            }
            body.long[is_long(r)] {
                (banners(r))
                (head(&r.head))
                (status(r))
                (sets::done(r))
                (pictures::pictures(r))
                (findings::outside(r))
                (findings::watch(r))
                (contrast::only_under_load(r))
                (findings::by_eye_and_data(r))
                (sign())
                (foot(&r.head))
            }
        }
    };
    page.into_string()
}

fn is_long(r: &SessionReport) -> bool {
    let contrasts = r.contrasts.iter().flat_map(|c| &c.rows);
    let lists = r.sets.len()
        + r.outside.len()
        + r.watch.len()
        + r.by_eye.len()
        + r.by_people.len()
        + contrasts.filter(|row| row.appears).count();
    let lines = effort::lines(r).len() + data_quality::remarks(&r.quality).len();
    lists + r.charts.len() + lines > LINES_OF_A_SHORT_SESSION
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
                span.label { "Reps judged" }
                b { (judged) " of " (s.counts.total()) }
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

fn plural(n: u32, one: &str) -> String {
    if n == 1 {
        one.to_owned()
    } else {
        format!("{one}s")
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
                b { (s.stops) (plural(s.stops, " stop")) ", " (s.limit_reps) (plural(s.limit_reps, " rep")) " outside a limit" }
            } @else if s.counts.outside > 0 {
                b { (s.counts.outside) (plural(s.counts.outside, " rep")) " outside a number, no stop" }
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
            span.label { "Top heart rate" }
            b {
                @match s.heart_max {
                    Some(bpm) => { (words::quantity(Some(bpm), None, "/min")) },
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
