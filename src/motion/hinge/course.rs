//! The angle of a hinge over a recording of its two sensors. deg, s.

use super::{
    super::{
        orientation::{rate_of, smooth},
        params::Params,
        pose::BRIDGE_S,
        record::{Row, up_at},
        sensor::Device,
    },
    Filter, Hinge, Pair, smoothed,
};
use crate::model::{frame::Vec3, sample::Sample, session::Sensor, time::SessionNs};

/// Relative angle of two sensors.
#[derive(Debug, Clone)]
pub struct Course {
    /// Session times, s.
    pub times_s: Vec<f64>,
    /// As the streaming filter says it, deg.
    pub live_deg: Vec<f64>,
    /// After the pass over the whole, deg.
    pub smooth_deg: Vec<f64>,
    /// Half-width of the 95 % band of a range, deg.
    pub range_error_deg: f64,
}

/// The relative angle of two worn sensors, proximal first; `None` where no hinge can be found between them.
#[must_use]
pub fn of_sensors(
    sensors: [&Sensor; 2],
    samples: [&[Sample]; 2],
    params: &Params,
) -> Option<Course> {
    let mut devices = sensors.map(|s| Device::new(s, params));
    for (device, samples) in devices.iter_mut().zip(samples) {
        device.begin_set(SessionNs(i64::MIN));
        for sample in samples {
            device.push(sample);
        }
    }
    let live = pairs(&devices[0], &devices[1], &devices[0].rows);
    for device in &mut devices {
        let bias = device.bias();
        smooth(&mut device.rows, bias, device.sensing);
    }
    let settled = pairs(&devices[0], &devices[1], &devices[0].rows);
    let hinge = Hinge::find(&settled)?;
    let mut filter = Filter::new(&hinge);
    Some(Course {
        times_s: settled.iter().map(|p| p.t_s).collect(),
        live_deg: live.iter().map(|p| filter.push(p).to_degrees()).collect(),
        smooth_deg: smoothed(&hinge, &settled)
            .into_iter()
            .map(f64::to_degrees)
            .collect(),
        range_error_deg: range_error(&hinge, &settled, rate_of(&devices[0].rows)?),
    })
}

/// Both sensors at the instants of some rows of the proximal one, where both have data.
pub(in crate::motion) fn pairs(proximal: &Device, distal: &Device, rows: &[Row]) -> Vec<Pair> {
    let bias = [proximal.bias(), distal.bias()];
    rows.iter()
        .filter_map(|row| {
            let up = up_at(&distal.rows, row.t, BRIDGE_S)?;
            let rate = rate_at(&distal.rows, row.t)?;
            Some(Pair {
                t_s: row.t_s(),
                up: [row.up(), up],
                rate: [row.gyro() - bias[0], rate - bias[1]],
            })
        })
        .collect()
}

/// Angular rate at an instant, between the neighbouring rows.
fn rate_at(rows: &[Row], t: SessionNs) -> Option<Vec3> {
    let i = rows.partition_point(|r| r.t < t);
    let after = rows.get(i)?;
    let Some(before) = i.checked_sub(1).map(|b| &rows[b]) else {
        return (after.t == t).then(|| after.gyro());
    };
    let span = after.t_s() - before.t_s();
    let share = (t.seconds() - before.t_s()) / span;
    Some(before.gyro() * (1.0 - share) + after.gyro() * share)
}

/// Standard deviation of a range on a perfect hinge, deg; chosen, as the rest, on one of three hinges of a chain and
/// one of two programmes of a robot.
const PERFECT_DEG: f64 = 0.5;
/// Of what is left of the lean of the axis, this share is in the range.
const LEAN_SHARE: f64 = 0.6;
/// Time for which what is left of the rates keeps its direction, s: the mounts give and come back.
const GIVE_S: f64 = 0.06;
/// What a low rate adds, deg per deg of turning from sample to sample.
const STEP_DEG: f64 = 0.1;

fn range_error(hinge: &Hinge, pairs: &[Pair], rate_hz: f64) -> f64 {
    let sum: f64 = pairs.iter().map(|p| p.rate[1].norm_squared()).sum();
    let usual_rate = (sum / pairs.len().max(1) as f64).sqrt().to_degrees();
    let sd = PERFECT_DEG
        .hypot(LEAN_SHARE * hinge.lean_left.to_degrees())
        .hypot(GIVE_S * hinge.rate_left.to_degrees())
        .hypot(STEP_DEG * usual_rate / rate_hz);
    1.96 * sd
}
