//! `plimsoll store`, as a user runs it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

use assert_cmd::Command;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/knee-squat.mcap")
}

/// Runs `plimsoll`, expects `code`; what it says on stdout.
fn said(args: &[&str], code: i32) -> String {
    let assert = Command::cargo_bin("plimsoll")
        .unwrap()
        .args(args)
        .timeout(std::time::Duration::from_secs(120))
        .assert()
        .code(code);
    let output = assert.get_output();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A store with one session that came through the whole daemon, its recording beside it.
fn played(dir: &Path) -> PathBuf {
    let data = dir.join("data");
    let recordings = data.join("recordings");
    fs::create_dir_all(&recordings).unwrap();
    let record = recordings.join("kept.mcap");
    let (sample, at) = (sample(), data.to_str().unwrap());
    let args = ["replay", sample.to_str().unwrap(), "--headless"];
    let rest = ["--speed", "max", "--data", at, "--record"];
    let record = record.to_str().unwrap();
    said(&[&args[..], &rest, &[record]].concat(), 0);
    data
}

#[test]
fn retain_removes_what_its_days_are_over_for_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let data = played(dir.path());
    let at = data.to_str().unwrap();
    let config = |lines: &str| {
        let path = dir.path().join("plimsoll.toml");
        fs::write(&path, format!("[store]\ndir = {at:?}\n{lines}")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let before = contents(&data);
    let none = config("");
    let text = said(&["store", "retain", "--config", &none], 0);
    assert!(text.contains("names no days"), "{text}");
    let raw = config("[store.retention]\nraw_days = 1\n");
    let text = said(&["store", "retain", "--config", &raw, "--dry-run"], 0);
    assert!(
        text.contains("\traw\t") && text.contains("kept.mcap") && text.contains("1 would go"),
        "{text}"
    );
    assert_eq!(contents(&data), before, "a dry run changes nothing");
    let text = said(&["store", "retain", "--config", &raw, "--by", "R-07"], 0);
    assert!(text.contains("1 removed"), "{text}");
    assert!(!data.join("recordings/kept.mcap").exists());
    let text = said(&["store", "retain", "--config", &raw], 0);
    assert!(text.contains("0 removed"), "{text}");
    let text = said(&["store", "verify", "--data", at], 0);
    assert!(
        text.contains("samples removed at") && text.contains("0 problems"),
        "{text}"
    );
    let text = said(&["store", "audit", "--data", at], 0);
    assert!(text.contains("R-07\tretention: raw removed"), "{text}");

    let wrong = config("[store.retention]\nraw_days = 0\n");
    let refused = Command::cargo_bin("plimsoll").unwrap();
    let refused = { refused }
        .args(["store", "retain", "--config", &wrong])
        .assert()
        .code(2);
    let text = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(text.contains("plimsoll.toml:4:"), "{text}");

    let record = config("[store.retention]\nrecord_days = 1\n");
    said(&["store", "retain", "--config", &record], 0);
    let text = said(&["sessions", "--data", at], 0);
    assert_eq!(text, "");
    assert_eq!(fs::read_dir(data.join("reports")).unwrap().count(), 0);
    // Played again it does not come back.
    let sample = sample();
    let args = [
        "replay",
        sample.to_str().unwrap(),
        "--headless",
        "--speed",
        "max",
        "--data",
        at,
    ];
    said(&args, 1);
    assert_eq!(said(&["sessions", "--data", at], 0), "");
}

/// A machine that only gathers: what its hub has, and is old, goes from its disk.
#[test]
fn retain_reaches_recordings_whose_store_is_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let recordings = dir.path().join("gateway/recordings");
    fs::create_dir_all(&recordings).unwrap();
    for name in ["delivered", "waiting"] {
        fs::copy(sample(), recordings.join(format!("{name}.mcap"))).unwrap();
    }
    fs::write(recordings.join("delivered.mcap.delivered"), "").unwrap();
    let at = dir.path().join("gateway");
    let path = dir.path().join("plimsoll.toml");
    let text = format!("[store]\ndir = {at:?}\n[store.retention]\nraw_days = 1\n");
    fs::write(&path, text).unwrap();
    let config = path.to_str().unwrap();
    let text = said(&["store", "retain", "--config", config, "--dry-run"], 0);
    assert!(
        text.contains("\trecording\t")
            && text.contains("delivered.mcap")
            && text.contains("1 would go"),
        "{text}"
    );
    assert!(recordings.join("delivered.mcap").exists());
    let text = said(&["store", "retain", "--config", config], 0);
    assert!(text.contains("1 removed"), "{text}");
    let mut left: Vec<_> = fs::read_dir(&recordings)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["waiting.mcap"], "only what was delivered goes");
    let text = said(&["store", "audit", "--data", at.to_str().unwrap()], 0);
    assert!(text.contains("retention: recording removed"), "{text}");
}

#[test]
fn an_erased_client_is_nowhere_and_replays_of_it_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let data = played(dir.path());
    let at = data.to_str().unwrap();
    let sessions = said(&["sessions", "--data", at], 0);
    let mut fields = sessions.split('\t');
    let (session, client) = (fields.next().unwrap(), fields.next().unwrap());
    let text = said(&["store", "erase", client, "--by", "R-07", "--data", at], 0);
    assert!(
        text.contains("erased: 1 sessions, 1 recordings") && text.contains(" 0 places left"),
        "{text}"
    );
    for (path, _) in contents(&data) {
        let bytes = fs::read(&path).unwrap();
        for word in [client, session] {
            let found = bytes.windows(word.len()).any(|w| w == word.as_bytes());
            assert!(!found, "{word} is in {}", path.display());
        }
    }
    // What it was played from comes no more: not by itself, not as what an earlier run left.
    let sample = sample();
    let replay = [
        "replay",
        sample.to_str().unwrap(),
        "--headless",
        "--speed",
        "max",
        "--data",
        at,
    ];
    said(&replay, 1);
    assert_eq!(said(&["sessions", "--data", at], 0), "");
    let text = said(&["store", "audit", "--data", at], 0);
    assert!(
        text.contains("R-07\tclient erased") && !text.contains(client),
        "{text}"
    );

    let left = data.join("recordings/left.mcap");
    fs::copy(&sample, &left).unwrap();
    let log = started_says(dir.path(), at, "cannot come back");
    assert!(log.contains("left.mcap"), "{log}");
    assert_eq!(said(&["sessions", "--data", at], 0), "");
    fs::remove_file(&left).unwrap();

    // A copy that somebody left there is found.
    fs::copy(&sample, data.join("copy.mcap")).unwrap();
    let text = said(&["store", "erase", client, "--by", "R-07", "--data", at], 1);
    assert!(
        text.contains("left\t") && text.contains("copy.mcap"),
        "{text}"
    );
    for wrong in ["no/name", client] {
        let args = ["store", "erase", client, "--by", wrong, "--data", at];
        said(&args, 2);
    }
}

/// Runs the daemon on the store in `data` until its log has `words`; the log.
fn started_says(dir: &Path, data: &str, words: &str) -> String {
    let config = dir.join("run.toml");
    let anywhere = "listen = \"127.0.0.1:0\"";
    let text = format!("[store]\ndir = {data:?}\n[bus]\n{anywhere}\n[web]\n{anywhere}\n");
    fs::write(&config, text).unwrap();
    let log = dir.join("log");
    let mut daemon = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["run", "--config"])
        .arg(&config)
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut text = String::new();
    for _ in 0..300 {
        text = fs::read_to_string(&log).unwrap();
        if text.contains(words) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(text.contains(words), "{text}");
    text
}

/// Files below a folder with their sizes; what SQLite shares between processes changes by being read.
fn contents(dir: &Path) -> Vec<(PathBuf, u64)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy().into_owned();
        if path.is_dir() {
            all.extend(contents(&path));
        } else if !name.ends_with("-shm") && !name.ends_with("-wal") {
            let size = fs::metadata(&path).unwrap().len();
            all.push((path, size));
        }
    }
    all.sort();
    all
}

#[test]
fn a_damaged_or_missing_file_ends_verify_with_3() {
    let dir = tempfile::tempdir().unwrap();
    let data = played(dir.path());
    let at = data.to_str().unwrap();
    let whole = said(&["store", "verify", "--data", at], 0);
    assert!(whole.contains("1 sessions, 0 problems"), "{whole}");
    assert!(whole.contains("kept.mcap\twhole"), "{whole}");
    let counts = said(&["store", "stats", "--data", at], 0);
    assert!(
        counts.contains("sessions\t1\n") && counts.contains("recordings\t1\n"),
        "{counts}"
    );

    let recording = data.join("recordings/kept.mcap");
    let bytes = fs::read(&recording).unwrap();
    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&recording, &damaged).unwrap();
    let text = said(&["store", "verify", "--data", at], 3);
    assert!(
        text.contains("kept.mcap\tNOT WHOLE") && text.contains("1 problems"),
        "{text}"
    );
    fs::write(&recording, &bytes).unwrap();

    let session = fs::read_dir(data.join("sessions")).unwrap().next();
    let session = session.unwrap().unwrap().path();
    let file = fs::read_dir(session).unwrap().next();
    let file = file.unwrap().unwrap().path();
    fs::remove_file(&file).unwrap();
    let text = said(&["store", "verify", "--data", at], 3);
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(
        text.contains("NOT WHOLE") && text.contains(name) && text.contains("are missing"),
        "{text}"
    );
}
