//! The four phases of a repetition and its concentric speed, from its boundaries. Seconds.

use super::post::Found;
use crate::model::{
    exercise::{FirstPhase, exercise},
    rep::Phases,
    time::SessionNs,
};

/// Whether the way out of a repetition is the eccentric phase; `None` where nobody knows.
pub(super) fn out_is_eccentric(exercise_id: &str, out_is_down: Option<bool>) -> Option<bool> {
    out_is_down.or_else(|| exercise(exercise_id).map(|e| e.starts_with == FirstPhase::Eccentric))
}

/// Phases of a repetition; `next_start` is where the following one begins.
pub(super) fn phases(
    found: &Found,
    next_start: Option<SessionNs>,
    out_is_eccentric: bool,
    threshold: f64,
) -> Phases {
    let out_s = span_s(found.start, found.dwell.0);
    let dwell_s = span_s(found.dwell.0, found.dwell.1);
    let back_s = span_s(found.dwell.1, found.end);
    let rest_s = next_start.map_or(0.0, |next| span_s(found.end, next));
    if out_is_eccentric {
        Phases {
            eccentric_s: out_s,
            pause_stretched_s: dwell_s,
            concentric_s: back_s,
            pause_shortened_s: rest_s,
            threshold,
        }
    } else {
        Phases {
            eccentric_s: back_s,
            pause_stretched_s: rest_s,
            concentric_s: out_s,
            pause_shortened_s: dwell_s,
            threshold,
        }
    }
}

/// Mean speed of the concentric phase, units of the channel a second.
pub(super) fn concentric_speed(found: &Found, phases: &Phases) -> Option<f64> {
    (phases.concentric_s > 0.05).then(|| found.amplitude / phases.concentric_s)
}

/// Seconds from one instant to a later one; 0 if it is not later.
pub(super) fn span_s(from: SessionNs, to: SessionNs) -> f64 {
    (to.0 - from.0).max(0) as f64 * 1e-9
}
