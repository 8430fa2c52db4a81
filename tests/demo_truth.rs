//! The sample sessions end to end: what the simulator knows to be true is what the daemon finds, through
//! broker and store; batch, live at 1x-like pacing and live at full speed say the same bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

use assert_cmd::Command;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sample(name: &str) -> PathBuf {
    root().join("sample-data").join(format!("{name}.mcap"))
}

fn plimsoll() -> Command {
    Command::cargo_bin("plimsoll").unwrap()
}

/// What the batch analysis says, one JSON object a line.
fn batch_events(name: &str) -> Vec<Value> {
    let output = plimsoll()
        .args(["analyse", "--events", "-"])
        .arg(sample(name))
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    lines(&String::from_utf8(output).unwrap())
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

/// (set, rep, code) -> verdict of the findings after the set; several checks of one code: the worst.
fn verdicts(events: &[Value]) -> BTreeMap<(u64, u64, String), String> {
    let worst = ["within", "not_assessed", "unsure", "invalid", "outside"];
    let rank = |v: &str| worst.iter().position(|w| *w == v).unwrap();
    let mut found: BTreeMap<(u64, u64, String), String> = BTreeMap::new();
    for event in events {
        let inner = &event["event"];
        if inner["event"] != "finding" || inner["data"]["stage"] != "final" {
            continue;
        }
        let f = &inner["data"];
        let key = (
            f["set"].as_u64().unwrap(),
            f["rep"].as_u64().unwrap_or(0),
            f["code"].as_str().unwrap().to_owned(),
        );
        let verdict = f["verdict"].as_str().unwrap().to_owned();
        let entry = found.entry(key).or_insert_with(|| verdict.clone());
        if rank(&verdict) > rank(entry) {
            *entry = verdict;
        }
    }
    found
}

fn truth(name: &str) -> Value {
    let path = root()
        .join("sample-data")
        .join(format!("{name}.truth.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The scripted trunk leans no further in the loaded set than in the accepted one without load, but for the
/// last three of ten repetitions.
#[test]
fn what_the_load_changes_is_told_after_the_loaded_set() {
    let contrasts: Vec<Value> = batch_events("knee-squat")
        .into_iter()
        .map(|e| e["event"].clone())
        .filter(|e| e["event"] == "load_contrast")
        .collect();
    assert_eq!(contrasts.len(), 1, "one loaded set: {contrasts:?}");
    let contrast = &contrasts[0]["data"];
    assert_eq!(
        (&contrast["load_kg"], &contrast["lighter_kg"]),
        (&12.0.into(), &0.0.into())
    );
    let rows = contrast["rows"].as_array().unwrap();
    let of = |metric: &str| rows.iter().find(|r| r["metric"] == metric).unwrap();
    let trunk = of("trunk_forward_tilt");
    assert_eq!(
        (&trunk["appears"], &trunk["reps"]),
        (&true.into(), &10.into()),
        "{trunk}"
    );
    assert!(trunk["departing"].as_u64().unwrap() >= 3, "{trunk}");
    let aside = of("trunk_side_lean");
    assert_eq!(
        (&aside["appears"], &aside["departing"]),
        (&false.into(), &0.into()),
        "{aside}"
    );
}

fn check_truth(name: &str) {
    let found = verdicts(&batch_events(name));
    let expected = truth(name)["expected"].as_array().unwrap().clone();
    assert!(!expected.is_empty());
    let mut wrong = Vec::new();
    for e in expected {
        let key = (
            e["set"].as_u64().unwrap(),
            e["rep"].as_u64().unwrap_or(0),
            e["code"].as_str().unwrap().to_owned(),
        );
        let want = e["verdict"].as_str().unwrap();
        let got = found.get(&key).map_or("nothing", String::as_str);
        if got != want {
            wrong.push(format!("{key:?}: truth {want}, found {got}"));
        }
    }
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

#[test]
fn the_knee_session_is_found_as_it_was_made() {
    check_truth("knee-squat");
}

#[test]
fn the_shoulder_session_is_found_as_it_was_made() {
    check_truth("shoulder-raise");
}

#[test]
fn the_sit_to_stand_session_is_found_as_it_was_made() {
    check_truth("sit-to-stand");
}

#[test]
fn a_sensor_lost_in_the_set_is_no_data_and_never_good() {
    check_truth("sensor-dropout");
    let events = batch_events("sensor-dropout");
    let lost: Vec<_> = truth("sensor-dropout")["expected"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["verdict"] == "invalid")
        .map(|e| (e["set"].as_u64().unwrap(), e["rep"].as_u64().unwrap()))
        .collect();
    assert!(lost.len() >= 3, "{lost:?}");
    for event in &events {
        let f = &event["event"]["data"];
        if event["event"]["event"] == "finding" && f["metric"] == "knee_flexion" {
            let key = (f["set"].as_u64().unwrap(), f["rep"].as_u64().unwrap_or(0));
            assert!(
                !(f["stage"] == "final" && lost.contains(&key) && f["verdict"] == "within"),
                "{f}"
            );
        }
    }
}

/// Events of the session in the store, as the batch analysis would write them.
fn stored_events(data: &Path) -> Vec<Value> {
    let store = plimsoll::store::Store::open(data).unwrap();
    let session = store.sessions().unwrap()[0].header.session.clone();
    lines(&plimsoll::wire::payload::events_text(&store.events(&session).unwrap()).unwrap())
}

fn demo(data: &Path, sample: &str, speed: &str) -> String {
    let output = plimsoll()
        .args([
            "demo",
            "--headless",
            "--sample",
            sample,
            "--speed",
            speed,
            "--data",
        ])
        .arg(data)
        .timeout(std::time::Duration::from_secs(240))
        .assert()
        .success();
    String::from_utf8(output.get_output().stdout.clone()).unwrap()
}

#[test]
fn broker_and_store_change_nothing_at_any_speed() {
    let dir = tempfile::tempdir().unwrap();
    let batch = batch_events("knee-squat");
    for speed in ["max", "20"] {
        let data = dir.path().join(speed);
        let text = demo(&data, "knee-squat", speed);
        assert!(text.contains("report: "), "{text}");
        let stored = stored_events(&data);
        assert_eq!(stored.len(), batch.len(), "speed {speed}");
        for (s, b) in stored.iter().zip(&batch) {
            assert_eq!(s, b, "speed {speed}");
        }
    }
}

#[test]
fn once_in_real_time() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path(), "sensor-dropout", "1");
    assert_eq!(stored_events(dir.path()), batch_events("sensor-dropout"));
}

/// Counts, begins, ends, eccentric and concentric times and depths of every final repetition of every sample.
#[test]
fn counts_tempo_and_depth_are_those_of_the_simulator() {
    for (name, metric) in [
        ("knee-squat", "knee_flexion"),
        ("shoulder-raise", "shoulder_flexion"),
        ("sit-to-stand", "knee_flexion"),
    ] {
        let events = batch_events(name);
        for set in truth(name)["sets"].as_array().unwrap() {
            let found: Vec<_> = events
                .iter()
                .map(|e| &e["event"])
                .filter(|e| {
                    e["event"] == "rep"
                        && e["data"]["stage"] == "final"
                        && e["data"]["set"] == set["set"]
                })
                .map(|e| &e["data"])
                .collect();
            let made = set["reps"].as_array().unwrap();
            assert_eq!(found.len(), made.len(), "{name}, set {}", set["set"]);
            let mut off = [Vec::new(), Vec::new()];
            for (f, m) in found.iter().zip(made) {
                let what = format!("{name}, set {}, rep {}", f["set"], f["number"]);
                let near = |a: &Value, b: &Value, most: f64| {
                    let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
                    assert!((a - b).abs() <= most, "{what}: found {a}, made {b}");
                };
                for (k, phase) in ["eccentric_s", "concentric_s"].into_iter().enumerate() {
                    let (told, made) = (&f["phases"][phase], &m["phases"][phase]);
                    // Sway of the simulated person moves single ends; the error says so, and the set's middle holds.
                    near(told, made, f["phases"]["error_s"][2 * k].as_f64().unwrap());
                    off[k].push(told.as_f64().unwrap() - made.as_f64().unwrap());
                }
                let start_s = f["start"].as_f64().unwrap() * 1e-9;
                near(&start_s.into(), &m["start_s"], 0.3);
                let list = f["measurements"].as_array().unwrap();
                let peak = &list.iter().find(|x| x["metric"] == metric).unwrap()["measured"]["max"];
                near(peak, &m["depth_deg"], 3.0);
            }
            for times in &mut off {
                times.sort_by(f64::total_cmp);
                let middle = times[times.len() / 2];
                assert!(
                    middle.abs() <= 0.25,
                    "{name}, set {}: {times:?}",
                    set["set"]
                );
            }
        }
    }
}
