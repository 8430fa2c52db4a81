//! `plimsoll jobs`: sessions of a simulated client through the pipeline and a real store, worked up by the program, killed
//! in between, asked.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

use assert_cmd::Command;
use plimsoll::{
    model::{
        event::Event,
        session::{SessionHeader, SessionId},
    },
    pipeline::{analysis::Params, batch},
    store::{Act, DataClass, Store},
    wire::{plan, recording},
};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command as Process, Stdio},
    time::Duration,
};

/// Days of the sessions: three weeks, the second without any.
const DAYS: [&str; 6] = [
    "2026-01-20",
    "2026-01-21",
    "2026-01-23",
    "2026-02-02",
    "2026-02-04",
    "2026-02-06",
];

/// A store with the same training on several days, of `client`.
fn stored(data: &Path, client: &str, days: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/knee-squat.mcap");
    let recorded = recording::read(&fs::read(path).unwrap()).unwrap();
    let text = recorded.plan_text.as_deref().unwrap();
    let plan = plan::parse(text).unwrap().plan;
    let mut store = Store::open(data).unwrap();
    for day in days {
        let header = SessionHeader {
            session: SessionId(format!("{client}-{day}")),
            client: client.to_owned(),
            started_at: format!("{day}T10:00:00Z"),
            ..recorded.header.clone()
        };
        let mut windows = Vec::new();
        batch::windows(&header, &recorded.items, |w| windows.push(w.clone())).unwrap();
        let mut events =
            batch::analyse(&Params::default(), &header, Some(&plan), &recorded.items).unwrap();
        events.retain(|n| !matches!(n.event, Event::Live(_)));
        store.begin(&header, Some(text)).unwrap();
        store.append(&header.session, &windows, &events).unwrap();
        store.close(&header.session).unwrap();
        store.compact(&header.session).unwrap();
    }
}

/// Runs `plimsoll jobs`, expects `code`; what it says on stdout.
fn jobs(args: &[&str], data: &Path, code: i32) -> String {
    let assert = Command::cargo_bin("plimsoll")
        .unwrap()
        .arg("jobs")
        .args(args)
        .arg("--data")
        .arg(data)
        .timeout(Duration::from_secs(240))
        .assert()
        .code(code);
    let output = assert.get_output();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("panicked"), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The files that were worked up, with their bytes.
fn files(data: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(folder) = fs::read_dir(data.join("jobs")) else {
        return BTreeMap::new();
    };
    folder
        .map(|f| f.unwrap())
        .map(|f| {
            (
                f.file_name().into_string().unwrap(),
                fs::read(f.path()).unwrap(),
            )
        })
        .collect()
}

/// The row of a table that has all of these cells, as name → cell.
fn row<'a>(table: &'a str, cells: &[&str]) -> BTreeMap<&'a str, &'a str> {
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let found: Vec<Vec<&str>> = lines
        .map(|l| l.split('\t').collect::<Vec<_>>())
        .filter(|row| cells.iter().all(|c| row.contains(c)))
        .collect();
    assert_eq!(found.len(), 1, "{cells:?} in {table}");
    names.into_iter().zip(found[0].clone()).collect()
}

#[test]
fn sessions_are_worked_up_once_and_asked() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    stored(data, "c1", &DAYS);
    stored(data, "c2", &DAYS[..1]);
    let said = jobs(&["run"], data, 0);
    assert!(
        said.contains("7 judged again, 0 as stored, 0 worked up before, 0 damaged, of 7"),
        "{said}"
    );
    assert_eq!(said.matches("judged again: as stored").count(), 7, "{said}");
    let first = files(data);
    assert_eq!(first.len(), 7 * 4);
    let said = jobs(&["run"], data, 0);
    assert!(
        said.contains("0 judged again, 0 as stored, 7 worked up before"),
        "{said}"
    );
    assert_eq!(files(data), first);
    // From nothing, the same bytes.
    fs::remove_dir_all(data.join("jobs")).unwrap();
    jobs(&["run"], data, 0);
    assert!(files(data) == first);

    // The same training six times: nothing rises or falls, and it is called simulated.
    let trend = jobs(&["trend", "c1", "--metric", "knee_flexion"], data, 0);
    let knee = row(&trend, &["simulated", "squat", "max"]);
    assert_eq!(knee["sessions"], "6");
    assert_eq!((knee["from"], knee["to"]), ("2026-01-20", "2026-02-06"));
    assert_eq!(
        (knee["slope_per_week"], knee["trend"]),
        ("0.00", "no change beyond the error")
    );
    let one = jobs(&["trend", "c2", "--metric", "knee_flexion"], data, 0);
    assert_eq!(row(&one, &["squat", "max"])["trend"], "too few sessions");

    // Three sessions in the first week, none in the second.
    let dose = jobs(&["dose", "c1", "--exercise", "squat"], data, 0);
    let week = row(&dose, &["2026-01-19"]);
    assert_eq!(week["sessions"], "3");
    let sets: u32 = week["sets"].parse().unwrap();
    let asked: u32 = week["prescribed_sets"].parse().unwrap();
    let adherence = 100.0 * f64::from(sets) / f64::from(asked);
    assert_eq!(week["adherence_percent"], format!("{adherence:.2}"));
    // Every limit that the analysis checked has its verdict.
    let checked = |v: &str| week[format!("limits_{v}").as_str()] != "0";
    assert!(
        ["within", "unsure", "outside"].iter().any(|v| checked(v)),
        "{dose}"
    );
    let nothing = row(&dose, &["2026-01-26"]);
    assert_eq!(
        (nothing["sets"], nothing["adherence_percent"]),
        ("0", "0.00")
    );

    let calendar = jobs(&["calendar", "c1"], data, 0);
    for day in DAYS {
        assert!(
            row(&calendar, &[day, "knee"])["reps"]
                .parse::<u32>()
                .unwrap()
                > 0
        );
    }
    let out = data.join("trend.csv");
    jobs(&["trend", "c1", "--out", out.to_str().unwrap()], data, 0);
    assert!(
        fs::read_to_string(&out)
            .unwrap()
            .starts_with("origin,exercise,side,metric")
    );
    jobs(&["contrast", "c1"], data, 0);
    jobs(&["trend", "nobody"], data, 2);
    jobs(&["trend", "c1", "--out", "x.txt"], data, 2);
}

#[test]
fn what_is_not_of_this_program_or_this_store_counts_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    stored(data, "c1", &DAYS[..2]);
    jobs(&["run"], data, 0);
    let first = files(data);
    // What another version of the program made answers nothing.
    let mark = data.join(format!("jobs/c1-{}.json", DAYS[0]));
    fs::write(&mark, r#"{"made_by":"another"}"#).unwrap();
    let trend = jobs(&["trend", "c1", "--metric", "knee_flexion"], data, 0);
    assert_eq!(row(&trend, &["squat", "max"])["sessions"], "1");
    jobs(&["run"], data, 0);
    assert!(files(data) == first);
    // Of a session that the store does not know nothing stays.
    let stray = data.join("jobs/gone-1.json");
    fs::write(&stray, "{}").unwrap();
    jobs(&["run"], data, 0);
    assert!(!stray.exists() && files(data) == first);
}

#[test]
fn killed_anywhere_the_next_run_does_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    stored(data, "c1", &DAYS[..4]);
    jobs(&["run"], data, 0);
    let whole = files(data);
    fs::remove_dir_all(data.join("jobs")).unwrap();
    let (mut kills, mut pause_ms) = (0, 40);
    while files(data).len() < whole.len() {
        let mut child = Process::new(env!("CARGO_BIN_EXE_plimsoll"))
            .args(["jobs", "run", "--data"])
            .arg(data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(pause_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        // Of a session that is marked, everything is there and is what it should be.
        let now = files(data);
        for session in now.keys().filter_map(|name| name.strip_suffix(".json")) {
            for (name, bytes) in whole.iter().filter(|(name, _)| name.starts_with(session)) {
                assert!(now.get(name) == Some(bytes), "{name} after {kills} kills");
            }
        }
        pause_ms = pause_ms * 5 / 4;
        assert!(kills < 60, "it never ends");
    }
    jobs(&["run"], data, 0);
    let mut now = files(data);
    now.retain(|name, _| !name.starts_with('.'));
    assert!(now == whole);
    println!("{kills} kills");
}

#[test]
fn what_is_removed_is_removed_there_too_and_not_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    stored(data, "c1", &DAYS[..2]);
    stored(data, "c2", &DAYS[..1]);
    let by = Act {
        actor: "t",
        at: "2026-09-01T00:00:00Z",
    };
    let id = SessionId(format!("c1-{}", DAYS[0]));
    // Its samples are gone: what is stored counts.
    Store::open(data)
        .unwrap()
        .remove(&id, DataClass::Raw, by)
        .unwrap();
    let said = jobs(&["run"], data, 0);
    assert!(said.contains("2 judged again, 1 as stored"), "{said}");
    let config = data.join("plimsoll.toml");
    let at = data.to_str().unwrap();
    let text = format!("[store]\ndir = {at:?}\n[store.retention]\nderived_days = 1\n");
    fs::write(&config, text).unwrap();
    let plimsoll = |args: &[&str]| {
        Command::cargo_bin("plimsoll")
            .unwrap()
            .args(args)
            .assert()
            .code(0);
    };
    // A run that was killed left this.
    let left = format!(".c2-{}.sets.parquet.tmp", DAYS[0]);
    fs::write(data.join("jobs").join(&left), "c2").unwrap();
    plimsoll(&["store", "erase", "c2", "--by", "pt-1", "--data", at]);
    assert!(files(data).keys().all(|name| name.contains("c1-")));
    assert!(!data.join("jobs").join(&left).exists());
    plimsoll(&["store", "retain", "--config", config.to_str().unwrap()]);
    assert!(files(data).is_empty());
    let said = jobs(&["run"], data, 0);
    assert_eq!(
        said.matches("were removed by retention").count(),
        2,
        "{said}"
    );
    assert!(files(data).is_empty());
}

#[test]
fn a_damaged_session_is_named_and_stops_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    stored(data, "c1", &DAYS[..3]);
    let folder = data.join("sessions").join(format!("c1-{}", DAYS[1]));
    let file = fs::read_dir(folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    let said = jobs(&["run"], data, 3);
    assert!(said.contains(&format!("c1-{}\tDAMAGED", DAYS[1])), "{said}");
    assert!(
        said.contains("2 judged again") && said.contains("1 damaged"),
        "{said}"
    );
    assert_eq!(files(data).len(), 2 * 4);
    // A file that is not there at all is no other.
    fs::remove_file(&file).unwrap();
    let said = jobs(&["run"], data, 3);
    assert!(
        said.contains("2 worked up before") && said.contains("1 damaged"),
        "{said}"
    );
}

#[test]
fn a_damaged_file_counts_for_nothing_and_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    stored(data, "c1", &DAYS[..2]);
    jobs(&["run"], data, 0);
    let before = files(data);
    let (name, bytes) = before.iter().find(|(n, _)| n.contains("metrics")).unwrap();
    let mut damaged = bytes.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(data.join("jobs").join(name), damaged).unwrap();
    let said = jobs(&["run"], data, 0);
    assert!(
        said.contains("1 judged again") && said.contains("1 worked up before"),
        "{said}"
    );
    assert!(files(data) == before);
}
