//! What a set says about how its sensors sit: where the angles' zero is, whether a sensor has left its place since it
//! was calibrated, and whether two are exchanged. deg.

use super::{
    anatomy::tilt_sign,
    calibration::Axis,
    filter::median,
    movement::{SWAPPED_DEG, SWAPPED_RATIO, moves_more, only_works},
    params::Params,
    pose::{BRIDGE_S, Pose, Zero},
    record::up_at,
    sensor::{Device, Stance},
};
use crate::model::{body::Side, frame::Vec3, plan::TrainingSide, time::SessionNs};

/// A rest pose or an axis that left the calibration by more makes angles doubtful (Plimsoll facts, recheck at rest), deg.
pub(super) const DRIFTING_DEG: f64 = 5.0;
/// An axis of a set is the same as an earlier one if they are nearer than 37 deg: then its sign is known.
const SAME_AXIS_COS: f64 = 0.8;
/// Smallest range of a tilt whose axis may be compared with an earlier one, deg.
const COMPARED_DEG: f64 = 45.0;

/// Sets the zero from the stance, else from the rest ends (`quiet`) if the exercise rests in the stance; keeps with the
/// device how far it has left its calibration, for what is measured while the next set runs.
pub(super) fn set(
    device: &mut Device,
    pose: &mut Pose,
    quiet: &[SessionNs],
    stance_possible: bool,
    params: &Params,
) {
    let ups: Vec<Vec3> = quiet
        .iter()
        .filter_map(|t| up_at(&device.rows, *t, BRIDGE_S))
        .collect();
    device.drift.axis_deg = pose.drift_deg;
    if let Some(stance) = device.stance {
        pose.zero = Zero::Stance;
        if let Some(nearest) = off_stance_deg(&stance, &ups).filter(|_| stance_possible) {
            device.drift.stance_deg = nearest;
            pose.drift_deg = pose.drift_deg.max(nearest);
        }
        pose.drifted = pose.drift_deg > params.drift_deg;
        return;
    }
    pose.drifted = pose.drift_deg > params.drift_deg;
    if !stance_possible || ups.is_empty() {
        return;
    }
    let middle = |axis: usize| median(&ups.iter().map(|u| u[axis]).collect::<Vec<_>>());
    if let Some(up) = Vec3::new(middle(0), middle(1), middle(2)).try_normalize(1e-9)
        && let Some(frame) = pose.frame.referred_to(up)
    {
        pose.frame = frame;
        pose.zero = Zero::Rest;
    }
}

/// Angle between the stance and the nearest of these directions of "up", deg; `None` of none.
pub(super) fn off_stance_deg(stance: &Stance, ups: &[Vec3]) -> Option<f64> {
    ups.iter()
        .map(|u| u.dot(&stance.up).clamp(-1.0, 1.0).acos().to_degrees())
        .min_by(f64::total_cmp)
}

/// Whether it is known which end of the axis points to the client's right: anatomy says it, or an earlier axis.
pub(super) fn is_signed(device: &Device, pose: &Pose, exercise: &str) -> bool {
    let same = |a: &Axis| a.direction.dot(&pose.frame.axis()).abs() > SAME_AXIS_COS;
    tilt_sign(exercise, device.segment) != 0.0
        || device.axis_signed && device.axis.as_ref().is_some_and(same)
}

/// Angle between the axis that a set shows and the one found earlier in the same exercise, deg; `None` where either
/// is not known well enough.
pub(super) fn axis_drift_deg(
    device: &Device,
    own: &Axis,
    range_deg: f64,
    exercise: &str,
    params: &Params,
) -> Option<f64> {
    let earlier = device.axis.filter(|_| device.axis_from == exercise)?;
    let known = own.quality.min(earlier.quality) >= params.movement_quality_min;
    let cos = own.direction.dot(&earlier.direction).abs().min(1.0);
    (known && range_deg >= COMPARED_DEG).then(|| cos.acos().to_degrees())
}

/// Keeps the axis for later sets: not of a sensor that is leaving its place, or little by little it would go unseen.
pub(super) fn remember(device: &mut Device, pose: &Pose, exercise: &str, params: &Params) {
    let from_anatomy = tilt_sign(exercise, device.segment) != 0.0;
    if from_anatomy && pose.drift_deg <= DRIFTING_DEG && pose.quality >= params.axis_quality_min {
        let axis = Axis {
            direction: pose.frame.axis(),
            quality: pose.quality,
        };
        device.remember_axis(axis, exercise);
    }
}

/// Marks the sensors that move as another one of the set should.
pub(super) fn mark_exchanged(
    devices: &[Device],
    poses: &mut [Option<Pose>],
    exercise: &str,
    side: TrainingSide,
) {
    let on = |segment| {
        let at = |d: &Device| d.segment == segment && d.alive();
        devices.iter().position(at)
    };
    let mut pairs = Vec::new();
    for s in side.sides() {
        if let Some((more, less)) = moves_more(exercise) {
            pairs.push((on(more.on(*s)), on(less.on(*s))));
        }
    }
    if let ([works], Some(part)) = (side.sides(), only_works(exercise)) {
        let rests = if *works == Side::Left {
            Side::Right
        } else {
            Side::Left
        };
        pairs.push((on(part.on(*works)), on(part.on(rests))));
    }
    for (more, less) in pairs {
        let (Some(more), Some(less)) = (more, less) else {
            continue;
        };
        let range = |i: usize| poses[i].map_or(0.0, |p| p.range_deg);
        if range(less) < SWAPPED_DEG || range(less) < SWAPPED_RATIO * range(more) {
            continue;
        }
        for (one, other) in [(more, less), (less, more)] {
            if let Some(pose) = &mut poses[one] {
                pose.exchanged = Some(other);
            }
        }
    }
}
