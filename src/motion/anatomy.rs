//! What the body does in each exercise, as far as signs need it: which way segments tilt when the client
//! leaves the upright stance, in which plane, and which end of the repetition is the upright stance.

use crate::model::{
    body::Segment,
    metric::{Metric, Part},
};

/// Plane in which an exercise moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plane {
    /// Forward and back: forward tilts are meant.
    Sagittal,
    /// Sideways: the tilt in the movement plane is no forward tilt.
    Frontal,
}

/// Where in a repetition the calibration stance lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Neutral {
    /// At the rest end.
    Rest,
    /// At the end where the body is higher (chair, floor lift): the set may begin at either.
    High,
    /// Nowhere in the repetition (seated, lying).
    Outside,
}

/// Plane of an exercise.
pub(super) fn plane(exercise: &str) -> Plane {
    match exercise {
        "shoulder_abduction" | "hip_abduction" => Plane::Frontal,
        _ => Plane::Sagittal,
    }
}

/// Where the calibration stance lies.
pub(super) fn neutral(exercise: &str) -> Neutral {
    match exercise {
        "squat" | "single_leg_squat" | "step_down" | "step_up" | "lunge" | "hip_hinge"
        | "heel_raise" | "biceps_curl" | "shoulder_flexion" | "shoulder_abduction"
        | "hip_abduction" => Neutral::Rest,
        "sit_to_stand" | "deadlift" => Neutral::High,
        _ => Neutral::Outside,
    }
}

/// The hands carry the load straight up and down: what is held hardly turns.
pub(super) fn hands_go_straight(exercise: &str) -> bool {
    matches!(
        exercise,
        "bench_press" | "overhead_press" | "row" | "squat" | "deadlift" | "hip_hinge" | "lunge"
    )
}

/// Sign of the forward tilt of `segment` at the working end, seen from the upright stance (or, for
/// exercises outside it, at the turn seen from the start); 0 = not known.
pub(super) fn tilt_sign(exercise: &str, segment: Segment) -> f64 {
    use Segment as S;
    let thigh = matches!(segment, S::ThighL | S::ThighR);
    let shank = matches!(segment, S::ShankL | S::ShankR);
    let trunk = matches!(
        segment,
        S::Thorax | S::Lumbar | S::Pelvis | S::ShoulderL | S::ShoulderR
    );
    let arm = matches!(
        segment,
        S::UpperArmL | S::UpperArmR | S::ForearmL | S::ForearmR
    );
    let foot = matches!(segment, S::FootL | S::FootR);
    match exercise {
        "squat" | "sit_to_stand" | "single_leg_squat" | "step_down" | "step_up" | "lunge" => {
            if thigh {
                -1.0
            } else if shank || trunk {
                1.0
            } else {
                0.0
            }
        }
        "hip_hinge" | "deadlift" => sign(trunk, thigh),
        "leg_extension" | "straight_leg_raise" => sign(false, thigh || shank),
        "hip_extension" => sign(thigh || shank, false),
        "trunk_flexion" => sign(trunk, false),
        "heel_raise" => sign(foot, false),
        "bridge" => sign(shank, trunk || thigh),
        "biceps_curl" | "shoulder_flexion" | "overhead_press" => sign(false, arm),
        "row" => sign(arm, false),
        _ => 0.0,
    }
}

fn sign(forward: bool, backward: bool) -> f64 {
    f64::from(i8::from(forward) - i8::from(backward))
}

/// A metric as a sum of forward tilts; empty where it is none.
pub(super) fn terms(metric: Metric) -> &'static [(Part, f64)] {
    use Part::{Foot, Forearm, Mid, Shank, Thigh, UpperArm};
    use Segment::{Lumbar, Pelvis, Thorax};
    match metric {
        Metric::KneeFlexion => &[(Shank, 1.0), (Thigh, -1.0)],
        Metric::HipFlexion => &[(Mid(Pelvis), 1.0), (Thigh, -1.0)],
        Metric::AnkleDorsiflexion => &[(Shank, 1.0), (Foot, -1.0)],
        Metric::LumbarFlexion => &[(Mid(Thorax), 1.0), (Mid(Pelvis), -1.0)],
        Metric::ElbowFlexion => &[(UpperArm, 1.0), (Forearm, -1.0)],
        Metric::ShoulderFlexion => &[(Mid(Thorax), 1.0), (UpperArm, -1.0)],
        Metric::TrunkForwardTilt => &[(Mid(Thorax), 1.0)],
        Metric::PelvisForwardTilt => &[(Mid(Pelvis), 1.0)],
        Metric::LumbarForwardTilt => &[(Mid(Lumbar), 1.0)],
        Metric::TrunkShankDifference => &[(Mid(Thorax), 1.0), (Shank, -1.0)],
        Metric::LumbarShankDifference => &[(Mid(Lumbar), 1.0), (Shank, -1.0)],
        Metric::ThighForwardTilt => &[(Thigh, 1.0)],
        Metric::ShankForwardTilt => &[(Shank, 1.0)],
        Metric::FootPitch => &[(Foot, 1.0)],
        Metric::UpperArmForwardTilt => &[(UpperArm, 1.0)],
        Metric::ForearmForwardTilt => &[(Forearm, 1.0)],
        _ => &[],
    }
}

/// Segments of an arm may pass overhead: their tilt is cut where no arm can be.
pub(super) fn wrap_centre_deg(segment: Segment) -> f64 {
    use Segment as S;
    match segment {
        S::UpperArmL | S::UpperArmR | S::ForearmL | S::ForearmR => -60.0,
        _ => 0.0,
    }
}
