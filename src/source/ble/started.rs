//! What a set-up achieved: the streams it started, and what there should be and is not. Pure.

use crate::{
    decode::{Wish, script::Outcome},
    model::reading::Measurand,
    source::streams::Streams,
};

/// The set-up of one connection.
#[derive(Debug, Default)]
pub(super) struct Started {
    /// The streams that run.
    pub(super) streams: Streams,
    /// Steps that did not work, each with its reason.
    pub(super) skipped: Vec<String>,
    /// What the sensor may have and did not start.
    missed: Vec<Measurand>,
}

impl Started {
    pub(super) fn by(outcome: Outcome) -> Self {
        Self {
            streams: Streams::started(outcome.started),
            skipped: outcome.skipped,
            missed: outcome.missed,
        }
    }

    /// What the sensor may have and did not start, in words.
    pub(super) fn missed(&self) -> Vec<String> {
        words(self.missed.iter())
    }

    /// Why this connection is of no use: what the configuration asks for by name, or anything at all, is not there; or,
    /// where another try may help (`again`), what the sensor offers did not start.
    pub(super) fn lacking(&self, wish: &Wish, again: bool) -> Option<String> {
        let lacking = words(wish.streams.iter().filter(|m| !self.streams.has(**m)));
        if self.streams.is_empty() || !lacking.is_empty() {
            return Some(format!(
                "it does not measure what it is asked for ({})",
                lacking.join(", ")
            ));
        }
        (again && !self.missed.is_empty()).then(|| {
            format!(
                "it did not start all that it offers ({})",
                self.skipped.join("; ")
            )
        })
    }
}

fn words<'a>(what: impl Iterator<Item = &'a Measurand>) -> Vec<String> {
    what.map(|m| format!("{m:?}")).collect()
}
