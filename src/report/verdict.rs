//! One verdict for a whole repetition from the verdicts of its checks, and counts that always name
//! their denominator. Green is earned: only a repetition whose every check is within gets it.

use crate::model::finding::{CheckKind, Finding, Verdict};
use serde::Serialize;

/// What can be said of a repetition as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RepVerdict {
    /// Every check within; the only one that may be green.
    Within,
    /// Within the plan's numbers; a watch item was seen.
    Watch,
    /// Past a limit by no more than the guard band.
    Unsure,
    /// Outside one of the therapist's numbers.
    Outside,
    /// A check that no worn sensor can make: by eye.
    ByEye,
    /// Data missing.
    NoData,
    /// Nothing was checked.
    NotJudged,
}

impl RepVerdict {
    /// The verdict of a repetition with these findings. The live page combines the same way.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let all: Vec<(CheckKind, Verdict)> =
            findings.into_iter().map(|f| (f.kind, f.verdict)).collect();
        let any = |test: fn(CheckKind, Verdict) -> bool| all.iter().any(|(k, v)| test(*k, *v));
        if all.is_empty() {
            Self::NotJudged
        } else if any(|k, v| v == Verdict::Outside && k != CheckKind::Watch) {
            Self::Outside
        } else if any(|_, v| v == Verdict::Invalid) {
            Self::NoData
        } else if any(|_, v| v == Verdict::NotAssessed) {
            Self::ByEye
        } else if any(|k, v| {
            v == Verdict::Unsure && matches!(k, CheckKind::Limit | CheckKind::Effort)
        }) {
            Self::Unsure
        } else if any(|k, v| v != Verdict::Within && k == CheckKind::Watch) {
            Self::Watch
        } else {
            // An unsure target is a target reached within what can be measured.
            Self::Within
        }
    }

    /// Short word, as on the page.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Watch => "watch item",
            Self::Unsure => "unsure",
            Self::Outside => "outside",
            Self::ByEye => "check by eye",
            Self::NoData => "no data",
            Self::NotJudged => "not judged",
        }
    }
}

/// How many repetitions ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Every check within.
    pub within: u32,
    /// Within the numbers, with a watch item.
    pub watch: u32,
    /// At a limit.
    pub unsure: u32,
    /// Outside a number.
    pub outside: u32,
    /// No sensor for one of the checks.
    pub by_eye: u32,
    /// Data missing.
    pub no_data: u32,
    /// Nothing checked.
    pub not_checked: u32,
}

impl Counts {
    /// Count one more.
    pub fn add(&mut self, verdict: RepVerdict) {
        *match verdict {
            RepVerdict::Within => &mut self.within,
            RepVerdict::Watch => &mut self.watch,
            RepVerdict::Unsure => &mut self.unsure,
            RepVerdict::Outside => &mut self.outside,
            RepVerdict::ByEye => &mut self.by_eye,
            RepVerdict::NoData => &mut self.no_data,
            RepVerdict::NotJudged => &mut self.not_checked,
        } += 1;
    }

    /// Count all of `other` too.
    pub fn merge(&mut self, other: &Counts) {
        self.within += other.within;
        self.watch += other.watch;
        self.unsure += other.unsure;
        self.outside += other.outside;
        self.by_eye += other.by_eye;
        self.no_data += other.no_data;
        self.not_checked += other.not_checked;
    }

    /// Repetitions about which nothing complete can be said.
    #[must_use]
    pub const fn not_judged(&self) -> u32 {
        self.by_eye + self.no_data + self.not_checked
    }

    /// Repetitions with a verdict.
    #[must_use]
    pub const fn judged(&self) -> u32 {
        self.within + self.watch + self.unsure + self.outside
    }

    /// All.
    #[must_use]
    pub const fn total(&self) -> u32 {
        self.judged() + self.not_judged()
    }

    /// `8 within, 1 outside, 3 not judged of 12`: never a share without its denominator.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut parts = vec![format!("{} within", self.within)];
        if self.watch > 0 {
            parts.push(format!("{} with watch items", self.watch));
        }
        if self.unsure > 0 {
            parts.push(format!("{} unsure", self.unsure));
        }
        parts.push(format!("{} outside", self.outside));
        parts.push(format!(
            "{} not judged of {}",
            self.not_judged(),
            self.total()
        ));
        parts.join(", ")
    }

    /// `2 no data, 1 by eye`: what "not judged" consists of; empty if nothing.
    #[must_use]
    pub fn why_not_judged(&self) -> String {
        [
            (self.no_data, "no data"),
            (self.by_eye, "by eye"),
            (self.not_checked, "nothing to check"),
        ]
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect::<Vec<_>>()
        .join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::finding;
    use super::*;
    use CheckKind::{Limit, Target, Watch};
    use Verdict::{Invalid, NotAssessed, Outside, Unsure, Within};

    fn combined(checks: &[(CheckKind, Verdict)]) -> RepVerdict {
        let all: Vec<Finding> = checks.iter().map(|(k, v)| finding(1, 1, *k, *v)).collect();
        RepVerdict::of(&all)
    }

    #[test]
    fn the_worst_check_decides_and_silence_is_not_good() {
        assert_eq!(combined(&[]), RepVerdict::NotJudged);
        assert_eq!(
            combined(&[(Limit, Within), (Target, Unsure)]),
            RepVerdict::Within
        );
        assert_eq!(
            combined(&[(Limit, Unsure), (Target, Within)]),
            RepVerdict::Unsure
        );
        assert_eq!(
            combined(&[(Limit, Within), (Watch, Outside)]),
            RepVerdict::Watch
        );
        assert_eq!(
            combined(&[(Limit, Within), (Target, NotAssessed)]),
            RepVerdict::ByEye
        );
        assert_eq!(
            combined(&[(Target, NotAssessed), (Limit, Invalid)]),
            RepVerdict::NoData
        );
        assert_eq!(
            combined(&[(Limit, Invalid), (Target, Outside)]),
            RepVerdict::Outside
        );
    }

    #[test]
    fn counts_name_their_denominator() {
        let mut c = Counts::default();
        (0..8).for_each(|_| c.add(RepVerdict::Within));
        c.add(RepVerdict::Outside);
        (0..2).for_each(|_| c.add(RepVerdict::NoData));
        c.add(RepVerdict::ByEye);
        assert_eq!(c.sentence(), "8 within, 1 outside, 3 not judged of 12");
        assert_eq!(c.why_not_judged(), "2 no data, 1 by eye");
    }
}
