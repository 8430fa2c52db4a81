//! Baselines: centre and spread of every metric over a set that a professional watched and accepted.
//!
//! They never update themselves. Capturing another accepted set for the same exercise and side replaces
//! the rows it measured, and says so by the rows it hands out.

use super::reading::{Feature, read};
use crate::model::{
    finding::Baseline,
    metric::Metric,
    plan::TrainingSide,
    rep::{Measured, Rep, Stage},
};
use std::collections::BTreeMap;

/// A set of this exercise with the role of a baseline shows the client's own walking.
pub(super) const WALKING: &str = "walking";

/// The baselines of one exercise and side.
pub(super) struct Own<'a> {
    pub rows: &'a [Baseline],
    pub exercise: &'a str,
    pub side: TrainingSide,
}

impl Own<'_> {
    pub fn centre(&self, metric: Metric, feature: Feature) -> Option<f64> {
        self.rows
            .iter()
            .rev()
            .find(|b| {
                b.exercise == self.exercise
                    && b.side == self.side
                    && b.metric == metric
                    && b.feature == feature.as_str()
            })
            .map(|b| b.centre)
    }

    /// The client's own walking peak at the shank, g.
    pub fn walking_g(&self) -> Option<f64> {
        self.rows
            .iter()
            .rev()
            .find(|b| {
                b.exercise == WALKING
                    && b.metric == Metric::ShankPeakAccel
                    && b.feature == Feature::Max.as_str()
            })
            .map(|b| b.centre)
    }
}

/// The measured values of a set, final repetitions only.
#[derive(Debug, Clone, Default)]
pub(super) struct Collected(BTreeMap<(Metric, Feature), Vec<f64>>);

impl Collected {
    pub fn add(&mut self, rep: &Rep) {
        if rep.stage != Stage::Final || rep.partial {
            return;
        }
        for m in &rep.measurements {
            if matches!(m.measured, Measured::Missing { .. }) {
                continue;
            }
            for feature in Feature::ALL {
                if let Ok(reading) = read(rep, m.metric, feature, None, true) {
                    self.0
                        .entry((m.metric, feature))
                        .or_default()
                        .push(reading.value);
                }
            }
        }
    }

    /// The rows, of metrics valid in at least `min_reps` repetitions.
    pub fn rows(
        &self,
        min_reps: u32,
        row: impl Fn(Metric, Feature, f64, f64, u32) -> Baseline,
    ) -> Vec<Baseline> {
        let mut rows = Vec::new();
        for ((metric, feature), values) in &self.0 {
            let reps = u32::try_from(values.len()).unwrap_or(u32::MAX);
            if reps < min_reps.max(1) {
                continue;
            }
            let centre = median(values);
            let deviations: Vec<f64> = values.iter().map(|v| (v - centre).abs()).collect();
            // 1.4826 makes the median absolute deviation of a normal distribution its standard deviation.
            let spread = 1.4826 * median(&deviations);
            rows.push(row(*metric, *feature, centre, spread, reps));
        }
        rows
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    match n {
        0 => f64::NAN,
        _ if n % 2 == 1 => sorted[n / 2],
        _ => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn median_of_odd_and_even() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
    }
}
