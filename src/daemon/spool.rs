//! The recording as the spool: windows made once more from what was recorded, for consumers that missed them.
//!
//! A window is a function of the items before it, so the recording is all that has to be kept. The whole session
//! is taken in again from its beginning, on a thread of its own, because the state of decoders and clocks at a
//! window is the sum of everything before. Works on a recording that is still written: what is made ends with
//! what is in the file.

use super::outgoing::Outgoing;
use crate::{
    model::session::SessionHeader,
    pipeline::{batch, ingest::Ingest},
    wire::recording::{End, Items},
};
use anyhow::{Context, Result, anyhow};
use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};
use tokio::sync::mpsc;

/// Windows made ahead of what is asked for.
const AHEAD: usize = 64;

/// Windows of a recording, from one on.
#[derive(Debug)]
pub struct Spool {
    first: u64,
    next: u64,
    windows: mpsc::Receiver<Result<Outgoing>>,
}

impl Spool {
    /// Windows of the recording at `path` from window `from` on.
    #[must_use]
    pub fn open(path: PathBuf, header: SessionHeader, from: u64) -> Self {
        let (sender, windows) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            if let Err(e) = make(&path, &header, from, &sender) {
                // Nobody may be waiting any more.
                let _ = sender.blocking_send(Err(e));
            }
        });
        Self {
            first: from,
            next: from,
            windows,
        }
    }

    /// The window that comes next.
    #[must_use]
    pub fn next_window(&self) -> u64 {
        self.next
    }

    /// It has not given a window yet.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.next == self.first
    }

    /// The next window; `None` when the recording has no more.
    ///
    /// # Errors
    /// The recording cannot be read.
    pub async fn next(&mut self) -> Result<Option<Outgoing>> {
        let window = self.windows.recv().await.transpose()?;
        self.next += u64::from(window.is_some());
        Ok(window)
    }
}

fn make(
    path: &Path,
    header: &SessionHeader,
    from: u64,
    sender: &mpsc::Sender<Result<Outgoing>>,
) -> Result<()> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let read = || format!("read {}", path.display());
    let mut items = Items::open(BufReader::new(file)).with_context(read)?;
    let mut ingest = Ingest::new(header)?;
    let mut out = Vec::new();
    for item in items.by_ref() {
        batch::take(&mut ingest, &item, &mut out);
        for window in out.drain(..) {
            if window.manifest.index >= from
                && sender.blocking_send(Ok(Outgoing::new(&window)?)).is_err()
            {
                return Ok(());
            }
            ingest.recycle(window);
        }
    }
    // Not to be read now is not its end.
    match items.end() {
        End::Unreadable(e) => Err(anyhow!(e)).with_context(read),
        _ => Ok(()),
    }
}
