//! The sense of a plan, PL-01 to PL-18: what cannot be signed (reject) and what is shown (warn).
//!
//! Norms only catch typing errors here; nobody is ever judged by them. Paths are those of the file, counted
//! from 0 (`exercise[1].limit[0].max`), so that the reader of the file can give the line. Not checked,
//! because a plan does not say it: whether the author really is a therapist (PL-17 asks for a
//! signature), and from how many repetitions a one-repetition maximum was estimated (PL-09).

mod exercises;
mod identity;
mod people;
mod restrictions;

use crate::model::{metric::Metric, plan::Plan};

/// What a problem does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The plan cannot be signed or used.
    Reject,
    /// Shown.
    Warn,
}

/// One thing that makes no sense, or only looks so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintProblem {
    /// Where in the plan.
    pub path: String,
    /// Which rule.
    pub rule: &'static str,
    /// What it does.
    pub level: Level,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Every problem of the plan, in the order of its tables.
#[must_use]
pub fn lint(plan: &Plan) -> Vec<LintProblem> {
    let mut found = Found(Vec::new());
    identity::lint(plan, &mut found);
    people::lint(plan, &mut found);
    restrictions::lint(plan, &mut found);
    exercises::lint(plan, &mut found);
    found.0
}

/// Collects problems.
struct Found(Vec<LintProblem>);

impl Found {
    fn reject(
        &mut self,
        rule: &'static str,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut LintProblem {
        self.add(Level::Reject, rule, path.into(), message.into())
    }

    fn warn(
        &mut self,
        rule: &'static str,
        path: impl Into<String>,
        message: impl Into<String>,
    ) -> &mut LintProblem {
        self.add(Level::Warn, rule, path.into(), message.into())
    }

    fn add(
        &mut self,
        level: Level,
        rule: &'static str,
        path: String,
        message: String,
    ) -> &mut LintProblem {
        self.0.push(LintProblem {
            path,
            rule,
            level,
            message,
            hint: None,
        });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    /// An identifier that no list knows; a typing error must never drop a check.
    fn unknown<'k>(
        &mut self,
        path: String,
        what: &str,
        word: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        let near = nearest(word, known.clone());
        self.reject("PL-18", path, format!("no {what} is called {word:?}"))
            .hint = Some(match near {
            Some(near) => format!("did you mean {near:?}?"),
            None => format!("known: {}", known.collect::<Vec<_>>().join(", ")),
        });
    }

    /// The metric of a limit, target or restriction, if it is one that a repetition has.
    fn metric(&mut self, path: &str, id: &str) -> Option<Metric> {
        let metric = Metric::from_id(id).filter(|m| of_repetition(*m));
        if metric.is_none() {
            let known = Metric::ALL
                .iter()
                .filter(|m| of_repetition(**m))
                .map(|m| m.facts().id);
            self.unknown(
                format!("{path}.metric"),
                "metric of a repetition",
                id,
                known,
            );
        }
        metric
    }

    /// A window that can be held at all.
    fn window(&mut self, path: &str, metric: Metric, min: Option<f64>, max: Option<f64>) {
        if let (Some(min), Some(max)) = (min, max)
            && min >= max
        {
            self.reject(
                "PL-04",
                format!("{path}.min"),
                format!("min {min} is not below max {max}: nothing can lie between them"),
            )
            .hint = Some(format!("write min = {max}, max = {min}, or one of the two"));
        }
        for (end, value) in [("min", min), ("max", max)] {
            let Some(value) = value else { continue };
            let unit = metric.facts().unit;
            let id = metric.facts().id;
            if !possible(metric, value) {
                self.reject(
                    "PL-04",
                    format!("{path}.{end}"),
                    format!("{end} = {value} {unit} is impossible for {id}"),
                );
            } else if let Some((low, high)) = norm_deg(metric)
                && !(low - 15.0..=high + 15.0).contains(&value)
            {
                self.warn(
                    "PL-04",
                    format!("{path}.{end}"),
                    format!("{end} = {value} {unit} is far from the usual range of {id}, {low} to {high} {unit}"),
                )
                .hint = Some("a typing error?".to_owned());
            }
        }
    }
}

/// Metrics that a limit or target may name: what a person types and the heart rate have tables of their own.
const fn of_repetition(metric: Metric) -> bool {
    !matches!(
        metric,
        Metric::HeartRate | Metric::Pain | Metric::Exertion | Metric::Symptoms | Metric::Load
    )
}

fn possible(metric: Metric, value: f64) -> bool {
    match metric.facts().unit {
        "deg" => value.abs() <= 180.0,
        "%" => value.abs() <= 100.0,
        "s" | "1" | "[g]" | "deg/s" => value >= 0.0,
        _ => true,
    }
}

/// Usual joint range of text books, deg.
const fn norm_deg(metric: Metric) -> Option<(f64, f64)> {
    match metric {
        Metric::KneeFlexion => Some((0.0, 140.0)),
        Metric::HipFlexion => Some((-30.0, 125.0)),
        Metric::AnkleDorsiflexion => Some((-50.0, 20.0)),
        Metric::ElbowFlexion => Some((0.0, 150.0)),
        Metric::ShoulderFlexion => Some((-60.0, 180.0)),
        Metric::ShoulderAbduction | Metric::ShoulderElevation => Some((0.0, 180.0)),
        Metric::ShoulderExternalRotation => Some((-90.0, 90.0)),
        Metric::LumbarFlexion => Some((-30.0, 75.0)),
        _ => None,
    }
}

fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|k| (strsim::normalized_damerau_levenshtein(word, k), k))
        .filter(|(score, _)| *score >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}
