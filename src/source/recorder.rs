//! Writes every item to a recording before passing it on: what was judged can be judged again.
//!
//! Times are the items' host times (ns). Items are committed in groups: when the host time enters another
//! window of the session, the group, that item included because it closes the window before, is handed to the file as one
//! chunk and synced to the disk: what comes out of a window's items is said only when they are there, and neither a killed
//! process nor a power cut takes more than the window it was in. A disk that needs long for a sync gets fewer, one every
//! 0.2 s at least. The file is written in place: a recording that was never ended opens.
//!
//! A full disk ends the recording, not the training: the error is kept and told once, items still pass.

use super::outlet::Clock;
use crate::{
    model::{session::SessionHeader, time::HostNs, window::WINDOW_NS},
    wire::recording::{Item, WriteError, Writer},
};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};

/// Longest time of items between two syncs, ns.
const SYNC_EVERY_NS: i64 = 2 * WINDOW_NS;
/// A group is committed after this long without any item.
const IDLE: Duration = Duration::from_millis(200);

/// Why there is no recording, or only part of one.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The file could not be made; an existing recording is never overwritten.
    #[error("create recording {path}")]
    Create {
        /// Where.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The disk is full: what was recorded before can be read.
    #[error("keep recording: the disk is full after {items} items")]
    DiskFull {
        /// Items written, of which those of the last window may be lost.
        items: u64,
    },
    /// Anything else that failed while writing.
    #[error("keep recording: after {items} items: {source}")]
    Write {
        /// Items written, of which those of the last window may be lost.
        items: u64,
        /// Why.
        source: WriteError,
    },
}

/// A recording that was ended properly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// SHA-256 of its contents, hexadecimal.
    pub content_sha256: String,
    /// Packets and commands in it.
    pub items: u64,
}

/// What items are written to: a writer that can also be synced from outside.
pub trait Medium: Write + Send {
    /// A second handle, for syncing.
    fn handle(&self) -> io::Result<Box<dyn Durable + Send>>;
}

/// The syncing side of a [`Medium`].
pub trait Durable {
    /// Returns when everything written so far survives a power cut.
    fn sync(&mut self) -> io::Result<()>;
}

impl Medium for File {
    fn handle(&self) -> io::Result<Box<dyn Durable + Send>> {
        Ok(Box::new(self.try_clone()?))
    }
}

impl Durable for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Writes items to a recording.
pub struct Recorder<W: Medium = File> {
    writer: Writer<W>,
    sync: Box<dyn Durable + Send>,
    /// Tells how long a sync takes.
    clock: Clock,
    /// Where the windows of the session begin.
    origin: HostNs,
    /// The window of the newest item.
    window: Option<i64>,
    /// There are items that are not committed yet.
    open: bool,
    synced: Option<HostNs>,
    /// Time of items until the next sync, ns: twice what the last one took, so that the disk has time for others.
    rest_ns: i64,
    items: u64,
}

impl Recorder<File> {
    /// Makes the file and writes header and plan to the disk.
    pub fn create(
        path: &Path,
        header: &SessionHeader,
        plan_text: Option<&str>,
        clock: Clock,
    ) -> Result<Self, RecorderError> {
        let create = |source| RecorderError::Create {
            path: path.display().to_string(),
            source,
        };
        let file = File::create_new(path).map_err(create)?;
        // Held until it is closed: whoever looks for recordings of earlier runs leaves this one alone.
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(io::Error::from)
            .map_err(create)?;
        let recorder = Self::new(file, header, plan_text, clock)?;
        // The file's name must survive a power cut too.
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(create)?;
        }
        Ok(recorder)
    }
}

impl<W: Medium> Recorder<W> {
    /// Records into any medium.
    pub fn new(
        medium: W,
        header: &SessionHeader,
        plan_text: Option<&str>,
        clock: Clock,
    ) -> Result<Self, RecorderError> {
        let at_begin = |source| failure(0, source);
        let mut sync = medium.handle().map_err(WriteError::Io).map_err(at_begin)?;
        let writer = Writer::create(medium, header, plan_text).map_err(at_begin)?;
        sync.sync().map_err(WriteError::Io).map_err(at_begin)?;
        Ok(Self {
            writer,
            sync,
            clock,
            origin: header.started_host,
            window: None,
            open: false,
            synced: None,
            rest_ns: 0,
            items: 0,
        })
    }

    /// Appends an item; commits the group, this item included, when it enters another window.
    pub fn item(&mut self, item: &Item) -> Result<(), RecorderError> {
        let host = item.host();
        let window = host.since(self.origin).0.div_euclid(WINDOW_NS);
        let written = self.writer.item(item);
        written.map_err(|e| failure(self.items, e))?;
        self.items += 1;
        self.open = true;
        let before = self.window.replace(window);
        if before.is_some_and(|w| w != window) {
            self.commit()?;
            self.sync_if_due(host)?;
        }
        Ok(())
    }

    /// Hands everything appended so far to the file.
    pub fn commit(&mut self) -> Result<(), RecorderError> {
        if !std::mem::take(&mut self.open) {
            return Ok(());
        }
        self.writer.flush().map_err(|e| failure(self.items, e))
    }

    /// Ends the recording properly and syncs it.
    pub fn finish(mut self) -> Result<Recorded, RecorderError> {
        let items = self.items;
        let finished = self.writer.finish().map_err(|e| failure(items, e))?;
        let synced = self.sync.sync();
        synced.map_err(|e| failure(items, WriteError::Io(e)))?;
        Ok(Recorded {
            content_sha256: finished.content_sha256,
            items,
        })
    }

    /// A clock that goes back syncs once more, and is followed.
    fn sync_if_due(&mut self, host: HostNs) -> Result<(), RecorderError> {
        let due = self
            .synced
            .is_none_or(|last| !(0..self.rest_ns).contains(&host.since(last).0));
        if due {
            let begin = (self.clock)();
            let synced = self.sync.sync();
            synced.map_err(|e| failure(self.items, WriteError::Io(e)))?;
            let took = (self.clock)().since(begin);
            self.rest_ns = took.0.saturating_mul(2).clamp(0, SYNC_EVERY_NS);
            self.synced = Some(host);
        }
        Ok(())
    }
}

fn failure(items: u64, source: WriteError) -> RecorderError {
    match source {
        WriteError::Io(e) if e.kind() == io::ErrorKind::StorageFull => {
            RecorderError::DiskFull { items }
        }
        source => RecorderError::Write { items, source },
    }
}

/// Records everything that comes in and passes it on, until the input closes. Waits where the output is
/// full: the output decides what to do about a consumer that is too slow. The error, if there is one, is
/// sent to `failed` as soon as it happens; items pass on unrecorded from then on.
///
/// Writing and syncing block: run this on a thread that may (`spawn_blocking` and `Handle::block_on`).
pub async fn run<W: Medium>(
    recorder: Recorder<W>,
    mut input: mpsc::Receiver<Item>,
    output: mpsc::Sender<Item>,
    failed: tokio::sync::oneshot::Sender<RecorderError>,
) -> Option<Recorded> {
    let mut recorder = Some(recorder);
    let mut failed = Some(failed);
    let mut report = |error| {
        // Nobody may be listening; the outcome says it again.
        failed.take().map(|failed| failed.send(error));
    };
    loop {
        let item = match timeout(IDLE, input.recv()).await {
            Ok(None) => break,
            Ok(Some(item)) => Some(item),
            Err(_) => None,
        };
        let written = recorder.as_mut().map_or(Ok(()), |r| match &item {
            Some(item) => r.item(item),
            None => r.commit(),
        });
        if let Err(error) = written {
            recorder = None;
            report(error);
        }
        if let Some(item) = item
            && output.send(item).await.is_err()
        {
            break;
        }
    }
    match recorder?.finish() {
        Ok(recorded) => Some(recorded),
        Err(error) => {
            report(error);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::recording::{
        fixture::{PLAN, header, items},
        read,
    };
    use std::{
        cell::Cell,
        sync::{
            Arc, Mutex, PoisonError,
            atomic::{AtomicUsize, Ordering},
        },
    };

    /// Time passes while a disk is slow, and only then.
    fn now() -> HostNs {
        PASSED.with(|passed| HostNs(passed.get()))
    }

    thread_local! {
        static PASSED: Cell<i64> = const { Cell::new(0) };
    }

    /// A disk in memory with so much room.
    #[derive(Clone)]
    struct Disk {
        bytes: Arc<Mutex<Vec<u8>>>,
        room: usize,
        syncs: Arc<AtomicUsize>,
        sync_takes: Duration,
    }

    impl Disk {
        fn new(room: usize) -> Self {
            Self {
                bytes: Arc::default(),
                room,
                syncs: Arc::default(),
                sync_takes: Duration::ZERO,
            }
        }

        fn bytes(&self) -> Vec<u8> {
            self.bytes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        }
    }

    impl Write for Disk {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            let n = buf.len().min(self.room - bytes.len());
            if n == 0 && !buf.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            bytes.extend(&buf[..n]);
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Medium for Disk {
        fn handle(&self) -> io::Result<Box<dyn Durable + Send>> {
            Ok(Box::new(self.clone()))
        }
    }

    impl Durable for Disk {
        fn sync(&mut self) -> io::Result<()> {
            self.syncs.fetch_add(1, Ordering::Relaxed);
            PASSED.with(|passed| passed.set(passed.get() + self.sync_takes.as_nanos() as i64));
            Ok(())
        }
    }

    #[test]
    fn a_process_killed_loses_at_most_the_window_it_was_in() {
        let disk = Disk::new(usize::MAX);
        let mut recorder = Recorder::new(disk.clone(), &header(), Some(PLAN), now).unwrap();
        let items = items(250);
        for (i, item) in items.iter().enumerate() {
            recorder.item(item).unwrap();
            // What a kill would leave behind now.
            let left = read(&disk.bytes()).unwrap();
            let kept = if i < 10 { 0 } else { i / 10 * 10 + 1 };
            assert_eq!(left.items, items[..kept], "item {i}");
            assert!(!left.complete);
        }
        let recorded = recorder.finish().unwrap();
        let whole = read(&disk.bytes()).unwrap();
        assert_eq!(whole.items, items);
        assert!(whole.complete);
        assert_eq!(recorded.content_sha256, whole.content_sha256);
        // 2.5 s: at the beginning, at 0.1, 0.2, ... 2.4 s, at the end.
        assert_eq!(disk.syncs.load(Ordering::Relaxed), 1 + 24 + 1);
    }

    #[test]
    fn a_slow_disk_is_synced_every_second_window() {
        let mut disk = Disk::new(usize::MAX);
        disk.sync_takes = Duration::from_millis(55);
        let mut recorder = Recorder::new(disk.clone(), &header(), Some(PLAN), now).unwrap();
        for item in items(250) {
            recorder.item(&item).unwrap();
        }
        recorder.finish().unwrap();
        assert_eq!(disk.syncs.load(Ordering::Relaxed), 1 + 12 + 1);
    }

    #[test]
    fn a_full_disk_is_an_error_that_says_so_and_leaves_a_readable_recording() {
        for room in (0..6000).step_by(61) {
            let disk = Disk::new(room);
            let error = record_all(&disk).unwrap_err();
            assert!(matches!(error, RecorderError::DiskFull { .. }), "{error}");
            if let Ok(left) = read(&disk.bytes()) {
                assert_eq!(left.items, items(200)[..left.items.len()]);
                assert!(!left.complete);
            }
        }
        let left = read(&{
            let disk = Disk::new(4321);
            record_all(&disk).unwrap_err();
            disk.bytes()
        });
        assert!(!left.unwrap().items.is_empty());
    }

    fn record_all(disk: &Disk) -> Result<Recorded, RecorderError> {
        let mut recorder = Recorder::new(disk.clone(), &header(), Some(PLAN), now)?;
        for item in items(200) {
            recorder.item(&item)?;
        }
        recorder.finish()
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mcap");
        let recorder = Recorder::create(&path, &header(), None, now).unwrap();
        recorder.finish().unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(read(&before).unwrap().complete);
        let error = Recorder::create(&path, &header(), None, now).err().unwrap();
        assert!(error.to_string().contains("a.mcap"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    async fn run_over(disk: Disk) -> (Vec<Item>, Option<Recorded>, Option<RecorderError>) {
        let (input, rx) = mpsc::channel(8);
        let (tx, mut output) = mpsc::channel(8);
        let (failed, failure) = tokio::sync::oneshot::channel();
        let recorder = Recorder::new(disk, &header(), None, now).unwrap();
        let feed = async move {
            for item in items(100) {
                input.send(item).await.unwrap();
            }
        };
        let take = async move {
            let mut all = Vec::new();
            while let Some(item) = output.recv().await {
                all.push(item);
            }
            all
        };
        let (recorded, (), passed) = tokio::join!(run(recorder, rx, tx, failed), feed, take);
        (passed, recorded, failure.await.ok())
    }

    #[tokio::test(start_paused = true)]
    async fn everything_passes_and_is_recorded() {
        let disk = Disk::new(usize::MAX);
        let (passed, recorded, error) = run_over(disk.clone()).await;
        assert_eq!(passed, items(100));
        assert_eq!(recorded.unwrap().items, 100);
        assert!(error.is_none());
        assert_eq!(read(&disk.bytes()).unwrap().items, passed);
    }

    #[tokio::test(start_paused = true)]
    async fn on_a_full_disk_everything_passes_still() {
        let (passed, recorded, error) = run_over(Disk::new(3000)).await;
        assert_eq!(passed, items(100));
        assert_eq!(recorded, None);
        assert!(matches!(error, Some(RecorderError::DiskFull { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_commits_the_open_group() {
        let disk = Disk::new(usize::MAX);
        let (input, rx) = mpsc::channel(8);
        let (tx, _output) = mpsc::channel(8);
        let (failed, _failure) = tokio::sync::oneshot::channel();
        let recorder = Recorder::new(disk.clone(), &header(), None, now).unwrap();
        let running = tokio::spawn(run(recorder, rx, tx, failed));
        input.send(items(1).remove(0)).await.unwrap();
        tokio::time::sleep(IDLE * 2).await;
        assert_eq!(read(&disk.bytes()).unwrap().items, items(1));
        drop(input);
        assert_eq!(running.await.unwrap().unwrap().items, 1);
    }
}
