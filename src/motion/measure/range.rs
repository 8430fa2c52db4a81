//! Range of the movement that is counted on, and its peak rate. deg, deg/s.

use super::{
    super::{
        channel::Kind,
        post::Found,
        record::{Sensing, between},
    },
    Outcome, View,
    angle::along,
    band::Sources,
    counted_on,
    path::Path,
    scalar,
};
use crate::model::rep::{Measured, Missing};

/// Range of the counting channel. A height has none in degrees.
pub(super) fn of_motion(view: &View, found: &Found) -> Outcome {
    counted_on(view, found)?;
    match found.channel.kind {
        Kind::Height => Err(Missing::Undefined),
        Kind::Turn => Ok(scalar(found.amplitude, turn_error(found.amplitude))),
        Kind::Angle => {
            let mut sources = Sources::default();
            for (i, _) in &found.channel.terms {
                let pose = view.poses[*i].as_ref().ok_or(Missing::NotCalibrated)?;
                sources = sources.and(Sources::of(&view.devices[*i], pose, found));
            }
            let mut path = Path::default();
            along(view, found, &found.channel.terms, |t, value| {
                if let Some(value) = value {
                    path.push(t, value, found.turn);
                }
            });
            match path.measured(&sources)? {
                Measured::Value {
                    min,
                    max,
                    range_error: Some(error),
                    ..
                } => Ok(scalar(max - min, error)),
                other => Ok(other),
            }
        }
    }
}

/// Half-width of the band of a turn about the main axis, deg: 3 for the bias left over a repetition, 5 % for the
/// turning about other axes and the scale of the gyroscope.
fn turn_error(amplitude: f64) -> f64 {
    3.0_f64.hypot(0.05 * amplitude)
}

/// Largest angular rate of any sensor that is counted on.
pub(super) fn peak_rate(view: &View, found: &Found) -> Outcome {
    counted_on(view, found)?;
    let mut peak: Option<f64> = None;
    for (device, _) in &found.channel.terms {
        let device = &view.devices[*device];
        if device.sensing == Sensing::AccOnly {
            continue;
        }
        let bias = device.bias();
        for row in between(&device.rows, found.start, found.end) {
            let rate = (row.gyro() - bias).norm().to_degrees();
            peak = Some(peak.map_or(rate, |p| p.max(rate)));
        }
    }
    peak.map(|p| scalar(p, 0.03 * p)).ok_or(Missing::NoSensor)
}
