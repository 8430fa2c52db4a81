//! The engine on computed movements whose angles, counts and tempo are known exactly.
//!
//! A two-link leg in the sagittal plane: earth x forward, y left, z up; m, s, rad. Sensors sit in the middle
//! of shank and thigh, mounted in any orientation.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod computed;

use nalgebra::{UnitQuaternion, Vector3};
use plimsoll::{
    model::{
        body::Segment,
        command::{Command, SetRole, StopReason},
        metric::Metric,
        packet::DeviceIndex,
        plan::TrainingSide,
        rep::{Measured, Missing, Rep, SetSummary, Stage},
        sample::{Quality, Sample, StreamId, StreamKind},
        session::{SessionHeader, TechKind},
        time::SessionNs,
    },
    motion::{Engine, MotionEvent, Params},
};

type V = Vector3<f64>;

const RATE: f64 = 100.0;
const GRAVITY: f64 = 9.81;
const LEAD_S: f64 = 7.0;
const DOWN_S: f64 = 1.4;
const BOTTOM_S: f64 = 0.6;
const UP_S: f64 = 1.2;
const TOP_S: f64 = 0.8;
const PERIOD_S: f64 = DOWN_S + BOTTOM_S + UP_S + TOP_S;
const REPS: usize = 8;
const SHANK_DEG: f64 = 28.0;
const THIGH_DEG: f64 = -62.0;

/// Minimum-jerk way from 0 to 1.
fn minimum_jerk(u: f64) -> f64 {
    let u = u.clamp(0.0, 1.0);
    u * u * u * (10.0 + u * (-15.0 + 6.0 * u))
}

/// Depth of the squat, 0 standing to 1.
fn depth(t: f64) -> f64 {
    let t = t - LEAD_S;
    if t < 0.0 || t >= PERIOD_S * REPS as f64 {
        return 0.0;
    }
    let t = t % PERIOD_S;
    minimum_jerk(t / DOWN_S) - minimum_jerk((t - DOWN_S - BOTTOM_S) / UP_S)
}

fn axis_up(tilt: f64) -> V {
    V::new(tilt.sin(), 0.0, tilt.cos())
}

/// Forward tilts of shank and thigh, rad.
fn tilts(t: f64) -> [f64; 2] {
    [
        (SHANK_DEG * depth(t)).to_radians(),
        (THIGH_DEG * depth(t)).to_radians(),
    ]
}

fn position(link: usize, t: f64) -> V {
    let [shank, thigh] = tilts(t);
    match link {
        0 => 0.2 * axis_up(shank),
        _ => 0.4 * axis_up(shank) + 0.2 * axis_up(thigh),
    }
}

/// Acceleration with gravity and angular rate of a link, in the axes of the mounted sensor.
fn reading(link: usize, t: f64, mount: &UnitQuaternion<f64>) -> (V, V) {
    const H: f64 = 1e-3;
    let acceleration =
        (position(link, t + H) - 2.0 * position(link, t) + position(link, t - H)) / (H * H);
    let force = acceleration + V::new(0.0, 0.0, GRAVITY);
    let tilt = tilts(t)[link];
    let rate = (tilts(t + H)[link] - tilts(t - H)[link]) / (2.0 * H);
    let (up, right) = (axis_up(tilt), V::new(0.0, -1.0, 0.0));
    let ahead = up.cross(&right);
    let force = V::new(force.dot(&ahead), force.dot(&up), force.dot(&right));
    (mount * force, mount * V::new(0.0, 0.0, -rate))
}

/// A leg with a shank sensor (device 0) and a thigh sensor (device 1).
fn samples(mounts: [UnitQuaternion<f64>; 2]) -> Vec<Sample> {
    let seconds = LEAD_S + PERIOD_S * REPS as f64 + 3.0;
    let mut samples = Vec::new();
    for i in 0..(seconds * RATE) as i64 {
        for (link, mount) in mounts.iter().enumerate() {
            // The two sensors do not sample at the same instants.
            let t = i as f64 / RATE + 0.003 * link as f64;
            let (f, w) = reading(link, t, mount);
            samples.push(Sample {
                stream: StreamId {
                    device: DeviceIndex(u16::try_from(link).unwrap()),
                    kind: StreamKind::Imu,
                },
                t: SessionNs::from_seconds(t),
                values: [
                    f.x as f32, f.y as f32, f.z as f32, w.x as f32, w.y as f32, w.z as f32,
                ],
                quality: Quality::GOOD,
            });
        }
    }
    samples
}

fn header(segments: &[Segment]) -> SessionHeader {
    let rate_of = |s: Segment| if s == Segment::Chest { 0.0 } else { RATE };
    computed::header(
        segments
            .iter()
            .map(|s| computed::sensor(*s, rate_of(*s)))
            .collect(),
    )
}

struct Told {
    events: Vec<MotionEvent>,
}

impl Told {
    fn reps(&self, stage: Stage) -> Vec<&Rep> {
        self.events
            .iter()
            .filter_map(|e| match e {
                MotionEvent::Rep(r) if r.stage == stage => Some(r),
                _ => None,
            })
            .collect()
    }

    fn summary(&self) -> &SetSummary {
        self.events
            .iter()
            .find_map(|e| match e {
                MotionEvent::Set(s) => Some(s),
                _ => None,
            })
            .expect("a set has a summary")
    }
}

/// Runs a set; `calibrate` asks for the stance first.
fn told(samples: &[Sample], calibrate: bool, reverse_devices: bool) -> Told {
    told_asking(None, samples, calibrate, reverse_devices)
}

/// The same where only these metrics are `asked` for while the set runs; `None` = all.
fn told_asking(
    asked: Option<&[Metric]>,
    samples: &[Sample],
    calibrate: bool,
    reverse_devices: bool,
) -> Told {
    let mut engine = Engine::new(
        &Params::default(),
        &header(&[Segment::ShankR, Segment::ThighR, Segment::Chest]),
    );
    let mut out = Vec::new();
    let last = samples.iter().map(|s| s.t.0).max().unwrap();
    let mut window = 0;
    while window <= last {
        let end = window + 100_000_000;
        let t = SessionNs(window);
        if window == 0 && calibrate {
            engine.command(t, &Command::Calibrate, &mut out);
        }
        if window == 5_000_000_000 {
            engine.command(t, &start(), &mut out);
            if let Some(metrics) = asked {
                engine.measure_live(metrics);
            }
        }
        let mut batch: Vec<&Sample> = samples
            .iter()
            .filter(|s| s.t.0 >= window && s.t.0 < end)
            .collect();
        batch.sort_by_key(|s| (s.stream, s.t));
        if reverse_devices {
            batch.sort_by_key(|s| (std::cmp::Reverse(s.stream), s.t));
        }
        for s in batch {
            engine.push(s, &mut out);
        }
        engine.tick(SessionNs(end), &mut out);
        window = end;
    }
    let stop = Command::EndSet {
        reason: StopReason::Completed,
    };
    engine.command(SessionNs(window), &stop, &mut out);
    engine.finish(SessionNs(window), &mut out);
    Told { events: out }
}

fn start() -> Command {
    Command::StartSet {
        exercise: "squat".into(),
        side: TrainingSide::Right,
        role: SetRole::Working,
        load_kg: Some(20.0),
    }
}

fn turned(roll: f64, pitch: f64, yaw: f64) -> UnitQuaternion<f64> {
    UnitQuaternion::from_euler_angles(roll, pitch, yaw)
}

fn mounts() -> [UnitQuaternion<f64>; 2] {
    [turned(0.4, -1.1, 2.0), turned(-2.2, 0.7, 0.3)]
}

fn max_of(rep: &Rep, metric: Metric) -> f64 {
    match rep.measured(metric) {
        Some(Measured::Value { max, .. }) => max,
        other => panic!("{metric:?} of repetition {}: {other:?}", rep.number),
    }
}

fn min_of(rep: &Rep, metric: Metric) -> f64 {
    match rep.measured(metric) {
        Some(Measured::Value { min, .. }) => min,
        other => panic!("{metric:?} of repetition {}: {other:?}", rep.number),
    }
}

#[test]
fn a_calibrated_squat_is_counted_and_measured_however_the_sensors_are_mounted() {
    for mounts in [
        [UnitQuaternion::identity(); 2],
        mounts(),
        [turned(3.1, 0.0, 0.0), turned(0.0, 1.5, 0.0)],
    ] {
        let told = told(&samples(mounts), true, false);
        let reps = told.reps(Stage::Final);
        assert_eq!(reps.len(), REPS);
        assert_eq!(told.reps(Stage::Confirmed).len(), REPS);
        for rep in reps.iter().chain(&told.reps(Stage::Confirmed)) {
            // Live, the axis is still settling during the first repetition.
            let allowed = if rep.stage == Stage::Final { 1.0 } else { 2.5 };
            let knee = max_of(rep, Metric::KneeFlexion);
            assert!(
                (knee - (SHANK_DEG - THIGH_DEG)).abs() < allowed,
                "{:?} knee {knee}",
                rep.stage
            );
            let thigh = min_of(rep, Metric::ThighForwardTilt);
            assert!((thigh - THIGH_DEG).abs() < allowed, "thigh {thigh}");
            let shank = max_of(rep, Metric::ShankForwardTilt);
            assert!((shank - SHANK_DEG).abs() < allowed, "shank {shank}");
        }
    }
}

/// Live is measured what is asked for, and what a trainer without a plan watches; after the set everything.
#[test]
fn live_measures_what_is_asked_and_the_pass_everything() {
    let all = told(&samples(mounts()), true, false);
    let some = told_asking(Some(&[Metric::Smoothness]), &samples(mounts()), true, false);
    assert_eq!(some.reps(Stage::Final), all.reps(Stage::Final));
    let confirmed = some.reps(Stage::Confirmed);
    assert_eq!(confirmed.len(), REPS);
    for (few, many) in confirmed.iter().zip(all.reps(Stage::Confirmed)) {
        let shown = [
            Metric::KneeFlexion,
            Metric::RangeOfMotion,
            Metric::Smoothness,
        ];
        assert_eq!(few.measurements.len(), shown.len());
        for metric in shown {
            assert_eq!(few.measured(metric), many.measured(metric), "{metric:?}");
            assert!(few.measured(metric).is_some());
        }
    }
}

#[test]
fn tempo_is_right_within_sixty_ms() {
    let told = told(&samples(mounts()), true, false);
    for rep in told.reps(Stage::Final) {
        let p = rep.phases.unwrap();
        let begin = LEAD_S + PERIOD_S * f64::from(rep.number - 1);
        assert!((p.eccentric_s - DOWN_S).abs() < 0.06, "{p:?}");
        assert!(
            (p.pause_stretched_s.unwrap() - BOTTOM_S).abs() < 0.06,
            "{p:?}"
        );
        assert!((p.concentric_s - UP_S).abs() < 0.06, "{p:?}");
        assert!(
            (rep.start.seconds() - begin).abs() < 0.06,
            "{}",
            rep.start.seconds() - begin
        );
    }
}

#[test]
fn without_calibration_the_rest_pose_is_zero_and_the_error_is_larger() {
    let samples = samples(mounts());
    let band = |told: &Told| match told.reps(Stage::Final)[2].measured(Metric::KneeFlexion) {
        Some(Measured::Value { error, .. }) => error,
        other => panic!("{other:?}"),
    };
    let (with, without) = (told(&samples, true, false), told(&samples, false, false));
    for rep in without.reps(Stage::Final) {
        assert!((max_of(rep, Metric::KneeFlexion) - 90.0).abs() < 1.5);
    }
    assert!(band(&without) > band(&with));
}

#[test]
fn a_gap_in_one_sensor_takes_the_metrics_that_need_it_and_no_more() {
    let from = LEAD_S + 3.0 * PERIOD_S + 1.0;
    let kept: Vec<Sample> = samples(mounts())
        .into_iter()
        .filter(|s| s.stream.device.0 != 0 || s.t.seconds() < from || s.t.seconds() > from + 0.25)
        .collect();
    let told = told(&kept, true, false);
    let reps = told.reps(Stage::Final);
    assert_eq!(reps.len(), REPS);
    for rep in reps {
        let knee = rep.measured(Metric::KneeFlexion).unwrap();
        let thigh = rep.measured(Metric::ThighForwardTilt).unwrap();
        let missing = matches!(knee, Measured::Missing { why: Missing::Gap });
        assert_eq!(
            missing,
            rep.number == 4,
            "repetition {}: {knee:?}",
            rep.number
        );
        assert!(matches!(thigh, Measured::Value { .. }));
    }
}

#[test]
fn repetitions_are_counted_on_when_a_sensor_dies() {
    let dead = LEAD_S + 4.0 * PERIOD_S + 0.3;
    let kept: Vec<Sample> = samples(mounts())
        .into_iter()
        .filter(|s| s.stream.device.0 != 0 || s.t.seconds() < dead)
        .collect();
    let told = told(&kept, true, false);
    let reps = told.reps(Stage::Final);
    assert_eq!(reps.len(), REPS);
    assert_eq!(told.reps(Stage::Confirmed).len(), REPS);
    for rep in reps {
        let measured = matches!(
            rep.measured(Metric::KneeFlexion),
            Some(Measured::Value { .. })
        );
        assert_eq!(measured, rep.number <= 4, "repetition {}", rep.number);
    }
}

#[test]
fn bad_values_never_come_out() {
    let mut all = samples(mounts());
    for (i, s) in all.iter_mut().enumerate() {
        match i % 997 {
            0 => s.values = [f32::NAN; 6],
            1 => s.values[4] = f32::INFINITY,
            2 => (s.values, s.quality) = ([0.0; 6], Quality::NOT_FINITE),
            _ => {}
        }
    }
    let told = told(&all, true, false);
    assert_eq!(told.reps(Stage::Final).len(), REPS);
    for rep in told.reps(Stage::Final) {
        for m in &rep.measurements {
            if let Measured::Value {
                min,
                max,
                at_turn,
                at_start,
                error,
                range_error,
                ..
            } = m.measured
            {
                assert!(
                    [
                        min,
                        max,
                        at_turn,
                        at_start,
                        error,
                        range_error.unwrap_or(0.0)
                    ]
                    .iter()
                    .all(|v| v.is_finite()),
                    "{m:?}"
                );
            }
        }
    }
}

#[test]
fn clipped_samples_invalidate_their_repetition() {
    let mut all = samples(mounts());
    let at = LEAD_S + 2.0 * PERIOD_S + 0.7;
    for s in &mut all {
        if s.stream.device.0 == 1 && (s.t.seconds() - at).abs() < 0.02 {
            s.quality = Quality::CLIPPED;
        }
    }
    let told = told(&all, true, false);
    for rep in told.reps(Stage::Final) {
        let knee = rep.measured(Metric::KneeFlexion).unwrap();
        let clipped = matches!(
            knee,
            Measured::Missing {
                why: Missing::Clipped
            }
        );
        assert_eq!(clipped, rep.number == 3, "{knee:?}");
    }
}

#[test]
fn the_order_of_devices_within_a_window_does_not_matter() {
    let all = samples(mounts());
    assert_eq!(
        told(&all, true, false).events,
        told(&all, true, true).events
    );
}

#[test]
fn standing_still_is_no_repetition() {
    let all: Vec<Sample> = samples(mounts())
        .into_iter()
        .filter(|s| s.t.seconds() < LEAD_S)
        .collect();
    let told = told(&all, true, false);
    assert!(told.reps(Stage::Final).is_empty() && told.reps(Stage::Confirmed).is_empty());
    assert_eq!(told.summary().reps_final, 0);
}

#[test]
fn a_calibration_in_motion_is_refused_with_a_reason() {
    let moving: Vec<Sample> = samples(mounts())
        .into_iter()
        .filter(|s| s.t.seconds() >= LEAD_S)
        .map(|mut s| {
            s.t = SessionNs::from_seconds(s.t.seconds() - LEAD_S);
            // Shivering, so that no pause is still.
            s.values[3] += (s.t.seconds() * 40.0).sin() as f32;
            s
        })
        .collect();
    let told = told(&moving, true, false);
    let refused = told
        .events
        .iter()
        .any(|e| matches!(e, MotionEvent::Calibration(c) if !c.accepted && c.reason.is_some()));
    assert!(refused);
}

#[test]
fn the_heart_is_summed_up_over_the_set() {
    let mut all = samples(mounts());
    let seconds = (LEAD_S + PERIOD_S * REPS as f64) as i64;
    for s in 0..seconds {
        all.push(Sample {
            stream: StreamId {
                device: DeviceIndex(2),
                kind: StreamKind::HeartRate,
            },
            t: SessionNs::from_seconds(s as f64 + 0.5),
            values: [
                if s == 20 { 250.0 } else { 100.0 + s as f32 },
                0.0,
                0.0,
                0.0,
                0.0,
                0.0,
            ],
            quality: Quality::GOOD,
        });
    }
    let told = told(&all, true, false);
    let heart = told.summary().heart;
    assert!(heart.max_bpm.unwrap() <= 100.0 + seconds as f64);
    assert!(heart.max_bpm.unwrap() > 95.0 + seconds as f64);
    assert!(
        heart.covered > 0.85 && heart.covered <= 1.0,
        "{}",
        heart.covered
    );
    assert_eq!(heart.recovery_60s_bpm, None);
}

#[test]
fn a_slipped_sensor_is_said_and_its_angles_are_missing() {
    let slip = turned(0.0, 0.0, 0.35);
    let mut all = samples(mounts());
    for s in all
        .iter_mut()
        .filter(|s| s.stream.device.0 == 1 && s.t.seconds() > 5.5)
    {
        let v = s.values.map(f64::from);
        let (f, w) = (
            slip * V::new(v[0], v[1], v[2]),
            slip * V::new(v[3], v[4], v[5]),
        );
        s.values = [f.x, f.y, f.z, w.x, w.y, w.z].map(|x| x as f32);
    }
    let told = told(&all, true, false);
    assert_eq!(told.reps(Stage::Final).len(), REPS);
    for rep in told.reps(Stage::Final) {
        let knee = rep.measured(Metric::KneeFlexion).unwrap();
        assert!(
            matches!(
                knee,
                Measured::Missing {
                    why: Missing::Drifted
                }
            ),
            "{knee:?}"
        );
        let shank = rep.measured(Metric::ShankForwardTilt).unwrap();
        assert!(matches!(shank, Measured::Value { .. }), "{shank:?}");
    }
    let said = told.events.iter().any(|e| {
        matches!(e, MotionEvent::Tech(t) if matches!(t.kind, TechKind::SensorSlipped { drift_deg } if drift_deg > 10.0))
    });
    assert!(said);
}
