//! Published ways to count repetitions, plainly written anew, on the same samples: what ours is to be compared with.
//!
//! These are our own re-implementations from the descriptions, not the authors' programs; constants are
//! ours, of the size the descriptions give, and none is tuned here. Like the originals they use one sensor: the one that
//! shakes most. Seconds, m/s², 25 Hz.
//!
//! - `rep_count_recofit`: Morris, Saponas, Guillory & Kelner, "RecoFit", CHI 2014. The smoothed acceleration on its
//!   principal axis; its peaks, highest first, none nearer than the shortest period; again, none nearer than
//!   three quarters of the period that the autocorrelation around it shows; of these, none lower than
//!   half of the 40th percentile.
//! - `rep_count_threshold`: as in fitness tutorials: the low-passed size of the acceleration goes up through its mean
//!   plus half a standard deviation; below the mean it is armed again.

use super::{counts, recording::Scores};
use crate::model::{
    frame::Vec3,
    packet::DeviceIndex,
    sample::{Sample, StreamKind},
};
use nalgebra::Matrix3;
use std::collections::BTreeMap;

const RATE_HZ: f64 = 25.0;
/// Smoothing window, s.
const SMOOTH_S: f64 = 0.4;
/// What is slower is no repetition: mean over this is taken off, s.
const TREND_S: f64 = 10.0;
/// Shortest and longest period, s.
const PERIOD_S: (f64, f64) = (0.75, 8.0);
/// Stretch around a peak for the autocorrelation, periods at most.
const AROUND_S: f64 = 12.0;

/// Counts of the rivals, if the recording has repetitions to count.
pub(super) fn score(samples: &[Sample], scores: &mut Scores<'_>) {
    let Some(truth) = scores.meta.truth.rep_count else {
        return;
    };
    if !counts::is_exercise(&scores.meta.exercise) {
        return;
    }
    let Some(x) = shakiest(samples) else { return };
    let before = scores.list.len();
    for (metric, count) in [
        ("rep_count_recofit", recofit(&x)),
        ("rep_count_threshold", threshold(&x)),
    ] {
        scores.add(metric, Some(count as f64), Some(truth as f64), "{rep}");
    }
    counts::among_exact(before, scores);
}

/// The acceleration of the sensor whose acceleration varies most, evenly sampled.
fn shakiest(samples: &[Sample]) -> Option<Vec<Vec3>> {
    let mut devices: BTreeMap<DeviceIndex, Vec<(f64, Vec3)>> = BTreeMap::new();
    for s in samples {
        if matches!(s.stream.kind, StreamKind::Imu | StreamKind::Acc) {
            let row = (s.t.seconds(), s.acceleration().into());
            devices.entry(s.stream.device).or_default().push(row);
        }
    }
    devices
        .into_values()
        .filter_map(|rows| {
            let x = even(&rows)?;
            Some((scatter(&x).trace() / x.len() as f64, x))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, x)| x)
}

/// Linear between the rows.
fn even(rows: &[(f64, Vec3)]) -> Option<Vec<Vec3>> {
    let (first, last) = (rows.first()?.0, rows.last()?.0);
    let count = ((last - first) * RATE_HZ) as usize;
    let mut i = 0;
    let value = |k: usize| {
        let t = first + k as f64 / RATE_HZ;
        while i + 2 < rows.len() && rows[i + 1].0 <= t {
            i += 1;
        }
        let (a, b) = (rows[i], rows.get(i + 1)?);
        let share = ((t - a.0) / (b.0 - a.0).max(1e-9)).clamp(0.0, 1.0);
        Some(a.1 + (b.1 - a.1) * share)
    };
    (count > 1).then(|| (0..count).map_while(value).collect())
}

fn scatter(x: &[Vec3]) -> Matrix3<f64> {
    let mean = x.iter().sum::<Vec3>() / x.len().max(1) as f64;
    x.iter().map(|v| (v - mean) * (v - mean).transpose()).sum()
}

/// Mean over a window around each value.
fn smooth(x: &[f64], window_s: f64) -> Vec<f64> {
    let half = ((window_s * RATE_HZ / 2.0).round() as usize).max(1);
    let mut sums = vec![0.0];
    for v in x {
        sums.push(sums[sums.len() - 1] + v);
    }
    (0..x.len())
        .map(|i| {
            let (from, to) = (i.saturating_sub(half), (i + half + 1).min(x.len()));
            (sums[to] - sums[from]) / (to - from) as f64
        })
        .collect()
}

fn recofit(x: &[Vec3]) -> usize {
    let eigen = scatter(x).symmetric_eigen();
    let axis = eigen.eigenvectors.column(eigen.eigenvalues.imax());
    let raw: Vec<f64> = x.iter().map(|v| v.dot(&axis)).collect();
    let smoothed = smooth(&raw, SMOOTH_S);
    let trend = smooth(&raw, TREND_S);
    let y: Vec<f64> = smoothed.iter().zip(trend).map(|(a, b)| a - b).collect();
    let mut peaks: Vec<usize> = (1..y.len().saturating_sub(1))
        .filter(|i| y[*i] > 0.0 && y[*i] > y[i - 1] && y[*i] >= y[i + 1])
        .collect();
    peaks.sort_by(|a, b| y[*b].total_cmp(&y[*a]));
    let peaks = apart(&peaks, |_| PERIOD_S.0 * RATE_HZ);
    let peaks = apart(&peaks, |i| 0.75 * period(&y, i));
    let mut heights: Vec<f64> = peaks.iter().map(|i| y[*i]).collect();
    heights.sort_by(f64::total_cmp);
    let usual = heights.get((heights.len() * 2) / 5).copied();
    heights
        .iter()
        .filter(|h| usual.is_some_and(|u| **h >= u / 2.0))
        .count()
}

/// Those that are farther than `distance` from every one kept before; samples.
fn apart(peaks: &[usize], distance: impl Fn(usize) -> f64) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    for peak in peaks {
        let least = distance(*peak);
        if kept.iter().all(|k| k.abs_diff(*peak) as f64 >= least) {
            kept.push(*peak);
        }
    }
    kept
}

/// Lag of the largest autocorrelation around a sample; samples.
fn period(y: &[f64], at: usize) -> f64 {
    let half = (AROUND_S * RATE_HZ / 2.0) as usize;
    let part = &y[at.saturating_sub(half)..(at + half).min(y.len())];
    let shortest = (PERIOD_S.0 * RATE_HZ) as usize;
    let longest = ((PERIOD_S.1 * RATE_HZ) as usize).min(part.len() / 2);
    (shortest..longest)
        .map(|lag| {
            let pairs = part.iter().zip(&part[lag..]);
            (lag, pairs.map(|(a, b)| a * b).sum::<f64>())
        })
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map_or(shortest as f64, |(lag, _)| lag as f64)
}

fn threshold(x: &[Vec3]) -> usize {
    let sizes: Vec<f64> = x.iter().map(Vec3::norm).collect();
    let y = smooth(&smooth(&sizes, SMOOTH_S), SMOOTH_S);
    let n = y.len().max(1) as f64;
    let mean = y.iter().sum::<f64>() / n;
    let deviation = (y.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt();
    let (mut armed, mut count) = (true, 0);
    for v in &y {
        if armed && *v > mean + deviation / 2.0 {
            armed = false;
            count += 1;
        } else if *v < mean {
            armed = true;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten repetitions of 3 s, as a sensor with some noise of its own sees them.
    fn ten() -> Vec<Vec3> {
        (0..750)
            .map(|i| {
                let t = f64::from(i) / RATE_HZ;
                let swing = (2.0 * std::f64::consts::PI * t / 3.0).sin();
                Vec3::new(0.3 * swing, 9.81 + 2.0 * swing, 0.05 * (31.0 * t).sin())
            })
            .collect()
    }

    #[test]
    fn both_count_what_is_easy_to_count() {
        assert_eq!(recofit(&ten()), 10);
        assert_eq!(threshold(&ten()), 10);
    }

    #[test]
    fn nothing_is_counted_in_nothing() {
        assert_eq!(recofit(&[]), 0);
        assert_eq!(threshold(&[]), 0);
        assert_eq!(even(&[(0.0, Vec3::zeros())]), None);
    }
}
