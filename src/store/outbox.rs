//! What is still to go to an `InfluxDB`, what went, and what it refused.
//!
//! The database is the queue: a stream is sent in the order of its sequence numbers, and how far is noted after the
//! server took it. Killed in between, the same points are sent again, which changes nothing there. Of an open session
//! nothing is sent beyond a hole, which may still be filled.

use super::{
    StoreError,
    embedded::{Embedded, info, known},
    influx::{
        Target,
        answer::{Answer, Trouble},
        line::{self, Stamps},
        server::{InfluxError, Server},
    },
    samples,
};
use crate::model::{sample::StreamId, session::SessionId, window::Batch};
use rusqlite::{Connection, OptionalExtension, params};

/// Samples of a finished session's file that go as one batch.
const CHUNK: usize = 500;

/// What one call of sending came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forwarded {
    /// Samples that were taken.
    pub samples: u64,
    /// Samples that were refused and are kept aside.
    pub kept_aside: u64,
    /// Why the last of them were, in the server's words.
    pub why: Option<String>,
    /// Why the rest was not taken.
    pub trouble: Option<Trouble>,
}

/// A batch, ready to be sent.
struct Parcel {
    session: i64,
    stream: StreamId,
    first_sequence: u64,
    samples: u64,
    /// Times of its first and last point.
    stamps_ms: (i64, i64),
    lines: String,
}

/// A batch that is to be sent; or why it cannot be.
struct Due {
    first_sequence: u64,
    samples: u64,
    batch: Result<Batch, String>,
}

impl Due {
    fn whole(batch: Batch) -> Self {
        Self {
            first_sequence: batch.first_sequence,
            samples: batch.samples.len() as u64,
            batch: Ok(batch),
        }
    }
}

/// How far a stream is.
#[derive(Clone, Copy)]
struct Mark {
    next_sequence: u64,
    last_ms: Option<i64>,
}

/// The number of the place that a target is, noted if it is new.
pub(super) fn place(db: &Connection, target: &Target) -> Result<i64, StoreError> {
    let text = serde_json::to_string(target)
        .map_err(|e| InfluxError::Settings(format!("note where samples go: {e}")))?;
    db.execute("INSERT OR IGNORE INTO places (target) VALUES (?1)", [&text])?;
    let sql = "SELECT number FROM places WHERE target = ?1";
    Ok(db.query_row(sql, [&text], |r| r.get(0))?)
}

/// The target that a place is.
pub(super) fn target(db: &Connection, place: i64) -> Result<Target, StoreError> {
    let sql = "SELECT target FROM places WHERE number = ?1";
    let text: String = db.query_row(sql, [place], |r| r.get(0))?;
    serde_json::from_str(&text).map_err(|e| StoreError::Damaged(format!("place {place}: {e}")))
}

impl Embedded {
    /// Sends at most about `most` samples of sessions whose samples are in the database, and notes how far.
    pub(super) fn forward(
        &mut self,
        server: &mut Server,
        most: u64,
    ) -> Result<Forwarded, StoreError> {
        let sql = "SELECT id FROM sessions WHERE NOT compacted ORDER BY number";
        let sessions: Vec<SessionId> = {
            let mut statement = self.db.prepare_cached(sql)?;
            let rows = statement.query_map([], |r| r.get(0).map(SessionId))?;
            rows.collect::<Result<_, _>>()?
        };
        let mut out = Forwarded::default();
        for session in sessions {
            let done = out.samples + out.kept_aside;
            if done >= most || out.trouble.is_some() {
                break;
            }
            self.forward_session(server, &session, most - done, &mut out)?;
        }
        Ok(out)
    }

    /// Sends at most about `most` samples of a session, wherever they are.
    pub(super) fn forward_session(
        &mut self,
        server: &mut Server,
        session: &SessionId,
        most: u64,
        out: &mut Forwarded,
    ) -> Result<(), StoreError> {
        let place = place(&self.db, server.target())?;
        let mut parcels = Vec::new();
        let mut refused = Vec::new();
        {
            let view = self.snapshot()?;
            let (mut left, number) = (most, known(&view, session)?.number);
            let begin_ms = begin_ms(&view, session)?;
            for stream in samples::streams(&view, number)? {
                let mark = mark(&view, number, stream, place)?;
                let mut stamps = Stamps::new(begin_ms, mark.last_ms);
                for due in self.due(&view, session, stream, mark.next_sequence, left)? {
                    left = left.saturating_sub(due.samples);
                    let first = due.batch.as_ref().ok().and_then(|b| b.samples.first());
                    let first_ms = first.map_or(begin_ms, |s| stamps.clone().next(s.t));
                    let lines = due.batch.and_then(|batch| {
                        line::lines(&session.0, &batch, &mut stamps).map_err(|e| e.to_string())
                    });
                    let last_ms = stamps.last_ms().unwrap_or(first_ms);
                    let parcel = |lines| Parcel {
                        session: number,
                        stream,
                        first_sequence: due.first_sequence,
                        samples: due.samples,
                        stamps_ms: (first_ms.min(last_ms), last_ms),
                        lines,
                    };
                    match lines {
                        Ok(lines) => parcels.push(parcel(lines)),
                        Err(why) => refused.push((parcel(String::new()), why)),
                    }
                }
            }
        }
        // Before what lies behind them goes: killed in between, they would be passed over and counted nowhere.
        if !refused.is_empty() {
            let transaction = self.writing()?;
            for (parcel, why) in &refused {
                note_kept_aside(&transaction, place, parcel, why)?;
            }
            transaction.commit()?;
        }
        let intended = self.intend(place, &parcels)?;
        let trouble = self.send(server, place, &parcels, out)?;
        if trouble.as_ref().is_some_and(Trouble::took_nothing) {
            self.intend_no_more(place, &intended)?;
        }
        if self.was_removed(server, session)? {
            return Ok(());
        }
        if let Some(trouble) = trouble {
            out.trouble = Some(trouble);
            return Ok(());
        }
        for (parcel, why) in refused {
            self.keep_aside(place, &parcel, why, out)?;
        }
        Ok(())
    }

    /// Notes that something of these streams may be there soon: whoever removes them asks there, even if the answer to the
    /// first write never comes. Gives those that are new.
    fn intend(
        &mut self,
        place: i64,
        parcels: &[Parcel],
    ) -> Result<Vec<(i64, StreamId)>, StoreError> {
        let sql =
            "SELECT 1 FROM sent WHERE session = ?1 AND device = ?2 AND kind = ?3 AND place = ?4";
        let mut new = Vec::new();
        for parcel in parcels {
            let stream = parcel.stream;
            let key = params![parcel.session, stream.device.0, stream.kind.as_str(), place];
            if !self.db.prepare_cached(sql)?.exists(key)? {
                new.push(parcel);
            }
        }
        let intended = new.iter().map(|p| (p.session, p.stream)).collect();
        if new.is_empty() {
            return Ok(intended);
        }
        let transaction = self.writing()?;
        for parcel in new {
            let (stream, first_ms) = (parcel.stream, parcel.stamps_ms.0);
            // Removed meanwhile, it has no row to stand beside.
            transaction.execute(
                "INSERT OR IGNORE INTO sent (session, device, kind, place, next_sequence, first_ms, last_ms)
                 SELECT number, ?2, ?3, ?4, 0, ?5, ?5 FROM sessions WHERE number = ?1",
                params![parcel.session, stream.device.0, stream.kind.as_str(), place, first_ms],
            )?;
        }
        transaction.commit()?;
        Ok(intended)
    }

    /// Nothing of these streams is there: who removes them need not ask.
    fn intend_no_more(
        &mut self,
        place: i64,
        intended: &[(i64, StreamId)],
    ) -> Result<(), StoreError> {
        let transaction = self.writing()?;
        for (session, stream) in intended {
            transaction.execute(
                "DELETE FROM sent WHERE session = ?1 AND device = ?2 AND kind = ?3 AND place = ?4
                 AND next_sequence = 0",
                params![session, stream.device.0, stream.kind.as_str(), place],
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// Whether the session was removed while a write was on its way: what that brought goes as well.
    fn was_removed(
        &mut self,
        server: &mut Server,
        session: &SessionId,
    ) -> Result<bool, StoreError> {
        match known(&self.db, session) {
            Err(StoreError::UnknownSession(_)) => server.remove(&session.0)?,
            Err(e) => return Err(e),
            Ok(known) if known.has_raw().is_err() => self.remove_points(session)?,
            Ok(_) => return Ok(false),
        }
        Ok(true)
    }

    /// Batches of a stream from `next` on, about `most` samples.
    fn due(
        &self,
        view: &Connection,
        session: &SessionId,
        stream: StreamId,
        next: u64,
        most: u64,
    ) -> Result<Vec<Due>, StoreError> {
        let known = known(view, session)?;
        if known.compacted {
            let rows = samples::archived(view, &self.folder(session), known.number, stream)?;
            let rows = rows.unwrap_or_default();
            let from = rows.partition_point(|(sequence, _)| *sequence < next);
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            let rows = rows.get(from..).unwrap_or_default();
            let rows = rows.get(..most.min(rows.len())).unwrap_or_default();
            return Ok(chunks(stream, rows).into_iter().map(Due::whole).collect());
        }
        let sql = "SELECT first_sequence, count, payload, crc32 FROM batches
            WHERE session = ?1 AND device = ?2 AND kind = ?3 AND first_sequence >= ?4
            ORDER BY first_sequence";
        let mut statement = view.prepare_cached(sql)?;
        let kind = stream.kind.as_str();
        let mut rows = statement.query(params![
            known.number,
            stream.device.0,
            kind,
            next.cast_signed()
        ])?;
        let (mut due, mut count, mut expected) = (Vec::new(), 0, next);
        while count < most
            && let Some(row) = rows.next()?
        {
            let first = row.get::<_, i64>(0)?.cast_unsigned();
            if first != expected && !known.closed {
                break;
            }
            let bytes = row.get_ref(2)?.as_blob().unwrap_or_default();
            let rows: i64 = row.get(1)?;
            let samples = rows.cast_unsigned();
            let batch = samples::checked(stream, first, rows, bytes, row.get(3)?);
            count += samples;
            expected = first.saturating_add(samples);
            due.push(Due {
                first_sequence: first,
                samples,
                batch: batch.map_err(|e| e.to_string()),
            });
        }
        Ok(due)
    }

    /// Sends parcels; what is refused in halves, until it is known which batch it is.
    fn send(
        &mut self,
        server: &mut Server,
        place: i64,
        parcels: &[Parcel],
        out: &mut Forwarded,
    ) -> Result<Option<Trouble>, StoreError> {
        if parcels.is_empty() {
            return Ok(None);
        }
        let lines: String = parcels.iter().map(|p| p.lines.as_str()).collect();
        match (server.write(&lines), parcels) {
            (Answer::Taken, _) => {
                out.samples += parcels.iter().map(|p| p.samples).sum::<u64>();
                self.went(place, parcels)?;
                Ok(None)
            }
            (Answer::Later(trouble), _) => Ok(Some(trouble)),
            (Answer::Refused { why }, [one]) => {
                self.keep_aside(place, one, why, out)?;
                Ok(None)
            }
            (Answer::Refused { .. }, _) => {
                let (first, second) = parcels.split_at(parcels.len() / 2);
                match self.send(server, place, first, out)? {
                    None => self.send(server, place, second, out),
                    trouble => Ok(trouble),
                }
            }
        }
    }

    fn went(&mut self, place: i64, parcels: &[Parcel]) -> Result<(), StoreError> {
        let transaction = self.writing()?;
        for parcel in parcels {
            advance(&transaction, place, parcel)?;
        }
        Ok(transaction.commit()?)
    }

    fn keep_aside(
        &mut self,
        place: i64,
        parcel: &Parcel,
        why: String,
        out: &mut Forwarded,
    ) -> Result<(), StoreError> {
        let transaction = self.writing()?;
        note_kept_aside(&transaction, place, parcel, &why)?;
        advance(&transaction, place, parcel)?;
        transaction.commit()?;
        out.kept_aside += parcel.samples;
        out.why = Some(why);
        Ok(())
    }
}

/// Notes that a parcel cannot go, and why.
fn note_kept_aside(
    db: &Connection,
    place: i64,
    parcel: &Parcel,
    why: &str,
) -> Result<(), StoreError> {
    db.execute(
        "INSERT OR REPLACE INTO kept_aside (session, device, kind, place, first_sequence, samples, why)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            parcel.session,
            parcel.stream.device.0,
            parcel.stream.kind.as_str(),
            place,
            parcel.first_sequence.cast_signed(),
            parcel.samples.cast_signed(),
            why
        ],
    )?;
    Ok(())
}

/// Notes that a parcel is dealt with.
fn advance(db: &Connection, place: i64, parcel: &Parcel) -> Result<(), StoreError> {
    let (first_ms, last_ms) = parcel.stamps_ms;
    let end = parcel.first_sequence.saturating_add(parcel.samples);
    // Of a session that was removed meanwhile nothing is noted.
    db.prepare_cached(
        "INSERT INTO sent (session, device, kind, place, next_sequence, first_ms, last_ms)
         SELECT number, ?2, ?3, ?4, ?5, ?6, ?7 FROM sessions WHERE number = ?1
         ON CONFLICT DO UPDATE SET next_sequence = max(next_sequence, ?5), last_ms = max(last_ms, ?7)",
    )?
    .execute(params![
        parcel.session,
        parcel.stream.device.0,
        parcel.stream.kind.as_str(),
        place,
        end.cast_signed(),
        first_ms,
        last_ms
    ])?;
    Ok(())
}

fn mark(db: &Connection, session: i64, stream: StreamId, place: i64) -> Result<Mark, StoreError> {
    let sql = "SELECT next_sequence, last_ms FROM sent
        WHERE session = ?1 AND device = ?2 AND kind = ?3 AND place = ?4";
    let key = params![session, stream.device.0, stream.kind.as_str(), place];
    let found = db
        .prepare_cached(sql)?
        .query_row(key, |r| {
            Ok((r.get::<_, i64>(0)?.cast_unsigned(), r.get(1)?))
        })
        .optional()?;
    Ok(match found {
        Some((next_sequence, last_ms)) if next_sequence > 0 => Mark {
            next_sequence,
            last_ms: Some(last_ms),
        },
        _ => Mark {
            next_sequence: 0,
            last_ms: None,
        },
    })
}

/// The session's beginning, ms since 1970; 0 if it is not known.
fn begin_ms(db: &Connection, session: &SessionId) -> Result<i64, StoreError> {
    let info = info(db, session)?.ok_or_else(|| StoreError::UnknownSession(session.0.clone()))?;
    let begun: Result<jiff::Timestamp, _> = info.header.started_at.parse();
    Ok(begun.map_or(0, jiff::Timestamp::as_millisecond))
}

/// Rows in runs without a hole, none too long.
fn chunks(stream: StreamId, rows: &[samples::Numbered]) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for (sequence, sample) in rows {
        match batches.last_mut() {
            Some(b)
                if b.samples.len() < CHUNK
                    && b.first_sequence + b.samples.len() as u64 == *sequence =>
            {
                b.samples.push(*sample);
            }
            _ => batches.push(Batch {
                stream,
                first_sequence: *sequence,
                samples: vec![*sample],
            }),
        }
    }
    batches
}
