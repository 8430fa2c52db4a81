//! A quantity over time: key points joined by minimum-jerk curves, smooth enough to differentiate twice.

/// Value over seconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    keys: Vec<(f64, f64)>,
}

impl Track {
    pub(super) fn starting(value: f64) -> Self {
        Self {
            keys: vec![(0.0, value)],
        }
    }

    /// Where it stands at its last key.
    pub(super) fn last(&self) -> f64 {
        self.keys.last().map_or(0.0, |k| k.1)
    }

    /// Stays as it is until `t`.
    pub(super) fn hold(&mut self, t: f64) {
        self.to(t, self.last());
    }

    /// Moves to `value`, arriving at `t`.
    pub(super) fn to(&mut self, t: f64, value: f64) {
        if self.keys.last().is_none_or(|k| t > k.0) {
            self.keys.push((t, value));
        }
    }

    pub(super) fn at(&self, t: f64) -> f64 {
        let after = self.keys.partition_point(|k| k.0 <= t);
        let (Some(from), to) = (self.keys.get(after.saturating_sub(1)), self.keys.get(after))
        else {
            return 0.0;
        };
        let Some(to) = to else { return from.1 };
        if after == 0 {
            return to.1;
        }
        let s = ((t - from.0) / (to.0 - from.0)).clamp(0.0, 1.0);
        // Flash & Hogan 1985: the minimum-jerk course between two rests.
        let share = s * s * s * (10.0 - 15.0 * s + 6.0 * s * s);
        from.1 + share * (to.1 - from.1)
    }
}
