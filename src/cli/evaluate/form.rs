//! Was a fault acted? Judged repetition by repetition, by the same rules as live, against the person's own
//! correct repetitions; whatever code says so counts as found.
//!
//! | what is labelled | baseline | tested |
//! |---|---|---|
//! | repetitions of one recording | its first correct ones | the others |
//! | whole sets | each correct set of the person | all other sets |
//! | recordings of one repetition | half of the correct ones, drawn several times | all others, in their order |
//!
//! A repetition of a fault that was not counted is a fault not found. Holes of less than a tenth of a second do
//! not keep a repetition from being judged here, however many they are: some recordings consist of them.

mod judged;
mod material;

use super::score::Score;
use crate::{
    model::plan::Plan,
    wire::{labelled::Meta, plan},
};
use anyhow::Result;
use judged::flagged;
use material::{Material, read};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::{collections::BTreeMap, path::PathBuf};

/// Watch items that are counted from the own baseline, on one exercise; no limits.
const PLAN: &str = include_str!("form/plan.toml");
/// The label of what is no fault.
const CORRECT: &str = "correct";
/// Correct repetitions of a recording that become its baseline.
const BASELINE_REPS: usize = 5;
/// How often the correct recordings of one repetition are drawn anew, and from which seed on.
const DRAWS: u64 = 8;

/// Figures of all recordings whose form is known.
pub(super) fn score(recordings: &[(PathBuf, Meta)]) -> Result<Vec<Score>> {
    let plan = plan::parse(PLAN)
        .map_err(|p| anyhow::anyhow!("read the plan of the evaluation: {p:?}"))?
        .plan;
    let mut kinds: BTreeMap<(String, String, String), Vec<Material>> = BTreeMap::new();
    let mut out = Found::default();
    for (dir, meta) in recordings {
        let whole = meta.truth.form.is_some() && meta.truth.rep_count != Some(0);
        let parts =
            meta.truth.reps.iter().any(|r| r.label.is_some()) || !meta.truth.phases.is_empty();
        if !whole && !parts {
            continue;
        }
        let material = read(dir)?;
        if whole {
            let person = meta.subject.clone().unwrap_or_default();
            let key = (meta.dataset.clone(), person, meta.exercise.clone());
            kinds.entry(key).or_default().push(material);
        } else {
            within(&plan, &material, &mut out);
        }
    }
    for sets in kinds.values() {
        if sets.iter().all(|s| s.truth_reps <= 1) {
            one_by_one(&plan, sets, &mut out);
        } else {
            set_by_set(&plan, sets, &mut out);
        }
    }
    Ok(out.scores)
}

/// Repetitions found faulty or not, with what they were.
#[derive(Default)]
struct Found {
    scores: Vec<Score>,
    names: BTreeMap<String, &'static str>,
}

impl Found {
    /// `fault` = what was acted, `None` = correct; `faults` = every fault it is told from.
    fn add(&mut self, from: &Material, fault: Option<&str>, faults: &[&str], flagged: bool) {
        let told_from: Vec<&str> = fault.map_or_else(|| faults.to_vec(), |f| vec![f]);
        for name in told_from.into_iter().chain(["any"]) {
            let metric = *self
                .names
                .entry(format!("form {name}"))
                .or_insert_with_key(|name| name.clone().leak());
            self.scores.push(Score {
                dataset: from.meta.dataset.clone(),
                recording: from.meta.id.clone(),
                metric,
                value: f64::from(u8::from(flagged)),
                truth: Some(f64::from(u8::from(fault.is_some()))),
                unit: "1",
            });
        }
    }

    fn add_all(&mut self, from: &Material, faults: &[&str], label: &str, flags: &[bool]) {
        let fault = (label != CORRECT).then_some(label);
        for flag in flags {
            self.add(from, fault, faults, *flag);
        }
    }
}

/// Labelled repetitions of one recording, against its first correct ones.
fn within(plan: &Plan, m: &Material, out: &mut Found) {
    let labels = m.labels();
    let correct: Vec<usize> = (0..m.reps.len())
        .filter(|i| labels[*i].as_deref() == Some(CORRECT))
        .take(BASELINE_REPS)
        .collect();
    let tested: Vec<usize> = (0..m.reps.len())
        .filter(|i| labels[*i].is_some() && !correct.contains(i))
        .collect();
    if correct.len() < BASELINE_REPS {
        return;
    }
    let pick = |of: &[usize]| of.iter().map(|i| m.reps[*i].clone()).collect::<Vec<_>>();
    let Some(flags) = flagged(plan, m, &pick(&correct), &pick(&tested)) else {
        return;
    };
    let mut faults: Vec<&str> = labels.iter().flatten().map(String::as_str).collect();
    faults.retain(|f| *f != CORRECT);
    faults.sort_unstable();
    faults.dedup();
    for (i, flag) in tested.iter().zip(flags) {
        out.add_all(
            m,
            &faults,
            labels[*i].as_deref().unwrap_or(CORRECT),
            &[flag],
        );
    }
    for label in m.not_counted().iter().filter(|l| l.as_str() != CORRECT) {
        out.add_all(m, &faults, label, &[false]);
    }
}

fn faults_of(sets: &[Material]) -> Vec<&str> {
    let mut faults: Vec<&str> = sets
        .iter()
        .map(Material::form)
        .filter(|f| *f != CORRECT)
        .collect();
    faults.sort_unstable();
    faults.dedup();
    faults
}

/// Whole sets, against every correct set of the same person but themselves.
fn set_by_set(plan: &Plan, sets: &[Material], out: &mut Found) {
    let faults = faults_of(sets);
    for base in sets.iter().filter(|s| s.form() == CORRECT) {
        for tested in sets.iter().filter(|s| s.meta.id != base.meta.id) {
            if let Some(mut flags) = flagged(plan, tested, &base.reps, &tested.reps) {
                if tested.form() != CORRECT {
                    flags.resize(flags.len().max(tested.truth_reps), false);
                }
                out.add_all(tested, &faults, tested.form(), &flags);
            }
        }
    }
}

/// Recordings of one repetition, against half of the correct ones; those recorded together as one set.
fn one_by_one(plan: &Plan, all: &[Material], out: &mut Found) {
    let faults = faults_of(all);
    for draw in 0..DRAWS {
        let mut correct: Vec<&Material> = all.iter().filter(|m| m.form() == CORRECT).collect();
        correct.shuffle(&mut ChaCha8Rng::seed_from_u64(draw));
        correct.truncate(correct.len() / 2);
        let base: Vec<_> = correct
            .iter()
            .flat_map(|m| m.reps.iter().cloned())
            .collect();
        let used = |m: &Material| correct.iter().any(|c| c.meta.id == m.meta.id);
        let mut together: BTreeMap<(&str, Option<&str>), Vec<&Material>> = BTreeMap::new();
        for m in all.iter().filter(|m| !used(m)) {
            let key = (m.form(), m.meta.group.as_deref());
            together.entry(key).or_default().push(m);
        }
        for ((form, _), list) in together {
            let Some(first) = list.first() else { continue };
            let reps: Vec<_> = list.iter().flat_map(|m| m.reps.iter().cloned()).collect();
            let Some(flags) = flagged(plan, first, &base, &reps) else {
                continue;
            };
            let mut flags = flags.into_iter();
            for m in list {
                let own: Vec<bool> = flags.by_ref().take(m.reps.len()).collect();
                if form != CORRECT || !own.is_empty() {
                    out.add_all(m, &faults, form, &[own.contains(&true)]);
                }
            }
        }
    }
}
