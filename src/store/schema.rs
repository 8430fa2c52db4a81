//! Opening the database: tables, versions, and what is not one of ours.
//!
//! Commits are durable when they return (write-ahead log, `synchronous=FULL`); readers never wait for
//! the writer. Sessions are rows with a number of their own so that their name is not in every row.

use super::{StoreError, files};
use rusqlite::{
    Connection, TransactionBehavior,
    functions::{Context, FunctionFlags},
    types::ValueRef,
};
use std::{path::Path, thread, time::Duration};

/// Version of the tables below, in the file's `user_version`.
pub(super) const VERSION: i64 = 3;

/// "Plim" in the file's `application_id`: this database is ours.
const APPLICATION: i64 = 0x506c_696d;

/// Longest wait for another process's transaction.
const BUSY: Duration = Duration::from_secs(5);

/// Waiting where `SQLite` does not: this often, this long.
const RETRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

const TABLES: &str = "
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    client TEXT NOT NULL,
    header TEXT NOT NULL,           -- JSON
    plan_text TEXT,
    closed INTEGER NOT NULL DEFAULT 0,
    next_window INTEGER NOT NULL DEFAULT 0,  -- windows 0 to next_window - 1 are all here
    compacted INTEGER NOT NULL DEFAULT 0,    -- samples are in the files of `archives`
    crc32 INTEGER,                  -- of header and plan_text
    raw_removed_at TEXT,            -- retention removed samples and recording then
    derived_removed_at TEXT         -- retention removed the events then
);
CREATE INDEX sessions_client ON sessions (client);
CREATE TABLE windows (
    session INTEGER NOT NULL REFERENCES sessions (number),
    idx INTEGER NOT NULL,
    manifest TEXT NOT NULL,         -- as on the bus
    crc32 INTEGER,                  -- of the manifest
    PRIMARY KEY (session, idx)
) WITHOUT ROWID;
CREATE TABLE batches (
    session INTEGER NOT NULL REFERENCES sessions (number),
    device INTEGER NOT NULL,
    kind TEXT NOT NULL,
    first_sequence INTEGER NOT NULL,
    count INTEGER NOT NULL,
    t_first INTEGER NOT NULL,       -- earliest and latest time in it, ns
    t_last INTEGER NOT NULL,
    payload BLOB NOT NULL,          -- as on the bus
    crc32 INTEGER,                  -- of the payload
    PRIMARY KEY (session, device, kind, first_sequence)
) WITHOUT ROWID;
CREATE TABLE events (
    session INTEGER NOT NULL REFERENCES sessions (number),
    sequence INTEGER NOT NULL,
    window INTEGER NOT NULL,
    baseline INTEGER NOT NULL,      -- is a baseline, for finding a client's
    event TEXT NOT NULL,            -- as on the bus
    crc32 INTEGER,                  -- of the event
    PRIMARY KEY (session, sequence)
) WITHOUT ROWID;
CREATE INDEX events_baseline ON events (session) WHERE baseline;
CREATE TABLE archives (
    session INTEGER NOT NULL REFERENCES sessions (number),
    device INTEGER NOT NULL,
    kind TEXT NOT NULL,
    samples INTEGER NOT NULL,
    crc32 INTEGER NOT NULL,         -- of the file, or of the samples
    place INTEGER,                  -- where in `places`; NULL: a file
    PRIMARY KEY (session, device, kind)
) WITHOUT ROWID;
";

/// What version 2 has beside: who removed what, and what must not come back. Neither names anybody: identifiers stand
/// there as SHA-256 of the salt and the identifier.
const KEEPING: &str = "
CREATE TABLE salt (value BLOB NOT NULL);
INSERT INTO salt VALUES (randomblob(32));
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,               -- wall clock, RFC 3339
    actor TEXT NOT NULL,            -- who, as given
    action TEXT NOT NULL,
    object TEXT NOT NULL,           -- hash of the session or client
    detail TEXT NOT NULL,           -- counts; never a name, never a value
    chain TEXT NOT NULL             -- hash of this row and the chain before it
);
CREATE TABLE tombstones (session TEXT PRIMARY KEY) WITHOUT ROWID;  -- hashes of erased sessions
";

/// What version 3 has beside: what went to an `InfluxDB`.
const SENDING: &str = "
CREATE TABLE places (
    number INTEGER PRIMARY KEY,
    target TEXT NOT NULL UNIQUE     -- JSON; the token is not in it
);
CREATE TABLE sent (
    session INTEGER NOT NULL REFERENCES sessions (number),
    device INTEGER NOT NULL,
    kind TEXT NOT NULL,
    place INTEGER NOT NULL REFERENCES places (number),
    next_sequence INTEGER NOT NULL, -- what is below was taken, or kept aside
    first_ms INTEGER NOT NULL,      -- times of the first and last point there
    last_ms INTEGER NOT NULL,
    PRIMARY KEY (session, device, kind, place)
) WITHOUT ROWID;
CREATE TABLE kept_aside (           -- batches that it refused: they stay here
    session INTEGER NOT NULL REFERENCES sessions (number),
    device INTEGER NOT NULL,
    kind TEXT NOT NULL,
    place INTEGER NOT NULL REFERENCES places (number),
    first_sequence INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (session, device, kind, place, first_sequence)
) WITHOUT ROWID;
";

/// From version 2.
const PLACE: &str = "ALTER TABLE archives ADD COLUMN place INTEGER;";

/// From version 1.
const CHECKSUMS: &str = "
ALTER TABLE sessions ADD COLUMN crc32 INTEGER;
ALTER TABLE sessions ADD COLUMN raw_removed_at TEXT;
ALTER TABLE sessions ADD COLUMN derived_removed_at TEXT;
ALTER TABLE windows ADD COLUMN crc32 INTEGER;
ALTER TABLE batches ADD COLUMN crc32 INTEGER;
ALTER TABLE events ADD COLUMN crc32 INTEGER;
UPDATE sessions SET crc32 = crc32(header || coalesce(plan_text, ''));
UPDATE windows SET crc32 = crc32(manifest);
UPDATE batches SET crc32 = crc32(payload);
UPDATE events SET crc32 = crc32(event);
";

/// The database at `path`, made if it is not there.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let new = !path.exists();
    let mut db = Connection::open(path).map_err(|e| StoreError::opening(path, e))?;
    let mut prepared = prepare(&mut db, path);
    // `SQLite` does not wait by itself where another process turns to the log at the same moment.
    for _ in 0..RETRIES {
        if !matches!(prepared, Err(StoreError::Busy)) {
            break;
        }
        thread::sleep(PAUSE);
        prepared = prepare(&mut db, path);
    }
    prepared?;
    if new && let Some(dir) = path.parent() {
        files::sync_dir(dir)?;
    }
    Ok(db)
}

fn prepare(db: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let opening = |e| StoreError::opening(path, e);
    db.busy_timeout(BUSY).map_err(opening)?;
    // Asked first: on somebody else's file nothing may be changed, not even its mode of writing.
    refuse_strangers(db, path)?;
    if version(db).map_err(opening)? == 0 {
        // Only works before the first table: space of compacted sessions goes back to the system.
        db.pragma_update(None, "auto_vacuum", "INCREMENTAL")
            .map_err(opening)?;
    }
    for (name, value) in [
        ("journal_mode", "WAL"),
        ("synchronous", "FULL"),
        ("foreign_keys", "ON"),
    ] {
        db.pragma_update(None, name, value).map_err(opening)?;
    }
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    db.create_scalar_function("crc32", 1, flags, |context| Ok(crc32(context)))
        .map_err(opening)?;
    create(db, path)
}

/// `crc32(value)` in SQL: of the bytes of a text or blob.
fn crc32(context: &Context<'_>) -> Option<u32> {
    match context.get_raw(0) {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(crc32fast::hash(bytes)),
        _ => None,
    }
}

fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, "user_version", |r| r.get(0))
}

fn refuse_strangers(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let opening = |e| StoreError::opening(path, e);
    // In this order: what another process makes in between has both, and looks empty or ours.
    let tables: i64 = db
        .query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))
        .map_err(opening)?;
    let application: i64 = db
        .pragma_query_value(None, "application_id", |r| r.get(0))
        .map_err(opening)?;
    if application != APPLICATION && (application != 0 || tables != 0) {
        return Err(StoreError::NotADatabase {
            path: path.to_owned(),
        });
    }
    let found = version(db).map_err(opening)?;
    if found > VERSION {
        return Err(StoreError::NewerSchema {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    Ok(())
}

/// All tables or none, those of an older version brought up to this one; also when two processes open a new store at the same time.
fn create(db: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let opening = |e| StoreError::opening(path, e);
    if version(db).map_err(opening)? == VERSION {
        return Ok(());
    }
    let transaction = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(opening)?;
    let found = version(&transaction).map_err(opening)?;
    if found == 0 {
        transaction.execute_batch(TABLES).map_err(opening)?;
        transaction
            .pragma_update(None, "application_id", APPLICATION)
            .map_err(opening)?;
    }
    if found == 1 {
        transaction.execute_batch(CHECKSUMS).map_err(opening)?;
    }
    if found < 2 {
        transaction.execute_batch(KEEPING).map_err(opening)?;
    }
    if found == 1 || found == 2 {
        transaction.execute_batch(PLACE).map_err(opening)?;
    }
    if found < VERSION {
        transaction.execute_batch(SENDING).map_err(opening)?;
        transaction
            .pragma_update(None, "user_version", VERSION)
            .map_err(opening)?;
    }
    transaction.commit().map_err(opening)
}
