//! The series on which repetitions are counted: which candidates there are, best first.
//!
//! Where the exercise library knows the exercise, its primary metric and its fallbacks come first; what no
//! worn sensor shows is counted on whatever channel repeats best.

use super::{
    anatomy::{hands_go_straight, terms},
    record::Sensing,
    sensor::Device,
};
use crate::model::{
    exercise,
    metric::{Metric, Part},
    plan::TrainingSide,
};

/// What a channel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sum of tilts in the movement plane, deg.
    Angle,
    /// Height of a sensor, m.
    Height,
    /// Turning about the principal axis of the angular rate, deg.
    Turn,
}

/// A candidate.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Channel {
    pub(super) kind: Kind,
    /// Devices by position with their weights.
    pub(super) terms: Vec<(usize, f64)>,
    /// The metric it is.
    pub(super) metric: Option<Metric>,
    /// For people.
    pub(super) name: String,
}

impl Channel {
    /// Whether the device takes part in it.
    pub(super) fn uses(&self, device: usize) -> bool {
        self.terms.iter().any(|(d, _)| *d == device)
    }
}

/// Candidates of one preference.
pub(super) type Group = Vec<Channel>;

/// Candidates for an exercise on the working side, best group first; the last group is the automatic one.
pub(super) fn candidates(exercise_id: &str, side: TrainingSide, devices: &[Device]) -> Vec<Group> {
    let mut groups = Vec::new();
    if let Some(known) = exercise::exercise(exercise_id) {
        groups.extend(known.primary.map(|m| of_metric(m, side, devices)));
        let fallbacks = known.fallbacks.iter();
        groups.push(
            fallbacks
                .flat_map(|m| of_metric(*m, side, devices))
                .collect(),
        );
    }
    groups.push(automatic(exercise_id, devices));
    groups.retain(|g| !g.is_empty());
    groups
}

fn of_metric(metric: Metric, side: TrainingSide, devices: &[Device]) -> Group {
    let counting: &[(Part, f64)] = match metric {
        Metric::ShoulderAbduction => &[(Part::UpperArm, 1.0)],
        Metric::ShoulderElevation => &[(Part::UpperArm, -1.0)],
        other => terms(other),
    };
    let mut group: Group = Vec::new();
    for s in side.sides() {
        let found: Option<Vec<(usize, f64)>> = counting
            .iter()
            .map(|(part, weight)| find(devices, part.on(*s)).map(|d| (d, *weight)))
            .collect();
        let Some(found) = found.filter(|f| !f.is_empty()) else {
            continue;
        };
        if group.iter().any(|c| c.terms == found) {
            continue;
        }
        group.push(Channel {
            kind: Kind::Angle,
            name: label(metric, &found, devices),
            terms: found,
            metric: Some(metric),
        });
    }
    group
}

fn label(metric: Metric, found: &[(usize, f64)], devices: &[Device]) -> String {
    let side = found.iter().find_map(|(d, _)| devices[*d].segment.side());
    match side {
        Some(side) => format!(
            "{} {}",
            metric.facts().id,
            format!("{side:?}").to_lowercase()
        ),
        None => metric.facts().id.to_owned(),
    }
}

/// The device on a segment that is alive; one with a gyroscope before one without.
pub(super) fn find(devices: &[Device], segment: crate::model::body::Segment) -> Option<usize> {
    let on = |wanted: Sensing| {
        devices
            .iter()
            .position(|d| d.alive() && d.segment == segment && d.sensing == wanted)
    };
    on(Sensing::Imu).or_else(|| on(Sensing::AccOnly))
}

/// The kinds that an exercise lets expect come first: live counting begins with them.
fn automatic(exercise_id: &str, devices: &[Device]) -> Group {
    let mut group = Vec::new();
    for (i, device) in devices.iter().enumerate().filter(|(_, d)| d.alive()) {
        let mut add = |kind, what: &str| {
            group.push(Channel {
                kind,
                terms: vec![(i, 1.0)],
                metric: None,
                name: format!("{} {what}", device.segment),
            });
        };
        if hands_go_straight(exercise_id) {
            add(Kind::Height, "height");
            add(Kind::Angle, "tilt");
        } else {
            add(Kind::Angle, "tilt");
            add(Kind::Height, "height");
        }
        if device.sensing == Sensing::Imu {
            add(Kind::Turn, "turn");
        }
    }
    group
}
