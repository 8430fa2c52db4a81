//! What is kept for how long. Nothing is removed unless days are named for its class, and every removal is a row of the
//! audit, in the same transaction.

use super::{
    StoreError,
    archive::give_back,
    audit::{self, Act},
    embedded::{Embedded, known},
};
use crate::model::session::{Origin, SessionHeader, SessionId};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use std::{fs, io, num::NonZeroU32, path::Path};

/// Days that each class of data is kept, from the beginning of its session on. What names no days is kept for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// Header, plan and report, and with them everything else of the session.
    pub record_days: Option<NonZeroU32>,
    /// Repetitions, findings, baselines: everything that was said about the session.
    pub derived_days: Option<NonZeroU32>,
    /// Samples and recordings.
    pub raw_days: Option<NonZeroU32>,
    /// Rows of the audit, from their own day on.
    pub audit_days: Option<NonZeroU32>,
}

/// A class of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataClass {
    /// Samples and recordings.
    Raw,
    /// Repetitions, findings, baselines.
    Derived,
    /// The whole session.
    Record,
}

impl DataClass {
    /// As it is called in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Derived => "derived",
            Self::Record => "record",
        }
    }
}

/// Something whose days are over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Of which session.
    pub session: SessionId,
    /// What of it.
    pub class: DataClass,
    /// How old it is, days.
    pub age_days: i64,
}

/// What retention says about a store today.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outlook {
    /// What goes, in the order of the sessions.
    pub due: Vec<Due>,
    /// Sessions that no days are counted for, and why.
    pub kept: Vec<(SessionId, &'static str)>,
    /// Rows of the audit that go.
    pub audit_rows: u64,
}

/// Whole days from one instant to another.
fn days_between(from: &str, to: Timestamp) -> Option<i64> {
    let from: Timestamp = from.parse().ok()?;
    Some((to.as_second() - from.as_second()).div_euclid(86_400))
}

/// Age of what began at `started_at` when its days are over at `at`; `None` while they are not, or if no days are named or a
/// date cannot be read.
#[must_use]
pub fn overdue(days: Option<NonZeroU32>, started_at: &str, at: &str) -> Option<i64> {
    let age_days = days_between(started_at, at.parse().ok()?)?;
    over(days, age_days).then_some(age_days)
}

fn over(days: Option<NonZeroU32>, age_days: i64) -> bool {
    days.is_some_and(|days| age_days >= i64::from(days.get()))
}

fn now(at: &str) -> Result<Timestamp, StoreError> {
    at.parse()
        .map_err(|_| StoreError::Damaged(format!("the clock says {at:?}, which is no time")))
}

impl Embedded {
    pub(super) fn outlook(&self, retention: &Retention, at: &str) -> Result<Outlook, StoreError> {
        let now = now(at)?;
        let view = self.snapshot()?;
        let mut outlook = Outlook::default();
        let mut statement = view.prepare(
            "SELECT id, header, closed, raw_removed_at IS NOT NULL, derived_removed_at IS NOT NULL
             FROM sessions ORDER BY number",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let session = SessionId(row.get(0)?);
            let header: SessionHeader = serde_json::from_str(&row.get::<_, String>(1)?)
                .map_err(|e| StoreError::Damaged(format!("header of a session: {e}")))?;
            let age_days = days_between(&header.started_at, now);
            let (closed, no_raw, no_derived): (bool, bool, bool) =
                (row.get(2)?, row.get(3)?, row.get(4)?);
            let why = match age_days {
                _ if !closed => Some("it is open: not all of it has come, or it still runs"),
                None => Some("its date cannot be read"),
                // What stands there is not the day it was recorded on.
                _ if header.origin == Origin::Imported => {
                    Some("it is imported: its date is not known")
                }
                Some(_) => None,
            };
            if let Some(why) = why {
                outlook.kept.push((session, why));
                continue;
            }
            let age_days = age_days.unwrap_or_default();
            let mut go = |class| {
                outlook.due.push(Due {
                    session: session.clone(),
                    class,
                    age_days,
                });
            };
            if over(retention.record_days, age_days) {
                go(DataClass::Record);
                continue;
            }
            if over(retention.raw_days, age_days) && !no_raw {
                go(DataClass::Raw);
            }
            if over(retention.derived_days, age_days) && !no_derived {
                go(DataClass::Derived);
            }
        }
        for row in audit::rows(&view)? {
            let age = days_between(&row.at, now);
            outlook.audit_rows += u64::from(age.is_some_and(|a| over(retention.audit_days, a)));
        }
        Ok(outlook)
    }

    /// Files and what was sent elsewhere first: killed in between, the rows are still due and the next time removes the
    /// rest.
    pub(super) fn remove(
        &mut self,
        session: &SessionId,
        class: DataClass,
        act: Act<'_>,
    ) -> Result<(), StoreError> {
        if !known(&self.db, session)?.closed {
            return Err(StoreError::StillOpen(session.0.clone()));
        }
        if class != DataClass::Derived {
            self.remove_points(session)?;
            remove_dir(&self.folder(session))?;
        }
        self.db.pragma_update(None, "secure_delete", "ON")?;
        let transaction = self.writing()?;
        let number = known(&transaction, session)?.number;
        let detail = match class {
            DataClass::Raw => remove_raw(&transaction, number, act.at)?,
            DataClass::Derived => remove_derived(&transaction, number, act.at)?,
            DataClass::Record => remove_record(&transaction, number, session)?,
        };
        let object = audit::hash(&transaction, &session.0)?;
        let action = format!("retention: {} removed", class.as_str());
        audit::note(&transaction, act, &action, &object, &detail)?;
        transaction.commit()?;
        // Space goes back to the system if nobody is in the way; otherwise it is used for what comes.
        let _ = give_back(&self.db);
        Ok(())
    }

    /// A row of the audit for a recording that went, of a session that this store does not have.
    pub(super) fn note_recording(
        &mut self,
        session: &SessionId,
        act: Act<'_>,
    ) -> Result<(), StoreError> {
        let transaction = self.writing()?;
        let object = audit::hash(&transaction, &session.0)?;
        let action = "retention: recording removed";
        audit::note(&transaction, act, action, &object, "")?;
        transaction.commit()?;
        Ok(())
    }

    /// Removes the oldest rows of the audit, and says so in a new one.
    pub(super) fn shorten_audit(
        &mut self,
        days: NonZeroU32,
        act: Act<'_>,
    ) -> Result<u64, StoreError> {
        let now = now(act.at)?;
        let transaction = self.writing()?;
        let old = |row: &audit::AuditRow| {
            days_between(&row.at, now).is_some_and(|age| over(Some(days), age))
        };
        // Only from the beginning: the rest stays a chain.
        let rows = audit::rows(&transaction)?;
        let gone: Vec<i64> = rows
            .iter()
            .take_while(|r| old(r))
            .map(|r| r.number)
            .collect();
        let count = gone.len() as u64;
        if let Some(last) = gone.last() {
            let detail = format!("{count} rows");
            audit::note(&transaction, act, "retention: audit removed", "", &detail)?;
            transaction.execute("DELETE FROM audit WHERE number <= ?1", [last])?;
        }
        transaction.commit()?;
        Ok(count)
    }
}

/// Samples go; the windows' tables of contents stay and say what was there.
fn remove_raw(db: &Connection, session: i64, at: &str) -> Result<String, StoreError> {
    let sql = "SELECT (SELECT coalesce(sum(count), 0) FROM batches WHERE session = ?1)
        + (SELECT coalesce(sum(samples), 0) FROM archives WHERE session = ?1)";
    let samples: i64 = db.query_row(sql, [session], |r| r.get(0))?;
    db.execute("DELETE FROM batches WHERE session = ?1", [session])?;
    db.execute("DELETE FROM archives WHERE session = ?1", [session])?;
    db.execute("DELETE FROM kept_aside WHERE session = ?1", [session])?;
    // Compacted: what is delivered again is not taken again.
    let sql = "UPDATE sessions SET compacted = 1, raw_removed_at = ?2 WHERE number = ?1";
    db.execute(sql, params![session, at])?;
    Ok(format!("{samples} samples"))
}

fn remove_derived(db: &Connection, session: i64, at: &str) -> Result<String, StoreError> {
    let events = db.execute("DELETE FROM events WHERE session = ?1", [session])?;
    let sql = "UPDATE sessions SET derived_removed_at = ?2 WHERE number = ?1";
    db.execute(sql, params![session, at])?;
    Ok(format!("{events} events"))
}

/// All rows of a session; it cannot come back.
pub(super) fn remove_record(
    db: &Connection,
    number: i64,
    session: &SessionId,
) -> Result<String, StoreError> {
    let mut rows = Vec::new();
    for table in [
        "batches",
        "archives",
        "sent",
        "kept_aside",
        "windows",
        "events",
    ] {
        let gone = db.execute(&format!("DELETE FROM {table} WHERE session = ?1"), [number])?;
        rows.push(format!("{gone} {table}"));
    }
    db.execute("DELETE FROM sessions WHERE number = ?1", [number])?;
    audit::bury(db, &session.0)?;
    Ok(rows.join(", "))
}

/// The folder with everything in it; that there is none is fine.
pub(super) fn remove_dir(dir: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(StoreError::file(dir, e)),
        _ => Ok(()),
    }
}
