//! Of many signals one is past its threshold now and then by chance: where a row has a score of them, one that is alone
//! and only just past is `unsure`. It is `outside` when a second signal of the row says so of the same repetition,
//! when it is past its second threshold, or when it lasts.

use super::compensation::compensation;
use crate::model::finding::{Finding, Verdict};

/// Rows of more signals than this need agreement.
const MANY: usize = 8;

/// A finding of one repetition, and whether it stands by itself.
pub(super) struct Said {
    pub finding: Finding,
    pub firm: bool,
}

/// The findings of one repetition as they stand together.
pub(super) fn agree(said: Vec<Said>) -> Vec<Finding> {
    let outside = |code: &str| {
        let of_code = said.iter().filter(|s| s.finding.code == code);
        of_code
            .filter(|s| s.finding.verdict == Verdict::Outside)
            .count()
    };
    let alone: Vec<bool> = said
        .iter()
        .map(|s| !s.firm && has_many(&s.finding.code) && outside(&s.finding.code) == 1)
        .collect();
    let with_others = said.into_iter().zip(alone);
    with_others
        .map(|(said, alone)| {
            let mut finding = said.finding;
            if alone && finding.verdict == Verdict::Outside {
                finding.verdict = Verdict::Unsure;
            }
            finding
        })
        .collect()
}

fn has_many(code: &str) -> bool {
    compensation(code).is_some_and(|row| row.signals.len() > MANY)
}

#[cfg(test)]
mod tests {
    use super::{Said, agree};
    use crate::model::{
        finding::{Action, CheckKind, Finding, Severity, Source, Verdict},
        metric::Metric,
        rep::Stage,
        time::SessionNs,
    };

    fn said(code: &str, verdict: Verdict, firm: bool) -> Said {
        let finding = Finding {
            id: 0,
            t: SessionNs(0),
            set: 1,
            rep: Some(1),
            stage: Stage::Final,
            code: code.to_owned(),
            kind: CheckKind::Watch,
            metric: Metric::Smoothness,
            verdict,
            severity: Severity::Minor,
            action: Action::Record,
            value: Some(-3.0),
            error: None,
            min: Some(-2.0),
            max: None,
            usual: Some(-1.5),
            guard: 0.1,
            source: Source::Baseline,
            missing: None,
        };
        Said { finding, firm }
    }

    fn verdicts(said: Vec<Said>) -> Vec<Verdict> {
        agree(said).iter().map(|f| f.verdict).collect()
    }

    #[test]
    fn one_signal_of_many_is_unsure_until_another_agrees() {
        use Verdict::{Invalid, Outside, Unsure, Within};
        let lone = vec![
            said("DEPARTS", Outside, false),
            said("DEPARTS", Within, false),
            said("DEPARTS", Invalid, false),
            said("TEMPO_FAST", Outside, false),
        ];
        assert_eq!(verdicts(lone), [Unsure, Within, Invalid, Outside]);
        let two = vec![
            said("DEPARTS", Outside, false),
            said("DEPARTS", Outside, false),
        ];
        assert_eq!(verdicts(two), [Outside, Outside]);
        assert_eq!(verdicts(vec![said("DEPARTS", Outside, true)]), [Outside]);
    }
}
