//! The session in a terminal: the same facts as the page, one line a set, nothing but text.

use super::{
    effort,
    facts::{Breach, SessionReport, SetRow, Spread},
    words,
};
use crate::model::{
    command::SetRole,
    finding::{Action, CheckKind, LoadContrast},
    metric::Metric,
    session::Origin,
};
use std::fmt::{self, Write};

/// Sets, repetitions, verdict counts, what lies outside the therapist's numbers, what is by eye.
#[must_use]
pub fn text_summary(report: &SessionReport) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_summary(&mut out, report);
    out
}

fn write_summary(out: &mut String, r: &SessionReport) -> fmt::Result {
    write_head(out, r)?;
    writeln!(out, "\nSets")?;
    if r.sets.is_empty() {
        writeln!(out, "  none")?;
    }
    for set in &r.sets {
        write_set(out, set)?;
    }
    write_effort(out, r)?;
    write_outside(out, r)?;
    write_watch(out, r)?;
    write_contrasts(out, r)?;
    write_by_eye(out, r)?;
    write_data(out, r)
}

/// How an origin is announced; `None` for real sensors.
#[must_use]
pub(super) fn origin_banner(origin: Origin) -> Option<&'static str> {
    match origin {
        Origin::Sensors => None,
        Origin::Simulated => Some("SIMULATED DATA - not a person"),
        Origin::Imported => Some("IMPORTED RECORDING - not recorded by this system"),
    }
}

fn write_head(out: &mut String, r: &SessionReport) -> fmt::Result {
    let h = &r.head;
    let length = words::duration(h.length_s);
    writeln!(
        out,
        "Session {}, client {}, {}, {length}",
        h.session, h.client, h.started_at
    )?;
    if let Some(banner) = origin_banner(h.origin) {
        writeln!(out, "*** {banner} ***")?;
    }
    if !h.closed {
        writeln!(out, "*** SESSION NOT CLOSED - this is a part of it ***")?;
    }
    match &h.plan {
        Some(p) => {
            let signed = p.signed_at.as_deref().unwrap_or("not signed");
            writeln!(out, "Plan {} by {} (signed {signed})", p.label, p.author)?;
        }
        None => writeln!(out, "*** NO PLAN - limits not checked ***")?,
    }
    let s = &r.status;
    if s.counts.total() > 0 {
        writeln!(out, "Repetitions: {}", s.counts.sentence())?;
    }
    if s.stops > 0 {
        writeln!(out, "Stops: {}", s.stops)?;
    }
    if !s.symptoms.is_empty() {
        writeln!(out, "Symptoms reported: {}", s.symptoms.join(", "))?;
    }
    Ok(())
}

fn write_set(out: &mut String, set: &SetRow) -> fmt::Result {
    let side = words::side(set.side);
    write!(
        out,
        "  {}  {}, {side}",
        set.set,
        words::exercise(&set.exercise)
    )?;
    if let Some(kg) = set.load_kg {
        write!(out, ", {} kg", words::number(kg, "kg"))?;
    }
    write!(out, ": {} reps", set.reps)?;
    if let Some(asked) = &set.reps_planned {
        write!(out, " (asked {asked})")?;
    }
    match &set.role {
        SetRole::Working => write!(out, "; {}", set.counts.sentence())?,
        SetRole::WarmUp => write!(out, "; warm-up, not judged")?,
        SetRole::Baseline { accepted_by } => match set.baseline_refused {
            Some((reps, needed)) => write!(
                out,
                "; no baseline: {reps} valid repetitions, {needed} are needed"
            )?,
            None => write!(out, "; baseline accepted by {accepted_by}")?,
        },
    }
    let why = set.counts.why_not_judged();
    if matches!(set.role, SetRole::Working) && !why.is_empty() {
        write!(out, " ({why})")?;
    }
    writeln!(out)?;
    if set.ended.is_none() {
        writeln!(out, "     the set never ended: incomplete")?;
    }
    write_measured(out, set)
}

fn write_measured(out: &mut String, set: &SetRow) -> fmt::Result {
    let mut parts = Vec::new();
    if let (Some(metric), Some(range)) = (set.metric, set.range) {
        parts.push(format!(
            "{} {}",
            words::metric(metric).therapist,
            spread(&range, metric)
        ));
    }
    if let Some(t) = set.tempo {
        let asked = set.tempo_planned.as_ref().map(|t| format!(" (asked {t})"));
        parts.push(format!("tempo {}{}", tempo(t), asked.unwrap_or_default()));
    }
    if let Some(loss) = &set.loss {
        parts.push(format!("slowed {}", effort::loss(loss)));
    }
    if let Some(bpm) = set.heart_max {
        let fall = set
            .heart_fall
            .map(|f| format!(", {} in the minute after", effort::change(-f)));
        parts.push(format!(
            "heart rate up to {}{}",
            words::quantity(Some(bpm), None, "/min"),
            fall.unwrap_or_default()
        ));
    }
    if let Some((scale, value)) = set.rpe {
        parts.push(format!("RPE {value} ({})", words::rpe_scale(scale)));
    }
    if let Some(pain) = set.pain {
        parts.push(format!("pain {pain}"));
    }
    if parts.is_empty() {
        return Ok(());
    }
    writeln!(out, "     {}", parts.join("; "))
}

/// `71 ± 4° [65 to 78]`: median, error of one value, smallest and largest.
pub(super) fn spread(s: &Spread, metric: Metric) -> String {
    let unit = metric.facts().unit;
    let ends = (words::number(s.min, unit), words::number(s.max, unit));
    format!(
        "{} [{} to {}]",
        words::quantity(Some(s.median), s.error, unit),
        ends.0,
        ends.1
    )
}

/// `3.1-0.9-2.0-0.2`; `*` where there is none.
pub(super) fn tempo(t: [Option<f64>; 4]) -> String {
    t.map(|s| s.map_or_else(|| "*".to_owned(), |s| format!("{s:.1}")))
        .join("-")
}

/// `4, 9` or `whole set`.
pub(super) fn reps(b: &Breach) -> String {
    if b.reps.is_empty() {
        return if b.set == 0 {
            "between sets".to_owned()
        } else {
            "whole set".to_owned()
        };
    }
    let numbers: Vec<String> = b.reps.iter().map(u32::to_string).collect();
    format!("rep {} of {}", numbers.join(", "), b.of)
}

/// What was done about it.
pub(super) const fn action(action: Action) -> &'static str {
    match action {
        Action::Stop => "stop",
        Action::Cue => "cue",
        Action::Record => "recorded",
    }
}

fn write_effort(out: &mut String, r: &SessionReport) -> fmt::Result {
    let lines = effort::lines(r);
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nEffort")?;
    for line in lines {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

fn write_outside(out: &mut String, r: &SessionReport) -> fmt::Result {
    writeln!(out, "\nOutside the therapist's numbers")?;
    if r.head.plan.is_none() {
        return writeln!(out, "  not checked: no plan");
    }
    if r.outside.is_empty() {
        return writeln!(
            out,
            "  none among the {} repetitions judged",
            r.status.counts.judged()
        );
    }
    for b in &r.outside {
        let unit = b.metric.facts().unit;
        let value = words::quantity(b.worst, b.error, unit);
        let number = words::window(b.min, b.max, unit);
        let subject = words::subject(b.kind, &b.code, b.metric);
        write!(out, "  set {}, {}: {subject} {value}, ", b.set, reps(b))?;
        writeln!(
            out,
            "{} {number}; {} (finding {})",
            words::kind(b.kind, &b.code),
            action(b.action),
            b.worst_finding
        )?;
    }
    Ok(())
}

fn write_watch(out: &mut String, r: &SessionReport) -> fmt::Result {
    if r.watch.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nWatch items")?;
    for w in &r.watch {
        let all = w.looked + w.not_judged;
        let subject = words::subject(CheckKind::Watch, &w.code, w.metric);
        write!(out, "  {subject}, {}: ", words::exercise(&w.exercise))?;
        writeln!(out, "{} seen, {} not judged of {all}", w.seen, w.not_judged)?;
    }
    Ok(())
}

fn write_contrasts(out: &mut String, r: &SessionReport) -> fmt::Result {
    if r.contrasts.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nOnly under load")?;
    for c in &r.contrasts {
        let mut rows = c.rows.iter().filter(|row| row.appears).peekable();
        if rows.peek().is_none() {
            writeln!(
                out,
                "  {}: nothing of {} metrics",
                contrast_of(c),
                c.rows.len()
            )?;
        }
        for row in rows {
            let unit = row.metric.facts().unit;
            let quantity = |v: f64| words::quantity(Some(v), None, unit);
            writeln!(
                out,
                "  {}: {} {} instead of {}, apart in {} of {}",
                contrast_of(c),
                words::metric(row.metric).therapist,
                quantity(row.loaded),
                quantity(row.lighter),
                row.departing,
                row.reps
            )?;
        }
    }
    Ok(())
}

/// Which sets are compared.
pub(super) fn contrast_of(c: &LoadContrast) -> String {
    let kg = |kg: f64| words::quantity(Some(kg), None, "kg");
    format!(
        "set {}, {}, {} against {}",
        c.set,
        words::exercise(&c.exercise),
        kg(c.load_kg),
        c.lighter_kg.map_or_else(|| "no load".to_owned(), kg)
    )
}

fn write_by_eye(out: &mut String, r: &SessionReport) -> fmt::Result {
    if r.by_eye.is_empty() && r.by_people.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nBy eye")?;
    for (item, which) in &r.by_eye {
        writeln!(out, "  {item} - {}", exercises(which, r))?;
    }
    for (what, who) in &r.by_people {
        writeln!(out, "  {what} ({who})")?;
    }
    Ok(())
}

/// Names of exercises; "every exercise" where there are several and all are meant.
pub(super) fn exercises(which: &[String], r: &SessionReport) -> String {
    let all = r.sets.iter().all(|s| which.contains(&s.exercise));
    if all && which.len() > 1 {
        return "every exercise".to_owned();
    }
    let names: Vec<String> = which.iter().map(|e| e.replace('_', " ")).collect();
    names.join(", ")
}

fn write_data(out: &mut String, r: &SessionReport) -> fmt::Result {
    let remarks = super::data_quality::remarks(&r.quality);
    if remarks.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nData")?;
    for remark in remarks {
        writeln!(out, "  {remark}")?;
    }
    Ok(())
}
