//! What the plan says of the client's heart, for shares of reserve and maximum. bpm.
//!
//! A formula of age stands in only where one holds: not under a beta-blocker, not in pregnancy, and not for a
//! cardiac client, who needs a measured maximum (clinic rules 4 and 6.8, PL-06, PL-07). A number that was measured
//! or typed by the therapist is taken as it is.

use crate::model::{
    heart::{Figure, HeartProfile, Maximum, MaximumSource, Withheld},
    plan::Plan,
};

/// 95 % of people lie within so many bpm of the formula (clinic rules 6.8).
const FOX_ERROR_BPM: f64 = 24.0;
const OTHER_ERROR_BPM: f64 = 22.0;

/// A formula of age that this program knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Formula {
    source: MaximumSource,
    at_birth_bpm: f64,
    bpm_a_year: f64,
    error_bpm: f64,
}

impl Formula {
    fn maximum(self, age_years: f64) -> Maximum {
        Maximum {
            bpm: self.at_birth_bpm - self.bpm_a_year * age_years,
            error_bpm: Some(self.error_bpm),
            source: self.source,
        }
    }
}

/// Names of formulas in `hr_basis` after `formula:`.
pub(super) const FORMULAS: [&str; 4] = ["220", "fox", "tanaka", "gellish"];

/// The formula of that name.
pub(super) fn formula(name: &str) -> Option<Formula> {
    let (source, at_birth_bpm, bpm_a_year, error_bpm) = match name {
        "220" | "fox" => (MaximumSource::Fox, 220.0, 1.0, FOX_ERROR_BPM),
        "tanaka" => (MaximumSource::Tanaka, 208.0, 0.7, OTHER_ERROR_BPM),
        "gellish" => (MaximumSource::Gellish, 206.9, 0.67, OTHER_ERROR_BPM),
        _ => return None,
    };
    Some(Formula {
        source,
        at_birth_bpm,
        bpm_a_year,
        error_bpm,
    })
}

/// Why a formula of age does not hold for the client of this plan.
pub(super) fn refuses_formulas(plan: &Plan) -> Option<Withheld> {
    if plan.beta_blocker {
        Some(Withheld::BetaBlocker)
    } else if plan.pregnant {
        Some(Withheld::Pregnant)
    } else if plan.cardiac {
        Some(Withheld::Cardiac)
    } else {
        None
    }
}

/// The heart of the plan's client; without a plan nothing is known of it.
#[must_use]
pub fn heart_profile(plan: Option<&Plan>) -> HeartProfile {
    let Some(plan) = plan else {
        return HeartProfile {
            maximum: Figure::Withheld(Withheld::NoMaximum),
            ..HeartProfile::default()
        };
    };
    HeartProfile {
        rest_bpm: plan.effort.hr_rest_bpm,
        maximum: maximum(plan),
        sex: plan.effort.sex,
    }
}

fn maximum(plan: &Plan) -> Figure<Maximum> {
    let effort = &plan.effort;
    let typed = |source| match effort.hr_max_bpm {
        Some(bpm) => Figure::Is(Maximum {
            bpm,
            error_bpm: None,
            source,
        }),
        None => Figure::Withheld(Withheld::NoMaximum),
    };
    match effort.hr_basis.as_deref() {
        Some("measured_max") => typed(MaximumSource::Measured),
        Some("gxt") => typed(MaximumSource::ExerciseTest),
        Some("therapist") => typed(MaximumSource::Therapist),
        Some(basis) => match basis.strip_prefix("formula:") {
            Some(name) => by_formula(plan, name),
            None => Figure::Withheld(Withheld::NoMaximum),
        },
        None => Figure::Withheld(Withheld::NoMaximum),
    }
}

fn by_formula(plan: &Plan, name: &str) -> Figure<Maximum> {
    if let Some(why) = refuses_formulas(plan) {
        return Figure::Withheld(why);
    }
    let Some(formula) = formula(name) else {
        return Figure::Withheld(Withheld::UnknownFormula);
    };
    match (plan.effort.age_years, plan.effort.hr_max_bpm) {
        (Some(age), _) => Figure::Is(formula.maximum(age)),
        // The therapist did the sum.
        (None, Some(bpm)) => Figure::Is(Maximum {
            bpm,
            ..formula.maximum(0.0)
        }),
        (None, None) => Figure::Withheld(Withheld::NoAge),
    }
}
