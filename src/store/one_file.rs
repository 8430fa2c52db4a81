//! A session as one `SQLite` file for people and their tools. It is no store: it has tables for reading.
//!
//! | table | what |
//! |---|---|
//! | `session` | identifier, client, header (JSON), text of the plan, whether it is closed |
//! | `windows` | tables of contents as on the bus (JSON) |
//! | `events` | everything said, as on the bus (JSON) |
//! | `reps`, `findings`, one a stream | the columns of the CSV and Parquet exports; what is no number is NULL |

use super::{StoreError, files};
use crate::model::session::SessionId;
use polars::prelude::{AnyValue, DataFrame, DataType};
use rusqlite::{Connection, params, types::Value};
use std::{
    fs::{self, File},
    path::Path,
};

const TABLES: &str = "
CREATE TABLE session (id TEXT NOT NULL, client TEXT NOT NULL, header TEXT NOT NULL, plan_text TEXT,
    closed INTEGER NOT NULL);
CREATE TABLE windows (idx INTEGER PRIMARY KEY, manifest TEXT NOT NULL);
CREATE TABLE events (sequence INTEGER PRIMARY KEY, window INTEGER NOT NULL, event TEXT NOT NULL);
";

/// Writes `dir/name`, whole or not at all, replacing what was there.
pub(super) fn write(
    dir: &Path,
    name: &str,
    fill: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (path, temporary) = (dir.join(name), dir.join(format!(".{name}.tmp")));
    let written = make(&temporary, fill).and_then(|()| {
        let renamed = fs::rename(&temporary, &path);
        renamed.map_err(|e| StoreError::file(&path, e))
    });
    if written.is_err() {
        // The error that matters is the first; a left-over is overwritten next time.
        let _ = fs::remove_file(&temporary);
        return written;
    }
    files::sync_dir(dir)
}

fn make(
    path: &Path,
    fill: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    // Made here, so that a folder without permission is said by its name; and what a killed export left goes.
    let file = File::create(path).map_err(|e| StoreError::file(path, e))?;
    let db = Connection::open(path)?;
    // Half a file is thrown away: nothing has to be undone.
    db.pragma_update(None, "journal_mode", "OFF")?;
    let transaction = db.unchecked_transaction()?;
    transaction.execute_batch(TABLES)?;
    fill(&transaction)?;
    transaction.commit()?;
    db.close().map_err(|(_, e)| e)?;
    file.sync_all().map_err(|e| StoreError::file(path, e))
}

/// What is stored of the session, apart from its samples.
pub(super) fn stored(
    view: &Connection,
    session: &SessionId,
    file: &Connection,
) -> Result<(), StoreError> {
    let sql = "SELECT id, client, header, plan_text, closed FROM sessions WHERE id = ?1";
    copy(view, sql, session, file, "session")?;
    let sql = "SELECT idx, manifest FROM windows
        WHERE session = (SELECT number FROM sessions WHERE id = ?1) ORDER BY idx";
    copy(view, sql, session, file, "windows")?;
    let sql = "SELECT sequence, window, event FROM events
        WHERE session = (SELECT number FROM sessions WHERE id = ?1) ORDER BY sequence";
    copy(view, sql, session, file, "events")
}

fn copy(
    view: &Connection,
    sql: &str,
    session: &SessionId,
    file: &Connection,
    into: &str,
) -> Result<(), StoreError> {
    let mut from = view.prepare(sql)?;
    let count = from.column_count();
    let mut to = file.prepare(&insert(into, count))?;
    let mut rows = from.query(params![session.0])?;
    while let Some(row) = rows.next()? {
        let values: Result<Vec<Value>, _> = (0..count).map(|i| row.get(i)).collect();
        to.execute(rusqlite::params_from_iter(values?))?;
    }
    Ok(())
}

fn insert(table: &str, columns: usize) -> String {
    let marks = vec!["?"; columns].join(", ");
    format!("INSERT INTO {} VALUES ({marks})", quoted(table))
}

/// A name as SQL takes it, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A table with its columns, values to the last bit.
pub(super) fn table(file: &Connection, name: &str, table: &DataFrame) -> Result<(), StoreError> {
    let columns: Vec<String> = table
        .columns()
        .iter()
        .map(|c| format!("{} {}", quoted(c.name()), kind(c.dtype())))
        .collect();
    let sql = format!("CREATE TABLE {} ({})", quoted(name), columns.join(", "));
    file.execute_batch(&sql)?;
    let mut to = file.prepare(&insert(name, columns.len()))?;
    let series: Vec<_> = table
        .columns()
        .iter()
        .map(polars::prelude::Column::as_materialized_series)
        .collect();
    let mut cells: Vec<_> = series.iter().map(|s| s.iter()).collect();
    for _ in 0..table.height() {
        let row: Result<Vec<Value>, StoreError> = cells
            .iter_mut()
            .map(|c| c.next().map_or(Ok(Value::Null), value))
            .collect();
        to.execute(rusqlite::params_from_iter(row?))?;
    }
    Ok(())
}

fn kind(of: &DataType) -> &'static str {
    if of.is_float() {
        "REAL"
    } else if of.is_integer() || of.is_bool() {
        "INTEGER"
    } else {
        "TEXT"
    }
}

fn value(cell: AnyValue<'_>) -> Result<Value, StoreError> {
    Ok(match cell {
        AnyValue::Null => Value::Null,
        AnyValue::Boolean(b) => Value::Integer(b.into()),
        AnyValue::Float32(x) => Value::Real(x.into()),
        AnyValue::Float64(x) => Value::Real(x),
        AnyValue::String(text) => Value::Text(text.to_owned()),
        AnyValue::StringOwned(text) => Value::Text(text.to_string()),
        // Sequence numbers are stored as signed numbers; none is as large as that.
        other => Value::Integer(other.try_extract().map_err(|_| {
            StoreError::Table(format!("{other} is no text, number or truth value"))
        })?),
    })
}
