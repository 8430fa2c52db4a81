//! The engine on labelled recordings of other people: counts against truth, per dataset.
//!
//! The recordings are not part of the repository: `PLIMSOLL_DATASETS` names their folder, or they lie in
//! `../shared/datasets` beside it. `MOTION_ONLY=text` restricts to recordings whose path contains the text,
//! `MOTION_VERBOSE=1` prints every repetition.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use plimsoll::{
    model::{
        body::{Segment, Side},
        command::{Command, SetRole, StopReason},
        metric::Metric,
        packet::DeviceIndex,
        plan::TrainingSide,
        rep::{Measured, Rep, SetSummary, Stage},
        sample::{Quality, Sample, StreamId, StreamKind},
        session::{Origin, Sensor, SessionHeader, SessionId},
        time::{HostNs, SessionNs},
    },
    motion::{Engine, MotionEvent, Params},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt::Write,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

fn datasets() -> PathBuf {
    let folder = std::env::var_os("PLIMSOLL_DATASETS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/datasets"),
        PathBuf::from,
    );
    assert!(
        folder.is_dir(),
        "no recordings in {}: set PLIMSOLL_DATASETS to their folder",
        folder.display()
    );
    folder
}

struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<f64>>,
}

fn table(path: &Path) -> Table {
    let mut bytes = Vec::new();
    File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
    if path.extension().is_some_and(|e| e == "gz") {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&bytes[..])
            .read_to_end(&mut plain)
            .unwrap();
        bytes = plain;
    }
    let mut reader = csv::Reader::from_reader(&bytes[..]);
    let columns = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    let rows = reader
        .records()
        .map(|r| {
            r.unwrap()
                .iter()
                .map(|v| v.parse().unwrap_or(f64::NAN))
                .collect()
        })
        .collect();
    Table { columns, rows }
}

impl Table {
    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == name)
    }
}

struct Recording {
    name: String,
    exercise: String,
    meta: Value,
    sensors: Vec<Sensor>,
    samples: Vec<Sample>,
    folder: PathBuf,
}

fn load(folder: &Path) -> Recording {
    let meta: Value =
        serde_json::from_reader(File::open(folder.join("meta.json")).unwrap()).unwrap();
    let mut sensors = Vec::new();
    let mut samples = Vec::new();
    let listed = meta["sensors"].as_array().unwrap();
    let mut by_segment: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for s in listed {
        by_segment
            .entry(s["segment"].as_str().unwrap_or("").to_owned())
            .or_default()
            .push(s);
    }
    for (segment, files) in by_segment {
        let Ok(segment) = segment.parse::<Segment>() else {
            continue;
        };
        let device = DeviceIndex(u16::try_from(sensors.len()).unwrap());
        let tables: Vec<Table> = files
            .iter()
            .map(|f| table(&folder.join(f["file"].as_str().unwrap())))
            .collect();
        sensors.push(Sensor {
            alias: format!("imu{}", device.0),
            driver: "imported".into(),
            segment,
            confirmed_by: "import".into(),
            nominal_hz: files[0]["nominal_hz"].as_f64().unwrap_or(50.0),
        });
        samples.extend(samples_of(device, &tables));
    }
    samples.sort_by_key(|s| s.t);
    Recording {
        name: format!(
            "{}/{}",
            folder
                .parent()
                .unwrap()
                .file_name()
                .unwrap()
                .to_string_lossy(),
            folder.file_name().unwrap().to_string_lossy()
        ),
        exercise: meta["exercise"].as_str().unwrap_or("none").to_owned(),
        meta,
        sensors,
        samples,
        folder: folder.to_owned(),
    }
}

fn samples_of(device: DeviceIndex, tables: &[Table]) -> Vec<Sample> {
    let acc = tables.iter().find(|t| t.column("ax").is_some());
    let gyro = tables.iter().find(|t| t.column("gx").is_some());
    let Some(acc) = acc else { return Vec::new() };
    let (lead, kind) = match gyro {
        Some(g) => (g, StreamKind::Imu),
        None => (acc, StreamKind::Acc),
    };
    let pick = |t: &Table, row: &[f64], names: [&str; 3]| -> [f32; 3] {
        names.map(|n| row[t.column(n).unwrap()] as f32)
    };
    let time = |t: &Table, row: &[f64]| row[t.column("t_s").unwrap()];
    let mut k = 0;
    lead.rows
        .iter()
        .map(|row| {
            let t = time(lead, row);
            while k + 1 < acc.rows.len() && time(acc, &acc.rows[k]) < t {
                k += 1;
            }
            let (b, a) = (&acc.rows[k], &acc.rows[k.saturating_sub(1)]);
            let (ta, tb) = (time(acc, a), time(acc, b));
            let share = if tb > ta {
                ((t - ta) / (tb - ta)).clamp(0.0, 1.0) as f32
            } else {
                1.0
            };
            let (va, vb) = (
                pick(acc, a, ["ax", "ay", "az"]),
                pick(acc, b, ["ax", "ay", "az"]),
            );
            let mut values = [0.0; 6];
            for c in 0..3 {
                values[c] = va[c] + (vb[c] - va[c]) * share;
            }
            if kind == StreamKind::Imu {
                values[3..].copy_from_slice(&pick(lead, row, ["gx", "gy", "gz"]));
            }
            Sample {
                stream: StreamId { device, kind },
                t: SessionNs::from_seconds(t),
                values,
                quality: Quality::GOOD,
            }
        })
        .collect()
}

fn header(sensors: &[Sensor]) -> SessionHeader {
    SessionHeader {
        schema: "1".into(),
        session: SessionId("test".into()),
        client: "test".into(),
        origin: Origin::Imported,
        started_at: String::new(),
        started_host: HostNs(0),
        sensors: sensors.to_vec(),
        plan_sha256: None,
        plan_label: None,
        software: String::new(),
        library_sha256: String::new(),
    }
}

fn side_of(sensors: &[Sensor]) -> TrainingSide {
    let worn = |s: Side| sensors.iter().any(|w| w.segment.side() == Some(s));
    match (worn(Side::Left), worn(Side::Right)) {
        (true, false) => TrainingSide::Left,
        (false, true) => TrainingSide::Right,
        _ => TrainingSide::Both,
    }
}

struct Outcome {
    finals: Vec<Rep>,
    confirmed: Vec<Rep>,
    retracted: usize,
    summary: SetSummary,
    trace: Vec<(f64, Option<Metric>, Option<f64>)>,
}

fn run(recording: &Recording) -> Outcome {
    let mut engine = Engine::new(&Params::default(), &header(&recording.sensors));
    let mut out = Vec::new();
    engine.command(
        SessionNs(0),
        &Command::StartSet {
            exercise: recording.exercise.clone(),
            side: side_of(&recording.sensors),
            role: SetRole::Working,
            load_kg: None,
        },
        &mut out,
    );
    let mut window = 100_000_000;
    let mut batch: Vec<&Sample> = Vec::new();
    for s in &recording.samples {
        while s.t.0 >= window {
            feed(&mut engine, &mut batch, window, &mut out);
            window += 100_000_000;
        }
        batch.push(s);
    }
    feed(&mut engine, &mut batch, window, &mut out);
    let end = SessionNs(window);
    engine.command(
        end,
        &Command::EndSet {
            reason: StopReason::Completed,
        },
        &mut out,
    );
    engine.finish(SessionNs(window + 100_000_000), &mut out);
    collect(out)
}

fn feed(engine: &mut Engine, batch: &mut Vec<&Sample>, window: i64, out: &mut Vec<MotionEvent>) {
    batch.sort_by_key(|s| (s.stream, s.t));
    for s in batch.drain(..) {
        engine.push(s, out);
    }
    engine.tick(SessionNs(window), out);
}

fn collect(events: Vec<MotionEvent>) -> Outcome {
    let mut finals = Vec::new();
    let mut confirmed = Vec::new();
    let mut retracted = 0;
    let mut summary = None;
    let mut trace = Vec::new();
    for event in events {
        match event {
            MotionEvent::Rep(rep) => match rep.stage {
                Stage::Final => finals.push(rep),
                Stage::Confirmed => confirmed.push(rep),
                Stage::Retracted => retracted += 1,
                Stage::Provisional => {}
            },
            MotionEvent::Set(s) => summary = Some(s),
            MotionEvent::Trace { t, metric, value } => trace.push((t.seconds(), metric, value)),
            _ => {}
        }
    }
    Outcome {
        finals,
        confirmed,
        retracted,
        summary: summary.expect("a set that ended has a summary"),
        trace,
    }
}

#[derive(Default)]
struct Tally {
    sets: usize,
    exact: usize,
    within_one: usize,
    live_exact: usize,
    error: i64,
    starts: Vec<f64>,
    ends: Vec<f64>,
    peak: Vec<f64>,
    range: Vec<f64>,
}

fn truth_count(meta: &Value) -> Option<i64> {
    let truth = &meta["truth"];
    if truth["rep_count"].is_i64() {
        return truth["rep_count"].as_i64();
    }
    if truth["visible_count"].is_i64() {
        return truth["visible_count"].as_i64();
    }
    let phases = truth["phases"].as_array()?;
    Some(phases.iter().filter_map(|p| p["rep_count"].as_i64()).sum())
}

fn compare(recording: &Recording, outcome: &Outcome, tally: &mut Tally) {
    let n = i64::try_from(outcome.finals.len()).unwrap();
    let Some(truth) = truth_count(&recording.meta) else {
        println!(
            "  ?    {n:3} live {:3} {} [{}]",
            outcome.confirmed.len(),
            recording.name,
            outcome.summary.channel
        );
        return;
    };
    let live = i64::try_from(outcome.confirmed.len()).unwrap();
    tally.sets += 1;
    tally.exact += usize::from(n == truth);
    tally.within_one += usize::from((n - truth).abs() <= 1);
    tally.live_exact += usize::from(live == truth);
    tally.error += (n - truth).abs();
    let mark = if n == truth { "  " } else { "!!" };
    println!(
        "{mark} {truth:3} {n:3} live {live:3} (-{}) {} {} [{}]",
        outcome.retracted, recording.name, recording.exercise, outcome.summary.channel
    );
    let Some(reps) = recording.meta["truth"]["reps"].as_array() else {
        return;
    };
    for r in reps {
        let (a, b) = (r["start_s"].as_f64().unwrap(), r["end_s"].as_f64().unwrap());
        let near = outcome.finals.iter().find(|f| {
            let middle = f64::midpoint(f.start.seconds(), f.end.seconds());
            middle > a && middle < b
        });
        if let Some(f) = near {
            tally.starts.push(f.start.seconds() - a);
            tally.ends.push(f.end.seconds() - b);
        }
    }
}

/// Peak and range of the knee angle against the optical reference, the larger side counts on both.
fn angle_error(recording: &Recording, outcome: &Outcome, tally: &mut Tally) {
    let path = recording.folder.join("truth_angle.csv");
    if !path.is_file() {
        return;
    }
    let truth = table(&path);
    let columns: Vec<usize> = (0..truth.columns.len())
        .filter(|c| truth.columns[*c].starts_with("knee_"))
        .collect();
    for rep in &outcome.finals {
        let inside: Vec<f64> = truth
            .rows
            .iter()
            .filter(|r| r[0] >= rep.start.seconds() && r[0] <= rep.end.seconds())
            .flat_map(|r| columns.iter().map(|c| r[*c]))
            .collect();
        if let Some(Measured::Value { min, max, .. }) = rep.measured(Metric::KneeFlexion)
            && !inside.is_empty()
        {
            let top = inside.iter().copied().fold(f64::MIN, f64::max);
            let low = inside.iter().copied().fold(f64::MAX, f64::min);
            tally.peak.push(max - top);
            tally.range.push((max - min) - (top - low));
        }
    }
}

fn quantile(mut x: Vec<f64>, q: f64) -> f64 {
    if x.is_empty() {
        return f64::NAN;
    }
    x.sort_by(f64::total_cmp);
    x[((x.len() - 1) as f64 * q) as usize]
}

fn evaluate(dataset: &str) -> Tally {
    let only = std::env::var("MOTION_ONLY").unwrap_or_default();
    let verbose = std::env::var_os("MOTION_VERBOSE").is_some();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(datasets().join(dataset))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.join("meta.json").is_file() && p.to_string_lossy().contains(&only))
        .collect();
    folders.sort();
    let mut tally = Tally::default();
    for folder in folders {
        let recording = load(&folder);
        let outcome = run(&recording);
        compare(&recording, &outcome, &mut tally);
        angle_error(&recording, &outcome, &mut tally);
        if let Some(dump) = std::env::var_os("MOTION_DUMP") {
            dump_trace(Path::new(&dump), &recording, &outcome);
        }
        if verbose {
            details(&recording, &outcome);
        }
    }
    let spread =
        |x: &[f64]| [0.1, 0.5, 0.9].map(|q| (quantile(x.to_vec(), q) * 100.0).round() / 100.0);
    println!(
        "== {dataset}: {} sets, exact {}, within one {}, live exact {}, absolute error {}, start {:?} end {:?} s, knee peak {:?} range {:?} deg",
        tally.sets,
        tally.exact,
        tally.within_one,
        tally.live_exact,
        tally.error,
        spread(&tally.starts),
        spread(&tally.ends),
        spread(&tally.peak),
        spread(&tally.range)
    );
    tally
}

/// Writes the live trace and the repetitions for a look with other tools.
fn dump_trace(folder: &Path, recording: &Recording, outcome: &Outcome) {
    let mut text = String::new();
    for (t, _, value) in &outcome.trace {
        let _ = writeln!(text, "x,{t},{}", value.unwrap_or(f64::NAN));
    }
    for rep in outcome.finals.iter().chain(&outcome.confirmed) {
        let _ = writeln!(
            text,
            "{:?},{},{},{}",
            rep.stage,
            rep.start.seconds(),
            rep.turn.seconds(),
            rep.end.seconds()
        );
    }
    for r in recording.meta["truth"]["reps"]
        .as_array()
        .into_iter()
        .flatten()
    {
        let _ = writeln!(text, "truth,{},{},{}", r["start_s"], r["end_s"], r["label"]);
    }
    std::fs::write(
        folder.join(recording.name.replace('/', "__") + ".csv"),
        text,
    )
    .unwrap();
}

fn details(recording: &Recording, outcome: &Outcome) {
    for r in recording.meta["truth"]["reps"]
        .as_array()
        .into_iter()
        .flatten()
    {
        println!(
            "     truth {:.2}-{:.2} {}",
            r["start_s"], r["end_s"], r["label"]
        );
    }
    for rep in outcome.finals.iter().chain(&outcome.confirmed) {
        println!(
            "     {:?} {} {:.2} {:.2} {:.2} partial {} {:.2?}",
            rep.stage,
            rep.number,
            rep.start.seconds(),
            rep.turn.seconds(),
            rep.end.seconds(),
            rep.partial,
            rep.phases.map(|p| [
                p.eccentric_s,
                p.pause_stretched_s,
                p.concentric_s,
                p.pause_shortened_s
            ])
        );
        for m in &rep.measurements {
            match m.measured {
                Measured::Value {
                    min,
                    max,
                    at_turn,
                    at_start,
                    error,
                } => println!(
                    "        {} {min:.1} .. {max:.1} turn {at_turn:.1} start {at_start:.1} +- {error:.1}",
                    m.metric.facts().id
                ),
                Measured::Missing { why } => println!("        {} {why:?}", m.metric.facts().id),
            }
        }
    }
    println!("     trace {} points", outcome.trace.len());
}

#[test]
fn squat_sets_are_counted() {
    let tally = evaluate("squat_3imu_form");
    assert!(tally.sets == 0 || tally.exact * 10 >= tally.sets * 9);
}

#[test]
fn physiotherapy_exercises_are_counted() {
    let tally = evaluate("pt_exercises");
    assert!(tally.sets < 16 || tally.within_one * 10 >= tally.sets * 8);
}

#[test]
fn sit_to_stand_is_counted() {
    let (a, b) = (evaluate("knee_sts_mocap"), evaluate("bench_sit_to_stand"));
    assert_eq!((a.exact, b.exact), (a.sets, b.sets));
}

#[test]
fn dumbbell_repetitions_are_counted() {
    evaluate("repmate_dumbbell_form");
}

#[test]
fn barbell_sets_are_counted() {
    evaluate("barbell_metamotion");
}

#[test]
fn wrist_acceleration_alone_counts_too() {
    evaluate("muvr_gym_wrist_acc");
}

#[test]
fn single_repetitions_are_found() {
    evaluate("cmu_exercises_sub22");
    evaluate("wle_biceps_curl");
}
