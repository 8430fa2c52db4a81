//! Tests of `synth`.

use super::{person::Body, *};
use crate::model::{frame::Vec3, units::STANDARD_GRAVITY};
use nalgebra::UnitQuaternion;
use track::Track;

fn still(knee: f64, lean: f64, arm: f64, elbow: f64) -> Body {
    let at = Track::starting;
    Body {
        knee: at(knee),
        lean: at(lean),
        arm: at(arm),
        elbow: at(elbow),
        heading: at(30.0),
        gait: at(0.0),
        sway: [0.0; 6],
    }
}

/// Flexion as the simulator means it: difference of two forward tilts, deg.
fn flexion(body: &Body, upper: Segment, lower: Segment, t: f64) -> f64 {
    body.tilt(upper, t).forward - body.tilt(lower, t).forward
}

/// Forward tilt by the clinical formula from an orientation: atan2(-ux, uy), u = up in segment axes.
fn forward_tilt_deg(body: &Body, segment: Segment, t: f64) -> f64 {
    let u = body
        .pose(segment, t)
        .earth_from_segment
        .inverse_transform_vector(&Vec3::z());
    (-u.x).atan2(u.y).to_degrees()
}

#[test]
fn clinical_formulas_hold_on_the_orientations() {
    let body = still(100.0, 20.0, 90.0, 40.0);
    for t in [0.0, 1.3, 7.7] {
        let knee = forward_tilt_deg(&body, Segment::ShankL, t)
            - forward_tilt_deg(&body, Segment::ThighL, t);
        assert!((knee - flexion(&body, Segment::ShankL, Segment::ThighL, t)).abs() < 1e-9);
        assert!((knee - 100.0).abs() < 1.0, "{knee}");
        let shoulder = forward_tilt_deg(&body, Segment::Thorax, t)
            - forward_tilt_deg(&body, Segment::UpperArmR, t);
        assert!((shoulder - flexion(&body, Segment::Thorax, Segment::UpperArmR, t)).abs() < 1e-9);
        assert!((shoulder - 90.0).abs() < 1.5, "{shoulder}");
    }
}

#[test]
fn a_still_sensor_feels_one_g_and_a_moving_one_turns_as_its_segment() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let model = SensorModel::on(Segment::ThighL, 100.0, &mut rng);
    let (force, rate) = model.ideal(&still(0.0, 0.0, 0.0, 0.0), 3.0);
    assert!(
        (force.norm() - STANDARD_GRAVITY).abs() < 0.02,
        "{}",
        force.norm()
    );
    assert!(rate.norm() < 0.02, "{}", rate.norm());
    let mut body = still(0.0, 0.0, 0.0, 0.0);
    body.knee.to(2.0, 90.0);
    body.heading.to(2.0, 100.0);
    let dt = 1e-3;
    let mut turned = UnitQuaternion::identity();
    for k in 0..2000 {
        let (_, rate) = model.ideal(&body, (f64::from(k) + 0.5) * dt);
        turned *= UnitQuaternion::from_scaled_axis(rate * dt);
    }
    let (from, to) = (
        body.pose(Segment::ThighL, 0.0),
        body.pose(Segment::ThighL, 2.0),
    );
    let truth = from.earth_from_segment.inverse() * to.earth_from_segment;
    assert!((turned.angle() - truth.angle()).to_degrees().abs() < 0.1);
}

#[test]
fn a_seed_gives_the_same_bytes_and_another_seed_others() {
    let scenario = Scenario::named("shoulder-raise").unwrap();
    let (a, b, c) = (scenario.run(1), scenario.run(1), scenario.run(2));
    assert_eq!(a.items, b.items);
    assert_ne!(a.items, c.items);
}

#[test]
fn every_scenario_has_truth_for_what_it_expects() {
    for name in NAMES {
        let session = Scenario::named(name).unwrap().run(1);
        assert!(!session.truth.expected.is_empty());
        for e in &session.truth.expected {
            let set = &session.truth.sets[e.set as usize - 1];
            assert!(
                e.rep.is_none_or(|r| r as usize <= set.reps.len()),
                "{name}: {e:?}"
            );
        }
    }
}
