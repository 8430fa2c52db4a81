//! The four phases of a repetition in the plan's order, from its boundaries, with their error. Seconds.
//!
//! A phase ends where the rate falls below a share of the repetition's peak rate: every tempo code depends on that
//! share, so it stands beside the figures. What a smooth movement does below it is added back in
//! [`super::segment::boundaries`].

use super::post::Found;
use crate::model::{
    exercise::{FirstPhase, exercise},
    rep::Phases,
    time::SessionNs,
};

/// Half of the 95 % band of a boundary between two movements, s. Chosen with [`SOFT_SHARE`] on simulated squats with
/// body sway at 25 to 200 Hz, so that the bands of other simulated sets hold the truth in 90 to 99 % of phases.
const SHARP_S: f64 = 0.05;
/// What a boundary between movement and pause adds, share of the movement: it begins softly, and the body sways.
const SOFT_SHARE: f64 = 0.085;

/// Whether the way out of a repetition is the eccentric phase; `None` where nobody knows.
pub(super) fn out_is_eccentric(exercise_id: &str, out_is_down: Option<bool>) -> Option<bool> {
    out_is_down.or_else(|| exercise(exercise_id).map(|e| e.starts_with == FirstPhase::Eccentric))
}

/// Phases of a repetition; `next_start` is where the following one begins, `None` where nothing follows (yet).
pub(super) fn phases(
    found: &Found,
    next_start: Option<SessionNs>,
    out_is_eccentric: bool,
    threshold: f64,
) -> Phases {
    let out_s = span_s(found.start, found.dwell.0);
    let dwell_s = span_s(found.dwell.0, found.dwell.1);
    let back_s = span_s(found.dwell.1, found.end);
    let rest_s = next_start.map(|next| span_s(found.end, next));
    let soft = |movement_s: f64, pause_s: f64| {
        if pause_s > 0.0 {
            SHARP_S + SOFT_SHARE * movement_s
        } else {
            SHARP_S
        }
    };
    let rest_before_s = rest_s.unwrap_or(1.0);
    let (out_dwell, back_dwell) = (soft(out_s, dwell_s), soft(back_s, dwell_s));
    let (out_rest, back_rest) = (soft(out_s, rest_before_s), soft(back_s, rest_before_s));
    let error = [
        out_dwell.hypot(out_rest),
        out_dwell.hypot(back_dwell),
        back_dwell.hypot(back_rest),
        back_rest.hypot(out_rest),
    ];
    if out_is_eccentric {
        Phases {
            eccentric_s: out_s,
            pause_stretched_s: Some(dwell_s),
            concentric_s: back_s,
            pause_shortened_s: rest_s,
            threshold,
            error_s: error,
        }
    } else {
        Phases {
            eccentric_s: back_s,
            pause_stretched_s: rest_s,
            concentric_s: out_s,
            pause_shortened_s: Some(dwell_s),
            threshold,
            error_s: [error[2], error[3], error[0], error[1]],
        }
    }
}

/// Begin and end of the concentric phase.
pub(super) fn concentric(found: &Found, out_is_eccentric: bool) -> (SessionNs, SessionNs) {
    if out_is_eccentric {
        (found.dwell.1, found.end)
    } else {
        (found.start, found.dwell.0)
    }
}

/// Seconds from one instant to a later one; 0 if it is not later.
pub(super) fn span_s(from: SessionNs, to: SessionNs) -> f64 {
    (to.0 - from.0).max(0) as f64 * 1e-9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::exercise::LIBRARY,
        motion::channel::{Channel, Kind},
    };

    fn found() -> Found {
        let at = SessionNs::from_seconds;
        Found {
            start: at(0.0),
            turn: at(1.5),
            end: at(4.0),
            dwell: (at(1.0), at(2.0)),
            amplitude: 90.0,
            channel: Channel {
                kind: Kind::Angle,
                terms: vec![(0, 1.0)],
                metric: None,
                name: String::new(),
            },
        }
    }

    /// The clinic's library: what comes first in each exercise.
    const FIRST: &[(&str, bool)] = &[
        ("squat", true),
        ("sit_to_stand", false),
        ("single_leg_squat", true),
        ("step_down", true),
        ("step_up", false),
        ("lunge", true),
        ("hip_hinge", true),
        ("deadlift", false),
        ("leg_extension", false),
        ("straight_leg_raise", false),
        ("hip_abduction", false),
        ("hip_extension", false),
        ("trunk_flexion", false),
        ("heel_raise", false),
        ("bridge", false),
        ("shoulder_abduction", false),
        ("shoulder_flexion", false),
        ("external_rotation", false),
        ("biceps_curl", false),
        ("triceps_extension", false),
        ("overhead_press", false),
        ("bench_press", true),
        ("row", false),
    ];

    #[test]
    fn every_exercise_of_the_library_knows_what_is_eccentric() {
        assert_eq!(FIRST.len(), LIBRARY.len());
        for (id, eccentric_first) in FIRST {
            assert_eq!(out_is_eccentric(id, None), Some(*eccentric_first), "{id}");
            let phases = phases(
                &found(),
                Some(SessionNs::from_seconds(4.5)),
                *eccentric_first,
                0.03,
            );
            let order = [
                Some(phases.eccentric_s),
                phases.pause_stretched_s,
                Some(phases.concentric_s),
                phases.pause_shortened_s,
            ];
            // Out 1 s, dwell 1 s, back 2 s, rest 0.5 s.
            let expected = if *eccentric_first {
                [1.0, 1.0, 2.0, 0.5]
            } else {
                [2.0, 0.5, 1.0, 1.0]
            };
            assert_eq!(order, expected.map(Some), "{id}");
        }
        assert_eq!(out_is_eccentric("juggling", None), None);
    }

    #[test]
    fn what_was_seen_of_the_height_beats_the_library() {
        // A floor lift that begins standing; a squat that begins on the box.
        assert_eq!(out_is_eccentric("deadlift", Some(true)), Some(true));
        assert_eq!(out_is_eccentric("squat", Some(false)), Some(false));
        let at = SessionNs::from_seconds;
        assert_eq!(concentric(&found(), true), (at(2.0), at(4.0)));
        assert_eq!(concentric(&found(), false), (at(0.0), at(1.0)));
    }

    #[test]
    fn nothing_follows_the_last_repetition() {
        assert_eq!(phases(&found(), None, true, 0.03).pause_shortened_s, None);
        assert_eq!(phases(&found(), None, false, 0.03).pause_stretched_s, None);
    }
}
