//! Tests of `plan`.

use super::*;
use crate::model::plan::{Reaction, Span};

const PLAN: &str = include_str!("../../../config/plans/knee-squat.toml");

fn refused(from: &str, to: &str) -> Vec<Problem> {
    assert!(PLAN.contains(from), "{from:?} is not in the example");
    parse(&PLAN.replacen(from, to, 1)).expect_err("must be refused")
}

#[test]
fn values_arrive_with_their_places() {
    let ParsedPlan { plan, spans } = parse(PLAN).unwrap();
    let squat = plan.prescription("squat").unwrap();
    assert_eq!(
        squat.reps,
        Span {
            min: 10.0,
            max: 10.0
        }
    );
    assert_eq!(
        squat.rest_s,
        Span {
            min: 90.0,
            max: 120.0
        }
    );
    assert_eq!(squat.limits[0].on_breach, Reaction::Stop);
    assert_eq!(plan.signed_at.as_deref(), Some("2026-01-05T09:00:00Z"));
    let place = spans.place("exercise[0].limit[0].max");
    let line = PLAN.lines().nth(place.line - 1).unwrap();
    assert_eq!((line, place.column), ("max = 90", 7));
    // A key that is not there: its table.
    let place = spans.place("exercise[0].limit[0].guard");
    assert_eq!(PLAN.lines().nth(place.line - 1), Some("[[exercise.limit]]"));
    assert_eq!(spans.place("nowhere"), Place { line: 1, column: 1 });
}

#[test]
fn every_table_refuses_unknown_keys() {
    for at in [
        "schema =",
        "[phase]",
        "[[phase.progress_when]]",
        "[effort]",
        "[pain]",
        "[[exercise]]",
        "[[exercise.limit]]",
        "[[exercise.target]]",
        "[[exercise.watch]]",
    ] {
        let to = if at == "schema =" {
            "zzz = 1\nschema =".to_owned()
        } else {
            format!("{at}\nzzz = 1")
        };
        let problems = refused(at, &to);
        assert_eq!(problems.len(), 1, "{at}: {problems:?}");
        assert!(
            problems[0].message.contains("unknown key `zzz`"),
            "{problems:?}"
        );
    }
    for inline in [
        "{ status = \"FWB\"",
        "{ sessions_per_week = 3",
        "{ kind = \"kg\"",
    ] {
        let problems = refused(inline, &inline.replace('{', "{ zzz = 1,"));
        assert!(
            problems.iter().any(|p| p.path.ends_with("zzz")),
            "{problems:?}"
        );
    }
}

#[test]
fn every_required_key_is_missed() {
    for key in [
        "schema",
        "plan_id",
        "version",
        "status",
        "client",
        "author",
        "valid_from",
        "valid_until",
        "affected_side",
        "cardiac",
        "beta_blocker",
        "pregnant",
        "trainer_summary",
        "frequency",
        "emergency",
        "avoid",
        "rpe_scale",
        "rpe_max",
        "symptoms_stop",
        "site",
        "cue_at",
        "stop_at",
        "max_rise",
        "next_morning_max_rise",
        "id",
        "side",
        "sets",
        "reps",
        "rest_s",
        "load",
        "metric",
        "code",
        "on_flag",
    ] {
        let line = PLAN
            .lines()
            .find(|l| l.starts_with(&format!("{key} = ")))
            .unwrap();
        let problems = parse(&PLAN.replacen(&format!("{line}\n"), "", 1)).expect_err(key);
        assert!(
            problems
                .iter()
                .any(|p| p.message.contains(&format!("`{key}` is missing"))),
            "{key}: {problems:?}"
        );
    }
}

#[test]
fn wrong_types_and_ranges_say_what_was_expected() {
    for (from, to, expected) in [
        ("version = 1", "version = 0", "a whole number from 1"),
        ("version = 1", "version = 1.5", "a whole number from 1"),
        ("cardiac = false", "cardiac = \"no\"", "true or false"),
        ("rpe_max = 8", "rpe_max = nan", "a finite number"),
        ("rpe_max = 8", "rpe_max = inf", "a finite number"),
        ("stop_at = 5", "stop_at = 50", "a whole number from 0 to 10"),
        ("reps = 10", "reps = 10.5", "a whole number"),
        (
            "reps = 10",
            "reps = [8, 10, 12]",
            "one number or [lower, upper]",
        ),
        ("reps = 10", "reps = [12, 8]", "comes after"),
        (
            "side = \"both\"",
            "side = \"affected\"",
            "one of left, right, both, alternating",
        ),
        ("avoid = []", "avoid = 0", "a list"),
        (
            "status = \"active\"",
            "status = \"Active\"",
            "one of draft, active",
        ),
        ("valid_from = 2026-01-05", "valid_from = 2026-02-31", ""),
        (
            "loading-limits/0.1",
            "loading-limits/0.2",
            "loading-limits/0.1",
        ),
    ] {
        let problems = refused(from, to);
        assert!(problems[0].message.contains(expected), "{to}: {problems:?}");
    }
}

#[test]
fn reps_may_be_a_window() {
    let parsed = parse(&PLAN.replacen("reps = 10", "reps = [8, 12]", 1)).unwrap();
    assert_eq!(
        parsed.plan.exercises[0].reps,
        Span {
            min: 8.0,
            max: 12.0
        }
    );
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_cut_plan_panics_or_passes(at in 0..PLAN.len() - 200) {
            // The last table can be lost without a trace in any format; everything before it is required.
            if PLAN.is_char_boundary(at) && at < PLAN.find("rest_s").unwrap() {
                prop_assert!(parse(&PLAN[..at]).is_err());
            }
        }

        #[test]
        fn no_changed_byte_panics(at in 0..PLAN.len(), byte in 0u8..128) {
            let mut bytes = PLAN.as_bytes().to_vec();
            bytes[at] = byte;
            if let Ok(text) = String::from_utf8(bytes) {
                let _ = parse(&text);
            }
        }
    }
}
