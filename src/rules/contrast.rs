//! What the load changes: each metric's median in a loaded set beside the accepted set with less load.
//!
//! Units of the metric. A difference counts only above the smallest one that can be told from the method's
//! error and from the client's own scatter between repetitions.

use super::{
    Params,
    baseline::{Collected, Wanted, applicable, scatter},
    check::default_guard,
    compensation::TABLE,
    reading::Feature,
};
use crate::model::finding::{Baseline, BaselineRow, ContrastRow, LoadContrast};

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
    let rows: Vec<ContrastRow> = lighter
        .rows
        .iter()
        .filter(|row| looked_at(row.metric, &row.feature))
        .filter_map(|row| beside(params, row, collected))
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

/// One row of the lighter set beside the same of this one; `None` where this one has too few values.
fn beside(params: &Params, row: &BaselineRow, collected: &Collected) -> Option<ContrastRow> {
    let values = collected.values(row.metric, &row.feature)?;
    let now = collected.row(row.metric, &row.feature, params.baseline_min_reps)?;
    let least = default_guard(row.metric, Some(row.centre));
    let of_medians = (row.spread.powi(2) / f64::from(row.reps.max(1))
        + now.spread.powi(2) / f64::from(now.reps.max(1)))
    .sqrt();
    let detectable = least.max(params.own_outside_spreads * of_medians);
    let of_one = least.max(params.own_outside_spreads * scatter(row));
    let departing = values
        .iter()
        .filter(|v| (*v - row.centre).abs() > of_one)
        .count();
    Some(ContrastRow {
        metric: row.metric,
        feature: row.feature.clone(),
        lighter: row.centre,
        loaded: now.centre,
        detectable,
        reps: now.reps,
        departing: u32::try_from(departing).unwrap_or(u32::MAX),
        appears: (now.centre - row.centre).abs() > detectable || departing >= DEPARTING,
    })
}

/// So many repetitions make what they share no accident (persistence of a watch item: three of five).
const DEPARTING: usize = 3;

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
