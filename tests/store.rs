//! The store of sessions: what was acknowledged is there after a kill, a full disk or a redelivery;
//! readers do not wait for the writer; tables say what was stored; samples survive their move to files.

use plimsoll::{
    model::{
        body::Segment,
        event::{Event, Live, Numbered},
        finding::{Action, Baseline, CheckKind, Finding, Severity, Source, Verdict},
        metric::Metric,
        packet::DeviceIndex,
        plan::TrainingSide,
        rep::{Measured, Measurement, Missing, Phases, Rep, Stage},
        sample::{Quality, Sample, StreamId, StreamKind},
        session::{Origin, Sensor, SessionHeader, SessionId},
        time::{HostNs, SessionNs},
        window::{Batch, BatchRef, Manifest, WINDOW_NS, Window},
    },
    store::{ExportFormat, Store, StoreError},
};
use polars::prelude::{CsvReader, DataFrame, ParquetReader, SerReader};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Which store the process that gets killed writes to.
const WRITE_TO: &str = "PLIMSOLL_TEST_STORE";

const BEGINNING: SessionNs = SessionNs(i64::MIN);
const END: SessionNs = SessionNs(i64::MAX);

const SENSORS: u16 = 4;

fn id(name: &str) -> SessionId {
    SessionId(name.to_owned())
}

fn header(session: &str, client: &str) -> SessionHeader {
    let sensor = |alias: String, segment, nominal_hz| Sensor {
        alias,
        driver: "witmotion".to_owned(),
        segment,
        confirmed_by: "trainer-1".to_owned(),
        nominal_hz,
    };
    let mut sensors: Vec<_> = (0..SENSORS)
        .map(|i| sensor(format!("imu{i}"), Segment::ThighR, 100.0))
        .collect();
    sensors.push(sensor("../strap".to_owned(), Segment::Chest, 0.0));
    SessionHeader {
        schema: "session/1".to_owned(),
        session: id(session),
        client: client.to_owned(),
        origin: Origin::Simulated,
        started_at: "2026-08-07T10:00:00Z".to_owned(),
        started_host: HostNs(0),
        sensors,
        plan_sha256: None,
        plan_label: None,
        baselines: vec![],
        software: "test".to_owned(),
        library_sha256: String::new(),
    }
}

fn imu(device: u16) -> StreamId {
    StreamId {
        device: DeviceIndex(device),
        kind: StreamKind::Imu,
    }
}

const STRAP: StreamId = StreamId {
    device: DeviceIndex(SENSORS),
    kind: StreamKind::HeartRate,
};

/// The `i`-th sample of a stream: noise, as from a sensor.
fn sample(stream: StreamId, i: u64) -> Sample {
    let interval = if stream == STRAP { 10 } else { 1 } * 10_000_000;
    let mut values = [0.0_f32; 6];
    let mut state = (i << 8) | u64::from(stream.device.0);
    for value in &mut values[..stream.kind.channels()] {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        // A 16-bit sensor with a range of 16 g.
        *value = f32::from((state >> 48) as u16 as i16) / 32768.0 * 16.0 * 9.806_65;
    }
    Sample {
        stream,
        t: SessionNs(i as i64 * interval + i64::from(stream.device.0)),
        values,
        quality: Quality((i % 64) as u8),
    }
}

fn batch(stream: StreamId, first: u64, count: u64) -> Batch {
    Batch {
        stream,
        first_sequence: first,
        samples: (first..first + count).map(|i| sample(stream, i)).collect(),
    }
}

/// The `index`-th window: 10 samples of every sensor, one heart rate.
fn window(index: u64, last: bool) -> Window {
    let mut batches: Vec<_> = (0..SENSORS)
        .map(|d| batch(imu(d), index * 10, 10))
        .collect();
    batches.push(batch(STRAP, index, 1));
    let refs = batches.iter().map(|b| BatchRef {
        stream: b.stream,
        first_sequence: b.first_sequence,
        count: b.samples.len() as u32,
    });
    Window {
        manifest: Manifest {
            index,
            end: SessionNs((index as i64 + 1) * WINDOW_NS),
            commands: vec![],
            tech: vec![],
            batches: refs.collect(),
            last,
        },
        batches,
    }
}

fn numbered(events: Vec<Event>) -> Vec<Numbered> {
    (0..)
        .zip(events)
        .map(|(sequence, event)| Numbered {
            sequence,
            window: 1,
            event,
        })
        .collect()
}

fn live() -> Event {
    Event::Live(Live {
        t: SessionNs(0),
        heart: None,
        set: None,
        exercise: None,
        reps: 0,
        metric: None,
        limit: (None, None),
        trace: vec![],
        sensors: vec![],
    })
}

fn baseline(exercise: &str, side: TrainingSide, centre: f64) -> Event {
    Event::Baseline(Baseline {
        exercise: exercise.to_owned(),
        side,
        metric: Metric::KneeFlexion,
        feature: "max".to_owned(),
        centre,
        spread: 2.0,
        reps: 5,
        load_kg: None,
        accepted_by: "pt-1".to_owned(),
    })
}

fn rep() -> Event {
    Event::Rep(Rep {
        set: 1,
        number: 2,
        stage: Stage::Final,
        start: SessionNs::from_seconds(1.0),
        turn: SessionNs::from_seconds(2.0),
        end: SessionNs::from_seconds(3.5),
        partial: false,
        phases: Some(Phases {
            eccentric_s: 1.0,
            pause_stretched_s: 0.0,
            concentric_s: 1.5,
            pause_shortened_s: 0.0,
            threshold: 0.1,
        }),
        concentric_speed: None,
        velocity_loss_percent: Some(12.5),
        measurements: vec![
            Measurement {
                metric: Metric::KneeFlexion,
                measured: Measured::Value {
                    min: 1.0,
                    max: 71.25,
                    at_turn: 71.0,
                    at_start: 2.0,
                    error: 4.0,
                },
            },
            Measurement {
                metric: Metric::TrunkForwardTilt,
                measured: Measured::Missing { why: Missing::Gap },
            },
        ],
    })
}

fn finding() -> Event {
    Event::Finding(Finding {
        id: 1,
        t: SessionNs::from_seconds(3.5),
        set: 1,
        rep: Some(2),
        stage: Stage::Final,
        code: "LIMIT".to_owned(),
        kind: CheckKind::Limit,
        metric: Metric::KneeFlexion,
        verdict: Verdict::Outside,
        severity: Severity::Major,
        action: Action::Stop,
        value: Some(71.25),
        error: Some(4.0),
        min: None,
        max: Some(60.0),
        guard: 5.0,
        source: Source::Plan,
        missing: None,
    })
}

fn closed(windows: u64) -> Event {
    Event::Closed {
        t: SessionNs(windows as i64 * WINDOW_NS),
        windows,
    }
}

/// A store with one closed session of `count` windows.
fn stored(dir: &Path, session: &str, count: u64) -> Store {
    let mut store = Store::open(dir).unwrap();
    store.begin(&header(session, "c1"), Some("plan")).unwrap();
    let windows: Vec<_> = (0..count).map(|i| window(i, i + 1 == count)).collect();
    let events = numbered(vec![rep(), finding(), closed(count)]);
    store.append(&id(session), &windows, &events).unwrap();
    store.close(&id(session)).unwrap();
    store
}

fn expected(stream: StreamId, windows: u64) -> Vec<Sample> {
    let samples = if stream == STRAP {
        windows
    } else {
        windows * 10
    };
    (0..samples).map(|i| sample(stream, i)).collect()
}

fn all(store: &Store, session: &SessionId, stream: StreamId) -> Vec<Sample> {
    store.stream(session, stream, BEGINNING, END).unwrap()
}

/// Everything of `session` up to window `count` is there and nothing else.
fn assert_whole(store: &Store, session: &SessionId, count: u64) {
    let report = store.verify(session).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.windows, count);
    assert_eq!(report.samples, count * (u64::from(SENSORS) * 10 + 1));
    for stream in (0..SENSORS).map(imu).chain([STRAP]) {
        assert!(
            all(store, session, stream) == expected(stream, count),
            "{stream:?}"
        );
    }
}

#[test]
#[ignore = "runs only in the process that gets killed"]
fn appends_until_killed() {
    let dir = std::env::var(WRITE_TO).unwrap();
    let mut store = Store::open(Path::new(&dir)).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    let first = store.durable(&id("s1")).unwrap().map_or(0, |w| w + 1);
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
#[ignore = "runs only in the process that gets killed"]
fn compacts_until_killed() {
    let dir = std::env::var(WRITE_TO).unwrap();
    let mut store = Store::open(Path::new(&dir)).unwrap();
    print!("\nacked 0\n");
    store.compact(&id("s1")).unwrap();
}

fn child(test: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(WRITE_TO, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Kills `child` (SIGKILL: no destructor, no flush) `after` its first acknowledgement; the last one
/// it gave.
fn kill(mut child: Child, after: Duration) -> Option<u64> {
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
        let acked = kill(child("appends_until_killed", folder.path()), after).unwrap();
        let store = Store::open(folder.path()).unwrap();
        let durable = store.durable(&id("s1")).unwrap().unwrap();
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

#[test]
fn nothing_is_lost_when_compaction_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let count = 300;
    drop(stored(folder.path(), "s1", count));
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(8);
    for _ in 0..6 {
        let after = Duration::from_micros(random.random_range(0..30_000));
        kill(child("compacts_until_killed", folder.path()), after);
        let store = Store::open(folder.path()).unwrap();
        assert_whole(&store, &id("s1"), count);
    }
    let mut store = Store::open(folder.path()).unwrap();
    store.compact(&id("s1")).unwrap();
    assert_whole(&store, &id("s1"), count);
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
fn a_compacted_session_knows_its_windows_and_takes_no_new_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 20);
    store.compact(&id("s1")).unwrap();
    store
        .append(
            &id("s1"),
            &[window(3, false), window(19, true)],
            &numbered(vec![rep()]),
        )
        .unwrap();
    assert_whole(&store, &id("s1"), 20);
    let error = store
        .append(&id("s1"), &[window(20, false)], &[])
        .unwrap_err();
    assert!(matches!(error, StoreError::Compacted(_)), "{error:?}");
    assert_whole(&store, &id("s1"), 20);
}

#[test]
fn a_damaged_file_is_a_problem_and_no_crash() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 20);
    store.compact(&id("s1")).unwrap();
    let path = folder.path().join("sessions/s1/samples_1_imu.parquet");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&path, bytes).unwrap();
    let error = store.stream(&id("s1"), imu(1), BEGINNING, END).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
    let report = store.verify(&id("s1")).unwrap();
    assert!(
        report.problems[0].contains("samples_1_imu.parquet"),
        "{:?}",
        report.problems
    );
    fs::remove_file(&path).unwrap();
    assert!(!store.verify(&id("s1")).unwrap().problems.is_empty());
    assert_eq!(all(&store, &id("s1"), imu(2)), expected(imu(2), 20));
}

#[test]
fn an_open_session_is_not_compacted() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    let error = store.compact(&id("s1")).unwrap_err();
    assert!(matches!(error, StoreError::StillOpen(_)), "{error:?}");
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

/// A small disk; gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: PathBuf) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(&path)
            .status();
        mounted.is_ok_and(|s| s.success()).then_some(Self(path))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_said_and_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path().to_owned()) else {
        eprintln!("not tested: this user may not mount a small disk");
        return;
    };
    let dir = disk.0.join("store");
    let mut store = Store::open(&dir).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    File::create(disk.0.join("ballast"))
        .unwrap()
        .write_all(&[0; 300_000])
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
    let out = disk.0.join("out");
    let mut rest = File::create(disk.0.join("rest")).unwrap();
    while rest.write_all(&[0; 512]).is_ok() {}
    let error = store
        .export(&id("s1"), ExportFormat::Csv, &out)
        .unwrap_err();
    assert!(matches!(error, StoreError::DiskFull), "{error:?}");
    let left = fs::read_dir(&out).map_or(0, Iterator::count);
    assert_eq!(left, 0, "half a table is left");
    // Space again: it goes on.
    fs::remove_file(disk.0.join("ballast")).unwrap();
    fs::remove_file(disk.0.join("rest")).unwrap();
    store
        .append(&id("s1"), &[window(next, false)], &[])
        .unwrap();
    assert_whole(&store, &id("s1"), next + 1);
}

#[test]
fn saying_it_again_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 5);
    let events = store.events(&id("s1")).unwrap();
    assert_eq!(events, numbered(vec![rep(), finding(), closed(5)]));
    store.begin(&header("s1", "c1"), Some("plan")).unwrap();
    let windows: Vec<_> = (0..5).map(|i| window(i, i == 4)).collect();
    store.append(&id("s1"), &windows, &events).unwrap();
    store
        .append(&id("s1"), &windows[2..3], &events[1..])
        .unwrap();
    store.close(&id("s1")).unwrap();
    assert_whole(&store, &id("s1"), 5);
    assert_eq!(store.events(&id("s1")).unwrap(), events);
    assert_eq!(store.sessions().unwrap().len(), 1);
    let info = store.session(&id("s1")).unwrap();
    assert_eq!(info.header, header("s1", "c1"));
    assert_eq!(info.plan_text.as_deref(), Some("plan"));
    assert!(info.closed);
}

#[test]
fn another_session_under_a_known_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    for (header, plan) in [
        (header("s1", "c2"), None),
        (header("s1", "c1"), Some("plan")),
    ] {
        let error = store.begin(&header, plan).unwrap_err();
        assert!(
            matches!(error, StoreError::DifferentSession(_)),
            "{error:?}"
        );
    }
    for name in ["", "../s1", "s 1", "s/1", "ß", &"x".repeat(129)] {
        let error = store.begin(&header(name, "c1"), None).unwrap_err();
        assert!(matches!(error, StoreError::BadIdentifier(_)), "{error:?}");
    }
    let mut unreadable = header("s2", "c1");
    unreadable.sensors[0].nominal_hz = f64::NAN;
    let error = store.begin(&unreadable, None).unwrap_err();
    assert!(matches!(error, StoreError::BadHeader(_)), "{error:?}");
    let error = store.append(&id("s3"), &[], &[]).unwrap_err();
    assert!(matches!(error, StoreError::UnknownSession(_)), "{error:?}");
    assert_eq!(store.sessions().unwrap().len(), 1);
}

#[test]
fn what_is_merely_live_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    let mut events = numbered(vec![rep()]);
    // A live event has the number of the event that comes after it.
    let (sequence, window) = (1, 1);
    events.push(Numbered {
        sequence,
        window,
        event: live(),
    });
    events.push(Numbered {
        sequence,
        window,
        event: finding(),
    });
    store.append(&id("s1"), &[], &events).unwrap();
    assert_eq!(
        store.events(&id("s1")).unwrap(),
        numbered(vec![rep(), finding()])
    );
}

#[test]
fn a_stream_is_cut_at_two_instants_both_included() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(folder.path(), "s1", 30);
    for _ in 0..2 {
        let (from, to) = (sample(imu(1), 17).t, sample(imu(1), 103).t);
        let found = store.stream(&id("s1"), imu(1), from, to).unwrap();
        assert_eq!(found, expected(imu(1), 30)[17..=103]);
        let none = store
            .stream(&id("s1"), imu(1), SessionNs(to.0 + 1), SessionNs(to.0 + 9))
            .unwrap();
        assert_eq!(none, []);
        assert_eq!(store.stream(&id("s1"), imu(1), to, from).unwrap(), []);
        let streams: Vec<_> = (0..SENSORS).map(imu).chain([STRAP]).collect();
        assert_eq!(store.streams(&id("s1")).unwrap(), streams);
        let absent = StreamId {
            device: DeviceIndex(1),
            kind: StreamKind::Rr,
        };
        assert_eq!(all(&store, &id("s1"), absent), []);
        store.compact(&id("s1")).unwrap();
    }
}

#[test]
fn missing_batches_windows_and_events_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    let mut windows: Vec<_> = [0, 1, 3].into_iter().map(|i| window(i, false)).collect();
    windows[1].batches.remove(2);
    let mut events = numbered(vec![rep(), finding(), closed(4)]);
    events.remove(1);
    store.append(&id("s1"), &windows, &events).unwrap();
    store.close(&id("s1")).unwrap();
    assert_eq!(store.durable(&id("s1")).unwrap(), Some(1));
    let report = store.verify(&id("s1")).unwrap();
    let text = report.problems.join("\n");
    for problem in [
        "windows 2 to 2 are missing",
        "samples of 2 imu 10 to 19 are missing",
        "samples of 0 imu: 30 follows 20 in the windows",
        "events 1 to 1 are missing",
        "closed without its last window",
    ] {
        assert!(text.contains(problem), "{problem:?} is not in:\n{text}");
    }
    // What comes late heals it.
    store
        .append(
            &id("s1"),
            &[window(1, false), window(2, false)],
            &numbered(vec![rep(), finding()]),
        )
        .unwrap();
    store.append(&id("s1"), &[window(4, true)], &[]).unwrap();
    assert_eq!(store.durable(&id("s1")).unwrap(), Some(4));
    assert_whole(&store, &id("s1"), 5);
}

#[test]
fn baselines_are_the_latest_of_the_clients_closed_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    let (left, right) = (TrainingSide::Left, TrainingSide::Right);
    let sessions = [
        (
            "s1",
            "c1",
            vec![baseline("squat", left, 1.0), baseline("squat", right, 2.0)],
        ),
        ("s2", "c2", vec![baseline("squat", left, 3.0)]),
        (
            "s3",
            "c1",
            vec![baseline("squat", left, 4.0), baseline("squat", left, 5.0)],
        ),
        ("s4", "c1", vec![baseline("squat", left, 6.0)]),
    ];
    for (session, client, events) in sessions {
        store.begin(&header(session, client), None).unwrap();
        store.append(&id(session), &[], &numbered(events)).unwrap();
        if session != "s4" {
            store.close(&id(session)).unwrap();
        }
    }
    let centres = |client: &str| -> Vec<_> {
        store
            .baselines(client)
            .unwrap()
            .iter()
            .map(|b| (b.side, b.centre))
            .collect()
    };
    assert_eq!(centres("c1"), [(left, 5.0), (right, 2.0)]);
    assert_eq!(centres("c2"), [(left, 3.0)]);
    assert_eq!(centres("c3"), []);
}

fn read_table(path: &Path) -> DataFrame {
    let file = File::open(path).unwrap();
    if path.extension().is_some_and(|e| e == "csv") {
        CsvReader::new(file).finish().unwrap()
    } else {
        ParquetReader::new(file).finish().unwrap()
    }
}

#[test]
fn exported_tables_say_what_was_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = stored(&folder.path().join("store"), "s1", 12);
    for (format, extension) in [
        (ExportFormat::Csv, "csv"),
        (ExportFormat::Parquet, "parquet"),
    ] {
        let out = folder.path().join(extension);
        let mut written = store.export(&id("s1"), format, &out).unwrap();
        written.sort();
        let names: Vec<_> = written
            .iter()
            .map(|p| p.file_name().unwrap().to_str().unwrap())
            .collect();
        let expected_names = [
            "___strap_heart_rate",
            "findings",
            "imu0_imu",
            "imu1_imu",
            "imu2_imu",
            "imu3_imu",
            "reps",
        ]
        .map(|n| format!("s1_{n}.{extension}"));
        assert_eq!(names, expected_names);
        assert_eq!(
            fs::read_dir(&out).unwrap().count(),
            names.len(),
            "temporary files are left"
        );

        let table = read_table(&out.join(format!("s1_imu2_imu.{extension}")));
        let expected = expected(imu(2), 12);
        assert_eq!(table.height(), expected.len());
        let cell = |name: &str, row: usize| -> f64 {
            table
                .column(name)
                .unwrap()
                .get(row)
                .unwrap()
                .try_extract()
                .unwrap()
        };
        for (row, sample) in expected.iter().enumerate() {
            assert_eq!(cell("t_ns", row) as i64, sample.t.0);
            assert!((cell("t_s", row) - sample.t.seconds()).abs() < 1e-9);
            assert_eq!(cell("ax_m_s2", row) as f32, sample.values[0]);
            assert_eq!(cell("gz_rad_s", row) as f32, sample.values[5]);
            assert_eq!(cell("quality", row) as u8, sample.quality.0);
        }

        let reps = read_table(&out.join(format!("s1_reps.{extension}")));
        let text = |table: &DataFrame, name: &str| {
            table
                .column(name)
                .unwrap()
                .get(0)
                .unwrap()
                .str_value()
                .into_owned()
        };
        assert_eq!(reps.height(), 1);
        assert_eq!(text(&reps, "knee_flexion_max_deg"), "71.25");
        assert_eq!(text(&reps, "trunk_forward_tilt_missing"), "gap");
        assert!(
            reps.column("trunk_forward_tilt_max_deg")
                .unwrap()
                .get(0)
                .unwrap()
                .is_null()
        );
        let findings = read_table(&out.join(format!("s1_findings.{extension}")));
        assert_eq!(text(&findings, "verdict"), "outside");
        assert_eq!(text(&findings, "unit"), "deg");
        assert_eq!(text(&findings, "max"), "60.0");
    }
}

#[test]
fn what_is_no_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plimsoll.sqlite");
    let text = "not a database, but long enough to be mistaken for one: ".repeat(40);
    fs::write(&path, &text).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::NotADatabase { .. }),
        "{error:?}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), text);

    fs::remove_file(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE somebody (elses)")
        .unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::NotADatabase { .. }),
        "{error:?}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);

    let error = Store::open(&path).unwrap_err();
    assert!(
        matches!(error, StoreError::NotADirectory { .. }),
        "{error:?}"
    );
}

#[test]
fn a_store_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let path = folder.path().join("plimsoll.sqlite");
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let error = Store::open(folder.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::NewerSchema { found: 99, .. }),
        "{error:?}"
    );
}

#[test]
fn two_processes_may_make_a_store_at_the_same_time() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let open = || Store::open(folder.path()).map(drop);
        thread::scope(|s| {
            let handles: Vec<_> = (0..4).map(|_| s.spawn(open)).collect();
            for handle in handles {
                handle.join().unwrap().unwrap();
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_order_and_repetition_gives_the_same_session(
        order in proptest::collection::vec(proptest::collection::vec(0_u64..8, 0..4), 0..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap();
        store.begin(&header("s1", "c1"), None).unwrap();
        let mut said = std::collections::BTreeSet::new();
        for indices in &order {
            let windows: Vec<_> = indices.iter().map(|i| window(*i, false)).collect();
            store.append(&id("s1"), &windows, &[]).unwrap();
            said.extend(indices);
            let whole = (0..).take_while(|i| said.contains(i)).last();
            prop_assert_eq!(store.durable(&id("s1")).unwrap(), whole);
        }
        let samples: Vec<_> = said.iter().flat_map(|i| window(*i, false).batches.swap_remove(3).samples).collect();
        prop_assert_eq!(all(&store, &id("s1"), imu(3)), samples);
    }
}

/// Numbers for the log; fails only far from what a trainer needs (10 windows a second).
#[test]
fn it_keeps_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    let windows: Vec<_> = (0..1000).map(|i| window(i, i == 999)).collect();
    let start = Instant::now();
    for pair in windows.chunks(2) {
        store.append(&id("s1"), pair, &[]).unwrap();
    }
    let took = start.elapsed().as_secs_f64();
    let samples = 1000.0 * 41.0;
    store.close(&id("s1")).unwrap();
    drop(store);
    let size = |dir: &Path| -> u64 {
        fs::read_dir(dir)
            .unwrap()
            .map(|f| f.unwrap().metadata().unwrap())
            .filter(fs::Metadata::is_file)
            .map(|m| m.len())
            .sum()
    };
    let database = size(folder.path());
    let mut store = Store::open(folder.path()).unwrap();
    store.compact(&id("s1")).unwrap();
    let files = size(&folder.path().join("sessions/s1"));
    eprintln!(
        "{:.0} windows/s ({:.0} samples/s) in transactions of 2; bytes per sample: database {:.1}, files {:.1}",
        1000.0 / took,
        samples / took,
        database as f64 / samples,
        files as f64 / samples,
    );
    assert!(took < 50.0, "{took} s for 100 s of data");
}
