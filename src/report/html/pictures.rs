//! The charts under section C with their captions and legend, and the thumbnails of section D.

use super::{
    super::{
        facts::{Breach, Chart, ChartPoint, SessionReport},
        plot,
        verdict::RepVerdict,
        words,
    },
    is_long,
    sets::strip,
};
use crate::model::finding::Verdict;
use maud::{Markup, PreEscaped, html as markup};

/// How much of the sheet pictures may take; the tables are always complete.
struct Room {
    charts: usize,
    height: u32,
    thumbnails: usize,
}

const fn room(long: bool) -> Room {
    if long {
        Room {
            charts: 5,
            height: 125,
            thumbnails: 6,
        }
    } else {
        Room {
            charts: 3,
            height: 150,
            thumbnails: 4,
        }
    }
}

pub(super) fn pictures(r: &SessionReport) -> Markup {
    let mut shown: Vec<&Chart> = r.charts.iter().collect();
    // Those with something outside first; otherwise in the order of the session.
    let is_outside = |p: &ChartPoint| p.verdict == Some(Verdict::Outside);
    shown.sort_by_key(|c| !c.points.iter().any(is_outside));
    let room = room(is_long(r));
    shown.truncate(room.charts);
    markup! {
        h2 { "Every repetition against the therapist's number "
            small { "- dashed: the number, amber: guard band, bars: ± measurement error" } }
        div.charts {
            @for chart in &shown { (chart_figure(chart, room.height)) }
            (heart_figure(r, room.height))
        }
        p.legend {
            (strip(&[RepVerdict::Within])) " within  " (strip(&[RepVerdict::Unsure])) " unsure: past the number, inside the guard band  "
            (strip(&[RepVerdict::Outside])) " outside  " (strip(&[RepVerdict::Watch])) " watch item seen  "
            (strip(&[RepVerdict::NoData])) " no data  " (strip(&[RepVerdict::ByEye])) " check by eye  " (strip(&[RepVerdict::NotJudged])) " nothing to check"
            @if r.charts.len() > room.charts { " · " (r.charts.len() - room.charts) " more checks without a picture" }
        }
    }
}

fn chart_figure(c: &Chart, height: u32) -> Markup {
    let term = words::metric(c.metric);
    let unit = c.metric.facts().unit;
    markup! {
        figure {
            figcaption {
                b { (c.exercise.replace('_', " ")) ": " (term.therapist) } " (" (term.trainer) ") "
                @if c.min.is_none() && c.max.is_none() { span.soft { "no number to compare with" } }
                @else { span.soft { (words::window(c.min, c.max, unit)) } }
            }
            (PreEscaped(plot::limit(c, height)))
        }
    }
}

fn heart_figure(r: &SessionReport, height: u32) -> Markup {
    let known = r.heart.iter().any(|p| p.1.is_finite());
    markup! {
        @if known {
            figure {
                figcaption {
                    b { "heart rate" } " (pulse, bpm) "
                    span.soft { @match r.status.heart_ceiling { Some(top) => { "ceiling " (words::number(top, "/min")) }, None => "no ceiling" } }
                }
                (PreEscaped(plot::heart(&r.heart, r.status.heart_ceiling, height)))
            }
        }
    }
}

/// The farthest repetition of each row outside, as far as there is room.
pub(super) fn thumbnails(r: &SessionReport) -> Markup {
    let traced = r.outside.iter().filter(|b| !b.trace.is_empty());
    markup! {
        div.thumbs {
            @for b in traced.take(room(is_long(r)).thumbnails) { (thumbnail(b)) }
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
