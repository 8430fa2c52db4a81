//! The calibration that is going on: the still stance, or a movement made on command. Each sensor is accepted or
//! refused, with the reason in words for the trainer. deg, s.
//!
//! The stance gives the gyroscope's bias, the size of gravity and "up"; the movement gives the axis a segment turns
//! about and which of its ends points to the client's right. Nothing depends on how a sensor sits.

use super::{
    anatomy::{terms, tilt_sign},
    calibration::Axis,
    channel::find,
    movement::{self, Made},
    params::Params,
    sensor::Device,
    skew::skew,
};
use crate::model::{
    body::Segment,
    event::{Calibration, CalibrationStep},
    metric::Metric,
    packet::DeviceIndex,
    plan::TrainingSide,
    session::{TechEvent, TechKind},
    time::SessionNs,
};

/// What a calibration says.
pub(super) enum Said {
    /// A sensor was accepted or refused.
    Tried(Calibration),
    /// A technical event beside it.
    Tech(TechEvent),
}

/// What runs.
enum Step {
    Stance {
        done: Vec<bool>,
    },
    Movement {
        exercise: String,
        side: TrainingSide,
        look_s: f64,
    },
}

/// A calibration from its command until all sensors are decided.
pub(super) struct Calibrating {
    since: SessionNs,
    step: Step,
}

/// Spacing of the looks at a movement, s.
const LOOK_S: f64 = 0.5;

impl Calibrating {
    /// The client stands still from now on.
    pub(super) fn stance(t: SessionNs, devices: usize) -> Self {
        let done = vec![false; devices];
        Self {
            since: t,
            step: Step::Stance { done },
        }
    }

    /// The client makes a movement a few times from now on.
    pub(super) fn movement(
        t: SessionNs,
        exercise: &str,
        side: TrainingSide,
        devices: &mut [Device],
    ) -> Self {
        for device in devices {
            device.begin_set(t);
        }
        Self {
            since: t,
            step: Step::Movement {
                exercise: exercise.to_owned(),
                side,
                look_s: t.seconds(),
            },
        }
    }

    /// Decides what can be decided, and everything when it is `ended`; `true` = nothing is left to do.
    pub(super) fn look(
        &mut self,
        now: SessionNs,
        ended: bool,
        devices: &mut [Device],
        params: &Params,
        out: &mut Vec<Said>,
    ) -> bool {
        let since = self.since;
        let spent_s = now.seconds() - since.seconds();
        match &mut self.step {
            Step::Stance { done } => {
                let timed_out = ended || spent_s >= params.calibration_timeout_s;
                stand(since, now, timed_out, done, devices, params, out);
                timed_out
                    || done
                        .iter()
                        .zip(devices.iter())
                        .all(|(d, device)| *d || !is_worn(device))
            }
            Step::Movement {
                exercise,
                side,
                look_s,
            } => {
                let timed_out = ended || spent_s >= params.movement_timeout_s;
                if !timed_out && now.seconds() - *look_s < LOOK_S {
                    return false;
                }
                *look_s = now.seconds();
                let tried = try_all(exercise, *side, devices, params);
                let good = !tried.is_empty() && tried.iter().all(|t| t.1.is_ok());
                if good || timed_out {
                    compare(now, exercise, *side, devices, params, out);
                    settle(now, exercise, tried, devices, out);
                }
                good || timed_out
            }
        }
    }
}

fn is_worn(device: &Device) -> bool {
    device.segment != Segment::Chest
}

fn stand(
    since: SessionNs,
    now: SessionNs,
    timed_out: bool,
    done: &mut [bool],
    devices: &mut [Device],
    params: &Params,
    out: &mut Vec<Said>,
) {
    for (i, (device, done)) in devices.iter_mut().zip(done).enumerate() {
        if *done || (!device.alive() && !timed_out) || !is_worn(device) {
            continue;
        }
        let still = device.still.now();
        let still_s = still.map_or(0.0, |s| s.until_s - s.since_s.max(since.seconds()));
        let accepted = still_s >= params.calibration_s && device.fresh(now, 1.0);
        if !accepted && !timed_out {
            continue;
        }
        if accepted {
            device.accept_stance();
        }
        *done = true;
        let reason = (!accepted).then(|| moved(device, now));
        say(
            now,
            i,
            device,
            CalibrationStep::Stillness,
            still_s,
            reason,
            out,
        );
    }
}

fn moved(device: &Device, now: SessionNs) -> String {
    if !device.fresh(now, 1.0) {
        return no_data(device);
    }
    format!(
        "the {} moved: stand still for three seconds",
        name(device.segment)
    )
}

fn no_data(device: &Device) -> String {
    format!("no data from the {} sensor", name(device.segment))
}

/// A segment in words.
pub(super) fn name(segment: Segment) -> String {
    let id = segment.as_str();
    match id.rsplit_once('_') {
        Some((part, "l")) => format!("left {}", part.replace('_', " ")),
        Some((part, "r")) => format!("right {}", part.replace('_', " ")),
        _ => id.replace('_', " "),
    }
}

type Tried = (usize, Result<Made, (f64, String)>);

/// Every sensor that the movement should move: its axis, or a score and why it is refused.
fn try_all(exercise: &str, side: TrainingSide, devices: &[Device], params: &Params) -> Vec<Tried> {
    let all: Vec<Option<Made>> = devices
        .iter()
        .map(|d| is_worn(d).then(|| movement::made(exercise, d)).flatten())
        .collect();
    let swapped = movement::swapped(exercise, side, devices, &all);
    let mut tried = Vec::new();
    for (i, device) in devices.iter().enumerate() {
        let works = device
            .segment
            .side()
            .is_none_or(|s| side.sides().contains(&s));
        if !is_worn(device) || !works || tilt_sign(exercise, device.segment) == 0.0 {
            continue;
        }
        let Some(made) = &all[i] else {
            tried.push((i, Err((0.0, no_data(device)))));
            continue;
        };
        let why = swapped
            .iter()
            .find(|(a, _)| *a == i)
            .map(|(_, with)| exchanged(device.segment, devices[*with].segment))
            .or_else(|| movement::refusal(device.segment, made, params))
            .or_else(|| movement::sitting(exercise, i, devices, &all, params));
        tried.push((
            i,
            why.map_or_else(|| Ok(made.clone()), |why| Err((made.quality, why))),
        ));
    }
    tried
}

fn exchanged(segment: Segment, with: Segment) -> String {
    format!(
        "the {} sensor moved as the {} should: are the two exchanged?",
        name(segment),
        name(with)
    )
}

/// Says of every two sensors that a joint is measured with how far apart in time they show the movement.
fn compare(
    now: SessionNs,
    exercise: &str,
    side: TrainingSide,
    devices: &mut [Device],
    params: &Params,
    out: &mut Vec<Said>,
) {
    for (a, b) in joints(side, devices) {
        let seen = |i: usize| movement::made(exercise, &devices[i]);
        let found = match (seen(a), seen(b)) {
            (Some(first), Some(second)) => {
                skew(exercise, (&devices[a], &first), (&devices[b], &second))
            }
            _ => Err("a sensor sent no data"),
        };
        let with = index(a);
        let kind = match found {
            Ok(skew) => {
                let exceeded = skew.lag_s.abs() - skew.error_s > params.skew_s;
                set_skewed(devices, a, b, exceeded);
                TechKind::Skew {
                    with,
                    lag_s: skew.lag_s,
                    error_s: skew.error_s,
                    exceeded,
                }
            }
            // What an earlier movement showed holds on.
            Err(reason) => TechKind::SkewUnknown {
                with,
                reason: reason.to_owned(),
            },
        };
        let device = Some(index(b));
        out.push(Said::Tech(TechEvent {
            t: now,
            device,
            kind,
        }));
    }
}

fn set_skewed(devices: &mut [Device], a: usize, b: usize, skewed: bool) {
    for (one, other) in [(a, b), (b, a)] {
        devices[one].skewed.retain(|i| *i != other);
        if skewed {
            devices[one].skewed.push(other);
        }
    }
}

/// Pairs of worn sensors that an angle between two segments is measured with.
fn joints(side: TrainingSide, devices: &[Device]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for metric in Metric::ALL {
        let [(first, _), (second, _)] = terms(*metric) else {
            continue;
        };
        for s in side.sides() {
            let on = |segment| find(devices, segment);
            if let (Some(a), Some(b)) = (on(first.on(*s)), on(second.on(*s)))
                && !pairs.contains(&(a.min(b), a.max(b)))
            {
                pairs.push((a.min(b), a.max(b)));
            }
        }
    }
    pairs
}

fn settle(
    now: SessionNs,
    exercise: &str,
    tried: Vec<Tried>,
    devices: &mut [Device],
    out: &mut Vec<Said>,
) {
    for device in devices.iter_mut() {
        device.end_set();
    }
    for (i, result) in tried {
        let (quality, reason) = match result {
            Ok(made) => {
                let axis = Axis {
                    direction: made.axis,
                    quality: made.quality,
                };
                devices[i].accept_axis(axis, exercise);
                (made.quality, None)
            }
            Err((quality, reason)) => (quality, Some(reason)),
        };
        say(
            now,
            i,
            &devices[i],
            CalibrationStep::Functional,
            quality,
            reason,
            out,
        );
    }
}

fn say(
    t: SessionNs,
    i: usize,
    device: &Device,
    step: CalibrationStep,
    quality: f64,
    reason: Option<String>,
    out: &mut Vec<Said>,
) {
    let index = index(i);
    if let Some(reason) = &reason {
        out.push(Said::Tech(TechEvent {
            t,
            device: Some(index),
            kind: TechKind::CalibrationRefused {
                reason: reason.clone(),
            },
        }));
    }
    out.push(Said::Tried(Calibration {
        t,
        device: index,
        segment: device.segment,
        step,
        accepted: reason.is_none(),
        quality,
        reason,
    }));
}

fn index(i: usize) -> DeviceIndex {
    DeviceIndex(u16::try_from(i).unwrap_or(u16::MAX))
}
