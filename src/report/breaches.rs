//! What lies outside the therapist's numbers, and every stop: one row for each set and number.

use super::{
    facts::{Breach, RepTrace},
    gather::{Gathered, SetFacts},
};
use crate::model::finding::{Action, CheckKind, Finding, Verdict};

/// Also a required signal that was lost: not outside, and a stop all the same.
pub(super) fn is_stop(f: &Finding) -> bool {
    f.action == Action::Stop && f.verdict != Verdict::Within
}

/// How far past its number a value lies; `None` where there is no value.
fn excess(f: &Finding) -> Option<f64> {
    let v = f.value?;
    let over = f.max.map_or(f64::NEG_INFINITY, |hi| v - hi);
    let under = f.min.map_or(f64::NEG_INFINITY, |lo| lo - v);
    Some(over.max(under))
}

pub(super) fn breaches(all: &Gathered, traces: &[RepTrace]) -> Vec<Breach> {
    let of_reps = all.sets.values().flat_map(|s| s.findings.iter());
    let mut found: Vec<Breach> = Vec::new();
    let mut deepest: Vec<f64> = Vec::new();
    for f in of_reps.chain(all.others.iter()).copied() {
        let outside = f.verdict == Verdict::Outside && f.kind != CheckKind::Watch;
        if !outside && !is_stop(f) {
            continue;
        }
        let same = |b: &Breach| {
            (b.set, b.kind, b.metric) == (f.set, f.kind, f.metric)
                && b.code == f.code
                && (b.min, b.max) == (f.min, f.max)
        };
        let past = excess(f).unwrap_or(f64::NEG_INFINITY);
        let at = found.iter().position(same).unwrap_or_else(|| {
            found.push(new_breach(f, all));
            deepest.push(f64::NEG_INFINITY);
            found.len() - 1
        });
        let (Some(row), Some(so_far)) = (found.get_mut(at), deepest.get_mut(at)) else {
            continue;
        };
        row.reps.extend(f.rep.filter(|r| !row.reps.contains(r)));
        row.action = row.action.max(f.action);
        row.t_s = row.t_s.min(f.t.seconds());
        if past > *so_far {
            *so_far = past;
            (row.worst, row.error, row.worst_rep) = (f.value, f.error, f.rep);
            row.worst_finding = f.id;
        }
    }
    for row in &mut found {
        let here = |t: &&RepTrace| {
            t.set == row.set && Some(t.rep) == row.worst_rep && t.metric == row.metric
        };
        row.trace = traces
            .iter()
            .find(here)
            .map(|t| t.points.clone())
            .unwrap_or_default();
    }
    // Limits before targets, stops before the rest, then in the order of the session.
    found.sort_by_key(|b| (b.kind, std::cmp::Reverse(b.action), b.set));
    found
}

fn new_breach(f: &Finding, all: &Gathered) -> Breach {
    let set = all.sets.get(&f.set);
    Breach {
        t_s: f.t.seconds(),
        set: f.set,
        exercise: set.filter(|_| f.set > 0).map(|s| s.exercise().to_owned()),
        reps: Vec::new(),
        of: set.map_or(0, SetFacts::reps_done),
        code: f.code.clone(),
        kind: f.kind,
        metric: f.metric,
        worst: f.value,
        error: f.error,
        min: f.min,
        max: f.max,
        guard: f.guard,
        action: f.action,
        source: f.source,
        worst_rep: f.rep,
        worst_finding: f.id,
        trace: Vec::new(),
    }
}
