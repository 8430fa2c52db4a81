//! The sample sessions: who trains, what goes wrong, and which checks must say so.
//!
//! Numbers keep clear of every threshold, so that the truth is not a matter of noise.

use super::{
    Scenario,
    script::{Activity, RepScript, SetScript},
    truth::Expected,
};
use crate::model::{body::Segment, command::SetRole, finding::Verdict, plan::TrainingSide};

/// Names of all scenarios.
pub const NAMES: [&str; 4] = [
    "knee-squat",
    "sensor-dropout",
    "shoulder-raise",
    "sit-to-stand",
];

/// Tempo 3-1-2-0, s.
const SQUAT_TEMPO: [f64; 4] = [3.0, 1.0, 2.0, 0.3];
/// Peak lean of an accepted squat, deg.
const LEAN: f64 = 22.0;

pub(super) fn named(name: &str) -> Option<Scenario> {
    match name {
        "knee-squat" => Some(knee_squat()),
        "sensor-dropout" => Some(sensor_dropout()),
        "shoulder-raise" => Some(shoulder_raise()),
        "sit-to-stand" => Some(sit_to_stand()),
        _ => None,
    }
}

fn squats(depths: &[f64]) -> Vec<RepScript> {
    depths
        .iter()
        .map(|d| RepScript {
            depth_deg: *d,
            phases_s: SQUAT_TEMPO,
            lean_deg: LEAN,
        })
        .collect()
}

fn squat_set(
    role: SetRole,
    load_kg: Option<f64>,
    heart_bpm: f64,
    reps: Vec<RepScript>,
) -> SetScript {
    SetScript {
        exercise: "squat",
        side: TrainingSide::Both,
        role,
        load_kg,
        reps,
        heart_bpm,
    }
}

fn baseline() -> SetRole {
    SetRole::Baseline {
        accepted_by: "T-01".into(),
    }
}

fn calibration() -> Vec<Activity> {
    let slow = vec![
        RepScript {
            depth_deg: 60.0,
            phases_s: [1.5, 0.2, 1.5, 0.5],
            lean_deg: 18.0
        };
        3
    ];
    vec![
        Activity::Calibrate { seconds: 5.0 },
        Activity::Movements(squat_set(SetRole::WarmUp, None, 80.0, slow)),
    ]
}

fn knee_sensors() -> Vec<Segment> {
    vec![Segment::ThighL, Segment::ShankL, Segment::Thorax]
}

fn expect(
    set: u32,
    code: &'static str,
    verdicts: impl IntoIterator<Item = (u32, Verdict)>,
) -> Vec<Expected> {
    verdicts
        .into_iter()
        .map(|(rep, verdict)| Expected {
            set,
            rep: Some(rep),
            code,
            verdict,
        })
        .collect()
}

/// `outside` for the repetitions named, `within` for the others of `all`.
fn outside(reps: &[u32], all: impl IntoIterator<Item = u32>) -> Vec<(u32, Verdict)> {
    all.into_iter()
        .map(|r| {
            (
                r,
                if reps.contains(&r) {
                    Verdict::Outside
                } else {
                    Verdict::Within
                },
            )
        })
        .collect()
}

/// Two repetitions past the depth limit, one rushed, the trunk leaning more and more, the heart over
/// its ceiling.
fn knee_squat() -> Scenario {
    let mut reps = squats(&[80.0, 81.0, 79.0, 103.0, 80.0, 78.0, 104.0, 80.0, 81.0, 79.0]);
    reps[5].phases_s = [1.1, 1.0, 2.0, 0.3];
    for (rep, lean) in reps
        .iter_mut()
        .zip([22.0, 22.5, 23.0, 24.0, 25.0, 26.0, 27.0, 44.0, 47.0, 50.0])
    {
        rep.lean_deg = lean;
    }
    let mut script = calibration();
    script.extend([
        Activity::Stand { seconds: 2.0 },
        Activity::Set(squat_set(
            baseline(),
            Some(0.0),
            105.0,
            squats(&[76.0, 75.0, 77.0, 75.0, 76.0]),
        )),
        Activity::Walk { seconds: 5.0 },
        Activity::Turn { degrees: 75.0 },
        Activity::Stand { seconds: 3.0 },
        Activity::Set(squat_set(SetRole::Working, Some(12.0), 172.0, reps)),
        Activity::Stand { seconds: 4.0 },
        Activity::Walk { seconds: 3.0 },
    ]);
    let mut expected = expect(2, "DEPTH_OVER", outside(&[4, 7], 1..=10));
    expected.extend(expect(2, "TEMPO_FAST", outside(&[6], 1..=10)));
    expected.extend(expect(
        2,
        "TRUNK_FWD",
        outside(&[8, 9, 10], (1..=5).chain(8..=10)),
    ));
    expected.push(Expected {
        set: 2,
        rep: None,
        code: "HR_CEILING",
        verdict: Verdict::Outside,
    });
    Scenario {
        name: "knee-squat",
        client: "C-0001",
        sensors: knee_sensors(),
        script,
        expected,
        ..Scenario::default()
    }
}

/// The shank's sensor falls silent in the middle of the fourth repetition and comes back in the seventh's rest.
fn sensor_dropout() -> Scenario {
    let mut script = calibration();
    script.extend([
        Activity::Stand { seconds: 2.0 },
        Activity::Set(squat_set(
            SetRole::Working,
            Some(12.0),
            120.0,
            squats(&[80.0; 8]),
        )),
        Activity::Stand { seconds: 5.0 },
    ]);
    let invalid = |r| {
        if (4..=6).contains(&r) {
            Verdict::Invalid
        } else {
            Verdict::Within
        }
    };
    let expected = expect(1, "DEPTH_OVER", (1..=8).map(|r| (r, invalid(r))));
    Scenario {
        name: "sensor-dropout",
        client: "C-0001",
        sensors: knee_sensors(),
        script,
        expected,
        // From the middle of repetition 4 to the end of repetition 6, by the truth of the set.
        silent_reps: Some((Segment::ShankL, 1, 4, 6)),
    }
}

/// An arm raised forward, once far above the limit.
fn shoulder_raise() -> Scenario {
    let raise = |depth: f64| RepScript {
        depth_deg: depth,
        phases_s: [3.0, 1.0, 3.0, 0.3],
        lean_deg: 0.0,
    };
    let set = |role, load_kg, depths: &[f64]| SetScript {
        exercise: "shoulder_flexion",
        side: TrainingSide::Right,
        role,
        load_kg,
        reps: depths.iter().map(|d| raise(*d)).collect(),
        heart_bpm: 95.0,
    };
    let script = vec![
        Activity::Calibrate { seconds: 5.0 },
        Activity::Movements(set(SetRole::WarmUp, None, &[60.0, 60.0])),
        Activity::Stand { seconds: 2.0 },
        Activity::Set(set(
            SetRole::Working,
            Some(0.5),
            &[76.0, 77.0, 75.0, 76.0, 112.0, 75.0, 76.0, 77.0],
        )),
        Activity::Stand { seconds: 5.0 },
    ];
    Scenario {
        name: "shoulder-raise",
        client: "C-0004",
        sensors: vec![Segment::Thorax, Segment::UpperArmR, Segment::ForearmR],
        script,
        expected: expect(1, "DEPTH_OVER", outside(&[5], 1..=8)),
        ..Scenario::default()
    }
}

/// Standing up from a chair and sitting down again.
fn sit_to_stand() -> Scenario {
    let rep = RepScript {
        depth_deg: 92.0,
        phases_s: [3.0, 0.4, 2.0, 1.0],
        lean_deg: 35.0,
    };
    let rushed = RepScript {
        phases_s: [1.1, 0.4, 2.0, 1.0],
        ..rep.clone()
    };
    let mut reps = vec![rep; 8];
    reps[4] = rushed;
    let set = SetScript {
        exercise: "sit_to_stand",
        side: TrainingSide::Both,
        role: SetRole::Working,
        load_kg: None,
        reps,
        heart_bpm: 110.0,
    };
    let mut script = calibration();
    script.extend([
        Activity::Sit { knee_deg: 92.0 },
        Activity::Set(set),
        Activity::Sit { knee_deg: 0.0 },
        Activity::Stand { seconds: 4.0 },
    ]);
    Scenario {
        name: "sit-to-stand",
        client: "C-0002",
        sensors: vec![Segment::ThighR, Segment::ShankR, Segment::Thorax],
        script,
        expected: expect(1, "TEMPO", outside(&[5], 1..=8)),
        ..Scenario::default()
    }
}
