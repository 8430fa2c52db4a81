//! The parameters of the analysis of movement: each with meaning, unit, default and where it comes from.

use serde::{Deserialize, Serialize};

/// Parameters of [`super::Engine`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Stillness: largest departure of the angular rate from its mean, deg/s. Clinical practice 2-3.
    pub still_rate_deg_s: f64,
    /// Stillness: largest departure of the acceleration's size from its mean, share. Clinical practice 0.02-0.03.
    pub still_acc_share: f64,
    /// Stillness needed for a calibration, s.
    pub calibration_s: f64,
    /// A calibration that found no stillness for so long is refused, s.
    pub calibration_timeout_s: f64,
    /// A calibration movement that is not good after so long is refused, s.
    pub movement_timeout_s: f64,
    /// Calibration movement: how often it is made at least.
    pub movements_min: usize,
    /// Calibration movement: first over remaining eigenvalues of the angular rate below which it is refused.
    pub movement_quality_min: f64,
    /// Calibration movement: largest angle between the axes of single movements and that of all, deg.
    pub movement_spread_deg: f64,
    /// Sitting on a chair: largest departure of the knee from a right angle, deg. Clinical practice 15.
    pub sitting_knee_deg: f64,
    /// Calibration movement: two sensors that show it farther apart in time are not used together, s. In the squats of
    /// subject s1 of `squat_3imu_form` (tuned on) the trunk goes down up to 0.2 s before the shank.
    pub skew_s: f64,
    /// Functional axis: first over remaining eigenvalues of the angular rate below which the axis is refused.
    pub axis_quality_min: f64,
    /// Smallest usual excursion of an angle in a set that has repetitions at all, deg.
    pub angle_floor_deg: f64,
    /// Smallest usual excursion of a height in a set that has repetitions at all, m.
    pub height_floor_m: f64,
    /// Smallest single repetition in such a set, share of that floor.
    pub least_share: f64,
    /// A leg of the movement ends when the signal retreats by this share of the usual amplitude.
    pub hysteresis_share: f64,
    /// Below this share of the usual amplitude a repetition is partial.
    pub partial_share: f64,
    /// Share of the peak rate below which nothing moves, pass after the set (tempo codes depend on it).
    pub rate_share_final: f64,
    /// The same, live.
    pub rate_share_live: f64,
    /// Rate below which nothing moves whatever the peak, deg/s.
    pub rate_floor_deg_s: f64,
    /// Shortest repetition, s; what goes and comes faster is shaking.
    pub rep_min_s: f64,
    /// Longest repetition, s; who comes back after half a minute changed posture. Slowest asked for: 6 s each way and
    /// a hold of 5 s.
    pub rep_max_s: f64,
    /// Shortest dwell that is a pause, s.
    pub pause_min_s: f64,
    /// Longest gap inside a repetition that leaves its measurements valid, ms.
    pub gap_ms: f64,
    /// Largest share of lost or interpolated samples that leaves them valid.
    pub lost_share: f64,
    /// Departure of the rest pose from the calibration that makes angles invalid, deg.
    pub drift_deg: f64,
    /// Data older than this are no data, s.
    pub stale_s: f64,
    /// Longest set kept in memory, s; samples beyond are counted, not kept.
    pub max_set_s: f64,
    /// Highest rate kept in memory, Hz.
    pub max_hz: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            still_rate_deg_s: 3.0,
            still_acc_share: 0.03,
            calibration_s: 2.0,
            calibration_timeout_s: 10.0,
            movement_timeout_s: 20.0,
            movements_min: 3,
            movement_quality_min: 20.0,
            movement_spread_deg: 5.0,
            sitting_knee_deg: 15.0,
            skew_s: 0.3,
            axis_quality_min: 3.0,
            angle_floor_deg: 10.0,
            height_floor_m: 0.10,
            least_share: 0.5,
            hysteresis_share: 0.35,
            partial_share: 0.5,
            rate_share_final: 0.03,
            rate_share_live: 0.05,
            rate_floor_deg_s: 1.5,
            rep_min_s: 0.45,
            rep_max_s: 20.0,
            pause_min_s: 0.12,
            gap_ms: 100.0,
            lost_share: 0.02,
            drift_deg: 10.0,
            stale_s: 0.3,
            max_set_s: 1200.0,
            max_hz: 300.0,
        }
    }
}
