//! A worn sensor as a body segment during one set: the segment's frame, how far it can be trusted, and its
//! tilts. Tilts in deg; the frame's axis points to the client's right once its sign is known.

use super::{
    anatomy::wrap_centre_deg,
    calibration::Frame,
    params::Params,
    record::{Row, between, place, up_at},
    sensor::Device,
};
use crate::model::{frame::Vec3, rep::Missing, sample::Quality, time::SessionNs};

/// Where the zero of the angles comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zero {
    /// The calibration stance.
    Stance,
    /// The rest pose of the set itself, taken to be the stance.
    Rest,
    /// Unknown: only differences mean something.
    Unknown,
}

/// A segment during a set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pose {
    pub(super) frame: Frame,
    pub(super) zero: Zero,
    /// Quality of the axis: first over remaining eigenvalues.
    pub(super) quality: f64,
    /// The axis points to the client's right, as anatomy says.
    pub(super) signed: bool,
    /// The rest pose left the calibration stance.
    pub(super) drifted: bool,
    /// By how much the rest pose or the axis has moved, deg.
    pub(super) drift_deg: f64,
    /// It moves as this other device should.
    pub(super) exchanged: Option<usize>,
    /// Range of the tilt over the set, deg.
    pub(super) range_deg: f64,
}

/// Longest gap over which a pose may be interpolated, s.
pub(super) const BRIDGE_S: f64 = 0.3;

/// Forward tilt of a device at an instant, deg, within 180 of the segment's centre.
pub(super) fn tilt_at(device: &Device, frame: &Frame, t: SessionNs) -> Option<f64> {
    tilt_of(device, frame, up_at(&device.rows, t, BRIDGE_S)?)
}

/// Forward tilt for a direction of "up", deg.
pub(super) fn tilt_of(device: &Device, frame: &Frame, up: Vec3) -> Option<f64> {
    let tilt = frame.forward_tilt(up)?.to_degrees();
    let centre = wrap_centre_deg(device.segment);
    Some(centre + wrap(tilt - centre))
}

/// The same angle in [-180, 180).
pub(super) fn wrap(deg: f64) -> f64 {
    (deg + 180.0).rem_euclid(360.0) - 180.0
}

/// What speaks against measuring with this device between two instants: SF-1 and SF-10.
pub(super) fn fault(
    device: &Device,
    from: SessionNs,
    to: SessionNs,
    params: &Params,
) -> Option<Missing> {
    let rows = &device.rows;
    let inside = between(rows, from, SessionNs(to.0 + 1));
    if inside.iter().any(|r| r.quality.has(Quality::CLIPPED)) {
        return Some(Missing::Clipped);
    }
    let period_ms = usual_period_ms(rows)?;
    // A slow sensor's own period is no gap.
    let longest_ms = params.gap_ms.max(1.5 * period_ms);
    let mut last = measured_before(rows, from).unwrap_or(from);
    let mut measured = 0_usize;
    for row in inside.iter().filter(|r| is_measured(r)) {
        if gap_ms(last, row.t) > longest_ms {
            return Some(Missing::Gap);
        }
        last = row.t;
        measured += 1;
    }
    if gap_ms(last, to) > longest_ms {
        return Some(Missing::Gap);
    }
    let expected = gap_ms(from, to) / period_ms;
    // One sample more or less at the ends is rounding, not loss.
    let lost = expected - 1.0 - measured as f64;
    (lost > params.lost_share * expected).then_some(Missing::LostSamples)
}

fn is_measured(row: &Row) -> bool {
    !row.quality
        .has(Quality::INTERPOLATED.with(Quality::NOT_FINITE))
}

fn measured_before(rows: &[Row], t: SessionNs) -> Option<SessionNs> {
    let i = place(rows, t);
    rows[..i]
        .iter()
        .rev()
        .take(50)
        .find(|r| is_measured(r))
        .map(|r| r.t)
}

fn gap_ms(from: SessionNs, to: SessionNs) -> f64 {
    (to.0 - from.0) as f64 * 1e-6
}

/// Median spacing of the first rows, ms; `None` for less than three rows.
fn usual_period_ms(rows: &[Row]) -> Option<f64> {
    let steps: Vec<f64> = rows
        .windows(2)
        .take(500)
        .map(|p| gap_ms(p[0].t, p[1].t))
        .collect();
    (steps.len() > 1).then(|| super::filter::mean_without_outliers(&steps))
}
