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
    wire::recording::{Item, Items},
};
use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
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
        if path.extension() == Some(OsStr::new("mcap"))
            && !delivered_mark(&path).exists()
            && !is_written(&path)
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Somebody is writing the recording at `path`.
#[must_use]
pub fn is_written(path: &Path) -> bool {
    let lock = |file: File| flock(&file, FlockOperation::NonBlockingLockShared).is_ok();
    !File::open(path).is_ok_and(lock)
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

/// A session that an earlier run left.
pub struct Left {
    /// Which.
    pub session: SessionId,
    /// How it went this time.
    pub how: Carried,
}

/// Delivers what the recording at `path` holds, however it ended, under the session it was recorded as.
///
/// # Errors
/// The recording has no header, the bus refuses, the mark cannot be written.
pub async fn deliver(plant: &mut Plant, path: &Path, stop: &CancellationToken) -> Result<Left> {
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
    Ok(Left { session, how })
}

fn send(items: Items<BufReader<File>>, sender: &mpsc::Sender<Item>) {
    for item in items {
        if sender.blocking_send(item).is_err() {
            return;
        }
    }
}
