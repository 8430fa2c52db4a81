//! Watch items of a prescription: which signal sees the compensation, and the thresholds, from the plan,
//! the client's own baseline or the table, in that order. Without the baseline that a row needs the item
//! is not assessed: norms do not stand in for a person.

use super::{
    Params,
    baseline::Own,
    check::{Check, Reference, Window},
    compensation::{Basis, Compensation, Direction, Signal, compensation},
    reading::from_counting,
};
use crate::model::{
    finding::{CheckKind, Source},
    metric::Metric,
    plan::{Prescription, Reaction, Watch},
};

/// What thresholds may be counted from.
pub(super) struct Ground<'a> {
    pub params: &'a Params,
    pub own: &'a Own<'a>,
    pub primary: Option<Metric>,
    pub available: &'a [Metric],
    pub prescription: &'a Prescription,
}

/// The checks of the watch items that a metric can show; the others are listed by eye.
pub(super) fn watches(ground: &Ground) -> Vec<Check> {
    ground
        .prescription
        .watches
        .iter()
        .filter_map(|watch| {
            let row = compensation(&watch.code)?;
            let signal = best_signal(ground, row)?;
            Some(check(ground, watch, row, &signal))
        })
        .collect()
}

/// The first signal whose metric is measured, else the first.
fn best_signal(ground: &Ground, row: &Compensation) -> Option<Signal> {
    let signals = || row.signals.iter().map(|s| on_primary(ground, s));
    signals()
        .find(|s| from_counting(s.metric) || ground.available.contains(&s.metric))
        .or_else(|| signals().next())
}

/// The goal of a movement is a number of its primary metric.
fn on_primary(ground: &Ground, signal: &Signal) -> Signal {
    let mut signal = *signal;
    if let (Basis::PercentOfGoal, Some(primary)) = (signal.basis, ground.primary) {
        signal.metric = primary;
    }
    signal
}

fn check(ground: &Ground, watch: &Watch, row: &Compensation, signal: &Signal) -> Check {
    let minor = watch.minor.unwrap_or(signal.minor);
    let moderate = watch
        .moderate
        .unwrap_or(minor + signal.moderate - signal.minor);
    let mut check = Check::new(row.code, CheckKind::Watch, signal.metric, Window::default());
    check.feature = signal.feature;
    check.reaction = watch.on_flag;
    check.source = Source::Default;
    set_windows(ground, signal, minor, moderate, &mut check);
    if watch.minor.is_some() {
        check.source = Source::Plan;
    }
    if check.window.is_open() && check.reference == Reference::Given {
        check.reference = Reference::Absent;
    }
    check.guard = super::check::default_guard(check.metric, check.window.max);
    check
}

fn set_windows(ground: &Ground, signal: &Signal, minor: f64, moderate: f64, check: &mut Check) {
    let own = ground.own.centre(signal.metric, signal.feature);
    let mut around = |centre: f64| {
        check.window = around(signal.direction, centre, minor);
        check.second = self::around(signal.direction, centre, moderate);
    };
    match signal.basis {
        Basis::Absolute => around(0.0),
        Basis::Baseline | Basis::Both(_) => {
            if let Some(centre) = own {
                around(centre);
                check.source = Source::Baseline;
            }
            if let Basis::Both(floor) = signal.basis {
                for window in [&mut check.window, &mut check.second] {
                    window.max = window.max.map(|max| max.max(floor));
                }
            }
        }
        Basis::BaselineElseAbsolute => {
            around(own.unwrap_or(0.0));
            if own.is_some() {
                check.source = Source::Baseline;
            } else {
                check.reaction = Reaction::Record;
            }
        }
        Basis::PercentOfGoal => of_goal(ground, minor, moderate, check),
        Basis::PercentOfFirstThree => {
            check.reference = Reference::FirstThree(1.0 - minor / 100.0, 1.0 - moderate / 100.0);
            check.source = Source::Baseline;
        }
        Basis::PercentShorter if ground.prescription.tempo.is_some() => {
            check.window = Window::at_least(1.0 - minor / 100.0);
            check.second = Window::at_least(1.0 - moderate / 100.0);
        }
        Basis::PercentLonger if ground.prescription.tempo.is_some() => {
            check.window = Window::at_most(1.0 + minor / 100.0);
            check.second = Window::at_most(1.0 + moderate / 100.0);
        }
        Basis::PercentShorter | Basis::PercentLonger => {}
        Basis::Walking => {
            if let Some(g) = ground.own.walking_g() {
                check.window = Window::at_most((minor * g).max(ground.params.impact_floor_g));
                check.second = Window::at_most((moderate * g).max(ground.params.impact_floor_g));
                check.source = Source::Baseline;
            }
        }
    }
}

/// Depth reached against the lower end of the target, else range moved against the own range.
fn of_goal(ground: &Ground, minor: f64, moderate: f64, check: &mut Check) {
    use super::reading::Feature;
    let target = ground
        .prescription
        .targets
        .iter()
        .filter(|t| Metric::from_id(&t.metric) == Some(check.metric))
        .find_map(|t| t.min.filter(|min| *min > 0.0));
    let goal = match target {
        Some(min) => {
            check.source = Source::Plan;
            min
        }
        None => match ground.own.centre(check.metric, Feature::Range) {
            Some(range) => {
                check.feature = Feature::Range;
                check.source = Source::Baseline;
                range
            }
            None => return,
        },
    };
    check.window = Window::at_least(goal * minor / 100.0);
    check.second = Window::at_least(goal * moderate / 100.0);
}

fn around(direction: Direction, centre: f64, by: f64) -> Window {
    Window {
        min: (direction != Direction::Above).then_some(centre - by),
        max: (direction != Direction::Below).then_some(centre + by),
    }
}
