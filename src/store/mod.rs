//! The store of sessions: samples, repetitions, findings; readable while it is written.
//!
//! Idempotent by (session, stream, sequence): what comes twice is stored once. Only what [`Store::append`]
//! has returned for is durable. Other databases fit in as further variants.
//!
//! | file | what |
//! |---|---|
//! | [`embedded`] | one SQLite file |
//! | `schema` | its tables |
//! | `verify` | is a session whole? |
//! | [`export`] | tables as CSV or Parquet |

pub mod embedded;
pub mod export;
mod schema;
mod verify;

pub use export::ExportFormat;
pub use verify::Verified;

use crate::{
    model::{
        event::Numbered,
        finding::Baseline,
        sample::{Sample, StreamId},
        session::{SessionHeader, SessionId},
        time::SessionNs,
        window::Window,
    },
    wire::payload::PayloadError,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The store's part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Folder of the store; made if it is not there. Default `plimsoll-data`.
    pub dir: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dir: "plimsoll-data".into(),
        }
    }
}

/// Why the store cannot do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be used.
    #[error("use the folder {}: {reason}", dir.display())]
    Folder {
        /// Which.
        dir: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The file is something else.
    #[error("open {}: it is no database of this program", .0.display())]
    NotADatabase(PathBuf),
    /// Written by a newer version of this program.
    #[error("open {}: it has schema {found}, this program knows {known}", file.display())]
    Newer {
        /// Which file.
        file: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// No room.
    #[error("write to the store: the disk is full")]
    DiskFull,
    /// No such session.
    #[error("find session {0:?} in the store")]
    Unknown(String),
    /// Another session has that id.
    #[error("store session {0:?}: another session of that id is there")]
    Taken(String),
    /// A payload in it does not read.
    #[error("read what is stored: {0}")]
    Payload(#[from] PayloadError),
    /// JSON in it does not read.
    #[error("read what is stored: {0}")]
    Json(#[from] serde_json::Error),
    /// A table cannot be written.
    #[error("write a table: {0}")]
    Table(String),
    /// Anything else the database says.
    #[error("use the store: {0}")]
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(e: rusqlite::Error) -> Self {
        match e.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Database(e),
        }
    }
}

/// What the store knows of a session beside its data.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionInfo {
    /// Header.
    pub header: SessionHeader,
    /// Plan file.
    pub plan_text: Option<String>,
    /// It ended; nothing follows.
    pub closed: bool,
}

/// A store.
pub enum Store {
    /// One file on this machine.
    Embedded(embedded::Embedded),
}

/// Hands a call to whichever store it is.
macro_rules! each {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Store::Embedded($store) => $call,
        }
    };
}

impl Store {
    /// Opens the embedded store in `dir`, made if it is not there.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        embedded::Embedded::open(dir).map(Self::Embedded)
    }

    /// A session begins. The same again is nothing new; another one under its id is refused.
    pub fn begin(
        &mut self,
        header: &SessionHeader,
        plan_text: Option<&str>,
    ) -> Result<(), StoreError> {
        each!(self, s => s.begin(header, plan_text))
    }

    /// Makes windows and events durable, all or none. `Live` events are not kept.
    pub fn append(
        &mut self,
        session: &SessionId,
        windows: &[Window],
        events: &[Numbered],
    ) -> Result<(), StoreError> {
        each!(self, s => s.append(session, windows, events))
    }

    /// The session ended.
    pub fn close(&mut self, session: &SessionId) -> Result<(), StoreError> {
        each!(self, s => s.close(session))
    }

    /// All sessions, oldest first.
    pub fn sessions(&self) -> Result<Vec<SessionInfo>, StoreError> {
        each!(self, s => s.sessions())
    }

    /// One session.
    pub fn session(&self, session: &SessionId) -> Result<SessionInfo, StoreError> {
        each!(self, s => s.session(session))
    }

    /// Samples of one stream in `[from, to]`, in order.
    pub fn stream(
        &self,
        session: &SessionId,
        stream: StreamId,
        from: SessionNs,
        to: SessionNs,
    ) -> Result<Vec<Sample>, StoreError> {
        each!(self, s => s.stream(session, stream, from, to))
    }

    /// Streams of a session, in order.
    pub fn streams(&self, session: &SessionId) -> Result<Vec<StreamId>, StoreError> {
        each!(self, s => s.streams(session))
    }

    /// Events of a session, in order.
    pub fn events(&self, session: &SessionId) -> Result<Vec<Numbered>, StoreError> {
        each!(self, s => s.events(session))
    }

    /// The highest window up to which none is missing.
    pub fn durable(&self, session: &SessionId) -> Result<Option<u64>, StoreError> {
        each!(self, s => s.durable(session))
    }

    /// The newest accepted baselines of a client.
    pub fn baselines(&self, client: &str) -> Result<Vec<Baseline>, StoreError> {
        each!(self, s => s.baselines(client))
    }

    /// Looks whether everything that was stored of a session is there and reads.
    pub fn verify(&self, session: &SessionId) -> Result<Verified, StoreError> {
        each!(self, s => verify::verify(s, session))
    }

    /// Writes the tables of a session into `dir`; each whole or not at all. The files written.
    pub fn export(
        &self,
        session: &SessionId,
        format: ExportFormat,
        dir: &Path,
    ) -> Result<Vec<PathBuf>, StoreError> {
        export::export(self, session, format, dir)
    }
}
