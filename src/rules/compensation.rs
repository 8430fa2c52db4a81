//! The table of movement compensations: what is looked at, from which threshold on, and what is done
//! about it unless the plan says otherwise. Thresholds in the unit of the metric, or in percent where the
//! basis says so, always positive in the unwelcome direction.
//!
//! A code without a signal cannot be measured with the metrics there are: it is listed by eye. The
//! sensor saw a movement, not a cause: nothing here names one.

use super::reading::Feature;
use crate::model::{finding::Action, metric::Metric};

/// Which way a value leaves its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Too large.
    Above,
    /// Too small.
    Below,
    /// Either way (left against right).
    Either,
}

/// What the thresholds are counted from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Basis {
    /// From zero.
    Absolute,
    /// From the client's own baseline.
    Baseline,
    /// From the baseline, and never nearer than this absolute number.
    Both(f64),
    /// From the baseline; without one from zero, and then recorded only.
    BaselineElseAbsolute,
    /// Percent of the target's lower end, else of the baseline.
    PercentOfGoal,
    /// Percent lost against the mean of the set's first three repetitions.
    PercentOfFirstThree,
    /// Percent shorter than the prescribed tempo.
    PercentShorter,
    /// Percent longer than the prescribed tempo.
    PercentLonger,
    /// Times the client's own walking peak.
    Walking,
    /// From the baseline, by the threshold or this share of the baseline's own centre, whichever is more.
    /// The guard band is the client's own scatter, not the metric's.
    Own(f64),
    /// Seconds shorter than the prescribed pause, else than the baseline's.
    PauseShorter,
}

/// One way to see a compensation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Signal {
    /// What is measured.
    pub metric: Metric,
    /// Which feature of it.
    pub feature: Feature,
    /// Which way is unwelcome.
    pub direction: Direction,
    /// What thresholds are counted from.
    pub basis: Basis,
    /// First threshold.
    pub minor: f64,
    /// Second threshold.
    pub moderate: f64,
    /// Looked at only where no earlier signal of the row can be: the weaker witness.
    pub stands_in: bool,
}

impl Signal {
    const fn or_else(mut self) -> Self {
        self.stands_in = true;
        self
    }
}

/// One compensation.
#[derive(Debug, Clone, Copy)]
pub struct Compensation {
    /// Stable identifier.
    pub code: &'static str,
    /// Words for the therapist.
    pub therapist: &'static str,
    /// Words for the trainer.
    pub trainer: &'static str,
    /// What is done by default.
    pub action: Action,
    /// Signals, best first; each that a worn sensor shows is looked at. Empty = by eye.
    pub signals: &'static [Signal],
}

/// The compensation of that code.
#[must_use]
pub fn compensation(code: &str) -> Option<&'static Compensation> {
    TABLE.iter().find(|c| c.code == code)
}

use Action::{Cue, Record, Stop};
use Basis::{
    Absolute, Baseline, BaselineElseAbsolute, Both, Own, PauseShorter, PercentLonger,
    PercentOfFirstThree, PercentOfGoal, PercentShorter, Walking,
};
use Direction::{Above, Below, Either};
use Feature::{AtTurn, Max, Min, Range};
use Metric as M;

const fn sees(
    metric: Metric,
    feature: Feature,
    direction: Direction,
    basis: Basis,
    minor: f64,
    moderate: f64,
) -> Signal {
    Signal {
        metric,
        feature,
        direction,
        basis,
        minor,
        moderate,
        stands_in: false,
    }
}

const fn row(
    code: &'static str,
    therapist: &'static str,
    trainer: &'static str,
    action: Action,
    signals: &'static [Signal],
) -> Compensation {
    Compensation {
        code,
        therapist,
        trainer,
        action,
        signals,
    }
}

/// `DEPARTS` is no named movement: every metric that describes a repetition, against the client's own accepted
/// set. Its first thresholds are the smallest changes that the methods tell apart (between sessions 6 deg of
/// range, a quarter of a time), widened where s1 of the squats and of the physiotherapy exercises and the
/// biceps curls of the public recordings showed more from set to set (s1's accepted abductions hold one halting
/// repetition whose smoothness is 1.0 off the others). One signal that is alone must pass its second threshold.
///
/// `DEPTH_OVER` and `DEPTH_SHORT` speak of the exercise's primary metric; the metric in their row only
/// stands for it.
#[rustfmt::skip]
pub const TABLE: &[Compensation] = &[
    row("DEPTH_SHORT", "reduced range of motion", "half rep", Cue,
        &[sees(M::RangeOfMotion, Max, Below, PercentOfGoal, 90.0, 70.0)]),
    row("DEPTH_OVER", "exceeds prescribed range", "too deep, too far", Stop, &[]),
    row("KNEE_MEDIAL", "medial knee displacement (dynamic valgus surrogate)", "knees come in", Record,
        &[sees(M::KneeMedialShift, AtTurn, Above, Both(10.0), 5.0, 10.0),
          sees(M::ThighRotation, Range, Above, Own(0.25), 8.0, 16.0),
          sees(M::ShankRotation, Range, Above, Own(0.25), 8.0, 16.0)]),
    row("PELVIC_DROP", "contralateral pelvic drop", "hips uneven", Cue,
        &[sees(M::PelvicDrop, Max, Above, Absolute, 5.0, 8.0)]),
    row("TRUNK_SIDE_LEAN", "ipsilateral trunk lean", "leaning over", Cue,
        &[sees(M::TrunkSideLean, Max, Above, Absolute, 8.0, 12.0)]),
    row("TRUNK_FWD", "trunk flexion (hip strategy)", "chest drops", Cue,
        &[sees(M::TrunkForwardTilt, Max, Above, Baseline, 10.0, 15.0),
          sees(M::TrunkShankDifference, AtTurn, Above, Baseline, 10.0, 15.0),
          sees(M::LumbarForwardTilt, Max, Above, Baseline, 10.0, 15.0).or_else(),
          sees(M::LumbarShankDifference, AtTurn, Above, Baseline, 10.0, 15.0).or_else()]),
    row("TRUNK_MOMENTUM", "momentum-transfer strategy", "rocking up", Record,
        &[sees(M::TrunkForwardTilt, Range, Above, Baseline, 10.0, 20.0)]),
    row("WEIGHT_SHIFT", "lateral weight shift, asymmetry of movement", "leaning to one side", Cue,
        &[sees(M::SideDifferenceRom, Max, Either, BaselineElseAbsolute, 10.0, 15.0),
          sees(M::PelvicDrop, AtTurn, Either, BaselineElseAbsolute, 3.0, 6.0).or_else()]),
    row("HEEL_RISE", "heel lift, loss of ankle dorsiflexion", "heels come up", Cue,
        &[sees(M::FootPitch, Max, Above, Baseline, 5.0, 10.0)]),
    row("KNEE_FWD", "anterior knee translation", "knees past toes", Record,
        &[sees(M::ShankForwardTilt, Max, Above, Baseline, 5.0, 10.0)]),
    row("LUMBAR_FLEX", "loss of lumbar lordosis", "rounding the back", Record,
        &[sees(M::LumbarFlexion, Max, Above, Absolute, 15.0, 25.0),
          sees(M::PelvicTuck, Max, Above, Own(0.0), 5.0, 10.0),
          sees(M::LumbarTuck, Max, Above, Own(0.0), 5.0, 10.0).or_else()]),
    row("LUMBAR_EXTENSION", "lumbar extension, anterior tilt", "arching the back", Cue,
        &[sees(M::LumbarFlexion, Min, Below, Absolute, 8.0, 12.0)]),
    row("TRUNK_EXTENSION", "trunk back-lean", "leaning back", Cue,
        &[sees(M::TrunkForwardTilt, Min, Below, Absolute, 8.0, 12.0)]),
    row("TRUNK_SWING", "momentum, trunk contribution", "swinging", Cue,
        &[sees(M::TrunkForwardTilt, Range, Above, Absolute, 10.0, 15.0)]),
    row("TRUNK_ROT", "axial rotation", "twisting", Record,
        &[sees(M::ThoraxPelvisRotation, Range, Above, Absolute, 10.0, 20.0),
          sees(M::TrunkRotation, Range, Above, Own(0.25), 10.0, 20.0).or_else()]),
    row("EXT_LAG", "extension (quadriceps) lag", "not locking out", Record,
        &[sees(M::KneeFlexion, Min, Above, Baseline, 5.0, 10.0)]),
    row("HIP_LIFT", "pelvic lift off the seat", "bouncing off the seat", Cue,
        &[sees(M::PelvisForwardTilt, Range, Above, Absolute, 5.0, 10.0),
          sees(M::ThighForwardTilt, Range, Above, Absolute, 5.0, 10.0).or_else()]),
    row("HEIGHT_LOSS", "reduced heel-rise height", "not high enough", Cue,
        &[sees(M::FootPitch, Max, Below, PercentOfFirstThree, 15.0, 25.0)]),
    row("KNEE_BEND", "knee flexion substitution", "bending the knee", Cue,
        &[sees(M::KneeFlexion, Max, Above, Absolute, 10.0, 15.0)]),
    row("FWD_PROJECTION", "forward body shift", "leaning forward", Record,
        &[sees(M::ShankForwardTilt, Max, Above, Baseline, 5.0, 10.0)]),
    row("HIP_SHORT", "incomplete hip extension", "not all the way up", Cue,
        &[sees(M::HipFlexion, Min, Above, Baseline, 10.0, 15.0)]),
    row("SHRUG", "scapular elevation", "shrugging", Record,
        &[sees(M::GirdleRise, Max, Above, Absolute, 5.0, 10.0)]),
    row("ELBOW_FLARE", "loss of adduction", "elbow leaves the side", Cue,
        &[sees(M::UpperArmSideTilt, Max, Above, Absolute, 10.0, 20.0)]),
    row("ELBOW_FWD", "humeral flexion substitution", "elbows drift forward", Cue,
        &[sees(M::UpperArmDrift, Max, Above, Absolute, 15.0, 25.0)]),
    row("ELBOW_BEND", "elbow flexion substitution", "bending the arm", Record,
        &[sees(M::ElbowFlexion, Max, Above, Absolute, 20.0, 35.0)]),
    row("HORIZ_SHIFT", "plane deviation", "arm drifts forward", Record,
        &[sees(M::UpperArmRotation, Range, Above, Absolute, 20.0, 30.0)]),
    row("SIDE_TIMING", "side-to-side timing difference", "one side first", Record,
        &[sees(M::SideDifferenceTime, Max, Either, Absolute, 10.0, 20.0)]),
    row("TEMPO_FAST", "loss of eccentric control", "dropping the weight", Cue,
        &[sees(M::TempoRatio, Min, Below, PercentShorter, 25.0, 50.0)]),
    row("TEMPO_SLOW", "slowed movement", "grinding", Record,
        &[sees(M::TempoRatio, Max, Above, PercentLonger, 50.0, 100.0)]),
    row("BOUNCE", "no pause, stretch-shortening", "bouncing at the bottom", Cue,
        &[sees(M::TimePauseBottom, Min, Below, PauseShorter, 0.5, 1.0)]),
    row("UNSTABLE", "tremor, loss of control", "wobble", Record,
        &[sees(M::Unsteadiness, Max, Above, Own(0.5), 3.0, 6.0),
          sees(M::VelocityPeaks, Max, Above, Own(0.0), 2.0, 4.0)]),
    row("ARM_SUPPORT", "upper-limb support", "holding on", Record, &[]),
    row("IMPACT", "high-impact loading", "landing hard", Record,
        &[sees(M::ShankPeakAccel, Max, Above, Walking, 2.0, 3.0)]),
    row("BREATH", "Valsalva", "holding breath", Record, &[]),
    row("DEPARTS", "departure from the accepted set", "not like the accepted set", Record,
        &[sees(M::RangeOfMotion, Max, Either, Own(0.10), 6.0, 12.0),
          sees(M::InclinationRange, Max, Either, Own(0.10), 6.0, 12.0),
          sees(M::VerticalTravel, Max, Either, Own(0.20), 0.05, 0.10),
          sees(M::RepDuration, Max, Either, Own(0.25), 0.4, 0.8),
          sees(M::PeakAngularVelocity, Max, Above, Own(0.40), 20.0, 40.0),
          sees(M::PeakAcceleration, Max, Above, Own(0.50), 2.0, 4.0),
          sees(M::OffAxisRatio, Max, Above, Own(0.0), 0.08, 0.16),
          sees(M::RotationAboutVertical, Range, Above, Own(0.25), 8.0, 16.0),
          sees(M::VelocityPeaks, Max, Above, Own(0.0), 2.0, 4.0),
          sees(M::Unsteadiness, Max, Above, Own(0.50), 3.0, 6.0),
          sees(M::Smoothness, Min, Below, Own(0.0), 0.5, 1.5),
          sees(M::TrunkForwardTilt, AtTurn, Above, Own(0.0), 6.0, 12.0),
          sees(M::LumbarForwardTilt, AtTurn, Above, Own(0.0), 6.0, 12.0),
          sees(M::TrunkShankDifference, AtTurn, Above, Own(0.0), 6.0, 12.0),
          sees(M::LumbarShankDifference, AtTurn, Above, Own(0.0), 6.0, 12.0),
          sees(M::PelvicTuck, Max, Above, Own(0.0), 5.0, 10.0),
          sees(M::LumbarTuck, Max, Above, Own(0.0), 5.0, 10.0),
          sees(M::TrunkSideLean, Range, Above, Own(0.0), 6.0, 12.0),
          sees(M::KneeMedialShift, AtTurn, Above, Own(0.0), 6.0, 12.0),
          sees(M::TrunkRotation, Range, Above, Own(0.25), 8.0, 16.0),
          sees(M::ThighRotation, Range, Above, Own(0.25), 8.0, 16.0),
          sees(M::ShankRotation, Range, Above, Own(0.25), 8.0, 16.0),
          sees(M::UpperArmRotation, Range, Above, Own(0.25), 10.0, 20.0)]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::metric::Tier;

    #[test]
    fn codes_are_unique_and_thresholds_ordered() {
        for (i, row) in TABLE.iter().enumerate() {
            assert!(
                TABLE[..i].iter().all(|r| r.code != row.code),
                "{}",
                row.code
            );
            for s in row.signals {
                let ordered = if s.basis == PercentOfGoal {
                    s.moderate < s.minor
                } else {
                    s.minor < s.moderate
                };
                assert!(ordered && s.minor > 0.0, "{}", row.code);
            }
        }
    }

    #[test]
    fn a_surrogate_never_does_more_than_record() {
        for row in TABLE {
            let surrogate = row.signals.iter().any(|s| s.metric.facts().tier == Tier::C);
            assert!(
                row.signals.first().is_none_or(|s| !s.stands_in),
                "{}",
                row.code
            );
            assert!(!surrogate || row.action == Record, "{}", row.code);
        }
    }
}
