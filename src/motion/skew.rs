//! How far apart in time two sensors are, as a movement shows that both make: where the angular rates of their segments,
//! each about its own axis, are most alike (normalised cross-correlation, repetition by repetition). s.
//!
//! The segments of a body do not turn at quite the same instant: what is found is the skew of the clocks *and* the body's
//! own. It finds clocks that are grossly apart; it cannot certify some hundredths of a second.

use super::{
    anatomy::tilt_sign,
    filter::median,
    movement::Made,
    record::{Sensing, place},
    sensor::Device,
};
use crate::model::frame::Vec3;

/// Spacing of the courses, s.
const STEP_S: f64 = 0.01;
/// Farthest skew that is looked for, in steps: a second.
const FARTHEST: usize = 100;
/// Two courses of one movement are at least so alike (correlation).
const ALIKE: f64 = 0.9;
/// Longest gap that a course bridges, s.
const GAP_S: f64 = 0.1;
/// Repetitions that have to agree.
const LEAST: usize = 3;
/// They agree to this, s (median absolute deviation).
const AGREE_S: f64 = 0.05;

/// How much later the second sensor shows the movement than the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Skew {
    /// Median of the repetitions, s.
    pub(super) lag_s: f64,
    /// Half-width of its 95 % band, s, from how the repetitions differ.
    pub(super) error_s: f64,
}

/// A sensor and what it saw of the movement.
pub(super) type Seen<'a> = (&'a Device, &'a Made);

/// How far the second is behind the first, or why that cannot be told.
pub(super) fn skew(exercise: &str, first: Seen, second: Seen) -> Result<Skew, &'static str> {
    let outward = |(device, made): Seen| made.axis * tilt_sign(exercise, device.segment);
    let (a, b) = (outward(first), outward(second));
    if [first, second]
        .iter()
        .any(|(d, _)| d.sensing != Sensing::Imu)
    {
        return Err("a sensor has no gyroscope");
    }
    let far_s = FARTHEST as f64 * STEP_S;
    let mut lags = Vec::new();
    let mut whole = 0;
    for (from, to) in &first.1.spans {
        let (from_s, to_s) = (from.seconds(), to.seconds());
        let lead = course(first.0, a, from_s, to_s);
        let Some((begin_s, end_s)) = ends(second.0) else {
            continue;
        };
        // As far around it as there is anything; a whole number of steps, so that the courses lie on one grid.
        let before = FARTHEST.min(((from_s - begin_s) / STEP_S).max(0.0) as usize);
        let begin_s = from_s - before as f64 * STEP_S;
        let other = course(second.0, b, begin_s, end_s.min(to_s + far_s));
        if let (Some(lead), Some(other)) = (lead, other) {
            whole += 1;
            lags.extend(lag_s(&lead, &other, before));
        }
    }
    if whole < LEAST {
        return Err("too few repetitions without gaps");
    }
    if lags.len() < LEAST || lags.len() * 2 <= whole {
        return Err("the two do not move alike");
    }
    let lag_s = median(&lags);
    let off: Vec<f64> = lags.iter().map(|l| (l - lag_s).abs()).collect();
    let spread_s = median(&off);
    if spread_s > AGREE_S {
        return Err("the repetitions do not agree");
    }
    // The median's own error from the deviation of single ones (1.48 makes it a standard deviation, 1.25 is the
    // median's price against the mean), and a grid's step at least.
    let error_s = 1.96 * 1.48 * 1.25 * spread_s / (lags.len() as f64).sqrt();
    Ok(Skew {
        lag_s,
        error_s: error_s.max(STEP_S / 2.0),
    })
}

/// Begin and end of what a device has recorded, s.
fn ends(device: &Device) -> Option<(f64, f64)> {
    let (first, last) = (device.rows.first()?, device.rows.last()?);
    Some((first.t_s() + STEP_S, last.t_s() - STEP_S))
}

/// Angular rate about an axis at even times, rad/s; `None` where the sensor has a gap or no data.
fn course(device: &Device, axis: Vec3, from_s: f64, to_s: f64) -> Option<Vec<f64>> {
    let rows = &device.rows;
    let bias = device.bias();
    let steps = ((to_s - from_s) / STEP_S) as usize;
    (0..=steps)
        .map(|k| {
            let t_s = from_s + k as f64 * STEP_S;
            let i = place(rows, crate::model::time::SessionNs::from_seconds(t_s));
            let (before, after) = (rows.get(i.checked_sub(1)?)?, rows.get(i)?);
            let span_s = after.t_s() - before.t_s();
            let share = (t_s - before.t_s()) / span_s;
            let rate = before.gyro() * (1.0 - share) + after.gyro() * share;
            (span_s <= GAP_S).then(|| (rate - bias).dot(&axis))
        })
        .collect()
}

/// Where `lead` fits best into `other`, which begins so many steps before it.
fn lag_s(lead: &[f64], other: &[f64], before: usize) -> Option<f64> {
    let alike: Vec<f64> = (0..=2 * FARTHEST)
        .map_while(|shift| Some(correlation(lead, other.get(shift..shift + lead.len())?)))
        .collect();
    let best = (0..alike.len()).max_by(|a, b| alike[*a].total_cmp(&alike[*b]))?;
    // At an end of what was looked at nobody knows what lies beyond.
    let (left, right) = (*alike.get(best.checked_sub(1)?)?, *alike.get(best + 1)?);
    if alike[best] < ALIKE {
        return None;
    }
    // The top of the parabola through three points.
    let bend = left - 2.0 * alike[best] + right;
    let top = if bend < 0.0 {
        (left - right) / (2.0 * bend)
    } else {
        0.0
    };
    Some((best as f64 + top - before as f64) * STEP_S)
}

/// Correlation coefficient; 0 where one of them does not move.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - ma, y - mb);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    if aa > 0.0 && bb > 0.0 {
        ab / (aa * bb).sqrt()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A movement's rate that begins and ends at rest.
    fn rate(t_s: f64) -> f64 {
        let inside = (0.0..2.0).contains(&t_s);
        let half = std::f64::consts::PI * t_s / 2.0;
        if inside {
            half.sin().powi(2) * (2.0 * half).sin()
        } else {
            0.0
        }
    }

    fn sampled(from_s: f64, to_s: f64, lag_s: f64) -> Vec<f64> {
        let n = ((to_s - from_s) / STEP_S).round() as usize;
        (0..=n)
            .map(|k| rate(from_s + k as f64 * STEP_S - lag_s))
            .collect()
    }

    proptest! {
        #[test]
        fn a_lag_is_found_to_a_fifth_of_a_step(lag in -0.45..0.45_f64, gain in 0.2..5.0_f64, offset in -1.0..1.0_f64) {
            let lead = sampled(0.0, 2.0, 0.0);
            let other: Vec<f64> = sampled(-0.5, 2.5, lag).iter().map(|x| gain * x + offset).collect();
            let found = lag_s(&lead, &other, 50).unwrap();
            prop_assert!((found - lag).abs() < STEP_S / 5.0, "{found} for {lag}");
        }
    }

    #[test]
    fn what_does_not_move_alike_has_no_lag() {
        let lead = sampled(0.0, 2.0, 0.0);
        let still = vec![0.0; lead.len() + 100];
        assert_eq!(lag_s(&lead, &still, 50), None);
        let against: Vec<f64> = sampled(-0.5, 2.5, 0.0).iter().map(|x| -x).collect();
        assert_eq!(lag_s(&lead, &against, 50), None);
        // Beyond what is looked at.
        assert_eq!(lag_s(&lead, &sampled(-0.5, 2.5, 0.8), 50), None);
    }
}
