//! The clinic's geometry: poses of segments against the angles that they are. deg.

use super::{super::calibration::Frame, *};
use crate::{
    model::{frame::Vec3, sample::Quality, session::Sensor, time::SessionNs},
    motion::{
        channel::{Channel, Kind},
        record::{Row, Sensing},
        sensor::Stance,
    },
};
use nalgebra::UnitQuaternion;

/// A segment that leans forward and to the client's right, deg.
type Lean = (Segment, f64, f64);

/// "Up" in the axes of a segment (ahead, up, right).
fn up(forward: f64, right: f64) -> Vec3 {
    let (f, r) = (forward.to_radians(), right.to_radians());
    if right == 0.0 {
        Vec3::new(-f.sin(), f.cos(), 0.0)
    } else {
        Vec3::new(0.0, r.cos(), -r.sin())
    }
}

fn device(lean: Lean, mount: &UnitQuaternion<f64>, params: &Params) -> (Device, Pose) {
    let sensor = Sensor {
        alias: lean.0.to_string(),
        driver: "imported".into(),
        segment: lean.0,
        confirmed_by: "test".into(),
        nominal_hz: 100.0,
    };
    let mut device = Device::new(&sensor, params);
    device.sensing = Sensing::Imu;
    device.rows = (0..101)
        .map(|i| {
            let t = SessionNs(i * 10_000_000);
            let seen = mount * up(lean.1, lean.2);
            Row::new(t, seen, Vec3::zeros(), seen * 9.81, Quality::GOOD)
        })
        .collect();
    device.last = device.rows.last().copied();
    let frame = Frame::new(mount * Vec3::y(), mount * Vec3::z());
    let pose = Pose {
        frame: frame.unwrap_or_else(|| panic!("a frame of {}", lean.0)),
        zero: Zero::Stance,
        quality: 100.0,
        signed: true,
        drifted: false,
        drift_deg: 0.0,
        exchanged: None,
        range_deg: 90.0,
    };
    (device, pose)
}

fn measured(leans: &[Lean], side: TrainingSide, metric: Metric) -> Outcome {
    let params = Params::default();
    let mount = UnitQuaternion::from_euler_angles(0.4, -1.1, 2.0);
    let (devices, poses): (Vec<_>, Vec<_>) = leans
        .iter()
        .map(|lean| device(*lean, &mount, &params))
        .map(|(device, pose)| (device, Some(pose)))
        .unzip();
    read(&devices, &poses, side, metric, 1.0)
}

/// A metric over the first seconds of the rows.
fn read(
    devices: &[Device],
    poses: &[Option<Pose>],
    side: TrainingSide,
    metric: Metric,
    seconds: f64,
) -> Outcome {
    let params = Params::default();
    let view = View::new(devices, poses, "squat", side, &params);
    let turn = SessionNs::from_seconds(seconds / 2.0);
    let found = Found {
        start: SessionNs(0),
        turn,
        end: SessionNs::from_seconds(seconds),
        dwell: (turn, turn),
        amplitude: 0.0,
        channel: Channel {
            kind: Kind::Angle,
            terms: vec![(0, 1.0)],
            metric: None,
            name: String::new(),
        },
    };
    one(&view, &found, None, metric)
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of poses")]
fn poses_are_the_angles_that_the_clinic_means() {
    use Metric as M;
    use Segment as S;
    use TrainingSide::{Left, Right};
    let vectors: &[(&[Lean], TrainingSide, Metric, f64)] = &[
        (
            &[(S::ShankR, 30.0, 0.0), (S::ThighR, -70.0, 0.0)],
            Right,
            M::KneeFlexion,
            100.0,
        ),
        (
            &[(S::Pelvis, 40.0, 0.0), (S::ThighR, -70.0, 0.0)],
            Right,
            M::HipFlexion,
            110.0,
        ),
        (
            &[(S::ShankL, 0.0, 0.0), (S::ThighL, -90.0, 0.0)],
            Left,
            M::KneeFlexion,
            90.0,
        ),
        (
            &[(S::ShankL, -90.0, 0.0), (S::ThighL, -90.0, 0.0)],
            Left,
            M::KneeFlexion,
            0.0,
        ),
        (
            &[(S::FootR, 40.0, 0.0), (S::ShankR, 0.0, 0.0)],
            Right,
            M::AnkleDorsiflexion,
            -40.0,
        ),
        (
            &[(S::UpperArmL, 0.0, 0.0), (S::ForearmL, -90.0, 0.0)],
            Left,
            M::ElbowFlexion,
            90.0,
        ),
        (
            &[(S::Thorax, 0.0, 0.0), (S::UpperArmR, -90.0, 0.0)],
            Right,
            M::ShoulderFlexion,
            90.0,
        ),
        (
            &[(S::Thorax, -10.0, 0.0), (S::UpperArmR, -90.0, 0.0)],
            Right,
            M::ShoulderFlexion,
            80.0,
        ),
        (
            &[(S::Thorax, 0.0, 0.0), (S::UpperArmR, 20.0, 0.0)],
            Right,
            M::ShoulderFlexion,
            -20.0,
        ),
        (
            &[(S::Pelvis, -90.0, 0.0), (S::ThighR, -90.0, 0.0)],
            Right,
            M::HipFlexion,
            0.0,
        ),
        (
            &[(S::Pelvis, -90.0, 0.0), (S::ThighR, -135.0, 0.0)],
            Right,
            M::HipFlexion,
            45.0,
        ),
        (
            &[(S::Pelvis, -90.0, 0.0), (S::ThighR, -150.0, 0.0)],
            Right,
            M::HipFlexion,
            60.0,
        ),
        (
            &[(S::Thorax, 50.0, 0.0), (S::Pelvis, 30.0, 0.0)],
            Right,
            M::LumbarFlexion,
            20.0,
        ),
        (
            &[(S::ThighR, 0.0, 6.0), (S::ShankR, 0.0, -6.0)],
            Right,
            M::KneeMedialShift,
            12.0,
        ),
        (
            &[(S::ThighL, 0.0, -6.0), (S::ShankL, 0.0, 6.0)],
            Left,
            M::KneeMedialShift,
            12.0,
        ),
        (&[(S::Pelvis, 0.0, -7.0)], Right, M::PelvicDrop, 7.0),
        (&[(S::Pelvis, 0.0, 7.0)], Left, M::PelvicDrop, 7.0),
    ];
    for (leans, side, metric, expected) in vectors {
        match measured(leans, *side, *metric) {
            Ok(Measured::Value { at_turn, error, .. }) => {
                assert!((at_turn - expected).abs() < 1e-4, "{metric:?} {at_turn}");
                assert!(error > 0.0);
            }
            other => panic!("{metric:?}: {other:?}"),
        }
    }
}

#[test]
fn exchanged_and_uncalibrated_sensors_measure_nothing() {
    let leans = [(Segment::ShankR, 30.0, 0.0), (Segment::ThighR, -70.0, 0.0)];
    let params = Params::default();
    let mount = UnitQuaternion::identity();
    let (shank, good) = device(leans[0], &mount, &params);
    let (thigh, mut bad) = device(leans[1], &mount, &params);
    let devices = [shank, thigh];
    let reading = |pose: Option<Pose>| {
        let poses = [Some(good), pose];
        let side = TrainingSide::Right;
        read(&devices, &poses, side, Metric::KneeFlexion, 1.0)
    };
    assert!(reading(Some(bad)).is_ok());
    bad.exchanged = Some(0);
    assert_eq!(reading(Some(bad)), Err(Missing::NotCalibrated));
    bad.exchanged = None;
    bad.zero = Zero::Unknown;
    assert_eq!(reading(Some(bad)), Err(Missing::NotCalibrated));
    bad.zero = Zero::Stance;
    bad.drifted = true;
    assert_eq!(reading(Some(bad)), Err(Missing::Drifted));
    assert_eq!(reading(None), Err(Missing::NotCalibrated));
}

/// Lying on the side the knee's axis is upright and no tilt shows it: it is followed from the stance on.
#[test]
fn a_knee_is_followed_where_its_axis_is_upright() {
    let params = Params::default();
    let mounts = [
        UnitQuaternion::from_euler_angles(0.4, -1.1, 2.0),
        UnitQuaternion::from_euler_angles(-2.0, 0.3, 0.8),
    ];
    let leans = [(Segment::ShankR, 0.0, 0.0), (Segment::ThighR, 0.0, 0.0)];
    let (mut devices, mut poses) = (Vec::new(), Vec::new());
    for (i, (lean, mount)) in leans.iter().zip(&mounts).enumerate() {
        let (mut device, pose) = device(*lean, mount, &params);
        device.stance = Some(Stance {
            up: mount * Vec3::y(),
        });
        device.axis_commanded = true;
        // Two seconds to lie down on the right side, then the knee bends by 60 deg and straightens again.
        let lying = |t: f64| 90.0 * (t / 2.0).min(1.0);
        let bent = |t: f64| {
            if i == 0 && t > 2.0 {
                30.0 - 30.0 * (std::f64::consts::PI * (t - 2.0)).cos()
            } else {
                0.0
            }
        };
        let toward = |t: f64| {
            let down = UnitQuaternion::from_axis_angle(&Vec3::x_axis(), lying(t).to_radians());
            down * UnitQuaternion::from_axis_angle(&Vec3::z_axis(), -bent(t).to_radians())
        };
        device.rows = (0..401)
            .map(|k| {
                let t = f64::from(k) / 100.0;
                let turned = toward(t).inverse() * toward(t + 1e-5);
                let rate = mount * (turned.scaled_axis() / 1e-5);
                let up = mount * (toward(t).inverse() * Vec3::y());
                Row::new(
                    SessionNs::from_seconds(t),
                    up,
                    rate,
                    up * 9.81,
                    Quality::GOOD,
                )
            })
            .collect();
        device.last = device.rows.last().copied();
        devices.push(device);
        poses.push(Some(pose));
    }
    let side = TrainingSide::Right;
    match read(&devices, &poses, side, Metric::KneeFlexion, 4.0) {
        Ok(Measured::Value { min, max, .. }) => {
            assert!(min.abs() < 1.0 && (max - 60.0).abs() < 1.0, "{min} {max}");
        }
        other => panic!("{other:?}"),
    }
    for device in &mut devices {
        device.axis_commanded = false;
    }
    let unknown = read(&devices, &poses, side, Metric::KneeFlexion, 4.0);
    assert_eq!(unknown, Err(Missing::Undefined));
}
