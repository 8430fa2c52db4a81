//! Speed of the concentric phase: upward speed of load or body (m/s) where a sensor shows it, else speed of the
//! counted angle (deg/s); and its loss against the fastest repetition so far.
//!
//! The vertical acceleration, free of gravity as this sensor itself reads it, is summed up between the two reversals;
//! at both the speed is zero, and the straight line that makes it so is taken off. Its error grows with the speed and
//! with the time between samples (Plimsoll facts 4.2, against optical position: 0.020 m/s at 0.36 m/s and 0.054 m/s
//! at 1.67 m/s with 95 Hz, 0.090 with 48 Hz, 0.178 with 24 Hz).

use super::{
    channel::{Kind, find},
    filter::median,
    measure::View,
    orientation::rate_of,
    pose::BRIDGE_S,
    post::Found,
    record::{Row, between},
    sensor::Device,
    tempo::{concentric, span_s},
};
use crate::model::{
    body::Segment,
    rep::{Loss, Phases, Speed, SpeedUnit},
    time::SessionNs,
    units::STANDARD_GRAVITY,
};

/// Spread of the mean speed that does not depend on it, m/s, and share of it; pass after the set.
const FINAL: (f64, f64) = (0.018, 0.032);
/// The same while the set runs: orientation as it comes.
const LIVE: (f64, f64) = (0.03, 0.06);
/// Rate that these figures were found at, Hz.
const KNOWN_HZ: f64 = 95.0;
/// Half-width of a 95 % band, spreads.
const BAND: f64 = 1.96;
/// Shortest phase that has a speed, s.
const SHORTEST_S: f64 = 0.05;
/// Smallest way up or down that tells which is which, m.
const TELLING_M: f64 = 0.05;
/// Half of the 95 % band of an angle's range within a set, deg.
const RANGE_DEG: f64 = 2.0;

/// Segments that rise with load or body in the concentric phase, best first; empty where no speed in m/s makes sense.
fn carriers(exercise: &str) -> &'static [Segment] {
    use Segment as S;
    match exercise {
        "squat" | "single_leg_squat" | "lunge" | "sit_to_stand" | "step_down" | "step_up" => {
            &[S::Equipment, S::Pelvis, S::Lumbar, S::Thorax]
        }
        "deadlift" | "hip_hinge" => &[S::Equipment, S::ForearmR, S::ForearmL, S::Thorax],
        "bench_press" | "overhead_press" => &[S::Equipment, S::ForearmR, S::ForearmL],
        _ => &[],
    }
}

fn carrier(exercise: &str, devices: &[Device]) -> Option<usize> {
    carriers(exercise).iter().find_map(|s| find(devices, *s))
}

/// Whether the way out of the repetitions lowers the load; `None` where no sensor tells.
pub(super) fn out_lowers(exercise: &str, devices: &[Device], found: &[Found]) -> Option<bool> {
    let device = &devices[carrier(exercise, devices)?];
    let ways: Vec<f64> = found
        .iter()
        .filter_map(|f| Some(rise(device, f.start, f.turn, offline)?.rise_m))
        .collect();
    let way = median(&ways);
    (way.abs() > TELLING_M).then_some(way < 0.0)
}

/// How speeds are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    /// While the set runs.
    Live,
    /// After it.
    Final,
}

/// Speed of one repetition; `None` where it cannot be had. Loss is not known yet.
pub(super) fn speed(
    view: &View,
    found: &Found,
    phases: &Phases,
    out_is_eccentric: bool,
    pass: Pass,
) -> Option<Speed> {
    let span = concentric(found, out_is_eccentric);
    if span_s(span.0, span.1) < SHORTEST_S {
        return None;
    }
    let carried = carrier(view.exercise, view.devices).or_else(|| {
        let own = found.channel.kind == Kind::Height;
        own.then(|| found.channel.terms.first().map(|t| t.0))
            .flatten()
    });
    match carried {
        Some(device) => upward(view, device, span, pass),
        None => turning(view, found, phases),
    }
}

fn upward(
    view: &View,
    device: usize,
    (from, to): (SessionNs, SessionNs),
    pass: Pass,
) -> Option<Speed> {
    if view.fault(device, from, to).is_some() {
        return None;
    }
    let device = &view.devices[device];
    let (way, (fixed, share)) = match pass {
        Pass::Live => (rise(device, from, to, |row| online(device, row))?, LIVE),
        Pass::Final => (rise(device, from, to, offline)?, FINAL),
    };
    let mean = way.rise_m.abs() / way.time_s;
    let slow = (KNOWN_HZ / rate_of(&device.rows)?).max(1.0);
    Some(Speed {
        mean,
        peak: Some(way.peak_m_s),
        error: BAND * fixed.hypot(share * mean * slow),
        unit: SpeedUnit::MetresPerSecond,
        segment: Some(device.segment),
        loss: None,
    })
}

/// Speed of the counted angle.
fn turning(view: &View, found: &Found, phases: &Phases) -> Option<Speed> {
    let seen = |device: usize| view.fault(device, found.start, found.end).is_none();
    if found.channel.kind == Kind::Height || !found.channel.terms.iter().all(|t| seen(t.0)) {
        return None;
    }
    let time_s = phases.concentric_s;
    let mean = found.amplitude / time_s;
    let share = (RANGE_DEG / found.amplitude.max(RANGE_DEG)).hypot(phases.error_s[2] / time_s);
    Some(Speed {
        mean,
        peak: None,
        error: mean * share,
        unit: SpeedUnit::DegreesPerSecond,
        segment: None,
        loss: None,
    })
    .filter(|s| s.mean.is_finite() && s.error.is_finite())
}

/// Vertical acceleration without gravity, as the pass after the set knows it, m/s².
fn offline(row: &Row) -> f64 {
    row.vertical.into()
}

fn online(device: &Device, row: &Row) -> f64 {
    (row.acc().dot(&row.up()) / device.gravity() - 1.0) * STANDARD_GRAVITY
}

/// A way between two instants at which nothing moves.
struct Way {
    rise_m: f64,
    peak_m_s: f64,
    time_s: f64,
}

/// Twice integrated acceleration; `None` across a gap or with too few rows.
fn rise(
    device: &Device,
    from: SessionNs,
    to: SessionNs,
    vertical: impl Fn(&Row) -> f64,
) -> Option<Way> {
    let margin = SessionNs::from_seconds(BRIDGE_S).0;
    let rows = between(
        &device.rows,
        SessionNs(from.0 - margin),
        SessionNs(to.0 + margin),
    );
    let (from_s, to_s) = (from.seconds(), to.seconds());
    let mut speeds = vec![(0.0, 0.0)];
    let mut speed = 0.0;
    for pair in rows.windows(2) {
        let (a_s, b_s) = (pair[0].t_s(), pair[1].t_s());
        let (begin_s, end_s) = (a_s.max(from_s), b_s.min(to_s));
        if end_s <= begin_s {
            continue;
        }
        if b_s - a_s > BRIDGE_S {
            return None;
        }
        let (a, b) = (vertical(&pair[0]), vertical(&pair[1]));
        let at = |t: f64| a + (b - a) * (t - a_s) / (b_s - a_s);
        speed += f64::midpoint(at(begin_s), at(end_s)) * (end_s - begin_s);
        speeds.push((end_s - from_s, speed));
    }
    let time_s = to_s - from_s;
    let (last_s, drift) = *speeds.last()?;
    if speeds.len() < 5 || last_s < 0.9 * time_s || time_s <= 0.0 {
        return None;
    }
    for (t, v) in &mut speeds {
        *v -= drift * *t / last_s;
    }
    let rise_m: f64 = speeds
        .windows(2)
        .map(|p| f64::midpoint(p[0].1, p[1].1) * (p[1].0 - p[0].0))
        .sum();
    let peak_m_s = speeds
        .iter()
        .map(|s| s.1 * rise_m.signum())
        .fold(0.0, f64::max);
    Some(Way {
        rise_m,
        peak_m_s,
        time_s,
    })
    .filter(|w| w.rise_m.is_finite() && w.peak_m_s.is_finite())
}

/// The fastest repetition so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fastest(Option<Speed>);

impl Fastest {
    /// The speed with its loss. A partial repetition is neither compared nor a reference: it goes another way.
    pub(super) fn compare(&mut self, speed: Option<Speed>, partial: bool) -> Option<Speed> {
        let mut speed = speed?;
        if partial || speed.mean <= 0.0 {
            return Some(speed);
        }
        let like = |f: &Speed| (f.unit, f.segment) == (speed.unit, speed.segment);
        let fastest = self.0.filter(like).filter(|f| f.mean > speed.mean);
        let fastest = fastest.unwrap_or(speed);
        self.0 = Some(fastest);
        let share = speed.mean / fastest.mean;
        // Smallest detectable change: both speeds have their error.
        let error = speed.error.hypot(share * fastest.error) / fastest.mean;
        speed.loss = Some(Loss {
            percent: 100.0 * (1.0 - share),
            error_percent: 100.0 * error,
        });
        Some(speed)
    }
}
