//! Watch items of a prescription: which signal sees the compensation, and the thresholds, from the plan,
//! the client's own baseline or the table, in that order. Without the baseline that a row needs the item
//! is not assessed: norms do not stand in for a person.

use super::{
    Params,
    baseline::{Own, scatter},
    check::{Check, Reference, Window},
    compensation::{Basis, Compensation, Direction, Signal, compensation},
    reading::{Feature, from_counting},
};
use crate::model::{
    finding::{CheckKind, Source},
    metric::Metric,
    plan::{Beat, Prescription, Reaction, Watch},
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
    let mut checks = Vec::new();
    for watch in &ground.prescription.watches {
        if let Some(row) = compensation(&watch.code) {
            checks.extend(of_row(ground, watch, row));
        }
    }
    checks
}

/// One check for every signal that is measured. Of those with nothing to compare with, one, so that it is
/// said; where none is measured, the best one.
fn of_row(ground: &Ground, watch: &Watch, row: &Compensation) -> Vec<Check> {
    let signals: Vec<Signal> = row.signals.iter().map(|s| on_primary(ground, s)).collect();
    let measured = |s: &Signal| from_counting(s.metric) || ground.available.contains(&s.metric);
    let mut checks: Vec<Check> = Vec::new();
    for (i, signal) in signals.iter().enumerate() {
        let better = signals[..i].iter().any(|s| measured(s) && !s.stands_in);
        if measured(signal) && !(signal.stands_in && better) {
            checks.push(check(ground, watch, row, signal));
        }
    }
    let compared = |c: &Check| !matches!(c.reference, Reference::Absent(_));
    if checks.iter().any(compared) {
        checks.retain(compared);
    } else {
        checks.truncate(1);
    }
    if checks.is_empty()
        && let Some(best) = signals.first()
    {
        checks.push(check(ground, watch, row, best));
    }
    checks
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
    check.source = if watch.minor.is_some() {
        Source::Plan
    } else {
        Source::Default
    };
    set_windows(ground, signal, minor, moderate, &mut check);
    if watch.minor.is_some() {
        check.source = Source::Plan;
    }
    if check.window.is_open() && check.reference == Reference::Given {
        check.reference = Reference::Absent(ground.own.refused);
    }
    if !matches!(signal.basis, Basis::Own(_)) {
        check.guard = super::check::default_guard(check.metric, check.window.max);
    }
    check
}

fn set_windows(ground: &Ground, signal: &Signal, minor: f64, moderate: f64, check: &mut Check) {
    match signal.basis {
        Basis::Absolute => check.around(signal.direction, 0.0, minor, moderate),
        Basis::Baseline | Basis::Both(_) => {
            from_own(ground, signal, minor, moderate, check);
            if let Basis::Both(floor) = signal.basis {
                for window in [&mut check.window, &mut check.second] {
                    window.max = window.max.map(|max| max.max(floor));
                }
            }
        }
        Basis::BaselineElseAbsolute => {
            if !from_own(ground, signal, minor, moderate, check) {
                check.around(signal.direction, 0.0, minor, moderate);
                check.reaction = Reaction::Record;
            }
        }
        Basis::Own(share) => departs(ground, signal, share, (minor, moderate), check),
        Basis::PercentOfGoal => of_goal(ground, minor, moderate, check),
        Basis::PercentOfFirstThree => {
            check.reference = Reference::FirstThree(1.0 - minor / 100.0, 1.0 - moderate / 100.0);
            check.source = Source::Baseline;
        }
        Basis::PercentShorter => {
            of_time(
                ground,
                signal,
                1.0 - minor / 100.0,
                1.0 - moderate / 100.0,
                check,
            );
        }
        Basis::PercentLonger => {
            of_time(
                ground,
                signal,
                1.0 + minor / 100.0,
                1.0 + moderate / 100.0,
                check,
            );
        }
        Basis::PauseShorter => pause(ground, minor, moderate, check),
        Basis::Walking => {
            if let Some(g) = ground.own.walking_g() {
                check.window = Window::at_most((minor * g).max(ground.params.impact_floor_g));
                check.second = Window::at_most((moderate * g).max(ground.params.impact_floor_g));
                check.source = Source::Baseline;
            }
        }
    }
}

/// Thresholds around the own baseline, and never inside what cannot be told from the own scatter, unless the
/// plan gives the number. `false` = there is no such row.
fn from_own(
    ground: &Ground,
    signal: &Signal,
    minor: f64,
    moderate: f64,
    check: &mut Check,
) -> bool {
    let Some(row) = ground.own.row(signal.metric, signal.feature) else {
        return false;
    };
    let scatter = if check.source == Source::Plan {
        0.0
    } else {
        scatter(row)
    };
    let params = ground.params;
    check.around(
        signal.direction,
        row.centre,
        minor.max(params.own_unsure_spreads * scatter),
        moderate.max(params.own_outside_spreads * scatter),
    );
    compared(check, row.centre);
    true
}

fn compared(check: &mut Check, usual: f64) {
    check.usual = Some(usual);
    if check.source != Source::Plan {
        check.source = Source::Baseline;
    }
}

/// Past what can be told apart is `outside`; past the own scatter but within what a few repetitions leave
/// open, `unsure`.
fn departs(
    ground: &Ground,
    signal: &Signal,
    share: f64,
    (minor, moderate): (f64, f64),
    check: &mut Check,
) {
    let Some(row) = ground.own.row(signal.metric, signal.feature) else {
        return;
    };
    let scatter = scatter(row);
    let least = minor.max(share * row.centre.abs());
    let first = least.max(ground.params.own_unsure_spreads * scatter);
    let sure = least.max(ground.params.own_outside_spreads * scatter);
    let second = moderate.max(2.0 * sure);
    check.around(signal.direction, row.centre, first, second);
    check.guard = sure - first;
    compared(check, row.centre);
}

/// Shares of the prescribed tempo; without one of the own duration.
fn of_time(ground: &Ground, signal: &Signal, first: f64, second: f64, check: &mut Check) {
    let window = |number| match signal.direction {
        Direction::Below => Window::at_least(number),
        _ => Window::at_most(number),
    };
    if ground.prescription.tempo.is_some() {
        (check.window, check.second) = (window(first), window(second));
        return;
    }
    let Some(row) = ground.own.row(Metric::RepDuration, Feature::Max) else {
        return;
    };
    check.metric = Metric::RepDuration;
    check.feature = Feature::Max;
    let by = (row.centre * (first - 1.0))
        .abs()
        .max(check.metric.facts().guard)
        .max(ground.params.own_unsure_spreads * scatter(row));
    let sign = if first < 1.0 { -1.0 } else { 1.0 };
    check.window = window(row.centre + sign * by);
    check.second = window(row.centre + sign * by.max((row.centre * (second - 1.0)).abs()));
    compared(check, row.centre);
}

/// A pause that is prescribed, else usual, and not kept: below half a second there is none to keep.
fn pause(ground: &Ground, minor: f64, moderate: f64, check: &mut Check) {
    let prescribed = ground.prescription.tempo.and_then(|t| match t.0[1] {
        Beat::Seconds(s) => Some(s),
        Beat::Explosive | Beat::Free => None,
    });
    let own = ground.own.centre(check.metric, Feature::Max);
    let Some(usual) = prescribed.or(own).filter(|s| *s > minor) else {
        return;
    };
    check.window = Window::at_least(usual - minor);
    check.second = Window::at_least((usual - moderate).max(0.0));
    if prescribed.is_some() {
        check.source = Source::Plan;
    } else {
        compared(check, usual);
    }
}

/// Depth reached against the lower end of the target, else range moved against the own range.
fn of_goal(ground: &Ground, minor: f64, moderate: f64, check: &mut Check) {
    let target = ground
        .prescription
        .targets
        .iter()
        .filter(|t| Metric::from_id(&t.metric) == Some(check.metric))
        .find_map(|t| t.min.filter(|min| *min > 0.0));
    if let Some(goal) = target {
        check.source = Source::Plan;
        check.window = Window::at_least(goal * minor / 100.0);
        check.second = Window::at_least(goal * moderate / 100.0);
        return;
    }
    // The range of motion is itself a range: one number.
    let feature = if check.metric == Metric::RangeOfMotion {
        Feature::Max
    } else {
        Feature::Range
    };
    if let Some(row) = ground.own.row(check.metric, feature) {
        check.feature = feature;
        let lost = |percent: f64| row.centre * (1.0 - percent / 100.0);
        let least = ground.params.own_unsure_spreads * scatter(row);
        check.window = Window::at_least(row.centre - lost(minor).max(least));
        check.second = Window::at_least(row.centre - lost(moderate).max(least));
        compared(check, row.centre);
    }
}

impl Check {
    fn around(&mut self, direction: Direction, centre: f64, minor: f64, moderate: f64) {
        self.window = around(direction, centre, minor);
        self.second = around(direction, centre, moderate);
    }
}

fn around(direction: Direction, centre: f64, by: f64) -> Window {
    Window {
        min: (direction != Direction::Above).then_some(centre - by),
        max: (direction != Direction::Below).then_some(centre + by),
    }
}
