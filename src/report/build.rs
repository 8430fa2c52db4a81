//! Events of a session to the facts of its report.

use super::{
    breaches::{breaches, is_stop},
    charts, data_quality,
    facts::{Head, PlanHead, RepTrace, SessionReport, Status},
    gather::{Gathered, SetFacts, Typed},
    set_rows::set_row,
    verdict::Counts,
    watch_rows::watch_rows,
};
use crate::model::{
    event::Numbered,
    finding::{CheckKind, Verdict},
    metric::Metric,
    plan::{CheckedBy, Plan},
    session::SessionHeader,
};
use std::collections::BTreeSet;

impl SessionReport {
    /// The report of a session from its events in order. Without a plan nothing is judged.
    #[must_use]
    pub fn build(
        header: &SessionHeader,
        plan: Option<&Plan>,
        events: &[Numbered],
        traces: &[RepTrace],
    ) -> SessionReport {
        let mut all = Gathered::from_events(events);
        if let Some(whole) = traces
            .iter()
            .find(|t| t.metric == Metric::HeartRate && t.set == 0 && t.rep == 0)
        {
            all.heart.clone_from(&whole.points);
        }
        // Entries before the first set make a set 0 that was never trained.
        let rows = all
            .sets
            .iter()
            .filter(|(n, s)| **n > 0 || !s.reps.is_empty());
        SessionReport {
            head: head(header, plan, &all),
            status: status(&all, plan),
            sets: rows.map(|(n, s)| set_row(*n, s, plan)).collect(),
            charts: charts::of(&all, plan.is_some()),
            outside: breaches(&all, traces),
            watch: watch_rows(&all),
            contrasts: all.contrasts.iter().copied().cloned().collect(),
            by_people: by_people(plan, &all.by_eye),
            quality: data_quality::of(header, events, &all),
            heart_of_session: all.session_heart.copied(),
            heart: std::mem::take(&mut all.heart),
            by_eye: std::mem::take(&mut all.by_eye),
        }
    }
}

fn head(header: &SessionHeader, plan: Option<&Plan>, all: &Gathered) -> Head {
    Head {
        session: header.session.0.clone(),
        client: header.client.clone(),
        origin: header.origin,
        started_at: header.started_at.clone(),
        length_s: all.end_s,
        closed: all.closed,
        plan: plan.map(|p| PlanHead {
            label: format!("{} v{}", p.plan_id, p.version),
            author: p.author.clone(),
            signed_at: p.signed_at.clone(),
            valid_until: p.valid_until.clone(),
            title: p.title.clone(),
        }),
        plan_sha256: header.plan_sha256.clone(),
        software: header.software.clone(),
        library_sha256: header.library_sha256.clone(),
    }
}

fn status(all: &Gathered, plan: Option<&Plan>) -> Status {
    let mut counts = Counts::default();
    let mut limit_reps = BTreeSet::new();
    let mut stops: BTreeSet<(u32, Option<u32>, Option<u64>)> = BTreeSet::new();
    for set in all.sets.values().filter(|s| s.is_working()) {
        counts.merge(&set.counts());
    }
    let of_reps = all.sets.values().flat_map(|s| s.findings.iter());
    for f in of_reps.chain(all.others.iter()) {
        if f.verdict == Verdict::Outside && f.kind == CheckKind::Limit && f.rep.is_some() {
            limit_reps.insert((f.set, f.rep));
        }
        if is_stop(f) {
            // Several numbers passed in one repetition are one stop.
            stops.insert((f.set, f.rep, f.rep.is_none().then_some(f.id)));
        }
    }
    let typed: Vec<&Typed> = all.sets.values().flat_map(|s| s.typed.iter()).collect();
    let pains: Vec<u8> = typed.iter().filter_map(|t| t.pain).collect();
    let maxima = all.sets.values().filter_map(|s| s.summary?.heart.max_bpm);
    let unentered = |s: &&SetFacts| s.is_working() && s.started.is_some() && s.typed.is_empty();
    Status {
        counts,
        limit_reps: u32::try_from(limit_reps.len()).unwrap_or(u32::MAX),
        stops: u32::try_from(stops.len()).unwrap_or(u32::MAX),
        pain: pains.first().copied().zip(pains.iter().max().copied()),
        pain_stop_at: plan.map(|p| p.pain.stop_at),
        rpe: typed
            .iter()
            .filter_map(|t| t.rpe)
            .max_by(|a, b| a.1.total_cmp(&b.1)),
        rpe_max: plan.map(|p| p.effort.rpe_max),
        heart_max: maxima.reduce(f64::max),
        heart_ceiling: plan.and_then(|p| p.effort.hr_ceiling_bpm),
        symptoms: typed.iter().flat_map(|t| t.symptoms.clone()).collect(),
        sets_without_entry: all.sets.values().filter(unentered).count() as u32,
    }
}

/// Restrictions that a person checks, unless the list by eye has their words already.
fn by_people(plan: Option<&Plan>, by_eye: &[(String, Vec<String>)]) -> Vec<(String, &'static str)> {
    let who = |c: CheckedBy| match c {
        CheckedBy::Trainer => Some("trainer"),
        CheckedBy::Therapist => Some("therapist"),
        CheckedBy::Entry => Some("entry"),
        CheckedBy::Sensor => None,
    };
    let said = |text: &str| by_eye.iter().any(|(item, _)| item.starts_with(text));
    plan.map_or(&[][..], |p| &p.avoid)
        .iter()
        .filter(|a| !said(&a.trainer_text))
        .filter_map(|a| Some((a.trainer_text.clone(), who(a.check)?)))
        .collect()
}
