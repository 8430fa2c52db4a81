//! What can go wrong with a store, sorted by what a person can do about it.

use super::influx::server::InfluxError;
use crate::wire::payload::PayloadError;
use rusqlite::ErrorCode;
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why the store cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is something else where the folder should be.
    #[error("open the store: {} is not a directory", path.display())]
    NotADirectory {
        /// What was to be the folder.
        path: PathBuf,
    },
    /// This user may not write there.
    #[error("use {}: no permission", path.display())]
    NoPermission {
        /// File or folder.
        path: PathBuf,
    },
    /// The file is no database, or somebody else's.
    #[error("open the store: {} is not a plimsoll database", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// Written by a newer version of this program.
    #[error("open the store: {} has schema {found}, this program knows up to {known}", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: i64,
        /// Version of this program.
        known: i64,
    },
    /// No space left. Nothing of the call was kept; try again when there is space.
    #[error("write to the store: the disk is full")]
    DiskFull,
    /// Another process wrote for more than the waiting time.
    #[error("write to the store: another process has been writing for more than 5 s")]
    Busy,
    /// Something stored cannot be read back.
    #[error("read the store: damaged: {0}")]
    Damaged(String),
    /// Never begun here.
    #[error("find session {0:?} in the store")]
    UnknownSession(String),
    /// Another session has that identifier.
    #[error("begin session {0:?}: the store has it with another header or plan")]
    DifferentSession(String),
    /// Other than letters, digits, `-` and `_`, or too long.
    #[error("begin session {0:?}: an identifier is 1 to 128 letters, digits, `-` and `_`")]
    BadIdentifier(String),
    /// Its end is not here yet.
    #[error("move or remove parts of session {0:?}: it is still open")]
    StillOpen(String),
    /// New data for a session whose samples were moved to files.
    #[error("append to session {0:?}: it is closed and compacted")]
    Compacted(String),
    /// It was removed on purpose and must not come back.
    #[error("take session {0:?}: it was erased from this store and cannot come back")]
    Erased(String),
    /// Retention removed it.
    #[error("read the session: its {what} were removed by retention at {at}")]
    Removed {
        /// What.
        what: &'static str,
        /// When, RFC 3339.
        at: String,
    },
    /// A header with a number that is not finite cannot be read back.
    #[error("begin session {0:?}: its header does not survive being written")]
    BadHeader(String),
    /// Another trouble with a file.
    #[error("use {}: {source}", path.display())]
    File {
        /// File or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The server that samples went to.
    #[error("use the samples at InfluxDB: {0}")]
    Influx(#[from] InfluxError),
    /// A payload cannot be written.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// A table cannot be written.
    #[error("write a table: {0}")]
    Table(String),
    /// Another trouble with the database.
    #[error("use the database: {0}")]
    Database(rusqlite::Error),
}

impl StoreError {
    /// Sorts what the system says about `path`.
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::NoPermission { path }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            io::ErrorKind::NotADirectory => Self::NotADirectory { path },
            _ => Self::File { path, source },
        }
    }

    /// Sorts what the database at `path` says while it is opened.
    pub(super) fn opening(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
                Self::NoPermission { path }
            }
            _ => error.into(),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // A full disk shows itself here too, when the memory shared by readers cannot grow.
        let extended = error.sqlite_error().map(|e| e.extended_code);
        if extended == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE) {
            return Self::DiskFull;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Database(error),
        }
    }
}
