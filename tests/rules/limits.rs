//! Limits: verdicts at their boundaries, the tighter wins, missing is never within, by eye.

use super::session::*;
use plimsoll::{
    model::{
        command::SetRole,
        finding::{Action, Baseline, CheckKind, Finding, Severity, Source, Verdict},
        metric::Metric,
        plan::{Plan, Reaction, RpeScale, TrainingSide},
        rep::{Measured, Measurement, Missing, Rep, Stage},
    },
    rules::{Judge, Params, rep_verdict},
    wire::plan::parse,
};

#[test]
fn a_good_repetition_is_within_and_every_check_says_so() {
    let mut session = Session::squat(&knee());
    let found = session.rep(&good(1));
    let codes: Vec<_> = found.iter().map(|f| f.code.as_str()).collect();
    assert_eq!(
        codes,
        [
            "DEPTH_OVER",
            "TARGET",
            "TEMPO",
            "TEMPO",
            "TEMPO",
            "TEMPO",
            "TRUNK_FWD",
            "WEIGHT_SHIFT",
            "TEMPO_FAST"
        ]
    );
    assert!(
        found
            .iter()
            .filter(|f| f.kind != CheckKind::Watch)
            .all(|f| f.verdict == Verdict::Within)
    );
    assert_eq!(
        one(&found, "TRUNK_FWD").verdict,
        Verdict::NotAssessed,
        "no baseline yet"
    );
    assert_eq!(rep_verdict(&found), Verdict::Within);
    let ids: Vec<_> = session.out.iter().map(|f| f.id).collect();
    assert_eq!(ids, (1..=session.out.len() as u64).collect::<Vec<_>>());
}

#[test]
fn verdicts_at_the_boundaries_of_limit_and_guard() {
    for (max, verdict, severity, action) in [
        (89.9, Verdict::Within, Severity::Note, Action::Record),
        (90.0, Verdict::Within, Severity::Note, Action::Record),
        (90.1, Verdict::Unsure, Severity::Minor, Action::Cue),
        (95.0, Verdict::Unsure, Severity::Minor, Action::Cue),
        (95.1, Verdict::Outside, Severity::Major, Action::Stop),
        (f64::NAN, Verdict::Invalid, Severity::Minor, Action::Record),
        (
            f64::INFINITY,
            Verdict::Invalid,
            Severity::Minor,
            Action::Record,
        ),
    ] {
        let found = Session::squat(&knee()).rep(&depth(1, max));
        let limit = one(&found, "DEPTH_OVER");
        assert_eq!(
            (limit.verdict, limit.severity, limit.action),
            (verdict, severity, action),
            "{max}"
        );
        assert_eq!(
            (limit.max, limit.guard, limit.source),
            (Some(90.0), 5.0, Source::Plan)
        );
    }
}

#[test]
fn a_lower_limit_is_symmetrical() {
    let mut plan = knee();
    let limit = &mut plan.exercises[0].limits[0];
    (limit.min, limit.max) = (Some(45.0), None);
    for (min, verdict) in [
        (45.0, Verdict::Within),
        (44.9, Verdict::Unsure),
        (40.0, Verdict::Unsure),
        (39.9, Verdict::Outside),
    ] {
        let found = Session::squat(&plan).rep(&rep(1, &[(Metric::KneeFlexion, value(min, 70.0))]));
        assert_eq!(one(&found, "LIMIT").verdict, verdict, "{min}");
    }
}

#[test]
fn a_strict_limit_knows_no_unsure_and_the_plan_says_what_a_breach_does() {
    let mut plan = knee();
    plan.exercises[0].limits[0].guard = Some(0.0);
    plan.exercises[0].limits[0].on_breach = Reaction::Cue;
    let found = Session::squat(&plan).rep(&depth(1, 90.01));
    let limit = one(&found, "DEPTH_OVER");
    assert_eq!(
        (limit.verdict, limit.severity, limit.action),
        (Verdict::Outside, Severity::Major, Action::Cue)
    );
}

#[test]
fn unsure_three_times_running_is_outside_and_live_and_final_count_apart() {
    let mut session = Session::squat(&knee());
    let mut verdicts = |stage| {
        (1..=4)
            .map(|n| {
                let mut rep = depth(n, 92.0);
                rep.stage = stage;
                let found = session.rep(&rep);
                assert!(found.iter().all(|f| f.stage == stage));
                one(&found, "DEPTH_OVER").verdict
            })
            .collect::<Vec<_>>()
    };
    let expected = [
        Verdict::Unsure,
        Verdict::Unsure,
        Verdict::Outside,
        Verdict::Outside,
    ];
    assert_eq!(verdicts(Stage::Confirmed), expected);
    assert_eq!(
        verdicts(Stage::Final),
        expected,
        "the final pass begins anew"
    );
    assert!(
        session
            .rep(&Rep {
                stage: Stage::Provisional,
                ..depth(5, 120.0)
            })
            .is_empty()
    );
    assert!(
        session
            .rep(&Rep {
                stage: Stage::Retracted,
                ..depth(5, 120.0)
            })
            .is_empty()
    );
}

#[test]
fn a_good_repetition_ends_the_run_and_a_missing_one_does_not() {
    use Verdict::{Invalid, Outside, Unsure, Within};
    let mut session = Session::squat(&knee());
    let mut number = 0;
    let mut judge = |measured| {
        number += 1;
        one(
            &session.rep(&rep(number, &[(Metric::KneeFlexion, measured)])),
            "DEPTH_OVER",
        )
        .verdict
    };
    let gap = Measured::Missing { why: Missing::Gap };
    let run = [
        value(0.0, 92.0),
        value(0.0, 92.0),
        value(0.0, 80.0),
        value(0.0, 92.0),
        gap,
        value(0.0, 92.0),
        value(0.0, 92.0),
    ];
    let verdicts: Vec<_> = run.into_iter().map(&mut judge).collect();
    assert_eq!(
        verdicts,
        [Unsure, Unsure, Within, Unsure, Invalid, Unsure, Outside]
    );
}

/// The rest pose is 5 to 10 deg from the calibration: never green, and what is past stays past.
#[test]
fn a_doubtful_zero_is_never_within() {
    let at = |depth: f64| {
        let mut drifting = good(1);
        let Measured::Value { min, error, .. } = drifting.measurements[0].measured else {
            panic!("a value");
        };
        drifting.measurements[0].measured = Measured::Value {
            min,
            max: depth,
            at_turn: depth,
            at_start: min,
            error,
            range_error: None,
            drifting: true,
        };
        one(&Session::squat(&knee()).rep(&drifting), "DEPTH_OVER").clone()
    };
    let inside = at(80.0);
    assert_eq!(
        (inside.verdict, inside.missing, inside.action),
        (Verdict::Unsure, Some(Missing::Drifted), Action::Record)
    );
    assert!(plimsoll::rules::explain::explain(&inside).contains("calibrate again"));
    assert_eq!(at(120.0).verdict, Verdict::Outside);
}

#[test]
fn i4_missing_is_never_within() {
    for why in [
        Missing::NoSensor,
        Missing::Gap,
        Missing::LostSamples,
        Missing::Clipped,
        Missing::NotCalibrated,
        Missing::Drifted,
        Missing::Undefined,
    ] {
        let mut holed = good(1);
        holed.measurements[0].measured = Measured::Missing { why };
        let found = Session::squat(&knee()).rep(&holed);
        let expected = if why == Missing::NoSensor {
            Verdict::NotAssessed
        } else {
            Verdict::Invalid
        };
        for code in ["DEPTH_OVER", "TARGET"] {
            let finding = one(&found, code);
            assert_eq!(
                (finding.verdict, finding.missing, finding.value),
                (expected, Some(why), None),
                "{code}"
            );
        }
        assert_eq!(rep_verdict(&found), expected);
    }
    // The sensor is worn, motion said nothing; and a repetition without phases has no tempo.
    let found = Session::squat(&knee()).rep(&Rep {
        phases: None,
        ..rep(1, &[])
    });
    assert_eq!(one(&found, "DEPTH_OVER").verdict, Verdict::Invalid);
    assert!(
        found
            .iter()
            .filter(|f| f.kind == CheckKind::Tempo)
            .all(|f| f.verdict == Verdict::Invalid)
    );
}

#[test]
fn what_no_sensor_sees_is_listed_before_the_set_and_never_within() {
    let mut session = Session::with(Some(&knee()), Vec::new());
    session.start(&SetRole::Working, &[Metric::ThighForwardTilt]);
    insta::assert_snapshot!(session.by_eye.join("\n"), @r"
    knee flexion at most 90 deg (limit): no worn sensor measures knee flexion
    knee flexion 60 to 85 deg (target): no worn sensor measures knee flexion
    chest drops (TRUNK_FWD): no worn sensor measures trunk forward tilt
    leaning to one side (WEIGHT_SHIFT): no worn sensor measures side difference of range of motion
    heart-rate ceiling: no heart-rate sensor is worn
    ");
    let found = session.rep(&rep(1, &[]));
    assert_eq!(one(&found, "DEPTH_OVER").verdict, Verdict::NotAssessed);
    assert_eq!(rep_verdict(&found), Verdict::NotAssessed);
}

#[test]
fn i5_another_side_than_prescribed_is_said_and_still_limited() {
    let mut plan = knee();
    plan.exercises[0].side = TrainingSide::Left;
    let mut judge = Judge::new(&Params::default(), Some(&plan), Vec::new());
    let by_eye = judge.set_started(
        s(0.0),
        "squat",
        TrainingSide::Right,
        &SetRole::Working,
        Some(12.0),
        LEGS,
    );
    assert_eq!(
        by_eye[0],
        "the plan prescribes squat for left, this set is right"
    );
    assert_eq!(judge.limits_on(Metric::KneeFlexion), (None, Some(90.0)));
}

#[test]
fn i2_the_tighter_of_restriction_and_limit_wins_on_each_side() {
    let text = SHOULDER.replacen(
        "metric = \"shoulder_flexion\"\nmax = 90\ntrainer",
        "metric = \"shoulder_flexion\"\nmin = 10\nmax = 80\ntrainer",
        1,
    );
    let plan = parse(&text).unwrap().plan;
    let mut judge = Judge::new(&Params::default(), Some(&plan), Vec::new());
    judge.set_started(
        s(0.0),
        "shoulder_flexion",
        TrainingSide::Right,
        &SetRole::Working,
        Some(0.5),
        &[Metric::ShoulderFlexion],
    );
    assert_eq!(
        judge.limits_on(Metric::ShoulderFlexion),
        (Some(10.0), Some(80.0))
    );
    let mut out = Vec::new();
    judge.rep(
        &rep(1, &[(Metric::ShoulderFlexion, value(12.0, 91.0))]),
        &mut out,
    );
    let limit = one(&out, "DEPTH_OVER");
    assert_eq!(
        (limit.verdict, limit.action, limit.max),
        (Verdict::Outside, Action::Stop, Some(80.0))
    );
    assert_eq!(
        one(&out, "LIMIT").verdict,
        Verdict::Within,
        "the lower end, judged once"
    );
}

#[test]
fn i2_combined_limits_hold_at_both_numbers_and_both_edges() {
    let verdict = |text: &str, min: f64, max: f64, code: &str| {
        let plan = parse(text).unwrap().plan;
        let mut judge = Judge::new(&Params::default(), Some(&plan), Vec::new());
        let (id, side) = ("shoulder_flexion", TrainingSide::Right);
        judge.set_started(
            s(0.0),
            id,
            side,
            &SetRole::Working,
            None,
            &[Metric::ShoulderFlexion],
        );
        let mut out = Vec::new();
        judge.rep(
            &rep(1, &[(Metric::ShoulderFlexion, value(min, max))]),
            &mut out,
        );
        one(&out, code).verdict
    };
    // Restriction at most 90 with the usual 10, limit at most 88 with 30: the edge of the former holds.
    let wide = SHOULDER.replacen("max = 90\nunit", "max = 88\nguard = 30\nunit", 1);
    for (max, expected) in [
        (88.5, Verdict::Unsure),
        (100.0, Verdict::Unsure),
        (100.5, Verdict::Outside),
    ] {
        assert_eq!(verdict(&wide, 10.0, max, "DEPTH_OVER"), expected, "{max}");
    }
    // The other way round: a strict 90 and a wide 88.
    let strict = SHOULDER
        .replacen("max = 90\ntrainer", "max = 88\ntrainer", 1)
        .replacen("max = 90\nunit", "max = 90\nguard = 0\nunit", 1);
    assert_eq!(verdict(&strict, 10.0, 90.5, "DEPTH_OVER"), Verdict::Outside);
    // Lower ends: at least 10 and at least 20.
    let lower = SHOULDER
        .replacen("max = 90\ntrainer", "min = 10\ntrainer", 1)
        .replacen("max = 90\nunit", "min = 20\nunit", 1);
    for (min, expected) in [
        (20.0, Verdict::Within),
        (15.0, Verdict::Unsure),
        (9.5, Verdict::Outside),
    ] {
        assert_eq!(verdict(&lower, min, 80.0, "LIMIT"), expected, "{min}");
    }
}

#[test]
fn i5_a_limit_on_one_leg_holds_in_a_set_with_both() {
    let mut plan = knee();
    let mut left = plan.exercises[0].clone();
    left.side = TrainingSide::Left;
    left.limits[0].max = Some(60.0);
    left.load.max_kg = Some(6.0);
    let mut right = left.clone();
    right.side = TrainingSide::Right;
    right.limits[0].max = Some(70.0);
    plan.exercises.extend([left, right]);
    for (side, max, kg) in [
        (TrainingSide::Both, 60.0, 6.0),
        (TrainingSide::Right, 70.0, 6.0),
    ] {
        let mut judge = Judge::new(&Params::default(), Some(&plan), Vec::new());
        judge.set_started(s(0.0), "squat", side, &SetRole::Working, Some(9.0), LEGS);
        assert_eq!(judge.limits_on(Metric::KneeFlexion), (None, Some(max)));
        let mut out = Vec::new();
        judge.rep(&good(1), &mut out);
        assert_eq!(one(&out, "LOAD_MAX").max, Some(kg));
    }
}

#[test]
fn a_plan_wide_restriction_holds_for_an_exercise_the_plan_does_not_name() {
    let plan = parse(SHOULDER).unwrap().plan;
    let mut judge = Judge::new(&Params::default(), Some(&plan), Vec::new());
    let by_eye = judge.set_started(
        s(0.0),
        "row",
        TrainingSide::Right,
        &SetRole::Working,
        None,
        &[Metric::ShoulderFlexion],
    );
    assert!(
        by_eye[0].starts_with("row is not in the plan"),
        "{by_eye:?}"
    );
    assert!(by_eye[1].contains("weight_through_arm"), "{by_eye:?}");
    assert_eq!(judge.limits_on(Metric::ShoulderFlexion), (None, Some(90.0)));
}

fn without_impact() -> Plan {
    let text = KNEE.replacen(
        "avoid = []",
        "avoid = [{ code = \"explosive\", metric = \"tempo_ratio\", min = 0.6, trainer_text = \"Slowly\", check = \"sensor\" },
            { code = \"high_impact\", metric = \"shank_peak_accel\", max_times_own_walking = 2.0, trainer_text = \"No jumping\", check = \"sensor\" }]",
        1,
    );
    parse(&text).unwrap().plan
}

fn with_shank(number: u32, peak: Measured) -> Rep {
    let mut rep = good(number);
    rep.measurements.push(Measurement {
        metric: Metric::ShankPeakAccel,
        measured: peak,
    });
    rep
}

fn impact(found: &[Finding]) -> Finding {
    found
        .iter()
        .find(|f| f.metric == Metric::ShankPeakAccel)
        .cloned()
        .unwrap()
}

#[test]
fn an_explosive_repetition_breaches_the_restriction_even_in_a_warm_up() {
    let mut session = Session::with(Some(&without_impact()), Vec::new());
    session.start(&SetRole::WarmUp, LEGS);
    let mut fast = good(1);
    fast.phases.as_mut().unwrap().concentric_s = 0.9;
    let found = session.rep(&fast);
    let tempo = found
        .iter()
        .find(|f| f.metric == Metric::TempoRatio)
        .unwrap();
    assert_eq!(
        (tempo.kind, tempo.verdict, tempo.action),
        (CheckKind::Limit, Verdict::Outside, Action::Stop)
    );
}

#[test]
fn a_clipped_shank_sensor_saw_an_impact_with_or_without_a_walking_baseline() {
    let mut session = Session::with(Some(&without_impact()), Vec::new());
    session.start(
        &SetRole::Working,
        &[LEGS, &[Metric::ShankPeakAccel]].concat(),
    );
    let unknown = impact(&session.rep(&with_shank(1, value(1.0, 3.0))));
    assert_eq!(unknown.verdict, Verdict::NotAssessed, "no walking baseline");
    let breach = impact(&session.rep(&with_shank(
        2,
        Measured::Missing {
            why: Missing::Clipped,
        },
    )));
    assert_eq!(
        (breach.verdict, breach.action),
        (Verdict::Outside, Action::Stop)
    );
}

#[test]
fn impact_is_counted_in_times_of_the_own_walking() {
    let own_walking = |centre| Baseline {
        exercise: "walking".to_owned(),
        side: TrainingSide::Alternating,
        ..own(Metric::ShankPeakAccel, "max", centre)
    };
    // Twice 3 g with a guard band of a fifth; a slow walker's threshold never falls below 4 g.
    for (walking, g, verdict) in [
        (3.0, 6.0, Verdict::Within),
        (3.0, 7.1, Verdict::Unsure),
        (3.0, 7.3, Verdict::Outside),
        (1.0, 4.0, Verdict::Within),
        (1.0, 4.9, Verdict::Outside),
    ] {
        let mut session = Session::with(Some(&without_impact()), vec![own_walking(walking)]);
        session.start(
            &SetRole::Working,
            &[LEGS, &[Metric::ShankPeakAccel]].concat(),
        );
        let found = session.rep(&with_shank(1, value(1.0, g)));
        assert_eq!(
            impact(&found).verdict,
            verdict,
            "{g} g, walking {walking} g"
        );
    }
}

#[test]
fn warm_up_and_baseline_sets_are_held_to_the_limits_only() {
    let baseline = SetRole::Baseline {
        accepted_by: "T-01".to_owned(),
    };
    for role in [SetRole::WarmUp, baseline] {
        let mut session = Session::with(Some(&knee()), Vec::new());
        session.start(&role, LEGS);
        let found = session.rep(&depth(1, 100.0));
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].code.as_str(), found[0].verdict, found[0].action),
            ("DEPTH_OVER", Verdict::Outside, Action::Stop)
        );
    }
}

#[test]
fn i7_without_a_plan_nothing_is_found() {
    let mut session = Session::with(None, Vec::new());
    session.start(&SetRole::Working, LEGS);
    assert_eq!(session.by_eye, Vec::<String>::new());
    assert_eq!(session.rep(&depth(1, 170.0)), Vec::new());
    assert_eq!(session.heart(1.0, Some(220.0)), Vec::new());
    assert_eq!(session.heart(10.0, Some(220.0)), Vec::new());
    assert_eq!(
        session.entry(Some((RpeScale::RirRpe, 10.0)), Some(10), &[]),
        Vec::new()
    );
    assert_eq!(
        session.end(1, SetRole::Working, &steady(220.0)).0,
        Vec::new()
    );
    assert_eq!(
        rep_verdict(&[]),
        Verdict::NotAssessed,
        "no plan is never green"
    );
}
