//! Was a fault acted? Judged by the same rules as live, against the same person's own correct set.
//!
//! The correct set of another run of the same person becomes the baseline; a recording counts as faulty
//! when at least half of its repetitions have a watch item or a depth outside. People without two correct
//! sets, and sets of fewer than three repetitions, are left out and counted as having no figure.

use super::{
    recording::{Said, run},
    score::Score,
};
use crate::{
    cli::labelled_folder::{self, Wishes},
    model::{
        command::SetRole,
        finding::{Baseline, CheckKind, Finding, Verdict},
        plan::Plan,
        rep::Stage,
    },
    motion::MotionEvent,
    rules::{Judge, Params},
    wire::{labelled::Meta, plan},
};
use anyhow::Result;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// All watch items that the rules know, on any exercise of the library; no limits.
const PLAN: &str = include_str!("form_plan.toml");

/// Collection, person and exercise: what may be compared.
type Kind = (String, String, String);

/// Figures of all recordings whose form is known.
pub(super) fn score(recordings: &[(PathBuf, Meta)]) -> Result<Vec<Score>> {
    let Ok(parsed) = plan::parse(PLAN) else {
        return Ok(Vec::new());
    };
    let mut correct: BTreeMap<Kind, Vec<(&Path, Vec<Baseline>)>> = BTreeMap::new();
    for (dir, meta) in recordings
        .iter()
        .filter(|(_, m)| m.truth.form.as_deref() == Some("correct"))
    {
        let Some(person) = &meta.subject else {
            continue;
        };
        let role = SetRole::Baseline {
            accepted_by: "label".into(),
        };
        let (_, baselines) = judge(dir, &parsed.plan, role, Vec::new())?;
        if !baselines.is_empty() {
            let key = (meta.dataset.clone(), person.clone(), meta.exercise.clone());
            correct.entry(key).or_default().push((dir, baselines));
        }
    }
    let mut scores = Vec::new();
    for (dir, meta) in recordings {
        let (Some(form), Some(person)) = (&meta.truth.form, &meta.subject) else {
            continue;
        };
        let key = (meta.dataset.clone(), person.clone(), meta.exercise.clone());
        // Never against itself.
        let Some((_, baseline)) = correct
            .get(&key)
            .and_then(|sets| sets.iter().find(|(d, _)| d != dir))
        else {
            continue;
        };
        let (findings, _) = judge(dir, &parsed.plan, SetRole::Working, baseline.clone())?;
        scores.push(Score {
            dataset: meta.dataset.clone(),
            recording: meta.id.clone(),
            metric: "form_verdict",
            value: f64::from(u8::from(faulty(&findings))),
            truth: Some(f64::from(u8::from(form != "correct"))),
            unit: "1",
        });
    }
    Ok(scores)
}

/// Runs a recording and judges it.
fn judge(
    dir: &Path,
    plan: &Plan,
    role: SetRole,
    baselines: Vec<Baseline>,
) -> Result<(Vec<Finding>, Vec<Baseline>)> {
    let wishes = Wishes {
        role: Some(role),
        ..Wishes::default()
    };
    let folder = labelled_folder::read(dir, &wishes)?;
    let Said { events, .. } = run(&folder)?;
    let mut judge = Judge::new(&Params::default(), Some(plan), baselines);
    let (mut findings, mut captured) = (Vec::new(), Vec::new());
    for event in &events {
        match event {
            MotionEvent::SetStarted {
                t,
                exercise,
                side,
                role,
                load_kg,
                available,
                ..
            } => {
                judge.set_started(*t, exercise, *side, role, *load_kg, available);
            }
            MotionEvent::Rep(rep) => judge.rep(rep, &mut findings),
            MotionEvent::Set(set) => judge.set(set, &mut findings, &mut captured),
            _ => {}
        }
    }
    Ok((findings, captured))
}

fn faulty(findings: &[Finding]) -> bool {
    let mut reps: BTreeMap<u32, bool> = BTreeMap::new();
    for f in findings
        .iter()
        .filter(|f| f.stage == Stage::Final && f.kind == CheckKind::Watch)
    {
        if let Some(rep) = f.rep {
            *reps.entry(rep).or_default() |= f.verdict == Verdict::Outside;
        }
    }
    let flagged = reps.values().filter(|f| **f).count();
    flagged > 0 && 2 * flagged >= reps.len()
}
