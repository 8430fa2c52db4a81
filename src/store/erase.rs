//! A client is removed: every row and file of every session, tombstones so that none comes back, the audit's row, and
//! then the database is written anew, so that nothing of it is left on a page that is no longer used.

use super::{
    StoreError,
    audit::{self, Act},
    embedded::Embedded,
    retain,
};
use crate::model::session::SessionId;
use rusqlite::params;

impl Embedded {
    /// Sessions of a client, oldest first, and whether each is closed.
    pub(super) fn sessions_of(&self, client: &str) -> Result<Vec<(SessionId, bool)>, StoreError> {
        let sql = "SELECT id, closed FROM sessions WHERE client = ?1 ORDER BY number";
        let mut statement = self.db.prepare(sql)?;
        let rows = statement.query_map([client], |r| Ok((SessionId(r.get(0)?), r.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn bury(&mut self, sessions: &[SessionId]) -> Result<(), StoreError> {
        let transaction = self.writing()?;
        for session in sessions {
            audit::bury(&transaction, &session.0)?;
        }
        Ok(transaction.commit()?)
    }

    /// Files and what was sent elsewhere first: killed in between, the rows are still there and the next time removes the
    /// rest.
    pub(super) fn erase(&mut self, client: &str, act: Act<'_>) -> Result<(), StoreError> {
        for (session, _) in self.sessions_of(client)? {
            self.remove_points(&session)?;
            retain::remove_dir(&self.folder(&session))?;
        }
        self.db.pragma_update(None, "secure_delete", "ON")?;
        let transaction = self.writing()?;
        let sql = "SELECT number, id FROM sessions WHERE client = ?1";
        let sessions: Vec<(i64, String)> = {
            let mut statement = transaction.prepare(sql)?;
            let rows = statement.query_map(params![client], |r| Ok((r.get(0)?, r.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        let count = sessions.len();
        for (number, id) in sessions {
            retain::remove_record(&transaction, number, &SessionId(id))?;
        }
        let object = audit::hash(&transaction, client)?;
        let detail = format!("{count} sessions");
        audit::note(&transaction, act, "client erased", &object, &detail)?;
        Ok(transaction.commit()?)
    }

    /// Writes the database anew without its unused pages and empties the log. Until it succeeds, what was removed may
    /// still be in the bytes of the files.
    pub(super) fn scrub(&mut self) -> Result<(), StoreError> {
        self.db.execute_batch("VACUUM")?;
        let blocked: bool = self
            .db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get(0))?;
        let unused: i64 = self
            .db
            .pragma_query_value(None, "freelist_count", |r| r.get(0))?;
        if blocked || unused > 0 {
            return Err(StoreError::Busy);
        }
        Ok(())
    }
}
