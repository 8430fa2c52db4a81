//! "Shake the one for the left shank": which of several sensors was moved most. Pure.
//!
//! Movement is how far the acceleration strays from its own mean, m/s² (root mean square), so that neither gravity nor a
//! sensor that reads it wrong counts. One sensor has to stand out; otherwise nobody is chosen.

/// Nobody shook anything below this, m/s². This and the next were chosen by reasoning and on simulated
/// shakes; no recording of real ones was at hand.
const LEAST: f64 = 3.0;
/// The one that was shaken moves this many times as much as any other.
const STANDS_OUT: f64 = 3.0;

/// Running mean and spread of one sensor's acceleration.
#[derive(Debug, Clone, Copy, Default)]
struct Spread {
    n: f64,
    mean: [f64; 3],
    squares: f64,
}

impl Spread {
    fn push(&mut self, v: [f64; 3]) {
        self.n += 1.0;
        for (mean, x) in self.mean.iter_mut().zip(v) {
            // Welford's update.
            let before = x - *mean;
            *mean += before / self.n;
            self.squares += before * (x - *mean);
        }
    }

    fn rms(&self) -> f64 {
        (self.squares / self.n.max(1.0)).sqrt()
    }
}

/// What several sensors did in the same time.
#[derive(Debug, Clone)]
pub struct Shake {
    sensors: Vec<Spread>,
}

/// Who was shaken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shaken {
    /// This one.
    One(usize),
    /// Nobody moved.
    Nobody,
    /// Several moved alike: the most and the second most, m/s².
    Several(f64, f64),
}

impl Shake {
    /// Nothing of `n` sensors was heard yet.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self {
            sensors: vec![Spread::default(); n],
        }
    }

    /// Takes an acceleration of a sensor, m/s².
    pub fn push(&mut self, sensor: usize, acceleration: [f64; 3]) {
        if acceleration.iter().all(|v| v.is_finite())
            && let Some(spread) = self.sensors.get_mut(sensor)
        {
            spread.push(acceleration);
        }
    }

    /// Whether anything was heard of a sensor.
    #[must_use]
    pub fn is_heard(&self, sensor: usize) -> bool {
        self.sensors.get(sensor).is_some_and(|s| s.n > 0.0)
    }

    /// How much each moved, m/s².
    pub fn moved(&self) -> impl Iterator<Item = f64> + '_ {
        self.sensors.iter().map(Spread::rms)
    }

    /// Who stands out.
    #[must_use]
    pub fn shaken(&self) -> Shaken {
        let mut order: Vec<(usize, f64)> = self.moved().enumerate().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        match order[..] {
            [(first, most), ..] if most >= LEAST => {
                let second = order.get(1).map_or(0.0, |(_, moved)| *moved);
                if most >= STANDS_OUT * second {
                    Shaken::One(first)
                } else {
                    Shaken::Several(most, second)
                }
            }
            _ => Shaken::Nobody,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shake(amplitudes: &[f64]) -> Shaken {
        let mut shake = Shake::new(amplitudes.len());
        for k in 0..300 {
            for (i, a) in amplitudes.iter().enumerate() {
                let swing = a * (f64::from(k) * 0.3).sin();
                shake.push(i, [swing, 9.8, 0.0]);
            }
        }
        shake.shaken()
    }

    #[test]
    fn the_one_that_stands_out_is_chosen_and_nobody_else() {
        assert_eq!(shake(&[0.1, 15.0, 0.2]), Shaken::One(1));
        assert_eq!(shake(&[15.0]), Shaken::One(0));
        assert_eq!(shake(&[0.1, 0.2]), Shaken::Nobody);
        assert!(matches!(shake(&[15.0, 12.0]), Shaken::Several(..)));
        assert_eq!(shake(&[]), Shaken::Nobody);
    }
}
