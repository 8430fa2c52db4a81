//! Evenly sampled series of a set, from the rows of its sensors: tilts (deg), heights (m), turning (deg).

use super::{
    anatomy::wrap_centre_deg,
    calibration::Frame,
    channel::{Channel, Kind},
    filter::{high_pass, low_pass, mean},
    params::Params,
    pose::{BRIDGE_S, Pose, tilt_of, wrap},
    record::{Row, between},
    segment::Scale,
    sensor::Device,
};
use crate::model::{body::Segment, exercise::exercise, frame::Vec3, time::SessionNs};

/// Rate of the grid, Hz.
pub(super) const GRID_HZ: f64 = 50.0;
/// Exercise has nothing to say above, Hz.
const SMOOTH_HZ: f64 = 6.0;
/// Heights drift below, Hz.
const DRIFT_HZ: f64 = 0.1;

/// Instants of an evenly sampled series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    start: SessionNs,
    pub(super) len: usize,
}

impl Grid {
    pub(super) fn new(start: SessionNs, end: SessionNs) -> Self {
        let span_s = (end.0 - start.0).max(0) as f64 * 1e-9;
        Self {
            start,
            len: (span_s * GRID_HZ) as usize + 1,
        }
    }

    pub(super) fn at(&self, index: usize) -> SessionNs {
        SessionNs(self.start.0 + (index as f64 * 1e9 / GRID_HZ) as i64)
    }
}

/// A series on the grid.
#[derive(Debug, Clone)]
pub(super) struct Series {
    pub(super) x: Vec<f64>,
    /// There were data around that instant.
    pub(super) valid: Vec<bool>,
    pub(super) rate_hz: f64,
    /// Of a height: the vertical acceleration without gravity it comes from, m/s²; else empty.
    pub(super) vertical: Vec<f64>,
}

impl Series {
    /// Share of instants with data.
    pub(super) fn covered(&self) -> f64 {
        self.valid.iter().filter(|v| **v).count() as f64 / self.valid.len().max(1) as f64
    }

    /// Stretches without data of at least `seconds`, as `[from, to)`.
    pub(super) fn holes(&self, seconds: f64) -> Vec<(usize, usize)> {
        let mut holes = Vec::new();
        let mut from = None;
        for i in 0..=self.valid.len() {
            let hole = self.valid.get(i).is_some_and(|v| !v);
            match (hole, from) {
                (true, None) => from = Some(i),
                (false, Some(a)) => {
                    if (i - a) as f64 / self.rate_hz >= seconds {
                        holes.push((a, i));
                    }
                    from = None;
                }
                _ => {}
            }
        }
        holes
    }
}

/// What counts as movement in a channel of that kind.
pub(super) fn scale(kind: Kind, exercise_id: &str, speed_share: f64, params: &Params) -> Scale {
    // An exercise of large angles is not done by small ones.
    let usual_deg = exercise(exercise_id).map_or(0.0, |e| e.usual_deg.1 - e.usual_deg.0);
    let angle = params.angle_floor_deg.max((0.15 * usual_deg).min(20.0));
    let (floor, speed_floor) = match kind {
        Kind::Angle => (angle, params.rate_floor_deg_s),
        Kind::Turn => (2.0 * angle, params.rate_floor_deg_s),
        Kind::Height => (params.height_floor_m, 0.02),
    };
    Scale {
        rate_hz: GRID_HZ,
        floor,
        least: params.least_share * floor,
        speed_floor,
        speed_share,
    }
}

/// The series of a channel; `None` where a device of it has no rows or no frame.
pub(super) fn series(
    devices: &[Device],
    poses: &[Option<Pose>],
    channel: &Channel,
    grid: Grid,
) -> Option<Series> {
    match channel.kind {
        Kind::Angle => angle(devices, poses, channel, grid),
        Kind::Height => height(&devices[channel.terms.first()?.0], grid),
        Kind::Turn => turn(&devices[channel.terms.first()?.0], grid),
    }
}

fn angle(
    devices: &[Device],
    poses: &[Option<Pose>],
    channel: &Channel,
    grid: Grid,
) -> Option<Series> {
    let mut sum = Series {
        x: vec![0.0; grid.len],
        valid: vec![true; grid.len],
        rate_hz: GRID_HZ,
        vertical: Vec::new(),
    };
    for (device, weight) in &channel.terms {
        let pose = poses[*device].as_ref()?;
        let tilt = tilt_series(&devices[*device], &pose.frame, grid);
        for i in 0..grid.len {
            sum.x[i] += weight * tilt.x[i];
            sum.valid[i] &= tilt.valid[i];
        }
    }
    sum.x = low_pass(&sum.x, GRID_HZ, SMOOTH_HZ);
    Some(sum)
}

/// Tilt of one device in its movement plane, continuous over ±180 deg.
pub(super) fn tilt_series(device: &Device, frame: &Frame, grid: Grid) -> Series {
    let mut last: Option<f64> = None;
    resample(&device.rows, grid, |row| {
        let tilt = tilt_of(device, frame, row.up()).or(last)?;
        let tilt = last.map_or(tilt, |l| bounded(l + wrap(tilt - l), device));
        last = Some(tilt);
        Some(tilt)
    })
}

/// No segment turns more than three quarters of a circle from its middle pose: beyond, the count of turns is
/// wrong, not the segment.
fn bounded(tilt: f64, device: &Device) -> f64 {
    let centre = wrap_centre_deg(device.segment);
    if (tilt - centre).abs() > 270.0 {
        centre + wrap(tilt - centre)
    } else {
        tilt
    }
}

/// Values of rows on the grid, linear between rows; held (and not valid) in gaps and beyond the ends.
fn resample(rows: &[Row], grid: Grid, mut value: impl FnMut(&Row) -> Option<f64>) -> Series {
    let known: Vec<(f64, f64)> = rows
        .iter()
        .filter_map(|r| value(r).map(|v| (r.t_s(), v)))
        .collect();
    let mut out = Series {
        x: Vec::with_capacity(grid.len),
        valid: Vec::with_capacity(grid.len),
        rate_hz: GRID_HZ,
        vertical: Vec::new(),
    };
    let mut k = 0;
    for i in 0..grid.len {
        let t = grid.at(i).seconds();
        while k < known.len() && known[k].0 < t {
            k += 1;
        }
        let (x, valid) = match (k.checked_sub(1).and_then(|b| known.get(b)), known.get(k)) {
            (Some(a), Some(b)) => {
                let share = (t - a.0) / (b.0 - a.0).max(1e-9);
                (a.1 + (b.1 - a.1) * share, b.0 - a.0 <= BRIDGE_S)
            }
            (Some(a), None) => (a.1, t - a.0 <= BRIDGE_S),
            (None, Some(b)) => (b.1, b.0 - t <= BRIDGE_S),
            (None, None) => (0.0, false),
        };
        out.x.push(x);
        out.valid.push(valid);
    }
    out
}

fn height(device: &Device, grid: Grid) -> Option<Series> {
    if device.rows.len() < 4 {
        return None;
    }
    let mut s = resample(&device.rows, grid, |r| Some(f64::from(r.vertical)));
    for (x, valid) in s.x.iter_mut().zip(&s.valid) {
        if !valid {
            *x = 0.0;
        }
    }
    s.vertical = std::mem::take(&mut s.x);
    s.x = heights(&s.vertical);
    Some(s)
}

/// Height, m, from vertical acceleration without gravity, m/s², on the grid: integrated twice, without drift and
/// without delay.
pub(super) fn heights(vertical: &[f64]) -> Vec<f64> {
    let velocity = high_pass(&integral(vertical), GRID_HZ, DRIFT_HZ);
    high_pass(&integral(&velocity), GRID_HZ, DRIFT_HZ)
}

fn turn(device: &Device, grid: Grid) -> Option<Series> {
    let bias = device.bias();
    let mut sum = nalgebra::Matrix3::zeros();
    for row in &device.rows {
        let w = row.gyro() - bias;
        sum += w * w.transpose();
    }
    let eigen = sum.symmetric_eigen();
    let axis: Vec3 = eigen
        .eigenvectors
        .column(eigen.eigenvalues.imax())
        .into_owned();
    let mut s = resample(&device.rows, grid, |r| {
        Some((r.gyro() - bias).dot(&axis).to_degrees())
    });
    s.x = high_pass(&integral(&s.x), GRID_HZ, DRIFT_HZ);
    (device.rows.len() > 3).then_some(s)
}

fn integral(x: &[f64]) -> Vec<f64> {
    let m = mean(x);
    let mut sum = 0.0;
    x.iter()
        .map(|v| {
            sum += (v - m) / GRID_HZ;
            sum
        })
        .collect()
}

/// By how much the body is higher at `turns` than at `rests`, m: median over the repetitions, on the sensor
/// nearest to the body's centre. Speed is taken to be zero at both instants.
pub(super) fn height_gain(devices: &[Device], rests: &[SessionNs], turns: &[SessionNs]) -> f64 {
    let order = [
        Segment::Pelvis,
        Segment::Lumbar,
        Segment::Thorax,
        Segment::ThighL,
        Segment::ThighR,
    ];
    let device = order
        .iter()
        .find_map(|s| devices.iter().find(|d| d.segment == *s && d.rows.len() > 3))
        .or_else(|| devices.iter().find(|d| d.rows.len() > 3));
    let Some(device) = device else { return 0.0 };
    let gains: Vec<f64> = rests
        .iter()
        .zip(turns)
        .map(|(a, b)| rise(between(&device.rows, *a, *b)))
        .collect();
    super::filter::median(&gains)
}

fn rise(rows: &[Row]) -> f64 {
    let (mut velocity, mut height, mut span) = (0.0, 0.0, 0.0);
    for pair in rows.windows(2) {
        let step = pair[1].t_s() - pair[0].t_s();
        velocity += f64::from(pair[0].vertical + pair[1].vertical) / 2.0 * step;
        height += velocity * step;
        span += step;
    }
    height - velocity * span / 2.0
}
