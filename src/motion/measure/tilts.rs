//! Forward tilts of one device over a stretch of its rows, worked out once: several metrics of a repetition are sums of
//! them. deg.

use super::super::{
    calibration::Frame,
    pose::{BRIDGE_S, tilt_of, wrap},
    record::{Row, place},
    sensor::Device,
};
use crate::model::time::SessionNs;

/// Tilts of consecutive rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Tilts {
    stretch: Option<(SessionNs, SessionNs)>,
    /// Index of the first row.
    first: usize,
    /// `None` where the tilt is not defined.
    values: Vec<Option<f64>>,
}

impl Tilts {
    /// Makes sure that everything between two instants is there, with one row more at either end.
    pub(super) fn cover(&mut self, device: &Device, frame: &Frame, from: SessionNs, to: SessionNs) {
        if self.stretch == Some((from, to)) {
            return;
        }
        self.stretch = Some((from, to));
        let rows = &device.rows;
        self.first = place(rows, from).saturating_sub(1);
        let end = (place(rows, SessionNs(to.0 + 1)) + 1).min(rows.len());
        let tilts = rows[self.first..end].iter();
        self.values.clear();
        self.values
            .extend(tilts.map(|r| tilt_of(device, frame, r.up())));
    }

    /// At an instant, between the neighbouring rows; `None` outside them or in a gap. `near` is the row that was before
    /// the last instant asked for: instants come in order.
    pub(super) fn at(&self, rows: &[Row], t: SessionNs, near: &mut usize) -> Option<f64> {
        let last = self.first + self.values.len();
        let mut i = (*near).clamp(self.first, last);
        while i < last && rows[i].t < t {
            i += 1;
        }
        *near = i.saturating_sub(1);
        let value = |i: usize| self.values.get(i.checked_sub(self.first)?).copied()?;
        let before = i.checked_sub(1);
        if i == last {
            let row = &rows[before?];
            return (t.seconds() - row.t_s() <= BRIDGE_S).then(|| value(before?))?;
        }
        if rows[i].t == t {
            return value(i);
        }
        let before = before?;
        let span = rows[i].t_s() - rows[before].t_s();
        if span > BRIDGE_S {
            return None;
        }
        let share = (t.seconds() - rows[before].t_s()) / span;
        let (a, b) = (value(before)?, value(i)?);
        Some(wrap_near(a + wrap(b - a) * share, a))
    }
}

/// Interpolation may step over the seam of the segment's circle; the side of the earlier row counts.
fn wrap_near(deg: f64, near: f64) -> f64 {
    near + wrap(deg - near)
}
