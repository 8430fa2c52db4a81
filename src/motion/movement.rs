//! A movement made on command, as one sensor saw it: how often, how far, about which axis, how alike; and what speaks
//! against using it. deg; the axis is a unit vector in the sensor, to the client's right.

use super::{
    anatomy::tilt_sign,
    calibrate::name,
    calibration::{Frame, Scatter, scatter},
    params::Params,
    record::{Row, between},
    sensor::Device,
};
use crate::model::{
    body::{Segment, Side},
    frame::Vec3,
    metric::Part,
    plan::TrainingSide,
    time::SessionNs,
};

/// What a sensor saw of a movement.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// How often.
    pub(super) times: usize,
    /// Begin and end of each.
    pub(super) spans: Vec<(SessionNs, SessionNs)>,
    /// Turned from the beginning, median, deg.
    pub(super) turned_deg: f64,
    /// Principal axis of all movements, to the client's right.
    pub(super) axis: Vec3,
    /// First over the sum of the remaining eigenvalues.
    pub(super) quality: f64,
    /// Largest angle between the axis of one movement and that of all, deg.
    pub(super) spread_deg: f64,
    /// Forward tilt at the turns against the beginning, median, deg.
    pub(super) tilt_deg: f64,
}

/// A segment has left its pose by so much, deg, and is back when less than a share of the way is left.
const LEFT_DEG: f64 = 12.0;
const BACK_SHARE: f64 = 0.35;
/// Stretch at the begin whose mean is the pose, ns.
const POSE_NS: i64 = 300_000_000;

/// Looks at what a sensor recorded since the command; `None` where it has no data.
pub(super) fn made(exercise: &str, device: &Device) -> Option<Made> {
    let first = device.rows.first()?;
    let pose = between(&device.rows, first.t, SessionNs(first.t.0 + POSE_NS))
        .iter()
        .map(Row::up)
        .sum::<Vec3>()
        .try_normalize(1e-9)?;
    let trips = trips(&device.rows, pose);
    let bias = device.bias();
    let scatters: Vec<Scatter> = trips
        .iter()
        .map(|t| scatter(&device.rows[t.from..t.to], bias, device.sensing))
        .collect();
    let mut sum = Scatter::default();
    for one in &scatters {
        sum.merge(one);
    }
    let degrees: Vec<f64> = trips.iter().map(|t| t.deg).collect();
    let turned_deg = match trips.len() {
        0 => farthest(&device.rows, pose),
        _ => super::filter::median(&degrees),
    };
    let Some(axis) = sum.axis() else {
        return Some(Made {
            times: 0,
            spans: Vec::new(),
            turned_deg,
            axis: Vec3::zeros(),
            quality: 0.0,
            spread_deg: 0.0,
            tilt_deg: 0.0,
        });
    };
    let spread_deg = scatters
        .iter()
        .filter_map(|s| {
            Some(
                s.axis()?
                    .direction
                    .dot(&axis.direction)
                    .abs()
                    .min(1.0)
                    .acos(),
            )
        })
        .fold(0.0, f64::max)
        .to_degrees();
    let tilts = |direction: Vec3| -> Option<f64> {
        let frame = Frame::new(pose, direction)?;
        let at = trips
            .iter()
            .filter_map(|t| frame.forward_tilt(device.rows[t.turn].up()));
        Some(super::filter::median(&at.collect::<Vec<_>>()).to_degrees())
    };
    let tilt_deg = tilts(axis.direction).unwrap_or(0.0);
    let turned = tilt_deg * tilt_sign(exercise, device.segment) < 0.0;
    Some(Made {
        times: trips.len(),
        spans: trips.iter().map(|t| t.span(&device.rows)).collect(),
        turned_deg,
        axis: if turned {
            -axis.direction
        } else {
            axis.direction
        },
        quality: axis.quality,
        spread_deg,
        tilt_deg: if turned { -tilt_deg } else { tilt_deg },
    })
}

/// A way out and back, as indices of rows.
struct Trip {
    from: usize,
    turn: usize,
    to: usize,
    deg: f64,
}

impl Trip {
    fn span(&self, rows: &[Row]) -> (SessionNs, SessionNs) {
        (rows[self.from].t, rows[self.to - 1].t)
    }
}

fn trips(rows: &[Row], pose: Vec3) -> Vec<Trip> {
    let mut trips = Vec::new();
    // Where the segment was nearest to its pose since it came back, and how far it has got since.
    let (mut near, mut top) = ((0, 0.0), None::<(usize, f64)>);
    for (i, row) in rows.iter().enumerate() {
        let deg = angle_deg(row, pose);
        match top {
            None if deg <= near.1 => near = (i, deg),
            None if deg > near.1 + LEFT_DEG => top = Some((i, deg)),
            Some((_, most)) if deg > most => top = Some((i, deg)),
            Some((turn, most)) if deg < BACK_SHARE * most => {
                let (from, to) = (near.0, i + 1);
                let deg = most;
                trips.push(Trip {
                    from,
                    turn,
                    to,
                    deg,
                });
                (near, top) = ((i, angle_deg(row, pose)), None);
            }
            _ => {}
        }
    }
    trips
}

fn angle_deg(row: &Row, pose: Vec3) -> f64 {
    row.up().dot(&pose).clamp(-1.0, 1.0).acos().to_degrees()
}

fn farthest(rows: &[Row], pose: Vec3) -> f64 {
    rows.iter().map(|r| angle_deg(r, pose)).fold(0.0, f64::max)
}

/// A segment must turn so far for its axis to be known, deg, and how to make it. In a squat the shank turns by a
/// quarter of a right angle and its axis comes out 13 deg wrong, that of the thigh 2 deg.
fn wanted(segment: Segment) -> (f64, &'static str) {
    use Segment as S;
    match segment {
        S::ThighL | S::ThighR => (45.0, "bend hip and knee deeper"),
        S::ShankL | S::ShankR => (45.0, "sit and lift the foot until the knee is straight"),
        S::FootL | S::FootR => (20.0, "lift the heel higher"),
        S::UpperArmL | S::UpperArmR => (45.0, "raise the arm higher"),
        S::ForearmL | S::ForearmR => (45.0, "bend the elbow farther"),
        _ => (20.0, "bend farther forward"),
    }
}

/// Why a movement gives no axis, in words for the trainer.
pub(super) fn refusal(segment: Segment, made: &Made, params: &Params) -> Option<String> {
    let name = name(segment);
    let (wanted_deg, how) = wanted(segment);
    if made.turned_deg < wanted_deg {
        return Some(format!(
            "the {name} turned only {:.0} deg: {how}",
            made.turned_deg
        ));
    }
    if made.times < params.movements_min {
        return Some(format!(
            "the {name} moved {} times: move slowly out and back {} times",
            made.times, params.movements_min
        ));
    }
    if made.quality < params.movement_quality_min {
        return Some(format!(
            "the {name} turned about more than one axis: move it in one plane"
        ));
    }
    (made.spread_deg > params.movement_spread_deg).then(|| {
        format!(
            "the {name} turned about another axis each time ({:.0} deg apart): move the same way each time, and check the strap",
            made.spread_deg
        )
    })
}

/// Sensors that moved as another one should: pairs (this, with that).
pub(super) fn swapped(
    exercise: &str,
    side: TrainingSide,
    devices: &[Device],
    made: &[Option<Made>],
) -> Vec<(usize, usize)> {
    let on = |segment| {
        devices
            .iter()
            .position(|d| d.segment == segment && d.alive())
    };
    let turned = |i: usize| made[i].as_ref().map_or(0.0, |m| m.turned_deg);
    let mut pairs = Vec::new();
    let mut exchanged = |more: Option<usize>, less: Option<usize>| {
        if let (Some(more), Some(less)) = (more, less)
            && turned(less) > SWAPPED_DEG
            && turned(less) > SWAPPED_RATIO * turned(more)
        {
            pairs.extend([(more, less), (less, more)]);
        }
    };
    for s in side.sides() {
        if let Some((more, less)) = moves_more(exercise) {
            exchanged(on(more.on(*s)), on(less.on(*s)));
        }
    }
    if let [works] = side.sides() {
        let rests = if *works == Side::Left {
            Side::Right
        } else {
            Side::Left
        };
        if let Some(part) = only_works(exercise) {
            exchanged(on(part.on(*works)), on(part.on(rests)));
        }
    }
    pairs
}

/// A sensor that moves by so much while it should not, deg, and so much more than the one that should.
pub(super) const SWAPPED_DEG: f64 = 20.0;
pub(super) const SWAPPED_RATIO: f64 = 1.3;

/// Which segment of a side turns clearly more than which.
pub(super) fn moves_more(exercise: &str) -> Option<(Part, Part)> {
    match exercise {
        "squat" | "sit_to_stand" | "single_leg_squat" => Some((Part::Thigh, Part::Shank)),
        "leg_extension" => Some((Part::Shank, Part::Thigh)),
        "biceps_curl" => Some((Part::Forearm, Part::UpperArm)),
        _ => None,
    }
}

/// Which segment moves on the working side only.
pub(super) fn only_works(exercise: &str) -> Option<Part> {
    match exercise {
        "leg_extension" => Some(Part::Shank),
        "straight_leg_raise" | "hip_extension" | "hip_abduction" => Some(Part::Thigh),
        "biceps_curl" => Some(Part::Forearm),
        "shoulder_flexion" | "shoulder_abduction" => Some(Part::UpperArm),
        _ => None,
    }
}

/// Sitting on a chair the knee stands at about a right angle; else thigh or shank is not where it is said to be.
pub(super) fn sitting(
    exercise: &str,
    device: usize,
    devices: &[Device],
    made: &[Option<Made>],
    params: &Params,
) -> Option<String> {
    let side = devices[device].segment.side()?;
    let segments = [Part::Thigh.on(side), Part::Shank.on(side)];
    if exercise != "sit_to_stand" || !segments.contains(&devices[device].segment) {
        return None;
    }
    let tilt = |segment| {
        let i = devices.iter().position(|d| d.segment == segment)?;
        Some(made[i].as_ref()?.tilt_deg)
    };
    let knee = tilt(segments[1])? - tilt(segments[0])?;
    let word = if side == Side::Left { "left" } else { "right" };
    ((knee - 90.0).abs() > params.sitting_knee_deg).then(|| {
        format!("sitting, the {word} knee reads {knee:.0} deg instead of about 90: has a sensor slipped, or are two exchanged?")
    })
}
