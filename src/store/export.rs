//! Tables of a session as CSV or Parquet: samples a stream, repetitions, findings.
//!
//! Units stand in the column names. Each file is written under another name, made durable, then renamed.

use super::{Store, StoreError};
use crate::model::{
    event::Event,
    finding::Finding,
    rep::{Measured, Rep, Stage},
    sample::{Sample, StreamId, StreamKind},
    session::SessionId,
    time::SessionNs,
};
use polars::prelude::{Column, CsvWriter, DataFrame, ParquetWriter, PolarsError, SerWriter};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// A format of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Comma-separated values.
    Csv,
    /// Parquet.
    Parquet,
}

impl From<PolarsError> for StoreError {
    fn from(e: PolarsError) -> Self {
        Self::Table(e.to_string())
    }
}

pub(super) fn export(
    store: &Store,
    session: &SessionId,
    format: ExportFormat,
    dir: &Path,
) -> Result<Vec<PathBuf>, StoreError> {
    let info = store.session(session)?;
    fs::create_dir_all(dir).map_err(|reason| StoreError::Folder {
        dir: dir.to_owned(),
        reason,
    })?;
    let mut written = Vec::new();
    let mut write = |name: &str, frame: DataFrame| -> Result<(), StoreError> {
        written.push(whole(dir, &format!("{}_{name}", session.0), format, frame)?);
        Ok(())
    };
    for stream in store.streams(session)? {
        let samples = store.stream(session, stream, SessionNs(i64::MIN), SessionNs(i64::MAX))?;
        let alias = info
            .header
            .sensors
            .get(usize::from(stream.device.0))
            .map_or("sensor", |s| s.alias.as_str());
        write(
            &format!("{alias}_{}", stream.kind.as_str()),
            samples_table(stream, &samples)?,
        )?;
    }
    let (mut reps, mut findings) = (Vec::new(), Vec::new());
    for event in store.events(session)? {
        match event.event {
            Event::Rep(rep) if rep.stage == Stage::Final => reps.push(rep),
            Event::Finding(finding) => findings.push(finding),
            _ => {}
        }
    }
    write("reps", reps_table(&reps)?)?;
    write("measurements", measurements_table(&reps)?)?;
    write("findings", findings_table(&findings)?)?;
    Ok(written)
}

fn channels(kind: StreamKind) -> &'static [&'static str] {
    match kind {
        StreamKind::Imu => &[
            "ax_m_s2", "ay_m_s2", "az_m_s2", "gx_rad_s", "gy_rad_s", "gz_rad_s",
        ],
        StreamKind::Acc => &["ax_m_s2", "ay_m_s2", "az_m_s2"],
        StreamKind::HeartRate => &["heart_rate_bpm"],
        StreamKind::Rr => &["rr_ms"],
        StreamKind::Ecg => &["ecg_uv"],
        StreamKind::Battery => &["battery_percent"],
    }
}

fn table(rows: usize, columns: Vec<Column>) -> Result<DataFrame, StoreError> {
    Ok(DataFrame::new(rows, columns)?)
}

fn column<'a, T, R>(name: &str, rows: &'a [R], value: impl Fn(&'a R) -> T) -> Column
where
    Vec<T>: Cells,
{
    rows.iter().map(value).collect::<Vec<T>>().column(name)
}

/// What a column can be made of.
trait Cells {
    fn column(self, name: &str) -> Column;
}

macro_rules! cells {
    ($($t:ty),*) => {$(
        impl Cells for Vec<$t> {
            fn column(self, name: &str) -> Column {
                Column::new(name.into(), self)
            }
        }
    )*};
}
cells!(i64, u32, f32, f64, bool, String, Option<f64>, Option<u32>);

fn samples_table(stream: StreamId, samples: &[Sample]) -> Result<DataFrame, StoreError> {
    let mut columns = vec![
        column("t_ns", samples, |s| s.t.0),
        column("t_s", samples, |s| s.t.seconds()),
        column("quality", samples, |s| u32::from(s.quality.0)),
    ];
    for (i, name) in channels(stream.kind).iter().enumerate() {
        columns.push(column(name, samples, |s| s.values[i]));
    }
    table(samples.len(), columns)
}

fn reps_table(reps: &[Rep]) -> Result<DataFrame, StoreError> {
    let phase =
        |pick: fn(&crate::model::rep::Phases) -> f64| move |r: &Rep| r.phases.as_ref().map(pick);
    table(
        reps.len(),
        vec![
            column("set", reps, |r| r.set),
            column("rep", reps, |r| r.number),
            column("start_s", reps, |r| r.start.seconds()),
            column("turn_s", reps, |r| r.turn.seconds()),
            column("end_s", reps, |r| r.end.seconds()),
            column("partial", reps, |r| r.partial),
            column("eccentric_s", reps, phase(|p| p.eccentric_s)),
            column("pause_stretched_s", reps, phase(|p| p.pause_stretched_s)),
            column("concentric_s", reps, phase(|p| p.concentric_s)),
            column("pause_shortened_s", reps, phase(|p| p.pause_shortened_s)),
            column("velocity_loss_percent", reps, |r| r.velocity_loss_percent),
        ],
    )
}

fn measurements_table(reps: &[Rep]) -> Result<DataFrame, StoreError> {
    let rows: Vec<_> = reps
        .iter()
        .flat_map(|r| r.measurements.iter().map(move |m| (r, m)))
        .collect();
    let value = |pick: fn(&Measured) -> Option<f64>| {
        move |row: &(&Rep, &crate::model::rep::Measurement)| pick(&row.1.measured)
    };
    table(
        rows.len(),
        vec![
            column("set", &rows, |r| r.0.set),
            column("rep", &rows, |r| r.0.number),
            column("metric", &rows, |r| r.1.metric.facts().id.to_owned()),
            column("unit", &rows, |r| r.1.metric.facts().unit.to_owned()),
            column(
                "min",
                &rows,
                value(|m| {
                    if let Measured::Value { min, .. } = m {
                        Some(*min)
                    } else {
                        None
                    }
                }),
            ),
            column(
                "max",
                &rows,
                value(|m| {
                    if let Measured::Value { max, .. } = m {
                        Some(*max)
                    } else {
                        None
                    }
                }),
            ),
            column(
                "at_turn",
                &rows,
                value(|m| {
                    if let Measured::Value { at_turn, .. } = m {
                        Some(*at_turn)
                    } else {
                        None
                    }
                }),
            ),
            column(
                "error",
                &rows,
                value(|m| {
                    if let Measured::Value { error, .. } = m {
                        Some(*error)
                    } else {
                        None
                    }
                }),
            ),
            column("missing", &rows, |r| match r.1.measured {
                Measured::Missing { why } => word(&why),
                Measured::Value { .. } => String::new(),
            }),
        ],
    )
}

fn findings_table(findings: &[Finding]) -> Result<DataFrame, StoreError> {
    table(
        findings.len(),
        vec![
            column("id", findings, |f| f.id as i64),
            column("t_s", findings, |f| f.t.seconds()),
            column("set", findings, |f| f.set),
            column("rep", findings, |f| f.rep),
            column("stage", findings, |f| word(&f.stage)),
            column("code", findings, |f| f.code.clone()),
            column("kind", findings, |f| word(&f.kind)),
            column("metric", findings, |f| f.metric.facts().id.to_owned()),
            column("unit", findings, |f| f.metric.facts().unit.to_owned()),
            column("verdict", findings, |f| word(&f.verdict)),
            column("severity", findings, |f| word(&f.severity)),
            column("value", findings, |f| f.value),
            column("error", findings, |f| f.error),
            column("min", findings, |f| f.min),
            column("max", findings, |f| f.max),
            column("guard", findings, |f| f.guard),
            column("source", findings, |f| word(&f.source)),
        ],
    )
}

/// The word that files use for a value of the vocabulary.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|v| v.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn whole(
    dir: &Path,
    name: &str,
    format: ExportFormat,
    mut frame: DataFrame,
) -> Result<PathBuf, StoreError> {
    let extension = match format {
        ExportFormat::Csv => "csv",
        ExportFormat::Parquet => "parquet",
    };
    let path = dir.join(format!("{name}.{extension}"));
    let part = dir.join(format!(".{name}.{extension}.part"));
    let written = (|| {
        let mut file = fs::File::create(&part).map_err(|e| StoreError::Table(e.to_string()))?;
        match format {
            ExportFormat::Csv => CsvWriter::new(&mut file).finish(&mut frame)?,
            ExportFormat::Parquet => drop(ParquetWriter::new(&mut file).finish(&mut frame)?),
        }
        let end = |e: std::io::Error| StoreError::Table(format!("{}: {e}", path.display()));
        file.flush().map_err(end)?;
        file.sync_all().map_err(end)?;
        fs::rename(&part, &path).map_err(end)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written.map(|()| path)
}
