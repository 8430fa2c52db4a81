//! The store in one folder: `plimsoll.sqlite` for everything that comes in, `sessions/<id>/` for the
//! samples of compacted sessions that did not go elsewhere. One call of `append` is one transaction.

use super::{SessionInfo, Standing, StoreError, audit, files, samples, schema, standing};
use crate::{
    model::{
        event::{Event, Numbered},
        finding::Baseline,
        sample::{Sample, StreamId},
        session::{SessionHeader, SessionId},
        time::SessionNs,
        window::{Batch, Window},
    },
    wire::payload,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use std::path::{Path, PathBuf};

/// Name of the database in the folder.
const DATABASE: &str = "plimsoll.sqlite";

/// Longest identifier of a session: it becomes the name of a folder.
const LONGEST_ID: usize = 128;

/// The store in one folder.
#[derive(Debug)]
pub struct Embedded {
    pub(super) db: Connection,
    pub(super) dir: PathBuf,
}

/// What the store remembers of a session for its own use.
pub(super) struct Known {
    pub(super) number: i64,
    pub(super) closed: bool,
    pub(super) compacted: bool,
    pub(super) next_window: u64,
    /// When retention removed its samples.
    pub(super) raw_removed_at: Option<String>,
    /// When retention removed its events.
    pub(super) derived_removed_at: Option<String>,
}

impl Known {
    /// Nothing that was removed is taken for nothing that was there.
    pub(super) fn has_raw(&self) -> Result<(), StoreError> {
        removed("samples", self.raw_removed_at.as_ref())
    }

    pub(super) fn has_derived(&self) -> Result<(), StoreError> {
        removed("repetitions and findings", self.derived_removed_at.as_ref())
    }
}

fn removed(what: &'static str, at: Option<&String>) -> Result<(), StoreError> {
    at.map_or(Ok(()), |at| {
        Err(StoreError::Removed {
            what,
            at: at.clone(),
        })
    })
}

/// The session's row.
pub(super) fn known(db: &Connection, session: &SessionId) -> Result<Known, StoreError> {
    let sql = "SELECT number, closed, compacted, next_window, raw_removed_at, derived_removed_at
        FROM sessions WHERE id = ?1";
    db.prepare_cached(sql)?
        .query_row([&session.0], |r| {
            Ok(Known {
                number: r.get(0)?,
                closed: r.get(1)?,
                compacted: r.get(2)?,
                next_window: r.get::<_, i64>(3)?.cast_unsigned(),
                raw_removed_at: r.get(4)?,
                derived_removed_at: r.get(5)?,
            })
        })
        .optional()?
        .ok_or_else(|| StoreError::UnknownSession(session.0.clone()))
}

impl Embedded {
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        files::make_private_dir(dir)?;
        Ok(Self {
            db: schema::open(&dir.join(DATABASE))?,
            dir: dir.to_owned(),
        })
    }

    /// A transaction that writes: taken at once, so that it cannot fail half-way for another's.
    pub(super) fn writing(&mut self) -> Result<Transaction<'_>, StoreError> {
        Ok(self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?)
    }

    /// A view of the store that does not change while several questions are asked.
    pub(super) fn snapshot(&self) -> Result<Transaction<'_>, StoreError> {
        Ok(self.db.unchecked_transaction()?)
    }

    pub(super) fn begin(
        &mut self,
        header: &SessionHeader,
        plan_text: Option<&str>,
    ) -> Result<(), StoreError> {
        let id = &header.session.0;
        let json = header_text(header)?;
        let transaction = self.writing()?;
        match info(&transaction, &header.session)? {
            Some(there) if there.header == *header && there.plan_text.as_deref() == plan_text => {
                return Ok(());
            }
            Some(_) => return Err(StoreError::DifferentSession(id.clone())),
            None if audit::is_buried(&transaction, id)? => {
                return Err(StoreError::Erased(id.clone()));
            }
            None => {}
        }
        transaction.execute(
            "INSERT INTO sessions (id, client, header, plan_text, crc32)
             VALUES (?1, ?2, ?3, ?4, crc32(?3 || coalesce(?4, '')))",
            params![id, header.client, json, plan_text],
        )?;
        Ok(transaction.commit()?)
    }

    pub(super) fn append(
        &mut self,
        session: &SessionId,
        windows: &[Window],
        events: &[Numbered],
    ) -> Result<(), StoreError> {
        let transaction = self.writing()?;
        let known = match known(&transaction, session) {
            Err(StoreError::UnknownSession(id)) if audit::is_buried(&transaction, &id)? => {
                return Err(StoreError::Erased(id));
            }
            other => other?,
        };
        let into = Appending {
            db: &transaction,
            session: known.number,
        };
        let mut new = 0;
        for window in windows {
            new += into.window(window, known.compacted)?;
        }
        // What retention removed is not taken again.
        for event in events.iter().filter(|_| known.derived_removed_at.is_none()) {
            new += into.event(event)?;
        }
        if known.compacted && new > 0 {
            return Err(StoreError::Compacted(session.0.clone()));
        }
        into.advance(known.next_window)?;
        Ok(transaction.commit()?)
    }

    pub(super) fn close(&mut self, session: &SessionId) -> Result<(), StoreError> {
        let transaction = self.writing()?;
        let known = known(&transaction, session)?;
        if !known.closed {
            let sql = "UPDATE sessions SET closed = 1 WHERE number = ?1";
            transaction.execute(sql, [known.number])?;
        }
        Ok(transaction.commit()?)
    }

    pub(super) fn sessions(&self) -> Result<Vec<SessionInfo>, StoreError> {
        let sql = "SELECT header, plan_text, closed FROM sessions ORDER BY number";
        let mut statement = self.db.prepare(sql)?;
        let rows = statement.query_map([], info_row)?;
        rows.map(|row| read_info(row?)).collect()
    }

    pub(super) fn session(&self, session: &SessionId) -> Result<SessionInfo, StoreError> {
        info(&self.db, session)?.ok_or_else(|| StoreError::UnknownSession(session.0.clone()))
    }

    pub(super) fn stream(
        &self,
        session: &SessionId,
        stream: StreamId,
        from: SessionNs,
        to: SessionNs,
    ) -> Result<Vec<Sample>, StoreError> {
        let view = self.snapshot()?;
        let known = known(&view, session)?;
        known.has_raw()?;
        let (number, folder) = (known.number, self.folder(session));
        let rows = samples::read(&view, &folder, number, stream, from, to)?;
        Ok(rows.into_iter().map(|(_, sample)| sample).collect())
    }

    pub(super) fn streams(&self, session: &SessionId) -> Result<Vec<StreamId>, StoreError> {
        let view = self.snapshot()?;
        let number = known(&view, session)?.number;
        samples::streams(&view, number)
    }

    pub(super) fn events(&self, session: &SessionId) -> Result<Vec<Numbered>, StoreError> {
        events(&*self.snapshot()?, session)
    }

    pub(super) fn standing(&self, session: &SessionId) -> Result<Standing, StoreError> {
        standing::standing(&*self.snapshot()?, session)
    }

    pub(super) fn baselines(&self, client: &str) -> Result<Vec<Baseline>, StoreError> {
        let mut statement = self.db.prepare(
            "SELECT event FROM sessions JOIN events ON session = number
             WHERE client = ?1 AND closed AND baseline ORDER BY number, sequence",
        )?;
        let rows = statement.query_map([client], |r| r.get::<_, String>(0))?;
        let mut latest: Vec<Baseline> = Vec::new();
        for row in rows {
            let Event::Baseline(baseline) = read_event(&row?)?.event else {
                continue;
            };
            match latest.iter_mut().find(|b| b.same_kind(&baseline)) {
                Some(earlier) => *earlier = baseline,
                None => latest.push(baseline),
            }
        }
        Ok(latest)
    }

    /// Where the samples of a session go when it is compacted.
    pub(super) fn folder(&self, session: &SessionId) -> PathBuf {
        self.dir.join("sessions").join(&session.0)
    }
}

/// What one transaction of `append` writes into.
struct Appending<'t> {
    db: &'t Transaction<'t>,
    session: i64,
}

impl Appending<'_> {
    /// Number of rows that were not there. The samples of a known window of a compacted session are
    /// in its files already.
    fn window(&self, window: &Window, compacted: bool) -> Result<usize, StoreError> {
        let manifest = &window.manifest;
        let json = utf8(payload::encode_manifest(manifest)?)?;
        let sql = "INSERT OR IGNORE INTO windows (session, idx, manifest, crc32)
            VALUES (?1, ?2, ?3, crc32(?3))";
        let mut new = self.db.prepare_cached(sql)?.execute(params![
            self.session,
            manifest.index.cast_signed(),
            json
        ])?;
        if compacted {
            return Ok(new);
        }
        for batch in &window.batches {
            new += self.batch(batch)?;
        }
        Ok(new)
    }

    fn batch(&self, batch: &Batch) -> Result<usize, StoreError> {
        let bytes = payload::encode_batch(batch)?;
        let times = || batch.samples.iter().map(|s| s.t.0);
        let sql = "INSERT OR IGNORE INTO batches
            (session, device, kind, first_sequence, count, t_first, t_last, payload, crc32)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, crc32(?8))";
        Ok(self.db.prepare_cached(sql)?.execute(params![
            self.session,
            batch.stream.device.0,
            batch.stream.kind.as_str(),
            batch.first_sequence.cast_signed(),
            samples::row_count(batch.samples.len()),
            times().min(),
            times().max(),
            bytes,
        ])?)
    }

    fn event(&self, event: &Numbered) -> Result<usize, StoreError> {
        if matches!(event.event, Event::Live(_)) {
            return Ok(0);
        }
        let json = utf8(payload::encode_event(event)?)?;
        let sql = "INSERT OR IGNORE INTO events (session, sequence, window, baseline, event, crc32)
            VALUES (?1, ?2, ?3, ?4, ?5, crc32(?5))";
        Ok(self.db.prepare_cached(sql)?.execute(params![
            self.session,
            event.sequence.cast_signed(),
            event.window.cast_signed(),
            matches!(event.event, Event::Baseline(_)),
            json,
        ])?)
    }

    /// Moves the mark of windows without a hole as far as it goes now.
    fn advance(&self, from: u64) -> Result<(), StoreError> {
        let sql = "SELECT 1 FROM windows WHERE session = ?1 AND idx = ?2";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut next = from;
        while statement.exists(params![self.session, next.cast_signed()])? {
            next += 1;
        }
        if next != from {
            let sql = "UPDATE sessions SET next_window = ?2 WHERE number = ?1";
            let mut statement = self.db.prepare_cached(sql)?;
            statement.execute(params![self.session, next.cast_signed()])?;
        }
        Ok(())
    }
}

fn header_text(header: &SessionHeader) -> Result<String, StoreError> {
    let id = &header.session.0;
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if id.is_empty() || id.len() > LONGEST_ID || !id.chars().all(allowed) {
        return Err(StoreError::BadIdentifier(id.clone()));
    }
    let text = serde_json::to_string(header).unwrap_or_default();
    match serde_json::from_str::<SessionHeader>(&text) {
        Ok(read) if read == *header => Ok(text),
        _ => Err(StoreError::BadHeader(id.clone())),
    }
}

type InfoRow = (String, Option<String>, bool);

fn info_row(row: &Row) -> rusqlite::Result<InfoRow> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

pub(super) fn info(
    db: &Connection,
    session: &SessionId,
) -> Result<Option<SessionInfo>, StoreError> {
    let sql = "SELECT header, plan_text, closed FROM sessions WHERE id = ?1";
    let mut statement = db.prepare_cached(sql)?;
    let row = statement.query_row([&session.0], info_row).optional()?;
    row.map(read_info).transpose()
}

fn read_info((header, plan_text, closed): InfoRow) -> Result<SessionInfo, StoreError> {
    let header = serde_json::from_str(&header)
        .map_err(|e| StoreError::Damaged(format!("header of a session: {e}")))?;
    Ok(SessionInfo {
        header,
        plan_text,
        closed,
    })
}

/// Events of a session, by sequence, in one view of the database.
pub(super) fn events(db: &Connection, session: &SessionId) -> Result<Vec<Numbered>, StoreError> {
    let known = known(db, session)?;
    known.has_derived()?;
    let mut statement =
        db.prepare_cached("SELECT event FROM events WHERE session = ?1 ORDER BY sequence")?;
    let rows = statement.query_map([known.number], |r| r.get::<_, String>(0))?;
    rows.map(|row| read_event(&row?)).collect()
}

pub(super) fn read_event(json: &str) -> Result<Numbered, StoreError> {
    payload::decode_event(json.as_bytes())
        .map_err(|e| StoreError::Damaged(format!("an event: {e}")))
}

fn utf8(json: Vec<u8>) -> Result<String, StoreError> {
    String::from_utf8(json)
        .map_err(|e| StoreError::Payload(payload::PayloadError::Json(e.to_string())))
}
