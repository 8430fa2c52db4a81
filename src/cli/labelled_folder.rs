//! A folder of the labelled layout, read into a session as if its sensors had sent it.

use super::Usage;
use crate::{
    decode::imported,
    model::{body::Segment, command::SetRole, plan::TrainingSide, session::SessionHeader},
    wire::{
        labelled::{
            self, Meta,
            items::{Labels, Rows, Source, items},
            table::Table,
        },
        recording::Item,
    },
};
use anyhow::Result;
use std::{fs, path::Path};

/// A labelled recording, as a session and as labels.
pub(super) struct Folder {
    pub meta: Meta,
    pub header: SessionHeader,
    pub items: Vec<Item>,
}

/// What the caller knows better than `meta.json`.
#[derive(Debug, Clone, Default)]
pub(super) struct Wishes {
    pub client: Option<String>,
    pub exercise: Option<String>,
    pub side: Option<TrainingSide>,
    pub role: Option<SetRole>,
}

/// Reads `meta.json` of a folder.
pub(super) fn meta(dir: &Path) -> Result<Meta> {
    let file = dir.join("meta.json");
    let text = fs::read_to_string(&file)
        .map_err(|e| Usage(format!("failed to read {}: {e}", file.display())))?;
    Ok(labelled::meta(&file.display().to_string(), &text).map_err(|e| Usage(e.to_string()))?)
}

/// Reads a folder.
pub(super) fn read(dir: &Path, wishes: &Wishes) -> Result<Folder> {
    let meta = meta(dir)?;
    let mut sources = Vec::new();
    for sensor in &meta.sensors {
        let Some(name) = &sensor.segment else {
            continue;
        };
        let segment: Segment = name
            .parse()
            .map_err(|e| Usage(format!("{}: {e}", dir.join("meta.json").display())))?;
        let hz = sensor.measured_hz.or(sensor.nominal_hz).unwrap_or(0.0);
        sources.push(source(&dir.join(&sensor.file), segment, hz)?);
    }
    for name in ["hr.csv", "rr.csv"] {
        let file = dir.join(name);
        if file.is_file() {
            sources.push(source(&file, Segment::Chest, 0.0)?);
        }
    }
    let labels = Labels {
        session: session_id(&meta),
        client: wishes
            .client
            .clone()
            .or_else(|| meta.subject.clone())
            .unwrap_or_else(|| "unknown".into()),
        exercise: Some(
            wishes
                .exercise
                .clone()
                .unwrap_or_else(|| meta.exercise.clone()),
        ),
        side: wishes.side,
        role: wishes.role.clone().unwrap_or(SetRole::Working),
    };
    let (header, items) = items(&labels, &sources, imported::CHARACTERISTIC, encode)
        .map_err(|e| Usage(e.to_string()))?;
    Ok(Folder {
        meta,
        header,
        items,
    })
}

/// Reads one table.
pub(super) fn source(file: &Path, segment: Segment, hz: f64) -> Result<Source> {
    let name = file.display().to_string();
    let bytes = fs::read(file).map_err(|e| Usage(format!("failed to read {name}: {e}")))?;
    let table = Table::read(&name, &bytes).map_err(|e| Usage(e.to_string()))?;
    Ok(Source {
        file: name,
        segment,
        hz,
        table,
    })
}

/// A packet of the `imported` family.
pub(super) fn encode(rows: Rows, values: &[(i64, Vec<f64>)]) -> Box<[u8]> {
    let kind = match rows {
        Rows::Imu => imported::Kind::Imu,
        Rows::Acceleration => imported::Kind::Acc,
        Rows::AngularRate => imported::Kind::Gyro,
        Rows::HeartRate => imported::Kind::HeartRate,
        Rows::Rr => imported::Kind::Rr,
    };
    let rows: Vec<_> = values.iter().map(|(t, v)| (*t, v.as_slice())).collect();
    imported::encode(kind, &rows)
}

/// Letters, digits, `-` and `_` of dataset and recording.
fn session_id(meta: &Meta) -> String {
    let text = format!("{}-{}", meta.dataset, meta.id);
    let clean: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        })
        .collect();
    clean.chars().take(60).collect()
}
