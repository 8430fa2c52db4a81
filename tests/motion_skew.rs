//! How far apart in time two sensors are, as the calibration movement shows it: on recordings of real people, whose
//! sensors are moved apart by known times, and on a computed movement, where what is measured with both must go.
//!
//! The recordings are not part of the repository: `PLIMSOLL_DATASETS` names their folder, or they lie in
//! `../shared/datasets`. Without them the test says so; where `CI` is set it fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

mod computed;
mod datasets;

use assert_cmd::Command as Process;
use datasets::datasets;
use plimsoll::{
    model::{
        body::Segment,
        command::Command,
        command::{SetRole, StopReason},
        metric::Metric,
        packet::DeviceIndex,
        plan::TrainingSide,
        rep::{Measured, Missing, Rep, Stage},
        sample::Sample,
        sample::{Quality, StreamId, StreamKind},
        session::{SessionHeader, TechKind},
        time::SessionNs,
        window::WINDOW_NS,
    },
    motion::{Engine, MotionEvent, Params},
    pipeline::batch,
    wire::recording,
};
use std::{f64::consts::TAU, fs, path::Path};

/// A set of a real person, made on command as a calibration movement is.
struct Movement {
    header: SessionHeader,
    samples: Vec<Sample>,
    command: (SessionNs, Command),
}

impl Movement {
    fn read(folder: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("a.mcap");
        let mut import = Process::cargo_bin("plimsoll").unwrap();
        import
            .arg("import")
            .arg(folder)
            .arg("--out")
            .arg(&out)
            .assert()
            .success();
        let recording = recording::read(&fs::read(&out).unwrap()).unwrap();
        let (mut samples, mut command) = (Vec::new(), None);
        batch::windows(&recording.header, &recording.items, |w| {
            for timed in &w.manifest.commands {
                if let Command::StartSet { exercise, side, .. } = &timed.command {
                    let (exercise, side) = (exercise.clone(), *side);
                    command.get_or_insert((timed.t, Command::CalibrateMovement { exercise, side }));
                }
            }
            for batch in &w.batches {
                samples.extend(batch.samples.iter().copied());
            }
        })
        .unwrap();
        Self {
            header: recording.header,
            samples,
            command: command.unwrap(),
        }
    }

    /// What is said when the time stamps of the last sensor are so much later.
    fn skews(&self, later_s: f64) -> Vec<TechKind> {
        let last = DeviceIndex((self.header.sensors.len() - 1) as u16);
        let later = (later_s * 1e9) as i64;
        let mut samples = self.samples.clone();
        for s in samples.iter_mut().filter(|s| s.stream.device == last) {
            s.t.0 += later;
        }
        samples.sort_by_key(|s| s.t);
        let mut engine = Engine::new(&Params::default(), &self.header);
        let mut out = Vec::new();
        engine.command(self.command.0, &self.command.1, &mut out);
        let mut end = WINDOW_NS;
        for sample in &samples {
            while sample.t.0 >= end {
                engine.tick(SessionNs(end), &mut out);
                end += WINDOW_NS;
            }
            engine.push(sample, &mut out);
        }
        engine.finish(SessionNs(end), &mut out);
        out.into_iter()
            .filter_map(|e| match e {
                MotionEvent::Tech(t) => Some(t.kind),
                _ => None,
            })
            .filter(|k| matches!(k, TechKind::Skew { .. } | TechKind::SkewUnknown { .. }))
            .collect()
    }
}

/// Lag of each pair that has one, s, by the number of the pair.
fn lags(kinds: &[TechKind]) -> Vec<Option<f64>> {
    let lag = |k: &TechKind| match k {
        TechKind::Skew { lag_s, .. } => Some(*lag_s),
        _ => None,
    };
    kinds.iter().map(lag).collect()
}

/// What was seen of one person's squats.
#[derive(Debug, Default)]
struct Seen {
    pairs: usize,
    told: usize,
    /// Of pairs whose clocks were moved apart: how far from the truth the change was, s.
    off_s: Vec<f64>,
    accused: usize,
}

fn squats_of(person: &str, data: &Path) -> Seen {
    let exceeded = |k: &&TechKind| matches!(k, TechKind::Skew { exceeded: true, .. });
    let mut seen = Seen::default();
    for entry in fs::read_dir(data.join("squat_3imu_form")).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy();
        if !folder.is_dir() || !name.starts_with(person) {
            continue;
        }
        let movement = Movement::read(&folder);
        let as_it_was = movement.skews(0.0);
        seen.pairs += as_it_was.len();
        seen.told += lags(&as_it_was).iter().flatten().count();
        seen.accused += as_it_was.iter().filter(exceeded).count();
        for later_s in [0.6, -0.6] {
            let apart = lags(&movement.skews(later_s));
            for (before, after) in lags(&as_it_was).iter().zip(apart) {
                // A pair without the last sensor stays as it was.
                if let (Some(before), Some(after)) = (before, after)
                    && (after - before).abs() > 0.05
                {
                    seen.off_s.push((after - before - later_s).abs());
                }
            }
        }
    }
    seen
}

/// In some real squats the segments move alike enough to tell; then nobody is called skewed who is not, and clocks that
/// are moved apart are seen to be, by as much. The bound was chosen on person s1 and is tested on s2.
#[test]
fn clocks_moved_apart_are_seen_in_real_squats_and_nothing_else_is() {
    let Some(data) = datasets() else { return };
    for person in ["s1", "s2"] {
        let seen = squats_of(person, &data);
        let worst_s = seen.off_s.iter().copied().fold(0.0, f64::max);
        println!(
            "{person}: {} of {} pairs of sensors give a lag, {} accused; {} moved pairs follow within {worst_s:.3} s",
            seen.told,
            seen.pairs,
            seen.accused,
            seen.off_s.len()
        );
        assert_eq!(seen.accused, 0, "{person}");
        assert!(seen.told >= 2 && seen.off_s.len() >= 2, "{seen:?}");
        assert!(worst_s < 0.02, "{seen:?}");
    }
}

/// A knee that bends and straightens, computed: thigh and shank tilt in one plane, 100 Hz; the shank's time stamps are
/// `later_s` too late until `mended_s`.
fn computed_knee(later_s: f64, mended_s: f64) -> Vec<MotionEvent> {
    let sensors = [Segment::ThighR, Segment::ShankR];
    let header = computed::header(sensors.map(|s| computed::sensor(s, 100.0)).to_vec());
    let mut engine = Engine::new(&Params::default(), &header);
    let mut out = Vec::new();
    let movement = || Command::CalibrateMovement {
        exercise: "squat".into(),
        side: TrainingSide::Right,
    };
    let set = || Command::StartSet {
        exercise: "squat".into(),
        side: TrainingSide::Right,
        role: SetRole::Working,
        load_kg: None,
    };
    let end = || Command::EndSet {
        reason: StopReason::Completed,
    };
    // A movement and a set, and once more.
    let commands = [
        (0.5, Command::Calibrate),
        (4.0, movement()),
        (30.0, set()),
        (50.0, end()),
        (54.0, movement()),
        (80.0, set()),
        (100.0, end()),
    ];
    let mut commands = commands.iter().peekable();
    let squats = |t: f64| {
        let from = [5.0, 31.0, 55.0, 81.0];
        let t = from.iter().map(|f| t - f).find(|t| (0.0..18.0).contains(t));
        t.map_or(0.0, |t| 0.5 - 0.5 * (TAU * t / 3.0).cos())
    };
    for window in 1..=1050_i64 {
        for k in (window - 1) * 10..window * 10 {
            let t = k as f64 * 0.01;
            for (i, deg) in [-70.0, 50.0].into_iter().enumerate() {
                let late = if i == 1 && t < mended_s { later_s } else { 0.0 };
                let tilt = |t: f64| (deg * squats(t - late)).to_radians();
                let rate = (tilt(t + 1e-4) - tilt(t)) / 1e-4;
                // Along the segment, ahead, to the left.
                let force = [9.81 * tilt(t).cos(), -9.81 * tilt(t).sin(), 0.0];
                let values = [force[0], force[1], force[2], 0.0, 0.0, rate];
                let sample = Sample {
                    stream: StreamId {
                        device: DeviceIndex(i as u16),
                        kind: StreamKind::Imu,
                    },
                    t: SessionNs::from_seconds(t),
                    values: values.map(|x| x as f32),
                    quality: Quality::GOOD,
                };
                engine.push(&sample, &mut out);
            }
        }
        let now = SessionNs(window * WINDOW_NS);
        while let Some((t, c)) = commands.next_if(|(t, _)| *t < now.seconds()) {
            engine.command(SessionNs::from_seconds(*t), c, &mut out);
        }
        engine.tick(now, &mut out);
    }
    engine.finish(SessionNs(1050 * WINDOW_NS), &mut out);
    out
}

/// What the knee's flexion came out as in every final repetition of a set.
fn flexions(out: &[MotionEvent], set: u32) -> Vec<Result<f64, Missing>> {
    let of = |rep: &Rep| {
        let all = rep.measurements.iter();
        match all
            .clone()
            .find(|m| m.metric == Metric::KneeFlexion)?
            .measured
        {
            Measured::Value { max, .. } => Some(Ok(max)),
            Measured::Missing { why } => Some(Err(why)),
        }
    };
    out.iter()
        .filter_map(|e| match e {
            MotionEvent::Rep(r) if r.stage == Stage::Final && r.set == set => of(r),
            _ => None,
        })
        .collect()
}

#[test]
fn what_two_skewed_sensors_measure_together_has_no_data_until_they_are_in_step() {
    let out = computed_knee(0.5, 52.0);
    let skews: Vec<&TechKind> = out
        .iter()
        .filter_map(|e| match e {
            MotionEvent::Tech(t) if matches!(t.kind, TechKind::Skew { .. }) => Some(&t.kind),
            _ => None,
        })
        .collect();
    let [
        TechKind::Skew {
            lag_s: first,
            exceeded: true,
            ..
        },
        TechKind::Skew {
            lag_s: second,
            exceeded: false,
            ..
        },
    ] = skews[..]
    else {
        panic!("{skews:?}");
    };
    assert!(
        (first - 0.5).abs() < 0.01 && second.abs() < 0.01,
        "{first} {second}"
    );
    let (apart, in_step) = (flexions(&out, 1), flexions(&out, 2));
    assert!(
        apart.len() >= 4 && apart.iter().all(|f| *f == Err(Missing::Skewed)),
        "{apart:?}"
    );
    assert!(in_step.len() >= 4, "{in_step:?}");
    for flexion in in_step {
        assert!((flexion.unwrap() - 120.0).abs() < 6.0, "{flexion:?}");
    }
}
