//! The frames of the segments while a set runs: where "up" is in the reference pose, the axis a segment turns
//! about, and which way is forward, each as far as it is known. Sensor coordinates, deg.
//!
//! A frame changes in steps, not gradually: values computed on different axes must not stand in one series.

use super::{
    anatomy::{Neutral, neutral, tilt_sign},
    calibration::{Axis, Frame},
    channel::Channel,
    measure::zero_at_start,
    pose::{BRIDGE_S, Pose, Zero, tilt_of},
    record::{Row, up_at},
    sensor::Device,
    still::Stretch,
    zero,
};
use crate::model::{frame::Vec3, time::SessionNs, units::STANDARD_GRAVITY};

/// A segment must have turned so far before its axis is used, rad (10 deg).
const AXIS_ANGLE: f64 = 0.175;
/// A client may still walk into place when the set is started, s.
const SETTLING_S: f64 = 3.0;
/// A pose kept for so long is one, s.
const CALM_S: f64 = 0.5;
/// A reference pose is replaced when the still one differs by more: cosine of 5 deg.
const REFERENCE_COS: f64 = 0.9962;
/// An axis is replaced when the new one differs by more, as long as few repetitions are known: cosine of 5 deg.
const AXIS_EARLY_COS: f64 = 0.9962;
/// The same later: cosine of 15 deg.
const AXIS_LATE_COS: f64 = 0.9659;

/// Once repetitions are known an axis is looked at so often, s.
const LOOK_S: f64 = 0.5;

/// Frames of all devices of a running set.
pub(super) struct Frames {
    exercise: String,
    start: SessionNs,
    poses: Vec<Option<Pose>>,
    reference: Vec<Option<Vec3>>,
    /// The reference was taken from a repetition's rest end.
    anchored: Vec<bool>,
    /// Newest pose that each device keeps within some degrees, and since when.
    calm: Vec<Option<(Vec3, f64)>>,
    /// When each device's axis was looked at last, s.
    looked_s: Vec<f64>,
    /// How far each device's rest pose of this set is from its stance, as far as known, deg.
    off_stance_deg: Vec<Option<f64>>,
    /// What makes angles invalid, deg.
    drift_limit_deg: f64,
}

impl Frames {
    pub(super) fn new(
        exercise: &str,
        start: SessionNs,
        devices: usize,
        drift_limit_deg: f64,
    ) -> Self {
        Self {
            exercise: exercise.to_owned(),
            start,
            poses: vec![None; devices],
            reference: vec![None; devices],
            anchored: vec![false; devices],
            calm: vec![None; devices],
            looked_s: vec![f64::NEG_INFINITY; devices],
            off_stance_deg: vec![None; devices],
            drift_limit_deg,
        }
    }

    /// What is known of the segments now.
    pub(super) fn poses(&self) -> &[Option<Pose>] {
        &self.poses
    }

    /// What is known of a device is wrong: it is found anew.
    pub(super) fn forget(&mut self, i: usize) {
        (self.poses[i], self.reference[i]) = (None, None);
        (self.anchored[i], self.calm[i]) = (false, None);
    }

    /// Brings the frame of a device up to date; `true` = earlier values are to be computed anew.
    pub(super) fn follow(&mut self, i: usize, device: &Device, counted: usize) -> bool {
        let Some(first) = device.rows.first() else {
            return false;
        };
        let moved_reference = self.find_reference(i, device, first, counted);
        let Some(reference) = self.reference[i] else {
            return false;
        };
        let t_s = device.last.map_or(0.0, |r| r.t_s());
        let settled = counted >= 2 && !moved_reference && t_s < self.looked_s[i] + LOOK_S;
        if settled {
            return false;
        }
        self.looked_s[i] = t_s;
        let Some(axis) = best_axis(device) else {
            return moved_reference;
        };
        let up = device.last.map_or(reference, |r| r.up());
        let Some(pose) = &self.poses[i] else {
            let moved = up.dot(&reference).clamp(-1.0, 1.0).acos() > AXIS_ANGLE;
            return moved && self.frame(i, device, reference, axis, up) || moved_reference;
        };
        let near = if counted < 2 {
            AXIS_EARLY_COS
        } else {
            AXIS_LATE_COS
        };
        let kept = pose.frame.axis().dot(&axis.direction).abs() >= near;
        if kept && !moved_reference {
            return false;
        }
        self.frame(i, device, reference, axis, up)
    }

    /// Makes the frame anew.
    fn frame(&mut self, i: usize, device: &Device, reference: Vec3, axis: Axis, up: Vec3) -> bool {
        let Some(mut frame) = Frame::new(reference, axis.direction) else {
            return false;
        };
        let before = match (&self.poses[i], device.axis) {
            (Some(pose), _) => Some(pose.frame.axis()),
            (None, Some(a)) if device.axis_signed => Some(a.direction),
            _ => None,
        };
        let turn = match before {
            Some(axis) => frame.axis().dot(&axis) < 0.0,
            None => self.against_anatomy(device, &frame, up),
        };
        if turn {
            frame = frame.turned();
        }
        let mut pose = Pose {
            frame,
            zero: if device.stance.is_some() {
                Zero::Stance
            } else {
                zero_at_start(&self.exercise)
            },
            quality: axis.quality,
            signed: false,
            drifted: false,
            drift_deg: 0.0,
            exchanged: device.exchanged,
            range_deg: 30.0,
        };
        self.mark_drift(i, device, &mut pose);
        pose.signed = zero::is_signed(device, &pose, &self.exercise);
        self.poses[i] = Some(pose);
        true
    }

    /// What this set shows of the sensor's drift, else what the last one showed.
    fn mark_drift(&self, i: usize, device: &Device, pose: &mut Pose) {
        let off = self.off_stance_deg[i].unwrap_or(device.drift.stance_deg);
        pose.drift_deg = off.max(device.drift.axis_deg);
        pose.drifted = pose.drift_deg > self.drift_limit_deg;
    }

    /// Compares the rest ends of the repetitions so far with the stance, where the exercise rests in it: as the pass after
    /// the set does.
    pub(super) fn recheck(&mut self, devices: &[Device], rests: &[SessionNs]) {
        if neutral(&self.exercise) != Neutral::Rest {
            return;
        }
        for (i, device) in devices.iter().enumerate() {
            let Some(stance) = &device.stance else {
                continue;
            };
            let ups: Vec<Vec3> = rests
                .iter()
                .filter_map(|t| up_at(&device.rows, *t, BRIDGE_S))
                .collect();
            self.off_stance_deg[i] = zero::off_stance_deg(stance, &ups);
            if let Some(mut pose) = self.poses[i] {
                self.mark_drift(i, device, &mut pose);
                self.poses[i] = Some(pose);
            }
        }
    }

    /// Finds the pose from which tilts count: the stance, else where the client stands still as the set begins.
    /// `true` = another than before.
    fn find_reference(&mut self, i: usize, device: &Device, first: &Row, counted: usize) -> bool {
        let stance = device.stance.map(|s| s.up);
        let known = *self.reference[i]
            .get_or_insert_with(|| stance.unwrap_or_else(|| rest_up(device, first)));
        let still = device
            .still
            .newest()
            .filter(|s| (0.0..SETTLING_S).contains(&(s.since_s - self.start.seconds())))
            .and_then(Stretch::up);
        let calm = self.calm(i, device).filter(|_| was_jolted(first));
        let free = stance.is_none() && !self.anchored[i] && counted == 0;
        let Some(up) = still.or(calm).filter(|_| free) else {
            return false;
        };
        if up.dot(&known) > REFERENCE_COS {
            return false;
        }
        self.reference[i] = Some(up);
        self.poses[i] = None;
        true
    }

    /// The pose that a device keeps, if it came to it while the client may still have been walking into place.
    fn calm(&mut self, i: usize, device: &Device) -> Option<Vec3> {
        let row = device.last.as_ref()?;
        let (up, since_s) = *self.calm[i].get_or_insert((row.up(), row.t_s()));
        if up.dot(&row.up()) < REFERENCE_COS {
            self.calm[i] = Some((row.up(), row.t_s()));
            return None;
        }
        let came_s = since_s - self.start.seconds();
        (row.t_s() - since_s >= CALM_S && came_s < SETTLING_S).then_some(up)
    }

    fn against_anatomy(&self, device: &Device, frame: &Frame, up: Vec3) -> bool {
        let sign = match tilt_sign(&self.exercise, device.segment) {
            0.0 => 1.0,
            sign => sign,
        };
        frame.forward_tilt(up).is_some_and(|tilt| tilt * sign < 0.0)
    }

    /// A repetition shows where the rest end is and which way the segments go from there: the zero and the signs
    /// of an exercise that rests in the upright stance. `true` = earlier values are to be computed anew.
    pub(super) fn anchor(
        &mut self,
        devices: &[Device],
        channel: &Channel,
        rest: SessionNs,
        turn: SessionNs,
    ) -> bool {
        if neutral(&self.exercise) != Neutral::Rest {
            return false;
        }
        let mut changed = false;
        for (i, _) in &channel.terms {
            changed |= self.anchor_one(*i, &devices[*i], rest, turn);
        }
        changed
    }

    fn anchor_one(&mut self, i: usize, device: &Device, rest: SessionNs, turn: SessionNs) -> bool {
        let at = |t| up_at(&device.rows, t, BRIDGE_S);
        let (Some(at_rest), Some(at_turn)) = (at(rest), at(turn)) else {
            return false;
        };
        let Some(mut pose) = self.poses[i] else {
            return false;
        };
        let mut changed = false;
        if device.stance.is_none() && !self.anchored[i] {
            self.anchored[i] = true;
            let known = self.reference[i].is_some_and(|r| r.dot(&at_rest) > REFERENCE_COS);
            if !known && let Some(frame) = pose.frame.referred_to(at_rest) {
                (self.reference[i], pose.frame, changed) = (Some(at_rest), frame, true);
            }
        }
        let sign = tilt_sign(&self.exercise, device.segment);
        let tilt = |up| tilt_of(device, &pose.frame, up);
        if let (Some(from), Some(to)) = (tilt(at_rest), tilt(at_turn))
            && sign * super::pose::wrap(to - from) < -5.0
            && !device.axis_signed
        {
            (pose.frame, changed) = (pose.frame.turned(), true);
        }
        self.poses[i] = Some(pose);
        changed
    }

    /// Tilt of a device, deg; before its axis is known, the whole angle from its reference pose.
    pub(super) fn tilt(&self, i: usize, device: &Device, up: Vec3) -> Option<f64> {
        if let Some(pose) = &self.poses[i] {
            return tilt_of(device, &pose.frame, up);
        }
        let sign = match tilt_sign(&self.exercise, device.segment) {
            0.0 => 1.0,
            sign => sign,
        };
        let reference = self.reference[i]?;
        Some(sign * up.dot(&reference).clamp(-1.0, 1.0).acos().to_degrees())
    }
}

/// Of this set, or of an earlier one when that is the better one.
fn best_axis(device: &Device) -> Option<Axis> {
    match (device.scatter.axis(), device.axis) {
        (_, Some(commanded)) if device.axis_commanded => Some(commanded),
        (Some(now), Some(earlier)) if earlier.quality > now.quality => Some(earlier),
        (Some(now), _) => Some(now),
        (None, earlier) => earlier,
    }
}

/// The first sample of the set shows no pose: the client jumps, or walks.
fn was_jolted(first: &Row) -> bool {
    let size = first.acc().norm() / STANDARD_GRAVITY;
    first.gyro().norm() > 0.7 || !(0.6..=1.6).contains(&size)
}

fn rest_up(device: &Device, first: &Row) -> Vec3 {
    device
        .still
        .newest()
        .filter(|s| first.t_s() - s.until_s < 1.0)
        .and_then(Stretch::up)
        .unwrap_or_else(|| first.up())
}
