//! The pass after the set: the buffered set without delay, from which the final repetitions come.
//!
//! Order of work: orientation without delay, axis of every segment, signs, choice of the counting channel,
//! repetitions; once more with axes from the repetitions alone; then the zero of every segment's angles.

use super::{
    anatomy::{Neutral, neutral, tilt_sign},
    calibration::{Axis, Frame, Scatter, scatter},
    channel::{Channel, Group},
    count::{Rule, count_on, is_rhythm, worth},
    filter::{median, quantile},
    params::Params,
    pose::{Pose, Zero},
    record::between,
    segment::{Bounded, Cycle, zigzag},
    sensor::Device,
    series::{GRID_HZ, Grid, Series, height_gain, scale, series, tilt_series},
    zero,
};
use crate::model::{frame::Vec3, plan::TrainingSide, time::SessionNs};

/// A set after its pass.
pub(super) struct Analysed {
    pub(super) poses: Vec<Option<Pose>>,
    pub(super) found: Vec<Found>,
    /// The channel most repetitions were counted on.
    pub(super) channel: Option<Channel>,
    /// The way out lowers the body: known for exercises that can begin at either end.
    pub(super) out_is_down: Option<bool>,
}

/// One repetition on the session's clock.
pub(super) struct Found {
    pub(super) start: SessionNs,
    pub(super) turn: SessionNs,
    pub(super) end: SessionNs,
    pub(super) dwell: (SessionNs, SessionNs),
    /// Unit of the channel.
    pub(super) amplitude: f64,
    pub(super) channel: Channel,
}

/// What is known of the set.
#[derive(Clone, Copy)]
pub(super) struct SetFacts<'a> {
    pub(super) exercise: &'a str,
    pub(super) side: TrainingSide,
    pub(super) start: SessionNs,
    pub(super) end: SessionNs,
}

/// Analyses the rows of all devices.
pub(super) fn analyse(
    devices: &mut [Device],
    groups: &[Group],
    facts: SetFacts,
    params: &Params,
) -> Analysed {
    for device in devices.iter_mut() {
        let bias = device.bias();
        super::orientation::smooth(&mut device.rows, bias, device.sensing);
    }
    let grid = Grid::new(facts.start, facts.end);
    let mut poses = first_poses(devices, facts);
    align_signs(devices, &mut poses, facts, grid);
    let Some((mut chosen, mut series_of, mut counted)) =
        choose(devices, &poses, groups, facts, grid, params)
    else {
        return Analysed {
            poses,
            found: Vec::new(),
            channel: None,
            out_is_down: None,
        };
    };
    if facts.exercise == NO_EXERCISE && !is_rhythm(&counted, GRID_HZ) {
        counted.clear();
    }
    if !counted.is_empty() {
        refine_axes(devices, &mut poses, &counted, facts, grid, params);
        align_signs(devices, &mut poses, facts, grid);
        if let Some(again) = choose(devices, &poses, groups, facts, grid, params) {
            (chosen, series_of, counted) = again;
        }
    }
    let out_is_down = settle(devices, &mut poses, facts, &counted, grid, params);
    let mut found: Vec<Found> = counted.iter().map(|c| on_clock(c, &chosen, grid)).collect();
    fill_holes(
        devices, &poses, groups, facts, grid, params, &chosen, &series_of, &mut found,
    );
    Analysed {
        poses,
        found,
        channel: Some(chosen),
        out_is_down,
    }
}

/// What a set is called when nobody says which exercise it is.
pub(super) const NO_EXERCISE: &str = "none";

fn on_clock(cycle: &Cycle, channel: &Channel, grid: Grid) -> Found {
    Found {
        start: grid.at(cycle.start),
        turn: grid.at(cycle.turn),
        end: grid.at(cycle.end),
        dwell: (grid.at(cycle.dwell.0), grid.at(cycle.dwell.1)),
        amplitude: cycle.amplitude,
        channel: channel.clone(),
    }
}

/// "Up" over the first half second of the set: the reference until a better one is known.
fn first_up(device: &Device) -> Option<Vec3> {
    let first = device.rows.first()?.t;
    mean_up(device, first, SessionNs(first.0 + 500_000_000))
}

fn mean_up(device: &Device, from: SessionNs, to: SessionNs) -> Option<Vec3> {
    between(&device.rows, from, to)
        .iter()
        .map(super::record::Row::up)
        .sum::<Vec3>()
        .try_normalize(1e-9)
}

fn first_poses(devices: &[Device], _facts: SetFacts) -> Vec<Option<Pose>> {
    devices
        .iter()
        .map(|device| {
            let up = first_up(device)?;
            let axis = scatter(&device.rows, device.bias(), device.sensing).axis();
            pose_of(device, device.stance.map_or(up, |s| s.up), axis)
        })
        .collect()
}

/// Axis of this set, or of an earlier one when this set hardly moves the segment.
fn pose_of(device: &Device, up: Vec3, axis: Option<Axis>) -> Option<Pose> {
    let axis = match (axis, device.axis) {
        (_, Some(commanded)) if device.axis_commanded => commanded,
        (Some(now), Some(earlier)) if earlier.quality > 2.0 * now.quality => earlier,
        (Some(now), _) => now,
        (None, earlier) => earlier?,
    };
    let mut frame = Frame::new(up, axis.direction)?;
    if device.axis_signed
        && device
            .axis
            .is_some_and(|a| a.direction.dot(&axis.direction) < 0.0)
    {
        frame = frame.turned();
    }
    Some(Pose {
        frame,
        zero: Zero::Unknown,
        quality: axis.quality,
        signed: false,
        drifted: false,
        drift_deg: 0.0,
        exchanged: None,
        range_deg: 0.0,
    })
}

/// Turns every axis so that segments move together as the exercise moves them; the one that turns most leads.
fn align_signs(devices: &[Device], poses: &mut [Option<Pose>], facts: SetFacts, grid: Grid) {
    let mut tilts: Vec<Option<Series>> = Vec::with_capacity(devices.len());
    for (device, pose) in devices.iter().zip(poses.iter_mut()) {
        let tilt = pose.as_ref().map(|p| tilt_series(device, &p.frame, grid));
        if let (Some(p), Some(s)) = (pose.as_mut(), &tilt) {
            p.range_deg = quantile(&s.x, 0.97) - quantile(&s.x, 0.03);
        }
        tilts.push(tilt);
    }
    let Some(leader) = leader(devices, poses, facts) else {
        return;
    };
    let Some(led) = tilts[leader].take() else {
        return;
    };
    let lead_sign = tilt_sign(facts.exercise, devices[leader].segment);
    for (i, tilt) in tilts.iter().enumerate() {
        let wanted = tilt_sign(facts.exercise, devices[i].segment) * lead_sign;
        let (Some(tilt), Some(pose)) = (tilt, poses[i].as_mut()) else {
            continue;
        };
        if wanted != 0.0 && wanted * covariance(&tilt.x, &led.x) < 0.0 {
            pose.frame = pose.frame.turned();
        }
    }
}

/// The device whose tilt ranges most, among those whose sign anatomy knows.
fn leader(devices: &[Device], poses: &[Option<Pose>], facts: SetFacts) -> Option<usize> {
    (0..devices.len())
        .filter(|i| tilt_sign(facts.exercise, devices[*i].segment) != 0.0)
        .filter_map(|i| poses[i].map(|p| (i, p.range_deg)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(i, _)| i)
}

fn covariance(a: &[f64], b: &[f64]) -> f64 {
    let (ma, mb) = (super::filter::mean(a), super::filter::mean(b));
    a.iter().zip(b).map(|(x, y)| (x - ma) * (y - mb)).sum()
}

type Choice = (Channel, Series, Vec<Cycle>);

/// The counting channel: the first group with a candidate that moves enough, within it the one that moves
/// most; in the automatic group the one that repeats best.
fn choose(
    devices: &[Device],
    poses: &[Option<Pose>],
    groups: &[Group],
    facts: SetFacts,
    grid: Grid,
    params: &Params,
) -> Option<Choice> {
    let mut fallback: Option<Choice> = None;
    for group in groups {
        let mut best: Option<(f64, Choice)> = None;
        for channel in group {
            let Some(s) = series(devices, poses, channel, grid) else {
                continue;
            };
            let scale = scale(
                channel.kind,
                facts.exercise,
                params.rate_share_final,
                params,
            );
            let rule = Rule::new(channel, facts.exercise);
            let counted = count_on(
                (&s.x, &s.vertical),
                &zigzag(&s.x, scale.least),
                scale,
                &rule,
                params,
                &mut Bounded::default(),
            );
            let score = if channel.metric.is_some() {
                counted.usual * s.covered()
            } else {
                worth(&s.x, &counted, scale, &rule)
            };
            if best.as_ref().is_none_or(|(b, _)| score > *b) {
                best = Some((score, (channel.clone(), s, counted.cycles)));
            }
        }
        let Some((_, choice)) = best else { continue };
        if !choice.2.is_empty() {
            return Some(choice);
        }
        fallback.get_or_insert(choice);
    }
    fallback
}

/// Axes again, from the repetitions alone: lying down between them must not count.
fn refine_axes(
    devices: &[Device],
    poses: &mut [Option<Pose>],
    counted: &[Cycle],
    facts: SetFacts,
    grid: Grid,
    params: &Params,
) {
    for (device, pose) in devices.iter().zip(poses.iter_mut()) {
        let mut sum = Scatter::default();
        for c in counted {
            let rows = between(&device.rows, grid.at(c.start), grid.at(c.end));
            sum.merge(&scatter(rows, device.bias(), device.sensing));
        }
        let Some(old) = pose else { continue };
        let up = device.stance.map(|s| s.up).or_else(|| first_up(device));
        if let Some(up) = up
            && let Some(mut new) = pose_of(device, up, sum.axis())
        {
            new.drift_deg = sum
                .axis()
                .and_then(|own| {
                    zero::axis_drift_deg(device, &own, old.range_deg, facts.exercise, params)
                })
                .unwrap_or(0.0);
            if new.frame.axis().dot(&old.frame.axis()) < 0.0 {
                new.frame = new.frame.turned();
            }
            *old = new;
        }
    }
}

/// Decides which way is forward and where zero is. Returns whether the way out lowers the body.
fn settle(
    devices: &mut [Device],
    poses: &mut [Option<Pose>],
    facts: SetFacts,
    counted: &[Cycle],
    grid: Grid,
    params: &Params,
) -> Option<bool> {
    if counted.is_empty() {
        return None;
    }
    let rests: Vec<SessionNs> = counted.iter().map(|c| grid.at(c.start)).collect();
    let turns: Vec<SessionNs> = counted.iter().map(|c| grid.at(c.turn)).collect();
    let mut out_is_down = None;
    let neutral_at_rest = match neutral(facts.exercise) {
        Neutral::Rest | Neutral::Outside => true,
        Neutral::High => {
            let down = height_gain(devices, &rests, &turns) < 0.0;
            out_is_down = Some(down);
            down
        }
    };
    let stance_possible = neutral(facts.exercise) != Neutral::Outside;
    turn_forward(devices, poses, facts, (&rests, &turns), neutral_at_rest);
    for (device, pose) in devices.iter_mut().zip(poses.iter_mut()) {
        let Some(p) = pose else { continue };
        let quiet = if neutral_at_rest { &rests } else { &turns };
        zero::set(device, p, quiet, stance_possible, params);
        p.signed = zero::is_signed(device, p, facts.exercise);
        zero::remember(device, p, facts.exercise, params);
    }
    zero::mark_exchanged(devices, poses, facts.exercise, facts.side);
    for (device, pose) in devices.iter_mut().zip(poses.iter()) {
        device.exchanged = pose.as_ref().and_then(|p| p.exchanged);
    }
    out_is_down
}

fn turn_forward(
    devices: &[Device],
    poses: &mut [Option<Pose>],
    facts: SetFacts,
    (rests, turns): (&[SessionNs], &[SessionNs]),
    neutral_at_rest: bool,
) {
    let Some(lead) = leader(devices, poses, facts) else {
        return;
    };
    let Some(pose) = poses[lead] else { return };
    let sign = tilt_sign(facts.exercise, devices[lead].segment);
    let moves: Vec<f64> = rests
        .iter()
        .zip(turns)
        .filter_map(|(r, t)| {
            let at = |t| super::pose::tilt_at(&devices[lead], &pose.frame, t);
            Some(super::pose::wrap(at(*t)? - at(*r)?))
        })
        .collect();
    let toward_work = if neutral_at_rest { 1.0 } else { -1.0 };
    if median(&moves) * sign * toward_work < 0.0 {
        for (device, pose) in devices.iter().zip(poses.iter_mut()) {
            if tilt_sign(facts.exercise, device.segment) != 0.0
                && let Some(p) = pose
            {
                p.frame = p.frame.turned();
            }
        }
    }
}

/// Where the chosen channel has no data, repetitions are counted on the next candidate that has.
#[expect(
    clippy::too_many_arguments,
    reason = "one step of the pass, called once"
)]
fn fill_holes(
    devices: &[Device],
    poses: &[Option<Pose>],
    groups: &[Group],
    facts: SetFacts,
    grid: Grid,
    params: &Params,
    chosen: &Channel,
    chosen_series: &Series,
    found: &mut Vec<Found>,
) {
    let holes = chosen_series.holes(1.0);
    if holes.is_empty() {
        return;
    }
    // A repetition that spans a hole of its own channel was not seen: it is counted again below.
    found.retain(|f| {
        !holes
            .iter()
            .any(|(a, b)| f.start < grid.at(*b) && f.end > grid.at(*a))
    });
    for channel in groups.iter().flatten().filter(|c| *c != chosen) {
        let Some(s) = series(devices, poses, channel, grid) else {
            continue;
        };
        let own_holes = s.holes(1.0);
        let scale = scale(
            channel.kind,
            facts.exercise,
            params.rate_share_final,
            params,
        );
        let rule = Rule::new(channel, facts.exercise);
        let counted = count_on(
            (&s.x, &s.vertical),
            &zigzag(&s.x, scale.least),
            scale,
            &rule,
            params,
            &mut Bounded::default(),
        );
        for c in &counted.cycles {
            let new = on_clock(c, channel, grid);
            let in_hole = holes.iter().any(|(a, b)| c.start < *b && c.end > *a);
            let seen = !own_holes.iter().any(|(a, b)| c.start < *b && c.end > *a);
            let free = !found.iter().any(|f| overlap(f, &new));
            if in_hole && seen && free {
                found.push(new);
            }
        }
        found.sort_by_key(|f| f.start);
    }
}

/// More than a quarter of the shorter one lies in the other.
fn overlap(a: &Found, b: &Found) -> bool {
    let common = a.end.0.min(b.end.0) - a.start.0.max(b.start.0);
    let shorter = (a.end.0 - a.start.0).min(b.end.0 - b.start.0);
    common * 4 > shorter
}
