//! Is everything there that the windows' tables of contents name, and can it be read.
//!
//! Every problem is one line for a person. A batch that never arrived is a problem here too: the
//! session is incomplete, even if the analysis already knows and said so.

use super::{
    StoreError, audit,
    embedded::{Embedded, known, read_event},
    samples,
};
use crate::{
    model::{
        sample::StreamId,
        session::SessionId,
        time::SessionNs,
        window::{BatchRef, Manifest},
    },
    wire::payload,
};
use rusqlite::{Connection, Row};
use std::{collections::BTreeMap, path::Path};

/// What a session holds and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Windows.
    pub windows: u64,
    /// Samples that can be read.
    pub samples: u64,
    /// Events that can be read.
    pub events: u64,
    /// What is missing or damaged; empty = nothing.
    pub problems: Vec<String>,
    /// What retention removed, and when: not missing.
    pub removed: Vec<String>,
}

/// Sequence numbers `[first, end)` without a hole.
type Run = (u64, u64);

/// The whole store, checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// What is wrong with the database itself; empty = nothing.
    pub database: Vec<String>,
    /// Sessions in the order in which they began here.
    pub sessions: Vec<(SessionId, Report)>,
}

impl Checked {
    /// Number of problems.
    #[must_use]
    pub fn problems(&self) -> usize {
        let of_sessions = self.sessions.iter().map(|(_, r)| r.problems.len());
        self.database.len() + of_sessions.sum::<usize>()
    }
}

impl Embedded {
    pub(super) fn verify(&self, session: &SessionId) -> Result<Report, StoreError> {
        let mut report = self.verify_rows(session)?;
        let mut problems = integrity(&self.db)?;
        problems.append(&mut report.problems);
        report.problems = problems;
        Ok(report)
    }

    /// Checks every checksum there is. Damage that stops the reading of something is a problem of its own and does not
    /// keep the rest from being checked; `each` sees a session as soon as it is.
    pub(super) fn verify_all(
        &self,
        mut each: impl FnMut(&SessionId, &Report),
    ) -> Result<Checked, StoreError> {
        let mut all = Checked::default();
        match integrity(&self.db) {
            Ok(problems) => all.database = problems,
            Err(StoreError::Damaged(what)) => all.database.push(format!("database: {what}")),
            Err(e) => return Err(e),
        }
        let mut statement = self.db.prepare("SELECT id FROM sessions ORDER BY number")?;
        let ids: Result<Vec<String>, _> = statement.query_map([], |r| r.get(0))?.collect();
        let ids = match ids.map_err(StoreError::from) {
            Ok(ids) => ids,
            Err(StoreError::Damaged(what)) => {
                all.database.push(format!("the list of sessions: {what}"));
                return Ok(all);
            }
            Err(e) => return Err(e),
        };
        for id in ids.into_iter().map(SessionId) {
            let report = match self.verify_rows(&id) {
                Ok(report) => report,
                Err(e @ StoreError::Damaged(_)) => Report {
                    problems: vec![e.to_string()],
                    ..Report::default()
                },
                Err(e) => return Err(e),
            };
            each(&id, &report);
            all.sessions.push((id, report));
        }
        Ok(all)
    }

    fn verify_rows(&self, session: &SessionId) -> Result<Report, StoreError> {
        let view = self.snapshot()?;
        let known = known(&view, session)?;
        let mut report = Report::default();
        beginning(&view, known.number, &mut report)?;
        let named = windows(&view, known.number, known.closed, &mut report)?;
        for (what, at) in [
            ("samples", &known.raw_removed_at),
            ("repetitions and findings", &known.derived_removed_at),
        ] {
            if let Some(at) = at {
                report.removed.push(format!("{what} removed at {at}"));
            }
        }
        let mut stored = BTreeMap::new();
        for stream in samples::streams(&view, known.number)? {
            let runs = stored_runs(
                &view,
                &self.folder(session),
                known.number,
                stream,
                &mut report,
            )?;
            stored.insert(stream, runs);
        }
        if known.raw_removed_at.is_none() {
            compare(&named, &stored, &mut report);
        }
        events(&view, known.number, &mut report)?;
        Ok(report)
    }
}

/// What the database finds wrong with its own pages and references.
fn integrity(db: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = db.prepare("PRAGMA integrity_check")?;
    let lines = statement.query_map([], |r| r.get::<_, String>(0))?;
    let mut problems = Vec::new();
    for line in lines {
        let line = line?;
        if line != "ok" {
            problems.push(format!("database: {line}"));
        }
    }
    let mut statement = db.prepare("PRAGMA foreign_key_check")?;
    let rows = statement.query_map([], |r| r.get::<_, String>(0))?;
    for table in rows {
        problems.push(format!("database: {} has rows of no session", table?));
    }
    problems.extend(audit::broken(db)?);
    Ok(problems)
}

/// Header and plan.
fn beginning(db: &Connection, session: i64, report: &mut Report) -> Result<(), StoreError> {
    let sql = "SELECT coalesce(crc32 = crc32(header || coalesce(plan_text, '')), 1)
        FROM sessions WHERE number = ?1";
    let sound: bool = db.prepare(sql)?.query_row([session], |r| r.get(0))?;
    if !sound {
        let what = "the session's header or plan is not what was written";
        report.problems.push(what.to_owned());
    }
    Ok(())
}

/// Batches that the windows name, by stream.
fn windows(
    db: &Connection,
    session: i64,
    closed: bool,
    report: &mut Report,
) -> Result<BTreeMap<StreamId, Vec<BatchRef>>, StoreError> {
    let mut statement = db.prepare(
        "SELECT idx, manifest, coalesce(crc32 = crc32(manifest), 1)
         FROM windows WHERE session = ?1 ORDER BY idx",
    )?;
    let rows = statement.query_map([session], numbered_row)?;
    let mut named: BTreeMap<StreamId, Vec<BatchRef>> = BTreeMap::new();
    let (mut next, mut last) = (0, false);
    for row in rows {
        let (index, json, sound) = row?;
        if index > next {
            report
                .problems
                .push(format!("windows {next} to {} are missing", index - 1));
        }
        next = index.saturating_add(1);
        report.windows += 1;
        if !sound {
            let what = format!("window {index} is not what was written");
            report.problems.push(what);
            continue;
        }
        match payload::decode_manifest(json.as_bytes()) {
            Ok(Manifest {
                index: i,
                batches,
                last: l,
                ..
            }) if i == index => {
                last = l;
                for batch in batches {
                    named.entry(batch.stream).or_default().push(batch);
                }
            }
            Ok(other) => {
                report
                    .problems
                    .push(format!("window {index} holds window {}", other.index));
            }
            Err(e) => report.problems.push(format!("window {index}: {e}")),
        }
    }
    if closed && !last {
        report
            .problems
            .push("the session is closed without its last window".to_owned());
    }
    Ok(named)
}

fn stored_runs(
    db: &Connection,
    folder: &Path,
    session: i64,
    stream: StreamId,
    report: &mut Report,
) -> Result<Vec<Run>, StoreError> {
    let mut runs: Vec<Run> = Vec::new();
    match samples::archived(db, folder, session, stream) {
        Ok(rows) => {
            for (sequence, _) in rows.unwrap_or_default() {
                extend(
                    &mut runs,
                    (sequence, sequence.saturating_add(1)),
                    stream,
                    report,
                );
            }
        }
        Err(e) => report.problems.push(e.to_string()),
    }
    let (first, last) = (SessionNs(i64::MIN), SessionNs(i64::MAX));
    for batch in samples::batches(db, session, stream, first, last)? {
        match batch {
            Ok(batch) => {
                let end = batch
                    .first_sequence
                    .saturating_add(batch.samples.len() as u64);
                extend(&mut runs, (batch.first_sequence, end), stream, report);
            }
            Err(e) => report.problems.push(e.to_string()),
        }
    }
    report.samples += runs.iter().map(|(first, end)| end - first).sum::<u64>();
    Ok(runs)
}

/// Adds a run that begins no earlier than the last one did.
fn extend(runs: &mut Vec<Run>, run: Run, stream: StreamId, report: &mut Report) {
    match runs.last_mut() {
        Some(last) if run.0 <= last.1 => {
            if run.0 < last.1 {
                report
                    .problems
                    .push(format!("{} from {} are stored twice", name(stream), run.0));
            }
            last.1 = last.1.max(run.1);
        }
        _ => runs.push(run),
    }
}

fn compare(
    named: &BTreeMap<StreamId, Vec<BatchRef>>,
    stored: &BTreeMap<StreamId, Vec<Run>>,
    report: &mut Report,
) {
    let problems = &mut report.problems;
    for (stream, batches) in named {
        let runs = stored.get(stream).map_or(&[][..], Vec::as_slice);
        let mut next = 0;
        for batch in batches {
            let run = (
                batch.first_sequence,
                batch.first_sequence.saturating_add(batch.count.into()),
            );
            if run.0 != next {
                problems.push(format!(
                    "{}: {} follows {next} in the windows",
                    name(*stream),
                    run.0
                ));
            }
            next = run.1;
            // Runs ascend: the one that could hold it is the last that begins before it.
            let before = runs.partition_point(|r| r.0 <= run.0);
            if before == 0 || runs[before - 1].1 < run.1 {
                let last = run.1.saturating_sub(1);
                problems.push(format!("{} {} to {last} are missing", name(*stream), run.0));
            }
        }
    }
    for (stream, runs) in stored {
        let end = named.get(stream).and_then(|b| b.last());
        let end = end.map_or(0, |b| b.first_sequence.saturating_add(b.count.into()));
        if let Some(beyond) = runs.last().filter(|r| r.1 > end) {
            problems.push(format!(
                "{} up to {} are in no window",
                name(*stream),
                beyond.1 - 1
            ));
        }
    }
}

fn events(db: &Connection, session: i64, report: &mut Report) -> Result<(), StoreError> {
    let sql = "SELECT sequence, event, coalesce(crc32 = crc32(event), 1)
        FROM events WHERE session = ?1 ORDER BY sequence";
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([session], numbered_row)?;
    let mut next = 0;
    for row in rows {
        let (sequence, json, sound) = row?;
        if sequence > next {
            report
                .problems
                .push(format!("events {next} to {} are missing", sequence - 1));
        }
        next = sequence.saturating_add(1);
        if !sound {
            let what = format!("event {sequence} is not what was written");
            report.problems.push(what);
            continue;
        }
        match read_event(&json) {
            Ok(event) if event.sequence == sequence => report.events += 1,
            Ok(event) => {
                report
                    .problems
                    .push(format!("event {sequence} holds event {}", event.sequence));
            }
            Err(e) => report.problems.push(format!("event {sequence}: {e}")),
        }
    }
    Ok(())
}

/// A numbered text, and whether its checksum holds. What is no text any more is not what was written either.
fn numbered_row(row: &Row) -> rusqlite::Result<(u64, String, bool)> {
    let number = row.get::<_, i64>(0)?.cast_unsigned();
    match row.get::<_, String>(1) {
        Ok(text) => Ok((number, text, row.get(2)?)),
        Err(_) => Ok((number, String::new(), false)),
    }
}

fn name(stream: StreamId) -> String {
    format!("samples of {} {}", stream.device.0, stream.kind.as_str())
}
