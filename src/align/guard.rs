//! Values before any filter: what is no number, impossible, clipped or without contact is marked.
//!
//! A single value that is not a number would disable an orientation filter for ever; so such values
//! become 0 here, with the mark that says so.

use crate::model::{reading::Contact, sample::Quality};

/// More than any body-worn sensor can mean, m/s² (32 g).
const MOST_ACCELERATION: f64 = 320.0;
/// More than any body-worn sensor can mean, rad/s (4000 deg/s).
const MOST_RATE: f64 = 70.0;
/// Heart rates outside are implausible, bpm (fail-loud rule SF-4).
const PLAUSIBLE_BPM: std::ops::RangeInclusive<u16> = 30..=230;

/// Channels of a movement sample: three of acceleration, then rates.
pub(super) fn movement(channels: &[f64], clipped: bool) -> ([f32; 6], Quality) {
    let mut values = [0.0; 6];
    let mut quality = if clipped {
        Quality::CLIPPED
    } else {
        Quality::GOOD
    };
    for (i, (out, value)) in values.iter_mut().zip(channels).enumerate() {
        let most = if i < 3 { MOST_ACCELERATION } else { MOST_RATE };
        if value.abs() <= most {
            *out = *value as f32;
        } else {
            quality = quality.with(Quality::NOT_FINITE);
        }
    }
    if quality.has(Quality::NOT_FINITE) {
        values = [0.0; 6];
    }
    (values, quality)
}

/// A heart rate.
pub(super) fn heart_rate(bpm: u16, contact: Contact) -> ([f32; 6], Quality) {
    let quality = if contact == Contact::Lost || !PLAUSIBLE_BPM.contains(&bpm) {
        Quality::NO_CONTACT
    } else {
        Quality::GOOD
    };
    (first(f64::from(bpm)), quality)
}

/// An interval between beats, 1/1024 s; published in ms.
pub(super) fn interval(ms: f64) -> ([f32; 6], Quality) {
    let plausible = (60_000.0 / 230.0..=60_000.0 / 30.0).contains(&ms);
    (
        first(ms),
        if plausible {
            Quality::GOOD
        } else {
            Quality::NO_CONTACT
        },
    )
}

/// A single value.
pub(super) fn first(value: f64) -> [f32; 6] {
    [value as f32, 0.0, 0.0, 0.0, 0.0, 0.0]
}
