//! Targets, tempo, compensations and baselines.

use super::session::*;
use plimsoll::{
    model::{
        command::SetRole,
        finding::{Action, Baseline, Severity, Source, Verdict},
        metric::Metric,
        plan::{Reaction, TrainingSide},
        rep::{HeartStats, Measured, Measurement, Missing, Rep, Stage},
    },
    rules::{AfterSet, rep_verdict},
};

#[test]
fn tempo_is_judged_place_by_place() {
    // Prescribed 3-1-2-0; tolerance 0.75, 0.5, 0.5 s, and a pause of 0 accepts 0.5 s; guard band 0.25 s.
    for (place, took, verdict) in [
        (0, 2.25, Verdict::Within),
        (0, 2.1, Verdict::Unsure),
        (0, 1.9, Verdict::Outside),
        (0, 3.75, Verdict::Within),
        (0, 4.1, Verdict::Outside),
        (1, 0.5, Verdict::Within),
        (1, 1.5, Verdict::Within),
        (1, 0.2, Verdict::Outside),
        (2, 1.5, Verdict::Within),
        (2, 2.6, Verdict::Unsure),
        (2, 2.8, Verdict::Outside),
        (3, 0.0, Verdict::Within),
        (3, 0.49, Verdict::Within),
        (3, 0.8, Verdict::Outside),
    ] {
        let mut changed = good(1);
        let mut phases = changed.phases.unwrap();
        match place {
            0 => phases.eccentric_s = took,
            1 => phases.pause_stretched_s = Some(took),
            2 => phases.concentric_s = took,
            _ => phases.pause_shortened_s = Some(took),
        }
        changed.phases = Some(phases);
        let found = Session::squat(&knee()).rep(&changed);
        let tempo: Vec<_> = found.iter().filter(|f| f.code == "TEMPO").collect();
        assert_eq!(tempo[place].verdict, verdict, "place {place} took {took} s");
        assert!(
            tempo
                .iter()
                .enumerate()
                .all(|(i, f)| i == place || f.verdict == Verdict::Within)
        );
    }
}

#[test]
fn a_dropped_weight_is_raised_when_it_persists() {
    use {
        Action::{Cue, Record},
        Severity::{Minor, Moderate, Note},
    };
    let mut session = Session::squat(&knee());
    let mut attention = Vec::new();
    for (n, ecc) in [(1, 3.0), (2, 1.2), (3, 1.2), (4, 3.0), (5, 3.0)] {
        let mut dropped = good(n);
        dropped.phases.as_mut().unwrap().eccentric_s = ecc;
        let found = session.rep(&dropped);
        let fast = one(&found, "TEMPO_FAST");
        attention.push((fast.severity, fast.action));
        assert_eq!(fast.min, Some(0.75));
    }
    assert_eq!(
        attention,
        [
            (Note, Record),
            (Minor, Record),
            (Moderate, Cue),
            (Note, Record),
            (Note, Record)
        ]
    );
}

/// A session whose first set was accepted as a baseline: trunk tilt 28, 30 and 33 deg.
fn after_baseline() -> (Session, Baseline) {
    let baseline = SetRole::Baseline {
        accepted_by: "T-01".to_owned(),
    };
    let mut session = Session::with(Some(&knee()), Vec::new());
    session.start(&baseline, LEGS);
    for (n, tilt) in [(1, 28.0), (2, 30.0), (3, 33.0)] {
        session.rep(&trunk(n, 99.0, Stage::Confirmed));
        session.rep(&trunk(n, tilt, Stage::Final));
    }
    session.rep(&Rep {
        partial: true,
        ..trunk(4, 80.0, Stage::Final)
    });
    session.rep(&Rep {
        number: 5,
        measurements: Vec::new(),
        ..trunk(5, 0.0, Stage::Final)
    });
    let (_, after) = session.end(1, baseline, &HeartStats::default());
    let [AfterSet::Baseline(accepted)] = after.as_slice() else {
        panic!("{after:?}");
    };
    (session, accepted.clone())
}

#[test]
fn i11_a_baseline_comes_from_an_accepted_set_and_its_final_whole_repetitions() {
    let (_, accepted) = after_baseline();
    let row = accepted.row(Metric::TrunkForwardTilt, "max").unwrap();
    assert_eq!((row.centre, row.reps), (30.0, 3));
    assert_eq!(
        (
            accepted.reps,
            accepted.accepted_by.as_str(),
            accepted.load_kg
        ),
        (3, "T-01", Some(12.0))
    );
    assert_eq!(
        (accepted.phase.as_deref(), accepted.accepted_at),
        (Some(knee().phase.name.as_str()), s(100.0))
    );
    assert!((row.spread - 1.4826 * 2.0).abs() < 1e-9);
    assert_eq!(accepted.rows.len(), 8, "two metrics, four features");
}

#[test]
fn i11_a_baseline_holds_for_later_sets_and_no_working_set_moves_it() {
    use {
        Action::{Cue, Record},
        Severity::{Minor, Moderate, Note},
        Verdict::{Outside, Unsure, Within},
    };
    let (mut session, _) = after_baseline();
    session.start(&SetRole::Working, LEGS);
    let judged: Vec<_> = [(1, 40.0), (2, 42.0), (3, 46.0), (4, 46.0), (5, 30.0)]
        .into_iter()
        .map(|(n, tilt)| {
            let found = session.rep(&Rep {
                set: 2,
                ..trunk(n, tilt, Stage::Confirmed)
            });
            let finding = one(&found, "TRUNK_FWD").clone();
            assert_eq!(
                (finding.source, finding.max),
                (Source::Baseline, Some(40.0))
            );
            (finding.verdict, finding.severity, finding.action)
        })
        .collect();
    assert_eq!(
        judged,
        [
            (Within, Note, Record),
            (Unsure, Minor, Record),
            (Outside, Minor, Record),
            (Outside, Moderate, Cue),
            (Within, Note, Record)
        ]
    );
    // A working set never moves a baseline.
    for n in 1..=5 {
        session.rep(&Rep {
            set: 2,
            ..trunk(n, 60.0, Stage::Final)
        });
    }
    let (_, after) = session.end(2, SetRole::Working, &HeartStats::default());
    assert_eq!(after, Vec::new());
    session.start(&SetRole::Working, LEGS);
    let found = session.rep(&Rep {
        set: 3,
        ..trunk(1, 30.0, Stage::Confirmed)
    });
    assert_eq!(one(&found, "TRUNK_FWD").max, Some(40.0));
}

#[test]
fn two_repetitions_make_no_baseline_and_another_side_has_its_own() {
    let baseline = SetRole::Baseline {
        accepted_by: "T-01".to_owned(),
    };
    let mut session = Session::with(None, Vec::new());
    session.start(&baseline, LEGS);
    for n in 1..=2 {
        session.rep(&trunk(n, 30.0, Stage::Final));
    }
    assert_eq!(
        session.end(1, baseline, &HeartStats::default()).1,
        [AfterSet::Refused {
            set: 1,
            reps: 2,
            needed: 3
        }]
    );

    let left = Baseline {
        exercise: "squat".to_owned(),
        side: TrainingSide::Left,
        ..own(Metric::TrunkForwardTilt, "max", 30.0)
    };
    let mut session = Session::with(Some(&knee()), vec![left]);
    session.start(&SetRole::Working, LEGS);
    assert_eq!(
        one(&session.rep(&good(1)), "TRUNK_FWD").verdict,
        Verdict::NotAssessed
    );
}

#[test]
fn a_surrogate_is_recorded_whatever_the_plan_asks() {
    let mut plan = knee();
    plan.exercises[0].watches[0].code = "KNEE_MEDIAL".to_owned();
    plan.exercises[0].watches[0].on_flag = Reaction::Stop;
    let row = own(Metric::KneeMedialShift, "at_turn", 2.0);
    let mut session = Session::with(Some(&plan), vec![row]);
    session.start(
        &SetRole::Working,
        &[LEGS, &[Metric::KneeMedialShift]].concat(),
    );
    for n in 1..=5 {
        let mut inward = good(n);
        inward.measurements.push(Measurement {
            metric: Metric::KneeMedialShift,
            measured: value(0.0, 30.0),
        });
        let found = session.rep(&inward);
        let finding = one(&found, "KNEE_MEDIAL");
        assert_eq!(
            (finding.verdict, finding.action, finding.max),
            (Verdict::Outside, Action::Record, Some(10.0))
        );
        assert_eq!(
            rep_verdict(&found),
            Verdict::Within,
            "a recorded watch item changes nothing"
        );
    }
}

#[test]
fn weight_shift_cues_against_the_own_baseline_only() {
    let shifted = |session: &mut Session| -> (Verdict, Action, Source) {
        let mut last = None;
        for n in 1..=5 {
            let mut rep = good(n);
            rep.measurements
                .retain(|m| m.metric != Metric::SideDifferenceRom);
            rep.measurements.push(Measurement {
                metric: Metric::SideDifferenceRom,
                measured: value(-18.0, -18.0),
            });
            let found = session.rep(&rep);
            let finding = one(&found, "WEIGHT_SHIFT");
            last = Some((finding.verdict, finding.action, finding.source));
        }
        last.unwrap()
    };
    let mut session = Session::squat(&knee());
    assert_eq!(
        shifted(&mut session),
        (Verdict::Outside, Action::Record, Source::Default)
    );
    let row = |centre| own(Metric::SideDifferenceRom, "max", centre);
    let mut session = Session::with(Some(&knee()), vec![row(0.0)]);
    session.start(&SetRole::Working, LEGS);
    assert_eq!(
        shifted(&mut session),
        (Verdict::Outside, Action::Cue, Source::Baseline)
    );
    let mut session = Session::with(Some(&knee()), vec![row(-15.0)]);
    session.start(&SetRole::Working, LEGS);
    assert_eq!(
        shifted(&mut session),
        (Verdict::Within, Action::Record, Source::Baseline)
    );
}

#[test]
fn a_target_may_stay_unsure_and_the_repetition_is_still_within() {
    let mut session = Session::squat(&knee());
    for n in 1..=5 {
        let found = session.rep(&Rep {
            measurements: depth(n, 87.0).measurements,
            ..good(n)
        });
        let target = one(&found, "TARGET");
        assert_eq!(
            (target.verdict, target.action),
            (Verdict::Unsure, Action::Record)
        );
        assert_eq!(one(&found, "DEPTH_OVER").verdict, Verdict::Within);
    }
}

/// Verdict and attention of a trunk that leans by these amounts; thresholds 40 and 45 deg, guard 3 deg.
fn leaning(tilts: &[f64]) -> Vec<Severity> {
    let row = own(Metric::TrunkForwardTilt, "max", 30.0);
    let mut session = Session::with(Some(&knee()), vec![row]);
    session.start(&SetRole::Working, LEGS);
    let judged = tilts.iter().zip(1..).map(|(tilt, n)| {
        let found = session.rep(&trunk(n, *tilt, Stage::Confirmed));
        one(&found, "TRUNK_FWD").severity
    });
    judged.collect()
}

#[test]
fn persistence_raises_and_hysteresis_holds() {
    use Severity::{Minor, Moderate, Note};
    // Past the first threshold in three of the last five.
    assert_eq!(
        leaning(&[41.0, 30.0, 41.0, 30.0, 41.0]),
        [Minor, Note, Minor, Note, Moderate]
    );
    assert_eq!(
        leaning(&[41.0, 41.0, 30.0, 30.0, 30.0, 41.0]),
        [Minor, Minor, Note, Note, Note, Minor]
    );
    // Past the second in two of the last three.
    assert_eq!(leaning(&[46.0, 30.0, 46.0]), [Minor, Note, Moderate]);
    assert_eq!(
        leaning(&[46.0, 30.0, 30.0, 46.0]),
        [Minor, Note, Note, Minor]
    );
    // Once raised, half a guard band inside is needed to fall.
    assert_eq!(
        leaning(&[46.0, 46.0, 39.0, 38.0, 39.0]),
        [Minor, Moderate, Moderate, Note, Note]
    );
}

#[test]
fn a_watch_item_without_data_keeps_the_repetition_from_being_within() {
    let row = own(Metric::TrunkForwardTilt, "max", 30.0);
    let mut session = Session::with(Some(&knee()), vec![row]);
    session.start(&SetRole::Working, LEGS);
    let mut holed = good(1);
    holed.measurements[1].measured = Measured::Missing {
        why: Missing::LostSamples,
    };
    assert_eq!(rep_verdict(&session.rep(&holed)), Verdict::Invalid);
}

#[test]
fn half_repetitions_are_seen_against_the_target() {
    let mut plan = knee();
    plan.exercises[0].watches[0].code = "DEPTH_SHORT".to_owned();
    for (max, verdict) in [
        (55.0, Verdict::Within),
        (52.0, Verdict::Unsure),
        (40.0, Verdict::Outside),
    ] {
        let found = Session::squat(&plan).rep(&depth(1, max));
        let finding = one(&found, "DEPTH_SHORT");
        assert_eq!(
            (finding.verdict, finding.min, finding.metric),
            (verdict, Some(54.0), Metric::KneeFlexion),
            "{max}"
        );
    }
}
