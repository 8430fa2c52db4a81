//! What must not be counted: standing, resting, walking, taking the weight, gripping anew.

use super::{
    body::{Body, Script},
    session::{Session, set},
};
use plimsoll::model::rep::Stage;

const TEMPO: [f64; 4] = [1.4, 0.4, 1.2, 0.8];

/// Final repetitions and all that were ever confirmed.
fn said(exercise: &str, body: Body, script: &Script) -> (usize, usize) {
    let session = Session {
        exercise,
        body,
        ..Session::default()
    };
    let told = session.run(script);
    (told.finals().len(), told.at(Stage::Confirmed).len())
}

/// Strides of walking: half a second out and back each.
fn strides(script: Script, n: usize) -> Script {
    script.repeat(n, [0.28, 0.0, 0.28, 0.5], 0.6)
}

#[test]
fn resting_with_a_change_of_posture_is_nothing() {
    let script = set()
        .stay(20.0)
        .go(1.5, 0.5)
        .stay(30.0)
        .go(2.0, 0.2)
        .stay(10.0);
    for (exercise, body) in [
        ("squat", Body::Leg),
        ("biceps_curl", Body::Curl),
        ("bench_press", Body::Press),
        ("none", Body::Leg),
    ] {
        let (last, live) = said(exercise, body, &script);
        assert_eq!(last, 0, "{exercise}");
        // A height has no rest level of its own: live it may take one such change for a repetition, and takes it back.
        let most = usize::from(body == Body::Press);
        assert!(live <= most, "{exercise}: {live}");
    }
}

#[test]
fn swaying_while_resting_is_nothing() {
    let script = set().repeat(20, [1.0, 0.0, 1.0, 0.3], 0.04).stay(2.0);
    for exercise in ["squat", "none"] {
        assert_eq!(said(exercise, Body::Leg, &script), (0, 0), "{exercise}");
    }
}

#[test]
fn walking_without_an_exercise_is_nothing() {
    let script = strides(set(), 40).stay(2.0);
    assert_eq!(said("none", Body::Gait, &script), (0, 0));
}

#[test]
fn steps_to_the_rack_and_back_are_no_repetitions() {
    let script = strides(strides(set(), 3).stay(1.5).repeat(8, TEMPO, 1.0), 3).stay(2.0);
    let (last, _) = said("squat", Body::Leg, &script);
    assert_eq!(last, 8);
}

#[test]
fn taking_the_weight_and_putting_it_back_are_no_repetitions() {
    // Up from the rack to the rest end, the set, down again.
    let mut script = set().go(1.2, 0.6).stay(3.0);
    for _ in 0..8 {
        script = script.go(1.2, 1.4).stay(0.3).go(1.4, 0.6).stay(0.5);
    }
    let script = script.stay(1.0).go(1.5, 0.0).stay(3.0);
    let last = said("overhead_press", Body::Press, &script).0;
    assert_eq!(last, 8);
}

#[test]
fn gripping_anew_between_repetitions_is_nothing() {
    let grip = |script: Script| script.repeat(2, [0.15, 0.0, 0.15, 0.2], 0.08).stay(1.0);
    let mut script = set();
    for _ in 0..6 {
        script = grip(script.repeat(1, TEMPO, 1.0));
    }
    for (exercise, body) in [("biceps_curl", Body::Curl), ("squat", Body::Leg)] {
        let script = script.clone().stay(2.0);
        assert_eq!(said(exercise, body, &script).0, 6, "{exercise}");
    }
}
