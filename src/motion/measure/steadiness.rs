//! How steadily one repetition is done: smoothness, velocity peaks, trembling, jolts, and how far the
//! counting sensor travels up and down. deg/s, m/s², m.

use super::{
    super::{
        filter::{high_pass, mean, median},
        orientation::rate_of,
        post::Found,
        record::{Row, Sensing, between},
        sensor::Device,
    },
    Outcome, View,
    shape::{lead, number, rows_of},
};
use crate::model::{metric::Metric, rep::Missing, time::SessionNs, units::STANDARD_GRAVITY};
use realfft::{RealFftPlanner, num_complex::Complex};
use std::cell::RefCell;

/// Rate at which angular rates are looked at, Hz.
const RATE_HZ: f64 = 100.0;
/// Trembling lies above, Hz (tremor rating: 3-12 Hz).
const TREMBLE_HZ: f64 = 3.0;
/// ... and needs at least this sample rate, Hz.
const TREMBLE_RATE_HZ: f64 = 45.0;
/// Spectral arc length: highest frequency, Hz, and share of the spectrum's peak that still counts
/// (Balasubramanian 2015; for angular rates Melendez-Calderon 2021).
const ARC_HZ: f64 = 10.0;
const ARC_SHARE: f64 = 0.05;
thread_local! {
    /// Keeps what it has planned: the tables of a transform cost more than the transform.
    static PLANNER: RefCell<RealFftPlanner<f64>> = RefCell::new(RealFftPlanner::new());
}
/// A velocity peak stands out from the troughs beside it by this share of the fastest.
const PEAK_SHARE: f64 = 0.15;
/// Peaks of the smoothed rate are counted: mean over, s.
const PEAK_MEAN_S: f64 = 0.1;

/// A metric of this module; `None` if it is another's.
pub(super) fn steadiness(view: &View, found: &Found, metric: Metric) -> Option<Outcome> {
    let of = |measure: fn(&Device, &Found) -> Outcome| {
        lead(view, found).and_then(|i| measure(&view.devices[i], found))
    };
    Some(match metric {
        Metric::Smoothness => of(smoothness),
        Metric::VelocityPeaks => of(velocity_peaks),
        Metric::Unsteadiness => of(unsteadiness),
        Metric::PeakAcceleration => of(peak_acceleration),
        Metric::VerticalTravel => of(vertical_travel),
        _ => return None,
    })
}

/// Size of the angular rate on an even grid, rad/s.
fn rate_between(device: &Device, from: SessionNs, to: SessionNs) -> Result<Vec<f64>, Missing> {
    let bias = device.bias();
    resampled(device, from, to, |row| (row.gyro() - bias).norm())
}

fn resampled(
    device: &Device,
    from: SessionNs,
    to: SessionNs,
    value: impl Fn(&Row) -> f64,
) -> Result<Vec<f64>, Missing> {
    if device.sensing == Sensing::AccOnly {
        return Err(Missing::NoSensor);
    }
    let rows = between(&device.rows, from, SessionNs(to.0 + 1));
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Err(Missing::Undefined);
    };
    let n = ((last.t_s() - first.t_s()) * RATE_HZ) as usize + 1;
    let mut grid = Vec::with_capacity(n);
    let mut k = 0;
    for i in 0..n {
        let t_s = first.t_s() + i as f64 / RATE_HZ;
        while k + 2 < rows.len() && rows[k + 1].t_s() < t_s {
            k += 1;
        }
        let Some(next) = rows.get(k + 1) else {
            return Err(Missing::Undefined);
        };
        let span = (next.t_s() - rows[k].t_s()).max(1e-9);
        let share = ((t_s - rows[k].t_s()) / span).clamp(0.0, 1.0);
        grid.push(value(&rows[k]) * (1.0 - share) + value(next) * share);
    }
    Ok(grid)
}

/// Spectral arc length of the angular rate, the worse of the way out and the way back; -1.4 is a perfectly
/// smooth movement, the more negative the more halting.
fn smoothness(device: &Device, found: &Found) -> Outcome {
    let out = arc_length(&rate_between(device, found.start, found.dwell.0)?);
    let back = arc_length(&rate_between(device, found.dwell.1, found.end)?);
    let worse = match (out, back) {
        (Some(a), Some(b)) => a.min(b),
        (Some(a), None) | (None, Some(a)) => a,
        (None, None) => return Err(Missing::Undefined),
    };
    number(worse, 0.1)
}

/// Spectral arc length of a speed profile at [`RATE_HZ`]; `None` of less than a fifth of a second.
fn arc_length(speed: &[f64]) -> Option<f64> {
    if (speed.len() as f64) < 0.2 * RATE_HZ {
        return None;
    }
    // Twice the highest frequency that counts would do; means of pairs keep what is above out.
    let half: Vec<f64> = speed.chunks_exact(2).map(mean).collect();
    let size = half.len().next_power_of_two() << 4;
    let mut padded = vec![0.0; size];
    padded[..half.len()].copy_from_slice(&half);
    let plan = PLANNER.with_borrow_mut(|planner| planner.plan_fft_forward(size));
    let mut spectrum = plan.make_output_vec();
    plan.process(&mut padded, &mut spectrum).ok()?;
    let bins = (2.0 * ARC_HZ / RATE_HZ * size as f64) as usize + 1;
    let sizes: Vec<f64> = spectrum
        .iter()
        .take(bins)
        .map(|c: &Complex<f64>| c.norm_sqr().sqrt())
        .collect();
    let peak = sizes.iter().copied().fold(0.0, f64::max);
    if peak <= 0.0 {
        return None;
    }
    let loud = |v: &f64| *v >= ARC_SHARE * peak;
    let from = sizes.iter().position(loud)?;
    let to = sizes.iter().rposition(loud)?;
    if to == from {
        return None;
    }
    let step: f64 = 1.0 / (to - from) as f64;
    let length: f64 = sizes[from..=to]
        .windows(2)
        .map(|p| (step * step + ((p[1] - p[0]) / peak).powi(2)).sqrt())
        .sum();
    Some(-length)
}

/// How often the movement speeds up: two in a repetition that goes and comes without halting.
fn velocity_peaks(device: &Device, found: &Found) -> Outcome {
    let speed = smoothed(&rate_between(device, found.start, found.end)?);
    let fastest = speed.iter().copied().fold(0.0, f64::max);
    let step = PEAK_SHARE * fastest;
    let (mut rising, mut extreme, mut peaks) = (true, 0.0_f64, 0_u32);
    for v in speed {
        if rising {
            extreme = extreme.max(v);
            if v < extreme - step {
                peaks += 1;
                (rising, extreme) = (false, v);
            }
        } else {
            extreme = extreme.min(v);
            if v > extreme + step {
                (rising, extreme) = (true, v);
            }
        }
    }
    number(f64::from(peaks), 0.5)
}

fn smoothed(x: &[f64]) -> Vec<f64> {
    let half = (PEAK_MEAN_S * RATE_HZ / 2.0) as usize;
    (0..x.len())
        .map(|i| mean(&x[i.saturating_sub(half)..(i + half + 1).min(x.len())]))
        .collect()
}

/// Root mean square of the angular rate above [`TREMBLE_HZ`], deg/s.
fn unsteadiness(device: &Device, found: &Found) -> Outcome {
    let rate_hz = rate_of(&device.rows).ok_or(Missing::Undefined)?;
    if rate_hz < TREMBLE_RATE_HZ {
        return Err(Missing::Undefined);
    }
    let mut power = 0.0;
    for axis in 0..3 {
        let rate = resampled(device, found.start, found.end, |row| row.gyro()[axis])?;
        let fast = high_pass(&rate, RATE_HZ, TREMBLE_HZ);
        power += fast.iter().map(|v| v * v).sum::<f64>() / fast.len().max(1) as f64;
    }
    let tremble = power.sqrt().to_degrees();
    number(tremble, 0.5 + 0.05 * tremble)
}

/// Largest departure of the acceleration's size from rest, m/s².
fn peak_acceleration(device: &Device, found: &Found) -> Outcome {
    let rows = rows_of(device, found);
    let sizes: Vec<f64> = rows.iter().map(|r| r.acc().norm()).collect();
    let usual = median(&sizes);
    let peak = sizes.iter().map(|s| (s - usual).abs()).fold(0.0, f64::max);
    number(peak, 0.2 + 0.05 * peak)
}

/// Height between the highest and the lowest point, m: vertical acceleration integrated twice between the
/// two ends, at which the speed is taken to be zero and the height the same (which takes gravity out too).
fn vertical_travel(device: &Device, found: &Found) -> Outcome {
    let rows = rows_of(device, found);
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Err(Missing::Undefined);
    };
    let span_s = last.t_s() - first.t_s();
    if span_s < 0.2 {
        return Err(Missing::Undefined);
    }
    let steps: Vec<f64> = rows.windows(2).map(|p| p[1].t_s() - p[0].t_s()).collect();
    let sizes: Vec<f64> = rows.iter().map(|r| r.acc().norm()).collect();
    // The sensor's own gravity: some read half as much again.
    let scale = STANDARD_GRAVITY / median(&sizes).max(1.0);
    let acceleration: Vec<f64> = rows.iter().map(|r| scale * r.acc().dot(&r.up())).collect();
    let speed = closed(&acceleration, &steps, span_s);
    let height = closed(&speed, &steps, span_s);
    let top = height.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let bottom = height.iter().copied().fold(f64::INFINITY, f64::min);
    number(top - bottom, 0.02 + 0.1 * (top - bottom))
}

/// Integral from 0 to 0: what is left over at the end is taken out evenly.
fn closed(x: &[f64], steps: &[f64], span_s: f64) -> Vec<f64> {
    let mut sum = 0.0;
    let mut out = vec![0.0];
    let mut at_s = vec![0.0];
    let mut t = 0.0;
    for (pair, step) in x.windows(2).zip(steps) {
        sum += f64::midpoint(pair[0], pair[1]) * step;
        t += step;
        out.push(sum);
        at_s.push(t);
    }
    for (v, t) in out.iter_mut().zip(&at_s) {
        *v -= sum * t / span_s;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::arc_length;
    use std::f64::consts::PI;

    /// The worked example of the formula: a minimum-jerk-like lobe has an arc length near -1.4, and a
    /// movement that stops half-way a longer one.
    #[test]
    fn a_halting_movement_is_less_smooth() {
        let lobe = |n: usize| (0..n).map(move |i| (PI * i as f64 / n as f64).sin().powi(2));
        let smooth: Vec<f64> = lobe(150).collect();
        let halting: Vec<f64> = lobe(80).chain(lobe(70)).collect();
        let (smooth, halting) = (arc_length(&smooth).unwrap(), arc_length(&halting).unwrap());
        assert!((smooth + 1.4).abs() < 0.05, "{smooth}");
        assert!(halting < smooth - 0.2, "{halting}");
        assert_eq!(arc_length(&[1.0; 5]), None);
    }
}
