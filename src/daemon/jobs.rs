//! Work over many sessions: every finished one is worked up once, into three small files beside the store; questions are
//! asked of these.
//!
//! Of a session whose samples are there, its windows are judged again by the code that judges live, so that all sessions
//! speak with one program; what it says is compared with what is stored. Of one whose samples retention removed, what is
//! stored counts. `jobs/<session>.json` is written last and says that the rest is whole, and for which program: killed
//! anywhere, the next run does what is left, and what it writes is the same to the last byte.

use crate::{
    config::plan::hex,
    history::{
        facts,
        table::{self, Tables, When},
    },
    model::{
        event::{Event, Numbered},
        plan::Plan,
        session::SessionId,
    },
    pipeline::analysis::{Analysis, Params},
    store::{SessionInfo, Store, StoreError, temporary, write_whole},
    wire::plan,
};
use anyhow::{Context, Result};
use polars::prelude::{DataFrame, LazyFrame, ParquetWriter, PlRefPath, ScanArgsParquet};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

/// Changes when the files do.
const FORMAT: u32 = 3;

/// Which of a session's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One row a set.
    Sets,
    /// One row a set, metric and feature.
    Metrics,
    /// One row an exercise of the plan.
    Prescribed,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Sets, Self::Metrics, Self::Prescribed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Sets => "sets",
            Self::Metrics => "metrics",
            Self::Prescribed => "prescribed",
        }
    }
}

/// What a session's files are made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// Version of the program, parameters, header and plan.
    made_by: String,
    /// Checksums of the files, in the order of [`Kind::ALL`].
    crc32: [u32; 3],
}

/// What became of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Worked {
    /// It was worked up before.
    Before,
    /// Its samples were judged again; so many events are not as they were stored.
    JudgedAgain {
        /// Events.
        different: u64,
    },
    /// Its samples are gone; what was stored counts.
    AsStored,
    /// It counts nowhere: why.
    LeftOut(&'static str),
    /// It cannot be read: why.
    Damaged(String),
}

fn dir(data: &Path) -> PathBuf {
    data.join("jobs")
}

fn file(session: &SessionId, kind: Kind) -> String {
    format!("{}.{}.parquet", session.0, kind.as_str())
}

fn mark(session: &SessionId) -> String {
    format!("{}.json", session.0)
}

/// Works up a finished session, if that was not done.
///
/// # Errors
/// A file cannot be written, the store does not answer. A session that cannot be read is no error.
pub fn work_up(store: &Store, data: &Path, info: &SessionInfo) -> Result<Worked> {
    let session = &info.header.session;
    let Some(when) = When::of(&info.header) else {
        return Ok(Worked::LeftOut("the day it was recorded on is not known"));
    };
    if !info.closed {
        return Ok(Worked::LeftOut(
            "it is open: not all of it has come, or it still runs",
        ));
    }
    let made_by = made_by(info)?;
    if Kind::ALL
        .into_iter()
        .all(|kind| is_whole(data, session, &made_by, kind))
    {
        return Ok(Worked::Before);
    }
    let plan = info.plan_text.as_deref().map(plan::parse).transpose();
    let Ok(plan) = plan.map(|parsed| parsed.map(|p| p.plan)) else {
        return Ok(Worked::Damaged("its plan does not parse".to_owned()));
    };
    let stored = match store.events(session) {
        Ok(stored) => stored,
        // What was removed on purpose is not made again.
        Err(StoreError::Removed { .. }) => {
            return Ok(Worked::LeftOut(
                "its repetitions and findings were removed by retention",
            ));
        }
        Err(e) => return not_read(session, e),
    };
    let (events, worked) = match judge_again(store, info, plan.as_ref()) {
        Ok(events) => {
            let different = different(&events, &stored);
            (events, Worked::JudgedAgain { different })
        }
        Err(StoreError::Removed { .. }) => (stored, Worked::AsStored),
        Err(e) => return not_read(session, e),
    };
    let facts = facts::facts(plan.as_ref(), &events);
    let tables = table::tables(&info.header, &when, &facts)?;
    write(data, session, tables, made_by)?;
    if removed_meanwhile(store, session)? {
        remove(data, session)?;
        return Ok(Worked::LeftOut("it was removed meanwhile"));
    }
    Ok(worked)
}

/// What ails the store ends the run; what ails one session, such as a lost file or a server that is away, does not.
fn not_read(session: &SessionId, error: StoreError) -> Result<Worked> {
    match error {
        StoreError::DiskFull | StoreError::Busy | StoreError::Database(_) => {
            Err(error).with_context(|| format!("read session {}", session.0))
        }
        of_session => Ok(Worked::Damaged(of_session.to_string())),
    }
}

/// The session, or what was said of it, is not in the store any more.
fn removed_meanwhile(store: &Store, session: &SessionId) -> Result<bool> {
    match store.events(session) {
        Err(StoreError::UnknownSession(_) | StoreError::Removed { .. }) => Ok(true),
        Ok(_) | Err(StoreError::Damaged(_)) => Ok(false),
        Err(e) => Err(e).with_context(|| format!("find session {} again", session.0)),
    }
}

/// Removes what was worked up of sessions that are in the store no more: a run that was killed while they were removed
/// may have left it.
///
/// # Errors
/// The folder cannot be read, a file not removed.
pub fn sweep(store: &Store, data: &Path) -> Result<()> {
    let folder = dir(data);
    if !folder.is_dir() {
        return Ok(());
    }
    let read = || format!("read {}", folder.display());
    let mut sessions = BTreeSet::new();
    for entry in fs::read_dir(&folder).with_context(read)? {
        let name = entry.with_context(read)?.file_name();
        let name = name.to_string_lossy();
        // An identifier has no full stop; what is being written begins with one.
        let session = name.trim_start_matches('.').split('.').next();
        sessions.extend(session.filter(|s| !s.is_empty()).map(str::to_owned));
    }
    for session in sessions.into_iter().map(SessionId) {
        // Whatever else ails a session is said when it is worked up.
        if matches!(store.session(&session), Err(StoreError::UnknownSession(_))) {
            remove(data, &session)?;
        }
    }
    Ok(())
}

/// What the windows of a session say today.
fn judge_again(
    store: &Store,
    info: &SessionInfo,
    plan: Option<&Plan>,
) -> Result<Vec<Numbered>, StoreError> {
    let windows = store.windows(&info.header.session, 0, usize::MAX)?;
    let mut analysis = Analysis::new(&Params::default(), &info.header, plan);
    let mut events = Vec::new();
    for window in &windows {
        analysis.push(window, &mut events);
    }
    analysis.finish(&mut events);
    events.retain(|n| !matches!(n.event, Event::Live(_)));
    Ok(events)
}

/// Events that are not the same at their place.
fn different(now: &[Numbered], stored: &[Numbered]) -> u64 {
    let both = now.iter().zip(stored).filter(|(a, b)| a != b).count();
    (both + now.len().abs_diff(stored.len())) as u64
}

/// What determines the files of a session: the same gives the same.
fn made_by(info: &SessionInfo) -> Result<String> {
    let mut hasher = Sha256::new();
    hasher.update(FORMAT.to_le_bytes());
    hasher.update(env!("CARGO_PKG_VERSION"));
    hasher.update(serde_json::to_vec(&Params::default())?);
    hasher.update(serde_json::to_vec(&info.header)?);
    hasher.update(info.plan_text.as_deref().unwrap_or_default());
    Ok(hex(&hasher.finalize()))
}

/// That file of a session was made by this, and is as it was written.
fn is_whole(data: &Path, session: &SessionId, made_by: &str, kind: Kind) -> bool {
    let folder = dir(data);
    let bytes = fs::read(folder.join(mark(session))).unwrap_or_default();
    let Ok(mark) = serde_json::from_slice::<Mark>(&bytes) else {
        return false;
    };
    let there = || fs::read(folder.join(file(session, kind)));
    mark.made_by == made_by
        && there().is_ok_and(|bytes| crc32fast::hash(&bytes) == mark.crc32[kind as usize])
}

/// The mark last: what it marks is whole.
fn write(data: &Path, session: &SessionId, tables: Tables, made_by: String) -> Result<()> {
    let folder = dir(data);
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    remove_file(&folder.join(mark(session)))?;
    let Tables {
        sets,
        metrics,
        prescribed,
    } = tables;
    let mut crc32 = [0; 3];
    for (kind, mut table) in Kind::ALL.into_iter().zip([sets, metrics, prescribed]) {
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes).finish(&mut table)?;
        crc32[kind as usize] = crc32fast::hash(&bytes);
        write_whole(&folder, &file(session, kind), &bytes)?;
    }
    let made = Mark { made_by, crc32 };
    write_whole(&folder, &mark(session), &serde_json::to_vec(&made)?)?;
    Ok(())
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Removes what was worked up of a session, also what a killed run left half-written.
///
/// # Errors
/// A file cannot be removed.
pub fn remove(data: &Path, session: &SessionId) -> Result<()> {
    // A recording's identifier of a session may be anything; one that is no file name has no files.
    if Path::new(&session.0).file_name() != Some(OsStr::new(&session.0)) {
        return Ok(());
    }
    let folder = dir(data);
    let files = Kind::ALL.map(|kind| file(session, kind));
    for name in std::iter::once(mark(session)).chain(files) {
        remove_file(&folder.join(&name))?;
        remove_file(&folder.join(temporary(&name)))?;
    }
    Ok(())
}

/// What this program worked up of `sessions`, to be asked, and of how many it did not or whose file is damaged; `None`:
/// of none.
///
/// # Errors
/// A file that is no table.
pub fn scan(
    data: &Path,
    sessions: &[SessionInfo],
    kind: Kind,
) -> Result<(Option<LazyFrame>, usize)> {
    let mut paths = Vec::new();
    for info in sessions {
        let session = &info.header.session;
        if is_whole(data, session, &made_by(info)?, kind) {
            paths.push(PlRefPath::try_from_pathbuf(
                dir(data).join(file(session, kind)),
            )?);
        }
    }
    let missing = sessions.len() - paths.len();
    if paths.is_empty() {
        return Ok((None, missing));
    }
    let arguments = ScanArgsParquet {
        glob: false,
        ..ScanArgsParquet::default()
    };
    let frame = LazyFrame::scan_parquet_files(paths.into_iter().collect(), arguments)
        .context("open what was worked up")?;
    Ok((Some(frame), missing))
}

/// The answer to a question.
///
/// # Errors
/// A file that is no table of the kind: work it up anew.
pub fn answer(question: LazyFrame) -> Result<DataFrame> {
    question
        .collect()
        .context("read what was worked up (remove the folder jobs and run plimsoll jobs run)")
}
