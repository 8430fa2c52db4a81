//! Samples of finished sessions at an `InfluxDB`: they leave this machine when what the server gives back is the same
//! to the last bit; read from there, they are checked against a checksum that is kept here; and they are removed there
//! when they are to be removed.

use super::{
    StoreError,
    archive::{self, Written, bits},
    embedded::{Embedded, known},
    influx::server::{InfluxError, Server, Span},
    outbox::{self, Forwarded},
    retain, samples,
};
use crate::model::{sample::StreamId, session::SessionId, time::SessionNs};
use rusqlite::{Connection, OptionalExtension, params};

/// Time of a stream that one query asks for, ms.
const PAGE_MS: i64 = 60_000;

/// What became of a session that was to move to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Its samples are there, and no longer here.
    Moved,
    /// They are here: the reason. What was sent stays there.
    Stays(String),
}

impl Embedded {
    /// Finished sessions whose samples are in the database and were all sent to `server`, refused ones left out.
    pub(super) fn sent_whole(&self, server: &Server) -> Result<Vec<SessionId>, StoreError> {
        let place = outbox::place(&self.db, server.target())?;
        let sql = "SELECT id FROM sessions WHERE closed AND NOT compacted
            AND NOT EXISTS (SELECT 1 FROM kept_aside WHERE session = number AND place = ?1)
            AND NOT EXISTS (SELECT 1 FROM batches AS b LEFT JOIN sent AS s
                ON s.session = b.session AND s.device = b.device AND s.kind = b.kind AND s.place = ?1
                WHERE b.session = number AND b.first_sequence >= coalesce(s.next_sequence, 0))
            ORDER BY number";
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map([place], |r| r.get(0).map(SessionId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Reads back what was sent of a finished session; is it all the same, the samples leave this machine.
    pub(super) fn settle(
        &mut self,
        server: &mut Server,
        session: &SessionId,
    ) -> Result<Settled, StoreError> {
        let place = outbox::place(&self.db, server.target())?;
        let view = self.snapshot()?;
        let known = known(&view, session)?;
        if !known.closed {
            return Err(StoreError::StillOpen(session.0.clone()));
        }
        let (number, folder) = (known.number, self.folder(session));
        let before = archive::extent(&view, number)?;
        let mut written = Vec::new();
        for stream in samples::streams(&view, number)? {
            let (first, last) = (SessionNs(i64::MIN), SessionNs(i64::MAX));
            let rows = samples::read(&view, &folder, number, stream, first, last)?;
            let Some(span) = span(&view, number, stream, place)? else {
                return Ok(Settled::Stays("not all of it was sent".to_owned()));
            };
            let there = match fetch(server, session, stream, span) {
                Ok(there) => there,
                Err(e @ InfluxError::Answer { .. }) => return Ok(Settled::Stays(e.to_string())),
                Err(e) => return Err(e.into()),
            };
            if let Some(why) = difference(&rows, &there) {
                let (device, kind) = (stream.device.0, stream.kind.as_str());
                let why = format!("{kind} of sensor {device} does not read back: {why}");
                return Ok(Settled::Stays(why));
            }
            written.push(Written {
                stream,
                samples: rows.len(),
                crc32: digest(&rows),
                place: Some(place),
            });
        }
        drop(view);
        self.hand_over(number, before, &written)?;
        retain::remove_dir(&folder)?;
        Ok(Settled::Moved)
    }

    /// Sends a finished session to `server`, all of it and wherever its samples are, and settles it, if it is not there.
    pub(super) fn move_to(
        &mut self,
        server: &mut Server,
        session: &SessionId,
        most: u64,
        mut each: impl FnMut(u64),
    ) -> Result<(Forwarded, Settled), StoreError> {
        let known = known(&self.db, session)?;
        if !known.closed {
            return Err(StoreError::StillOpen(session.0.clone()));
        }
        known.has_raw()?;
        let mut all = Forwarded::default();
        let place = outbox::place(&self.db, server.target())?;
        let sql = "SELECT 1 FROM archives WHERE session = ?1 AND place = ?2";
        if self
            .db
            .prepare_cached(sql)?
            .exists(params![known.number, place])?
        {
            // Where its points lie must stay known.
            return Ok((all, Settled::Moved));
        }
        self.send_again(server, session)?;
        loop {
            let done = (all.samples, all.kept_aside);
            self.forward_session(server, session, most, &mut all)?;
            each(all.samples - done.0);
            if let Some(trouble) = &all.trouble {
                let why = trouble.to_string();
                return Ok((all, Settled::Stays(why)));
            }
            if (all.samples, all.kept_aside) == done {
                break;
            }
        }
        let settled = match &all.why {
            Some(why) => Settled::Stays(format!("{} samples refused: {why}", all.kept_aside)),
            None => self.settle(server, session)?,
        };
        Ok((all, settled))
    }

    /// Everything of a session that is not at `server` alone is to be sent again, also what was taken or refused.
    pub(super) fn send_again(
        &mut self,
        server: &Server,
        session: &SessionId,
    ) -> Result<(), StoreError> {
        let place = outbox::place(&self.db, server.target())?;
        let transaction = self.writing()?;
        let key = params![known(&transaction, session)?.number, place];
        let sql = "UPDATE sent SET next_sequence = 0, last_ms = first_ms WHERE session = ?1 AND place = ?2";
        transaction.execute(sql, key)?;
        let sql = "DELETE FROM kept_aside WHERE session = ?1 AND place = ?2";
        transaction.execute(sql, key)?;
        Ok(transaction.commit()?)
    }

    /// Brings the samples of a session back into files of this machine; whether they were elsewhere. They are removed
    /// there.
    pub(super) fn bring_home(&mut self, session: &SessionId) -> Result<bool, StoreError> {
        let view = self.snapshot()?;
        let known = known(&view, session)?;
        known.has_raw()?;
        let number = known.number;
        let sql = "SELECT 1 FROM archives WHERE session = ?1 AND place IS NOT NULL";
        let away = view.prepare_cached(sql)?.exists([number])?;
        let before = archive::extent(&view, number)?;
        let written = if away {
            self.write_files(&view, session, number)?
        } else {
            Vec::new()
        };
        drop(view);
        if away {
            self.hand_over(number, before, &written)?;
        }
        self.remove_points(session)?;
        Ok(away)
    }

    /// Forgets where something of a session was sent to: who removes it does not ask there. Gives these places.
    pub(super) fn forget_points(&mut self, session: &SessionId) -> Result<Vec<String>, StoreError> {
        let number = known(&self.db, session)?.number;
        let there = places(&self.db, number)?.into_iter();
        let words = there.map(|place| Ok(outbox::target(&self.db, place)?.words()));
        let words = words.collect::<Result<Vec<_>, StoreError>>()?;
        self.db
            .execute("DELETE FROM sent WHERE session = ?1", [number])?;
        Ok(words)
    }

    /// Removes what was sent of a session from every server it was sent to.
    pub(super) fn remove_points(&self, session: &SessionId) -> Result<(), StoreError> {
        let number = known(&self.db, session)?.number;
        for place in places(&self.db, number)? {
            let mut server = Server::open(&outbox::target(&self.db, place)?)?;
            server.remove(&session.0)?;
            for (stream, span) in sent(&self.db, number, place)? {
                let left = fetch(&mut server, session, stream, span)?.len();
                if left > 0 {
                    let why = format!("{left} samples are left after they were removed");
                    let at = server.target().words();
                    return Err(InfluxError::Answer { at, why }.into());
                }
            }
            let sql = "DELETE FROM sent WHERE session = ?1 AND place = ?2";
            self.db.execute(sql, params![number, place])?;
        }
        Ok(())
    }
}

/// A stream of a finished session from the server it went to, checked.
pub(super) fn read(
    db: &Connection,
    session: i64,
    stream: StreamId,
    place: i64,
    (count, crc32): (i64, u32),
) -> Result<Vec<samples::Numbered>, StoreError> {
    let sql = "SELECT id FROM sessions WHERE number = ?1";
    let id = db.query_row(sql, [session], |r| r.get(0).map(SessionId))?;
    let mut server = Server::open(&outbox::target(db, place)?)?;
    let rows = match span(db, session, stream, place)? {
        Some(span) => fetch(&mut server, &id, stream, span)?,
        None => Vec::new(),
    };
    if samples::row_count(rows.len()) != count || digest(&rows) != crc32 {
        let (device, kind, found) = (stream.device.0, stream.kind.as_str(), rows.len());
        let at = server.target().words();
        return Err(StoreError::Damaged(format!(
            "{kind} of sensor {device} in {at}: {found} samples, not the {count} that went there"
        )));
    }
    Ok(rows)
}

/// Places that something of a session was sent to.
fn places(db: &Connection, session: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT DISTINCT place FROM sent WHERE session = ?1";
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([session], |r| r.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Streams that were sent there, with the times of their points.
fn sent(db: &Connection, session: i64, place: i64) -> Result<Vec<(StreamId, Span)>, StoreError> {
    let mut found = Vec::new();
    let sql = "SELECT device, kind, first_ms, last_ms FROM sent WHERE session = ?1 AND place = ?2";
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![session, place])?;
    while let Some(row) = rows.next()? {
        let kind: String = row.get(1)?;
        let stream = super::table::stream_of(row.get(0)?, &kind)?;
        found.push((stream, (row.get(2)?, row.get(3)?)));
    }
    Ok(found)
}

/// Where the points of a stream lie.
fn span(
    db: &Connection,
    session: i64,
    stream: StreamId,
    place: i64,
) -> Result<Option<Span>, StoreError> {
    let sql = "SELECT first_ms, last_ms FROM sent
        WHERE session = ?1 AND place = ?2 AND device = ?3 AND kind = ?4";
    let key = params![session, place, stream.device.0, stream.kind.as_str()];
    let mut statement = db.prepare_cached(sql)?;
    Ok(statement
        .query_row(key, |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?)
}

/// All samples of a stream, page by page.
fn fetch(
    server: &mut Server,
    session: &SessionId,
    stream: StreamId,
    (first_ms, last_ms): Span,
) -> Result<Vec<samples::Numbered>, InfluxError> {
    let mut rows = Vec::new();
    let mut from = first_ms;
    while from <= last_ms {
        let to = last_ms.min(from.saturating_add(PAGE_MS - 1));
        rows.extend(server.read(&session.0, stream, (from, to))?);
        from = to.saturating_add(1);
    }
    Ok(rows)
}

/// The first difference between what is here and what is there.
fn difference(here: &[samples::Numbered], there: &[samples::Numbered]) -> Option<String> {
    if here.len() != there.len() {
        return Some(format!("{} of {} samples", there.len(), here.len()));
    }
    let different = here.iter().zip(there).find(|(a, b)| bits(a) != bits(b));
    different.map(|((sequence, _), _)| format!("sample {sequence} is another"))
}

/// Checksum of samples: all that [`bits`] takes, little-endian.
fn digest(rows: &[samples::Numbered]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for row in rows {
        let (sequence, t, values, quality) = bits(row);
        hasher.update(&sequence.to_le_bytes());
        hasher.update(&t.to_le_bytes());
        for value in values {
            hasher.update(&value.to_le_bytes());
        }
        hasher.update(&[quality]);
    }
    hasher.finalize()
}
