//! The exercise library: what counts as a repetition of what, and in which order its phases come.
//!
//! `starts_with` is the phase that comes first; `concentric_raises` says whether the primary metric
//! grows while the muscle shortens. An exercise that the library does not know is refused by a plan; a
//! recording of one is counted on the channel that repeats best.

use super::metric::Metric;

/// Which phase a repetition begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstPhase {
    /// Muscle lengthens first (squat).
    Eccentric,
    /// Muscle shortens first (curl, deadlift).
    Concentric,
}

/// One exercise of the library.
#[derive(Debug, Clone, Copy)]
pub struct Exercise {
    /// Stable identifier in plans and files.
    pub id: &'static str,
    /// What trainers call it.
    pub trainer_name: &'static str,
    /// The joint angle that a limit usually speaks of; counted on when its sensors are worn.
    pub primary: Option<Metric>,
    /// Tilts of single segments that show the repetition too, best first.
    pub fallbacks: &'static [Metric],
    /// Usual range of the primary metric, deg; only to catch typing errors.
    pub usual_deg: (f64, f64),
    /// Which phase comes first.
    pub starts_with: FirstPhase,
    /// The primary metric grows in the concentric phase.
    pub concentric_raises: bool,
    /// One side works at a time.
    pub unilateral_only: bool,
    /// Length of a repetition to expect, s.
    pub rep_s: (f64, f64),
}

use FirstPhase::{Concentric as Con, Eccentric as Ecc};
use Metric as M;

/// Every exercise that a plan may name, in the order of the clinic's list.
pub const LIBRARY: &[Exercise] = &[
    entry(
        "squat",
        "squat, goblet squat",
        Some(M::KneeFlexion),
        &[M::ThighForwardTilt, M::TrunkForwardTilt],
        (0.0, 120.0),
        Ecc,
        false,
        (2.5, 6.0),
    ),
    entry(
        "sit_to_stand",
        "chair squat",
        Some(M::KneeFlexion),
        &[M::ThighForwardTilt, M::TrunkForwardTilt],
        (0.0, 110.0),
        Con,
        false,
        (1.5, 4.0),
    ),
    one_sided(entry(
        "single_leg_squat",
        "single-leg squat",
        Some(M::KneeFlexion),
        &[M::ThighForwardTilt],
        (0.0, 60.0),
        Ecc,
        false,
        (2.0, 5.0),
    )),
    one_sided(entry(
        "step_down",
        "step-down",
        Some(M::KneeFlexion),
        &[M::ThighForwardTilt],
        (0.0, 60.0),
        Ecc,
        false,
        (2.0, 5.0),
    )),
    one_sided(entry(
        "step_up",
        "step-up",
        Some(M::KneeFlexion),
        &[M::ThighForwardTilt],
        (0.0, 90.0),
        Con,
        false,
        (2.0, 5.0),
    )),
    one_sided(entry(
        "lunge",
        "lunge, split squat",
        Some(M::KneeFlexion),
        &[M::ThighForwardTilt],
        (0.0, 90.0),
        Ecc,
        false,
        (2.0, 5.0),
    )),
    entry(
        "hip_hinge",
        "Romanian deadlift, good-morning",
        Some(M::HipFlexion),
        &[M::TrunkForwardTilt, M::PelvisForwardTilt],
        (0.0, 90.0),
        Ecc,
        false,
        (2.0, 6.0),
    ),
    entry(
        "deadlift",
        "deadlift",
        Some(M::HipFlexion),
        &[M::TrunkForwardTilt, M::PelvisForwardTilt],
        (0.0, 90.0),
        Con,
        false,
        (2.0, 6.0),
    ),
    entry(
        "leg_extension",
        "leg extension",
        Some(M::KneeFlexion),
        &[M::ShankForwardTilt],
        (0.0, 90.0),
        Con,
        false,
        (2.0, 6.0),
    ),
    entry(
        "straight_leg_raise",
        "straight leg raise",
        Some(M::HipFlexion),
        &[M::ThighForwardTilt, M::ShankForwardTilt],
        (0.0, 90.0),
        Con,
        true,
        (2.0, 8.0),
    ),
    entry(
        "hip_abduction",
        "side leg raise",
        None,
        &[M::ThighForwardTilt, M::ShankForwardTilt],
        (0.0, 45.0),
        Con,
        true,
        (2.0, 8.0),
    ),
    entry(
        "hip_extension",
        "leg push-back",
        None,
        &[M::ThighForwardTilt, M::ShankForwardTilt],
        (0.0, 30.0),
        Con,
        true,
        (2.0, 8.0),
    ),
    entry(
        "trunk_flexion",
        "trunk curl",
        None,
        &[M::TrunkForwardTilt],
        (0.0, 90.0),
        Con,
        true,
        (2.0, 8.0),
    ),
    entry(
        "heel_raise",
        "calf raise",
        Some(M::AnkleDorsiflexion),
        &[M::FootPitch],
        (-45.0, 20.0),
        Con,
        false,
        (1.5, 4.0),
    ),
    entry(
        "bridge",
        "glute bridge",
        Some(M::HipFlexion),
        &[M::PelvisForwardTilt],
        (0.0, 60.0),
        Con,
        false,
        (2.0, 5.0),
    ),
    entry(
        "shoulder_abduction",
        "lateral raise",
        Some(M::ShoulderAbduction),
        &[M::UpperArmForwardTilt, M::ForearmForwardTilt],
        (0.0, 180.0),
        Con,
        true,
        (2.0, 6.0),
    ),
    entry(
        "shoulder_flexion",
        "front raise",
        Some(M::ShoulderFlexion),
        &[M::UpperArmForwardTilt, M::ForearmForwardTilt],
        (0.0, 180.0),
        Con,
        true,
        (2.0, 6.0),
    ),
    entry(
        "external_rotation",
        "band external rotation",
        Some(M::ShoulderExternalRotation),
        &[],
        (-20.0, 90.0),
        Con,
        true,
        (2.0, 5.0),
    ),
    entry(
        "biceps_curl",
        "curl",
        Some(M::ElbowFlexion),
        &[M::ForearmForwardTilt],
        (0.0, 145.0),
        Con,
        true,
        (2.0, 5.0),
    ),
    entry(
        "triceps_extension",
        "triceps extension",
        Some(M::ElbowFlexion),
        &[M::ForearmForwardTilt],
        (0.0, 145.0),
        Con,
        false,
        (2.0, 6.0),
    ),
    entry(
        "overhead_press",
        "shoulder press",
        Some(M::ShoulderElevation),
        &[M::UpperArmForwardTilt],
        (30.0, 180.0),
        Con,
        true,
        (2.0, 5.0),
    ),
    entry(
        "bench_press",
        "bench press",
        Some(M::ElbowFlexion),
        &[],
        (0.0, 120.0),
        Ecc,
        false,
        (2.0, 5.0),
    ),
    entry(
        "row",
        "seated or bent row",
        Some(M::ShoulderFlexion),
        &[M::UpperArmForwardTilt],
        (-30.0, 90.0),
        Con,
        false,
        (2.0, 5.0),
    ),
];

#[expect(clippy::too_many_arguments, reason = "a table row, read as one")]
const fn entry(
    id: &'static str,
    trainer_name: &'static str,
    primary: Option<Metric>,
    fallbacks: &'static [Metric],
    usual_deg: (f64, f64),
    starts_with: FirstPhase,
    concentric_raises: bool,
    rep_s: (f64, f64),
) -> Exercise {
    Exercise {
        id,
        trainer_name,
        primary,
        fallbacks,
        usual_deg,
        starts_with,
        concentric_raises,
        unilateral_only: false,
        rep_s,
    }
}

const fn one_sided(mut exercise: Exercise) -> Exercise {
    exercise.unilateral_only = true;
    exercise
}

/// The exercise of that identifier.
#[must_use]
pub fn exercise(id: &str) -> Option<&'static Exercise> {
    LIBRARY.iter().find(|e| e.id == id)
}
