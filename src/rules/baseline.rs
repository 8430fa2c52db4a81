//! Baselines: centre and spread of every metric over a set that a professional watched and accepted.
//!
//! They never update themselves. Capturing another accepted set of the same exercise, side, sensors, load and
//! phase replaces it. One that was taken with other sensors, or in another phase of the plan, is there and is
//! not applied: what would be counted from it is `not_assessed`, with that reason.

use super::reading::{Feature, read};
use crate::model::{
    body::Segment,
    finding::{Baseline, BaselineRow},
    metric::Metric,
    plan::TrainingSide,
    rep::{Measured, Missing, Rep, Stage},
};
use std::collections::BTreeMap;

/// A set of this exercise with the role of a baseline shows the client's own walking.
pub(super) const WALKING: &str = "walking";

/// What a set is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub exercise: &'a str,
    pub side: TrainingSide,
    pub sensors: &'a [Segment],
    pub load_kg: Option<f64>,
    pub phase: Option<&'a str>,
}

impl Wanted<'_> {
    /// What speaks against comparing with it; `Ok(false)` = it speaks of something else altogether.
    fn admits(&self, b: &Baseline) -> Result<bool, Missing> {
        if b.exercise != self.exercise || b.side != self.side {
            return Ok(false);
        }
        if b.sensors != self.sensors {
            return Err(Missing::OtherSensors);
        }
        if b.phase.is_some() && b.phase.as_deref() != self.phase {
            return Err(Missing::OtherPhase);
        }
        Ok(true)
    }
}

/// The accepted sets that may be compared with.
pub(super) fn applicable<'a>(
    all: &'a [Baseline],
    wanted: &Wanted,
) -> impl Iterator<Item = &'a Baseline> {
    all.iter().filter(|b| wanted.admits(b) == Ok(true))
}

/// The client's own baseline for one set, and their own walking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own<'a> {
    /// The accepted set that holds.
    pub baseline: Option<&'a Baseline>,
    /// Why there is one that does not hold.
    pub refused: Option<Missing>,
    all: &'a [Baseline],
}

impl<'a> Own<'a> {
    /// Of the accepted sets that may be compared with: the one with the same load, else the latest.
    pub fn of(all: &'a [Baseline], wanted: &Wanted) -> Self {
        let mut own = Self {
            baseline: None,
            refused: None,
            all,
        };
        for b in all {
            match wanted.admits(b) {
                Ok(true) => {
                    let same_load = |b: &Baseline| b.load_kg == wanted.load_kg;
                    if own
                        .baseline
                        .is_none_or(|old| !same_load(old) || same_load(b))
                    {
                        own.baseline = Some(b);
                    }
                }
                Ok(false) => {}
                Err(why) => own.refused = Some(why),
            }
        }
        if own.baseline.is_some() {
            own.refused = None;
        }
        own
    }

    pub fn row(&self, metric: Metric, feature: Feature) -> Option<&'a BaselineRow> {
        self.baseline?.row(metric, feature.as_str())
    }

    pub fn centre(&self, metric: Metric, feature: Feature) -> Option<f64> {
        self.row(metric, feature).map(|r| r.centre)
    }

    /// The client's own walking peak at the shank, g: of whatever sensors are worn beside that one.
    pub fn walking_g(&self) -> Option<f64> {
        self.all
            .iter()
            .rev()
            .filter(|b| b.exercise == WALKING)
            .find_map(|b| b.row(Metric::ShankPeakAccel, Feature::Max.as_str()))
            .map(|r| r.centre)
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

    /// Whole repetitions of which anything was measured.
    pub fn reps(&self) -> u32 {
        let most = self.0.values().map(Vec::len).max().unwrap_or(0);
        u32::try_from(most).unwrap_or(u32::MAX)
    }

    /// The values of a feature, in the order of the repetitions.
    pub fn values(&self, metric: Metric, feature: &str) -> Option<&[f64]> {
        let feature = Feature::ALL.into_iter().find(|f| f.as_str() == feature)?;
        self.0.get(&(metric, feature)).map(Vec::as_slice)
    }

    /// The row of a feature, if it is valid in at least `min_reps` repetitions.
    pub fn row(&self, metric: Metric, feature: &str, min_reps: u32) -> Option<BaselineRow> {
        let values = self.values(metric, feature)?;
        let reps = u32::try_from(values.len()).unwrap_or(u32::MAX);
        let centre = median(values);
        (reps >= min_reps.max(1)).then(|| BaselineRow {
            metric,
            feature: feature.to_owned(),
            centre,
            spread: spread(values, centre),
            reps,
        })
    }

    /// All rows.
    pub fn rows(&self, min_reps: u32) -> Vec<BaselineRow> {
        self.0
            .keys()
            .filter_map(|(metric, feature)| self.row(*metric, feature.as_str(), min_reps))
            .collect()
    }
}

/// The client's own scatter between repetitions, widened because a baseline has few of them: unit of the metric.
pub(super) fn scatter(row: &BaselineRow) -> f64 {
    row.spread * (1.0 + 1.0 / f64::from(row.reps.max(1))).sqrt()
}

/// Larger of the two usual estimates: of few values either alone is easily too small.
fn spread(values: &[f64], centre: f64) -> f64 {
    let deviations: Vec<f64> = values.iter().map(|v| (v - centre).abs()).collect();
    // 1.4826 makes the median absolute deviation of a normal distribution its standard deviation.
    let robust = 1.4826 * median(&deviations);
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    robust.max((squares / (n - 1.0).max(1.0)).sqrt())
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
    use super::{median, spread};

    #[test]
    fn median_of_odd_and_even() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
    }

    #[test]
    fn a_spread_is_no_smaller_than_either_estimate() {
        // Half of the values agree by chance: the median deviation alone would be almost nothing.
        let values = [10.0, 10.0, 10.1, 14.0, 6.0];
        assert!((spread(&values, 10.0) - 2.829).abs() < 0.01);
        assert!((spread(&[28.0, 30.0, 33.0], 30.0) - 1.4826 * 2.0).abs() < 1e-9);
        assert!(spread(&[1.0], 1.0).abs() < 1e-12);
    }
}
