//! The direction of "up" in a sensor against a reference attitude: live, after the set, and with lost packets.
//!
//! The reference's rows are joined by rotation at each sample's instant, never across a drop-out. Two of the
//! ways in which collections state their reference must be undone before it says where up is, each
//! from the raw signals and never from what a filter says:
//! - its earth frame is the first pose: up is the mean specific force over the whole recording;
//! - its body is the segment, not the sensor: the constant mounting rotation is fitted to the angular rates.
//!
//! rad/s, m/s², s; errors in deg.

use super::{
    recording::{Scores, first_table},
    score::rms,
};
use crate::{
    align::{
        self,
        series::{Series, rule},
    },
    cli::labelled_folder::Folder,
    model::{
        frame::Vec3,
        packet::DeviceIndex,
        sample::{Sample, StreamKind},
    },
    motion::orientation::{Moment, Sensing, Tracker, levels},
    wire::labelled::table::Table,
};
use anyhow::Result;
use nalgebra::{Matrix3, Quaternion, Rotation3, UnitQuaternion};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// Reference rows farther apart are a drop-out, s.
const DROP_OUT_S: f64 = 0.06;
/// Rate near which packets are lost, Hz: what worn sensors send.
const LOSS_HZ: f64 = 95.0;
/// Samples a packet, and the share of packets that is lost.
const PACKET: usize = 5;
const LOST: f64 = 0.01;
/// Losses are drawn so often, each with its own seed.
const DRAWS: u64 = 5;

/// Figures of all sensors that have a reference; sensors on soft mounts apart.
pub(super) fn score(
    dir: &Path,
    folder: &Folder,
    samples: &[Sample],
    begin_s: f64,
    scores: &mut Scores<'_>,
) -> Result<()> {
    let (mut first, mut second) = (Errors::default(), Errors::default());
    let mut segments = Vec::new();
    for (device, sensor) in folder.header.devices() {
        let name = format!("truth_orientation_{}.csv", sensor.segment);
        let Some(table) = first_table(dir, &name)? else {
            continue;
        };
        let own = stream(samples, device);
        let conventions = folder.meta.truth.conventions.as_deref().unwrap_or("");
        let mut reference = Reference::read(&name, &table, begin_s)?;
        reference.follow(conventions, &own);
        // The reference is of what the first sensor is fixed to; a further one may wobble on it.
        let errors = if segments.contains(&sensor.segment) {
            &mut second
        } else {
            segments.push(sensor.segment);
            &mut first
        };
        errors.add(&reference, &own, sensor.nominal_hz);
    }
    scores.add("inclination_rmse", rms(&first.live), None, "deg");
    scores.add("inclination_rmse_post", rms(&first.post), None, "deg");
    scores.add("inclination_rmse_loss", rms(&first.loss), None, "deg");
    scores.add("inclination_rmse_soft", rms(&second.live), None, "deg");
    Ok(())
}

fn stream(samples: &[Sample], device: DeviceIndex) -> Vec<Sample> {
    let own = |s: &&Sample| s.stream.device == device && s.stream.kind == StreamKind::Imu;
    samples.iter().filter(own).copied().collect()
}

/// Angles between measured and true "up", deg.
#[derive(Default)]
struct Errors {
    live: Vec<f64>,
    post: Vec<f64>,
    loss: Vec<f64>,
}

impl Errors {
    fn add(&mut self, reference: &Reference, samples: &[Sample], nominal_hz: f64) {
        track(reference, samples, nominal_hz, &mut self.live);
        let moments: Vec<Moment> = samples
            .iter()
            .map(|s| Moment {
                t_s: s.t.seconds(),
                acceleration: s.acceleration().into(),
                rate: s.angular_rate().into(),
                quality: s.quality,
            })
            .collect();
        let after = levels(&moments, Vec3::zeros(), Sensing::Imu);
        for (moment, level) in moments.iter().zip(after) {
            let truth = reference.up(moment.t_s);
            self.post
                .extend(level.zip(truth).map(|(l, up)| l.up.angle(&up).to_degrees()));
        }
        for seed in 0..DRAWS {
            let lossy = lose(samples, seed);
            track(reference, &lossy, LOSS_HZ, &mut self.loss);
        }
    }
}

fn track(reference: &Reference, samples: &[Sample], nominal_hz: f64, errors: &mut Vec<f64>) {
    let mut tracker = Tracker::new(nominal_hz);
    for s in samples {
        let t_s = s.t.seconds();
        let rate = Some(s.angular_rate().into());
        let tracked = tracker.update(t_s, s.acceleration().into(), rate, s.quality);
        let truth = reference.up(t_s);
        errors.extend(truth.map(|up| tracked.up.angle(&up).to_degrees()));
    }
}

/// The samples at a rate that worn sensors send, without some of their packets, as the stage before fills them.
fn lose(samples: &[Sample], seed: u64) -> Vec<Sample> {
    let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
        return Vec::new();
    };
    let rate = samples.len() as f64 / (last.t.seconds() - first.t.seconds()).max(1e-9);
    let every = (rate / LOSS_HZ).round().max(1.0) as usize;
    let params = align::Params::default();
    let rule = rule(StreamKind::Imu, params.fill_gap_ms, params.heart_gap_ms);
    let mut series = Series::new(first.stream, rule);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut out = Vec::new();
    let mut lost = false;
    for (i, sample) in samples.iter().step_by(every).enumerate() {
        if i % PACKET == 0 {
            lost = i > 0 && rng.random_bool(LOST);
        }
        if !lost {
            series.push(*sample, &mut out);
        }
    }
    out
}

/// The reference attitude of one sensor.
struct Reference {
    /// Session time, s.
    times: Vec<f64>,
    earth_from_body: Vec<UnitQuaternion<f64>>,
    moving: Vec<bool>,
    body_from_sensor: UnitQuaternion<f64>,
    up: Vec3,
}

impl Reference {
    fn read(name: &str, table: &Table, begin_s: f64) -> Result<Self> {
        let columns = table.columns(name, &["t_s", "qw", "qx", "qy", "qz"])?;
        let moving = table.column("moving");
        let mut reference = Self {
            times: Vec::new(),
            earth_from_body: Vec::new(),
            moving: Vec::new(),
            body_from_sensor: UnitQuaternion::identity(),
            up: Vec3::z(),
        };
        for row in 0..table.rows() {
            let v = |i: usize| columns[i][row];
            let q = Quaternion::new(v(1), v(2), v(3), v(4));
            let later = reference.times.last().is_none_or(|l| v(0) - begin_s > *l);
            if q.norm() > 0.5 && later {
                reference.times.push(v(0) - begin_s);
                reference.moving.push(moving.is_none_or(|m| m[row] > 0.5));
                reference
                    .earth_from_body
                    .push(UnitQuaternion::from_quaternion(q));
            }
        }
        Ok(reference)
    }

    /// Undoes what the conventions say of the frames.
    fn follow(&mut self, conventions: &str, samples: &[Sample]) {
        if conventions.contains("segment frame to") {
            self.body_from_sensor = self.mounting(samples);
        }
        if conventions.contains("earth frame = first pose") {
            let mean: Vec3 = samples
                .iter()
                .filter_map(|s| {
                    let q = self.at(s.t.seconds())? * self.body_from_sensor;
                    Some(q * Vec3::from(s.acceleration()))
                })
                .sum();
            self.up = mean.try_normalize(1e-9).unwrap_or(self.up);
        }
    }

    /// The rotation that takes the sensor's angular rates to the reference's (Wahba's problem, by singular values).
    fn mounting(&self, samples: &[Sample]) -> UnitQuaternion<f64> {
        let mut correlation = Matrix3::zeros();
        for pair in samples.windows(2) {
            let (t0, t1) = (pair[0].t.seconds(), pair[1].t.seconds());
            let (Some(q0), Some(q1)) = (self.at(t0), self.at(t1)) else {
                continue;
            };
            let true_rate = (q0.inverse() * q1).scaled_axis() / (t1 - t0);
            let rate = Vec3::from(pair[0].angular_rate()) + Vec3::from(pair[1].angular_rate());
            correlation += true_rate * (rate / 2.0).transpose();
        }
        let svd = correlation.svd(true, true);
        let (Some(u), Some(v)) = (svd.u, svd.v_t) else {
            return UnitQuaternion::identity();
        };
        let sign = (u * v).determinant().signum();
        let turn = u * Matrix3::from_diagonal(&Vec3::new(1.0, 1.0, sign)) * v;
        UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(turn))
    }

    fn at(&self, t_s: f64) -> Option<UnitQuaternion<f64>> {
        let after = self.times.partition_point(|t| *t < t_s);
        if self.times.get(after).is_some_and(|t| *t - t_s < 1e-6) {
            return self.earth_from_body.get(after).copied();
        }
        let before = after.checked_sub(1)?;
        let (t0, t1) = (self.times[before], *self.times.get(after)?);
        if t1 - t0 > DROP_OUT_S {
            return None;
        }
        let (a, b) = (self.earth_from_body[before], self.earth_from_body[after]);
        a.try_slerp(&b, (t_s - t0) / (t1 - t0), 1e-9)
    }

    /// "Up" in the sensor, where the reference knows it and it is to be scored.
    fn up(&self, t_s: f64) -> Option<Vec3> {
        let row = self.times.partition_point(|t| *t < t_s - 1e-6);
        if !*self.moving.get(row)? {
            return None;
        }
        let q = self.at(t_s)? * self.body_from_sensor;
        Some(q.inverse_transform_vector(&self.up))
    }
}
