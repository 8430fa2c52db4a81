//! RMSSD of the intervals between beats, over gaps and artefacts. s on the session's clock, ms between beats.

use super::beats::{classify, usable};
use crate::model::heart::{Figure, Variability, Withheld};

/// Least span of beats of which a variability is said, s (Bourdillon and others, Front Neurosci 2017: valid from
/// two minutes on).
const LEAST_S: f64 = 120.0;
/// Largest share of excluded beats.
const EXCLUDED: f64 = 0.1;
/// Least share of the span that the intervals must fill.
const COVERED: f64 = 0.9;
/// A step of this share of the interval is uneven ...
const UNEVEN: f64 = 0.2;
/// ... and with so many uneven steps no threshold can tell which beats are the normal ones.
const MOSTLY_EVEN: f64 = 0.25;
/// Intervals that a heart in exercise or at rest can have, ms.
const POSSIBLE_MS: std::ops::RangeInclusive<f64> = 240.0..=2500.0;
/// The end of an interval may be this share of it later than the beat before allows: more, and beats are missing.
const LATE: f64 = 0.5;

/// One interval between beats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// When it ended, s.
    pub end_s: f64,
    /// Its length, ms.
    pub ms: f64,
}

/// Variability of the intervals in order of time. Intervals that no heart can have make a gap.
#[must_use]
pub fn variability(intervals: &[Interval]) -> Variability {
    let possible: Vec<Interval> = intervals
        .iter()
        .filter(|i| POSSIBLE_MS.contains(&i.ms) && i.end_s.is_finite())
        .copied()
        .collect();
    let (Some(first), Some(last)) = (possible.first(), possible.last()) else {
        return Variability {
            rmssd_ms: Figure::Withheld(Withheld::NoBeats),
            ..Variability::default()
        };
    };
    let rr: Vec<f64> = possible.iter().map(|i| i.ms).collect();
    let joined = joined(&possible);
    let usable = usable(&classify(&rr, &joined));
    let excluded = usable.iter().filter(|u| !**u).count() as f64 / rr.len() as f64;
    let squares: Vec<f64> = (1..rr.len())
        .filter(|i| joined[*i] && usable[*i] && usable[i - 1])
        .map(|i| (rr[i] - rr[i - 1]).powi(2))
        .collect();
    let span_s = last.end_s - first.end_s + first.ms / 1000.0;
    let filled_s = rr.iter().sum::<f64>() / 1000.0;
    let rmssd_ms = if span_s < LEAST_S {
        Figure::Withheld(Withheld::TooShort)
    } else if filled_s < COVERED * span_s {
        Figure::Withheld(Withheld::Gap)
    } else if uneven(&rr, &joined) > MOSTLY_EVEN {
        Figure::Withheld(Withheld::Uneven)
    } else if excluded > EXCLUDED || squares.is_empty() {
        Figure::Withheld(Withheld::TooManyExcluded)
    } else {
        Figure::Is((squares.iter().sum::<f64>() / squares.len() as f64).sqrt())
    };
    Variability {
        rmssd_ms,
        beats: u32::try_from(rr.len()).unwrap_or(u32::MAX),
        excluded,
    }
}

/// Share of steps from one interval to the next that are uneven.
fn uneven(rr: &[f64], joined: &[bool]) -> f64 {
    let steps = rr.windows(2).zip(&joined[1..]).filter(|(_, j)| **j);
    let (mut all, mut large) = (0.0, 0.0);
    for (pair, _) in steps {
        all += 1.0;
        large += f64::from(u8::from(
            (pair[1] - pair[0]).abs() > UNEVEN * pair[0].min(pair[1]),
        ));
    }
    if all > 0.0 { large / all } else { 0.0 }
}

/// Whether each interval begins where the one before ended.
fn joined(intervals: &[Interval]) -> Vec<bool> {
    let follows = |pair: &[Interval]| {
        let late_s = pair[1].end_s - pair[0].end_s - pair[1].ms / 1000.0;
        late_s <= LATE * pair[1].ms / 1000.0
    };
    std::iter::once(false)
        .chain(intervals.windows(2).map(follows))
        .take(intervals.len())
        .collect()
}
