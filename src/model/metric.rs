//! The metric vocabulary: what can be measured, in which unit, with which worn sensors, how far to trust it.
//!
//! Signs: zero is the calibration stance; positive is the named direction, the same on both sides.

use super::body::{Segment, Side};
use serde::{Deserialize, Serialize};

/// How far a metric can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tier {
    /// Gravity-referenced or hinge: alarms allowed.
    A,
    /// Usable with the client's own baseline: cues allowed.
    B,
    /// A surrogate: recorded only.
    C,
}

/// A segment as a metric names it, before the side is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A segment without side.
    Mid(Segment),
    /// Thigh of the side.
    Thigh,
    /// Shank of the side.
    Shank,
    /// Foot of the side.
    Foot,
    /// Upper arm of the side.
    UpperArm,
    /// Forearm of the side.
    Forearm,
}

impl Part {
    /// The segment on `side`.
    #[must_use]
    pub const fn on(self, side: Side) -> Segment {
        match (self, side) {
            (Part::Mid(s), _) => s,
            (Part::Thigh, Side::Left) => Segment::ThighL,
            (Part::Thigh, Side::Right) => Segment::ThighR,
            (Part::Shank, Side::Left) => Segment::ShankL,
            (Part::Shank, Side::Right) => Segment::ShankR,
            (Part::Foot, Side::Left) => Segment::FootL,
            (Part::Foot, Side::Right) => Segment::FootR,
            (Part::UpperArm, Side::Left) => Segment::UpperArmL,
            (Part::UpperArm, Side::Right) => Segment::UpperArmR,
            (Part::Forearm, Side::Left) => Segment::ForearmL,
            (Part::Forearm, Side::Right) => Segment::ForearmR,
        }
    }
}

/// What a metric says, for people and for the rules.
#[derive(Debug, Clone, Copy)]
pub struct MetricFacts {
    /// Stable identifier in files and plans.
    pub id: &'static str,
    /// UCUM unit.
    pub unit: &'static str,
    /// Trust.
    pub tier: Tier,
    /// Default guard band, unit of the metric.
    pub guard: f64,
    /// Segments that must carry a sensor; empty where any moving segment will do or none is needed.
    pub parts: &'static [Part],
}

macro_rules! metrics {
    ($($variant:ident = $id:literal, $unit:literal, $tier:ident, $guard:literal, [$($part:expr),*];)*) => {
        /// Something that can be measured of a repetition.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Metric {
            $(#[doc = $id] #[serde(rename = $id)] $variant,)*
        }

        impl Metric {
            /// All metrics.
            pub const ALL: &'static [Metric] = &[$(Metric::$variant,)*];

            /// Unit, tier, guard band and needed sensors.
            #[must_use]
            pub const fn facts(self) -> MetricFacts {
                match self {
                    $(Metric::$variant => MetricFacts {
                        id: $id, unit: $unit, tier: Tier::$tier, guard: $guard, parts: &[$($part),*],
                    },)*
                }
            }

            /// The metric of that identifier.
            #[must_use]
            pub fn from_id(id: &str) -> Option<Metric> {
                Metric::ALL.iter().copied().find(|m| m.facts().id == id)
            }
        }
    };
}

use Part::{Foot, Forearm, Mid, Shank, Thigh, UpperArm};
use Segment::{Lumbar, Pelvis, Thorax};

// The last four are typed by a person after a set, never measured by a sensor.
metrics! {
    KneeFlexion = "knee_flexion", "deg", A, 5.0, [Thigh, Shank];
    HipFlexion = "hip_flexion", "deg", A, 6.0, [Mid(Pelvis), Thigh];
    AnkleDorsiflexion = "ankle_dorsiflexion", "deg", A, 6.0, [Shank, Foot];
    TrunkForwardTilt = "trunk_forward_tilt", "deg", A, 3.0, [Mid(Thorax)];
    PelvisForwardTilt = "pelvis_forward_tilt", "deg", A, 3.0, [Mid(Pelvis)];
    ThighForwardTilt = "thigh_forward_tilt", "deg", A, 3.0, [Thigh];
    ShankForwardTilt = "shank_forward_tilt", "deg", A, 3.0, [Shank];
    FootPitch = "foot_pitch", "deg", A, 3.0, [Foot];
    UpperArmForwardTilt = "upper_arm_forward_tilt", "deg", A, 3.0, [UpperArm];
    ForearmForwardTilt = "forearm_forward_tilt", "deg", A, 3.0, [Forearm];
    LumbarFlexion = "lumbar_flexion", "deg", A, 5.0, [Mid(Thorax), Mid(Pelvis)];
    TrunkSideLean = "trunk_side_lean", "deg", B, 3.0, [Mid(Thorax)];
    PelvicDrop = "pelvic_drop", "deg", B, 3.0, [Mid(Pelvis)];
    ShoulderFlexion = "shoulder_flexion", "deg", B, 10.0, [Mid(Thorax), UpperArm];
    ShoulderAbduction = "shoulder_abduction", "deg", B, 10.0, [Mid(Thorax), UpperArm];
    ShoulderElevation = "shoulder_elevation", "deg", B, 10.0, [Mid(Thorax), UpperArm];
    ShoulderExternalRotation = "shoulder_external_rotation", "deg", C, 10.0, [UpperArm, Forearm];
    ElbowFlexion = "elbow_flexion", "deg", A, 6.0, [UpperArm, Forearm];
    UpperArmDrift = "upper_arm_drift", "deg", B, 5.0, [UpperArm];
    GirdleRise = "girdle_rise", "deg", C, 5.0, [Mid(Segment::ScapulaL), Mid(Thorax)];
    KneeMedialShift = "knee_medial_shift", "deg", C, 5.0, [Thigh, Shank];
    ThoraxPelvisRotation = "thorax_pelvis_rotation", "deg", C, 10.0, [Mid(Thorax), Mid(Pelvis)];
    SideDifferenceRom = "side_difference_rom", "%", B, 5.0, [];
    SideDifferenceTime = "side_difference_time", "%", B, 5.0, [];
    RepDuration = "rep_duration", "s", A, 0.25, [];
    TimeEccentric = "t_ecc", "s", A, 0.25, [];
    TimePauseBottom = "t_pause_bottom", "s", A, 0.25, [];
    TimeConcentric = "t_con", "s", A, 0.25, [];
    TimePauseTop = "t_pause_top", "s", A, 0.25, [];
    TempoRatio = "tempo_ratio", "1", A, 0.1, [];
    PeakAngularVelocity = "peak_angular_velocity", "deg/s", A, 10.0, [];
    RangeOfMotion = "range_of_motion", "deg", A, 5.0, [];
    ShankPeakAccel = "shank_peak_accel", "[g]", B, 0.2, [Shank];
    Smoothness = "smoothness", "1", B, 0.2, [];
    LumbarForwardTilt = "lumbar_forward_tilt", "deg", B, 5.0, [Mid(Lumbar)];
    TrunkShankDifference = "trunk_shank_difference", "deg", B, 5.0, [Mid(Thorax), Shank];
    LumbarShankDifference = "lumbar_shank_difference", "deg", B, 5.0, [Mid(Lumbar), Shank];
    PelvicTuck = "pelvic_tuck", "deg", B, 5.0, [Mid(Pelvis)];
    LumbarTuck = "lumbar_tuck", "deg", B, 5.0, [Mid(Lumbar)];
    TrunkRotation = "trunk_rotation", "deg", C, 5.0, [Mid(Thorax)];
    ThighRotation = "thigh_rotation", "deg", C, 5.0, [Thigh];
    ShankRotation = "shank_rotation", "deg", C, 5.0, [Shank];
    UpperArmRotation = "upper_arm_rotation", "deg", C, 10.0, [UpperArm];
    UpperArmSideTilt = "upper_arm_side_tilt", "deg", B, 5.0, [UpperArm];
    RotationAboutVertical = "rotation_about_vertical", "deg", C, 10.0, [];
    OffAxisRatio = "off_axis_ratio", "1", B, 0.05, [];
    OutOfPlaneTilt = "out_of_plane_tilt", "deg", B, 5.0, [];
    InclinationRange = "inclination_range", "deg", B, 5.0, [];
    VelocityPeaks = "velocity_peaks", "{count}", B, 1.0, [];
    Unsteadiness = "unsteadiness", "deg/s", B, 2.0, [];
    PeakAcceleration = "peak_acceleration", "m/s2", B, 1.0, [];
    VerticalTravel = "vertical_travel", "m", B, 0.05, [];
    HeartRate = "heart_rate", "/min", A, 3.0, [];
    Pain = "pain", "{score}", A, 0.0, [];
    Exertion = "exertion", "{score}", A, 0.0, [];
    Symptoms = "symptoms", "{count}", A, 0.0, [];
    Load = "load", "kg", A, 0.0, [];
}
