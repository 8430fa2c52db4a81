//! When an accepted baseline holds, what departs from it, and what appears only under load.

use super::session::*;
use plimsoll::{
    model::{
        body::Segment,
        command::SetRole,
        finding::{Action, Baseline, CheckKind, Finding, Source, Verdict},
        metric::Metric,
        plan::{Beat, Plan, Reaction, Tempo, Watch},
        rep::{HeartStats, Measured, Missing, Rep, Stage},
    },
    rules::{AfterSet, Judge, Params, explain, rep_verdict},
};

/// The knee plan with these watch items alone, and no tempo.
fn watching(codes: &[&str]) -> Plan {
    let mut plan = knee();
    plan.exercises[0].tempo = None;
    plan.exercises[0].targets.clear();
    plan.exercises[0].watches = codes
        .iter()
        .map(|code| Watch {
            code: (*code).to_owned(),
            minor: None,
            moderate: None,
            on_flag: Reaction::Stop,
        })
        .collect();
    plan
}

/// An accepted set with these rows, each with a spread of 1 over 5 repetitions.
fn accepted(rows: &[(Metric, &str, f64)]) -> Baseline {
    Baseline {
        rows: rows.iter().map(|(m, f, c)| row(*m, f, *c)).collect(),
        ..own(Metric::KneeFlexion, "max", 80.0)
    }
}

/// The watch findings on five equal repetitions in which `metric` is measured so.
fn five(
    plan: &Plan,
    baselines: Vec<Baseline>,
    available: &[Metric],
    measured: &[(Metric, Measured)],
) -> Vec<Finding> {
    let mut session = Session::with(Some(plan), baselines);
    session.start(&SetRole::Working, available);
    let mut last = Vec::new();
    for n in 1..=5 {
        last = session.rep(&rep(n, measured));
    }
    last.retain(|f| f.kind == CheckKind::Watch);
    last
}

/// Verdict and action after five repetitions of `value` against an own `centre`.
fn seen(code: &str, metric: Metric, feature: &str, centre: f64, is: Measured) -> (Verdict, Action) {
    let found = five(
        &watching(&[code]),
        vec![accepted(&[(metric, feature, centre)])],
        &[metric],
        &[(metric, is)],
    );
    let finding = one(&found, code);
    assert_eq!(finding.metric, metric);
    (finding.verdict, finding.action)
}

/// Code, metric, feature, own centre, smallest and largest value of an unwelcome repetition, what may be done.
type Case = (&'static str, Metric, &'static str, f64, (f64, f64), Action);

#[rustfmt::skip]
const COMPENSATIONS: &[Case] = &[
    ("LUMBAR_FLEX", Metric::LumbarTuck, "max", 2.0, (12.0, 12.0), Action::Cue),
    ("LUMBAR_FLEX", Metric::PelvicTuck, "max", 2.0, (12.0, 12.0), Action::Cue),
    ("KNEE_MEDIAL", Metric::ShankRotation, "range", 8.0, (-10.0, 20.0), Action::Record),
    ("KNEE_MEDIAL", Metric::ThighRotation, "range", 8.0, (-10.0, 20.0), Action::Record),
    ("TRUNK_FWD", Metric::LumbarForwardTilt, "max", 20.0, (0.0, 40.0), Action::Cue),
    ("TRUNK_FWD", Metric::LumbarShankDifference, "at_turn", -20.0, (-25.0, 0.0), Action::Cue),
    ("TRUNK_ROT", Metric::TrunkRotation, "range", 5.0, (-10.0, 12.0), Action::Record),
    ("ELBOW_FLARE", Metric::UpperArmSideTilt, "max", 0.0, (0.0, 25.0), Action::Cue),
    ("HORIZ_SHIFT", Metric::UpperArmRotation, "range", 0.0, (-20.0, 20.0), Action::Record),
    ("SIDE_TIMING", Metric::SideDifferenceTime, "max", 0.0, (-30.0, -30.0), Action::Cue),
    ("UNSTABLE", Metric::Unsteadiness, "max", 8.0, (20.0, 20.0), Action::Cue),
    ("UNSTABLE", Metric::VelocityPeaks, "max", 2.0, (9.0, 9.0), Action::Cue),
    ("DEPARTS", Metric::OffAxisRatio, "max", 0.1, (5.0, 5.0), Action::Cue),
];

#[test]
fn every_measurable_compensation_is_seen_and_does_no_more_than_its_tier_allows() {
    for (code, metric, feature, centre, (min, max), action) in COMPENSATIONS.iter().copied() {
        let unwelcome = seen(code, metric, feature, centre, value(min, max));
        assert_eq!(unwelcome, (Verdict::Outside, action), "{code}");
        let usual = match feature {
            "range" => value(0.0, centre),
            _ => value(centre, centre),
        };
        let usual = seen(code, metric, feature, centre, usual);
        assert_eq!(usual, (Verdict::Within, Action::Record), "{code}");
    }
}

#[test]
fn the_weaker_witness_is_heard_only_where_there_is_no_better_one() {
    let plan = watching(&["TRUNK_FWD"]);
    let own = || {
        vec![accepted(&[
            (Metric::TrunkForwardTilt, "max", 30.0),
            (Metric::LumbarForwardTilt, "max", 20.0),
        ])]
    };
    let both = [Metric::TrunkForwardTilt, Metric::LumbarForwardTilt];
    let measured = [
        (Metric::TrunkForwardTilt, value(0.0, 30.0)),
        (Metric::LumbarForwardTilt, value(0.0, 50.0)),
    ];
    let found = five(&plan, own(), &both, &measured);
    assert_eq!(one(&found, "TRUNK_FWD").metric, Metric::TrunkForwardTilt);
    let found = five(&plan, own(), &both[1..], &measured[1..]);
    let finding = one(&found, "TRUNK_FWD");
    assert_eq!(
        (finding.metric, finding.verdict),
        (Metric::LumbarForwardTilt, Verdict::Outside)
    );
    assert!(
        explain(finding).contains("lumbar forward tilt 50"),
        "{}",
        explain(finding)
    );
}

#[test]
fn nothing_worn_shows_it_is_not_assessed_and_by_eye() {
    let plan = watching(&["LUMBAR_FLEX"]);
    let mut session = Session::with(Some(&plan), Vec::new());
    session.start(&SetRole::Working, &[Metric::KneeFlexion]);
    let found = session.rep(&good(1));
    assert_eq!(one(&found, "LUMBAR_FLEX").verdict, Verdict::NotAssessed);
    assert!(session.by_eye.iter().any(|b| b.contains("LUMBAR_FLEX")));
}

#[test]
fn a_departure_is_counted_in_the_clients_own_spreads_and_says_by_how_much() {
    let judge = |inclination: f64| {
        let found = five(
            &watching(&["DEPARTS"]),
            vec![Baseline {
                rows: vec![plimsoll::model::finding::BaselineRow {
                    spread: 4.0,
                    reps: 100,
                    ..row(Metric::TrunkForwardTilt, "at_turn", 30.0)
                }],
                ..accepted(&[])
            }],
            &[Metric::TrunkForwardTilt],
            &[(Metric::TrunkForwardTilt, value(0.0, inclination))],
        );
        one(&found, "DEPARTS").clone()
    };
    // 2.5 and 3.5 spreads of 4 deg, hardly widened by a hundred repetitions: 10.05 and 14.07 deg.
    for (tilt, verdict) in [
        (20.0, Verdict::Within),
        (39.9, Verdict::Within),
        (44.2, Verdict::Outside),
    ] {
        assert_eq!(judge(tilt).verdict, verdict, "{tilt}");
    }
    let finding = judge(44.2);
    assert_eq!(
        (finding.source, finding.usual),
        (Source::Baseline, Some(30.0))
    );
    let sentence = explain(&finding);
    assert!(
        sentence.contains("14.2 deg more than the 30 of the accepted set"),
        "{sentence}"
    );
}

#[test]
fn past_the_scatter_once_is_unsure_and_three_times_running_outside() {
    use Verdict::{Outside, Unsure};
    let plan = watching(&["DEPARTS"]);
    let mut session = Session::with(
        Some(&plan),
        vec![accepted(&[(Metric::RepDuration, "max", 6.0)])],
    );
    session.start(&SetRole::Working, &[Metric::RepDuration]);
    let verdicts: Vec<Verdict> = (1..=4)
        .map(|n| {
            let slow = rep(n, &[(Metric::RepDuration, value(9.0, 9.0))]);
            one(&session.rep(&slow), "DEPARTS").verdict
        })
        .collect();
    assert_eq!(verdicts, [Unsure, Unsure, Outside, Outside]);
}

#[test]
fn tempo_and_pause_are_held_to_the_own_set_where_the_plan_says_nothing() {
    let own = || {
        vec![accepted(&[
            (Metric::RepDuration, "max", 8.0),
            (Metric::TimePauseBottom, "max", 2.0),
        ])]
    };
    let measured = |duration, pause| {
        [
            (Metric::RepDuration, value(duration, duration)),
            (Metric::TimePauseBottom, value(pause, pause)),
        ]
    };
    let available = [Metric::RepDuration, Metric::TimePauseBottom];
    let plan = watching(&["TEMPO_FAST", "TEMPO_SLOW", "BOUNCE"]);
    for (duration, pause, fast, slow, bounce) in [
        (8.0, 2.0, Verdict::Within, Verdict::Within, Verdict::Within),
        (
            3.0,
            0.2,
            Verdict::Outside,
            Verdict::Within,
            Verdict::Outside,
        ),
        (
            16.0,
            2.0,
            Verdict::Within,
            Verdict::Outside,
            Verdict::Within,
        ),
    ] {
        let found = five(&plan, own(), &available, &measured(duration, pause));
        let verdict = |code| one(&found, code).verdict;
        assert_eq!(
            [
                verdict("TEMPO_FAST"),
                verdict("TEMPO_SLOW"),
                verdict("BOUNCE")
            ],
            [fast, slow, bounce],
            "{duration} {pause}"
        );
    }
    // A prescribed pause is the plan's.
    let mut plan = watching(&["BOUNCE"]);
    plan.exercises[0].tempo = Some(Tempo([
        Beat::Seconds(3.0),
        Beat::Seconds(1.0),
        Beat::Seconds(2.0),
        Beat::Free,
    ]));
    let found = five(&plan, own(), &available, &measured(6.0, 0.0));
    let finding = one(&found, "BOUNCE");
    assert_eq!((finding.source, finding.min), (Source::Plan, Some(0.5)));
}

/// What is said of the trunk when this baseline is at hand and these sensors are worn.
fn trunk_with(baseline: Baseline, worn: &[Segment]) -> (Finding, Vec<String>) {
    let plan = watching(&["TRUNK_FWD"]);
    let mut session = Session::with(None, Vec::new());
    session.judge =
        Judge::new(&Params::default(), Some(&plan), vec![baseline]).worn(worn.iter().copied());
    session.start(&SetRole::Working, LEGS);
    let found = session.rep(&trunk(1, 80.0, Stage::Confirmed));
    (one(&found, "TRUNK_FWD").clone(), session.by_eye)
}

#[test]
fn i11_a_baseline_holds_for_its_sensors_and_its_phase_only() {
    let worn = [Segment::Thorax, Segment::ThighL];
    let base = |sensors: &[Segment], phase: Option<&str>| Baseline {
        sensors: sensors.to_vec(),
        phase: phase.map(str::to_owned),
        ..own(Metric::TrunkForwardTilt, "max", 30.0)
    };
    let phase = knee().phase.name;
    let mut sorted = worn.to_vec();
    sorted.sort_unstable();
    // The chest strap and the order do not matter.
    let order = [Segment::ThighL, Segment::Chest, Segment::Thorax];
    let (finding, _) = trunk_with(base(&sorted, Some(&phase)), &order);
    assert_eq!((finding.verdict, finding.missing), (Verdict::Outside, None));
    for (baseline, why, words) in [
        (
            base(&[Segment::Thorax], None),
            Missing::OtherSensors,
            "taken with other sensors",
        ),
        (
            base(&sorted, Some("return to sport")),
            Missing::OtherPhase,
            "another phase",
        ),
    ] {
        let (finding, by_eye) = trunk_with(baseline, &worn);
        assert_eq!(
            (finding.verdict, finding.missing),
            (Verdict::NotAssessed, Some(why))
        );
        assert!(explain(&finding).contains(words), "{}", explain(&finding));
        assert!(by_eye.iter().any(|b| b.contains(words)), "{by_eye:?}");
        assert_ne!(rep_verdict(&[finding]), Verdict::Within);
    }
}

#[test]
fn of_several_accepted_sets_the_one_with_the_same_load_is_compared_with() {
    let with = |load_kg, centre| Baseline {
        load_kg,
        ..own(Metric::TrunkForwardTilt, "max", centre)
    };
    let all = vec![with(Some(12.0), 50.0), with(None, 30.0)];
    let mut session = Session::with(Some(&watching(&["TRUNK_FWD"])), all);
    session.start(&SetRole::Working, LEGS);
    let found = session.rep(&trunk(1, 55.0, Stage::Confirmed));
    assert_eq!(one(&found, "TRUNK_FWD").usual, Some(50.0));
}

/// A set of five with the trunk this far forward and a knee that always bends to 80 deg.
fn set_of_five(session: &mut Session, set: u32, role: SetRole, tilt: f64) -> Vec<AfterSet> {
    session.start(&role, LEGS);
    for n in 1..=5 {
        session.rep(&Rep {
            set,
            ..trunk(n, tilt + f64::from(n % 2), Stage::Final)
        });
    }
    session.end(set, role, &HeartStats::default()).1
}

#[test]
fn what_appears_only_under_load_is_said_after_the_set() {
    let baseline = || SetRole::Baseline {
        accepted_by: "T-01".to_owned(),
    };
    let mut session = Session::with(Some(&knee()), Vec::new());
    session.load_kg = None;
    let after = set_of_five(&mut session, 1, baseline(), 30.0);
    assert!(matches!(after.as_slice(), [AfterSet::Baseline(_)]));
    // Without load there is nothing to compare.
    assert_eq!(set_of_five(&mut session, 2, SetRole::Working, 44.0), []);
    session.load_kg = Some(20.0);
    let after = set_of_five(&mut session, 3, SetRole::Working, 44.0);
    let [AfterSet::Contrast(contrast)] = after.as_slice() else {
        panic!("{after:?}");
    };
    assert_eq!(
        (contrast.set, contrast.load_kg, contrast.lighter_kg),
        (3, 20.0, None)
    );
    let row = |metric| contrast.rows.iter().find(|r| r.metric == metric).unwrap();
    let trunk = row(Metric::TrunkForwardTilt);
    assert_eq!(
        (trunk.lighter, trunk.loaded, trunk.appears),
        (31.0, 45.0, true)
    );
    assert_eq!((trunk.reps, trunk.departing), (5, 5));
    assert!(!row(Metric::KneeFlexion).appears);
    // A change within the guard band of the metric is none.
    let after = set_of_five(&mut session, 4, SetRole::Working, 32.0);
    let [AfterSet::Contrast(contrast)] = after.as_slice() else {
        panic!("{after:?}");
    };
    assert!(contrast.rows.iter().all(|r| !r.appears), "{contrast:?}");
    // A heavier accepted set says nothing of what a lighter load adds.
    let mut session = Session::with(Some(&knee()), Vec::new());
    session.load_kg = Some(40.0);
    set_of_five(&mut session, 1, baseline(), 30.0);
    session.load_kg = Some(20.0);
    assert_eq!(set_of_five(&mut session, 2, SetRole::Working, 44.0), []);
}
