//! How much a store holds and how much room it takes.

use super::{StoreError, embedded::Embedded, schema};
use crate::model::room::Shortage;
use std::{fs, io, path::Path};

/// Counts and sizes of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Version of its tables.
    pub schema: i64,
    /// Sessions.
    pub sessions: u64,
    /// Sessions that have not ended, or of which not everything has come.
    pub open_sessions: u64,
    /// Sessions whose samples left the database, for files or an `InfluxDB`.
    pub compacted_sessions: u64,
    /// Clients with sessions.
    pub clients: u64,
    /// Windows of all sessions.
    pub windows: u64,
    /// Events of all sessions.
    pub events: u64,
    /// Samples in the database.
    pub samples_in_database: u64,
    /// Samples in Parquet files.
    pub samples_in_files: u64,
    /// Samples that are at an `InfluxDB` alone.
    pub samples_away: u64,
    /// Samples in the database that are still to go to the `InfluxDB` that the last ones went to.
    pub samples_waiting: u64,
    /// Samples in the database that it refused.
    pub samples_refused: u64,
    /// The database and its write-ahead log, bytes.
    pub database_bytes: u64,
    /// Parquet files, bytes.
    pub files_bytes: u64,
    /// Free for this user on the disk of the store, bytes.
    pub free_bytes: u64,
}

impl Embedded {
    pub(super) fn stats(&self) -> Result<Stats, StoreError> {
        let view = self.snapshot()?;
        let count = |sql: &str| -> Result<u64, StoreError> {
            Ok(view
                .query_row(sql, [], |r| r.get::<_, i64>(0))?
                .cast_unsigned())
        };
        let mut database_bytes = 0;
        for name in ["plimsoll.sqlite", "plimsoll.sqlite-wal"] {
            database_bytes += size(&self.dir.join(name))?;
        }
        Ok(Stats {
            schema: schema::VERSION,
            sessions: count("SELECT count(*) FROM sessions")?,
            open_sessions: count("SELECT count(*) FROM sessions WHERE NOT closed")?,
            compacted_sessions: count("SELECT count(*) FROM sessions WHERE compacted")?,
            clients: count("SELECT count(DISTINCT client) FROM sessions")?,
            windows: count("SELECT count(*) FROM windows")?,
            events: count("SELECT count(*) FROM events")?,
            samples_in_database: count("SELECT coalesce(sum(count), 0) FROM batches")?,
            samples_in_files: count(
                "SELECT coalesce(sum(samples), 0) FROM archives WHERE place IS NULL",
            )?,
            samples_away: count(
                "SELECT coalesce(sum(samples), 0) FROM archives WHERE place IS NOT NULL",
            )?,
            samples_waiting: count(
                "SELECT coalesce(sum(b.count), 0) FROM (SELECT max(number) AS place FROM places) AS p
                 JOIN batches AS b ON p.place IS NOT NULL LEFT JOIN sent AS s ON s.session = b.session
                    AND s.device = b.device AND s.kind = b.kind AND s.place = p.place
                 WHERE b.first_sequence >= coalesce(s.next_sequence, 0)",
            )?,
            samples_refused: count("SELECT coalesce(sum(samples), 0) FROM kept_aside")?,
            database_bytes,
            files_bytes: size(&self.dir.join("sessions"))?,
            free_bytes: free_bytes(&self.dir)?,
        })
    }
}

/// Free for this user on the disk of `dir`, bytes.
pub fn free_bytes(dir: &Path) -> Result<u64, StoreError> {
    let disk = rustix::fs::statvfs(dir).map_err(|e| StoreError::file(dir, e.into()))?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Whether less than `reserve_mb` (10^6 bytes) is free on the disk of `dir`.
pub fn shortage(dir: &Path, reserve_mb: u64) -> Result<Option<Shortage>, StoreError> {
    let free_mb = free_bytes(dir)? / 1_000_000;
    Ok((free_mb < reserve_mb).then_some(Shortage {
        free_mb,
        reserve_mb,
    }))
}

/// Bytes of a file, or of all files below a folder; 0 where there is nothing.
pub fn size(path: &Path) -> Result<u64, StoreError> {
    let asked = |e: io::Error| StoreError::file(path, e);
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(asked(e)),
    };
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let mut sum = 0;
    for entry in fs::read_dir(path).map_err(asked)? {
        sum += size(&entry.map_err(asked)?.path())?;
    }
    Ok(sum)
}
