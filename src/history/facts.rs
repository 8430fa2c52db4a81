//! What counts of one session.

use super::median;
use crate::model::{
    command::SetRole,
    event::{Event, Numbered},
    finding::{CheckKind, Finding, Verdict},
    metric::Metric,
    plan::{Plan, TrainingSide},
    rep::{Measured, Phases, Rep, SetSummary, SpeedUnit, Stage},
};
use std::collections::BTreeMap;

/// A set.
#[derive(Debug, Clone, PartialEq)]
pub struct SetFact {
    /// Number within the session, from 1.
    pub set: u32,
    /// Sequence number of the event that says it.
    pub event_sequence: u64,
    /// Exercise library id.
    pub exercise: String,
    /// `left`, `right`, `both` or `alternating`.
    pub side: &'static str,
    /// `working`, `warm_up` or `baseline`.
    pub role: &'static str,
    /// Load as typed, kg.
    pub load_kg: Option<f64>,
    /// Repetitions of the pass after the set.
    pub reps: u32,
    /// Checks of the plan's limits after the set, by their verdict: within, unsure, outside, not assessed, invalid.
    pub limits: [u32; 5],
}

/// One metric over the repetitions of a set.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricFact {
    /// The set.
    pub set: u32,
    /// Sequence number of the first repetition's event.
    pub event_sequence: u64,
    /// Metric identifier.
    pub metric: &'static str,
    /// UCUM unit.
    pub unit: &'static str,
    /// `max` or `range` of a metric that moves, else `value`.
    pub feature: &'static str,
    /// Median over the repetitions that count; `None`: there are none.
    pub value: Option<f64>,
    /// Median half-width of their 95 % bands.
    pub error: Option<f64>,
    /// Whole repetitions with a sound value.
    pub reps_used: u32,
    /// Repetitions without: not measured, drifting where the zero matters, or partial.
    pub reps_left_out: u32,
}

/// An exercise of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PrescribedFact {
    /// Exercise library id.
    pub exercise: String,
    /// As in [`SetFact::side`].
    pub side: &'static str,
    /// Sets in a session.
    pub sets: u32,
    /// Sessions a week.
    pub sessions_per_week: u32,
    /// Last day of the plan, `YYYY-MM-DD`.
    pub valid_until: String,
}

/// Everything of one session.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// Sets, in order.
    pub sets: Vec<SetFact>,
    /// Metrics, by set.
    pub metrics: Vec<MetricFact>,
    /// The plan's exercises; empty without a plan.
    pub prescribed: Vec<PrescribedFact>,
}

/// What counts of what the analysis said under `plan`.
#[must_use]
pub fn facts(plan: Option<&Plan>, events: &[Numbered]) -> Facts {
    let mut facts = Facts {
        prescribed: plan.map(prescribed).unwrap_or_default(),
        ..Facts::default()
    };
    // The last word on each repetition.
    let mut reps: BTreeMap<(u32, u32), (u64, &Rep)> = BTreeMap::new();
    let mut limits: BTreeMap<u32, [u32; 5]> = BTreeMap::new();
    for numbered in events {
        match &numbered.event {
            Event::Rep(rep) if rep.stage == Stage::Final => {
                reps.insert((rep.set, rep.number), (numbered.sequence, rep));
            }
            Event::Finding(finding) if is_limit(finding) => {
                let place = match finding.verdict {
                    Verdict::Within => 0,
                    Verdict::Unsure => 1,
                    Verdict::Outside => 2,
                    Verdict::NotAssessed => 3,
                    Verdict::Invalid => 4,
                };
                limits.entry(finding.set).or_default()[place] += 1;
            }
            Event::Set(set) => facts.sets.push(set_fact(numbered.sequence, set)),
            _ => {}
        }
    }
    for set in &mut facts.sets {
        set.limits = limits.get(&set.set).copied().unwrap_or_default();
        let of_set: Vec<(u64, &Rep)> = reps
            .range((set.set, 0)..=(set.set, u32::MAX))
            .map(|(_, rep)| *rep)
            .collect();
        facts.metrics.extend(metric_facts(set.set, &of_set));
    }
    facts
}

fn is_limit(finding: &Finding) -> bool {
    finding.kind == CheckKind::Limit && finding.stage == Stage::Final
}

fn set_fact(event_sequence: u64, set: &SetSummary) -> SetFact {
    SetFact {
        set: set.set,
        event_sequence,
        exercise: set.exercise.clone(),
        side: side(set.side),
        role: match set.role {
            SetRole::Working => "working",
            SetRole::WarmUp => "warm_up",
            SetRole::Baseline { .. } => "baseline",
        },
        load_kg: set.load_kg,
        reps: set.reps_final,
        limits: [0; 5],
    }
}

fn side(side: TrainingSide) -> &'static str {
    match side {
        TrainingSide::Left => "left",
        TrainingSide::Right => "right",
        TrainingSide::Both => "both",
        TrainingSide::Alternating => "alternating",
    }
}

fn prescribed(plan: &Plan) -> Vec<PrescribedFact> {
    let exercises = plan.exercises.iter();
    exercises
        .map(|e| PrescribedFact {
            exercise: e.id.clone(),
            side: side(e.side),
            sets: e.sets,
            sessions_per_week: plan.frequency.sessions_per_week,
            valid_until: plan.valid_until.clone(),
        })
        .collect()
}

/// What one repetition says of a feature: its value and half-width; nothing where it must not count.
type Said = Option<(f64, f64)>;

fn metric_facts(set: u32, reps: &[(u64, &Rep)]) -> Vec<MetricFact> {
    let Some((event_sequence, _)) = reps.first() else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    let mut row = |metric, unit, feature, said: Vec<Said>| {
        let sound: Vec<(f64, f64)> = said.iter().flatten().copied().collect();
        rows.push(MetricFact {
            set,
            event_sequence: *event_sequence,
            metric,
            unit,
            feature,
            value: median(sound.iter().map(|s| s.0).collect()),
            error: median(sound.iter().map(|s| s.1).collect()),
            reps_used: sound.len() as u32,
            reps_left_out: (said.len() - sound.len()) as u32,
        });
    };
    for metric in Metric::ALL {
        let measured: Vec<Option<Measured>> =
            reps.iter().map(|(_, rep)| rep.measured(*metric)).collect();
        if measured.iter().all(Option::is_none) {
            continue;
        }
        let moves = measured
            .iter()
            .flatten()
            .any(|m| matches!(m, Measured::Value { min, max, .. } if max > min));
        let facts = metric.facts();
        let of = |pick: fn(&Measured) -> Said| -> Vec<Said> {
            let whole = reps.iter().zip(&measured);
            whole
                .map(|((_, rep), m)| m.as_ref().filter(|_| !rep.partial).and_then(pick))
                .collect()
        };
        if moves {
            row(facts.id, facts.unit, "max", of(highest));
            row(facts.id, facts.unit, "range", of(range));
        } else {
            row(facts.id, facts.unit, "value", of(highest));
        }
    }
    row(
        "eccentric",
        "s",
        "value",
        phase(reps, |p| (p.eccentric_s, p.error_s[0])),
    );
    row(
        "concentric",
        "s",
        "value",
        phase(reps, |p| (p.concentric_s, p.error_s[2])),
    );
    for (unit, name) in [
        (SpeedUnit::MetresPerSecond, "m/s"),
        (SpeedUnit::DegreesPerSecond, "deg/s"),
    ] {
        let speeds = reps.iter().map(|(_, rep)| {
            let speed = rep.speed.filter(|s| s.unit == unit && !rep.partial);
            speed.map(|s| (s.mean, s.error))
        });
        let said: Vec<Said> = speeds.collect();
        if said.iter().any(Option::is_some) {
            row("concentric_speed", name, "value", said);
        }
    }
    rows
}

/// The length of a phase of whole repetitions.
fn phase(reps: &[(u64, &Rep)], pick: fn(&Phases) -> (f64, f64)) -> Vec<Said> {
    let phases = reps.iter().map(|(_, rep)| {
        let whole = rep.phases.as_ref().filter(|_| !rep.partial);
        whole.map(pick)
    });
    phases.collect()
}

/// The largest value: it depends on the zero.
fn highest(measured: &Measured) -> Said {
    match *measured {
        Measured::Value {
            max,
            error,
            drifting: false,
            ..
        } => Some((max, error)),
        _ => None,
    }
}

/// The range: what both ends share is not in it. Independent ends add their errors as squares.
fn range(measured: &Measured) -> Said {
    match *measured {
        Measured::Value {
            min,
            max,
            error,
            range_error,
            ..
        } => Some((
            max - min,
            range_error.unwrap_or(error * std::f64::consts::SQRT_2),
        )),
        Measured::Missing { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        command::StopReason,
        rep::{HeartStats, Measurement, Missing},
        time::SessionNs,
    };

    fn value(min: f64, max: f64, error: f64, drifting: bool) -> Measured {
        Measured::Value {
            min,
            max,
            at_turn: max,
            at_start: min,
            error,
            range_error: None,
            drifting,
        }
    }

    fn rep(number: u32, stage: Stage, partial: bool, measured: Measured) -> Event {
        Event::Rep(Rep {
            set: 1,
            number,
            stage,
            start: SessionNs(0),
            turn: SessionNs(1),
            end: SessionNs(2),
            partial,
            phases: None,
            speed: None,
            measurements: vec![Measurement {
                metric: Metric::KneeFlexion,
                measured,
            }],
        })
    }

    fn set(role: SetRole) -> Event {
        Event::Set(SetSummary {
            set: 1,
            exercise: "squat".to_owned(),
            side: TrainingSide::Both,
            role,
            load_kg: Some(40.0),
            start: SessionNs(0),
            end: SessionNs(9),
            reason: StopReason::Completed,
            reps_live: 5,
            reps_final: 6,
            heart: HeartStats::default(),
            channel: String::new(),
        })
    }

    fn numbered(events: Vec<Event>) -> Vec<Numbered> {
        (10..)
            .zip(events)
            .map(|(sequence, event)| Numbered {
                sequence,
                window: 0,
                event,
            })
            .collect()
    }

    #[test]
    fn only_sound_whole_final_repetitions_count_and_the_rest_is_counted() {
        let missing = Measured::Missing { why: Missing::Gap };
        let events = numbered(vec![
            rep(1, Stage::Confirmed, false, value(0.0, 500.0, 1.0, false)),
            rep(1, Stage::Final, false, value(10.0, 90.0, 4.0, false)),
            rep(2, Stage::Final, false, value(10.0, 100.0, 6.0, false)),
            rep(3, Stage::Final, true, value(10.0, 30.0, 4.0, false)),
            rep(4, Stage::Final, false, missing),
            rep(5, Stage::Final, false, value(0.0, 200.0, 4.0, true)),
            set(SetRole::WarmUp),
        ]);
        let facts = facts(None, &events);
        assert_eq!((facts.sets[0].role, facts.sets[0].reps), ("warm_up", 6));
        let of = |feature| facts.metrics.iter().find(|m| m.feature == feature).unwrap();
        let max = of("max");
        assert_eq!((max.value, max.error), (Some(95.0), Some(5.0)));
        assert_eq!((max.reps_used, max.reps_left_out), (2, 3));
        assert_eq!(max.event_sequence, 11);
        // The range does not care for the zero: 80, 90, 200.
        let range = of("range");
        assert_eq!((range.value, range.reps_used), (Some(90.0), 3));
    }

    #[test]
    fn nothing_measured_is_nothing() {
        let missing = Measured::Missing {
            why: Missing::NoSensor,
        };
        let events = numbered(vec![
            rep(1, Stage::Final, false, missing),
            set(SetRole::Working),
        ]);
        let facts = facts(None, &events);
        let knee = &facts.metrics[0];
        assert_eq!(
            (knee.value, knee.reps_used, knee.reps_left_out),
            (None, 0, 1)
        );
    }
}
