//! One verdict for a whole repetition from the verdicts of its checks, and counts that always name
//! their denominator. Green is earned: only a repetition whose every check is within gets it.

use crate::model::finding::{Action, CheckKind, Finding, Verdict};
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
    ///
    /// A watch item never puts a repetition outside the therapist's numbers unless the plan made it a
    /// stop; one without data takes the green away; one that nobody can assess is listed by eye. An
    /// unsure target is a target reached within what can be measured.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut checked = false;
        let mut worst = Self::Within;
        for f in findings {
            checked |= f.kind != CheckKind::Watch;
            let one = Self::of_check(f);
            if one.rank() > worst.rank() {
                worst = one;
            }
        }
        // No limit, target or tempo was looked at: nothing to be within of.
        if worst == Self::Within && !checked {
            Self::NotJudged
        } else {
            worst
        }
    }

    fn of_check(f: &Finding) -> Self {
        match (f.kind, f.verdict) {
            (CheckKind::Watch, Verdict::Outside) if f.action < Action::Stop => Self::Watch,
            (CheckKind::Watch, Verdict::Unsure | Verdict::NotAssessed)
            | (CheckKind::Target, Verdict::Unsure)
            | (_, Verdict::Within) => Self::Within,
            (_, Verdict::Outside) => Self::Outside,
            (_, Verdict::Invalid) => Self::NoData,
            (_, Verdict::Unsure) => Self::Unsure,
            (_, Verdict::NotAssessed) => Self::ByEye,
        }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Within => 0,
            Self::Watch => 1,
            Self::NotJudged => 2,
            Self::ByEye => 3,
            Self::Unsure => 4,
            Self::NoData => 5,
            Self::Outside => 6,
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

    /// `9 within, 1 no data of 10`: only what there is, with the denominator.
    #[must_use]
    pub fn brief(&self) -> String {
        let parts: Vec<String> = [
            (self.within, "within"),
            (self.watch, "with watch items"),
            (self.unsure, "unsure"),
            (self.outside, "outside"),
            (self.no_data, "no data"),
            (self.by_eye, "by eye"),
            (self.not_checked, "nothing to check"),
        ]
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
        if parts.is_empty() {
            "no repetition".to_owned()
        } else {
            format!("{} of {}", parts.join(", "), self.total())
        }
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
    use CheckKind::{Limit, Target, Tempo, Watch};
    use Verdict::{Invalid, NotAssessed, Outside, Unsure, Within};

    fn combined(checks: &[(CheckKind, Verdict)]) -> RepVerdict {
        let all: Vec<Finding> = checks
            .iter()
            .map(|(k, v)| Finding {
                action: Action::Record,
                ..finding(1, 1, *k, *v)
            })
            .collect();
        RepVerdict::of(&all)
    }

    #[test]
    fn the_worst_check_decides() {
        use RepVerdict as R;
        assert_eq!(combined(&[(Limit, Within), (Target, Unsure)]), R::Within);
        assert_eq!(combined(&[(Limit, Unsure), (Target, Within)]), R::Unsure);
        assert_eq!(
            combined(&[(Limit, Unsure), (Tempo, NotAssessed)]),
            R::Unsure
        );
        assert_eq!(
            combined(&[(Limit, Within), (Target, NotAssessed)]),
            R::ByEye
        );
        assert_eq!(
            combined(&[(Target, NotAssessed), (Limit, Invalid)]),
            R::NoData
        );
        assert_eq!(combined(&[(Limit, Invalid), (Target, Outside)]), R::Outside);
    }

    #[test]
    fn watch_items_take_the_green_away_but_are_no_limits() {
        use RepVerdict as R;
        assert_eq!(combined(&[(Limit, Within), (Watch, Outside)]), R::Watch);
        assert_eq!(combined(&[(Limit, Within), (Watch, Invalid)]), R::NoData);
        assert_eq!(
            combined(&[(Limit, Within), (Watch, NotAssessed)]),
            R::Within
        );
        let stop = finding(1, 1, Watch, Outside);
        assert_eq!(stop.action, Action::Stop);
        assert_eq!(RepVerdict::of([&stop]), R::Outside);
    }

    #[test]
    fn silence_is_not_good() {
        assert_eq!(combined(&[]), RepVerdict::NotJudged);
        assert_eq!(combined(&[(Watch, Within)]), RepVerdict::NotJudged);
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
        assert_eq!(c.brief(), "8 within, 1 outside, 2 no data, 1 by eye of 12");
    }
}
