//! Tables to the packets and commands of a session, as if an `imported` sensor had sent them.
//!
//! Packets hold about 50 ms and arrive when their last row was taken. What a packet's bytes look like is
//! given by the caller (`encode`), because only decoders know it.

use super::{LabelledError, table::Table};
use crate::{
    model::{
        body::{Segment, Side},
        command::{Command, SetRole, StopReason},
        packet::{DeviceIndex, Packet, Uuid},
        plan::TrainingSide,
        session::{Origin, Sensor, SessionHeader, SessionId},
        time::HostNs,
    },
    wire::{library, recording::Item},
};

/// Length of a packet, s.
const PACKET_S: f64 = 0.05;
/// The date of other people's recordings is not known; this stands for it.
pub const UNKNOWN_DATE: &str = "1970-01-01T00:00:00Z";

/// What rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Acceleration and rate.
    Imu,
    /// Acceleration.
    Acceleration,
    /// Rate.
    AngularRate,
    /// Heart rate, bpm.
    HeartRate,
    /// Intervals between beats, ms.
    Rr,
}

/// Bytes of a packet of rows (device time ns, values).
pub type Encode = fn(Rows, &[(i64, Vec<f64>)]) -> Box<[u8]>;

/// A table with what it is.
#[derive(Debug, Clone)]
pub struct Source {
    /// File name in messages.
    pub file: String,
    /// Where it was worn.
    pub segment: Segment,
    /// Nominal or measured rate, Hz.
    pub hz: f64,
    /// The table.
    pub table: Table,
}

/// What a set of an imported recording is.
#[derive(Debug, Clone)]
pub struct Labels {
    /// Session id.
    pub session: String,
    /// Client pseudonym.
    pub client: String,
    /// Exercise; `None` = no set is begun.
    pub exercise: Option<String>,
    /// Side; `None` = the only side with sensors, else both.
    pub side: Option<TrainingSide>,
    /// What the set is for.
    pub role: SetRole,
}

const ACCELERATION: [&str; 3] = ["ax", "ay", "az"];
const RATE: [&str; 3] = ["gx", "gy", "gz"];

/// Header and items of a recording.
///
/// # Errors
/// A table without the columns that its kind needs.
pub fn items(
    labels: &Labels,
    sources: &[Source],
    characteristic: Uuid,
    encode: Encode,
) -> Result<(SessionHeader, Vec<Item>), LabelledError> {
    let mut sensors: Vec<Sensor> = Vec::new();
    let mut items = Vec::new();
    let begin_s = sources
        .iter()
        .filter_map(|s| s.table.column("t_s")?.first().copied())
        .fold(f64::INFINITY, f64::min);
    let begin_s = if begin_s.is_finite() {
        begin_s.min(0.0)
    } else {
        0.0
    };
    let mut apart: Vec<(Segment, Rows, DeviceIndex)> = Vec::new();
    for source in sources {
        let (kind, names) = kind(&source.table);
        // Two tables of one place, one of acceleration and one of rates, are one sensor.
        let partner = apart
            .iter()
            .position(|(s, k, _)| *s == source.segment && complements(*k, kind));
        let device = if let Some(i) = partner {
            apart.remove(i).2
        } else {
            sensors.push(sensor(sensors.len(), source));
            DeviceIndex((sensors.len() - 1) as u16)
        };
        apart.push((source.segment, kind, device));
        let columns = source.table.columns(&source.file, &names)?;
        packets(
            &columns,
            kind,
            device,
            begin_s,
            characteristic,
            encode,
            &mut items,
        );
    }
    items.sort_by_key(Item::host);
    if let Some(exercise) = &labels.exercise {
        set(labels, exercise, &sensors, &mut items);
    }
    Ok((header(labels, sensors), items))
}

/// What a table holds, from the columns that it has.
fn kind(table: &Table) -> (Rows, Vec<&'static str>) {
    let has = |names: &[&str]| names.iter().all(|n| table.column(n).is_some());
    let with_time = |names: &[&'static str]| [&["t_s"], names].concat();
    if has(&ACCELERATION) && has(&RATE) {
        (Rows::Imu, with_time(&[ACCELERATION, RATE].concat()))
    } else if has(&RATE) {
        (Rows::AngularRate, with_time(&RATE))
    } else if has(&["bpm"]) {
        (Rows::HeartRate, with_time(&["bpm"]))
    } else if has(&["rr_ms"]) {
        (Rows::Rr, with_time(&["rr_ms"]))
    } else {
        (Rows::Acceleration, with_time(&ACCELERATION))
    }
}

fn complements(a: Rows, b: Rows) -> bool {
    matches!(
        (a, b),
        (Rows::Acceleration, Rows::AngularRate)
            | (Rows::AngularRate, Rows::Acceleration)
            | (Rows::HeartRate, Rows::Rr)
            | (Rows::Rr, Rows::HeartRate)
    )
}

fn sensor(index: usize, source: &Source) -> Sensor {
    Sensor {
        alias: format!("s{}_{}", index + 1, source.segment),
        driver: "imported".into(),
        segment: source.segment,
        confirmed_by: "import".into(),
        nominal_hz: source.hz,
    }
}

fn packets(
    columns: &[&[f64]],
    kind: Rows,
    device: DeviceIndex,
    begin_s: f64,
    characteristic: Uuid,
    encode: Encode,
    items: &mut Vec<Item>,
) {
    let [times, channels @ ..] = columns else {
        return;
    };
    let mut rows: Vec<(i64, Vec<f64>)> = Vec::new();
    let mut flush = |rows: &mut Vec<(i64, Vec<f64>)>| {
        if let Some(last) = rows.last() {
            let host = HostNs(last.0);
            items.push(Item::Packet(Packet {
                device,
                characteristic,
                host,
                bytes: encode(kind, rows),
            }));
            rows.clear();
        }
    };
    for (i, t_s) in times.iter().enumerate() {
        if !t_s.is_finite() {
            continue;
        }
        let t_ns = ((t_s - begin_s) * 1e9).round() as i64;
        if rows
            .first()
            .is_some_and(|first| (t_ns - first.0) as f64 * 1e-9 >= PACKET_S)
        {
            flush(&mut rows);
        }
        rows.push((t_ns, channels.iter().map(|c| c[i]).collect()));
    }
    flush(&mut rows);
}

/// The whole recording is one set.
fn set(labels: &Labels, exercise: &str, sensors: &[Sensor], items: &mut Vec<Item>) {
    let (Some(first), Some(last)) = (items.first().map(Item::host), items.last().map(Item::host))
    else {
        return;
    };
    let start = Command::StartSet {
        exercise: exercise.to_owned(),
        side: labels.side.unwrap_or_else(|| side(sensors)),
        role: labels.role.clone(),
        load_kg: None,
    };
    items.insert(0, Item::Command(first, start));
    items.push(Item::Command(
        last,
        Command::EndSet {
            reason: StopReason::Completed,
        },
    ));
}

/// The side that all limb sensors are on, else both.
fn side(sensors: &[Sensor]) -> TrainingSide {
    let sides: Vec<_> = sensors.iter().filter_map(|s| s.segment.side()).collect();
    match sides.first() {
        Some(Side::Left) if sides.iter().all(|s| *s == Side::Left) => TrainingSide::Left,
        Some(Side::Right) if sides.iter().all(|s| *s == Side::Right) => TrainingSide::Right,
        _ => TrainingSide::Both,
    }
}

fn header(labels: &Labels, sensors: Vec<Sensor>) -> SessionHeader {
    SessionHeader {
        schema: "plimsoll-session/1".into(),
        session: SessionId(labels.session.clone()),
        client: labels.client.clone(),
        origin: Origin::Imported,
        started_at: UNKNOWN_DATE.into(),
        started_host: HostNs(0),
        sensors,
        plan_sha256: None,
        plan_label: None,
        baselines: Vec::new(),
        software: env!("CARGO_PKG_VERSION").into(),
        library_sha256: library::sha256(),
    }
}
