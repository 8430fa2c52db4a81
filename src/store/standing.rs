//! How far a session is stored: what is here without a hole, and whether that is all of it.

use super::{StoreError, embedded::known, embedded::read_event};
use crate::{
    model::{event::Event, session::SessionId},
    wire::payload,
};
use rusqlite::{Connection, OptionalExtension, params};

/// What the store has of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Every window below this number.
    pub windows: u64,
    /// The session's last window is among them.
    pub last_window: bool,
    /// Every event below this number.
    pub events: u64,
    /// The session's last event is among them.
    pub last_event: bool,
    /// It was closed: nothing more will come.
    pub closed: bool,
}

/// What `db`, in one view of it, has of `session`.
pub(super) fn standing(db: &Connection, session: &SessionId) -> Result<Standing, StoreError> {
    let known = known(db, session)?;
    let windows = known.next_window;
    let events = events(db, known.number)?;
    Ok(Standing {
        windows,
        last_window: last_window(db, known.number, windows)?,
        events,
        last_event: last_event(db, known.number, events)?,
        closed: known.closed,
    })
}

/// Events from 0 on without a hole.
fn events(db: &Connection, session: i64) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*), COALESCE(MAX(sequence), -1) FROM events WHERE session = ?1";
    let (count, highest): (i64, i64) = db
        .prepare_cached(sql)?
        .query_row([session], |r| Ok((r.get(0)?, r.get(1)?)))?;
    if count == highest + 1 {
        return Ok(count.cast_unsigned());
    }
    let sql = "SELECT MIN(n) FROM (
            SELECT 0 AS n WHERE NOT EXISTS (SELECT 1 FROM events WHERE session = ?1 AND sequence = 0)
            UNION ALL
            SELECT sequence + 1 FROM events AS e WHERE session = ?1 AND NOT EXISTS
                (SELECT 1 FROM events WHERE session = ?1 AND sequence = e.sequence + 1))";
    let hole: i64 = db.prepare_cached(sql)?.query_row([session], |r| r.get(0))?;
    Ok(hole.cast_unsigned())
}

fn last_window(db: &Connection, session: i64, windows: u64) -> Result<bool, StoreError> {
    let Some(index) = windows.checked_sub(1) else {
        return Ok(false);
    };
    let sql = "SELECT manifest FROM windows WHERE session = ?1 AND idx = ?2";
    let json: Option<String> = db
        .prepare_cached(sql)?
        .query_row(params![session, index.cast_signed()], |r| r.get(0))
        .optional()?;
    let Some(json) = json else {
        return Ok(false);
    };
    let manifest = payload::decode_manifest(json.as_bytes())
        .map_err(|e| StoreError::Damaged(format!("window {index}: {e}")))?;
    Ok(manifest.last)
}

fn last_event(db: &Connection, session: i64, events: u64) -> Result<bool, StoreError> {
    let Some(sequence) = events.checked_sub(1) else {
        return Ok(false);
    };
    let sql = "SELECT event FROM events WHERE session = ?1 AND sequence = ?2";
    let json: String = db
        .prepare_cached(sql)?
        .query_row(params![session, sequence.cast_signed()], |r| r.get(0))?;
    Ok(matches!(read_event(&json)?.event, Event::Closed { .. }))
}
