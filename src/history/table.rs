//! Facts as columns, and the questions put to them. Every row names its session and the event it comes from.

use super::facts::Facts;
use crate::model::session::{Origin, SessionHeader};
use jiff::{Timestamp, civil};
use polars::prelude::{
    Column, DataFrame, LazyFrame, NamedFrom, PolarsResult, Series, SortMultipleOptions, col, len,
    lit,
};

/// The three tables of a session.
#[derive(Debug, Clone)]
pub struct Tables {
    /// One row a set.
    pub sets: DataFrame,
    /// One row a set, metric and feature.
    pub metrics: DataFrame,
    /// One row an exercise of the plan.
    pub prescribed: DataFrame,
}

/// When a session was, as its header says.
#[derive(Debug, Clone, PartialEq)]
pub struct When {
    /// Day where it was, `YYYY-MM-DD`.
    pub day: String,
    /// Monday of its week (ISO 8601).
    pub week: String,
    /// Days since 1970.
    pub days: f64,
}

impl When {
    /// Of a session; `None`: its time cannot be read, or is not the time it was recorded at.
    #[must_use]
    pub fn of(header: &SessionHeader) -> Option<Self> {
        if header.origin == Origin::Imported {
            return None;
        }
        let at: Timestamp = header.started_at.parse().ok()?;
        let day: civil::Date = header.started_at.get(..10)?.parse().ok()?;
        Some(Self {
            week: monday(day)?.to_string(),
            day: day.to_string(),
            days: at.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64() / 86_400.0,
        })
    }
}

/// First day of a day's week.
fn monday(day: civil::Date) -> Option<civil::Date> {
    let since = i64::from(day.weekday().to_monday_zero_offset());
    day.checked_sub(jiff::Span::new().days(since)).ok()
}

/// Mondays from one to the other, both included.
#[must_use]
pub fn weeks(from: &str, to: &str) -> Vec<String> {
    let (Ok(from), Ok(to)) = (from.parse::<civil::Date>(), to.parse::<civil::Date>()) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut week = from;
    while week <= to {
        all.push(week.to_string());
        let Ok(next) = week.checked_add(jiff::Span::new().weeks(1)) else {
            break;
        };
        week = next;
    }
    all
}

/// Where the figures of a client come from: simulated and measured ones are never one series.
fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Sensors => "sensors",
        Origin::Simulated => "simulated",
        Origin::Imported => "imported",
    }
}

/// Columns of checks of the plan's limits, by their verdict.
pub(super) const LIMITS: [&str; 5] = [
    "limits_within",
    "limits_unsure",
    "limits_outside",
    "limits_not_assessed",
    "limits_invalid",
];

/// [`LIMITS`] of rows.
pub(super) fn limits<R>(rows: &[R], of: impl Fn(&R) -> [u32; 5]) -> Vec<Column> {
    let count = |i: usize| collect(rows, |r| of(r)[i]);
    let columns = LIMITS.iter().enumerate();
    columns.map(|(i, name)| column(name, count(i))).collect()
}

pub(super) fn column<T, P: ?Sized>(name: &str, values: T) -> Column
where
    Series: NamedFrom<T, P>,
{
    Column::new(name.into(), values)
}

pub(super) fn collect<'r, R, T>(rows: &'r [R], get: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(get).collect()
}

/// The facts of the session of `header` as tables.
///
/// # Errors
/// Columns that do not fit; there are none.
pub fn tables(header: &SessionHeader, when: &When, facts: &Facts) -> PolarsResult<Tables> {
    let common = |rows: usize| {
        vec![
            column("session", vec![header.session.0.as_str(); rows]),
            column("day", vec![when.day.as_str(); rows]),
            column("week", vec![when.week.as_str(); rows]),
            column("days", vec![when.days; rows]),
            column("origin", vec![origin(header.origin); rows]),
        ]
    };
    let table = |rows: usize, columns: Vec<Column>| {
        let mut all = common(rows);
        all.extend(columns);
        DataFrame::new(rows, all)
    };
    let sets = &facts.sets;
    let mut set_columns = vec![
        column("set", collect(sets, |s| s.set)),
        column("event_sequence", collect(sets, |s| s.event_sequence)),
        column("exercise", collect(sets, |s| s.exercise.as_str())),
        column("side", collect(sets, |s| s.side)),
        column("role", collect(sets, |s| s.role)),
        column("load_kg", collect(sets, |s| s.load_kg)),
        column("reps", collect(sets, |s| s.reps)),
    ];
    set_columns.extend(limits(sets, |s| s.limits));
    let metrics = &facts.metrics;
    let of_set = |set: u32| sets.iter().find(|s| s.set == set);
    let metric_columns = vec![
        column("set", collect(metrics, |m| m.set)),
        column("event_sequence", collect(metrics, |m| m.event_sequence)),
        column(
            "exercise",
            collect(metrics, |m| of_set(m.set).map(|s| s.exercise.as_str())),
        ),
        column("side", collect(metrics, |m| of_set(m.set).map(|s| s.side))),
        column("role", collect(metrics, |m| of_set(m.set).map(|s| s.role))),
        column(
            "load_kg",
            collect(metrics, |m| of_set(m.set).and_then(|s| s.load_kg)),
        ),
        column("metric", collect(metrics, |m| m.metric)),
        column("unit", collect(metrics, |m| m.unit)),
        column("feature", collect(metrics, |m| m.feature)),
        column("value", collect(metrics, |m| m.value)),
        column("error", collect(metrics, |m| m.error)),
        column("reps_used", collect(metrics, |m| m.reps_used)),
        column("reps_left_out", collect(metrics, |m| m.reps_left_out)),
    ];
    let plan = &facts.prescribed;
    let plan_columns = vec![
        column("exercise", collect(plan, |p| p.exercise.as_str())),
        column("side", collect(plan, |p| p.side)),
        column("sets", collect(plan, |p| p.sets)),
        column("sessions_per_week", collect(plan, |p| p.sessions_per_week)),
        column("valid_until", collect(plan, |p| p.valid_until.as_str())),
    ];
    Ok(Tables {
        sets: table(sets.len(), set_columns)?,
        metrics: table(metrics.len(), metric_columns)?,
        prescribed: table(plan.len(), plan_columns)?,
    })
}

/// What a figure is a figure of.
pub const SERIES: [&str; 6] = ["origin", "exercise", "side", "metric", "feature", "unit"];

/// Which of these is the metric.
pub(super) const METRIC: usize = 3;

/// One row a session and series, of its working sets: median of the sets, oldest session first.
pub fn by_session(metrics: LazyFrame) -> LazyFrame {
    let sound = col("value").is_not_null();
    metrics
        .filter(col("role").eq(lit("working")))
        .group_by(keys(&["days", "day", "session"]))
        .agg([
            col("value").median(),
            col("error").median(),
            sound.sum().alias("sets_used"),
            len().alias("sets"),
            col("reps_used").sum(),
            col("reps_left_out").sum(),
        ])
        .sort_by_exprs(keys(&["days", "session"]), SortMultipleOptions::default())
}

/// One row a session, series and load, of its working and baseline sets with a load, lightest first.
pub fn by_load(metrics: LazyFrame) -> LazyFrame {
    let judged = col("role").neq(lit("warm_up"));
    metrics
        .filter(
            judged
                .and(col("load_kg").is_not_null())
                .and(col("value").is_not_null()),
        )
        .group_by(keys(&["session", "load_kg"]))
        .agg([col("value").median(), col("error").median()])
        .sort_by_exprs(
            keys(&["session", "load_kg"]),
            SortMultipleOptions::default(),
        )
}

fn keys(more: &[&str]) -> Vec<polars::prelude::Expr> {
    SERIES.iter().chain(more).map(|name| col(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday() {
        let day = |text: &str| monday(text.parse().unwrap()).unwrap().to_string();
        assert_eq!(day("2026-01-19"), "2026-01-19");
        assert_eq!(day("2026-01-25"), "2026-01-19");
        assert_eq!(day("2026-01-01"), "2025-12-29");
        assert_eq!(
            weeks("2025-12-22", "2026-01-05"),
            ["2025-12-22", "2025-12-29", "2026-01-05"]
        );
        assert!(weeks("2026-01-05", "2025-12-22").is_empty() && weeks("x", "y").is_empty());
    }
}
