//! Samples, repetitions and findings as columns with their units in the names. Times in seconds and
//! nanoseconds of the session's clock.

use super::StoreError;
use crate::model::{
    event::{Event, Numbered},
    finding::Finding,
    metric::Metric,
    packet::DeviceIndex,
    rep::{Measured, Rep, Speed},
    sample::{Quality, Sample, StreamId, StreamKind},
    time::SessionNs,
};
use polars::prelude::{Column, DataFrame, NamedFrom, PolarsError};
use serde::Serialize;

impl From<PolarsError> for StoreError {
    fn from(error: PolarsError) -> Self {
        StoreError::Table(error.to_string())
    }
}

fn column<T, P: ?Sized>(name: &str, values: T) -> Column
where
    polars::prelude::Series: NamedFrom<T, P>,
{
    Column::new(name.into(), values)
}

/// One row a sample: `sequence`, `t_s`, `t_ns`, the channels, `quality` (marks as bits).
pub(super) fn samples(kind: StreamKind, rows: &[(u64, Sample)]) -> Result<DataFrame, StoreError> {
    let mut columns = vec![
        column("sequence", rows.iter().map(|r| r.0).collect::<Vec<_>>()),
        column(
            "t_s",
            rows.iter().map(|r| r.1.t.seconds()).collect::<Vec<_>>(),
        ),
        column("t_ns", rows.iter().map(|r| r.1.t.0).collect::<Vec<_>>()),
    ];
    for (i, name) in kind.channel_names().iter().enumerate() {
        columns.push(column(
            name,
            rows.iter().map(|r| r.1.values[i]).collect::<Vec<_>>(),
        ));
    }
    let quality: Vec<u32> = rows.iter().map(|r| r.1.quality.0.into()).collect();
    columns.push(column("quality", quality));
    Ok(DataFrame::new(rows.len(), columns)?)
}

/// Samples back from their table.
pub(super) fn read_samples(
    stream: StreamId,
    table: &DataFrame,
) -> Result<Vec<(u64, Sample)>, StoreError> {
    let sequence = table.column("sequence")?.u64()?;
    let times = table.column("t_ns")?.i64()?;
    let quality = table.column("quality")?.u32()?;
    let mut rows: Vec<(u64, Sample)> = Vec::with_capacity(table.height());
    for ((sequence, t), quality) in sequence.iter().zip(times.iter()).zip(quality.iter()) {
        let (Some(sequence), Some(t), Some(quality)) = (sequence, t, quality) else {
            return Err(StoreError::Damaged(
                "an empty cell in a table of samples".to_owned(),
            ));
        };
        let sample = Sample {
            stream,
            t: SessionNs(t),
            values: [0.0; 6],
            quality: Quality(quality as u8),
        };
        rows.push((sequence, sample));
    }
    for (i, name) in stream.kind.channel_names().iter().enumerate() {
        for (row, value) in rows.iter_mut().zip(table.column(name)?.f32()?.iter()) {
            row.1.values[i] = value
                .ok_or_else(|| StoreError::Damaged(format!("an empty cell in column {name}")))?;
        }
    }
    Ok(rows)
}

/// The name that a value without fields has on the bus.
fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// A UCUM unit as the end of a column's name.
fn unit_suffix(unit: &str) -> &'static str {
    match unit {
        "deg" => "_deg",
        "deg/s" => "_deg_s",
        "%" => "_percent",
        "s" => "_s",
        "[g]" => "_g",
        "/min" => "_per_min",
        "kg" => "_kg",
        "{score}" => "_score",
        "{count}" => "_count",
        _ => "",
    }
}

fn collect<R, T>(rows: &[R], get: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(get).collect()
}

/// One row a repetition and stage, in the order said; for each measured metric its values with unit,
/// and why one is missing.
pub(super) fn reps(events: &[Numbered]) -> Result<DataFrame, StoreError> {
    let rows: Vec<(u64, &Rep)> = events
        .iter()
        .filter_map(|e| match &e.event {
            Event::Rep(rep) => Some((e.sequence, rep)),
            _ => None,
        })
        .collect();
    let phase = |get: fn(&crate::model::rep::Phases) -> Option<f64>| {
        collect(&rows, |r| r.1.phases.as_ref().and_then(get))
    };
    let speed =
        |get: fn(&Speed) -> Option<f64>| collect(&rows, |r| r.1.speed.as_ref().and_then(get));
    let mut columns = vec![
        column("event_sequence", collect(&rows, |r| r.0)),
        column("set", collect(&rows, |r| r.1.set)),
        column("rep", collect(&rows, |r| r.1.number)),
        column("stage", collect(&rows, |r| word(&r.1.stage))),
        column("start_s", collect(&rows, |r| r.1.start.seconds())),
        column("turn_s", collect(&rows, |r| r.1.turn.seconds())),
        column("end_s", collect(&rows, |r| r.1.end.seconds())),
        column("partial", collect(&rows, |r| r.1.partial)),
        column("eccentric_s", phase(|p| Some(p.eccentric_s))),
        column("pause_stretched_s", phase(|p| p.pause_stretched_s)),
        column("concentric_s", phase(|p| Some(p.concentric_s))),
        column("pause_shortened_s", phase(|p| p.pause_shortened_s)),
        column("phase_threshold", phase(|p| Some(p.threshold))),
        column("concentric_speed", speed(|s| Some(s.mean))),
        column("concentric_speed_error", speed(|s| Some(s.error))),
        column("concentric_speed_peak", speed(|s| s.peak)),
        column(
            "concentric_speed_unit",
            collect(&rows, |r| r.1.speed.map(|s| word(&s.unit))),
        ),
        column("velocity_loss_percent", speed(|s| Some(s.loss?.percent))),
        column(
            "velocity_loss_error_percent",
            speed(|s| Some(s.loss?.error_percent)),
        ),
    ];
    for metric in Metric::ALL {
        let measured = collect(&rows, |r| r.1.measured(*metric));
        if measured.iter().any(Option::is_some) {
            columns.extend(measured_columns(*metric, &measured));
        }
    }
    Ok(DataFrame::new(rows.len(), columns)?)
}

fn measured_columns(metric: Metric, rows: &[Option<Measured>]) -> Vec<Column> {
    let facts = metric.facts();
    let feature = |i: usize| {
        collect(rows, |m| match m {
            Some(Measured::Value {
                min,
                max,
                at_turn,
                at_start,
                error,
                range_error,
                ..
            }) => match i {
                0 => Some(*min),
                1 => Some(*max),
                2 => Some(*at_turn),
                3 => Some(*at_start),
                4 => Some(*error),
                _ => *range_error,
            },
            _ => None,
        })
    };
    let names = ["min", "max", "at_turn", "at_start", "error", "range_error"];
    let mut columns: Vec<Column> = names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let name = format!("{}_{name}{}", facts.id, unit_suffix(facts.unit));
            column(&name, feature(i))
        })
        .collect();
    let missing = collect(rows, |m| match m {
        Some(Measured::Missing { why }) => Some(word(why)),
        _ => None,
    });
    columns.push(column(&format!("{}_missing", facts.id), missing));
    columns
}

/// One row a finding, in the order said; `unit` is that of `value`, `error`, `min`, `max` and `guard`.
pub(super) fn findings(events: &[Numbered]) -> Result<DataFrame, StoreError> {
    let rows: Vec<(u64, &Finding)> = events
        .iter()
        .filter_map(|e| match &e.event {
            Event::Finding(finding) => Some((e.sequence, finding)),
            _ => None,
        })
        .collect();
    let columns = vec![
        column("event_sequence", collect(&rows, |r| r.0)),
        column("id", collect(&rows, |r| r.1.id)),
        column("t_s", collect(&rows, |r| r.1.t.seconds())),
        column("t_ns", collect(&rows, |r| r.1.t.0)),
        column("set", collect(&rows, |r| r.1.set)),
        column("rep", collect(&rows, |r| r.1.rep)),
        column("stage", collect(&rows, |r| word(&r.1.stage))),
        column("code", collect(&rows, |r| r.1.code.clone())),
        column("kind", collect(&rows, |r| word(&r.1.kind))),
        column("metric", collect(&rows, |r| word(&r.1.metric))),
        column("unit", collect(&rows, |r| r.1.metric.facts().unit)),
        column("verdict", collect(&rows, |r| word(&r.1.verdict))),
        column("severity", collect(&rows, |r| word(&r.1.severity))),
        column("action", collect(&rows, |r| word(&r.1.action))),
        column("value", collect(&rows, |r| r.1.value)),
        column("error", collect(&rows, |r| r.1.error)),
        column("min", collect(&rows, |r| r.1.min)),
        column("max", collect(&rows, |r| r.1.max)),
        column("guard", collect(&rows, |r| r.1.guard)),
        column("source", collect(&rows, |r| word(&r.1.source))),
        column(
            "missing",
            collect(&rows, |r| r.1.missing.as_ref().map(word)),
        ),
    ];
    Ok(DataFrame::new(rows.len(), columns)?)
}

/// Streams are named by these two everywhere in the store.
pub(super) fn stream_of(device: u16, kind: &str) -> Result<StreamId, StoreError> {
    let kind = StreamKind::ALL
        .into_iter()
        .find(|k| k.as_str() == kind)
        .ok_or_else(|| StoreError::Damaged(format!("no kind of stream is called {kind:?}")))?;
    Ok(StreamId {
        device: DeviceIndex(device),
        kind,
    })
}
