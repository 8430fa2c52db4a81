//! Who removed what, and what must not come back: rows that are only added, each holding the hash of itself and of the
//! rows before it. Clients and sessions stand there as hashes, salted for this store: whoever knows the identifier finds
//! its row, nobody else reads it.

use super::{StoreError, embedded::Embedded};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest as _, Sha256};

/// A row of the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Number, ascending.
    pub number: i64,
    /// Wall clock, RFC 3339.
    pub at: String,
    /// Who, as given.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// Hash of the session or client it was done to.
    pub object: String,
    /// Counts; never a name, never a measured value.
    pub detail: String,
    /// Hash of this row and of the chain before it.
    pub chain: String,
}

/// Who does something, and when.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// Who, as given.
    pub actor: &'a str,
    /// Wall clock, RFC 3339.
    pub at: &'a str,
}

/// The hash that stands for an identifier in this store.
pub(super) fn hash(db: &Connection, identifier: &str) -> Result<String, StoreError> {
    let salt: Vec<u8> = db.query_row("SELECT value FROM salt", [], |r| r.get(0))?;
    Ok(sha256(&[&salt, identifier.as_bytes()]))
}

/// SHA-256 over parts, each after its length; 64 hexadecimal digits.
fn sha256(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    text
}

fn link(before: &str, at: &str, actor: &str, action: &str, object: &str, detail: &str) -> String {
    let parts = [before, at, actor, action, object, detail];
    sha256(&parts.map(str::as_bytes))
}

/// Adds a row, in the transaction of what it tells of.
pub(super) fn note(
    db: &Connection,
    act: Act<'_>,
    action: &str,
    object: &str,
    detail: &str,
) -> Result<(), StoreError> {
    let sql = "SELECT chain FROM audit ORDER BY number DESC LIMIT 1";
    let before: Option<String> = db.query_row(sql, [], |r| r.get(0)).optional()?;
    let before = before.unwrap_or_default();
    let Act { actor, at } = act;
    let chain = link(&before, at, actor, action, object, detail);
    db.execute(
        "INSERT INTO audit (at, actor, action, object, detail, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![at, actor, action, object, detail, chain],
    )?;
    Ok(())
}

/// Whether every row is what was written after the one before it. What was before the oldest row is not known: retention
/// may have removed it.
pub(super) fn broken(db: &Connection) -> Result<Option<String>, StoreError> {
    let mut before: Option<String> = None;
    for row in rows(db)? {
        if let Some(before) = &before {
            let expected = link(
                before,
                &row.at,
                &row.actor,
                &row.action,
                &row.object,
                &row.detail,
            );
            if expected != row.chain {
                return Ok(Some(format!(
                    "audit row {} is not what was written, or one before it is gone",
                    row.number
                )));
            }
        }
        before = Some(row.chain);
    }
    Ok(None)
}

pub(super) fn rows(db: &Connection) -> Result<Vec<AuditRow>, StoreError> {
    let mut statement = db.prepare(
        "SELECT number, at, actor, action, object, detail, chain FROM audit ORDER BY number",
    )?;
    let rows = statement.query_map([], |r| {
        Ok(AuditRow {
            number: r.get(0)?,
            at: r.get(1)?,
            actor: r.get(2)?,
            action: r.get(3)?,
            object: r.get(4)?,
            detail: r.get(5)?,
            chain: r.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The session was erased, or its record removed: it must not come back.
pub(super) fn is_buried(db: &Connection, session: &str) -> Result<bool, StoreError> {
    let hash = hash(db, session)?;
    let sql = "SELECT 1 FROM tombstones WHERE session = ?1";
    Ok(db.prepare_cached(sql)?.exists([hash])?)
}

/// From now on the session cannot come back.
pub(super) fn bury(db: &Connection, session: &str) -> Result<(), StoreError> {
    let hash = hash(db, session)?;
    db.execute("INSERT OR IGNORE INTO tombstones VALUES (?1)", [hash])?;
    Ok(())
}

impl Embedded {
    pub(super) fn audit(&self) -> Result<Vec<AuditRow>, StoreError> {
        rows(&self.db)
    }

    pub(super) fn is_buried(&self, session: &str) -> Result<bool, StoreError> {
        is_buried(&self.db, session)
    }
}
