//! What holds for every number: past the limit is never within, combined is never looser, missing is
//! never within.

use super::session::*;
use plimsoll::{
    model::{
        command::SetRole,
        finding::{CheckKind, Verdict},
        metric::Metric,
        plan::TrainingSide,
    },
    rules::{Judge, Params, rep_verdict},
    wire::plan::parse,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_value_past_limit_and_guard_is_never_within(limit in -100.0..150.0f64, guard in 0.0..30.0f64, past in 0.001..200.0f64, upper: bool) {
        let mut plan = knee();
        let l = &mut plan.exercises[0].limits[0];
        (l.min, l.max, l.guard) = if upper { (None, Some(limit), Some(guard)) } else { (Some(limit), None, Some(guard)) };
        let value_past = if upper { limit + guard + past } else { limit - guard - past };
        let found = Session::squat(&plan).rep(&rep(1, &[(Metric::KneeFlexion, value(value_past, value_past))]));
        let finding = found.iter().find(|f| f.kind == CheckKind::Limit).unwrap();
        prop_assert_eq!(finding.verdict, Verdict::Outside);
        prop_assert_eq!(rep_verdict(&found), Verdict::Outside);
    }

    #[test]
    fn a_value_past_the_limit_is_never_within(limit in 0.0..150.0f64, past in 0.001..100.0f64) {
        let mut plan = knee();
        plan.exercises[0].limits[0].max = Some(limit);
        let found = Session::squat(&plan).rep(&depth(1, limit + past));
        prop_assert_ne!(one(&found, "DEPTH_OVER").verdict, Verdict::Within);
    }

    #[test]
    fn combined_limits_are_never_looser_than_either(a in 40.0..120.0f64, ga in 0.0..20.0f64, b in 40.0..120.0f64, at in 30.0..160.0f64) {
        let verdict = |avoid: Option<f64>, limit: Option<(f64, f64)>| {
            let mut plan = parse(SHOULDER).unwrap().plan;
            plan.avoid[0].max = avoid;
            plan.exercises[0].limits[0].max = limit.map(|l| l.0);
            plan.exercises[0].limits[0].guard = limit.map(|l| l.1);
            let mut judge = Judge::new(&Params::default(), Some(&plan), Vec::new());
            judge.set_started(s(0.0), "shoulder_flexion", TrainingSide::Right, &SetRole::Working, None, &[Metric::ShoulderFlexion]);
            let mut out = Vec::new();
            judge.rep(&rep(1, &[(Metric::ShoulderFlexion, value(0.0, at))]), &mut out);
            one(&out, "DEPTH_OVER").verdict
        };
        let both = verdict(Some(b), Some((a, ga)));
        let alone = verdict(Some(b), None).max(verdict(None, Some((a, ga))));
        // Within < Unsure < Outside.
        prop_assert!(both >= alone, "{both:?} is looser than {alone:?}");
    }

    #[test]
    fn no_repetition_is_within_while_one_required_check_is_missing(knee_missing: bool, phases_missing: bool) {
        let mut rep = good(1);
        if knee_missing {
            rep.measurements.retain(|m| m.metric != Metric::KneeFlexion);
        }
        if phases_missing {
            rep.phases = None;
        }
        let verdict = rep_verdict(&Session::squat(&knee()).rep(&rep));
        prop_assert_eq!(verdict == Verdict::Within, !knee_missing && !phases_missing);
    }
}
