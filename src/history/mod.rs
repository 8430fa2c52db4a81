//! What many sessions of a client say together. Pure: rows in, rows out; files and stores are somebody else's.
//!
//! | file | what |
//! |---|---|
//! | [`facts`] | what counts of one session: sets, medians of what was measured, what was prescribed |
//! | [`table`] | facts as columns, and the questions put to them |
//! | [`trend`] | what changes from session to session, and what of it is more than the error |
//! | [`answers`] | answers as tables for people |
//! | [`contrast`] | what changes with the load within sessions |
//! | [`dose`] | what was done in a week beside what was prescribed; which region was loaded on which day |
//!
//! Missing is never fine: what was not measured enters no median and is counted beside it.

pub mod answers;
pub mod contrast;
pub mod dose;
pub mod facts;
pub mod table;
pub mod trend;

use crate::model::metric::Metric;

/// Smallest difference of a metric that means anything, however small the error of the method: its guard band, as in the
/// checks of a session. Unit of the metric; 0 for a figure that has none.
pub(crate) fn least_difference(metric: &str) -> f64 {
    let of = match metric {
        "eccentric" => Some(Metric::TimeEccentric),
        "concentric" => Some(Metric::TimeConcentric),
        id => Metric::from_id(id),
    };
    of.map_or(0.0, |m| m.facts().guard)
}

/// Median; `None` of nothing.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len().checked_sub(1)? / 2;
    let upper = values.len() / 2;
    Some(f64::midpoint(values[middle], values[upper]))
}
