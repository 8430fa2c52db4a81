//! Which pose may be measured with, and how far its tilt can be trusted: the 95 % band from named sources. deg.
//!
//! Each source is a standard deviation; independent sources add in squares and 1.96 of the sum is the band's
//! half-width. The zero is in every absolute angle and in no range.
//!
//! | source | from |
//! |---|---|
//! | zero | the stance, or the rest end of the repetitions; how far the rest pose has left the stance |
//! | axis | quality of the functional axis; which way it points, where anatomy does not say |
//! | inclination | rate of the samples and speed of the movement (measured on hand-held boards against optics); |
//! | | how much there is to average gravity over |
//! | soft tissue | the segment, in proportion to the range |
//! | gap | longest hole inside the repetition |
//!
//! Soft tissue is what counts: in a deep squat the thigh's muscles carry the sensor along, and the angle reads 7 to
//! 15 % low. Its shares, and what a short recording adds, were chosen on squats, half squats, heel raises and step
//! downs of one person with optical knee and hip angles (exercise by exercise; lunges, single-leg squats, step ups
//! and another person's sit-to-stands were not used to choose it, though their figures were in view).

use super::{
    super::{
        orientation::rate_of,
        pose::{Pose, Zero},
        post::Found,
        record::between,
        sensor::Device,
        zero::DRIFTING_DEG,
    },
    View,
};
use crate::model::{body::Segment, rep::Missing, time::SessionNs};

/// The pose of a device if it may be measured with during this repetition.
pub(super) fn usable<'a>(
    view: &'a View,
    found: &Found,
    device: usize,
    absolute: bool,
) -> Result<&'a Pose, Missing> {
    if let Some(why) = view.fault(device, found.start, found.end) {
        return Err(why);
    }
    let pose = view.poses[device].as_ref().ok_or(Missing::NotCalibrated)?;
    if pose.exchanged.is_some() || absolute && pose.zero == Zero::Unknown {
        return Err(Missing::NotCalibrated);
    }
    if absolute && pose.drifted {
        return Err(Missing::Drifted);
    }
    Ok(pose)
}

/// Standard deviations to the half-width of a 95 % band.
const TO_95: f64 = 1.96;
/// Zero from the commanded stance: how exactly people stand the same way again, deg.
const STANCE_DEG: f64 = 1.5;
/// Zero from the rest end of the repetitions: nobody was asked to stand straight, deg.
const REST_DEG: f64 = 4.0;
/// Inclination of a slow movement, deg.
const SLOW_DEG: f64 = 0.3;
/// What speed adds to it, deg per deg/s.
const SPEED_DEG: f64 = 0.003;
/// What a low rate adds, deg per deg of turning from sample to sample.
const STEP_DEG: f64 = 0.16;
/// What is left of the body's own acceleration in a short recording: deg times its length in s.
const SHORT_DEG_S: f64 = 2.0;
/// A movement whose sign nobody knows: share of the tilt's range in that repetition.
const UNSIGNED_SHARE: f64 = 0.6;
/// Share of the turning during a gap that may be a change of direction.
const GAP_SHARE: f64 = 0.25;

/// Error sources of a tilt or of a sum of tilts, as standard deviations.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sources {
    /// deg.
    pub(super) zero: f64,
    /// deg.
    pub(super) axis: f64,
    /// deg.
    pub(super) inclination: f64,
    /// Share of the range.
    pub(super) tissue: f64,
    /// deg.
    pub(super) gap: f64,
    /// The zero may have moved.
    pub(super) drifting: bool,
}

impl Sources {
    /// Of one device during one repetition.
    pub(super) fn of(device: &Device, pose: &Pose, found: &Found) -> Self {
        let rows = between(&device.rows, found.start, SessionNs(found.end.0 + 1));
        let peak = rows
            .iter()
            .map(|r| r.gyro().norm().to_degrees())
            .fold(0.0, f64::max);
        let longest_s = rows
            .windows(2)
            .map(|p| p[1].t_s() - p[0].t_s())
            .fold(0.0, f64::max);
        let period_s = 1.0 / rate_of(&device.rows).unwrap_or(1.0);
        let span_s = match (device.rows.first(), device.rows.last()) {
            (Some(first), Some(last)) => (last.t_s() - first.t_s()).max(1.0),
            _ => 1.0,
        };
        let unsigned = if pose.signed {
            0.0
        } else {
            UNSIGNED_SHARE * pose.range_deg
        };
        let zero = if pose.zero == Zero::Stance {
            STANCE_DEG.hypot(pose.drift_deg / TO_95)
        } else {
            REST_DEG
        };
        Self {
            zero,
            axis: (pose.range_deg * 0.25 / (1.0 + pose.quality)).hypot(unsigned),
            inclination: SLOW_DEG
                .hypot(SPEED_DEG * peak)
                .hypot(STEP_DEG * peak * period_s)
                .hypot(SHORT_DEG_S / span_s),
            tissue: tissue_share(device.segment),
            gap: (longest_s - 1.5 * period_s).max(0.0) * peak * GAP_SHARE,
            drifting: pose.zero == Zero::Stance && pose.drift_deg > DRIFTING_DEG,
        }
    }

    /// Of a sum.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            zero: self.zero.hypot(other.zero),
            axis: self.axis.hypot(other.axis),
            inclination: self.inclination.hypot(other.inclination),
            tissue: self.tissue.hypot(other.tissue),
            gap: self.gap.hypot(other.gap),
            drifting: self.drifting || other.drifting,
        }
    }

    /// Half-width of the band of a value whose metric ranges so far, deg.
    pub(super) fn of_angle(&self, range_deg: f64) -> f64 {
        TO_95 * self.zero.hypot(self.of_ends(range_deg, 1.0))
    }

    /// Half-width of the band of the range itself, deg.
    pub(super) fn of_range(&self, range_deg: f64) -> f64 {
        TO_95 * self.of_ends(range_deg, std::f64::consts::SQRT_2)
    }

    /// Everything but the zero; what is independent at the two ends counts `ends` times.
    fn of_ends(&self, range_deg: f64, ends: f64) -> f64 {
        self.axis
            .hypot(ends * self.inclination)
            .hypot(ends * self.gap)
            .hypot(self.tissue * range_deg)
    }
}

/// Movement of a sensor against its bone, share of the range.
fn tissue_share(segment: Segment) -> f64 {
    use Segment as S;
    match segment {
        S::ThighL | S::ThighR | S::UpperArmL | S::UpperArmR | S::Pelvis | S::Thorax | S::Lumbar => {
            0.07
        }
        S::ShankL | S::ShankR | S::FootL | S::FootR | S::ForearmL | S::ForearmR => 0.04,
        _ => 0.0,
    }
}
