//! Real people's recordings: counted by the same stages as live, and carried through the running daemon.
//!
//! The recordings are not part of the repository: `PLIMSOLL_DATASETS` names their folder, or they lie in
//! `../shared/datasets`. Without them these tests say so; where `CI` is set they fail.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

mod datasets;

use assert_cmd::Command;
use datasets::datasets;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Stdio,
    time::Duration,
};

fn plimsoll() -> Command {
    Command::cargo_bin("plimsoll").unwrap()
}

fn stdout(command: &mut Command) -> String {
    String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

/// Floors well below what was measured: they catch a stage that breaks, not a tenth of a per cent.
#[test]
fn repetitions_of_real_people_are_counted() {
    let Some(data) = datasets() else { return };
    let sets = [
        "squat_3imu_form",
        "pt_exercises",
        "knee_sts_mocap",
        "bench_sit_to_stand",
    ];
    let mut command = plimsoll();
    command
        .args(["evaluate", "--json"])
        .args(sets.map(|s| data.join(s)));
    let mut misses: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for score in lines(&stdout(&mut command)) {
        for metric in ["rep_count_final", "rep_count_live"] {
            if score["metric"] == metric {
                let miss =
                    (score["value"].as_f64().unwrap() - score["truth"].as_f64().unwrap()).abs();
                misses.entry(metric).or_default().push(miss);
            }
        }
    }
    let share = |metric: &str, most: f64| {
        let all = &misses[metric];
        all.iter().filter(|m| **m <= most).count() as f64 / all.len() as f64
    };
    assert!(misses["rep_count_final"].len() >= 38);
    assert!(share("rep_count_final", 0.5) >= 0.9, "{misses:?}");
    assert!(share("rep_count_final", 1.5) >= 0.97, "{misses:?}");
    assert!(share("rep_count_live", 1.5) >= 0.85, "{misses:?}");
}

/// Largest value of a metric in each final repetition, deg.
fn peaks(events: &[Value], metric: &str) -> Vec<f64> {
    events
        .iter()
        .filter(|e| e["event"]["event"] == "rep" && e["event"]["data"]["stage"] == "final")
        .filter_map(|e| {
            let list = e["event"]["data"]["measurements"].as_array()?;
            list.iter().find(|m| m["metric"] == metric)?["measured"]["max"].as_f64()
        })
        .collect()
}

fn plan(exercise: &str, metric: &str, limit_deg: f64) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/plans/knee-squat.toml");
    let text = fs::read_to_string(file).unwrap();
    let head = text.split("[[exercise]]").next().unwrap();
    format!(
        "{head}\n[[exercise]]\nid = \"{exercise}\"\nside = \"both\"\nsets = 1\nreps = [10, 30]\nrest_s = [60, 90]\n\
         load = {{ kind = \"none\" }}\n[[exercise.limit]]\nmetric = \"{metric}\"\nmax = {limit_deg:.1}\nguard = 0\n\
         unit = \"deg\"\nwhen = \"loaded\"\non_breach = \"stop\"\n"
    )
}

fn page(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

/// Replays a recording through the daemon and looks at its live page meanwhile.
fn carry(file: &Path, plan: &Path, data: &Path, address: &str, speed: &str) {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["replay", "--speed", speed, "--listen", address, "--plan"])
        .arg(plan)
        .arg("--data")
        .arg(data)
        .arg(file)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let live = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        page(address, "/")
    });
    assert!(
        live.is_some_and(|html| html.contains("200 OK")),
        "the live page does not answer"
    );
    let status = child.wait().unwrap();
    assert!(status.success());
}

/// Imports a recording, lets half of its repetitions pass a limit, carries it through bus, store and
/// page, and compares what the store holds with what was measured.
fn through_the_daemon(recording: &Path, exercise: &str, (metric, code): (&str, &str), speed: &str) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("set.mcap");
    let mut import = plimsoll();
    import.arg("import").arg(recording).arg("--out").arg(&file);
    import.args(["--client", "C-0001", "--exercise", exercise]);
    import.assert().success();
    let alone = lines(&stdout(
        plimsoll().args(["analyse", "--events", "-"]).arg(&file),
    ));
    let mut measured = peaks(&alone, metric);
    assert!(measured.len() >= 9, "{measured:?}");
    measured.sort_by(f64::total_cmp);
    let limit = measured[measured.len() / 2];
    let plan_file = dir.path().join("plan.toml");
    fs::write(&plan_file, plan(exercise, metric, limit)).unwrap();
    let past = measured
        .iter()
        .filter(|m| **m > (limit * 10.0).round() / 10.0)
        .count();

    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let data = dir.path().join("data");
    carry(&file, &plan_file, &data, &address, speed);
    let store = plimsoll::store::Store::open(&data).unwrap();
    let session = store.sessions().unwrap()[0].header.session.clone();
    let events = store.events(&session).unwrap();
    let stored = lines(&plimsoll::wire::payload::events_text(&events).unwrap());
    let outside = stored
        .iter()
        .map(|e| &e["event"]["data"])
        .filter(|f| f["code"] == code && f["stage"] == "final" && f["verdict"] == "outside")
        .count();
    assert_eq!(
        outside, past,
        "repetitions past {limit:.1} deg of {measured:?}"
    );
    let batch = stdout(
        plimsoll()
            .args(["analyse", "--events", "-", "--plan"])
            .arg(&plan_file)
            .arg(&file),
    );
    assert_eq!(stored, lines(&batch), "live and batch differ");
    let report = data.join("reports").join(format!("{}.html", session.0));
    let html = fs::read_to_string(report).unwrap();
    assert!(
        html.contains("IMPORTED") || html.contains("Imported"),
        "the report does not say that it is imported"
    );
}

#[test]
fn a_real_squat_set_goes_through_the_daemon() {
    let Some(data) = datasets() else { return };
    let limit = ("knee_flexion", "DEPTH_OVER");
    through_the_daemon(
        &data.join("squat_3imu_form/s2_set1_correct"),
        "squat",
        limit,
        "8",
    );
}

#[test]
fn a_real_knee_extension_set_goes_through_the_daemon() {
    let Some(data) = datasets() else { return };
    // Seated all the time, never in the calibration stance: the range is known, the absolute angle is not.
    let limit = ("range_of_motion", "LIMIT");
    through_the_daemon(
        &data.join("pt_exercises/s1_e1_leg_extension"),
        "leg_extension",
        limit,
        "60",
    );
}
