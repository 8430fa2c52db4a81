//! What is left of a recording when its process, its disk or its last bytes are gone: cut anywhere, with
//! anything appended, or written by a process that is killed for real.
#![allow(clippy::unwrap_used, reason = "a test may stop where it fails")]

use plimsoll::{
    daemon::clock::host_now,
    model::{
        body::Segment,
        command::{Command, StopReason},
        packet::{DeviceIndex, Packet, Uuid},
        session::{Origin, Sensor, SessionHeader, SessionId},
        time::HostNs,
        window::Window,
    },
    pipeline::{batch, ingest::Ingest},
    source::recorder::Recorder,
    wire::recording::{Item, RecordingError, Writer, read},
};
use proptest::prelude::*;
use std::{path::Path, process, thread, time::Duration};

/// Where the process that gets killed records to.
const RECORD_TO: &str = "PLIMSOLL_TEST_RECORD_TO";

fn header() -> SessionHeader {
    SessionHeader {
        schema: "session/1".to_owned(),
        session: SessionId("s1".to_owned()),
        client: "c1".to_owned(),
        origin: Origin::Simulated,
        started_at: "2026-08-07T10:00:00Z".to_owned(),
        started_host: HostNs(0),
        sensors: vec![Sensor {
            alias: "imu1".to_owned(),
            driver: "witmotion".to_owned(),
            segment: Segment::ThighR,
            confirmed_by: "trainer-1".to_owned(),
            nominal_hz: 100.0,
        }],
        plan_sha256: None,
        plan_label: None,
        baselines: Vec::new(),
        software: "test".to_owned(),
        library_sha256: String::new(),
    }
}

/// The `i`-th item of an endless session: packets of four sensors at 100 Hz, now and then a command.
fn item(i: u32) -> Item {
    let host = HostNs(i64::from(i) * 2_500_000);
    if i % 97 == 96 {
        let reason = StopReason::Completed;
        return Item::Command(host, Command::EndSet { reason });
    }
    Item::Packet(Packet {
        device: DeviceIndex((i % 4) as u16),
        characteristic: Uuid::sig(0xFFE4),
        host,
        bytes: i.to_le_bytes().repeat(5).into(),
    })
}

fn is_beginning(items: &[Item]) -> bool {
    items.iter().zip(0..).all(|(found, i)| *found == item(i))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn cut_anywhere_and_with_anything_appended_it_says_nothing_false(
        count in 0_u32..300,
        group in 1_u32..60,
        finish: bool,
        cut in 0.0..1.0_f64,
        garbage in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            (0..2000_usize).prop_map(|n| vec![0; n]),
            (0..2000_usize).prop_map(|n| vec![0xff; n]),
        ],
    ) {
        let mut bytes = Vec::new();
        let mut writer = Writer::create(&mut bytes, &header(), Some("plan")).unwrap();
        for i in 0..count {
            writer.item(&item(i)).unwrap();
            if i % group == group - 1 {
                writer.flush().unwrap();
            }
        }
        if finish {
            writer.finish().unwrap();
        } else {
            drop(writer);
        }
        let whole = bytes.len();
        let cut = (cut * (whole + 1) as f64) as usize;
        // What is appended may happen to be what was cut off: then less was cut, and less is garbage.
        let same = bytes[cut.min(whole)..].iter().zip(&garbage).take_while(|(a, b)| a == b).count();
        let (cut, garbage) = (cut.min(whole) + same, garbage[same..].to_vec());
        bytes.truncate(cut);
        let before = read(&bytes);
        bytes.extend(&garbage);
        match read(&bytes) {
            Err(RecordingError::NoHeader(_)) => prop_assert!(matches!(before, Err(RecordingError::NoHeader(_) | RecordingError::Empty))),
            Err(other) => prop_assert!(cut < 8, "{other}"),
            Ok(after) => {
                let before = before.unwrap();
                prop_assert!(is_beginning(&after.items));
                prop_assert_eq!(after.items.len(), before.items.len());
                prop_assert_eq!(after.complete, before.complete);
                prop_assert!(!after.complete || after.items.len() == count as usize);
                if !(after.complete && garbage.is_empty()) {
                    prop_assert!(after.damage.is_some() || cut == whole && garbage.is_empty());
                }
            }
        }
    }
}

#[test]
fn records_until_killed() {
    // Work only in the process that gets killed.
    let Ok(path) = std::env::var(RECORD_TO) else {
        return;
    };
    let mut recorder = Recorder::create(Path::new(&path), &header(), None, host_now).unwrap();
    for i in 0.. {
        recorder.item(&item(i)).unwrap();
    }
}

#[test]
fn a_killed_process_leaves_a_recording_that_opens() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        let path = folder.path().join(format!("{round}.mcap"));
        let mut child = process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "records_until_killed"])
            .env(RECORD_TO, &path)
            .stdout(process::Stdio::null())
            .spawn()
            .unwrap();
        let size = || std::fs::metadata(&path).map_or(0, |m| m.len());
        for _ in 0..10_000 {
            if size() > 20_000 * (round + 1) {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
        // SIGKILL on Unix: no destructor, no flush.
        child.kill().unwrap();
        child.wait().unwrap();
        let left = read(&std::fs::read(&path).unwrap()).unwrap();
        assert!(!left.complete);
        assert!(left.items.len() > 200, "{} items", left.items.len());
        assert!(is_beginning(&left.items));
        // Not more than a window's chunk (40 packets) can be torn.
        assert!(left.discarded_bytes < 4096, "{}", left.discarded_bytes);
    }
}

/// The windows that come out of what is in the file now.
fn windows_in(path: &Path) -> Vec<Window> {
    let left = read(&std::fs::read(path).unwrap()).unwrap();
    let mut ingest = Ingest::new(&left.header).unwrap();
    let mut windows = Vec::new();
    for item in &left.items {
        batch::take(&mut ingest, item, &mut windows);
    }
    windows
}

#[test]
fn every_window_that_was_said_comes_out_of_the_file_at_any_moment() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/sit-to-stand.mcap");
    let sample = read(&std::fs::read(sample).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.mcap");
    let mut recorder = Recorder::create(&path, &sample.header, None, host_now).unwrap();
    let mut ingest = Ingest::new(&sample.header).unwrap();
    let mut said = Vec::new();
    for item in &sample.items {
        recorder.item(item).unwrap();
        let before = said.len();
        batch::take(&mut ingest, item, &mut said);
        if said.len() > before {
            // What a process that is killed now would leave.
            assert_eq!(windows_in(&path), said);
        }
        if said.len() > 100 {
            return;
        }
    }
    panic!("only {} windows", said.len());
}
