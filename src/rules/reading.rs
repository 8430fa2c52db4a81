//! One number out of a repetition, or why there is none. Units of the metric.
//!
//! Phase times come from the repetition's phases; the tempo ratio is made here, because only the rules
//! know what was prescribed.

use crate::model::{
    metric::Metric,
    plan::{Beat, Tempo},
    rep::{Measured, Missing, Rep},
};

/// A feature of a metric over one repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Largest value.
    Max,
    /// Smallest value.
    Min,
    /// Value at the turn.
    AtTurn,
    /// Largest minus smallest.
    Range,
}

impl Feature {
    /// All features that a baseline keeps.
    pub const ALL: [Feature; 4] = [Self::Max, Self::Min, Self::AtTurn, Self::Range];

    /// The name in a baseline.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::Min => "min",
            Self::AtTurn => "at_turn",
            Self::Range => "range",
        }
    }
}

/// A measured number with the half-width of its 95 % band, if known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    pub value: f64,
    pub error: Option<f64>,
    /// It depends on a zero that may have moved.
    pub drifting: bool,
}

/// Metrics that every counted repetition has, whatever sensor counted it.
pub(super) const fn from_counting(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::RepDuration
            | Metric::TimeEccentric
            | Metric::TimePauseBottom
            | Metric::TimeConcentric
            | Metric::TimePauseTop
            | Metric::TempoRatio
    )
}

/// The feature of the metric in this repetition. `available` = a worn sensor can measure it.
pub(super) fn read(
    rep: &Rep,
    metric: Metric,
    feature: Feature,
    tempo: Option<&Tempo>,
    available: bool,
) -> Result<Reading, Missing> {
    let reading = match rep.measured(metric) {
        Some(measured) => of_measured(measured, feature)?,
        None if from_counting(metric) => Reading {
            value: timing(rep, metric, feature, tempo)?,
            error: None,
            drifting: false,
        },
        None if available => return Err(Missing::Undefined),
        None => return Err(Missing::NoSensor),
    };
    if reading.value.is_finite() {
        Ok(reading)
    } else {
        Err(Missing::Undefined)
    }
}

fn of_measured(measured: Measured, feature: Feature) -> Result<Reading, Missing> {
    match measured {
        Measured::Missing { why } => Err(why),
        Measured::Value {
            min,
            max,
            at_turn,
            error,
            range_error,
            drifting,
            ..
        } => {
            let (value, error) = match feature {
                Feature::Max => (max, error),
                Feature::Min => (min, error),
                Feature::AtTurn => (at_turn, error),
                Feature::Range => (
                    max - min,
                    range_error.unwrap_or(error * std::f64::consts::SQRT_2),
                ),
            };
            Ok(Reading {
                value,
                error: error.is_finite().then_some(error),
                drifting: drifting && feature != Feature::Range,
            })
        }
    }
}

fn timing(
    rep: &Rep,
    metric: Metric,
    feature: Feature,
    tempo: Option<&Tempo>,
) -> Result<f64, Missing> {
    if metric == Metric::RepDuration {
        return Ok(rep.end.seconds() - rep.start.seconds());
    }
    let phases = rep.phases.ok_or(Missing::Undefined)?;
    match metric {
        Metric::TimeEccentric => Ok(phases.eccentric_s),
        Metric::TimePauseBottom => phases.pause_stretched_s.ok_or(Missing::Open),
        Metric::TimeConcentric => Ok(phases.concentric_s),
        Metric::TimePauseTop => phases.pause_shortened_s.ok_or(Missing::Open),
        _ => {
            let Tempo([eccentric, _, concentric, _]) = *tempo.ok_or(Missing::Undefined)?;
            let ratios = [
                (eccentric, phases.eccentric_s),
                (concentric, phases.concentric_s),
            ]
            .into_iter()
            .filter_map(|(beat, took_s)| match beat {
                Beat::Seconds(s) if s > 0.0 => Some(took_s / s),
                _ => None,
            });
            let ratio = if feature == Feature::Min {
                ratios.reduce(f64::min)
            } else {
                ratios.reduce(f64::max)
            };
            ratio.ok_or(Missing::Undefined)
        }
    }
}
