//! What has to be accepted before a set begins: the plan asks for it, and nobody wears what would measure it.

use super::{
    Params,
    set::{SetState, Start},
};
use crate::model::{
    body::Segment,
    command::SetRole,
    metric::Metric,
    plan::{Plan, TrainingSide},
};

/// The set that is to begin.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Exercise library id.
    pub exercise: &'a str,
    /// Working side.
    pub side: TrainingSide,
    /// What it is for.
    pub role: &'a SetRole,
}

/// What the plan asks of the set that a sensor could measure and none on `carrying` does, a line each. `available`: the
/// metrics that sensors there measure.
#[must_use]
pub fn unworn(
    params: &Params,
    plan: &Plan,
    wanted: Wanted<'_>,
    carrying: &[Segment],
    available: &[Metric],
) -> Vec<String> {
    let start = Start {
        exercise: wanted.exercise,
        side: wanted.side,
        role: wanted.role,
        load_kg: None,
        available,
        sensors: carrying,
    };
    let (set, _) = SetState::new(params, Some(plan), &[], &start);
    let mut lines = set.unworn(plan);
    lines.dedup();
    lines
}
