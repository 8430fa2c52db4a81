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
