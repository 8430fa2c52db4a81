//! Heart rate, pain, effort, symptoms, typed load, and the words of a finding.

use super::session::*;
use plimsoll::{
    model::{
        command::SetRole,
        finding::{Action, Finding, Severity, Verdict},
        heart::{Figure, MaximumSource, Withheld},
        metric::Metric,
        plan::{Plan, RpeScale, TrainingSide},
        rep::{HeartStats, Measured, Missing, Stage},
    },
    rules::{Judge, Params, explain, heart_profile, rep_verdict},
    wire::plan::parse,
};

#[test]
fn i6_pain_effort_and_symptoms_stop_green_repetitions() {
    let mut session = Session::squat(&knee());
    assert_eq!(rep_verdict(&session.rep(&good(1))), Verdict::Within);
    let scale = RpeScale::RirRpe;
    for (pain, verdict, action) in [
        (Some(2), Verdict::Within, Action::Record),
        (Some(3), Verdict::Unsure, Action::Cue),
        (Some(5), Verdict::Outside, Action::Stop),
        (None, Verdict::NotAssessed, Action::Record),
    ] {
        let found = session.entry(Some((scale, 7.0)), pain, &[]);
        let finding = one(&found, "PAIN");
        assert_eq!(
            (finding.verdict, finding.action, finding.set),
            (verdict, action, 1),
            "{pain:?}"
        );
    }
    for (rpe, verdict) in [
        (Some((scale, 8.0)), Verdict::Within),
        (Some((scale, 8.5)), Verdict::Outside),
        (Some((RpeScale::Cr10, 2.0)), Verdict::Invalid),
        (None, Verdict::NotAssessed),
    ] {
        assert_eq!(
            one(&session.entry(rpe, Some(0), &[]), "RPE").verdict,
            verdict,
            "{rpe:?}"
        );
    }
    for symptom in [
        "giving_way",
        "chest_pain",
        "something the plan never heard of",
    ] {
        let found = session.entry(None, None, &[symptom]);
        assert_eq!(
            (
                one(&found, "SYMPTOM").verdict,
                one(&found, "SYMPTOM").action
            ),
            (Verdict::Outside, Action::Stop)
        );
    }
    assert_eq!(
        one(&session.entry(None, None, &[]), "SYMPTOM").verdict,
        Verdict::Within
    );
}

#[test]
fn a_rise_of_pain_over_the_value_before_the_session() {
    let mut session = Session::with(Some(&knee()), Vec::new());
    let before = session.entry(None, Some(1), &[]);
    assert_eq!(one(&before, "PAIN").set, 0);
    session.start(&SetRole::Working, LEGS);
    assert_eq!(
        one(&session.entry(None, Some(3), &[]), "PAIN_RISE").verdict,
        Verdict::Within
    );
    assert_eq!(
        one(&session.entry(None, Some(4), &[]), "PAIN_RISE").verdict,
        Verdict::Outside
    );
}

#[test]
fn the_typed_load_is_held_to_its_limit() {
    for (load, verdict) in [
        (Some(12.0), Verdict::Within),
        (Some(12.5), Verdict::Outside),
        (None, Verdict::NotAssessed),
    ] {
        let mut judge = Judge::new(&Params::default(), Some(&knee()), Vec::new());
        let by_eye = judge.set_started(
            s(0.0),
            "squat",
            TrainingSide::Both,
            &SetRole::Working,
            load,
            LEGS,
        );
        assert_eq!(
            by_eye.iter().any(|l| l.contains("load was not typed")),
            load.is_none()
        );
        let mut out = Vec::new();
        judge.rep(&good(1), &mut out);
        let finding = one(&out, "LOAD_MAX");
        assert_eq!(
            (finding.verdict, finding.max, finding.set),
            (verdict, Some(12.0), 1)
        );
        assert_eq!(finding.action == Action::Stop, verdict == Verdict::Outside);
        out.clear();
        judge.rep(&good(2), &mut out);
        assert!(out.iter().all(|f| f.code != "LOAD_MAX"), "told once");
    }
}

#[test]
fn the_heart_rate_ceiling_needs_dwell_and_clears_slowly() {
    let mut session = Session::squat(&knee());
    let mut t = 0.0;
    let mut hold = |session: &mut Session, seconds: u32, bpm: f64| -> usize {
        (0..seconds)
            .map(|_| {
                t += 1.0;
                session.heart(t, Some(bpm)).len()
            })
            .sum()
    };
    assert_eq!(hold(&mut session, 20, 145.0), 0, "at the ceiling");
    assert_eq!(hold(&mut session, 4, 150.0), 0, "too short");
    assert_eq!(hold(&mut session, 1, 145.0), 0);
    assert_eq!(hold(&mut session, 20, 150.0), 1, "once");
    assert_eq!(hold(&mut session, 30, 143.0), 0, "not clear yet");
    assert_eq!(hold(&mut session, 10, 150.0), 0, "the same alarm");
    assert_eq!(hold(&mut session, 8, 139.0), 0, "clearing too short");
    assert_eq!(hold(&mut session, 10, 150.0), 0, "the same alarm still");
    assert_eq!(hold(&mut session, 12, 140.0), 0, "clears");
    assert_eq!(hold(&mut session, 10, 146.0), 1, "a new alarm");
}

#[test]
fn the_alarm_s_finding_is_a_stop() {
    let mut session = Session::squat(&knee());
    let found: Vec<_> = (0..=6)
        .flat_map(|t| session.heart(f64::from(t), Some(150.0)))
        .collect();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].verdict, found[0].action, found[0].severity),
        (Verdict::Outside, Action::Stop, Severity::Major)
    );
    assert_eq!(
        (found[0].t, found[0].value, found[0].set),
        (s(5.0), Some(150.0), 1)
    );
    let (found, _) = session.end(1, SetRole::Working, &steady(140.0));
    assert_eq!(
        one(&found, "HR_CEILING").verdict,
        Verdict::Outside,
        "what was raised live stays"
    );
}

#[test]
fn a_lost_heart_rate_is_found_once_a_gap_and_stops_where_it_is_required() {
    for required in [false, true] {
        let mut plan = knee();
        plan.require_hr_signal = required;
        let mut session = Session::squat(&plan);
        let mut count = |from: u32, to: u32, bpm: Option<f64>| -> Vec<Finding> {
            (from..to)
                .flat_map(|t| session.heart(f64::from(t), bpm))
                .collect()
        };
        assert!(count(0, 10, Some(100.0)).is_empty());
        assert!(count(10, 15, None).is_empty(), "five seconds are no gap");
        let gap = count(15, 60, None);
        assert_eq!(gap.len(), 1);
        assert_eq!(
            (gap[0].verdict, gap[0].missing, gap[0].t),
            (Verdict::Invalid, Some(Missing::Gap), s(15.0))
        );
        assert_eq!(gap[0].action == Action::Stop, required);
        assert!(count(60, 70, Some(100.0)).is_empty());
        assert_eq!(count(70, 90, None).len(), 1, "another gap");
    }
}

#[test]
fn a_gap_that_only_shows_by_the_next_value_is_found_too() {
    let mut session = Session::squat(&knee());
    assert!(session.heart(0.0, Some(100.0)).is_empty());
    assert!(session.heart(5.0, Some(100.0)).is_empty());
    let gap = session.heart(11.0, Some(100.0));
    assert_eq!((gap.len(), gap[0].verdict), (1, Verdict::Invalid));
    assert!(session.heart(12.0, Some(100.0)).is_empty());
}

#[test]
fn a_gap_neither_ends_an_alarm_nor_carries_a_rise_across() {
    let mut session = Session::squat(&knee());
    for t in 0..4 {
        assert!(session.heart(f64::from(t), Some(150.0)).is_empty());
    }
    session.heart(20.0, None);
    assert!(
        session.heart(21.0, Some(150.0)).is_empty(),
        "the dwell begins anew"
    );
    assert_eq!(session.heart(26.0, Some(150.0)).len(), 1);
    // Two values below the clearing number, nothing between them: not ten seconds of proof.
    assert!(session.heart(27.0, Some(120.0)).is_empty());
    assert_eq!(session.heart(38.0, Some(120.0)).len(), 1, "the gap itself");
    for t in 39..=47 {
        assert!(
            session.heart(f64::from(t), Some(150.0)).is_empty(),
            "the same alarm"
        );
    }
}

#[test]
fn a_gap_between_sets_is_found_when_the_set_starts_and_without_any_call_at_the_repetition() {
    let mut session = Session::with(Some(&knee()), Vec::new());
    assert!(
        (0..60)
            .flat_map(|t| session.heart(f64::from(t), None))
            .next()
            .is_none(),
        "no set runs"
    );
    session.start(&SetRole::Working, LEGS);
    assert_eq!(session.heart(60.0, None).len(), 1);

    let mut session = Session::squat(&knee());
    session.rep(&good(1));
    session.rep(&good(2));
    let gap = one(&session.out, "HR_CEILING");
    assert_eq!(
        (gap.verdict, gap.missing),
        (Verdict::Invalid, Some(Missing::NoSensor))
    );
}

#[test]
fn the_heart_rate_of_a_set_is_within_only_when_it_was_seen() {
    for (max, covered, verdict) in [
        (Some(145.0), 1.0, Verdict::Within),
        (Some(145.0), 0.95, Verdict::Within),
        (Some(145.0), 0.94, Verdict::Invalid),
        (Some(146.0), 1.0, Verdict::Unsure),
        (Some(149.0), 0.1, Verdict::Outside),
        (None, 1.0, Verdict::Invalid),
        (None, 0.0, Verdict::Invalid),
        (Some(f64::NAN), 1.0, Verdict::Invalid),
    ] {
        let mut session = Session::squat(&knee());
        let stats = HeartStats {
            max_bpm: max,
            mean_bpm: max,
            covered,
            ..HeartStats::default()
        };
        let (found, _) = session.end(1, SetRole::Working, &stats);
        let finding = one(&found, "HR_CEILING");
        assert_eq!(
            (finding.verdict, finding.stage, finding.action),
            (verdict, Stage::Final, Action::Record),
            "{max:?} {covered}"
        );
    }
    let mut session = Session::with(Some(&knee()), Vec::new());
    session.start(&SetRole::Working, &[Metric::KneeFlexion]);
    let (found, _) = session.end(1, SetRole::Working, &HeartStats::default());
    assert_eq!(
        one(&found, "HR_CEILING").verdict,
        Verdict::NotAssessed,
        "no strap"
    );
}

#[test]
fn the_heart_rate_zone_is_a_target_of_working_sets() {
    let plan = parse(&KNEE.replacen(
        "hr_ceiling_bpm = 145",
        "hr_ceiling_bpm = 145\nhr_zone_bpm = [110, 130]",
        1,
    ))
    .unwrap()
    .plan;
    for (mean, verdict) in [
        (120.0, Verdict::Within),
        (132.0, Verdict::Unsure),
        (100.0, Verdict::Outside),
    ] {
        let (found, _) = Session::squat(&plan).end(1, SetRole::Working, &steady(mean));
        let zone = one(&found, "HR_ZONE");
        assert_eq!(
            (zone.verdict, zone.action),
            (verdict, Action::Record),
            "{mean}"
        );
    }
    let mut session = Session::with(Some(&plan), Vec::new());
    session.start(&SetRole::WarmUp, LEGS);
    let (found, _) = session.end(1, SetRole::WarmUp, &steady(120.0));
    assert!(found.iter().all(|f| f.code != "HR_ZONE"));
}

#[test]
fn findings_explain_themselves() {
    let mut session = Session::squat(&knee());
    let mut lines = Vec::new();
    for max in [80.0, 92.46, 97.2] {
        lines.push(explain(one(&session.rep(&depth(1, max)), "DEPTH_OVER")));
    }
    let gap = rep(
        2,
        &[(Metric::KneeFlexion, Measured::Missing { why: Missing::Gap })],
    );
    lines.push(explain(one(&session.rep(&gap), "DEPTH_OVER")));
    let found = session.rep(&good(3));
    lines.extend(found.iter().filter(|f| f.code != "DEPTH_OVER").map(explain));
    lines.extend(
        session
            .entry(Some((RpeScale::Cr10, 2.0)), Some(4), &["giving_way"])
            .iter()
            .map(explain),
    );
    lines.extend(session.entry(None, Some(6), &[]).iter().map(explain));
    lines.extend(
        session
            .end(1, SetRole::Working, &steady(151.0))
            .0
            .iter()
            .map(explain),
    );
    insta::assert_snapshot!(lines.join("\n"), @r#"
Set 1, repetition 1: knee flexion 80 ± 3 deg, within the limit of at most 90 deg set by the plan.
Set 1, repetition 1: knee flexion 92.5 ± 3 deg, past the limit of at most 90 deg set by the plan, by no more than the guard band of 5 deg.
Set 1, repetition 1: knee flexion 97.2 ± 3 deg, outside the limit of at most 90 deg set by the plan.
Set 1, repetition 2: no verdict on knee flexion against the limit of at most 90 deg set by the plan: its data have a gap.
Set 1, repetition 3: knee flexion 80 ± 3 deg, within the target of 60 to 85 deg set by the plan.
Set 1, repetition 3: time of the eccentric phase 3 s, within the prescribed tempo of 2.25 to 3.75 s set by the plan.
Set 1, repetition 3: pause after the eccentric phase 1 s, within the prescribed tempo of 0.5 to 1.5 s set by the plan.
Set 1, repetition 3: time of the concentric phase 2 s, within the prescribed tempo of 1.5 to 2.5 s set by the plan.
Set 1, repetition 3: pause after the concentric phase 0 s, within the prescribed tempo of at most 0.5 s set by the plan.
Set 1, repetition 3: trunk forward tilt not assessed against the threshold for "chest drops" from the program's table: there is nothing to compare it with yet.
Set 1, repetition 3: side difference of range of motion 1 ± 3 %, within the threshold for "leaning to one side" of -10 to 10 % from the program's table.
Set 1, repetition 3: time taken over time prescribed 1, within the threshold for "dropping the weight" of at least 0.75 from the program's table.
Set 1: symptoms 1, outside the limit of at most 0 set by the plan.
Set 1: pain 4, at the cue number, below the stop number of 5 set by the plan.
Set 1: no verdict on rating of perceived exertion against the limit of at most 8 set by the plan: the entry is on another scale.
Set 1: symptoms 0, within the limit of at most 0 set by the plan.
Set 1: pain 6, outside the limit of at most 4 set by the plan.
Set 1: rating of perceived exertion not assessed against the limit of at most 8 set by the plan: it was not typed.
Set 1: heart rate 151 ± 3 /min, outside the heart-rate ceiling of at most 145 /min set by the plan.
"#);
}

#[test]
fn a_formula_of_age_stands_in_only_where_one_holds() {
    let plan = |change: &dyn Fn(&mut Plan)| {
        let mut plan = knee();
        plan.effort.hr_rest_bpm = Some(60.0);
        plan.effort.age_years = Some(50.0);
        plan.effort.hr_basis = Some("formula:tanaka".to_owned());
        change(&mut plan);
        heart_profile(Some(&plan)).maximum
    };
    let by_age = plan(&|_| {}).value().unwrap();
    assert_eq!(
        (by_age.bpm, by_age.error_bpm, by_age.source),
        (173.0, Some(22.0), MaximumSource::Tanaka)
    );
    for (change, why) in [
        (
            (&|p: &mut Plan| p.beta_blocker = true) as &dyn Fn(&mut Plan),
            Withheld::BetaBlocker,
        ),
        (&|p| p.pregnant = true, Withheld::Pregnant),
        (&|p| p.cardiac = true, Withheld::Cardiac),
        (&|p| p.effort.age_years = None, Withheld::NoAge),
        (
            &|p| p.effort.hr_basis = Some("formula:mine".to_owned()),
            Withheld::UnknownFormula,
        ),
        (&|p| p.effort.hr_basis = None, Withheld::NoMaximum),
        (
            &|p| p.effort.hr_basis = Some("gxt".to_owned()),
            Withheld::NoMaximum,
        ),
    ] {
        assert_eq!(plan(change), Figure::Withheld(why));
    }
    // Also when the therapist did the sum: it is a formula still.
    let typed = plan(&|p| {
        p.beta_blocker = true;
        p.effort.hr_max_bpm = Some(170.0);
    });
    assert_eq!(typed, Figure::Withheld(Withheld::BetaBlocker));
    // What was measured holds for everybody.
    let measured = plan(&|p| {
        p.beta_blocker = true;
        p.cardiac = true;
        p.effort.hr_basis = Some("gxt".to_owned());
        p.effort.hr_max_bpm = Some(141.0);
    });
    assert_eq!(
        measured.value().map(|m| (m.bpm, m.source)),
        Some((141.0, MaximumSource::ExerciseTest))
    );
    assert_eq!(
        heart_profile(None).maximum,
        Figure::Withheld(Withheld::NoMaximum)
    );
}
