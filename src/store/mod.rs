//! The store of sessions: what was said on the bus, durable, and readable while it is written.
//!
//! | file | what |
//! |---|---|
//! | [`embedded`] | the store in one folder: `SQLite` for what comes in, Parquet for finished sessions |
//! | `schema` | opening the database: tables, versions, what is not one |
//! | [`Standing`] | how far a session is stored |
//! | `samples` | series of samples, from either |
//! | `windows` | windows as they came off the bus |
//! | `archive` | samples of a closed session move to Parquet |
//! | `audit` | who removed what, and what must not come back |
//! | `retain` | what is kept for how long |
//! | `erase` | a client is removed |
//! | [`influx`] | the lines, answers and requests of an `InfluxDB` |
//! | `outbox` | what is still to go there, and what it refused |
//! | `remote` | samples that moved there, read and removed there |
//! | `verify` | is everything there that the tables of contents name |
//! | `stats` | how much there is and how much room it takes |
//! | `export` | CSV and Parquet for people |
//! | `one_file` | a session as one `SQLite` file |
//! | `table` | samples, repetitions and findings as columns |
//! | `files` | files that are never half-written |
//! | `error` | what can go wrong |
//!
//! Times are nanoseconds of the session's clock, values in the units of the model. Nothing is judged
//! or computed here, and what is merely live is not kept. Calls block: call them off the async threads.

mod archive;
mod audit;
pub mod embedded;
mod erase;
mod error;
mod export;
mod files;
pub mod influx;
mod one_file;
mod outbox;
mod remote;
mod retain;
mod samples;
mod schema;
mod standing;
mod stats;
mod table;
mod verify;
mod windows;

pub use audit::{Act, AuditRow};
pub use error::StoreError;
pub use export::ExportFormat;
pub use files::{temporary, write_whole};
pub use outbox::Forwarded;
pub use remote::Settled;
pub use retain::{DataClass, Due, Outlook, Retention, overdue};
pub use standing::Standing;
pub use stats::{Stats, free_bytes, shortage, size};
pub use verify::{Checked, Report};

use crate::model::{
    event::Numbered,
    finding::Baseline,
    sample::{Sample, StreamId},
    session::{SessionHeader, SessionId},
    time::SessionNs,
    window::Window,
};
use influx::server::Server;
use serde::{Deserialize, Serialize};
use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
};

/// Where sessions are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Folder of the store, made if it is not there; relative to the working directory.
    /// Default `plimsoll-data`.
    pub dir: PathBuf,
    /// What is kept free on the disk of the store and of the recordings, MB (10^6 bytes): below it no set begins; a
    /// running one goes on. Default 500.
    pub reserve_mb: u64,
    /// How long what is kept. Default: for ever.
    pub retention: Retention,
    /// The `InfluxDB` that samples go to; everything else stays in the folder. Default: none.
    pub influx: Option<influx::Target>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("plimsoll-data"),
            reserve_mb: 500,
            retention: Retention::default(),
            influx: None,
        }
    }
}

/// A session as the store knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionInfo {
    /// What it began with.
    pub header: SessionHeader,
    /// The plan file, if there is a plan.
    pub plan_text: Option<String>,
    /// It ended and everything said about it is here.
    pub closed: bool,
}

/// A store. Several handles, also of several processes, may be open on one folder.
#[derive(Debug)]
pub enum Store {
    /// In one folder of this machine.
    Embedded(embedded::Embedded),
}

impl Store {
    /// The store in `dir`; folder and database are made if they are not there.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        embedded::Embedded::open(dir).map(Self::Embedded)
    }

    /// A session begins. Saying the same again changes nothing; another header or plan under a
    /// known identifier is an error.
    pub fn begin(
        &mut self,
        header: &SessionHeader,
        plan_text: Option<&str>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Embedded(s) => s.begin(header, plan_text),
        }
    }

    /// Keeps windows and events, all or none; when this returns they are durable. What is there
    /// already stays as it is; live events are left out.
    pub fn append(
        &mut self,
        session: &SessionId,
        windows: &[Window],
        events: &[Numbered],
    ) -> Result<(), StoreError> {
        match self {
            Self::Embedded(s) => s.append(session, windows, events),
        }
    }

    /// The session ended and everything said about it was appended.
    pub fn close(&mut self, session: &SessionId) -> Result<(), StoreError> {
        match self {
            Self::Embedded(s) => s.close(session),
        }
    }

    /// All sessions, in the order in which they began here.
    pub fn sessions(&self) -> Result<Vec<SessionInfo>, StoreError> {
        match self {
            Self::Embedded(s) => s.sessions(),
        }
    }

    /// One session.
    pub fn session(&self, session: &SessionId) -> Result<SessionInfo, StoreError> {
        match self {
            Self::Embedded(s) => s.session(session),
        }
    }

    /// Samples of a stream between two instants, both included, in the order of the stream.
    pub fn stream(
        &self,
        session: &SessionId,
        stream: StreamId,
        from: SessionNs,
        to: SessionNs,
    ) -> Result<Vec<Sample>, StoreError> {
        match self {
            Self::Embedded(s) => s.stream(session, stream, from, to),
        }
    }

    /// Streams that have samples, ascending.
    pub fn streams(&self, session: &SessionId) -> Result<Vec<StreamId>, StoreError> {
        match self {
            Self::Embedded(s) => s.streams(session),
        }
    }

    /// Events of a session, by sequence.
    pub fn events(&self, session: &SessionId) -> Result<Vec<Numbered>, StoreError> {
        match self {
            Self::Embedded(s) => s.events(session),
        }
    }

    /// Windows from `from_index` on with their batches, ascending, at most `limit`, whatever became of the session
    /// since. What is not stored is absent: a batch from its window, a window from the list. Of a compacted
    /// session every call reads its files, so ask for many.
    pub fn windows(
        &self,
        session: &SessionId,
        from_index: u64,
        limit: usize,
    ) -> Result<Vec<Window>, StoreError> {
        match self {
            Self::Embedded(s) => s.windows(session, from_index, limit),
        }
    }

    /// How far a session is stored.
    pub fn standing(&self, session: &SessionId) -> Result<Standing, StoreError> {
        match self {
            Self::Embedded(s) => s.standing(session),
        }
    }

    /// Baselines from a client's closed sessions: the latest of each exercise, side, metric and feature.
    pub fn baselines(&self, client: &str) -> Result<Vec<Baseline>, StoreError> {
        match self {
            Self::Embedded(s) => s.baselines(client),
        }
    }

    /// Counts a session and lists what is missing or damaged.
    pub fn verify(&self, session: &SessionId) -> Result<Report, StoreError> {
        match self {
            Self::Embedded(s) => s.verify(session),
        }
    }

    /// Checks every checksum of everything; `each` sees a session as soon as it was read.
    pub fn verify_all(&self, each: impl FnMut(&SessionId, &Report)) -> Result<Checked, StoreError> {
        match self {
            Self::Embedded(s) => s.verify_all(each),
        }
    }

    /// Counts and sizes.
    pub fn stats(&self) -> Result<Stats, StoreError> {
        match self {
            Self::Embedded(s) => s.stats(),
        }
    }

    /// What is older at the time `at` (RFC 3339) than it is to be kept.
    pub fn outlook(&self, retention: &Retention, at: &str) -> Result<Outlook, StoreError> {
        match self {
            Self::Embedded(s) => s.outlook(retention, at),
        }
    }

    /// Removes a class of data of a closed session from the store; a row of the audit says so. Recordings are not the
    /// store's.
    pub fn remove(
        &mut self,
        session: &SessionId,
        class: DataClass,
        act: Act<'_>,
    ) -> Result<(), StoreError> {
        match self {
            Self::Embedded(s) => s.remove(session, class, act),
        }
    }

    /// Notes in the audit that the recording of a session that is not here was removed.
    pub fn note_recording(&mut self, session: &SessionId, act: Act<'_>) -> Result<(), StoreError> {
        match self {
            Self::Embedded(s) => s.note_recording(session, act),
        }
    }

    /// Removes rows of the audit that are older than `days`; how many.
    pub fn shorten_audit(&mut self, days: NonZeroU32, act: Act<'_>) -> Result<u64, StoreError> {
        match self {
            Self::Embedded(s) => s.shorten_audit(days, act),
        }
    }

    /// Sessions of a client, oldest first, and whether each is closed.
    pub fn sessions_of(&self, client: &str) -> Result<Vec<(SessionId, bool)>, StoreError> {
        match self {
            Self::Embedded(s) => s.sessions_of(client),
        }
    }

    /// Removes every session of a client; none can begin again. A row of the audit says so. What was removed is in the
    /// bytes of the files until [`Store::scrub`].
    pub fn erase(&mut self, client: &str, act: Act<'_>) -> Result<(), StoreError> {
        match self {
            Self::Embedded(s) => s.erase(client, act),
        }
    }

    /// Sessions that are not in this store, and from now on cannot begin here.
    pub fn bury(&mut self, sessions: &[SessionId]) -> Result<(), StoreError> {
        match self {
            Self::Embedded(s) => s.bury(sessions),
        }
    }

    /// Leaves nothing in the files that is not in the store; busy while another process reads.
    pub fn scrub(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Embedded(s) => s.scrub(),
        }
    }

    /// The audit, oldest first.
    pub fn audit(&self) -> Result<Vec<AuditRow>, StoreError> {
        match self {
            Self::Embedded(s) => s.audit(),
        }
    }

    /// The session was removed on purpose and cannot begin again.
    pub fn is_erased(&self, session: &SessionId) -> Result<bool, StoreError> {
        match self {
            Self::Embedded(s) => s.is_buried(&session.0),
        }
    }

    /// Writes a session's samples, repetitions and findings as tables into `out_dir`, or everything stored of it as one
    /// file; the files written.
    pub fn export(
        &self,
        session: &SessionId,
        format: ExportFormat,
        out_dir: &Path,
    ) -> Result<Vec<PathBuf>, StoreError> {
        match self {
            Self::Embedded(s) => s.export(session, format, out_dir),
        }
    }

    /// Sends at most about `most` samples to `server`, of sessions whose samples are in the database, and notes how far.
    /// What the server does not take is still to be sent; what it refuses is kept aside.
    pub fn forward(&mut self, server: &mut Server, most: u64) -> Result<Forwarded, StoreError> {
        match self {
            Self::Embedded(s) => s.forward(server, most),
        }
    }

    /// Closed sessions whose samples are in the database and were all taken by `server`.
    pub fn sent_whole(&self, server: &Server) -> Result<Vec<SessionId>, StoreError> {
        match self {
            Self::Embedded(s) => s.sent_whole(server),
        }
    }

    /// Reads back what was sent of a closed session; if it is the same to the last bit, its samples leave this machine.
    pub fn settle(
        &mut self,
        server: &mut Server,
        session: &SessionId,
    ) -> Result<Settled, StoreError> {
        match self {
            Self::Embedded(s) => s.settle(server, session),
        }
    }

    /// Everything of a session that is not at `server` alone is to be sent there again, also what it took or refused.
    pub fn send_again(&mut self, server: &Server, session: &SessionId) -> Result<(), StoreError> {
        match self {
            Self::Embedded(s) => s.send_again(server, session),
        }
    }

    /// Moves the samples of a closed session to `server`, wherever they are, about `most` at once; `each` hears how many
    /// were taken. What was refused before is sent again; of a session that is there already, nothing.
    pub fn move_to(
        &mut self,
        server: &mut Server,
        session: &SessionId,
        most: u64,
        each: impl FnMut(u64),
    ) -> Result<(Forwarded, Settled), StoreError> {
        match self {
            Self::Embedded(s) => s.move_to(server, session, most, each),
        }
    }

    /// Brings the samples of a closed session from an `InfluxDB` into files of this machine and removes what was sent of
    /// it there; whether they were away.
    pub fn bring_home(&mut self, session: &SessionId) -> Result<bool, StoreError> {
        match self {
            Self::Embedded(s) => s.bring_home(session),
        }
    }

    /// Forgets which servers something of a session was sent to: it is not removed there. Gives these places, in words.
    pub fn forget_points(&mut self, session: &SessionId) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Embedded(s) => s.forget_points(session),
        }
    }

    /// Closed sessions whose samples are in the database still.
    pub fn uncompacted(&self) -> Result<Vec<SessionId>, StoreError> {
        match self {
            Self::Embedded(s) => s.uncompacted(),
        }
    }

    /// Moves the samples of a closed session to compressed files. Killed at any point, nothing is
    /// lost, and calling it again finishes.
    pub fn compact(&mut self, session: &SessionId) -> Result<(), StoreError> {
        match self {
            Self::Embedded(s) => s.compact(session),
        }
    }
}
