//! Which intervals between beats are no normal ones: missed, extra, ectopic and misplaced beats. ms.
//!
//! Lipponen & Tarvainen, *A robust algorithm for heart rate variability time series artefact correction using novel
//! beat classification*, J Med Eng Technol 43:173, 2019, with their constants. Differences of successive intervals
//! and departures from the running median are measured in units of a threshold that follows the spread of the
//! series. Nothing is corrected: what touches a flagged beat is left out of every figure.

use std::collections::VecDeque;

/// What an interval is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Between two normal beats.
    Normal,
    /// One of the two around an ectopic or misplaced beat.
    Ectopic,
    /// A beat in it was not seen.
    Missed,
    /// One of the two around a beat that was none.
    Extra,
    /// Too long or too short, for no known reason.
    LongOrShort,
}

/// Spreads of the threshold (alpha).
const SPREADS: f64 = 5.2;
/// Slope and offset of the line that tells ectopic beats (c1, c2).
const ECTOPIC: (f64, f64) = (0.13, 0.17);
/// Window of the spread, intervals.
const SPREAD_WINDOW: usize = 91;
/// Window of the running median, intervals.
const MEDIAN_WINDOW: usize = 11;
/// Departure from the median that is none of a normal beat, thresholds.
const FAR: f64 = 3.0;
/// Largest threshold, medians of the sizes. The spread of normal beats gives 3.2; half as much again, and the spread
/// is that of the artefacts themselves (own addition, chosen on simulated beats: without it, more than one ectopic
/// beat in fourteen hides all of them).
const MOST_MEDIANS: f64 = 4.8;
/// Smallest threshold, ms: five ticks of a strap; below, nothing is told from its rounding.
const LEAST_MS: f64 = 5.0;

/// Classes of successive intervals. `joined[i]` = interval `i` begins with the beat that ends interval `i - 1`;
/// differences over a gap are none. Lengths are equal; where `joined` is shorter, the rest is joined.
#[must_use]
pub fn classify(rr_ms: &[f64], joined: &[bool]) -> Vec<Beat> {
    let n = rr_ms.len();
    let step: Vec<f64> = (0..n)
        .map(|i| match i.checked_sub(1) {
            Some(before) if joined.get(i).copied().unwrap_or(true) => rr_ms[i] - rr_ms[before],
            _ => 0.0,
        })
        .collect();
    let middle = rolling(rr_ms, MEDIAN_WINDOW, |w| w.quantile(0.5));
    let far: Vec<f64> = rr_ms
        .iter()
        .zip(&middle)
        .map(|(rr, m)| if rr < m { 2.0 * (rr - m) } else { rr - m })
        .collect();
    let far_threshold = thresholds(&far);
    let unit = |values: &[f64], by: &[f64]| values.iter().zip(by).map(|(v, t)| v / t).collect();
    let series = Series {
        rr_ms,
        step: unit(&step, &thresholds(&step)),
        far: unit(&far, &far_threshold),
        far_threshold,
        middle,
    };
    let mut beats = vec![Beat::Normal; n];
    for i in 0..n {
        series.flag(i, &mut beats);
    }
    beats
}

/// Whether each interval may be used: not flagged, and not a neighbour that shares the flagged beat.
#[must_use]
pub fn usable(beats: &[Beat]) -> Vec<bool> {
    let mut usable: Vec<bool> = beats.iter().map(|b| *b == Beat::Normal).collect();
    for (i, beat) in beats.iter().enumerate() {
        match beat {
            // The ectopic beat ends the interval before; the false one ends this interval.
            Beat::Ectopic if i > 0 => usable[i - 1] = false,
            Beat::Extra if i + 1 < beats.len() => usable[i + 1] = false,
            _ => {}
        }
    }
    usable
}

struct Series<'a> {
    rr_ms: &'a [f64],
    /// Differences, thresholds.
    step: Vec<f64>,
    /// Departures from the running median, thresholds; shorter counts double.
    far: Vec<f64>,
    far_threshold: Vec<f64>,
    middle: Vec<f64>,
}

impl Series<'_> {
    fn step(&self, i: Option<usize>) -> f64 {
        i.and_then(|i| self.step.get(i)).copied().unwrap_or(0.0)
    }

    fn flag(&self, i: usize, beats: &mut [Beat]) {
        let step = self.step[i];
        if step.abs() <= 1.0 && self.far[i].abs() <= FAR {
            return;
        }
        if self.is_ectopic(i) {
            beats[i] = Beat::Ectopic;
            return;
        }
        // A long or short interval shows in the step into it, or in the step out of it.
        let (next, after) = (self.step(Some(i + 1)), self.step(Some(i + 2)));
        let candidates = if next.abs() < after.abs() && i + 1 < beats.len() {
            i..=i + 1
        } else {
            i..=i
        };
        for j in candidates {
            if let Some(beat) = self.long_or_short(j) {
                if beats[j] == Beat::Normal {
                    beats[j] = beat;
                }
                return;
            }
        }
    }

    /// The steps before and after go the other way.
    fn is_ectopic(&self, i: usize) -> bool {
        let (slope, offset) = ECTOPIC;
        let step = self.step[i];
        let around = (self.step(i.checked_sub(1)), self.step(Some(i + 1)));
        if step > 1.0 {
            around.0.max(around.1) < -slope * step - offset
        } else {
            step < -1.0 && around.0.min(around.1) > -slope * step + offset
        }
    }

    fn long_or_short(&self, j: usize) -> Option<Beat> {
        let step = self.step[j];
        let ahead = (self.step(Some(j + 1)), self.step(Some(j + 2)));
        let long = step > 1.0 && ahead.0.min(ahead.1) < -1.0;
        let short = step < -1.0 && ahead.0.max(ahead.1) > 1.0;
        if !long && !short && self.far[j].abs() <= FAR {
            return None;
        }
        let near = |rr: f64| (rr - self.middle[j]).abs() < self.far_threshold[j];
        let with_next = self.rr_ms[j] + self.rr_ms.get(j + 1).copied().unwrap_or(0.0);
        Some(if short && near(with_next) {
            Beat::Extra
        } else if long && near(self.rr_ms[j] / 2.0) {
            Beat::Missed
        } else {
            Beat::LongOrShort
        })
    }
}

/// `SPREADS` times the quartile deviation of the sizes around each value, within bounds.
fn thresholds(x: &[f64]) -> Vec<f64> {
    let sizes: Vec<f64> = x.iter().map(|v| v.abs()).collect();
    rolling(&sizes, SPREAD_WINDOW, |w| {
        (SPREADS * (w.quantile(0.75) - w.quantile(0.25)) / 2.0)
            .min(MOST_MEDIANS * w.quantile(0.5))
            .max(LEAST_MS)
    })
}

/// `of` the window of `width` values around each value; windows are shorter at the ends.
fn rolling(x: &[f64], width: usize, of: impl Fn(&Sorted) -> f64) -> Vec<f64> {
    let half = width / 2;
    let mut window = Sorted::default();
    let mut ahead = x.iter();
    for v in ahead.by_ref().take(half) {
        window.insert(*v);
    }
    (0..x.len())
        .map(|_| {
            if let Some(v) = ahead.next() {
                window.insert(*v);
            } else {
                window.ended += 1;
            }
            window.keep(width - window.ended);
            of(&window)
        })
        .collect()
}

/// A window of values, in order of time and of size.
#[derive(Default)]
struct Sorted {
    by_time: VecDeque<f64>,
    by_size: Vec<f64>,
    /// How many values the window lacks because the series has ended.
    ended: usize,
}

impl Sorted {
    fn insert(&mut self, value: f64) {
        self.by_time.push_back(value);
        let at = self.by_size.partition_point(|v| *v < value);
        self.by_size.insert(at, value);
    }

    fn keep(&mut self, length: usize) {
        while self.by_time.len() > length {
            let Some(oldest) = self.by_time.pop_front() else {
                return;
            };
            let at = self.by_size.partition_point(|v| *v < oldest);
            if at < self.by_size.len() {
                self.by_size.remove(at);
            }
        }
    }

    /// Linear between the neighbours; 0 of nothing.
    fn quantile(&self, share: f64) -> f64 {
        let Some(last) = self.by_size.len().checked_sub(1) else {
            return 0.0;
        };
        let at = share * last as f64;
        let below = self.by_size[at.floor() as usize];
        let above = self.by_size[at.ceil() as usize];
        below + (above - below) * at.fract()
    }
}
