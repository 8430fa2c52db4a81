//! The samples of the running set, one list a sensor, bounded. Session time in ns; m/s², rad/s.

use crate::model::{frame::Vec3, sample::Quality, time::SessionNs};

/// What a device senses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensing {
    /// Acceleration and angular rate.
    Imu,
    /// Acceleration only.
    AccOnly,
}

/// One sample with what was derived from it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) t: SessionNs,
    up: [f32; 3],
    gyro: [f32; 3],
    acc: [f32; 3],
    /// Vertical acceleration without gravity, m/s²; filled in by the pass after the set.
    pub(super) vertical: f32,
    pub(super) quality: Quality,
}

impl Row {
    pub(super) fn new(t: SessionNs, up: Vec3, gyro: Vec3, acc: Vec3, quality: Quality) -> Self {
        Self {
            t,
            up: narrow(up),
            gyro: narrow(gyro),
            acc: narrow(acc),
            vertical: 0.0,
            quality,
        }
    }

    pub(super) fn t_s(&self) -> f64 {
        self.t.seconds()
    }

    /// "Up" in the sensor, unit length.
    pub(super) fn up(&self) -> Vec3 {
        widen(self.up)
    }

    pub(super) fn set_up(&mut self, up: Vec3) {
        self.up = narrow(up);
    }

    pub(super) fn gyro(&self) -> Vec3 {
        widen(self.gyro)
    }

    pub(super) fn set_gyro(&mut self, gyro: Vec3) {
        self.gyro = narrow(gyro);
    }

    pub(super) fn acc(&self) -> Vec3 {
        widen(self.acc)
    }
}

fn narrow(v: Vec3) -> [f32; 3] {
    [v.x as f32, v.y as f32, v.z as f32]
}

fn widen(v: [f32; 3]) -> Vec3 {
    Vec3::new(v[0].into(), v[1].into(), v[2].into())
}

/// Number of rows before `t`. Looks first where it is if samples come evenly, which is nearly always: this is asked
/// for every sample of the second sensor of a joint.
pub(super) fn place(rows: &[Row], t: SessionNs) -> usize {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return 0;
    };
    let span = (last.t.0 - first.t.0).max(1) as f64;
    let share = ((t.0 - first.t.0) as f64 / span).clamp(0.0, 1.0);
    let guess = (share * (rows.len() - 1) as f64).round() as usize;
    let (mut low, mut high, mut step) = (guess, guess, 1);
    while low > 0 && rows[low - 1].t >= t {
        low = low.saturating_sub(step);
        step *= 2;
    }
    step = 1;
    while high < rows.len() && rows[high].t < t {
        high = (high + step).min(rows.len());
        step *= 2;
    }
    low + rows[low..high.max(low)].partition_point(|r| r.t < t)
}

/// Rows whose time lies in `[from, to)`.
pub(super) fn between(rows: &[Row], from: SessionNs, to: SessionNs) -> &[Row] {
    let a = place(rows, from);
    let b = place(rows, to);
    &rows[a..b.max(a)]
}

/// "Up" at an instant, between the neighbouring rows; `None` outside the rows or in a gap over `gap_s`.
pub(super) fn up_at(rows: &[Row], t: SessionNs, gap_s: f64) -> Option<Vec3> {
    let i = place(rows, t);
    let after = rows.get(i);
    if let Some(row) = after.filter(|r| r.t == t) {
        return Some(row.up());
    }
    let before = rows.get(i.checked_sub(1)?)?;
    let Some(after) = after else {
        return (t.seconds() - before.t_s() <= gap_s).then(|| before.up());
    };
    let span = after.t_s() - before.t_s();
    if span > gap_s {
        return None;
    }
    let share = (t.seconds() - before.t_s()) / span;
    (before.up() * (1.0 - share) + after.up() * share).try_normalize(1e-9)
}
