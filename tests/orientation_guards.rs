//! Orientation: what sensors and radios do must not reach the filter unseen.
//!
//! A computed movement with exact truth, and each fault put into it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

use nalgebra::{UnitQuaternion, Vector3};
use plimsoll::{
    model::sample::Quality,
    motion::orientation::{Level, Moment, Sensing, Tracker, levels},
};
use proptest::prelude::*;

type Vec3 = Vector3<f64>;

/// A sample and the true "up" in the sensor.
type Seen = (Moment, Vec3);

/// Rest for 2 s, swings about changing axes of up to 200 deg/s, rest for 2 s.
fn movement(rate_hz: f64, seconds: f64) -> Vec<Seen> {
    const FINE: usize = 16;
    let dt = 1.0 / rate_hz / FINE as f64;
    let mut attitude = UnitQuaternion::from_euler_angles(0.4, -0.9, 0.2);
    let mut out = Vec::new();
    for i in 0..(seconds * rate_hz) as usize {
        let t = i as f64 / rate_hz;
        let up = attitude.inverse_transform_vector(&Vec3::z());
        let push = Vec3::new((5.0 * t).sin(), (7.0 * t).cos(), (4.0 * t).sin()) * shape(t, seconds);
        out.push((
            Moment {
                t_s: t,
                acceleration: attitude.inverse_transform_vector(&(push + Vec3::z() * 9.81)),
                rate: rate(t, seconds),
                quality: Quality::GOOD,
            },
            up,
        ));
        for k in 0..FINE {
            let middle = t + (k as f64 + 0.5) * dt;
            attitude *= UnitQuaternion::from_scaled_axis(rate(middle, seconds) * dt);
        }
    }
    out
}

fn shape(t: f64, seconds: f64) -> f64 {
    ((t - 2.0).min(seconds - 2.0 - t)).clamp(0.0, 1.0)
}

fn rate(t: f64, seconds: f64) -> Vec3 {
    Vec3::new(
        2.4 * (3.1 * t).sin(),
        1.7 * (2.3 * t).cos(),
        2.0 * (1.1 * t).sin(),
    ) * shape(t, seconds)
}

/// Largest error of the live filter over what it was given, deg, from the 2nd second on.
fn live_worst(nominal_hz: f64, seen: &[Seen]) -> f64 {
    let mut tracker = Tracker::new(nominal_hz);
    seen.iter()
        .map(|(m, up)| {
            let tracked = tracker.update(m.t_s, m.acceleration, Some(m.rate), m.quality);
            let error = tracked.up.angle(up).to_degrees();
            // A refused sample tells nothing new; the engine makes no row of it.
            let refused = tracked.quality.has(Quality::NOT_FINITE);
            if m.t_s < 2.0 || refused { 0.0 } else { error }
        })
        .fold(0.0, f64::max)
}

fn after_worst(seen: &[Seen]) -> f64 {
    let moments: Vec<Moment> = seen.iter().map(|s| s.0).collect();
    levels(&moments, Vec3::zeros(), Sensing::Imu)
        .iter()
        .zip(seen)
        .filter_map(|(level, (_, up))| Some(level.as_ref()?.up.angle(up).to_degrees()))
        .fold(0.0, f64::max)
}

#[test]
fn without_faults_both_are_near_the_truth() {
    for rate_hz in [25.0, 40.0, 100.0, 200.0] {
        let seen = movement(rate_hz, 20.0);
        let (live, after) = (live_worst(rate_hz, &seen), after_worst(&seen));
        assert!(live < 2.0, "{rate_hz} Hz: {live} deg");
        assert!(after < 1.5, "{rate_hz} Hz: {after} deg");
    }
}

#[test]
fn what_is_no_number_or_impossible_changes_nothing() {
    let seen = movement(100.0, 20.0);
    let good = live_worst(100.0, &seen);
    let x = Vec3::x();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e9] {
        for (acceleration, rate) in [
            (x * 9.81, x * bad),
            (x * bad, Vec3::zeros()),
            (Vec3::zeros(), Vec3::zeros()),
        ] {
            let mut faulty = seen.clone();
            for at in [0, 1, 30, 700, 701, 702, 1500] {
                let t_s = faulty[at].0.t_s;
                faulty[at].0 = Moment {
                    t_s,
                    acceleration,
                    rate,
                    quality: Quality::GOOD,
                };
            }
            let live = live_worst(100.0, &faulty);
            assert!(live < good + 0.5, "{bad}: {live} deg, {good} without");
            let after = after_worst(&faulty);
            assert!(after < 1.5, "{bad}: {after} deg after");
        }
    }
}

#[test]
fn a_sample_that_is_no_number_leaves_the_bias_a_number() {
    let bias = Vec3::new(0.01, -0.015, 0.005);
    let mut tracker = Tracker::new(100.0);
    for i in 0..3000 {
        let t_s = f64::from(i) * 0.01;
        let rate = if i == 500 { bias * f64::NAN } else { bias };
        let tracked = tracker.update(t_s, Vec3::z() * 9.81, Some(rate), Quality::GOOD);
        assert_eq!(tracked.quality.has(Quality::NOT_FINITE), i == 500);
    }
    assert!((tracker.bias() - bias).norm() < 2e-4, "{}", tracker.bias());
}

#[test]
fn the_nominal_rate_may_be_wrong() {
    let seen = movement(100.0, 30.0);
    let right = live_worst(100.0, &seen);
    for (nominal_hz, more_deg) in [(98.0, 0.05), (102.0, 0.05), (50.0, 0.3), (0.0, 0.3)] {
        let wrong = live_worst(nominal_hz, &seen);
        assert!(
            wrong < right + more_deg,
            "{nominal_hz} Hz: {wrong} deg, {right} with the right one"
        );
    }
}

#[test]
fn lost_packets_are_bridged() {
    let seen = movement(95.0, 40.0);
    let lost = |i: usize| i > 200 && (i / 5) % 40 == 7;
    let left: Vec<Seen> = seen
        .iter()
        .enumerate()
        .filter_map(|(i, s)| (!lost(i)).then_some(*s))
        .collect();
    let live = live_worst(95.0, &left);
    assert!(live < 2.5, "{live} deg");
    let after = after_worst(&left);
    assert!(after < 1.5, "{after} deg after");
}

#[test]
fn what_was_interpolated_before_is_not_believed() {
    let mut seen = movement(100.0, 20.0);
    for i in (300..1700).step_by(50) {
        let (from, to) = (seen[i].0, seen[i + 6].0);
        for k in 1..6 {
            let share = k as f64 / 6.0;
            let m = &mut seen[i + k].0;
            m.rate = from.rate + (to.rate - from.rate) * share;
            m.acceleration = from.acceleration + (to.acceleration - from.acceleration) * share;
            m.quality = Quality::INTERPOLATED;
        }
    }
    let (live, after) = (live_worst(100.0, &seen), after_worst(&seen));
    assert!(live < 2.5, "{live} deg");
    assert!(after < 1.5, "{after} deg after");
}

#[test]
fn after_a_long_gap_the_orientation_starts_anew() {
    let seen: Vec<Seen> = movement(100.0, 20.0)
        .into_iter()
        .filter(|(m, _)| !(5.0..7.5).contains(&m.t_s))
        .collect();
    let moments: Vec<Moment> = seen.iter().map(|s| s.0).collect();
    let levels = levels(&moments, Vec3::zeros(), Sensing::Imu);
    let worst = |from: f64, to: f64| {
        levels
            .iter()
            .zip(&seen)
            .filter(|(_, (m, _))| (from..to).contains(&m.t_s))
            .map(|(l, (_, up))| l.as_ref().unwrap().up.angle(up).to_degrees())
            .fold(0.0, f64::max)
    };
    assert!(worst(0.0, 5.0) < 3.0, "{}", worst(0.0, 5.0));
    assert!(worst(9.0, 20.0) < 3.0, "{}", worst(9.0, 20.0));
}

/// Cuts an axis at the end of its range.
fn clip(seen: &mut [Seen], end: f64, part: impl Fn(&mut Moment) -> &mut Vec3) {
    for (m, _) in seen {
        let v = part(m);
        *v = v.map(|x| x.clamp(-end, end));
    }
}

fn marked(levels: &[Option<Level>]) -> usize {
    levels
        .iter()
        .filter(|l| l.is_some_and(|l| l.quality.has(Quality::CLIPPED)))
        .count()
}

#[test]
fn the_end_of_the_range_is_found_and_marked() {
    let clean = movement(100.0, 30.0);
    let all = |seen: &[Seen]| {
        let moments: Vec<Moment> = seen.iter().map(|s| s.0).collect();
        levels(&moments, Vec3::zeros(), Sensing::Imu)
    };
    assert_eq!(marked(&all(&clean)), 0, "a movement alone is not clipped");

    let end = 125_f64.to_radians();
    let mut clipped = clean.clone();
    clip(&mut clipped, end, |m| &mut m.rate);
    let true_count = clean
        .iter()
        .filter(|(m, _)| m.rate.amax() >= end * 0.999)
        .count();
    assert!(true_count > 50);
    assert_eq!(marked(&all(&clipped)), true_count);

    let mut tracker = Tracker::new(100.0);
    let live = clipped
        .iter()
        .filter(|(m, _)| {
            tracker
                .update(m.t_s, m.acceleration, Some(m.rate), m.quality)
                .quality
                .has(Quality::CLIPPED)
        })
        .count();
    // Live, the end is known from its third sample on.
    assert!(live + 2 >= true_count && live <= true_count, "{live}");
}

/// Blows go beyond 2 g, and the sensor ends there: their cut acceleration must not level.
#[test]
fn a_clipped_acceleration_does_not_level() {
    let mut seen = movement(100.0, 30.0);
    for k in 0..60 {
        for i in 0..6 {
            let blow = Vec3::new(40.0 * f64::from(1 + i), 0.0, 0.0);
            seen[400 + 40 * k + i as usize].0.acceleration += blow;
        }
    }
    clip(&mut seen, 2.0 * 9.806_65, |m| &mut m.acceleration);
    let unmarked = {
        // The same cut, made unrecognisable by noise in its last digits: the filter believes it.
        let mut hidden = seen.clone();
        for (i, (m, _)) in hidden.iter_mut().enumerate() {
            m.acceleration.x += (i % 7) as f64 * 0.003;
        }
        live_worst(100.0, &hidden)
    };
    let live = live_worst(100.0, &seen);
    assert!(live < unmarked / 2.0, "{live} deg, {unmarked} if believed");
    let after = after_worst(&seen);
    assert!(after < 2.5, "{after} deg after");
}

#[test]
fn without_a_gyroscope_acceleration_alone_shows_the_tilt() {
    let moments: Vec<Moment> = (0..500)
        .map(|i| Moment {
            t_s: f64::from(i) * 0.02,
            acceleration: Vec3::new(0.0, 6.0, 8.0),
            rate: Vec3::zeros(),
            quality: Quality::GOOD,
        })
        .collect();
    for level in levels(&moments, Vec3::zeros(), Sensing::AccOnly) {
        let level = level.unwrap();
        assert!((level.up - Vec3::new(0.0, 0.6, 0.8)).norm() < 1e-6);
        assert!(level.vertical.abs() < 1e-6);
    }
    let mut tracker = Tracker::new(50.0);
    for m in &moments {
        let tracked = tracker.update(m.t_s, m.acceleration, None, m.quality);
        assert!((tracked.up - Vec3::new(0.0, 0.6, 0.8)).norm() < 1e-6);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes, "up" is a unit vector and the bias a number.
    #[test]
    fn nothing_breaks_the_filter(
        rows in prop::collection::vec(
            (
                -0.1_f64..0.7,
                prop::array::uniform3(prop::num::f64::ANY),
                prop::array::uniform3(prop::num::f64::ANY),
                any::<bool>(),
                0_u8..64,
            ),
            1..200,
        ),
    ) {
        let mut tracker = Tracker::new(100.0);
        let mut t_s = 0.0;
        let mut moments = Vec::new();
        for (step_s, a, g, mild, marks) in rows {
            t_s += step_s.max(1e-4);
            let tame = |v: [f64; 3]| Vec3::from(v.map(|x| if mild { x % 20.0 } else { x }));
            let m = Moment { t_s, acceleration: tame(a), rate: tame(g), quality: Quality(marks) };
            let tracked = tracker.update(m.t_s, m.acceleration, Some(m.rate), m.quality);
            prop_assert!((tracked.up.norm() - 1.0).abs() < 1e-9);
            prop_assert!(tracker.bias().norm() < 1.0);
            moments.push(m);
        }
        for level in levels(&moments, Vec3::zeros(), Sensing::Imu).into_iter().flatten() {
            prop_assert!((level.up.norm() - 1.0).abs() < 1e-9);
            prop_assert!(level.vertical.is_finite());
        }
    }

    /// A turned mounting turns "up" with it.
    #[test]
    fn the_mounting_does_not_matter(roll in -3.1_f64..3.1, pitch in -1.5_f64..1.5, yaw in -3.1_f64..3.1) {
        let turn = UnitQuaternion::from_euler_angles(roll, pitch, yaw);
        let seen = movement(50.0, 8.0);
        let (mut plain, mut turned) = (Tracker::new(50.0), Tracker::new(50.0));
        for (m, _) in &seen {
            let a = plain.update(m.t_s, m.acceleration, Some(m.rate), m.quality);
            let b = turned.update(m.t_s, turn * m.acceleration, Some(turn * m.rate), m.quality);
            prop_assert!((turn * a.up).angle(&b.up) < 1e-3);
        }
    }
}
