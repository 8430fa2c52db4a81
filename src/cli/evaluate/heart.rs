//! Intervals between beats against an electrocardiogram, and how far known artefacts move the variability. ms, %.

use super::{
    recording::{Said, Scores, table},
    score::quantile,
};
use crate::{
    model::sample::{Quality, StreamKind},
    motion::heart::{
        beats::{classify, usable},
        variability::{Interval, variability},
    },
};
use anyhow::Result;
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// A reference beat further away belongs to another beat, s.
const SAME_BEAT_S: f64 = 0.25;
/// Beats of one trial, and early beats put into it: the published comparison.
const TRIAL: usize = 420;
const EARLY: usize = 15;
/// How early, share of the interval.
const EARLY_SHARE: std::ops::Range<f64> = 0.2..0.35;
/// Fewest beats between two early ones.
const APART: usize = 6;

/// Figures of a strap's intervals, if the recording has any.
pub(super) fn score(dir: &Path, said: &Said, begin_s: f64, scores: &mut Scores<'_>) -> Result<()> {
    let strap = intervals(said, begin_s);
    if strap.is_empty() {
        return Ok(());
    }
    scores.add("rr_excluded", Some(excluded_percent(&strap)), None, "%");
    if let Some(table) = table(&dir.join("truth_rr.csv"))? {
        let columns = table.columns("truth_rr.csv", &["t_s", "rr_ms"])?;
        let reference: Vec<Interval> = columns[0]
            .iter()
            .zip(columns[1])
            .map(|(t, ms)| Interval { end_s: *t, ms: *ms })
            .collect();
        against(&strap, &reference, scores);
    }
    artefacts(&strap, scores);
    Ok(())
}

/// What the strap's stream says, on the recording's clock.
fn intervals(said: &Said, begin_s: f64) -> Vec<Interval> {
    let bad = Quality::NO_CONTACT.with(Quality::NOT_FINITE);
    said.samples
        .iter()
        .filter(|s| s.stream.kind == StreamKind::Rr && !s.quality.has(bad))
        .map(|s| Interval {
            end_s: s.t.seconds() + begin_s,
            ms: s.values[0].into(),
        })
        .collect()
}

fn excluded_percent(intervals: &[Interval]) -> f64 {
    let rr: Vec<f64> = intervals.iter().map(|i| i.ms).collect();
    let usable = usable(&classify(&rr, &[]));
    100.0 * usable.iter().filter(|u| !**u).count() as f64 / rr.len().max(1) as f64
}

fn against(strap: &[Interval], reference: &[Interval], scores: &mut Scores<'_>) {
    let errors: Vec<f64> = strap
        .iter()
        .filter_map(|beat| {
            let away = |r: &Interval| (r.end_s - beat.end_s).abs();
            let same = reference
                .iter()
                .min_by(|a, b| away(a).total_cmp(&away(b)))?;
            (away(same) <= SAME_BEAT_S).then_some((same.ms - beat.ms).abs())
        })
        .collect();
    scores.add("rr_error", quantile(&errors, 0.5), None, "ms");
    let of = |beats: &[Interval]| variability(beats).rmssd_ms.value();
    let error = of(strap).zip(of(reference));
    let error = error.map(|(s, r)| 100.0 * (s / r - 1.0).abs());
    scores.add("rmssd_error", error, None, "%");
}

/// Early beats put into stretches of the recording whose own beats are good: where the variability goes, which of
/// them were excluded, and in how many stretches a figure was given at all.
fn artefacts(strap: &[Interval], scores: &mut Scores<'_>) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut errors, mut found, mut given, mut trials) = (Vec::new(), 0, 0, 0);
    for stretch in strap.chunks_exact(TRIAL) {
        let before = variability(stretch);
        let Some(clean) = before.rmssd_ms.value().filter(|_| before.excluded < 0.03) else {
            continue;
        };
        let (spoiled, places) = spoil(stretch, &mut rng);
        let rr: Vec<f64> = spoiled.iter().map(|i| i.ms).collect();
        let usable = usable(&classify(&rr, &[]));
        found += places.iter().filter(|p| !usable[**p]).count();
        trials += 1;
        if let Some(rmssd) = variability(&spoiled).rmssd_ms.value() {
            given += 1;
            errors.push(100.0 * (rmssd / clean - 1.0).abs());
        }
    }
    if trials == 0 {
        return;
    }
    let share = |n: usize, of: usize| Some(100.0 * n as f64 / of as f64);
    scores.add("rmssd_ectopic_error", quantile(&errors, 0.5), None, "%");
    scores.add("rmssd_ectopic_worst", quantile(&errors, 1.0), None, "%");
    scores.add("ectopic_excluded", share(found, trials * EARLY), None, "%");
    scores.add("rmssd_given", share(given, trials), None, "%");
}

/// The stretch with early beats, and which intervals end early.
fn spoil(stretch: &[Interval], rng: &mut ChaCha8Rng) -> (Vec<Interval>, Vec<usize>) {
    let mut places: Vec<usize> = (APART..stretch.len() - APART).step_by(APART).collect();
    places.shuffle(rng);
    places.truncate(EARLY);
    let mut spoiled = stretch.to_vec();
    for i in &places {
        let early_ms = spoiled[*i].ms * rng.random_range(EARLY_SHARE);
        spoiled[*i].ms -= early_ms;
        spoiled[*i].end_s -= early_ms / 1000.0;
        spoiled[i + 1].ms += early_ms;
    }
    (spoiled, places)
}
