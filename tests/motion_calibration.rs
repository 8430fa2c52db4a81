//! The calibration that a trainer makes, on computed movements: what is accepted, what is refused and why, and what
//! the sets after it say. Segments only tilt in the sagittal plane; deg, s.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod computed;

use nalgebra::{UnitQuaternion, UnitVector3, Vector3};
use plimsoll::{
    model::{
        body::Segment,
        command::{Command, SetRole, StopReason},
        event::{Calibration, CalibrationStep},
        metric::Metric,
        packet::DeviceIndex,
        plan::TrainingSide,
        rep::{Measured, Missing, Rep, Stage},
        sample::{Quality, Sample, StreamId, StreamKind},
        session::{SessionHeader, TechKind},
        time::SessionNs,
    },
    motion::{Engine, MotionEvent, Params},
};

type V = Vector3<f64>;

const RATE: f64 = 50.0;
const PERIOD_S: f64 = 3.0;

/// One part of a session: from when, how often a movement is made, and how far each segment tilts in it.
struct Part {
    from_s: f64,
    times: usize,
    deg: Vec<f64>,
    /// Turning about the segment's own length with the movement, deg.
    twist_deg: f64,
}

/// A session: segments as they are named, how each sensor sits, what is done, what is commanded.
struct Script {
    segments: Vec<Segment>,
    mounts: Vec<UnitQuaternion<f64>>,
    parts: Vec<Part>,
    commands: Vec<(f64, Command)>,
    seconds: f64,
    /// From then on, sensor `1` is turned about an axis of the segment by so much.
    slip: Option<(f64, UnitVector3<f64>, f64)>,
}

/// Out and back, 0 to 1 to 0.
fn wave(t: f64, times: usize) -> f64 {
    let inside = t > 0.0 && t < times as f64 * PERIOD_S;
    if inside {
        0.5 - 0.5 * (std::f64::consts::TAU * t / PERIOD_S).cos()
    } else {
        0.0
    }
}

impl Script {
    /// Orientation of a segment: axes ahead, up, right in the earth (ahead, left, up).
    fn earth_from_segment(&self, i: usize, t: f64) -> UnitQuaternion<f64> {
        let upright = UnitQuaternion::from_basis_unchecked(&[V::x(), V::z(), -V::y()]);
        let (mut tilt, mut twist) = (0.0, 0.0);
        for part in &self.parts {
            let at = wave(t - part.from_s, part.times);
            tilt += part.deg[i] * at;
            twist += part.twist_deg * at;
        }
        upright
            * UnitQuaternion::from_axis_angle(&V::z_axis(), -tilt.to_radians())
            * UnitQuaternion::from_axis_angle(&V::y_axis(), twist.to_radians())
    }

    fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        for k in 0..(self.seconds * RATE) as i64 {
            let t = k as f64 / RATE;
            for i in 0..self.segments.len() {
                let now = self.earth_from_segment(i, t);
                let next = self.earth_from_segment(i, t + 1e-4);
                let mut mount = self.mounts[i];
                if let Some((_, axis, deg)) = self.slip.filter(|s| i == 1 && t > s.0) {
                    mount *= UnitQuaternion::from_axis_angle(&axis, deg.to_radians());
                }
                let force = mount * (now.inverse() * V::new(0.0, 0.0, 9.81));
                let rate = mount * ((now.inverse() * next).scaled_axis() / 1e-4);
                let values = [force.x, force.y, force.z, rate.x, rate.y, rate.z];
                samples.push(Sample {
                    stream: StreamId {
                        device: DeviceIndex(u16::try_from(i).unwrap()),
                        kind: StreamKind::Imu,
                    },
                    t: SessionNs::from_seconds(t),
                    values: values.map(|x| x as f32),
                    quality: Quality::GOOD,
                });
            }
        }
        samples
    }

    fn told(&self) -> Vec<MotionEvent> {
        let mut engine = Engine::new(&Params::default(), &header(&self.segments));
        let (samples, mut out) = (self.samples(), Vec::new());
        let mut next = samples.iter().peekable();
        let mut commands = self.commands.iter().peekable();
        let windows = (self.seconds * 10.0) as i64;
        for window in 1..=windows {
            let end = SessionNs(window * 100_000_000);
            while let Some(s) = next.next_if(|s| s.t < end) {
                engine.push(s, &mut out);
            }
            while let Some((t, c)) = commands.next_if(|(t, _)| *t < end.seconds()) {
                engine.command(SessionNs::from_seconds(*t), c, &mut out);
            }
            engine.tick(end, &mut out);
        }
        engine.finish(SessionNs(windows * 100_000_000), &mut out);
        out
    }
}

fn header(segments: &[Segment]) -> SessionHeader {
    computed::header(
        segments
            .iter()
            .map(|s| computed::sensor(*s, RATE))
            .collect(),
    )
}

fn movement(exercise: &str, side: TrainingSide) -> Command {
    Command::CalibrateMovement {
        exercise: exercise.into(),
        side,
    }
}

fn set(exercise: &str) -> Command {
    Command::StartSet {
        exercise: exercise.into(),
        side: TrainingSide::Right,
        role: SetRole::Working,
        load_kg: None,
    }
}

const END: Command = Command::EndSet {
    reason: StopReason::Completed,
};

fn part(from_s: f64, times: usize, deg: &[f64]) -> Part {
    Part {
        from_s,
        times,
        deg: deg.to_vec(),
        twist_deg: 0.0,
    }
}

fn mounts(seed: f64, n: usize) -> Vec<UnitQuaternion<f64>> {
    (0..n)
        .map(|i| {
            let x = seed + i as f64;
            UnitQuaternion::from_euler_angles(2.3 * x, 1.1 * x + 0.4, -3.7 * x)
        })
        .collect()
}

/// Shank and thigh of the right leg; stance at 0 s, four movements from 6 s.
fn leg(exercise: &str, deg: [f64; 2]) -> Script {
    Script {
        segments: vec![Segment::ShankR, Segment::ThighR],
        mounts: mounts(0.3, 2),
        parts: vec![part(6.5, 4, &deg)],
        commands: vec![
            (0.0, Command::Calibrate),
            (6.0, movement(exercise, TrainingSide::Right)),
        ],
        seconds: 30.0,
        slip: None,
    }
}

fn functional(events: &[MotionEvent]) -> Vec<&Calibration> {
    events
        .iter()
        .filter_map(|e| match e {
            MotionEvent::Calibration(c) if c.step == CalibrationStep::Functional => Some(c),
            _ => None,
        })
        .collect()
}

fn reasons(script: &Script) -> Vec<(Segment, String)> {
    let events = script.told();
    functional(&events)
        .iter()
        .map(|c| {
            assert_eq!(c.accepted, c.reason.is_none());
            (c.segment, c.reason.clone().unwrap_or_default())
        })
        .collect()
}

fn reps(events: &[MotionEvent], stage: Stage) -> Vec<&Rep> {
    events
        .iter()
        .filter_map(|e| match e {
            MotionEvent::Rep(r) if r.stage == stage => Some(r),
            _ => None,
        })
        .collect()
}

fn finals(events: &[MotionEvent]) -> Vec<&Rep> {
    reps(events, Stage::Final)
}

fn knees(events: &[MotionEvent]) -> Vec<Measured> {
    knees_at(events, Stage::Final)
}

fn knees_at(events: &[MotionEvent], stage: Stage) -> Vec<Measured> {
    let reps = reps(events, stage);
    let of = |r: &&Rep| r.measured(Metric::KneeFlexion).unwrap();
    reps.iter().map(of).collect()
}

#[test]
fn chair_and_knee_give_both_axes_however_the_sensors_sit() {
    for seed in [0.0, 0.7, 1.9, 4.2] {
        let mut script = leg("sit_to_stand", [4.0, -88.0]);
        script.mounts = mounts(seed, 2);
        // Then the foot is lifted while sitting, then a set of squats.
        script.parts.push(part(27.5, 4, &[-80.0, 0.0]));
        script.parts.push(part(50.0, 4, &[25.0, -60.0]));
        script
            .commands
            .push((27.0, movement("leg_extension", TrainingSide::Right)));
        script.commands.extend([(49.0, set("squat")), (63.0, END)]);
        script.seconds = 66.0;
        let events = script.told();
        let said = functional(&events);
        let of = |segment, accepted| {
            let mut all = said.iter().filter(|c| c.segment == segment);
            all.any(|c| c.accepted == accepted && c.t.seconds() < 49.0)
        };
        assert!(of(Segment::ThighR, true), "{said:?}");
        assert!(of(Segment::ShankR, true), "{said:?}");
        // A shank that stays upright says nothing about its axis.
        let refused = said.iter().find(|c| !c.accepted).unwrap();
        assert_eq!(refused.segment, Segment::ShankR);
        let reason = refused.reason.as_deref().unwrap();
        assert!(
            reason.starts_with("the right shank turned only 4 deg"),
            "{reason}"
        );
        let knees = knees(&events);
        assert_eq!(knees.len(), 4);
        for knee in knees {
            let Measured::Value { max, error, .. } = knee else {
                panic!("{knee:?}")
            };
            assert!((max - 85.0).abs() < 1.5, "{max}");
            assert!(error > 1.0 && error < 20.0, "{error}");
        }
    }
}

#[test]
fn exchanged_thigh_and_shank_are_refused() {
    let mut script = leg("sit_to_stand", [5.0, -88.0]);
    script.segments.swap(0, 1);
    for (segment, reason) in reasons(&script) {
        assert!(reason.contains("exchanged"), "{segment}: {reason}");
    }
    assert_eq!(reasons(&script).len(), 2);
}

#[test]
fn exchanged_legs_are_refused() {
    let mut script = leg("leg_extension", [-80.0, 0.0]);
    // What is called right is worn left, and the other way round.
    script.segments = vec![
        Segment::ShankL,
        Segment::ThighL,
        Segment::ShankR,
        Segment::ThighR,
    ];
    script.mounts = mounts(0.5, 4);
    script.parts = vec![part(6.5, 4, &[-80.0, 0.0, 0.0, 0.0])];
    let said = reasons(&script);
    let shank = said.iter().find(|s| s.0 == Segment::ShankR).unwrap();
    assert!(
        shank.1.contains("moved as the left shank should"),
        "{}",
        shank.1
    );
}

#[test]
fn what_is_refused_says_why() {
    let mut few = leg("sit_to_stand", [4.0, -88.0]);
    few.parts = vec![part(6.5, 2, &[4.0, -88.0])];
    let thigh = |script: &Script| {
        let said = reasons(script);
        said.into_iter().find(|s| s.0 == Segment::ThighR).unwrap().1
    };
    assert!(thigh(&few).contains("moved 2 times"), "{}", thigh(&few));
    let mut crooked = leg("sit_to_stand", [4.0, -88.0]);
    crooked.parts[0].twist_deg = 60.0;
    assert!(
        thigh(&crooked).contains("more than one axis"),
        "{}",
        thigh(&crooked)
    );
    let low = leg("sit_to_stand", [0.0, -55.0]);
    assert!(
        thigh(&low).contains("instead of about 90"),
        "{}",
        thigh(&low)
    );
    let none = leg("sit_to_stand", [0.0, 0.0]);
    assert!(
        thigh(&none).contains("turned only 0 deg"),
        "{}",
        thigh(&none)
    );
}

#[test]
fn exchanged_sensors_of_a_set_are_said_and_measure_nothing() {
    let mut script = leg("sit_to_stand", [0.0, 0.0]);
    script.segments.swap(0, 1);
    script.parts = vec![part(8.0, 5, &[25.0, -70.0])];
    script.commands = vec![(0.0, Command::Calibrate), (7.0, set("squat")), (25.0, END)];
    let events = script.told();
    let said = |e: &&MotionEvent| matches!(e, MotionEvent::Tech(t) if matches!(t.kind, TechKind::SensorsExchanged { .. }));
    assert_eq!(events.iter().filter(said).count(), 2);
    for knee in knees(&events) {
        assert_eq!(
            knee,
            Measured::Missing {
                why: Missing::NotCalibrated
            }
        );
    }
}

/// Three sets of five squats; between the first two the thigh's sensor turns.
fn slipped_between_sets(axis: UnitVector3<f64>, deg: f64) -> Vec<MotionEvent> {
    let mut script = leg("sit_to_stand", [0.0, 0.0]);
    // The slip is no turn that the gyroscope sees: "up" needs some seconds to find it.
    script.parts = [8.0, 38.0, 58.0]
        .map(|from_s| part(from_s, 5, &[25.0, -70.0]))
        .into();
    script.commands = vec![
        (0.0, Command::Calibrate),
        (7.0, set("squat")),
        (25.0, END),
        (37.0, set("squat")),
        (55.0, END),
        (57.0, set("squat")),
        (75.0, END),
    ];
    script.seconds = 78.0;
    script.slip = Some((26.0, axis, deg));
    script.told()
}

#[test]
fn a_sensor_that_turned_on_its_segment_between_sets_is_noticed() {
    // About the thigh's own length: "up" in the stance stays where it was.
    let events = slipped_between_sets(V::y_axis(), 25.0);
    let slips: Vec<f64> = events
        .iter()
        .filter_map(|e| match e {
            MotionEvent::Tech(t) => match t.kind {
                TechKind::SensorSlipped { drift_deg } => Some(drift_deg),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(slips.len(), 2, "{slips:?}");
    for slip in slips {
        assert!((slip - 25.0).abs() < 3.0, "{slip}");
    }
    let knees = knees(&events);
    assert_eq!(knees.len(), 15);
    for (i, knee) in knees.iter().enumerate() {
        let drifted = *knee
            == Measured::Missing {
                why: Missing::Drifted,
            };
        assert_eq!(drifted, i >= 5, "{i}: {knee:?}");
    }
}

/// A little less is measured on, and can no longer be called good.
#[test]
fn a_sensor_that_turned_a_little_makes_its_angles_doubtful() {
    let knees = knees(&slipped_between_sets(V::y_axis(), 7.5));
    assert_eq!(knees.len(), 15);
    for (i, knee) in knees.iter().enumerate() {
        let Measured::Value { drifting, .. } = knee else {
            panic!("{i}: {knee:?}");
        };
        assert_eq!(*drifting, i >= 5, "{i}: {knee:?}");
    }
}

const DRIFTED: Measured = Measured::Missing {
    why: Missing::Drifted,
};

/// A turn about the thigh's length shows only after a set: it holds for the next one while that runs. A lean shows in the
/// first repetition.
#[test]
fn a_slipped_sensor_is_no_better_live() {
    let turned = knees_at(&slipped_between_sets(V::y_axis(), 25.0), Stage::Confirmed);
    assert_eq!(turned.len(), 15);
    assert!(turned[10..].iter().all(|k| *k == DRIFTED), "{turned:?}");
    let leaning = knees_at(&slipped_between_sets(V::z_axis(), 15.0), Stage::Confirmed);
    assert_eq!(leaning.len(), 15);
    assert!(leaning[..5].iter().all(|k| *k != DRIFTED), "{leaning:?}");
    assert!(leaning[5..].iter().all(|k| *k == DRIFTED), "{leaning:?}");
    let a_little = knees_at(&slipped_between_sets(V::z_axis(), 7.5), Stage::Confirmed);
    for (i, knee) in a_little.iter().enumerate() {
        let Measured::Value { drifting, .. } = knee else {
            panic!("{i}: {knee:?}");
        };
        assert_eq!(*drifting, i >= 5, "{i}: {knee:?}");
    }
}

#[test]
fn without_a_stance_a_seated_exercise_has_a_range_and_no_angle() {
    let mut script = leg("leg_extension", [0.0, 0.0]);
    script.parts = vec![part(8.0, 5, &[-75.0, 0.0])];
    script.commands = vec![(7.0, set("leg_extension")), (25.0, END)];
    let events = script.told();
    let reps = finals(&events);
    assert_eq!(reps.len(), 5);
    for rep in reps {
        let knee = rep.measured(Metric::KneeFlexion).unwrap();
        assert_eq!(
            knee,
            Measured::Missing {
                why: Missing::NotCalibrated
            }
        );
        let range = rep.measured(Metric::RangeOfMotion).unwrap();
        assert!(
            matches!(range, Measured::Value { max, .. } if (max - 75.0).abs() < 2.0),
            "{range:?}"
        );
    }
}
