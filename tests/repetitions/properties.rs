//! What may not change the result: the mounting of a sensor, its rate, where the stream is cut, drift of the heading,
//! turns of the body.

use super::{
    body::{Q, SHANK_DEG, THIGH_DEG, V, Watch},
    session::{Session, Told, set},
};
use plimsoll::{
    model::{
        metric::Metric,
        rep::{Measured, Rep, Stage},
    },
    motion::MotionEvent,
};
use proptest::prelude::*;

const REPS: usize = 5;

fn script() -> super::body::Script {
    set().repeat(REPS, [1.3, 0.3, 1.1, 0.6], 1.0).stay(1.5)
}

fn told(watch: Watch, windows_s: &[f64]) -> Told {
    let session = Session {
        watch,
        windows_s,
        ..Session::default()
    };
    session.run(&script())
}

/// Range of a metric within its stated band.
fn range_holds(rep: &Rep, metric: Metric, truth_deg: f64) -> Result<(), TestCaseError> {
    match rep.measured(metric) {
        Some(Measured::Value {
            min, max, error, ..
        }) => {
            let off = (max - min) - truth_deg;
            prop_assert!(
                off.abs() <= error,
                "{metric:?} of {}: off by {off:.2}, stated {error:.2}",
                rep.number
            );
            Ok(())
        }
        other => Err(TestCaseError::fail(format!("{metric:?}: {other:?}"))),
    }
}

fn all_holds(told: &Told) -> Result<(), TestCaseError> {
    prop_assert_eq!(told.counts(), (REPS, REPS as u32));
    for rep in told.finals() {
        range_holds(rep, Metric::KneeFlexion, SHANK_DEG - THIGH_DEG)?;
        range_holds(rep, Metric::ThighForwardTilt, THIGH_DEG.abs())?;
        range_holds(rep, Metric::ShankForwardTilt, SHANK_DEG)?;
    }
    Ok(())
}

fn any_mount() -> impl Strategy<Value = Q> {
    (
        -1.0..1.0_f64,
        -1.0..1.0_f64,
        -1.0..1.0_f64,
        0.0..std::f64::consts::PI,
    )
        .prop_map(|(x, y, z, angle)| {
            let axis = nalgebra::Unit::try_new(V::new(x, y, z), 1e-6).unwrap_or(V::x_axis());
            Q::from_axis_angle(&axis, angle)
        })
}

/// Still while the set begins, then a half turn in six seconds, as if following the mirror.
fn half_turn(t: f64) -> f64 {
    0.5 * std::f64::consts::PI
        * (1.0 - (((t - 9.0) / 6.0).clamp(0.0, 1.0) * std::f64::consts::PI).cos())
}

fn finals(told: &Told) -> Vec<&MotionEvent> {
    told.events
        .iter()
        .map(|(_, e)| e)
        .filter(|e| {
            matches!(e, MotionEvent::Rep(r) if r.stage == Stage::Final)
                || matches!(e, MotionEvent::RepTrace { .. })
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_mounting_of_a_sensor(shank in any_mount(), thigh in any_mount()) {
        all_holds(&told(Watch { mounts: [shank, thigh], ..Watch::default() }, &[0.1]))?;
    }

    #[test]
    fn the_rate(rate_hz in 25.0..200.0_f64) {
        all_holds(&told(Watch { rate_hz, ..Watch::default() }, &[0.1]))?;
    }

    #[test]
    fn drift_of_the_heading(x in -0.02..0.02_f64, y in -0.02..0.02_f64, z in -0.02..0.02_f64) {
        all_holds(&told(Watch { bias: V::new(x, y, z), ..Watch::default() }, &[0.1]))?;
    }

    #[test]
    fn a_turn_of_the_body(mount in any_mount()) {
        let watch = Watch { heading: half_turn, mounts: [mount, mount.inverse()], ..Watch::default() };
        all_holds(&told(watch, &[0.1]))?;
    }

    /// Cut anywhere: the same live count, and final repetitions that are the same to the last bit; one window over
    /// the whole set (batch) among them.
    #[test]
    fn where_the_stream_is_cut(windows_s in prop::collection::vec(0.02..0.9_f64, 1..6)) {
        let (whole, cut) = (told(Watch::default(), &[1e3]), told(Watch::default(), &windows_s));
        prop_assert_eq!(cut.counts(), (REPS, REPS as u32));
        prop_assert_eq!(whole.counts(), cut.counts());
        prop_assert!(finals(&whole) == finals(&cut), "final repetitions differ");
    }
}
