//! Watch items: how often seen, in how many repetitions looked for, against what.

use super::{facts::WatchRow, gather::Gathered};
use crate::model::finding::{Baseline, CheckKind, Finding, Source, Verdict};

pub(super) fn watch_rows(all: &Gathered) -> Vec<WatchRow> {
    let mut rows: Vec<WatchRow> = Vec::new();
    let in_set = |f: &Finding| all.sets.get(&f.set).map_or("", |s| s.exercise()).to_owned();
    let of_reps = all.sets.values().flat_map(|s| s.findings.iter());
    for f in of_reps.chain(all.others.iter()).copied() {
        if f.kind != CheckKind::Watch {
            continue;
        }
        let exercise = in_set(f);
        let same =
            |r: &WatchRow| r.code == f.code && r.exercise == exercise && r.metric == f.metric;
        let at = rows.iter().position(same).unwrap_or_else(|| {
            rows.push(new_watch(f, &exercise, &all.baselines));
            rows.len() - 1
        });
        if let Some(row) = rows.get_mut(at) {
            count_watch(row, f);
        }
    }
    rows
}

fn new_watch(f: &Finding, exercise: &str, baselines: &[&Baseline]) -> WatchRow {
    let own = baselines
        .iter()
        .rev()
        .filter(|b| b.exercise == exercise)
        .flat_map(|b| &b.rows)
        .find(|row| row.metric == f.metric && Some(row.centre) == f.usual);
    WatchRow {
        code: f.code.clone(),
        metric: f.metric,
        exercise: exercise.to_owned(),
        seen: 0,
        looked: 0,
        not_judged: 0,
        largest: None,
        min: f.min,
        max: f.max,
        baseline: own
            .filter(|_| f.source == Source::Baseline)
            .map(|b| (b.centre, b.spread)),
        source: f.source,
    }
}

fn count_watch(row: &mut WatchRow, f: &Finding) {
    match f.verdict {
        Verdict::NotAssessed | Verdict::Invalid => row.not_judged += 1,
        Verdict::Within => row.looked += 1,
        Verdict::Unsure | Verdict::Outside => {
            row.looked += 1;
            row.seen += 1;
        }
    }
    if let Some(v) = f.value
        && row.largest.is_none_or(|(old, _)| v.abs() > old.abs())
    {
        row.largest = Some((v, f.error));
    }
}
