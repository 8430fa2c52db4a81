//! Removing what should not be kept: from the store, and the recordings and reports beside it.

use super::{
    jobs,
    proof::{self, Proof},
    recovery,
};
use crate::{
    model::session::{Origin, SessionHeader, SessionId},
    store::{self, Act, DataClass, Retention, Store, StoreError},
    wire::recording::Items,
};
use anyhow::{Context, Result};
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, BufReader},
    num::NonZeroU32,
    path::{Path, PathBuf},
};

/// Recordings in the folder of the store, by name.
///
/// # Errors
/// The folder cannot be read.
pub fn recordings(data: &Path) -> Result<Vec<PathBuf>> {
    ending(data, "mcap")
}

/// Files beside the recordings with that ending, by name.
fn ending(data: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let dir = data.join("recordings");
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let read = || format!("read {}", dir.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(&dir).with_context(read)? {
        let path = entry.with_context(read)?.path();
        // What points to a file that somebody took away is none.
        if path.extension() == Some(OsStr::new(ending)) && path.exists() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Marks that a recording was delivered whose recording is gone: a removal that was killed leaves one, somebody's hand
/// another. Their names are those of sessions.
fn remove_lone_marks(data: &Path) -> Result<()> {
    for mark in ending(data, "delivered")? {
        // What it points to may be on a disk that is not here now.
        if mark.with_extension("").symlink_metadata().is_err() {
            remove_file(&mark)?;
        }
    }
    Ok(())
}

/// Links of these sessions that point to a recording which somebody took away.
fn remove_lone_links(data: &Path, sessions: &[SessionId]) -> Result<()> {
    let dir = data.join("recordings");
    for session in sessions.iter().filter(|s| is_file_name(s)) {
        let link = dir.join(format!("{}.mcap", session.0));
        if link.is_symlink() {
            remove_file(&link)?;
        }
    }
    Ok(())
}

/// A recording and what it begins with.
struct Recorded {
    path: PathBuf,
    header: SessionHeader,
}

/// Recordings in the folder of the store with their headers, and those that cannot be read.
fn recorded(data: &Path) -> Result<(Vec<Recorded>, Vec<PathBuf>)> {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for path in recordings(data)? {
        let opened = File::open(&path).map(|file| Items::open(BufReader::new(file)));
        match opened {
            Ok(Ok(items)) => found.push(Recorded {
                header: items.header().clone(),
                path,
            }),
            _ => unreadable.push(path),
        }
    }
    Ok((found, unreadable))
}

/// Removes a file; that there is none is fine.
fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(e).with_context(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// A recording, then the mark that it was delivered: in this order it cannot be delivered again.
fn remove_recording(path: &Path) -> Result<()> {
    // It may only point to where the recording is.
    if let Ok(there) = fs::canonicalize(path) {
        remove_file(&there)?;
    }
    remove_file(path)?;
    remove_file(&recovery::delivered_mark(path))
}

/// What retention removed, or would remove, and what it left.
pub struct Retained {
    /// One line for each thing that goes or went.
    pub gone: Vec<String>,
    /// One line for each session that is left although it may be old.
    pub kept: Vec<String>,
    /// One line for each session of which something is at a server that did not remove it.
    pub failed: Vec<String>,
}

/// Removes what is older than `retention` says; with `dry` it only says what would go.
///
/// # Errors
/// The store or a file. What was removed before stays removed and is in the audit; the rest is still due.
pub fn retain(
    store: &mut Store,
    data: &Path,
    retention: &Retention,
    act: Act<'_>,
    dry: bool,
) -> Result<Retained> {
    let outlook = store.outlook(retention, act.at)?;
    let (recorded, unreadable) = recorded(data)?;
    let (mut gone, mut failed) = (Vec::new(), Vec::new());
    for due in &outlook.due {
        let (session, class) = (&due.session, due.class);
        let files = match class {
            DataClass::Derived => Vec::new(),
            _ => recorded
                .iter()
                .filter(|r| r.header.session == *session)
                .map(|r| r.path.clone())
                .collect(),
        };
        let report = report(data, session).filter(|r| class == DataClass::Record && r.exists());
        if !dry {
            for file in &files {
                remove_recording(file)?;
            }
            if let Some(report) = &report {
                remove_file(report)?;
            }
            if class != DataClass::Raw {
                jobs::remove(data, session)?;
            }
            match store.remove(session, class, act) {
                // A server that is away keeps no other session from being removed.
                Err(e @ StoreError::Influx(_)) => {
                    let class = class.as_str();
                    failed.push(format!("{}\t{class}\tnot removed: {e}", session.0));
                    continue;
                }
                removed => removed
                    .with_context(|| format!("remove what is old of session {}", session.0))?,
            }
        }
        let names = files.iter().chain(&report);
        let names: Vec<String> = names.map(|f| f.display().to_string()).collect();
        gone.push(format!(
            "{}\t{}\t{} days old\t{}",
            session.0,
            class.as_str(),
            due.age_days,
            names.join(", ")
        ));
    }
    for line in retain_recordings(store, &recorded, retention.raw_days, act, dry)? {
        gone.push(line);
    }
    if !dry {
        remove_lone_marks(data)?;
    }
    if outlook.audit_rows > 0
        && let Some(days) = retention.audit_days
    {
        let count = if dry {
            outlook.audit_rows
        } else {
            store.shorten_audit(days, act)?
        };
        gone.push(format!("audit\t{count} rows"));
    }
    let sessions = outlook.kept.into_iter();
    let mut kept: Vec<String> = sessions
        .map(|(session, why)| format!("{}\tkept: {why}", session.0))
        .collect();
    let files = unreadable.into_iter();
    kept.extend(files.map(|path| format!("{}\tkept: it cannot be read", path.display())));
    Ok(Retained { gone, kept, failed })
}

/// Recordings of a gateway whose store is elsewhere: old, and delivered there.
fn retain_recordings(
    store: &mut Store,
    recorded: &[Recorded],
    days: Option<NonZeroU32>,
    act: Act<'_>,
    dry: bool,
) -> Result<Vec<String>> {
    let mut gone = Vec::new();
    for Recorded { path, header } in recorded {
        let session = &header.session;
        let delivered = recovery::delivered_mark(path).exists();
        let age_days = store::overdue(days, &header.started_at, act.at);
        // What an imported one says is not the day it was recorded on.
        let (Some(age_days), true) = (age_days, delivered && header.origin != Origin::Imported)
        else {
            continue;
        };
        match store.session(session) {
            Err(StoreError::UnknownSession(_)) => {}
            known => {
                known?;
                continue;
            }
        }
        if !dry {
            remove_recording(path)?;
            store.note_recording(session, act)?;
        }
        let name = path.display();
        gone.push(format!(
            "{}\trecording\t{age_days} days old\t{name}",
            session.0
        ));
    }
    Ok(gone)
}

/// What was removed of a client, and that nothing is left.
pub struct Erased {
    /// Sessions, of the store and of recordings.
    pub sessions: usize,
    /// Recordings.
    pub recordings: usize,
    /// What was found of the client and these sessions in the folder afterwards.
    pub proof: Proof,
}

/// Removes a client from the store and the folder `data` it lies in, then searches every byte of the folder. `open`: also
/// sessions of which not everything has come.
///
/// # Errors
/// A session that is open or being recorded, a recording that cannot be read, the store, a file. What was removed before
/// stays removed; call it again.
pub fn erase(
    store: &mut Store,
    data: &Path,
    client: &str,
    open: bool,
    act: Act<'_>,
) -> Result<Erased> {
    let mut sessions = Vec::new();
    for (session, closed) in store.sessions_of(client)? {
        anyhow::ensure!(
            closed || open,
            "erase {client}: session {} is open: not all of it has come, or it still runs; end it, or erase it all the \
             same with --also-open",
            session.0
        );
        sessions.push(session);
    }
    let (recorded, unreadable) = recorded(data)?;
    let (mut elsewhere, mut files) = (Vec::new(), Vec::new());
    for Recorded { path, header } in recorded {
        if header.client != client && !sessions.contains(&header.session) {
            continue;
        }
        anyhow::ensure!(
            !recovery::is_written(&path),
            "erase {client}: {} is being written; end the session first",
            path.display()
        );
        if !sessions.contains(&header.session) && !elsewhere.contains(&header.session) {
            elsewhere.push(header.session);
        }
        files.push(path);
    }
    // Before their recordings go: killed in between, nobody knows of these sessions any more.
    store.bury(&elsewhere)?;
    for path in &files {
        remove_recording(path)?;
    }
    let names: Vec<SessionId> = sessions.iter().chain(&elsewhere).cloned().collect();
    for session in &names {
        jobs::remove(data, session)?;
        if let Some(report) = report(data, session) {
            remove_file(&report)?;
        }
    }
    remove_lone_links(data, &names)?;
    remove_lone_marks(data)?;
    store.erase(client, act)?;
    store.scrub().context(
        "write the database anew: what was removed may still be in its bytes until it is (call it again)",
    )?;
    let mut searched: Vec<&str> = names.iter().map(|s| s.0.as_str()).collect();
    searched.push(client);
    let mut proof = proof::search(data, &searched)?;
    for path in unreadable {
        // Its bytes were searched; that its beginning is damaged leaves open whose it was.
        proof.left += 1;
        let line = format!(
            "{}\tcannot be read: whose it is is not known",
            path.display()
        );
        proof.places.push(line);
    }
    Ok(Erased {
        sessions: names.len(),
        recordings: files.len(),
        proof,
    })
}

/// Where the report of a session is written.
fn report(data: &Path, session: &SessionId) -> Option<PathBuf> {
    is_file_name(session).then(|| data.join("reports").join(format!("{}.html", session.0)))
}

/// An identifier that is none is no file name either.
fn is_file_name(session: &SessionId) -> bool {
    Path::new(&session.0).file_name() == Some(OsStr::new(&session.0))
}

/// That the session is not one that was removed on purpose.
///
/// # Errors
/// It was; or the store does not answer.
pub fn not_erased(store: &Store, session: &SessionId) -> Result<(), StoreError> {
    if store.is_erased(session)? {
        return Err(StoreError::Erased(session.0.clone()));
    }
    Ok(())
}
