//! Tests of `plan`.

use super::*;

const KNEE: &str = include_str!("../../../config/plans/knee-squat.toml");

fn problems(text: &str) -> String {
    from_text("knee.toml", text.to_owned())
        .expect_err("the plan must be refused")
        .problems
        .join("\n")
}

#[test]
fn a_plan_that_may_be_used_says_nothing() {
    let loaded = from_text("knee.toml", KNEE.to_owned()).unwrap();
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert_eq!(loaded.plan.plan_id, "EX-KNEE-SQUAT");
    assert_eq!(loaded.sha256.len(), 64);
    assert_eq!(loaded.text, KNEE);
}

#[test]
fn the_hash_is_of_the_file() {
    assert_eq!(
        hex(&Sha256::digest(b"abc")),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

#[test]
fn a_wrong_key_is_refused_with_its_line() {
    let text = KNEE.replacen("max = 90", "maks = 90", 1);
    insta::assert_snapshot!(problems(&text), @r#"
knee.toml:63:1: exercise[0].limit[0].maks: unknown key `maks`; a key this program does not know is refused
    hint: did you mean `max`?
"#);
}

#[test]
fn an_impossible_limit_is_refused_with_its_line() {
    let text = KNEE.replacen("max = 90", "min = 95\nmax = 90", 1);
    insta::assert_snapshot!(problems(&text), @r#"
knee.toml:63:7: exercise[0].limit[0].min: min 95 is not below max 90: nothing can lie between them (PL-04)
    hint: write min = 90, max = 95, or one of the two
knee.toml:71:7: exercise[0].target[0].min: the target on knee_flexion allows 60, looser than 95 of the limit of the exercise (PL-05)
    hint: the tighter number would win; write what is meant
knee.toml:72:7: exercise[0].target[0].max: the target on knee_flexion allows 85, looser than 95 of the limit of the exercise (PL-05)
    hint: the tighter number would win; write what is meant
"#);
    let text = KNEE.replacen("max = 90", "max = 900", 1);
    insta::assert_snapshot!(problems(&text), @r#"
knee.toml:63:7: exercise[0].limit[0].max: max = 900 deg is impossible for knee_flexion (PL-04)
"#);
}

#[test]
fn an_unknown_exercise_is_refused_with_the_nearest_one() {
    let text = KNEE.replacen("id = \"squat\"", "id = \"sqaut\"", 1);
    insta::assert_snapshot!(problems(&text), @r#"
knee.toml:52:6: exercise[0].id: no exercise is called "sqaut" (PL-18)
    hint: did you mean "squat"?
"#);
}

#[test]
fn every_problem_is_reported_at_once() {
    let text = KNEE
        .replacen("side = \"both\"", "", 1)
        .replacen("sets = 3", "sets = \"3\"", 1)
        .replacen("3-1-2-0\"\nrest", "3-1-2\"\nrest", 1)
        .replacen("cue_at = 3", "cue_at = 11", 1)
        .replacen("valid_until = 2026-03-27", "valid_until = \"soon\"", 1)
        .replacen(
            "signed_at = 2026-01-05T09:00:00Z",
            "signed_at = 2026-01-05T09:00:00",
            1,
        );
    insta::assert_snapshot!(problems(&text), @r#"
knee.toml:10:13: signed_at: `signed_at` is 2026-01-05T09:00:00, without an offset
    hint: add Z for UTC, or the offset such as +01:00
knee.toml:12:15: valid_until: `valid_until` is the text "soon"; expected a date such as 2026-01-05
knee.toml:46:10: pain.cue_at: `cue_at` is 11; expected a whole number from 0 to 10
knee.toml:51:1: exercise[0].side: key `side` is missing in `exercise[0]`
knee.toml:54:8: exercise[0].sets: `sets` is the text "3"; expected a whole number from 0 to 1000
    hint: write it without quotation marks
knee.toml:57:9: exercise[0].tempo: tempo "3-1-2" has three numbers; expected four places
    hint: three-number forms differ in meaning and are not guessed: write eccentric-pause-concentric-pause, with * for a place that is not prescribed
"#);
}

#[test]
fn a_value_written_twice_is_refused() {
    let text = KNEE.replacen("max = 90", "max = 90\nmax = 120", 1);
    insta::assert_snapshot!(problems(&text), @r#"
knee.toml:64:1: not TOML: duplicate key
    hint: keep one of the two: a second value would hide the first
"#);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load(Path::new("nowhere.toml")).unwrap_err();
    assert!(error.to_string().contains("nowhere.toml: cannot be read"));
}
