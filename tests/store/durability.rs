//! A process that is killed for real, a disk that is really full, a reader beside the writer.

use crate::{
    disk::Disk,
    stage::{SENSORS, all, assert_whole, expected, header, id, imu, stored, window},
};
use plimsoll::store::{ExportFormat, Store, StoreError};
use rand::{RngExt, SeedableRng};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

/// Which store the process that gets killed writes to.
pub const WRITE_TO: &str = "PLIMSOLL_TEST_STORE";

#[test]
fn appends_until_killed() {
    // Work only in the process that gets killed.
    let Ok(dir) = std::env::var(WRITE_TO) else {
        return;
    };
    let mut store = Store::open(Path::new(&dir)).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    let first = store.standing(&id("s1")).unwrap().windows;
    for group in 0.. {
        // Groups of 1 to 4 windows.
        let from = first + group * 4;
        for windows in [from..from + 1, from + 1..from + 4] {
            let last = windows.end - 1;
            let windows: Vec<_> = windows.map(|i| window(i, false)).collect();
            store.append(&id("s1"), &windows, &[]).unwrap();
            print!("\nacked {last}\n");
            std::io::stdout().flush().unwrap();
        }
    }
}

#[test]
fn compacts_until_killed() {
    // Work only in the process that gets killed.
    let Ok(dir) = std::env::var(WRITE_TO) else {
        return;
    };
    let mut store = Store::open(Path::new(&dir)).unwrap();
    print!("\nacked 0\n");
    store.compact(&id("s1")).unwrap();
}

pub fn child(test: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(WRITE_TO, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Kills `child` (SIGKILL: no destructor, no flush) `after` its first acknowledgement; the last one
/// it gave.
pub fn kill(mut child: Child, after: Duration) -> Option<u64> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acks = lines.filter_map(|line| line.ok()?.strip_prefix("acked ")?.parse().ok());
    let first: Option<u64> = acks.next();
    let rest = thread::spawn(move || acks.last());
    thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    rest.join().unwrap().or(first)
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    let mut before = 0;
    for _ in 0..10 {
        let after = Duration::from_micros(random.random_range(0..150_000));
        let acked = kill(
            child("durability::appends_until_killed", folder.path()),
            after,
        )
        .unwrap();
        let store = Store::open(folder.path()).unwrap();
        let durable = store
            .standing(&id("s1"))
            .unwrap()
            .windows
            .checked_sub(1)
            .unwrap();
        assert!(
            durable >= acked,
            "{acked} was acknowledged, {durable} is there"
        );
        assert!(
            acked >= before,
            "the process went on where the last one stopped"
        );
        assert_whole(&store, &id("s1"), durable + 1);
        before = durable;
    }
}

/// Kills at random instants of a compaction, each on a store that has it all before it, and again on what the kill left
/// until it is done.
#[test]
fn nothing_is_lost_when_compaction_is_killed() {
    const KILLS: usize = 40;
    let (count, folder) = (400, tempfile::tempdir().unwrap());
    let (whole, dir) = (folder.path().join("whole"), folder.path().join("store"));
    drop(stored(&whole, "s1", count));
    // How long one takes here, so that the kills fall into it.
    let took = {
        copy(&whole, &dir);
        let mut store = Store::open(&dir).unwrap();
        let start = Instant::now();
        store.compact(&id("s1")).unwrap();
        start.elapsed()
    };
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(8);
    let (mut early, mut midway, mut done) = (0, 0, 0);
    for kills in 0..KILLS {
        if kills == 0
            || Store::open(&dir)
                .unwrap()
                .stats()
                .unwrap()
                .compacted_sessions
                == 1
        {
            fs::remove_dir_all(&dir).unwrap();
            copy(&whole, &dir);
        }
        let before = files(&dir);
        let after = took.mul_f64(random.random_range(0.0..1.2));
        kill(child("durability::compacts_until_killed", &dir), after);
        let store = Store::open(&dir).unwrap();
        assert_whole(&store, &id("s1"), count);
        match store.stats().unwrap().compacted_sessions {
            1 => done += 1,
            _ if files(&dir) == before => early += 1,
            _ => midway += 1,
        }
    }
    let mut store = Store::open(&dir).unwrap();
    store.compact(&id("s1")).unwrap();
    assert_whole(&store, &id("s1"), count);
    println!(
        "{KILLS} kills within {:.0} ms of compaction: {early} before its first new file, {midway} midway, {done} after \
         the handover; 0 of {} samples lost each time",
        took.as_secs_f64() * 1200.0,
        count * (u64::from(SENSORS) * 10 + 1),
    );
    assert!(midway >= 5, "only {midway} kills hit it midway");
}

/// Names, sizes and times of what compaction has written.
fn files(dir: &Path) -> Vec<(PathBuf, u64, SystemTime)> {
    let Ok(entries) = fs::read_dir(dir.join("sessions/s1")) else {
        return Vec::new();
    };
    let mut all: Vec<_> = entries
        .map(|e| {
            let path = e.unwrap().path();
            let meta = fs::metadata(&path).unwrap();
            (path, meta.len(), meta.modified().unwrap())
        })
        .collect();
    all.sort();
    all
}

/// A store without files, copied.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn half_a_compaction_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 20);
    let archive = folder.path().join("sessions/s1");
    fs::create_dir_all(&archive).unwrap();
    // As if it was killed before the samples were handed over.
    fs::write(archive.join("samples_0_imu.parquet"), "half").unwrap();
    fs::write(archive.join(".samples_1_imu.parquet.tmp"), "half").unwrap();
    assert_whole(&store, &id("s1"), 20);
    store.compact(&id("s1")).unwrap();
    assert_whole(&store, &id("s1"), 20);
    store.compact(&id("s1")).unwrap();
    let files = fs::read_dir(&archive).unwrap().count();
    assert_eq!(files, usize::from(SENSORS) + 1);
    assert_eq!(store.streams(&id("s1")).unwrap().len(), files);
}

#[test]
fn a_reader_sees_whole_appends_while_another_handle_writes() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    let dir = folder.path().to_owned();
    let writer = thread::spawn(move || {
        for i in 0..100 {
            let windows = [window(2 * i, false), window(2 * i + 1, false)];
            store.append(&id("s1"), &windows, &[]).unwrap();
        }
    });
    let reader = Store::open(&dir).unwrap();
    let mut seen = Vec::new();
    loop {
        let finished = writer.is_finished();
        let found = all(&reader, &id("s1"), imu(2));
        assert_eq!(found.len() % 20, 0);
        assert!(found == expected(imu(2), found.len() as u64 / 10));
        seen.push(found.len());
        if finished {
            break;
        }
    }
    writer.join().unwrap();
    assert_eq!(seen.last(), Some(&2000));
    assert!(seen.is_sorted());
    seen.dedup();
    assert!(seen.len() > 3, "never read while it was written: {seen:?}");
    assert_whole(&reader, &id("s1"), 200);
}

#[test]
fn a_full_disk_is_said_and_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("disk");
    let _disk = Disk::mount(&at, 1024);
    let dir = at.join("store");
    let mut store = Store::open(&dir).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    File::create(at.join("ballast"))
        .unwrap()
        .write_all(&vec![0; 300_000])
        .unwrap();
    let mut next = 0;
    let error = loop {
        match store.append(&id("s1"), &[window(next, false)], &[]) {
            Ok(()) => next += 1,
            Err(error) => break error,
        }
        assert!(next < 10_000, "1 MB never got full");
    };
    assert!(matches!(error, StoreError::DiskFull), "{error:?}");
    assert!(next > 5, "full after {next} windows");
    // Still full: what was acknowledged can be read, here and by the next process.
    assert_whole(&store, &id("s1"), next);
    drop(store);
    let mut store = Store::open(&dir).unwrap();
    assert_whole(&store, &id("s1"), next);
    let out = at.join("out");
    let mut rest = File::create(at.join("rest")).unwrap();
    while rest.write_all(&[0; 512]).is_ok() {}
    let error = store
        .export(&id("s1"), ExportFormat::Csv, &out)
        .unwrap_err();
    assert!(matches!(error, StoreError::DiskFull), "{error:?}");
    let left = fs::read_dir(&out).map_or(0, Iterator::count);
    assert_eq!(left, 0, "half a table is left");
    // Space again: it goes on.
    fs::remove_file(at.join("ballast")).unwrap();
    fs::remove_file(at.join("rest")).unwrap();
    store
        .append(&id("s1"), &[window(next, false)], &[])
        .unwrap();
    assert_whole(&store, &id("s1"), next + 1);
}
