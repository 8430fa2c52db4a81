//! What an earlier run left behind: recordings whose sessions did not reach every consumer, because the process was
//! killed or because nobody took them.
//!
//! A recording that was delivered has an empty file beside it that says so. One that is being written is locked by
//! whoever writes it.

use super::{
    gateway::Carried,
    hub, keeping,
    plant::{Carry, Plant},
};
use crate::{
    model::session::SessionId,
    wire::recording::{self, End, Item, Items},
};
use anyhow::{Context, Result, anyhow};
use rustix::fs::{FlockOperation, flock};
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::BufReader,
    os::unix::fs::symlink,
    path::{self, Path, PathBuf},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Items read ahead.
const AHEAD: usize = 1024;

/// Recordings in `dir` that were not delivered and that nobody is writing, in the order of their names.
///
/// # Errors
/// The folder cannot be read.
pub fn unfinished(dir: &Path) -> Result<Vec<PathBuf>> {
    let read = || format!("read {}", dir.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(read)? {
        let path = entry.with_context(read)?.path();
        // What points to a file that somebody took away is none.
        if path.extension() == Some(OsStr::new("mcap"))
            && path.exists()
            && !delivered_mark(&path).exists()
            && !is_written(&path)
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Lets a link of that name in `dir` point to a recording that is about to be made elsewhere: it is delivered, checked and
/// removed as any. Under which path it is known.
///
/// # Errors
/// There is a file already, or the link cannot be made.
pub fn point_to(dir: &Path, name: &str, elsewhere: &Path) -> Result<PathBuf> {
    let known = dir.join(name);
    let made = || format!("point from {} to {}", known.display(), elsewhere.display());
    anyhow::ensure!(
        elsewhere.symlink_metadata().is_err(),
        "record to {}: there is a file already",
        elsewhere.display()
    );
    let target = path::absolute(elsewhere).with_context(made)?;
    let folder = target.parent().and_then(|p| fs::canonicalize(p).ok());
    if folder.is_some() && folder == fs::canonicalize(dir).ok() {
        return Ok(elsewhere.to_path_buf());
    }
    symlink(target, &known).with_context(made)?;
    Ok(known)
}

/// Somebody is writing the recording at `path`. One that cannot be opened is written by nobody: whoever reads it says so.
#[must_use]
pub fn is_written(path: &Path) -> bool {
    let locked = |file: File| flock(&file, FlockOperation::NonBlockingLockShared).is_err();
    File::open(path).is_ok_and(locked)
}

/// Says that the session recorded at `path` has reached every consumer.
///
/// # Errors
/// The file cannot be written.
pub fn mark_delivered(path: &Path) -> Result<()> {
    let mark = delivered_mark(path);
    File::create(&mark)
        .and_then(|file| file.sync_all())
        .with_context(|| format!("write {}", mark.display()))
}

/// The file that says that the recording at `path` was delivered.
#[must_use]
pub fn delivered_mark(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".delivered");
    name.into()
}

/// How a recording ends.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// With everything that was written to it.
    Sound,
    /// Bytes in it changed: what lies behind them is not read.
    Damaged,
    /// It ends before it says whose it is: it holds nothing.
    Empty,
}

/// Reads a recording to its end: what cannot be read now is not to be taken for its end.
fn state(path: &Path) -> Result<State> {
    let read = || format!("read the recording {}", path.display());
    let file = File::open(path).with_context(read)?;
    let mut items = match Items::open(BufReader::new(file)) {
        Err(e) if e.holds_nothing() && is_a_beginning(path)? => return Ok(State::Empty),
        opened => opened.with_context(read)?,
    };
    while items.next().is_some() {}
    match items.end() {
        End::Unreadable(e) => Err(anyhow!(e)).with_context(read),
        End::Damaged => Ok(State::Damaged),
        End::Whole | End::Torn => Ok(State::Sound),
    }
}

/// It is no longer than a header that was being written, and nobody ended it.
fn is_a_beginning(path: &Path) -> Result<bool> {
    const LONGEST: u64 = 16 << 10;
    let read = || format!("read {}", path.display());
    if fs::metadata(path).with_context(read)?.len() > LONGEST {
        return Ok(false);
    }
    Ok(!recording::is_ended(&fs::read(path).with_context(read)?))
}

/// A session that an earlier run left.
pub struct Left {
    /// Which.
    pub session: SessionId,
    /// How it went this time.
    pub how: Carried,
    /// Bytes of its recording changed: what lies behind them did not come.
    pub damaged: bool,
}

/// Delivers what the recording at `path` holds, however it ended, under the session it was recorded as; one that holds
/// nothing is removed.
///
/// # Errors
/// The recording cannot be read, the bus refuses, the mark cannot be written.
pub async fn deliver(
    plant: &mut Plant,
    path: &Path,
    stop: &CancellationToken,
) -> Result<Option<Left>> {
    let looked_at = path.to_owned();
    let state = tokio::task::spawn_blocking(move || state(&looked_at));
    let damaged = match state.await.context("look at the recording")?? {
        State::Empty => {
            fs::remove_file(path).with_context(|| format!("remove {}", path.display()))?;
            return Ok(None);
        }
        state => state == State::Damaged,
    };
    let opened = || format!("open the recording {}", path.display());
    let file = File::open(path).with_context(opened)?;
    let items = Items::open(BufReader::new(file)).with_context(opened)?;
    let header = items.header().clone();
    let session = header.session.clone();
    if let Some(store) = plant.store() {
        keeping::not_erased(&hub::lock(&store), &session)
            .with_context(|| format!("deliver {}", path.display()))?;
    }
    let plan_text = items.plan_text().map(str::to_owned);
    let (sender, receiver) = mpsc::channel(AHEAD);
    let reading = tokio::task::spawn_blocking(move || send(items, &sender));
    let carry = Carry {
        header,
        plan_text,
        items: receiver,
        waits: true,
        sensors: None,
    };
    let recording = Some(path.to_path_buf());
    let how = plant.carry_recorded(carry, None, recording, stop).await?;
    reading.await.context("read the recording")?;
    if how.undelivered.is_none() && !how.stopped {
        mark_delivered(path)?;
    }
    Ok(Some(Left {
        session,
        how,
        damaged,
    }))
}

fn send(items: Items<BufReader<File>>, sender: &mpsc::Sender<Item>) {
    for item in items {
        if sender.blocking_send(item).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_elsewhere_is_found_until_somebody_takes_it_away() {
        let folder = tempfile::tempdir().unwrap();
        let (dir, there) = (
            folder.path().join("recordings"),
            folder.path().join("x.mcap"),
        );
        fs::create_dir(&dir).unwrap();
        let known = point_to(&dir, "s.mcap", &there).unwrap();
        assert!(unfinished(&dir).unwrap().is_empty());
        fs::write(&there, "recorded").unwrap();
        assert_eq!(unfinished(&dir).unwrap(), std::slice::from_ref(&known));
        mark_delivered(&known).unwrap();
        assert!(unfinished(&dir).unwrap().is_empty());
        // What is there already is not pointed to.
        assert!(point_to(&dir, "t.mcap", &there).is_err());
        // What is among them needs no link.
        let inside = dir.join("u.mcap");
        assert_eq!(point_to(&dir, "t.mcap", &inside).unwrap(), inside);
    }

    #[test]
    fn only_what_holds_nothing_is_taken_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.mcap");
        let of = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            state(&path)
        };
        assert_eq!(of(b"").unwrap(), State::Empty);
        assert_eq!(of(&mcap::MAGIC[..5]).unwrap(), State::Empty);
        let mut foreign = mcap::MAGIC.to_vec();
        foreign.extend(mcap::MAGIC);
        assert!(of(&foreign).is_err(), "somebody ended it");
        let mut long = mcap::MAGIC.to_vec();
        long.extend([1, 0, 0, 1, 0, 0, 0, 0, 0]);
        long.resize(20_000, 7);
        assert!(of(&long).is_err(), "there is something in it");
    }
}
