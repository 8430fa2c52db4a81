//! Smallest, largest, first and turning value of an angle over a repetition. deg.

use super::{super::pose::wrap, Outcome, band::Sources};
use crate::model::{
    rep::{Measured, Missing},
    time::SessionNs,
};

/// Smallest, largest, first and turning value of a path, continuous over ±180 deg.
#[derive(Default)]
pub(super) struct Path {
    last: Option<f64>,
    start: f64,
    min: f64,
    max: f64,
    turn: f64,
}

impl Path {
    pub(super) fn push(&mut self, t: SessionNs, value: f64, turn: SessionNs) {
        let value = self.last.map_or(value, |last| last + wrap(value - last));
        if self.last.is_none() {
            (self.start, self.min, self.max) = (value, value, value);
        }
        self.last = Some(value);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if t <= turn {
            self.turn = value;
        }
    }

    /// With the band that its error sources give.
    pub(super) fn measured(self, sources: &Sources) -> Outcome {
        let range = self.max - self.min;
        self.last.ok_or(Missing::Undefined)?;
        Ok(Measured::Value {
            min: self.min,
            max: self.max,
            at_turn: self.turn,
            at_start: self.start,
            error: sources.of_angle(range),
            range_error: Some(sources.of_range(range)),
            drifting: sources.drifting,
        })
    }
}
