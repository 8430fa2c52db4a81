//! Repetitions judged by the rules against others that stand for an accepted set.

use super::material::Material;
use crate::{
    model::{
        command::{SetRole, StopReason},
        finding::{CheckKind, Finding, Verdict},
        plan::Plan,
        rep::{HeartStats, Rep, SetSummary},
        time::SessionNs,
    },
    rules::{AfterSet, Judge, Params},
};

/// Whether each tested repetition has a watch item outside; `None` where the baseline is refused.
pub(super) fn flagged(
    plan: &Plan,
    of: &Material,
    base: &[Rep],
    tested: &[Rep],
) -> Option<Vec<bool>> {
    let mut plan = plan.clone();
    for prescription in &mut plan.exercises {
        prescription.id.clone_from(&of.exercise);
        prescription.side = of.side;
    }
    let mut judge =
        Judge::new(&Params::default(), Some(&plan), Vec::new()).worn(of.sensors.iter().copied());
    let accepted = SetRole::Baseline {
        accepted_by: "label".into(),
    };
    let (_, after) = set(&mut judge, of, 1, &accepted, base);
    after
        .iter()
        .any(|a| matches!(a, AfterSet::Baseline(_)))
        .then(|| set(&mut judge, of, 2, &SetRole::Working, tested).0)
}

/// One set: which of its repetitions are flagged, and what it leaves behind.
fn set(
    judge: &mut Judge,
    of: &Material,
    number: u32,
    role: &SetRole,
    reps: &[Rep],
) -> (Vec<bool>, Vec<AfterSet>) {
    let (mut findings, mut after) = (Vec::new(), Vec::new());
    judge.set_started(
        SessionNs(0),
        &of.exercise,
        of.side,
        role,
        None,
        &of.available,
    );
    let mut flags = Vec::with_capacity(reps.len());
    for (i, rep) in reps.iter().enumerate() {
        let rep = Rep {
            set: number,
            number: u32::try_from(i + 1).unwrap_or(u32::MAX),
            ..rep.clone()
        };
        findings.clear();
        judge.rep(&rep, &mut findings);
        flags.push(findings.iter().any(outside));
    }
    let summary = SetSummary {
        set: number,
        exercise: of.exercise.clone(),
        side: of.side,
        role: role.clone(),
        load_kg: None,
        start: SessionNs(0),
        end: SessionNs(0),
        reason: StopReason::Completed,
        reps_live: 0,
        reps_final: 0,
        heart: HeartStats::default(),
        channel: String::new(),
    };
    judge.set(&summary, &mut findings, &mut after);
    (flags, after)
}

fn outside(finding: &Finding) -> bool {
    finding.kind == CheckKind::Watch && finding.verdict == Verdict::Outside
}
