//! Answers as tables for people: one row a series, units beside the numbers.

use super::{
    contrast::Contrast,
    dose::{Asked, Done, Dose, Key, RegionLoad},
    least_difference,
    table::{LIMITS, METRIC, SERIES, collect, column, limits},
    trend::{self, Trend},
};
use ndarray::Array1;
use polars::prelude::{Column, DataFrame, PolarsError, PolarsResult};
use std::collections::BTreeMap;

/// Column `i` of what rows are named by.
fn names(rows: &[Vec<String>], names: &[&str]) -> Vec<Column> {
    let of = |i: usize| collect(rows, |r| r.get(i).cloned().unwrap_or_default());
    names
        .iter()
        .enumerate()
        .map(|(i, name)| column(name, of(i)))
        .collect()
}

/// One series over sessions.
#[derive(Default)]
struct Course {
    days: Vec<f64>,
    dates: Vec<String>,
    values: Vec<f64>,
    errors: Vec<f64>,
    /// Sessions without a sound value.
    not_measured: u32,
    reps_used: u32,
    reps_left_out: u32,
}

impl Course {
    fn trend(&self, metric: &str) -> Trend {
        let [days, values, errors] =
            [&self.days, &self.values, &self.errors].map(|v| Array1::from(v.clone()));
        trend::trend(&days, &values, &errors, least_difference(metric))
    }
}

/// Trends of a table of [`super::table::by_session`], ascending by series.
///
/// # Errors
/// A column is not there.
pub fn trends(by_session: &DataFrame) -> PolarsResult<DataFrame> {
    let keys = SERIES
        .iter()
        .chain(&["day"])
        .map(|name| by_session.column(name)?.str())
        .collect::<PolarsResult<Vec<_>>>()?;
    let number = |name: &str| by_session.column(name)?.f64();
    let count = |name: &str| by_session.column(name)?.u32();
    let (days, values, errors) = (number("days")?, number("value")?, number("error")?);
    let (used, left_out) = (count("reps_used")?, count("reps_left_out")?);
    let mut courses: BTreeMap<Vec<String>, Course> = BTreeMap::new();
    for row in 0..by_session.height() {
        let mut series: Vec<String> = keys
            .iter()
            .map(|k| k.get(row).unwrap_or_default().to_owned())
            .collect();
        let date = series.pop().unwrap_or_default();
        let course = courses.entry(series).or_default();
        course.reps_used += used.get(row).unwrap_or_default();
        course.reps_left_out += left_out.get(row).unwrap_or_default();
        let (Some(day), Some(value), Some(error)) =
            (days.get(row), values.get(row), errors.get(row))
        else {
            course.not_measured += 1;
            continue;
        };
        course.days.push(day);
        course.dates.push(date);
        course.values.push(value);
        course.errors.push(error);
    }
    let (series, courses): (Vec<Vec<String>>, Vec<Course>) = courses.into_iter().unzip();
    let trends: Vec<Trend> = series
        .iter()
        .zip(&courses)
        .map(|(series, course)| course.trend(series.get(METRIC).map_or("", String::as_str)))
        .collect();
    let mut columns = names(&series, &SERIES);
    columns.extend([
        column("sessions", collect(&courses, |c| c.values.len() as u32)),
        column(
            "sessions_not_measured",
            collect(&courses, |c| c.not_measured),
        ),
        column("from", collect(&courses, |c| c.dates.first().cloned())),
        column("to", collect(&courses, |c| c.dates.last().cloned())),
        column("first", collect(&courses, |c| c.values.first().copied())),
        column("last", collect(&courses, |c| c.values.last().copied())),
        column("slope_per_week", collect(&trends, |t| t.slope_per_week)),
        column("slope_low", collect(&trends, |t| t.interval.map(|i| i.0))),
        column("slope_high", collect(&trends, |t| t.interval.map(|i| i.1))),
        column("change", collect(&trends, |t| t.change)),
        column(
            "detectable",
            collect(&trends, |t| Some(t.detectable).filter(|d| d.is_finite())),
        ),
        column("trend", collect(&trends, |t| t.direction.words())),
        column("reps_used", collect(&courses, |c| c.reps_used)),
        column("reps_left_out", collect(&courses, |c| c.reps_left_out)),
    ]);
    DataFrame::new(series.len(), columns)
}

/// Contrasts as a table.
///
/// # Errors
/// Columns that do not fit; there are none.
pub fn contrasts(rows: &[Contrast]) -> PolarsResult<DataFrame> {
    let series = collect(rows, |c| c.series.clone());
    let mut columns = names(&series, &SERIES);
    columns.extend([
        column("lighter_kg", collect(rows, |c| c.lighter_kg)),
        column("heavier_kg", collect(rows, |c| c.heavier_kg)),
        column("difference", collect(rows, |c| c.difference)),
        column("detectable", collect(rows, |c| c.detectable)),
        column("sessions", collect(rows, |c| c.sessions as u32)),
        column(
            "sessions_beyond",
            collect(rows, |c| c.sessions_beyond as u32),
        ),
        column("contrast", collect(rows, Contrast::words)),
    ]);
    DataFrame::new(rows.len(), columns)
}

fn keyed<T>(rows: BTreeMap<Key, T>) -> (Vec<Vec<String>>, Vec<T>) {
    let rows = rows.into_iter();
    rows.map(|(key, value)| (key.to_vec(), value)).unzip()
}

/// Weekly doses as a table.
///
/// # Errors
/// Columns that do not fit; there are none.
pub fn doses(rows: BTreeMap<Key, Dose>) -> PolarsResult<DataFrame> {
    let (keys, rows) = keyed(rows);
    let mut columns = names(&keys, &["origin", "week", "exercise", "side"]);
    columns.extend([
        column("sessions", collect(&rows, |d| d.sessions as u32)),
        column("sets", collect(&rows, |d| d.sets)),
        column("prescribed_sets", collect(&rows, |d| d.prescribed_sets)),
        column("adherence_percent", collect(&rows, Dose::adherence_percent)),
        column("reps", collect(&rows, |d| d.reps)),
        column("volume_kg", collect(&rows, |d| d.volume_kg)),
        column("sets_without_load", collect(&rows, |d| d.sets_without_load)),
        column("other_sets", collect(&rows, |d| d.other_sets)),
    ]);
    columns.extend(limits(&rows, |d: &Dose| d.limits));
    DataFrame::new(rows.len(), columns)
}

/// The calendar as a table.
///
/// # Errors
/// Columns that do not fit; there are none.
pub fn calendar(rows: BTreeMap<Key, RegionLoad>) -> PolarsResult<DataFrame> {
    let (keys, rows) = keyed(rows);
    let mut columns = names(&keys, &["origin", "day", "region", "side"]);
    columns.extend([
        column("sets", collect(&rows, |d| d.sets)),
        column("reps", collect(&rows, |d| d.reps)),
        column("volume_kg", collect(&rows, |d| d.volume_kg)),
        column("sets_without_load", collect(&rows, |d| d.sets_without_load)),
    ]);
    DataFrame::new(rows.len(), columns)
}

fn missing(name: &str) -> PolarsError {
    PolarsError::NoData(format!("an empty cell in column {name}").into())
}

/// A text and a number of a row, that are always there.
struct Rows<'t>(&'t DataFrame);

impl Rows<'_> {
    fn text(&self, name: &str, row: usize) -> PolarsResult<String> {
        let cell = self.0.column(name)?.str()?.get(row);
        cell.map(str::to_owned).ok_or_else(|| missing(name))
    }

    fn limits(&self, row: usize) -> PolarsResult<[u32; 5]> {
        let mut checks = [0; 5];
        for (count, name) in checks.iter_mut().zip(LIMITS) {
            *count = self.count(name, row)?;
        }
        Ok(checks)
    }

    fn count(&self, name: &str, row: usize) -> PolarsResult<u32> {
        self.0
            .column(name)?
            .u32()?
            .get(row)
            .ok_or_else(|| missing(name))
    }
}

/// Sets of a table of sets.
///
/// # Errors
/// A column or value is not there.
pub fn done(sets: &DataFrame) -> PolarsResult<Vec<Done>> {
    let rows = Rows(sets);
    let loads = sets.column("load_kg")?.f64()?;
    (0..sets.height())
        .map(|i| {
            Ok(Done {
                origin: rows.text("origin", i)?,
                session: rows.text("session", i)?,
                day: rows.text("day", i)?,
                week: rows.text("week", i)?,
                exercise: rows.text("exercise", i)?,
                side: rows.text("side", i)?,
                role: rows.text("role", i)?,
                load_kg: loads.get(i),
                reps: rows.count("reps", i)?,
                limits: rows.limits(i)?,
            })
        })
        .collect()
}

/// Prescriptions of a table of them.
///
/// # Errors
/// A column or value is not there.
pub fn asked(prescribed: &DataFrame) -> PolarsResult<Vec<Asked>> {
    let rows = Rows(prescribed);
    let days = prescribed.column("days")?.f64()?;
    (0..prescribed.height())
        .map(|i| {
            Ok(Asked {
                origin: rows.text("origin", i)?,
                week: rows.text("week", i)?,
                days: days.get(i).ok_or_else(|| missing("days"))?,
                exercise: rows.text("exercise", i)?,
                side: rows.text("side", i)?,
                sets: rows.count("sets", i)?,
                sessions_per_week: rows.count("sessions_per_week", i)?,
                valid_until: rows.text("valid_until", i)?,
            })
        })
        .collect()
}
