//! Second-order Butterworth low-pass for `N` values at once, begun with the mean of its first samples.
//!
//! The cut-off belongs to a time constant, `f = sqrt(2) / (2 pi tau)`, as in VQF (Laidig & Seel, Information
//! Fusion 91, 2023). Until the time constant has passed the output is the mean of what came, and that mean is
//! the state the filter goes on from: nothing depends on a single first sample. Any unit.

use std::f64::consts::SQRT_2;

/// Coefficients of `y = b0 x + 2 b0 x' + b0 x'' - a1 y' - a2 y''`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Coefficients {
    b0: f64,
    a1: f64,
    a2: f64,
    /// Time that makes the mean at the beginning, and the period, s.
    tau_s: f64,
    step_s: f64,
}

impl Coefficients {
    /// For a time constant and a period, s. Where the cut-off is not below the Nyquist frequency all passes.
    pub(super) fn new(tau_s: f64, step_s: f64) -> Self {
        if tau_s < step_s / 2.0 {
            return Self {
                b0: 1.0,
                a1: 2.0,
                a2: 1.0,
                tau_s,
                step_s,
            };
        }
        let c = (step_s * SQRT_2 / (2.0 * tau_s)).tan();
        let d = c * c + SQRT_2 * c + 1.0;
        Self {
            b0: c * c / d,
            a1: 2.0 * (c * c - 1.0) / d,
            a2: (1.0 - SQRT_2 * c + c * c) / d,
            tau_s,
            step_s,
        }
    }
}

/// State of one filter.
#[derive(Debug, Clone, Copy)]
pub(super) struct LowPass<const N: usize> {
    /// Samples in the mean; negative once the filter runs.
    seen: f64,
    /// Sum of the first samples, then the newest output.
    y: [f64; N],
    s1: [f64; N],
    s2: [f64; N],
}

impl<const N: usize> Default for LowPass<N> {
    fn default() -> Self {
        Self {
            seen: 0.0,
            y: [0.0; N],
            s1: [0.0; N],
            s2: [0.0; N],
        }
    }
}

impl<const N: usize> LowPass<N> {
    /// A filter that has been at `x` for ever.
    pub(super) fn settled(x: [f64; N], k: &Coefficients) -> Self {
        let mut filter = Self::default();
        filter.settle(x, k);
        filter
    }

    /// Takes a sample and returns the output.
    pub(super) fn push(&mut self, x: [f64; N], k: &Coefficients) -> [f64; N] {
        if self.seen >= 0.0 {
            return self.average(x, k);
        }
        for (i, x) in x.iter().enumerate() {
            let bx = k.b0 * x;
            let y = bx + self.s1[i];
            self.s1[i] = 2.0 * bx - k.a1 * y + self.s2[i];
            self.s2[i] = bx - k.a2 * y;
            self.y[i] = y;
        }
        self.y
    }

    /// Goes on with other coefficients: the output stays where it is.
    pub(super) fn retune(&mut self, old: &Coefficients, new: &Coefficients) {
        if self.seen >= 0.0 {
            return;
        }
        for i in 0..N {
            self.s1[i] += (old.b0 - new.b0) * self.y[i];
            self.s2[i] += (old.b0 - new.b0 - old.a2 + new.a2) * self.y[i];
        }
    }

    fn average(&mut self, x: [f64; N], k: &Coefficients) -> [f64; N] {
        self.seen += 1.0;
        let mut mean = [0.0; N];
        for ((y, x), mean) in self.y.iter_mut().zip(x).zip(&mut mean) {
            *y += x;
            *mean = *y / self.seen;
        }
        if self.seen * k.step_s >= k.tau_s {
            self.settle(mean, k);
        }
        mean
    }

    fn settle(&mut self, x: [f64; N], k: &Coefficients) {
        self.seen = -1.0;
        self.y = x;
        for (i, x) in x.iter().enumerate() {
            self.s1[i] = x * (1.0 - k.b0);
            self.s2[i] = x * (k.b0 - k.a2);
        }
    }
}
