//! One device: its clock on the session's, its separate streams merged, its values guarded.
//!
//! Three kinds of device time: a clock of its own (mapped by [`ClockMap`]); only a count of samples
//! (count times measured period is the clock; an arrival far behind it means that samples were lost);
//! none (arrival, and for beats the running sum of intervals).

use super::{
    Params,
    clock::{ClockMap, Observed},
    counter::Counter,
    gaps::GapFiller,
    guard,
};
use crate::model::{
    packet::DeviceIndex,
    reading::{DeviceTime, Reading, Value},
    sample::{Quality, Sample, StreamId, StreamKind},
    session::{TechEvent, TechKind},
    time::{HostNs, SessionNs},
};

/// Acceleration samples held while the angular rates that belong to them come; about 2 s at 200 Hz.
const HELD: usize = 512;

/// Aligns one device.
pub struct DeviceAligner {
    device: DeviceIndex,
    params: Params,
    origin: HostNs,
    clock: ClockMap,
    counter: Counter,
    /// The device has no clock, only a count.
    counts: bool,
    movement: GapFiller,
    acceleration_only: GapFiller,
    ecg: GapFiller,
    merge: Merge,
    beats: Beats,
    last_heart: Option<SessionNs>,
    last_battery: Option<SessionNs>,
}

/// Acceleration and rate that come apart: rates lead, accelerations are interpolated to their instants.
struct Merge {
    held: Vec<(i64, [f64; 3], bool)>,
    rates: Vec<(i64, [f64; 3], bool)>,
    rate_seen: bool,
}

/// Beats: the running sum of intervals, anchored to arrivals.
struct Beats {
    sum_ns: i64,
    clock: ClockMap,
}

impl DeviceAligner {
    /// An aligner for `device`, whose configured rate is `nominal_hz` (0 = none), in a session that
    /// began at `origin`.
    #[must_use]
    pub fn new(device: DeviceIndex, params: &Params, nominal_hz: f64, origin: HostNs) -> Self {
        let filler = |hz| GapFiller::new(params.fill_gap_ms, hz);
        let period_ns = if nominal_hz > 0.0 {
            1e9 / nominal_hz
        } else {
            1e7
        };
        Self {
            device,
            params: params.clone(),
            origin,
            clock: ClockMap::new(params),
            counter: Counter::new(period_ns),
            counts: false,
            movement: filler(nominal_hz),
            acceleration_only: filler(nominal_hz),
            ecg: filler(130.0),
            merge: Merge {
                held: Vec::with_capacity(HELD),
                rates: Vec::with_capacity(HELD),
                rate_seen: false,
            },
            beats: Beats {
                sum_ns: 0,
                clock: ClockMap::new(params),
            },
            last_heart: None,
            last_battery: None,
        }
    }

    /// True sample rate of the movement stream as measured, Hz; 0 = not known yet.
    #[must_use]
    pub fn measured_hz(&self) -> f64 {
        let period_ns = self
            .movement
            .period_ns()
            .max(self.acceleration_only.period_ns());
        if period_ns > 0 {
            1e9 / period_ns as f64
        } else {
            0.0
        }
    }

    /// Readings of one packet that arrived at `host`; samples are appended to `out`.
    pub fn push(
        &mut self,
        host: HostNs,
        readings: &[Reading],
        out: &mut Vec<Sample>,
        tech: &mut Vec<TechEvent>,
    ) {
        self.observe(host, readings, tech);
        for reading in readings {
            let at = self.instant(reading.time, host);
            self.value(at, host, &reading.value, out);
        }
        self.merged(out, false);
    }

    /// The session ended: what was held back comes out.
    pub fn finish(&mut self, out: &mut Vec<Sample>) {
        self.merged(out, true);
    }

    /// Teaches the clock from the newest reading of a packet.
    fn observe(&mut self, host: HostNs, readings: &[Reading], tech: &mut Vec<TechEvent>) {
        let clocked = readings.iter().filter_map(|r| match r.time {
            DeviceTime::Clock(t) => Some(t.0),
            _ => None,
        });
        let counted = readings.iter().filter_map(|r| match r.time {
            DeviceTime::Count(n) => Some(n as i64),
            _ => None,
        });
        if let Some(n) = counted.max() {
            self.counts = true;
            // The step is a gap of the stream, and shows as one.
            self.counter.observe(n, host.0, readings.len() as i64);
        }
        let Some(device) = clocked.max() else { return };
        if let Observed::Reanchored { step_s } = self.clock.observe(device, host.0) {
            let t = host.since(self.origin);
            let kind = TechKind::ClockReset { step_s };
            tech.push(TechEvent {
                t,
                device: Some(self.device),
                kind,
            });
        }
    }

    fn instant(&self, time: DeviceTime, host: HostNs) -> i64 {
        match time {
            DeviceTime::Clock(t) => self.clock.host(t.0),
            DeviceTime::Count(n) => self.counter.at(n as i64),
            DeviceTime::Arrival => host.0,
        }
    }

    fn settled(&self) -> bool {
        if self.counts {
            self.counter.settled()
        } else {
            self.clock.settled()
        }
    }

    fn value(&mut self, at: i64, host: HostNs, value: &Value, out: &mut Vec<Sample>) {
        match *value {
            Value::Imu {
                acceleration: [a, b, c],
                angular_rate: [d, e, f],
                clipped,
            } => {
                let sample = self.movement(StreamKind::Imu, at, &[a, b, c, d, e, f], clipped);
                self.movement.push(sample, out);
            }
            Value::Acceleration {
                acceleration,
                clipped,
            } => {
                hold(&mut self.merge.held, (at, acceleration, clipped));
            }
            Value::AngularRate {
                angular_rate,
                clipped,
            } => {
                self.merge.rate_seen = true;
                hold(&mut self.merge.rates, (at, angular_rate, clipped));
            }
            Value::HeartRate { bpm, contact } => {
                let (values, quality) = guard::heart_rate(bpm, contact);
                let t = after(&mut self.last_heart, SessionNs(at - self.origin.0));
                out.push(Sample {
                    stream: self.stream(StreamKind::HeartRate),
                    t,
                    values,
                    quality,
                });
            }
            Value::RrInterval { ticks } => self.beat(f64::from(ticks) * 1000.0 / 1024.0, host, out),
            Value::PulseInterval {
                interval_ms,
                blocked,
                ..
            } => {
                if !blocked {
                    self.beat(f64::from(interval_ms), host, out);
                }
            }
            Value::Ecg { microvolt } => {
                let stream = self.stream(StreamKind::Ecg);
                let t = SessionNs(at - self.origin.0);
                let values = guard::first(f64::from(microvolt));
                self.ecg.push(
                    Sample {
                        stream,
                        t,
                        values,
                        quality: Quality::GOOD,
                    },
                    out,
                );
            }
            Value::Battery { percent } => {
                let t = after(&mut self.last_battery, SessionNs(at - self.origin.0));
                let stream = self.stream(StreamKind::Battery);
                let values = guard::first(f64::from(percent));
                out.push(Sample {
                    stream,
                    t,
                    values,
                    quality: Quality::GOOD,
                });
            }
            // Indoors a magnetometer measures the gym, not the client: not carried on.
            Value::MagneticField { .. } => {}
        }
    }

    fn stream(&self, kind: StreamKind) -> StreamId {
        StreamId {
            device: self.device,
            kind,
        }
    }

    fn movement(&self, kind: StreamKind, at: i64, channels: &[f64], clipped: bool) -> Sample {
        let (values, mut quality) = guard::movement(channels, clipped);
        if !self.settled() {
            quality = quality.with(Quality::CLOCK_UNSURE);
        }
        Sample {
            stream: self.stream(kind),
            t: SessionNs(at - self.origin.0),
            values,
            quality,
        }
    }

    /// The end of an interval is where the running sum of intervals stands.
    fn beat(&mut self, ms: f64, host: HostNs, out: &mut Vec<Sample>) {
        self.beats.sum_ns += (ms * 1e6) as i64;
        // Intervals lost: the sum falls behind the arrivals by more than 3 s.
        let behind = host.0 - self.beats.clock.host(self.beats.sum_ns);
        if behind > 3_000_000_000 {
            self.beats.sum_ns += behind;
        }
        self.beats.clock.observe(self.beats.sum_ns, host.0);
        let (values, quality) = guard::interval(ms);
        let t = SessionNs(self.beats.clock.host(self.beats.sum_ns) - self.origin.0);
        out.push(Sample {
            stream: self.stream(StreamKind::Rr),
            t,
            values,
            quality,
        });
    }

    /// What can be merged by now.
    fn merged(&mut self, out: &mut Vec<Sample>, all: bool) {
        if !self.merge.rate_seen {
            // Rates may still come with the next packet: wait for a second of acceleration.
            let ripe = |held: &[(i64, [f64; 3], bool)]| {
                held.last()
                    .zip(held.first())
                    .is_some_and(|(l, f)| l.0 - f.0 > 1_000_000_000)
            };
            if all || !self.acceleration_only.is_new() || ripe(&self.merge.held) {
                for i in 0..self.merge.held.len() {
                    let (at, a, clipped) = self.merge.held[i];
                    let sample = self.movement(StreamKind::Acc, at, &a, clipped);
                    self.acceleration_only.push(sample, out);
                }
                self.merge.held.clear();
            }
            return;
        }
        let newest = self.merge.held.last().map_or(i64::MIN, |h| h.0);
        let ready = self
            .merge
            .rates
            .iter()
            .take_while(|r| all || r.0 <= newest)
            .count();
        for i in 0..ready {
            let (at, [d, e, f], rate_clipped) = self.merge.rates[i];
            let Some(([a, b, c], clipped)) =
                at_instant(&self.merge.held, at, self.params.fill_gap_ms)
            else {
                continue;
            };
            let sample = self.movement(
                StreamKind::Imu,
                at,
                &[a, b, c, d, e, f],
                clipped || rate_clipped,
            );
            self.movement.push(sample, out);
        }
        self.merge.rates.drain(..ready);
        let keep_from = self.merge.rates.first().map_or(newest, |r| r.0);
        let passed = self
            .merge
            .held
            .partition_point(|h| h.0 < keep_from)
            .saturating_sub(1);
        self.merge.held.drain(..passed);
    }
}

/// Keeps at most [`HELD`]; the oldest goes, which the gap that it leaves will show.
fn hold(held: &mut Vec<(i64, [f64; 3], bool)>, row: (i64, [f64; 3], bool)) {
    if held.last().is_some_and(|l| l.0 >= row.0) {
        return;
    }
    if held.len() == HELD {
        held.remove(0);
    }
    held.push(row);
}

/// The value at `at`, linear between its neighbours, which may not lie further apart than a fillable gap.
fn at_instant(
    held: &[(i64, [f64; 3], bool)],
    at: i64,
    fill_gap_ms: f64,
) -> Option<([f64; 3], bool)> {
    let after = held.partition_point(|h| h.0 < at);
    let (t1, v1, c1) = *held.get(after)?;
    if t1 == at {
        return Some((v1, c1));
    }
    let (t0, v0, c0) = *held.get(after.checked_sub(1)?)?;
    if (t1 - t0) as f64 > fill_gap_ms * 1e6 {
        return None;
    }
    let share = (at - t0) as f64 / (t1 - t0) as f64;
    Some(([0, 1, 2].map(|i| v0[i] + share * (v1[i] - v0[i])), c0 || c1))
}

/// Strictly after the last instant of its stream.
fn after(last: &mut Option<SessionNs>, t: SessionNs) -> SessionNs {
    let t = last.map_or(t, |l| SessionNs(t.0.max(l.0 + 1)));
    *last = Some(t);
    t
}
