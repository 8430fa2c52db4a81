//! Bad input gets a clear sentence, the right exit code, and leaves nothing half-written.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

use assert_cmd::Command;
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-data")
        .join(format!("{name}.mcap"))
}

fn example_plan() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/plans/knee-squat.toml"))
        .unwrap()
}

/// Runs `plimsoll`, expects `code`, returns stderr.
fn refused(args: &[&str], code: i32) -> String {
    let assert = Command::cargo_bin("plimsoll")
        .unwrap()
        .args(args)
        .timeout(std::time::Duration::from_secs(60))
        .assert()
        .code(code);
    let text = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    text
}

fn check_plan(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plan.toml");
    fs::write(&path, text).unwrap();
    refused(&["plan", "check", path.to_str().unwrap()], 2)
}

#[test]
fn a_wrong_plan_key_is_named_with_its_line() {
    let text = example_plan().replacen("max = 90", "maxx = 90", 1);
    let line = text.lines().position(|l| l.starts_with("maxx")).unwrap() + 1;
    let error = check_plan(&text);
    assert!(
        error.contains(&format!(":{line}")) && error.contains("maxx") && error.contains("max"),
        "{error}"
    );
}

#[test]
fn an_unknown_exercise_is_named_with_the_nearest() {
    let error = check_plan(&example_plan().replacen("id = \"squat\"", "id = \"sqaut\"", 1));
    assert!(
        error.contains("sqaut") && error.contains("squat"),
        "{error}"
    );
}

#[test]
fn an_impossible_limit_is_refused() {
    let error = check_plan(&example_plan().replacen("max = 90", "min = 120\nmax = 90", 1));
    assert!(error.contains("120") && error.contains("90"), "{error}");
}

#[test]
fn a_cut_recording_is_judged_as_far_as_it_goes_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cut.mcap");
    let bytes = fs::read(sample("sit-to-stand")).unwrap();
    fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let error = refused(&["analyse", path.to_str().unwrap()], 3);
    assert!(error.contains("cut short"), "{error}");
}

#[test]
fn a_file_that_is_no_recording_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("no.mcap");
    fs::write(&path, b"hello").unwrap();
    let error = refused(&["analyse", path.to_str().unwrap()], 2);
    assert!(error.contains("no.mcap"), "{error}");
    let missing = dir.path().join("missing.mcap");
    let error = refused(&["replay", missing.to_str().unwrap()], 2);
    assert!(error.contains("missing.mcap"), "{error}");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let error = refused(
        &[
            "demo",
            "--listen",
            &address,
            "--speed",
            "max",
            "--data",
            data.to_str().unwrap(),
        ],
        1,
    );
    assert!(
        error.contains(&address) && error.contains("--listen"),
        "{error}"
    );
    let config = dir.path().join("plimsoll.toml");
    fs::write(
        &config,
        format!(
            "[store]\ndir = {:?}\n[bus]\nlisten = {address:?}\n",
            data.to_str().unwrap()
        ),
    )
    .unwrap();
    let error = refused(&["run", "--config", config.to_str().unwrap()], 1);
    assert!(error.contains(&address), "{error}");
}

#[test]
fn every_wrong_configuration_key_is_named_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("plimsoll.toml");
    fs::write(&config, "[store]\ndirr = \"x\"\n[web]\nlissten = \"y\"\n").unwrap();
    let error = refused(&["check", "--config", config.to_str().unwrap()], 2);
    assert!(
        error.contains("dirr")
            && error.contains(":2")
            && error.contains("lissten")
            && error.contains(":4"),
        "{error}"
    );
}

#[test]
fn an_unknown_session_names_those_that_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let error = refused(&["report", "nobody", "--data", data], 2);
    assert!(error.contains("nobody"), "{error}");
}

/// Undoes the mount when the test ends, however it ends.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(size: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let status = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(dir.path())
            .status()
            .unwrap();
        assert!(
            status.success(),
            "this test mounts a small disk: run it as root"
        );
        Self(dir)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg(self.0.path())
            .status();
    }
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing_half_written() {
    let disk = SmallDisk::new("300k");
    let out = disk.0.path().join("report.html");
    fs::write(disk.0.path().join("fill"), vec![0_u8; 290 * 1024]).unwrap();
    let error = refused(
        &[
            "analyse",
            sample("knee-squat").to_str().unwrap(),
            "--report",
            out.to_str().unwrap(),
        ],
        1,
    );
    assert!(error.contains("report.html"), "{error}");
    assert!(!out.exists());
    let recording = disk.0.path().join("copy.mcap");
    let error = refused(
        &[
            "record",
            "--from",
            sample("knee-squat").to_str().unwrap(),
            "--speed",
            "max",
            "--out",
            recording.to_str().unwrap(),
        ],
        1,
    );
    assert!(error.contains("copy.mcap"), "{error}");
}

#[test]
fn a_reader_that_goes_away_ends_a_command_quietly() {
    use std::{
        io::{BufRead, BufReader, Read},
        process::{Command as Process, Stdio},
    };
    let mut child = Process::new(assert_cmd::cargo::cargo_bin!("plimsoll"))
        .args(["analyse", sample("knee-squat").to_str().unwrap()])
        .args(["--events", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::with_capacity(16, child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with('{'), "{line}");
    let mut error = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut error)
        .unwrap();
    assert!(child.wait().unwrap().success(), "{error}");
    assert!(error.is_empty(), "{error}");
}
