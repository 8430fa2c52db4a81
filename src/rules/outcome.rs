//! The verdict on a whole repetition: the worst that counts.

use crate::model::finding::{Action, CheckKind, Finding, Verdict};

/// One verdict for the findings of one repetition (of one stage): outside, else invalid, else unsure,
/// else not assessed, else within.
///
/// `Within` needs at least one limit, target or tempo check, and every one of them within; a target may
/// be unsure. A watch item counts as outside only when it was raised to a cue or a stop; one that has no
/// data makes the repetition invalid; one that nobody can assess, or that is only recorded, changes
/// nothing. No checks at all = not assessed: green is earned.
#[must_use]
pub fn rep_verdict(findings: &[Finding]) -> Verdict {
    let required = |f: &&Finding| f.kind != CheckKind::Watch;
    if !findings.iter().any(|f| required(&f)) {
        return Verdict::NotAssessed;
    }
    findings
        .iter()
        .map(counted)
        .max_by_key(|v| rank(*v))
        .unwrap_or(Verdict::NotAssessed)
}

fn counted(finding: &Finding) -> Verdict {
    match (finding.kind, finding.verdict) {
        (CheckKind::Watch, Verdict::Invalid) => Verdict::Invalid,
        (CheckKind::Watch, Verdict::Outside) if finding.action > Action::Record => Verdict::Outside,
        (CheckKind::Watch, _) | (CheckKind::Target, Verdict::Unsure) => Verdict::Within,
        (_, verdict) => verdict,
    }
}

const fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Within => 0,
        Verdict::NotAssessed => 1,
        Verdict::Unsure => 2,
        Verdict::Invalid => 3,
        Verdict::Outside => 4,
    }
}
