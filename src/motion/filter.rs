//! Zero-phase filtering of evenly sampled series: second-order Butterworth, run forward and backward.
//!
//! The series' own mean is taken out first and put back afterwards, and the ends are continued by point
//! reflection, so that a series that starts or ends in mid-movement is not bent at its edges.

use biquad::{Biquad, Coefficients, DirectForm2Transposed, Q_BUTTERWORTH_F64, ToHertz, Type};

/// What is left after `steps` time constants, `exp(-steps)`: its rational series where that is exact to a millionth,
/// because it is asked for with every sample.
#[must_use]
pub(super) fn left_after(steps: f64) -> f64 {
    if (0.0..=0.3).contains(&steps) {
        let (even, odd) = (12.0 + steps * steps, 6.0 * steps);
        (even - odd) / (even + odd)
    } else {
        (-steps).exp()
    }
}

/// Low-pass without delay. Returns the input where `cut_hz` is not below the Nyquist frequency.
#[must_use]
pub(super) fn low_pass(x: &[f64], rate_hz: f64, cut_hz: f64) -> Vec<f64> {
    zero_phase(x, rate_hz, cut_hz, &Type::LowPass).unwrap_or_else(|| x.to_vec())
}

/// High-pass without delay. Returns the input without its mean where `cut_hz` cannot be had.
#[must_use]
pub(super) fn high_pass(x: &[f64], rate_hz: f64, cut_hz: f64) -> Vec<f64> {
    zero_phase(x, rate_hz, cut_hz, &Type::HighPass).unwrap_or_else(|| {
        let m = mean(x);
        x.iter().map(|v| v - m).collect()
    })
}

fn coefficients(rate_hz: f64, cut_hz: f64, kind: &Type<f64>) -> Option<Coefficients<f64>> {
    if !(rate_hz > 0.0 && cut_hz > 0.0 && cut_hz < 0.45 * rate_hz) {
        return None;
    }
    Coefficients::<f64>::from_params(*kind, rate_hz.hz(), cut_hz.hz(), Q_BUTTERWORTH_F64).ok()
}

fn zero_phase(x: &[f64], rate_hz: f64, cut_hz: f64, kind: &Type<f64>) -> Option<Vec<f64>> {
    let k = coefficients(rate_hz, cut_hz, kind)?;
    let (&first, &last) = (x.first()?, x.last()?);
    let pad = ((1.5 * rate_hz / cut_hz) as usize).min(x.len() - 1);
    let m = if matches!(kind, Type::HighPass) {
        mean(x)
    } else {
        0.0
    };
    let mut padded = Vec::with_capacity(x.len() + 2 * pad);
    padded.extend((1..=pad).rev().map(|i| 2.0 * first - x[i] - m));
    padded.extend(x.iter().map(|v| v - m));
    padded.extend((1..=pad).map(|i| 2.0 * last - x[x.len() - 1 - i] - m));
    let offset = if matches!(kind, Type::LowPass) {
        padded[0]
    } else {
        0.0
    };
    for v in &mut padded {
        *v -= offset;
    }
    run(k, &mut padded);
    Some(
        padded[pad..pad + x.len()]
            .iter()
            .map(|v| v + offset)
            .collect(),
    )
}

fn run(k: Coefficients<f64>, x: &mut [f64]) {
    let mut forward = DirectForm2Transposed::<f64>::new(k);
    for v in x.iter_mut() {
        *v = forward.run(*v);
    }
    // Started from its own steady state at the last value: the series goes on at that level.
    let level = x.last().copied().unwrap_or(0.0);
    let mut backward = DirectForm2Transposed::<f64>::new(k);
    let gain = (k.b0 + k.b1 + k.b2) / (1.0 + k.a1 + k.a2);
    for v in x.iter_mut().rev() {
        *v = backward.run(*v - level) + gain * level;
    }
}

/// Arithmetic mean; 0 of nothing.
#[must_use]
pub(super) fn mean(x: &[f64]) -> f64 {
    if x.is_empty() {
        return 0.0;
    }
    x.iter().sum::<f64>() / x.len() as f64
}

/// The value below which the share `q` of the values lies; 0 of nothing.
#[must_use]
pub(super) fn quantile(x: &[f64], q: f64) -> f64 {
    if x.is_empty() {
        return 0.0;
    }
    let mut values = x.to_vec();
    let place = ((values.len() - 1) as f64 * q).round() as usize;
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}

/// The middle value; 0 of nothing.
#[must_use]
pub(super) fn median(x: &[f64]) -> f64 {
    quantile(x, 0.5)
}

/// Mean of the values that are not twice the median: the usual step between samples that also jitter.
#[must_use]
pub(super) fn mean_without_outliers(x: &[f64]) -> f64 {
    let limit = 1.8 * median(x);
    let usual: Vec<f64> = x.iter().copied().filter(|v| *v <= limit).collect();
    mean(&usual)
}
