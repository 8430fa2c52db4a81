//! What changes with the load. Only sets of one session are compared: the sensors sat where they sat, the client was who
//! they were that day. Of each session the heaviest load beside the lightest; over sessions the median of the differences.
//!
//! A difference counts where it is more than `sqrt(2)` times the half-width of one measurement and more than the metric's
//! guard band, in most of the sessions.

use super::{
    least_difference, median,
    table::{METRIC, SERIES},
};
use polars::prelude::{DataFrame, PolarsError, PolarsResult};
use std::collections::BTreeMap;

/// One series under two loads.
#[derive(Debug, Clone, PartialEq)]
pub struct Contrast {
    /// Values of [`SERIES`], in that order.
    pub series: Vec<String>,
    /// Median of the lightest loads, kg.
    pub lighter_kg: f64,
    /// Median of the heaviest loads, kg.
    pub heavier_kg: f64,
    /// Sessions with two loads.
    pub sessions: usize,
    /// Of these, where the difference is more than the error.
    pub sessions_beyond: usize,
    /// Heavier minus lighter, median over sessions, unit of the metric.
    pub difference: f64,
    /// Smallest difference that is more than the error, median over sessions.
    pub detectable: f64,
}

impl Contrast {
    /// The load changes it.
    #[must_use]
    pub fn appears(&self) -> bool {
        self.difference.abs() > self.detectable && 2 * self.sessions_beyond > self.sessions
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> &'static str {
        if self.appears() {
            "changes under load"
        } else {
            "no change beyond the error"
        }
    }
}

/// One session's lightest and heaviest set.
struct Pair {
    lighter: (f64, f64),
    heavier: (f64, f64),
    error: f64,
}

/// Contrasts of a table of [`super::table::by_load`], ascending by series.
///
/// # Errors
/// A column is not there.
pub fn contrasts(by_load: &DataFrame) -> PolarsResult<Vec<Contrast>> {
    let keys = SERIES
        .iter()
        .chain(&["session"])
        .map(|name| by_load.column(name)?.str())
        .collect::<PolarsResult<Vec<_>>>()?;
    let numbers = ["load_kg", "value", "error"]
        .iter()
        .map(|name| by_load.column(name)?.f64())
        .collect::<PolarsResult<Vec<_>>>()?;
    // Series, then session, in the order of the loads.
    let mut pairs: BTreeMap<Vec<String>, BTreeMap<String, Pair>> = BTreeMap::new();
    for row in 0..by_load.height() {
        let mut series: Vec<String> = keys
            .iter()
            .map(|k| k.get(row).unwrap_or_default().to_owned())
            .collect();
        let session = series.pop().unwrap_or_default();
        let [load, value, error] = numbers
            .iter()
            .map(|n| n.get(row))
            .collect::<Option<Vec<f64>>>()
            .and_then(|all| all.try_into().ok())
            .ok_or_else(|| PolarsError::NoData("a load without a number".into()))?;
        let here = (load, value);
        pairs
            .entry(series)
            .or_default()
            .entry(session)
            .and_modify(|pair| {
                pair.heavier = here;
                pair.error = pair.error.max(error);
            })
            .or_insert(Pair {
                lighter: here,
                heavier: here,
                error,
            });
    }
    Ok(pairs.into_iter().filter_map(contrast).collect())
}

fn contrast((series, sessions): (Vec<String>, BTreeMap<String, Pair>)) -> Option<Contrast> {
    let pairs: Vec<Pair> = sessions
        .into_values()
        .filter(|pair| pair.heavier.0 > pair.lighter.0)
        .collect();
    let all = |get: fn(&Pair) -> f64| median(pairs.iter().map(get).collect());
    let difference = |p: &Pair| p.heavier.1 - p.lighter.1;
    let least = least_difference(series.get(METRIC).map_or("", String::as_str));
    let detectable = |p: &Pair| (std::f64::consts::SQRT_2 * p.error).max(least);
    let beyond = pairs.iter().filter(|p| difference(p).abs() > detectable(p));
    Some(Contrast {
        lighter_kg: all(|p| p.lighter.0)?,
        heavier_kg: all(|p| p.heavier.0)?,
        sessions: pairs.len(),
        sessions_beyond: beyond.count(),
        difference: all(difference)?,
        detectable: median(pairs.iter().map(detectable).collect())?,
        series,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::{Column, IntoLazy};

    /// Rows of session, load and value, of one series with errors of 2.
    fn of(rows: &[(&str, f64, f64)]) -> Vec<Contrast> {
        let n = rows.len();
        let text = |name: &str, value: &str| Column::new(name.into(), vec![value; n]);
        let number = |name: &str, values: Vec<f64>| Column::new(name.into(), values);
        let mut columns: Vec<Column> = SERIES.iter().map(|name| text(name, name)).collect();
        columns.extend([
            text("role", "working"),
            Column::new(
                "session".into(),
                rows.iter().map(|r| r.0).collect::<Vec<_>>(),
            ),
            number("load_kg", rows.iter().map(|r| r.1).collect()),
            number("value", rows.iter().map(|r| r.2).collect()),
            number("error", vec![2.0; n]),
        ]);
        let table = DataFrame::new(n, columns).unwrap();
        let asked = super::super::table::by_load(table.lazy())
            .collect()
            .unwrap();
        contrasts(&asked).unwrap()
    }

    #[test]
    fn the_heaviest_is_compared_with_the_lightest_of_its_session() {
        let rows = [
            ("a", 40.0, 12.0),
            ("a", 20.0, 4.0),
            ("a", 30.0, 99.0),
            ("b", 20.0, 5.0),
            ("b", 50.0, 11.0),
            // One load alone says nothing, whatever its value.
            ("c", 80.0, 500.0),
        ];
        let found = of(&rows);
        assert_eq!(found.len(), 1);
        let c = &found[0];
        assert_eq!((c.lighter_kg, c.heavier_kg), (20.0, 45.0));
        assert_eq!((c.sessions, c.sessions_beyond, c.difference), (2, 2, 7.0));
        assert!((c.detectable - 2.83).abs() < 0.01 && c.appears());
    }

    #[test]
    fn a_difference_within_the_error_or_in_few_sessions_is_none() {
        assert!(!of(&[("a", 20.0, 4.0), ("a", 40.0, 6.5)])[0].appears());
        let rows = [
            ("a", 20.0, 4.0),
            ("a", 40.0, 20.0),
            ("b", 20.0, 4.0),
            ("b", 40.0, 5.0),
        ];
        assert!(!of(&rows)[0].appears(), "one of two");
        assert!(of(&[("a", 20.0, 4.0)]).is_empty());
    }
}
