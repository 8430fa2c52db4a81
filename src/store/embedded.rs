//! Sessions in one SQLite file: write-ahead log, a transaction a group, on disk before it returns.
//!
//! Readers have handles of their own and are not held up by the writer. Times are ns on the session's
//! clock; samples are stored as the bus carried them.

use super::{SessionInfo, StoreError, schema};
use crate::{
    model::{
        event::{Event, Numbered},
        finding::Baseline,
        packet::DeviceIndex,
        sample::{Sample, StreamId, StreamKind},
        session::{SessionHeader, SessionId},
        time::SessionNs,
        window::{Batch, Manifest, Window},
    },
    wire::payload,
};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use std::{collections::BTreeMap, fs, path::Path, time::Duration};

/// Name of the file in the store's folder.
pub const FILE: &str = "plimsoll.sqlite";

/// An open store.
pub struct Embedded {
    connection: Connection,
}

impl Embedded {
    pub(super) fn open(dir: &Path) -> Result<Self, StoreError> {
        let folder = |reason| StoreError::Folder {
            dir: dir.to_owned(),
            reason,
        };
        fs::create_dir_all(dir).map_err(folder)?;
        let file = dir.join(FILE);
        let connection = Connection::open(&file).map_err(|e| folder(std::io::Error::other(e)))?;
        connection.busy_timeout(Duration::from_secs(5))?;
        let not_ours = |e: rusqlite::Error| match e.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => StoreError::NotADatabase(file.clone()),
            _ => e.into(),
        };
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(not_ours)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let mut store = Self { connection };
        store.migrate(&file)?;
        Ok(store)
    }

    fn migrate(&mut self, file: &Path) -> Result<(), StoreError> {
        // Two processes may open a new store at once: the second finds the tables made.
        let transaction = self
            .connection
            .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if found > schema::VERSION {
            return Err(StoreError::Newer {
                file: file.to_owned(),
                found,
                known: schema::VERSION,
            });
        }
        if found == 0 {
            transaction.execute_batch(schema::TABLES)?;
            transaction.pragma_update(None, "user_version", schema::VERSION)?;
        }
        Ok(transaction.commit()?)
    }

    pub(super) fn begin(
        &mut self,
        header: &SessionHeader,
        plan_text: Option<&str>,
    ) -> Result<(), StoreError> {
        let json = serde_json::to_string(header)?;
        let id = &header.session.0;
        let there: Option<String> = self
            .connection
            .query_row("SELECT header FROM session WHERE id = ?1", [id], |row| {
                row.get(0)
            })
            .optional()?;
        match there {
            Some(other) if other != json => Err(StoreError::Taken(id.clone())),
            Some(_) => Ok(()),
            None => {
                self.connection.execute(
                    "INSERT INTO session (id, client, header, plan) VALUES (?1, ?2, ?3, ?4)",
                    params![id, header.client, json, plan_text],
                )?;
                Ok(())
            }
        }
    }

    pub(super) fn append(
        &mut self,
        session: &SessionId,
        windows: &[Window],
        events: &[Numbered],
    ) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for window in windows {
            insert_window(&transaction, session, window)?;
        }
        let mut statement = transaction.prepare_cached(
            "INSERT OR IGNORE INTO event (session, sequence, json) VALUES (?1, ?2, ?3)",
        )?;
        for event in events.iter().filter(|e| !matches!(e.event, Event::Live(_))) {
            statement.execute(params![
                session.0,
                event.sequence as i64,
                payload::encode_event(event)?
            ])?;
        }
        drop(statement);
        Ok(transaction.commit()?)
    }

    pub(super) fn close(&mut self, session: &SessionId) -> Result<(), StoreError> {
        let changed = self
            .connection
            .execute("UPDATE session SET closed = 1 WHERE id = ?1", [&session.0])?;
        if changed == 0 {
            Err(StoreError::Unknown(session.0.clone()))
        } else {
            Ok(())
        }
    }

    pub(super) fn sessions(&self) -> Result<Vec<SessionInfo>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT header, plan, closed FROM session ORDER BY rowid")?;
        let rows = statement.query_map([], info_row)?;
        rows.map(|row| info(row?)).collect()
    }

    pub(super) fn session(&self, session: &SessionId) -> Result<SessionInfo, StoreError> {
        let row = self
            .connection
            .query_row(
                "SELECT header, plan, closed FROM session WHERE id = ?1",
                [&session.0],
                info_row,
            )
            .optional()?;
        info(row.ok_or_else(|| StoreError::Unknown(session.0.clone()))?)
    }

    pub(super) fn stream(
        &self,
        session: &SessionId,
        stream: StreamId,
        from: SessionNs,
        to: SessionNs,
    ) -> Result<Vec<Sample>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT payload FROM batch WHERE session = ?1 AND device = ?2 AND kind = ?3 \
             AND t_last >= ?4 AND t_first <= ?5 ORDER BY first_sequence",
        )?;
        let mut rows = statement.query(params![
            session.0,
            stream.device.0,
            stream.kind.as_str(),
            from.0,
            to.0
        ])?;
        let mut samples = Vec::new();
        while let Some(row) = rows.next()? {
            let batch =
                payload::decode_batch(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?;
            samples.extend(
                batch
                    .samples
                    .into_iter()
                    .filter(|s| (from..=to).contains(&s.t)),
            );
        }
        Ok(samples)
    }

    pub(super) fn streams(&self, session: &SessionId) -> Result<Vec<StreamId>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT DISTINCT device, kind FROM batch WHERE session = ?1")?;
        let rows = statement.query_map([&session.0], |row| {
            Ok((row.get::<_, u16>(0)?, row.get::<_, String>(1)?))
        })?;
        let mut streams = Vec::new();
        for row in rows {
            let (device, name) = row?;
            let kind = StreamKind::ALL.into_iter().find(|k| k.as_str() == name);
            streams.extend(kind.map(|kind| StreamId {
                device: DeviceIndex(device),
                kind,
            }));
        }
        streams.sort();
        Ok(streams)
    }

    pub(super) fn events(&self, session: &SessionId) -> Result<Vec<Numbered>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT json FROM event WHERE session = ?1 ORDER BY sequence")?;
        let mut rows = statement.query([&session.0])?;
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            events.push(payload::decode_event(
                row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?,
            )?);
        }
        Ok(events)
    }

    pub(super) fn manifests(&self, session: &SessionId) -> Result<Vec<Manifest>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT manifest FROM window WHERE session = ?1 ORDER BY idx")?;
        let mut rows = statement.query([&session.0])?;
        let mut manifests = Vec::new();
        while let Some(row) = rows.next()? {
            manifests.push(payload::decode_manifest(
                row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?,
            )?);
        }
        Ok(manifests)
    }

    pub(super) fn batches(
        &self,
        session: &SessionId,
        stream: StreamId,
    ) -> Result<Vec<Batch>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT payload FROM batch WHERE session = ?1 AND device = ?2 AND kind = ?3 ORDER BY first_sequence",
        )?;
        let mut rows =
            statement.query(params![session.0, stream.device.0, stream.kind.as_str()])?;
        let mut batches = Vec::new();
        while let Some(row) = rows.next()? {
            batches.push(payload::decode_batch(
                row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?,
            )?);
        }
        Ok(batches)
    }

    /// The file itself says that it is sound, or what is wrong with it.
    pub(super) fn integrity(&self) -> Result<String, StoreError> {
        Ok(self
            .connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))?)
    }

    pub(super) fn durable(&self, session: &SessionId) -> Result<Option<u64>, StoreError> {
        // Windows count from 0: without a hole the highest is the number of them less one.
        let (count, highest): (i64, Option<i64>) = self.connection.query_row(
            "SELECT count(*), max(idx) FROM window WHERE session = ?1",
            [&session.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if highest.is_none_or(|h| h + 1 == count) {
            return Ok(highest.map(|h| h as u64));
        }
        let hole: i64 = self.connection.query_row(
            "SELECT min(idx) + 1 FROM window w WHERE session = ?1 AND NOT EXISTS \
             (SELECT 1 FROM window n WHERE n.session = w.session AND n.idx = w.idx + 1)",
            [&session.0],
            |row| row.get(0),
        )?;
        let begins: bool = self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM window WHERE session = ?1 AND idx = 0)",
            [&session.0],
            |row| row.get(0),
        )?;
        Ok(begins.then(|| hole as u64 - 1))
    }

    pub(super) fn baselines(&self, client: &str) -> Result<Vec<Baseline>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id FROM session WHERE client = ?1 AND closed = 1 ORDER BY rowid",
        )?;
        let ids = statement.query_map([client], |row| row.get::<_, String>(0))?;
        let mut newest = BTreeMap::new();
        for id in ids {
            for event in self.events(&SessionId(id?))? {
                if let Event::Baseline(b) = event.event {
                    newest.insert(
                        (
                            b.exercise.clone(),
                            format!("{:?}", b.side),
                            b.metric,
                            b.feature.clone(),
                        ),
                        b,
                    );
                }
            }
        }
        Ok(newest.into_values().collect())
    }
}

fn insert_window(
    transaction: &Transaction<'_>,
    session: &SessionId,
    window: &Window,
) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT OR IGNORE INTO window (session, idx, manifest) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![
            session.0,
            window.manifest.index as i64,
            payload::encode_manifest(&window.manifest)?
        ])?;
    let mut statement = transaction.prepare_cached(
        "INSERT OR IGNORE INTO batch (session, device, kind, first_sequence, count, t_first, t_last, payload) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for batch in &window.batches {
        let (Some(first), Some(last)) = (batch.samples.first(), batch.samples.last()) else {
            continue;
        };
        statement.execute(params![
            session.0,
            batch.stream.device.0,
            batch.stream.kind.as_str(),
            batch.first_sequence as i64,
            batch.samples.len() as i64,
            first.t.0,
            last.t.0,
            payload::encode_batch(batch)?,
        ])?;
    }
    Ok(())
}

type InfoRow = (String, Option<String>, bool);

fn info_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<InfoRow> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn info((header, plan_text, closed): InfoRow) -> Result<SessionInfo, StoreError> {
    Ok(SessionInfo {
        header: serde_json::from_str(&header)?,
        plan_text,
        closed,
    })
}
