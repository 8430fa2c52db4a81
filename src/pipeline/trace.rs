//! The traced metric over the running set, cut into repetitions after it.

use crate::model::{event::Event, metric::Metric, rep::Rep, time::SessionNs};

/// Points kept for one set: 20 minutes at 20 a second. Later ones are not traced; the set itself is
/// judged all the same.
const POINTS: usize = 24_000;

/// Points of the running set.
#[derive(Debug, Default)]
pub(super) struct SetTrace {
    metric: Option<Metric>,
    points: Vec<(SessionNs, Option<f64>)>,
}

impl SetTrace {
    pub(super) fn clear(&mut self) {
        self.points.clear();
        self.metric = None;
    }

    pub(super) fn push(&mut self, t: SessionNs, metric: Option<Metric>, value: Option<f64>) {
        if metric != self.metric {
            self.clear();
            self.metric = metric;
        }
        if self.points.len() < POINTS {
            self.points.push((t, value));
        }
    }

    /// The part of `rep`, if something was traced.
    pub(super) fn of(&self, rep: &Rep) -> Option<Event> {
        let metric = self.metric?;
        let from = self.points.partition_point(|(t, _)| *t < rep.start);
        let to = self.points.partition_point(|(t, _)| *t < rep.end);
        let points = self
            .points
            .get(from..to)
            .filter(|p| !p.is_empty())?
            .to_vec();
        Some(Event::Trace {
            set: rep.set,
            rep: rep.number,
            metric,
            points,
        })
    }
}
