//! Plans as files: the examples and, where they are, the eleven clinic plans load; the lint rejects what
//! it must, one changed line at a time; and a plan that must not arm does not.

use Level::{Reject, Warn};
use plimsoll::{
    config::plan::{LoadedPlan, from_text, load},
    model::plan::PlanStatus,
    rules::{Level, arming, lint},
    wire::plan::parse,
};
use std::path::{Path, PathBuf};

const KNEE: &str = include_str!("../../config/plans/knee-squat.toml");
const SHOULDER: &str = include_str!("../../config/plans/shoulder-raise.toml");

fn own_plans() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/plans")
}

/// The clinic's plans: `PLIMSOLL_PLANS`, else beside the datasets, else beside the checkout, else our own.
fn plans() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let candidates = [
        std::env::var_os("PLIMSOLL_PLANS").map(PathBuf::from),
        std::env::var_os("PLIMSOLL_DATASETS").map(|d| Path::new(&d).join("../plans")),
        Some(manifest.join("../shared/plans")),
        Some(manifest.join("../../shared/plans")),
    ];
    candidates
        .into_iter()
        .flatten()
        .find(|p| p.is_dir())
        .unwrap_or_else(own_plans)
}

fn load_all(folder: &Path) -> Vec<(String, LoadedPlan)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no plans in {}", folder.display());
    files
        .iter()
        .map(|file| {
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            let plan = load(file).unwrap_or_else(|e| panic!("{e}"));
            (name, plan)
        })
        .collect()
}

#[test]
fn our_examples_load_without_a_warning() {
    let plans = load_all(&own_plans());
    assert!(plans.len() >= 3);
    for (name, loaded) in plans {
        assert_eq!(loaded.warnings, Vec::<String>::new(), "{name}");
        assert!(
            loaded
                .text
                .starts_with("# EXAMPLE ONLY - NOT MEDICAL ADVICE"),
            "{name}"
        );
        assert!(arming(&loaded.plan, "2026-01-05", &loaded.plan.client).is_ok());
        assert!(arming(&loaded.plan, "2026-03-27", &loaded.plan.client).is_ok());
    }
}

#[test]
fn the_clinic_s_plans_load_and_warn_only_where_a_surrogate_was_to_cue() {
    let plans = load_all(&plans());
    for (name, loaded) in &plans {
        let rejects: Vec<_> = lint(&loaded.plan)
            .into_iter()
            .filter(|p| p.level == Level::Reject)
            .collect();
        assert_eq!(rejects, Vec::new(), "{name}");
        assert!(
            arming(&loaded.plan, &loaded.plan.valid_from, &loaded.plan.client).is_ok(),
            "{name}"
        );
        for warning in &loaded.warnings {
            let surrogate = warning.contains("KNEE_MEDIAL") || warning.contains("SHRUG");
            let unseen = warning.contains("ELBOW_FLARE");
            assert!(surrogate || unseen, "{name}: {warning}");
        }
    }
}

/// Rules that the changed plan breaks, with their level.
fn broken(text: &str, changes: &[(&str, &str)]) -> Vec<(&'static str, Level, String)> {
    let mut text = text.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from:?} is not in the plan");
        text = text.replacen(from, to, 1);
    }
    let parsed = parse(&text).unwrap_or_else(|p| panic!("{p:?}"));
    lint(&parsed.plan)
        .into_iter()
        .map(|p| (p.rule, p.level, p.path))
        .collect()
}

/// The rule that must speak, how, where, and the change that is the mistake.
type Mistake = (
    &'static str,
    Level,
    &'static str,
    &'static [(&'static str, &'static str)],
);

fn breaks(plan: &str, mistakes: &[Mistake]) {
    for (rule, level, path, changes) in mistakes {
        let found = broken(plan, changes);
        let wanted = (*rule, *level, (*path).to_owned());
        assert!(
            found.contains(&wanted),
            "{changes:?} must break {wanted:?}, broke {found:?}"
        );
    }
}

#[rustfmt::skip]
const MISTAKES: &[Mistake] = &[
    ("PL-01", Reject, "plan_id", &[("\"EX-KNEE-SQUAT\"", "\" \"")]),
    ("PL-01", Reject, "valid_until", &[("valid_until = 2026-03-27", "valid_until = 2026-01-05")]),
    ("PL-01", Warn, "valid_until", &[("valid_until = 2026-03-27", "valid_until = 2026-03-31")]),
    ("PL-02", Reject, "exercise[0].side", &[("id = \"squat\"", "id = \"lunge\"")]),
    ("PL-03", Reject, "pain.cue_at", &[("cue_at = 3", "cue_at = 6")]),
    ("PL-03", Reject, "effort.rpe_max", &[("rpe_max = 8", "rpe_max = 13")]),
    ("PL-03", Reject, "effort.rpe_target", &[("rpe_target = [6, 8]", "rpe_target = [6, 9]")]),
    ("PL-04", Reject, "exercise[0].limit[0].min", &[("max = 90", "min = 90\nmax = 90")]),
    ("PL-04", Reject, "exercise[0].limit[0]", &[("max = 90\n", "")]),
    ("PL-04", Warn, "exercise[0].limit[0].max", &[("max = 90", "max = 160")]),
    ("PL-04", Reject, "exercise[0].limit[0].max", &[("max = 90", "max = 190")]),
    ("PL-04", Reject, "exercise[0].limit[0].unit", &[("unit = \"deg\"", "unit = \"rad\"")]),
    ("PL-04", Reject, "exercise[0].limit[0].guard", &[("max = 90", "max = 90\nguard = -1")]),
    ("PL-04", Warn, "exercise[0].limit[0].guard", &[("max = 90", "max = 90\nguard = 30")]),
    ("PL-05", Reject, "exercise[0].target[0].max", &[("max = 85", "max = 95")]),
    ("PL-06", Reject, "effort", &[("cardiac = false", "cardiac = true"), ("hr_ceiling_bpm = 145\n", "")]),
    ("PL-06", Reject, "effort.hr_basis", &[("cardiac = false", "cardiac = true"), ("\"therapist\"", "\"formula:220\"")]),
    ("PL-06", Reject, "effort.hr_basis", &[("hr_basis = \"therapist\"", "hr_basis = \"guess\"")]),
    ("PL-06", Reject, "effort", &[("hr_basis = \"therapist\"\n", "")]),
    ("PL-04", Reject, "effort.hr_max_bpm", &[("hr_basis = \"therapist\"", "hr_basis = \"gxt\"\nhr_max_bpm = 250")]),
    ("PL-04", Reject, "effort.hr_rest_bpm", &[("hr_basis = \"therapist\"", "hr_basis = \"gxt\"\nhr_rest_bpm = 20")]),
    ("PL-04", Reject, "effort.age_years", &[("hr_basis = \"therapist\"", "hr_basis = \"gxt\"\nage_years = 1979")]),
    ("PL-05", Reject, "effort.hr_ceiling_bpm", &[("hr_basis = \"therapist\"", "hr_basis = \"gxt\"\nhr_max_bpm = 140")]),
    ("PL-06", Warn, "effort.hr_basis", &[("\"therapist\"", "\"formula:mine\"")]),
    ("PL-06", Warn, "effort.hr_basis", &[("cardiac = false", "cardiac = true"), ("\"therapist\"", "\"formula:tanaka\"")]),
    ("PL-06", Reject, "effort", &[("hr_ceiling_bpm = 145\nhr_basis = \"therapist\"", "hr_max_bpm = 170")]),
    ("PL-07", Reject, "effort.hr_basis", &[("pregnant = false", "pregnant = true"), ("\"therapist\"", "\"formula:tanaka\"")]),
    ("PL-08", Reject, "exercise[0].tempo", &[("3-1-2-0\"\nrest", "0-1-2-0\"\nrest")]),
    ("PL-08", Reject, "exercise[0].tempo", &[("3-1-2-0\"\nrest", "X-1-2-0\"\nrest")]),
    ("PL-09", Reject, "exercise[0].load.one_rm_kg", &[("kind = \"kg\"", "kind = \"pct_1rm\"")]),
    ("PL-10", Reject, "exercise[0].load.max_kg", &[("value = 12,", "value = 13,")]),
    ("PL-10", Reject, "exercise[0].load", &[(", basis = \"total\"", "")]),
    ("PL-11", Reject, "weight_bearing", &[("\"FWB\"", "\"PWB\"")]),
    ("PL-14", Warn, "trainer_summary", &[("Left knee protected", "Mrs. Example has her left knee protected")]),
    ("PL-15", Reject, "emergency", &[("emergency = \"Stop, sit the client down, call the therapist; call emergency services for collapse or chest pain.\"", "emergency = \"\"")]),
    ("PL-16", Reject, "exercise[0].reps", &[("reps = 10", "reps = 51")]),
    ("PL-16", Reject, "exercise[0].sets", &[("sets = 3", "sets = 0")]),
    ("PL-16", Reject, "exercise[0].rest_s", &[("rest_s = [90, 120]", "rest_s = 601")]),
    ("PL-17", Reject, "status", &[("signed_at = 2026-01-05T09:00:00Z\n", "")]),
    ("PL-18", Reject, "exercise[0].id", &[("id = \"squat\"", "id = \"sqat\"")]),
    ("PL-18", Reject, "exercise[0].limit[0].metric", &[("metric = \"knee_flexion\"", "metric = \"knee_flexing\"")]),
    ("PL-18", Reject, "exercise[0].limit[0].metric", &[("metric = \"knee_flexion\"", "metric = \"pain\"")]),
    ("PL-18", Reject, "exercise[0].watch[0].code", &[("TRUNK_FWD", "TRUNK_FORWARD")]),
    ("PL-18", Reject, "exercise[0].watch[1].code", &[("WEIGHT_SHIFT", "TRUNK_FWD")]),
];

#[test]
fn each_rule_catches_its_mistake() {
    breaks(KNEE, MISTAKES);
}

#[rustfmt::skip]
const RESTRICTION_MISTAKES: &[Mistake] = &[
    ("PL-05", Reject, "exercise[0].limit[0].max", &[("max = 90\nunit", "max = 95\nunit")]),
    ("PL-08", Reject, "exercise[0].tempo", &[("3-1-3-0", "3-1-X-0"), ("weight_through_arm", "explosive")]),
    ("PL-12", Warn, "avoid[0]", &[("metric = \"shoulder_flexion\"\nmax = 90\ntrainer", "trainer")]),
    ("PL-12", Warn, "avoid[1]", &[("check = \"trainer\"", "check = \"sensor\"")]),
    ("PL-13", Warn, "exercise[0].limit[0].on_breach", &[("metric = \"shoulder_flexion\"\nmax = 90\nunit", "metric = \"knee_medial_shift\"\nmax = 20\nunit")]),
    ("PL-13", Warn, "exercise[0].watch[0].on_flag", &[("TRUNK_SIDE_LEAN\"\non_flag = \"record\"", "TRUNK_SIDE_LEAN\"\non_flag = \"stop\"")]),
    ("PL-18", Reject, "avoid[0].code", &[("overhead_load", "overhead_lod")]),
    ("PL-18", Reject, "avoid[0].applies_to[0]", &[("check = \"sensor\"", "check = \"sensor\"\napplies_to = [\"shoulder_raise\"]")]),
];

#[test]
fn restrictions_are_linted() {
    breaks(SHOULDER, RESTRICTION_MISTAKES);
}

#[test]
fn a_plan_that_must_not_arm_does_not() {
    let plan = parse(KNEE).unwrap().plan;
    assert_eq!(arming(&plan, "2026-02-01", "C-0001"), Ok(()));
    let reasons = |change: &dyn Fn(&mut plimsoll::model::plan::Plan), day: &str, client: &str| {
        let mut plan = plan.clone();
        change(&mut plan);
        arming(&plan, day, client)
            .expect_err("must not arm")
            .join("; ")
    };
    let same: &dyn Fn(&mut plimsoll::model::plan::Plan) = &|_| {};
    assert!(reasons(same, "2026-03-28", "C-0001").contains("expired on 2026-03-27"));
    assert!(reasons(same, "2026-01-04", "C-0001").contains("begins on 2026-01-05"));
    assert!(reasons(same, "2026-02-01", "C-0002").contains("session is for C-0002"));
    assert!(reasons(same, "today", "C-0001").contains("not as YYYY-MM-DD"));
    assert!(reasons(&|p| p.signed_at = None, "2026-02-01", "C-0001").contains("not signed"));
    for status in [
        PlanStatus::Draft,
        PlanStatus::OnHold,
        PlanStatus::Revoked,
        PlanStatus::Completed,
        PlanStatus::EnteredInError,
        PlanStatus::Superseded,
        PlanStatus::Expired,
    ] {
        assert!(reasons(&|p| p.status = status, "2026-02-01", "C-0001").contains("not active"));
    }
    assert!(
        reasons(
            &|p| {
                p.signed_at = None;
                p.status = PlanStatus::Draft;
            },
            "2027-01-01",
            "X"
        )
        .matches("; ")
        .count()
            == 3
    );
}

#[test]
fn a_rejected_plan_is_not_loaded() {
    let looser = SHOULDER.replacen("max = 90\nunit", "max = 95\nunit", 1);
    let error = from_text("shoulder.toml", looser).unwrap_err();
    assert!(error.problems[0].contains("PL-05"), "{error}");
    assert!(error.problems[0].starts_with("shoulder.toml:"), "{error}");
}
