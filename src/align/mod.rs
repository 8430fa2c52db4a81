//! Readings of one device to samples on the session's clock: clock fit, counter unwrap, gaps, pairing.
//!
//! | file | does |
//! |---|---|
//! | [`params`] | every number |
//! | [`clock`] | device clock to host clock, from arrivals |
//! | [`count`] | a clock for devices that only count |
//! | [`beat`] | a clock for intervals between beats |
//! | [`pair`] | acceleration and angular rate sent apart, joined |
//! | [`series`], [`period`] | rising times, short gaps filled, long ones marked; the true rate |
//!
//! SI units in the sensor's frame, unchanged. No filtering, no resampling, no judgement of movement.
//! What is not a number or impossible becomes 0 and is marked before anything can be computed from it.

pub mod beat;
pub mod clock;
pub mod count;
pub mod pair;
pub mod params;
pub mod period;
pub mod series;

pub use params::Params;

use self::{
    beat::BeatClock,
    clock::{ClockMap, ClockState, FrameTime},
    count::{CountClock, Timed},
    pair::{Joined, Pair, Triple},
    series::Series,
};
use crate::model::{
    packet::DeviceIndex,
    reading::{Contact, DeviceTime, Reading, Value},
    sample::{Quality, Sample, StreamId, StreamKind},
    session::{TechEvent, TechKind},
    time::{HostNs, SessionNs},
};

/// Intervals outside are implausible, 1/1024 s (0.24 s and 2.5 s).
const RR_TICKS: std::ops::RangeInclusive<u16> = 246..=2560;
/// What an interval in ms is multiplied with to be in 1/1024 s.
const TICKS_A_MS: f64 = 1.024;

/// Everything between one device's decoder and its samples.
#[derive(Debug, Clone)]
pub struct DeviceAligner {
    device: DeviceIndex,
    params: Params,
    origin: HostNs,
    clock: ClockMap,
    counter: CountClock,
    beats: BeatClock,
    pair: Pair,
    series: [Series; 6],
    contact: Contact,
    timed: Vec<Timed>,
}

impl DeviceAligner {
    /// A device that nothing came from yet. `nominal_hz` matters only to devices that count.
    #[must_use]
    pub fn new(device: DeviceIndex, params: &Params, nominal_hz: f64, origin: HostNs) -> Self {
        let ns = |ms: f64| (ms * 1e6) as i64;
        Self {
            device,
            origin,
            clock: ClockMap::new(params.clock.clone()),
            counter: CountClock::new(params, nominal_hz),
            beats: BeatClock::new(params.beat_clock.clone()),
            pair: Pair::new(ns(params.pair_wait_ms), ns(params.fill_gap_ms)),
            series: StreamKind::ALL.map(|kind| {
                let rule = series::rule(kind, params.fill_gap_ms, params.heart_gap_ms);
                Series::new(StreamId { device, kind }, rule)
            }),
            params: params.clone(),
            contact: Contact::Unknown,
            timed: Vec::new(),
        }
    }

    /// Takes the readings of one packet.
    pub fn push(
        &mut self,
        host: HostNs,
        readings: &[Reading],
        out: &mut Vec<Sample>,
        tech: &mut Vec<TechEvent>,
    ) {
        self.observe_clock(host, readings, out, tech);
        let counted = |r: &Reading| matches!(r.time, DeviceTime::Count(_));
        if readings.iter().any(counted) {
            let mut timed = std::mem::take(&mut self.timed);
            self.counter.push(host, readings, &mut timed);
            self.timed = timed;
            self.drain_counted(out);
        }
        self.observe_beats(host, readings);
        for reading in readings {
            match reading.time {
                DeviceTime::Clock(device) => self.clocked(device.0, reading.value, out),
                DeviceTime::Arrival => self.arrived(host, reading.value, out),
                DeviceTime::Count(_) => {}
            }
        }
        self.drain_pair(out);
    }

    /// Time passes.
    pub fn tick(&mut self, host: HostNs, out: &mut Vec<Sample>, _tech: &mut Vec<TechEvent>) {
        let mut timed = std::mem::take(&mut self.timed);
        self.counter.tick(host, &mut timed);
        self.timed = timed;
        self.drain_counted(out);
    }

    /// Gives out what still waits: nothing more will come.
    pub fn finish(&mut self, out: &mut Vec<Sample>, _tech: &mut Vec<TechEvent>) {
        let mut timed = std::mem::take(&mut self.timed);
        self.counter.finish(&mut timed);
        self.timed = timed;
        self.drain_counted(out);
        self.flush_pair(out);
    }

    /// The true rate of a stream, Hz, once it is known.
    #[must_use]
    pub fn rate_hz(&self, kind: StreamKind) -> Option<f64> {
        self.series[kind as usize].rate_hz()
    }

    /// The device's clock, if it has one and was heard.
    #[must_use]
    pub fn clock(&self) -> Option<ClockState> {
        self.clock.state().or_else(|| self.counter.map().state())
    }

    /// Readings given up: duplicates, and values that never found their partner.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.pair.dropped() + self.series.iter().map(Series::dropped).sum::<u64>()
    }

    fn observe_clock(
        &mut self,
        host: HostNs,
        readings: &[Reading],
        out: &mut Vec<Sample>,
        tech: &mut Vec<TechEvent>,
    ) {
        let times = || {
            readings.iter().filter_map(|r| match r.time {
                DeviceTime::Clock(t) => Some(t.0),
                _ => None,
            })
        };
        let (Some(first_ns), Some(last_ns)) = (times().min(), times().max()) else {
            return;
        };
        let frame = FrameTime {
            first_ns,
            last_ns,
            host_ns: host.0,
        };
        if !self.clock.would_step(last_ns, host.0) {
            let step_s = self.clock.observe(frame);
            tech.extend(step_s.map(|step_s| self.clock_reset(host, step_s)));
            return;
        }
        self.flush_pair(out);
        let floor = self.series.iter().filter_map(Series::last_t).max();
        let floor = floor.map(|t| t.0.saturating_add(self.origin.0).saturating_add(1));
        if let Some(step_s) = self.clock.tie(frame, floor) {
            tech.push(self.clock_reset(host, step_s));
        }
    }

    fn clock_reset(&self, host: HostNs, step_s: f64) -> TechEvent {
        TechEvent {
            t: host.since(self.origin),
            device: Some(self.device),
            kind: TechKind::ClockReset { step_s },
        }
    }

    /// The intervals of one notification end together at its arrival.
    fn observe_beats(&mut self, host: HostNs, readings: &[Reading]) {
        let ticks: i64 = readings
            .iter()
            .filter(|r| r.time == DeviceTime::Arrival)
            .filter_map(|r| interval_ticks(r.value))
            .map(i64::from)
            .sum();
        if ticks > 0 {
            let floor = self.series[StreamKind::Rr as usize].last_t();
            let floor = floor.map(|t| t.0.saturating_add(self.origin.0).saturating_add(1));
            self.beats.notification(ticks, host.0, floor);
        }
    }

    fn session(&self, host_ns: i64) -> SessionNs {
        HostNs(host_ns).since(self.origin)
    }

    fn clocked(&mut self, device_ns: i64, value: Value, out: &mut Vec<Sample>) {
        match value {
            Value::Acceleration {
                acceleration,
                clipped,
            } => {
                let triple = self.acceleration(device_ns, acceleration, clipped);
                self.pair.acceleration(triple);
            }
            Value::AngularRate {
                angular_rate,
                clipped,
            } => {
                let triple = self.angular_rate(device_ns, angular_rate, clipped);
                self.pair.angular_rate(triple);
            }
            _ => {
                if let Some(host_ns) = self.clock.host_ns(device_ns) {
                    let unsure = self.clock.unsure();
                    self.timed_value(host_ns, unsure, value, out);
                }
            }
        }
    }

    fn arrived(&mut self, host: HostNs, value: Value, out: &mut Vec<Sample>) {
        if let Some(ticks) = interval_ticks(value) {
            if let Some(end_ns) = self.beats.next_end(ticks) {
                let unsure = self.beats.unsure();
                self.timed_value(end_ns, unsure, value, out);
            }
        } else if let Value::HeartRate { .. } | Value::Battery { .. } = value {
            self.timed_value(host.0, false, value, out);
        }
    }

    fn drain_counted(&mut self, out: &mut Vec<Sample>) {
        let mut timed = std::mem::take(&mut self.timed);
        for t in timed.drain(..) {
            self.timed_value(t.host_ns, t.unsure, t.value, out);
        }
        self.timed = timed;
    }

    fn drain_pair(&mut self, out: &mut Vec<Sample>) {
        while let Some(joined) = self.pair.pop() {
            self.joined(joined, out);
        }
    }

    fn flush_pair(&mut self, out: &mut Vec<Sample>) {
        while let Some(joined) = self.pair.pop_last() {
            self.joined(joined, out);
        }
        self.pair.restart();
    }

    fn joined(&mut self, joined: Joined, out: &mut Vec<Sample>) {
        let (kind, device_ns, values, quality) = match joined {
            Joined::Imu {
                device_ns,
                acceleration: a,
                angular_rate: g,
                quality,
            } => (
                StreamKind::Imu,
                device_ns,
                [a[0], a[1], a[2], g[0], g[1], g[2]],
                quality,
            ),
            Joined::Acc(t) => {
                let [x, y, z] = t.values;
                (
                    StreamKind::Acc,
                    t.device_ns,
                    [x, y, z, 0.0, 0.0, 0.0],
                    t.quality,
                )
            }
        };
        if let Some(host_ns) = self.clock.host_ns(device_ns) {
            self.emit(kind, host_ns, self.clock.unsure(), values, quality, out);
        }
    }

    fn timed_value(&mut self, host_ns: i64, unsure: bool, value: Value, out: &mut Vec<Sample>) {
        let one = |v: f64| [v, 0.0, 0.0, 0.0, 0.0, 0.0];
        let (kind, values, quality) = match value {
            Value::Imu {
                acceleration,
                angular_rate,
                clipped,
            } => {
                let a = self.acceleration(0, acceleration, clipped);
                let g = self.angular_rate(0, angular_rate, clipped);
                let ([ax, ay, az], [gx, gy, gz]) = (a.values, g.values);
                let values = [ax, ay, az, gx, gy, gz];
                (StreamKind::Imu, values, a.quality.with(g.quality))
            }
            Value::Acceleration {
                acceleration,
                clipped,
            } => {
                let a = self.acceleration(0, acceleration, clipped);
                let [x, y, z] = a.values;
                (StreamKind::Acc, [x, y, z, 0.0, 0.0, 0.0], a.quality)
            }
            Value::HeartRate { bpm, contact } => {
                self.contact = contact;
                let plausible = (self.params.bpm_min..=self.params.bpm_max).contains(&bpm);
                let quality = contact_quality(plausible && contact != Contact::Lost);
                (StreamKind::HeartRate, one(bpm.into()), quality)
            }
            Value::RrInterval { ticks } => {
                let good = RR_TICKS.contains(&ticks) && self.contact != Contact::Lost;
                let ms = f64::from(ticks) / TICKS_A_MS;
                (StreamKind::Rr, one(ms), contact_quality(good))
            }
            Value::PulseInterval {
                interval_ms,
                blocked,
                ..
            } => {
                let plausible = interval_ticks(value).is_some_and(|t| RR_TICKS.contains(&t));
                let quality = contact_quality(plausible && !blocked);
                (StreamKind::Rr, one(interval_ms.into()), quality)
            }
            Value::Ecg { microvolt } => (StreamKind::Ecg, one(microvolt.into()), Quality::GOOD),
            Value::Battery { percent } => (StreamKind::Battery, one(percent.into()), Quality::GOOD),
            Value::AngularRate { .. } | Value::MagneticField { .. } => return,
        };
        self.emit(kind, host_ns, unsure, values, quality, out);
    }

    fn emit(
        &mut self,
        kind: StreamKind,
        host_ns: i64,
        unsure: bool,
        values: [f64; 6],
        quality: Quality,
        out: &mut Vec<Sample>,
    ) {
        let unsure = if unsure {
            Quality::CLOCK_UNSURE
        } else {
            Quality::GOOD
        };
        let sample = Sample {
            stream: StreamId {
                device: self.device,
                kind,
            },
            t: self.session(host_ns),
            values: values.map(|v| v as f32),
            quality: quality.with(unsure),
        };
        let series = &mut self.series[kind as usize];
        match kind {
            StreamKind::HeartRate | StreamKind::Rr | StreamKind::Battery => {
                series.push_arrival(sample, out);
            }
            StreamKind::Imu | StreamKind::Acc | StreamKind::Ecg => series.push(sample, out),
        }
    }

    fn acceleration(&self, device_ns: i64, values: [f64; 3], clipped: bool) -> Triple {
        checked(device_ns, values, self.params.acceleration_limit, clipped)
    }

    fn angular_rate(&self, device_ns: i64, values: [f64; 3], clipped: bool) -> Triple {
        checked(device_ns, values, self.params.angular_rate_limit, clipped)
    }
}

/// Values that are no numbers or impossible become 0 before anything is computed from them.
fn checked(device_ns: i64, values: [f64; 3], limit: f64, clipped: bool) -> Triple {
    let possible = values.iter().all(|v| v.abs() <= limit);
    let (values, quality) = match (possible, clipped) {
        (false, _) => ([0.0; 3], Quality::NOT_FINITE),
        (true, true) => (values, Quality::CLIPPED),
        (true, false) => (values, Quality::GOOD),
    };
    Triple {
        device_ns,
        values,
        quality,
    }
}

fn contact_quality(good: bool) -> Quality {
    if good {
        Quality::GOOD
    } else {
        Quality::NO_CONTACT
    }
}

/// The length of an interval between beats, 1/1024 s.
fn interval_ticks(value: Value) -> Option<u16> {
    match value {
        Value::RrInterval { ticks } => Some(ticks),
        Value::PulseInterval { interval_ms, .. } => {
            Some((f64::from(interval_ms) * TICKS_A_MS).round() as u16)
        }
        _ => None,
    }
}
