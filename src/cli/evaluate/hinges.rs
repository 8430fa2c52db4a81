//! The relative angle of two sensors on a mechanical hinge against an encoder or optics, by nothing but the
//! relative movement of both. deg.
//!
//! A swing is what the reference does between two of its turning points, within an unbroken stretch of it.

use super::{
    recording::{Said, Scores, table},
    score::{at, quantile, rms},
};
use crate::{
    cli::labelled_folder::Folder,
    model::{
        body::Segment,
        packet::DeviceIndex,
        sample::{Sample, StreamKind},
    },
    motion::{
        Params,
        hinge::{Course, of_sensors},
    },
};
use anyhow::Result;
use std::path::Path;

/// A reference comes back by so much before it has turned, deg.
const TURN_DEG: f64 = 10.0;
/// Smaller swings are no movement of the hinge, deg.
const LEAST_DEG: f64 = 20.0;
/// Rows of the reference farther apart are a hole, s.
const HOLE_S: f64 = 0.1;

/// Adds the figures of every hinge that the reference shows.
pub(super) fn score(
    dir: &Path,
    folder: &Folder,
    said: &Said,
    begin_s: f64,
    scores: &mut Scores<'_>,
) -> Result<()> {
    let Some(table) = table(&dir.join("truth_relative_angle.csv"))? else {
        return Ok(());
    };
    let Some(times) = table.column("t_s") else {
        return Ok(());
    };
    let times: Vec<f64> = times.iter().map(|t| t - begin_s).collect();
    for (name, ends) in HINGES {
        let Some(values) = table.column(name) else {
            continue;
        };
        // Where a segment carries two units, the second one sits on a soft mount.
        for (mount, soft) in [(0, false), (1, true)] {
            if let Some(course) = course(folder, said, *ends, mount) {
                one(&course, &times, values, soft, scores);
            }
        }
    }
    Ok(())
}

/// Columns of references and the segments they lie between.
const HINGES: &[(&str, [Segment; 2])] = &[
    ("hinge12_deg", [Segment::Rig1, Segment::Rig2]),
    ("hinge23_deg", [Segment::Rig2, Segment::Rig3]),
    ("hinge34_deg", [Segment::Rig3, Segment::Rig4]),
    ("hinge45_deg", [Segment::Rig4, Segment::Rig5]),
    ("relative_rotation_deg", [Segment::Rig1, Segment::Rig2]),
];

/// The relative angle from the `mount`-th unit of each segment.
fn course(folder: &Folder, said: &Said, ends: [Segment; 2], mount: usize) -> Option<Course> {
    let unit = |segment: Segment| {
        let mut on = folder
            .header
            .devices()
            .filter(|(_, s)| s.segment == segment);
        on.nth(mount)
    };
    let samples = |device: DeviceIndex| -> Vec<Sample> {
        let own = |s: &&Sample| s.stream.device == device && s.stream.kind == StreamKind::Imu;
        said.samples.iter().filter(own).copied().collect()
    };
    let (a, b) = (unit(ends[0])?, unit(ends[1])?);
    let (first, second) = (samples(a.0), samples(b.0));
    of_sensors([a.1, b.1], [&first, &second], &Params::default())
}

fn one(course: &Course, times: &[f64], values: &[f64], soft: bool, scores: &mut Scores<'_>) {
    let swings = swings(times, values);
    let misses = |deg: &[f64]| -> Vec<f64> {
        swings
            .iter()
            .filter_map(|s| Some(range(course, deg, s.0, s.1)? - s.2))
            .collect()
    };
    let (live, settled) = (misses(&course.live_deg), misses(&course.smooth_deg));
    if soft {
        scores.add("hinge_rom_error_soft", rms(&settled), None, "deg");
        return;
    }
    scores.add("hinge_rom_error", rms(&settled), None, "deg");
    scores.add("hinge_rom_error_live", rms(&live), None, "deg");
    scores.add(
        "hinge_angle_rmse",
        difference(course, times, values),
        None,
        "deg",
    );
    for miss in settled {
        let covered = f64::from(u8::from(miss.abs() <= course.range_error_deg));
        scores.add("band_coverage_hinge", Some(covered), Some(1.0), "1");
    }
}

/// Begin, end and range of every swing.
fn swings(times: &[f64], values: &[f64]) -> Vec<(f64, f64, f64)> {
    let mut swings = Vec::new();
    let mut from = 0;
    for to in 1..=times.len() {
        if to == times.len() || times[to] - times[to - 1] > HOLE_S {
            let turns = turns(&values[from..to]);
            swings.extend(turns.windows(2).filter_map(|p| {
                let (a, b) = (from + p[0], from + p[1]);
                let range = (values[b] - values[a]).abs();
                (range > LEAST_DEG).then_some((times[a], times[b], range))
            }));
            from = to;
        }
    }
    swings
}

/// Indices of the turning points of an unbroken stretch, its begin included.
fn turns(x: &[f64]) -> Vec<usize> {
    let mut turns = vec![0];
    let (mut high, mut low, mut rising) = (0, 0, None);
    for i in 1..x.len() {
        if rising != Some(false) && x[i] > x[high] {
            high = i;
        }
        if rising != Some(true) && x[i] < x[low] {
            low = i;
        }
        if rising != Some(false) && x[high] - x[i] > TURN_DEG {
            turns.push(high);
            (rising, low) = (Some(false), i);
        } else if rising != Some(true) && x[i] - x[low] > TURN_DEG {
            turns.push(low);
            (rising, high) = (Some(true), i);
        }
    }
    turns
}

fn range(course: &Course, deg: &[f64], from: f64, to: f64) -> Option<f64> {
    let a = course.times_s.partition_point(|t| *t < from - 1e-6);
    let b = course.times_s.partition_point(|t| *t <= to + 1e-6);
    // An unbroken stretch may begin in full movement, between two samples.
    let ends = [from, to].map(|t| at(&course.times_s, deg, t));
    let inside = || deg.get(a..b).into_iter().flatten().copied();
    let all = || inside().chain(ends.into_iter().flatten());
    Some(all().reduce(f64::max)? - all().reduce(f64::min)?)
}

/// Root mean square difference without a constant offset; the sign of the reference is arbitrary.
fn difference(course: &Course, times: &[f64], values: &[f64]) -> Option<f64> {
    let of = |sign: f64| {
        let errors: Vec<f64> = times
            .iter()
            .zip(values)
            .filter_map(|(t, v)| {
                let deg = at(&course.times_s, &course.smooth_deg, *t)?;
                Some(sign * deg - v)
            })
            .collect();
        let offset = quantile(&errors, 0.5)?;
        rms(&errors.iter().map(|e| e - offset).collect::<Vec<_>>())
    };
    Some(of(1.0)?.min(of(-1.0)?))
}
