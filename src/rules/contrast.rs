//! What the load changes: each metric's median in a loaded set beside the accepted set with less load.
//!
//! Units of the metric. A difference counts only above the smallest one that can be told from the method's
//! error and from the client's own scatter between repetitions.

use super::{
    Params,
    baseline::{Collected, Wanted, applicable},
    check::default_guard,
    compensation::TABLE,
    reading::Feature,
};
use crate::model::finding::{Baseline, ContrastRow, LoadContrast};

/// The contrast of a set with the accepted one that has the least load; `None` where there is none lighter,
/// or nothing both have.
pub(super) fn contrast(
    params: &Params,
    all: &[Baseline],
    wanted: &Wanted,
    set: u32,
    collected: &Collected,
) -> Option<LoadContrast> {
    let load_kg = wanted.load_kg.filter(|kg| *kg > 0.0)?;
    let kg = |b: &Baseline| b.load_kg.unwrap_or(0.0);
    let lighter = applicable(all, wanted)
        .filter(|b| kg(b) < load_kg)
        .min_by(|a, b| kg(a).total_cmp(&kg(b)))?;
    let loaded = collected.rows(params.baseline_min_reps);
    let rows: Vec<ContrastRow> = lighter
        .rows
        .iter()
        .filter(|row| looked_at(row.metric, &row.feature))
        .filter_map(|row| {
            let now = loaded
                .iter()
                .find(|r| r.metric == row.metric && r.feature == row.feature)?;
            let scatter = params.own_outside_spreads
                * (row.spread.powi(2) / f64::from(row.reps.max(1))
                    + now.spread.powi(2) / f64::from(now.reps.max(1)))
                .sqrt();
            let detectable = default_guard(row.metric, Some(row.centre)).max(scatter);
            Some(ContrastRow {
                metric: row.metric,
                feature: row.feature.clone(),
                lighter: row.centre,
                loaded: now.centre,
                detectable,
                appears: (now.centre - row.centre).abs() > detectable,
            })
        })
        .collect();
    (!rows.is_empty()).then(|| LoadContrast {
        set,
        exercise: wanted.exercise.to_owned(),
        side: wanted.side,
        load_kg,
        lighter_kg: lighter.load_kg,
        accepted_by: lighter.accepted_by.clone(),
        rows,
    })
}

/// One feature a metric, the one that a compensation is seen by: four times the same is no more to read.
fn looked_at(metric: crate::model::metric::Metric, feature: &str) -> bool {
    TABLE
        .iter()
        .flat_map(|c| c.signals)
        .find(|s| s.metric == metric)
        .map_or(feature == Feature::Max.as_str(), |s| {
            s.feature.as_str() == feature
        })
}
