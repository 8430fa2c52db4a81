//! What was done in a week beside what was prescribed, and which region was loaded on which day. Only working sets are what
//! a plan prescribes: warm-up and baseline sets are counted apart. A set without a typed load has repetitions and no volume.

use super::table::weeks;
use crate::model::{exercise, metric::Metric};
use std::collections::{BTreeMap, BTreeSet};

/// A set as the tables have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// Where its data come from.
    pub origin: String,
    /// Which session.
    pub session: String,
    /// `YYYY-MM-DD`.
    pub day: String,
    /// Monday of its week.
    pub week: String,
    /// Exercise library id.
    pub exercise: String,
    /// Working side.
    pub side: String,
    /// `working`, `warm_up` or `baseline`.
    pub role: String,
    /// Load as typed, kg.
    pub load_kg: Option<f64>,
    /// Repetitions.
    pub reps: u32,
    /// Checks of the plan's limits by their verdict, as in [`super::facts::SetFact::limits`].
    pub limits: [u32; 5],
}

/// An exercise of a session's plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// Where the session's data come from.
    pub origin: String,
    /// Monday of the session's week.
    pub week: String,
    /// Days since 1970 of the session: the latest of a week holds.
    pub days: f64,
    /// Exercise library id.
    pub exercise: String,
    /// Working side.
    pub side: String,
    /// Sets in a session.
    pub sets: u32,
    /// Sessions a week.
    pub sessions_per_week: u32,
    /// Last day of the plan.
    pub valid_until: String,
}

/// An exercise in a week.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dose {
    /// Sessions with it.
    pub sessions: usize,
    /// Working sets.
    pub sets: u32,
    /// Repetitions in them.
    pub reps: u32,
    /// Load times repetitions of the sets with a typed load, kg; `None`: no set has one.
    pub volume_kg: Option<f64>,
    /// Sets without a typed load.
    pub sets_without_load: u32,
    /// Warm-up and baseline sets.
    pub other_sets: u32,
    /// Sets that the plan asks for in a week; `None`: no plan asks for the exercise.
    pub prescribed_sets: Option<u32>,
    /// Checks of the plan's limits in working sets, by their verdict.
    pub limits: [u32; 5],
}

impl Dose {
    /// Sets done of those prescribed, %; more than asked is more than 100.
    #[must_use]
    pub fn adherence_percent(&self) -> Option<f64> {
        let asked = self.prescribed_sets.filter(|sets| *sets > 0)?;
        Some(100.0 * f64::from(self.sets) / f64::from(asked))
    }
}

/// Origin, then week, exercise and side of a dose, or day, region and side of the calendar: simulated and measured
/// sessions are never one row.
pub type Key = [String; 4];

/// Every week from the first session to the last, also those with nothing done. What is asked of a week is what the plan
/// of its last session asks, or of the last before it while that plan was valid.
#[must_use]
pub fn weekly(done: &[Done], asked: &[Asked]) -> BTreeMap<Key, Dose> {
    let mut doses: BTreeMap<Key, Dose> = BTreeMap::new();
    let mut sessions: BTreeMap<Key, BTreeSet<&str>> = BTreeMap::new();
    for set in done {
        let key = [&set.origin, &set.week, &set.exercise, &set.side].map(String::clone);
        let dose = doses.entry(key.clone()).or_default();
        if set.role != "working" {
            dose.other_sets += 1;
            continue;
        }
        sessions.entry(key).or_default().insert(&set.session);
        dose.sets += 1;
        dose.reps += set.reps;
        for (sum, checks) in dose.limits.iter_mut().zip(set.limits) {
            *sum += checks;
        }
        match set.load_kg {
            Some(kg) => *dose.volume_kg.get_or_insert(0.0) += kg * f64::from(set.reps),
            None => dose.sets_without_load += 1,
        }
    }
    for (key, names) in sessions {
        doses.entry(key).or_default().sessions = names.len();
    }
    let all = done
        .iter()
        .map(|d| &d.week)
        .chain(asked.iter().map(|a| &a.week));
    let (Some(first), Some(last)) = (all.clone().min(), all.max()) else {
        return doses;
    };
    let origins: BTreeSet<&String> = asked.iter().map(|a| &a.origin).collect();
    for week in weeks(first, last) {
        for origin in &origins {
            let before = asked
                .iter()
                .filter(|a| a.origin == **origin && a.week <= week && a.valid_until >= week);
            let latest = before.clone().map(|a| a.days).max_by(f64::total_cmp);
            for a in before.filter(|a| Some(a.days) == latest) {
                let key = [&a.origin, &week, &a.exercise, &a.side].map(String::clone);
                let dose = doses.entry(key).or_default();
                dose.prescribed_sets = Some(a.sets * a.sessions_per_week);
            }
        }
    }
    doses
}

/// What a region took on a day.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RegionLoad {
    /// Sets that were no warm-up.
    pub sets: u32,
    /// Repetitions in them.
    pub reps: u32,
    /// Load times repetitions of the sets with a typed load, kg; `None`: no set has one.
    pub volume_kg: Option<f64>,
    /// Sets without a typed load.
    pub sets_without_load: u32,
}

/// By day, region and side. The region is that of the exercise's primary angle: other joints work too.
#[must_use]
pub fn calendar(done: &[Done]) -> BTreeMap<Key, RegionLoad> {
    let mut days: BTreeMap<Key, RegionLoad> = BTreeMap::new();
    for set in done.iter().filter(|d| d.role != "warm_up") {
        let region = region(&set.exercise).to_owned();
        let key = [&set.origin, &set.day, &region, &set.side].map(String::clone);
        let day = days.entry(key).or_default();
        day.sets += 1;
        day.reps += set.reps;
        match set.load_kg {
            Some(kg) => *day.volume_kg.get_or_insert(0.0) += kg * f64::from(set.reps),
            None => day.sets_without_load += 1,
        }
    }
    days
}

/// The region that an exercise of the library loads first.
#[must_use]
pub fn region(exercise: &str) -> &'static str {
    let entry = exercise::LIBRARY.iter().find(|e| e.id == exercise);
    match entry.and_then(|e| e.primary.or(e.fallbacks.first().copied())) {
        Some(Metric::KneeFlexion | Metric::ShankForwardTilt) => "knee",
        Some(Metric::HipFlexion | Metric::ThighForwardTilt | Metric::PelvicDrop) => "hip",
        Some(Metric::AnkleDorsiflexion | Metric::FootPitch) => "ankle",
        Some(
            Metric::ShoulderFlexion
            | Metric::ShoulderAbduction
            | Metric::ShoulderElevation
            | Metric::ShoulderExternalRotation
            | Metric::UpperArmForwardTilt
            | Metric::UpperArmSideTilt,
        ) => "shoulder",
        Some(Metric::ElbowFlexion | Metric::ForearmForwardTilt) => "elbow",
        Some(
            Metric::TrunkForwardTilt
            | Metric::TrunkSideLean
            | Metric::TrunkRotation
            | Metric::ThoraxPelvisRotation
            | Metric::LumbarFlexion
            | Metric::LumbarForwardTilt
            | Metric::PelvisForwardTilt,
        ) => "trunk",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(session: &str, day: &str, week: &str, load_kg: Option<f64>, reps: u32) -> Done {
        Done {
            origin: "sensors".to_owned(),
            session: session.to_owned(),
            day: day.to_owned(),
            week: week.to_owned(),
            exercise: "squat".to_owned(),
            side: "both".to_owned(),
            role: "working".to_owned(),
            load_kg,
            reps,
            limits: [2, 0, 1, 0, 1],
        }
    }

    fn asked(week: &str, days: f64, sets: u32, valid_until: &str) -> Asked {
        Asked {
            origin: "sensors".to_owned(),
            week: week.to_owned(),
            days,
            exercise: "squat".to_owned(),
            side: "both".to_owned(),
            sets,
            sessions_per_week: 2,
            valid_until: valid_until.to_owned(),
        }
    }

    #[test]
    fn a_week_is_what_was_done_beside_what_was_asked() {
        let mut warm_up = done("a", "2026-01-05", "2026-01-05", Some(20.0), 10);
        warm_up.role = "warm_up".to_owned();
        let mut baseline = warm_up.clone();
        baseline.role = "baseline".to_owned();
        let sets = [
            warm_up,
            baseline,
            done("a", "2026-01-05", "2026-01-05", Some(40.0), 8),
            done("a", "2026-01-05", "2026-01-05", None, 6),
            done("b", "2026-01-08", "2026-01-05", Some(50.0), 8),
            done("c", "2026-01-20", "2026-01-19", Some(50.0), 5),
        ];
        let plans = [
            asked("2026-01-05", 1.0, 3, "2026-01-18"),
            asked("2026-01-05", 4.0, 2, "2026-01-18"),
        ];
        let weeks = weekly(&sets, &plans);
        let key = |w: &str| ["sensors", w, "squat", "both"].map(str::to_owned);
        let week = |w: &str| weeks.get(&key(w));
        let first = week("2026-01-05").unwrap();
        assert_eq!((first.sessions, first.sets, first.reps), (2, 3, 22));
        assert_eq!(
            (first.volume_kg, first.sets_without_load, first.other_sets),
            (Some(720.0), 1, 2)
        );
        // The later plan of the week: 2 sets in each of 2 sessions.
        assert_eq!(
            (first.prescribed_sets, first.adherence_percent()),
            (Some(4), Some(75.0))
        );
        // Nothing was done, something was asked.
        let second = week("2026-01-12").unwrap();
        assert_eq!((second.sets, second.adherence_percent()), (0, Some(0.0)));
        assert_eq!(second.volume_kg, None);
        // Three working sets.
        assert_eq!(first.limits, [6, 0, 3, 0, 3]);
        // The plan had ended.
        let third = week("2026-01-19").unwrap();
        assert_eq!((third.sets, third.prescribed_sets), (1, None));
    }

    #[test]
    fn a_day_loads_the_region_of_the_exercise() {
        let day = calendar(&[done("a", "2026-01-05", "2026-01-05", Some(40.0), 8)]);
        let key = ["sensors", "2026-01-05", "knee", "both"].map(str::to_owned);
        assert_eq!((day[&key].sets, day[&key].volume_kg), (1, Some(320.0)));
        assert_eq!(region("no such exercise"), "other");
    }

    /// A training with sensors and a simulated one of the same client on the same day.
    #[test]
    fn what_is_simulated_is_a_row_of_its_own() {
        let measured = done("a", "2026-01-05", "2026-01-05", Some(40.0), 8);
        let simulated = Done {
            origin: "simulated".to_owned(),
            ..measured.clone()
        };
        let both = [measured, simulated];
        assert_eq!(calendar(&both).len(), 2);
        // And what a plan asks for with one is not asked of the other.
        let doses = weekly(&both, &[asked("2026-01-05", 1.0, 3, "2026-01-18")]);
        let asked: Vec<_> = doses.values().map(|d| d.prescribed_sets).collect();
        assert_eq!(asked, [Some(6), None]);
    }

    #[test]
    fn every_exercise_of_the_library_has_a_region() {
        let without: Vec<_> = exercise::LIBRARY
            .iter()
            .filter(|e| region(e.id) == "other" && e.primary.is_some())
            .map(|e| e.id)
            .collect();
        assert_eq!(without, Vec::<&str>::new());
    }
}
