//! A finding laid open: computed again from its recording, compared with the stored one, down to the raw samples.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

use assert_cmd::Command;
use std::path::{Path, PathBuf};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sample-data")
        .join(format!("{name}.mcap"))
}

/// Runs `plimsoll`, expects `code`, returns stdout and stderr.
fn plimsoll(args: &[&str], code: i32) -> (String, String) {
    let assert = Command::cargo_bin("plimsoll")
        .unwrap()
        .args(args)
        .timeout(std::time::Duration::from_secs(120))
        .assert()
        .code(code);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let output = assert.get_output();
    (text(&output.stdout), text(&output.stderr))
}

/// Findings of a recording: number, and the line that says it.
fn findings(recording: &str) -> Vec<serde_json::Value> {
    let (out, _) = plimsoll(&["analyse", recording, "--events", "-"], 0);
    out.lines()
        .filter_map(|l| {
            let event: serde_json::Value = serde_json::from_str(l).unwrap();
            let event = &event["event"];
            (event["event"] == "finding").then(|| event["data"].clone())
        })
        .collect()
}

fn outside(findings: &[serde_json::Value], stage: &str, metric: &str) -> serde_json::Value {
    findings
        .iter()
        .find(|f| f["verdict"] == "outside" && f["stage"] == stage && f["metric"] == metric)
        .expect("the sample has such a finding")
        .clone()
}

#[test]
fn a_limit_passed_names_rule_number_author_algorithm_and_samples() {
    let recording = sample("knee-squat");
    let recording = recording.to_str().unwrap();
    let finding = outside(&findings(recording), "final", "knee_flexion");
    let id = finding["id"].to_string();
    let (text, _) = plimsoll(&["explain", &id, "--recording", recording], 0);
    for part in [
        "SIMULATED DATA",
        "knee_flexion = forward tilt of the shank - forward tilt of the thigh",
        "at most 90°, guard band 5°",
        "set by T-01 in the plan",
        "plan EX-KNEE-SQUAT version 1",
        "offline VQF",
        "parameters sha256",
        "thigh_",
        "shank_",
        "none marked",
        "computed from the recording just now",
    ] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
    // Only what the metric is measured on.
    assert!(!text.contains("thorax imu"), "{text}");
}

#[test]
fn a_watch_item_names_the_baseline_and_who_accepted_it() {
    let recording = sample("knee-squat");
    let recording = recording.to_str().unwrap();
    let finding = findings(recording)
        .into_iter()
        .find(|f| f["code"] == "TRUNK_FWD" && f["source"] == "baseline")
        .expect("the sample has a baseline set");
    let id = finding["id"].to_string();
    let (text, _) = plimsoll(&["explain", &id, "--recording", recording], 0);
    assert!(
        text.contains("counted from the client's own baseline")
            && text.contains("accepted by T-01"),
        "{text}"
    );
}

#[test]
fn the_samples_of_a_finding_are_those_of_its_repetition() {
    let recording = sample("knee-squat");
    let recording = recording.to_str().unwrap();
    let finding = outside(&findings(recording), "final", "knee_flexion");
    let id = finding["id"].to_string();
    let (table, _) = plimsoll(
        &["explain", &id, "--recording", recording, "--samples", "-"],
        0,
    );
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let mut last: Option<(String, u64, f64)> = None;
    let mut count = 0;
    for row in rows.records() {
        let row = row.unwrap();
        let (segment, sequence, t_s) = (
            row[0].to_owned(),
            row[2].parse::<u64>().unwrap(),
            row[3].parse::<f64>().unwrap(),
        );
        if let Some((before, number, then_s)) = &last
            && *before == segment
        {
            assert_eq!(sequence, number + 1);
            assert!(t_s > *then_s);
        }
        last = Some((segment, sequence, t_s));
        count += 1;
    }
    assert!(count > 100, "{count} samples");
}

#[test]
fn a_stored_finding_comes_out_the_same_again_and_another_plan_is_noticed() {
    let recording = sample("knee-squat");
    let recording = recording.to_str().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    plimsoll(
        &[
            "replay",
            recording,
            "--headless",
            "--speed",
            "max",
            "--data",
            data,
        ],
        0,
    );
    let finding = outside(&findings(recording), "final", "knee_flexion");
    let name = format!("knee-squat/{}", finding["id"]);
    let (alone, _) = plimsoll(&["explain", &name, "--data", data], 0);
    assert!(
        alone.contains("as stored") && alone.contains("none marked"),
        "{alone}"
    );
    let (same, _) = plimsoll(
        &["explain", &name, "--data", data, "--recording", recording],
        0,
    );
    assert!(
        same.contains("the same as stored, in every field"),
        "{same}"
    );

    let plan = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("config/plans/knee-squat.toml"),
    )
    .unwrap();
    let other = dir.path().join("other.toml");
    std::fs::write(&other, plan.replacen("max = 90", "max = 130", 1)).unwrap();
    let (differs, _) = plimsoll(
        &[
            "explain",
            &name,
            "--data",
            data,
            "--recording",
            recording,
            "--plan",
            other.to_str().unwrap(),
        ],
        0,
    );
    assert!(differs.contains("NOT the same"), "{differs}");
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let recording = sample("knee-squat");
    let recording = recording.to_str().unwrap();
    let (_, error) = plimsoll(&["explain", "99999", "--recording", recording], 2);
    assert!(
        error.contains("no finding 99999") && error.contains("findings 1 to"),
        "{error}"
    );
    let (_, error) = plimsoll(&["explain", "3"], 2);
    assert!(error.contains("SESSION/3"), "{error}");
    let (_, error) = plimsoll(&["explain", "three", "--recording", recording], 2);
    assert!(error.contains("expected a number"), "{error}");
}
