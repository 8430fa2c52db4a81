//! How each metric is computed, as one line of the clinic's formulas; and by which algorithms the angles and
//! repetitions come about. Words only: the computing stands in the analysis of movement.

use crate::model::{metric::Metric, rep::Stage};

/// The formula of a metric.
#[must_use]
pub const fn formula(metric: Metric) -> &'static str {
    use Metric as M;
    match metric {
        M::KneeFlexion => "forward tilt of the shank - forward tilt of the thigh",
        M::HipFlexion => "forward tilt of the pelvis - forward tilt of the thigh",
        M::AnkleDorsiflexion => "forward tilt of the shank - forward tilt of the foot",
        M::LumbarFlexion => "forward tilt of the thorax - forward tilt of the pelvis",
        M::ElbowFlexion => "forward tilt of the upper arm - forward tilt of the forearm",
        M::ShoulderFlexion => "forward tilt of the thorax - forward tilt of the upper arm",
        M::TrunkForwardTilt
        | M::PelvisForwardTilt
        | M::ThighForwardTilt
        | M::ShankForwardTilt
        | M::FootPitch
        | M::UpperArmForwardTilt
        | M::ForearmForwardTilt => "atan2(-ux, uy) of \"up\" in the segment's axes",
        M::TrunkSideLean => "tilt of the thorax to the working side, atan2(-uz, uy)",
        M::PelvicDrop => "tilt of the pelvis away from the working side, atan2(-uz, uy)",
        M::KneeMedialShift => {
            "right tilt of the thigh - right tilt of the shank, mirrored on the left"
        }
        M::ShoulderAbduction | M::ShoulderElevation => "angle between upper arm and trunk",
        M::UpperArmDrift => "angle of the upper arm from where it was at the repetition's start",
        M::ShoulderExternalRotation => "heading of the forearm against the upper arm",
        M::GirdleRise => "tilt of the scapula - tilt of the thorax",
        M::ThoraxPelvisRotation => {
            "heading of the thorax against the pelvis, change in the repetition"
        }
        M::SideDifferenceRom => "100 (left - right) / larger, of the ranges of motion",
        M::SideDifferenceTime => "100 (left - right) / larger, of the times",
        M::RepDuration => "end - start",
        M::TimeEccentric | M::TimeConcentric => {
            "time between the speed's crossings of its threshold, corrected for a minimum-jerk movement"
        }
        M::TimePauseBottom | M::TimePauseTop => "dwell below the threshold of speed",
        M::TempoRatio => "time taken / time prescribed",
        M::PeakAngularVelocity => "largest size of the angular rate without the gyroscope's bias",
        M::RangeOfMotion => "smaller of the ways out and back, on the counting channel",
        M::ShankPeakAccel => "largest size of the acceleration / its size at rest",
        M::Smoothness => "spectral arc length of the speed",
        M::LumbarForwardTilt => "forward tilt of the lower back, worn in place of the trunk",
        M::TrunkShankDifference => "forward tilt of the thorax - forward tilt of the shank",
        M::LumbarShankDifference => "forward tilt of the lower back - forward tilt of the shank",
        M::PelvicTuck | M::LumbarTuck => {
            "smaller of the largest rise and the largest fall of the forward tilt before the turn"
        }
        M::TrunkRotation | M::ThighRotation | M::ShankRotation | M::UpperArmRotation => {
            "angular rate about \"up\", integrated from the repetition's start; inward positive on a limb"
        }
        M::RotationAboutVertical => {
            "angular rate of the counting sensor about \"up\", integrated from the repetition's start"
        }
        M::UpperArmSideTilt => "tilt of the upper arm to the working side, atan2(-uz, uy)",
        M::OffAxisRatio => "1 - sum (w.j)^2 / sum |w|^2, j = the movement's own axis",
        M::OutOfPlaneTilt => "asin(u.j), j = the movement's own axis",
        M::InclinationRange => "largest angle between \"up\" and where it was at the start",
        M::VelocityPeaks => "peaks of the angular rate that stand out by 15 % of the fastest",
        M::Unsteadiness => "root mean square of the angular rate above 3 Hz",
        M::PeakAcceleration => "largest departure of the acceleration's size from its median",
        M::VerticalTravel => {
            "vertical acceleration integrated twice between the ends, closed at both"
        }
        M::HeartRate => "median of the last 5 s",
        M::Pain | M::Exertion | M::Symptoms | M::Load => "typed by a person",
    }
}

/// Where the numbers of a repetition of that stage come from.
#[must_use]
pub const fn origin(stage: Stage) -> &'static str {
    match stage {
        Stage::Final => {
            "pass after the set: orientation without delay (offline VQF, 6D), adaptive zig-zag over the whole set"
        }
        Stage::Provisional | Stage::Confirmed | Stage::Retracted => {
            "live: causal orientation (VQF, 6D), adaptive zig-zag over the set so far"
        }
    }
}
