//! The true period of a stream: the mean of the steps that lie near their median.
//!
//! Nominal rates are wrong by several per cent, and lost samples make steps of twice or three times
//! the period; neither moves the median. Where steps follow no period (stamped by a busy host), the
//! mean step is all there is to say, and nothing tells a lost sample from a late one.

/// Steps looked at.
const STEPS: usize = 64;
/// Steps before anything is said.
const ENOUGH: usize = 8;
/// Steps between two looks.
const EVERY: usize = 8;
/// A step this near the median (share of it) is a period and no loss.
const NEAR: f64 = 0.3;

/// Steps of a stream, ns.
#[derive(Debug, Clone)]
pub struct Period {
    steps_ns: [i64; STEPS],
    seen: usize,
    typical_ns: Option<f64>,
    steady: bool,
}

impl Default for Period {
    fn default() -> Self {
        Self {
            steps_ns: [0; STEPS],
            seen: 0,
            typical_ns: None,
            steady: false,
        }
    }
}

impl Period {
    /// Takes the step from one sample to the next.
    pub fn learn(&mut self, step_ns: i64) {
        self.steps_ns[self.seen % STEPS] = step_ns;
        self.seen += 1;
        if self.seen >= ENOUGH && (self.seen.is_multiple_of(EVERY) || self.typical_ns.is_none()) {
            self.look();
        }
    }

    fn look(&mut self) {
        let mut sorted = self.steps_ns;
        let sorted = &mut sorted[..self.seen.min(STEPS)];
        let middle = sorted.len() / 2;
        let median = *sorted.select_nth_unstable(middle).1 as f64;
        let near = |step: &&i64| (**step as f64 - median).abs() <= NEAR * median;
        let regular = sorted.iter().filter(near).count();
        self.steady = 2 * regular > sorted.len();
        let mean = if self.steady {
            mean(sorted.iter().filter(near))
        } else {
            mean(sorted.iter())
        };
        self.typical_ns = Some(mean);
    }

    /// The period, or the mean step if there is no period, ns; `None` while too few steps are known.
    #[must_use]
    pub fn ns(&self) -> Option<f64> {
        self.typical_ns.filter(|p| *p > 0.0)
    }

    /// The period, ns; `None` if it is not known or steps follow none.
    #[must_use]
    pub fn steady_ns(&self) -> Option<f64> {
        self.ns().filter(|_| self.steady)
    }
}

fn mean<'a>(steps: impl Iterator<Item = &'a i64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for step in steps {
        sum += *step as f64;
        count += 1.0;
    }
    sum / f64::max(count, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_do_not_move_it() {
        let mut period = Period::default();
        for i in 0..200 {
            period.learn(if i % 5 == 0 { 40 } else { 20 + i % 2 });
        }
        let ns = period.ns().unwrap();
        assert!((ns - 20.5).abs() < 0.2, "{ns}");
    }

    #[test]
    fn steps_without_a_period_are_told_apart() {
        let mut period = Period::default();
        for i in 0..200_i64 {
            period.learn((i * 37) % 41 + 1);
        }
        assert_eq!(period.steady_ns(), None);
        assert!(period.ns().is_some());
    }

    #[test]
    fn a_new_rate_is_learned() {
        let mut period = Period::default();
        for _ in 0..100 {
            period.learn(10);
        }
        for _ in 0..64 {
            period.learn(20);
        }
        assert_eq!(period.ns(), Some(20.0));
    }
}
