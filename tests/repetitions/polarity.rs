//! Gyroscopes that count the other way round, wholly or about one axis.

use super::{
    body::{Q, SHANK_DEG, THIGH_DEG, V, Watch},
    session::{Session, Told, set},
};
use plimsoll::{
    model::{metric::Metric, rep::Measured, session::TechKind},
    motion::MotionEvent,
};

fn told(signs: V) -> Told {
    // The knee's axis lies mostly along x of both sensors, in part along y.
    let mount = Q::from_euler_angles(0.0, 0.0, 1.2);
    let session = Session {
        watch: Watch {
            signs,
            mounts: [mount; 2],
            ..Watch::default()
        },
        ..Session::default()
    };
    session.run(&set().repeat(8, [1.4, 0.4, 1.2, 0.8], 1.0).stay(2.0))
}

fn said(told: &Told) -> usize {
    let reversed = |e: &MotionEvent| matches!(e, MotionEvent::Tech(t) if matches!(t.kind, TechKind::GyroscopeReversed { .. }));
    told.events.iter().filter(|(_, e)| reversed(e)).count()
}

fn worst_knee_error_deg(told: &Told) -> f64 {
    told.finals()
        .iter()
        .map(|r| match r.measured(Metric::KneeFlexion) {
            Some(Measured::Value { max, .. }) => (max - (SHANK_DEG - THIGH_DEG)).abs(),
            other => panic!("{other:?}"),
        })
        .fold(0.0, f64::max)
}

#[test]
fn a_right_gyroscope_is_not_touched() {
    assert_eq!(said(&told(V::repeat(1.0))), 0);
}

#[test]
fn reversed_gyroscopes_are_corrected_and_said() {
    let told = told(V::repeat(-1.0));
    assert_eq!(told.counts().0, 8);
    assert_eq!(said(&told), 2, "both sensors");
    let worst = worst_knee_error_deg(&told);
    assert!(worst < 2.0, "{worst}");
}

#[test]
fn one_reversed_axis_is_corrected_and_said() {
    let told = told(V::new(-1.0, 1.0, 1.0));
    assert_eq!(told.counts().0, 8);
    assert!(said(&told) >= 1);
    // Until the axis is seen to be reversed, angles are missing, not wrong.
    let told_deg: Vec<f64> = told
        .finals()
        .iter()
        .filter_map(|r| match r.measured(Metric::KneeFlexion) {
            Some(Measured::Value { max, .. }) => Some(max - (SHANK_DEG - THIGH_DEG)),
            _ => None,
        })
        .collect();
    assert!(told_deg.iter().all(|e| e.abs() < 3.0), "{told_deg:?}");
}
