//! A clock for devices that only count their samples: count times period, the period learned.
//!
//! Lost samples are not counted by the device's decoder, so after a silence the clock would run behind
//! for ever. But a silence may also be a stall whose samples all come later. What arrives after a
//! silence is therefore held until it is clear whether arrivals catch up (stall) or stay late by a
//! constant (loss); a loss moves the count on by whole periods and the gap shows. What piles up behind a
//! stall may stall again before it has caught up: then the watch begins afresh.

use super::{
    clock::{ClockMap, FrameTime},
    params::Params,
};
use crate::model::{
    reading::{DeviceTime, Reading, Value},
    time::HostNs,
};

/// Assumed where neither configuration nor arrivals say a rate, Hz.
const FALLBACK_HZ: f64 = 100.0;
/// Nominal rates further off than this are replaced by the measured one.
const RATE_OFF: f64 = 0.08;
/// First check of the nominal rate, ns after the first packet; later ones at twice the time.
const FIRST_CHECK_NS: i64 = 2_000_000_000;
/// Lateness that may be latency and is no loss, ns.
const LATENCY_NS: f64 = 30e6;
/// Catching up by less than this share of the time is staying late.
const CATCHING_UP: f64 = 0.3;
/// Lateness that rises by more while it is watched is another stall, ns: more than latency varies by.
const ANOTHER_STALL_NS: f64 = 60e6;
/// Longest watch, ns: radios do not buffer more.
const LONGEST_WATCH_NS: i64 = 2_000_000_000;
/// Most readings held back.
const MAX_HELD: usize = 4096;

/// After a silence.
#[derive(Debug, Clone, Copy)]
struct Watch {
    begun_ns: i64,
    /// Of the latest stall.
    since_ns: i64,
    until_ns: i64,
    first_late: f64,
    least_late: f64,
}

impl Watch {
    fn may_go_on(&self, host: HostNs) -> bool {
        host.0.saturating_sub(self.begun_ns) < LONGEST_WATCH_NS
    }
}

/// A held reading with its arrival.
#[derive(Debug, Clone, Copy)]
struct Held {
    host: HostNs,
    count: u64,
    value: Value,
}

/// A reading that has a host time.
#[derive(Debug, Clone, Copy)]
pub struct Timed {
    /// Host time of the measurement, ns.
    pub host_ns: i64,
    /// Its instant may be off.
    pub unsure: bool,
    /// What was measured.
    pub value: Value,
}

/// The clock of a counting device.
#[derive(Debug, Clone)]
pub struct CountClock {
    map: ClockMap,
    silence_ns: i64,
    watch_ns: i64,
    period_ns: f64,
    /// The count that stands for device time `tied_ns`.
    tied_count: u64,
    tied_ns: i64,
    first: Option<(u64, i64)>,
    next_check_ns: i64,
    last: Option<(u64, HostNs)>,
    lost: u64,
    watch: Option<Watch>,
    held: Vec<Held>,
}

impl CountClock {
    /// A clock for a device with that nominal rate.
    #[must_use]
    pub fn new(params: &Params, nominal_hz: f64) -> Self {
        let hz = if nominal_hz > 0.0 {
            nominal_hz
        } else {
            FALLBACK_HZ
        };
        Self {
            map: ClockMap::new(params.count_clock.clone()),
            silence_ns: (params.count_silence_ms * 1e6) as i64,
            watch_ns: (params.count_watch_ms * 1e6) as i64,
            period_ns: 1e9 / hz,
            tied_count: 0,
            tied_ns: 0,
            first: None,
            next_check_ns: FIRST_CHECK_NS,
            last: None,
            lost: 0,
            watch: None,
            held: Vec::new(),
        }
    }

    /// The map behind it.
    #[must_use]
    pub fn map(&self) -> &ClockMap {
        &self.map
    }

    /// Samples that the device must have sent and that never came.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes the counted readings of one packet; what has a time now goes to `out`.
    pub fn push(&mut self, host: HostNs, readings: &[Reading], out: &mut Vec<Timed>) {
        let counts = || readings.iter().filter_map(|r| count(r.time));
        let (Some(first), Some(last)) = (counts().next(), counts().next_back()) else {
            return;
        };
        self.continue_count(host, first, last, out);
        self.begin_watch(host, last);
        for reading in readings {
            if let Some(count) = count(reading.time) {
                self.held.push(Held {
                    host,
                    count,
                    value: reading.value,
                });
            }
        }
        self.last = Some((last, host));
        self.end_watch(host);
        if self.watch.is_none() || self.held.len() > MAX_HELD {
            self.release(out);
        }
    }

    /// Time passes without packets.
    pub fn tick(&mut self, host: HostNs, out: &mut Vec<Timed>) {
        let silent = |before: HostNs| host.0.saturating_sub(before.0) > self.silence_ns;
        if self.last.is_some_and(|(_, before)| silent(before))
            && self.watch.is_some_and(|watch| watch.may_go_on(host))
        {
            // Whether it caught up shows when something comes.
            return;
        }
        self.end_watch(host);
        if self.watch.is_none() {
            self.release(out);
        }
    }

    /// Nothing more will come.
    pub fn finish(&mut self, out: &mut Vec<Timed>) {
        self.watch = None;
        self.release(out);
    }

    fn device_ns(&self, count: u64) -> i64 {
        let steps = count.wrapping_sub(self.tied_count).cast_signed();
        self.tied_ns
            .saturating_add((steps as f64 * self.period_ns).round() as i64)
    }

    fn tie(&mut self, count: u64, device_ns: i64) {
        (self.tied_count, self.tied_ns) = (count, device_ns);
    }

    /// A count that goes back is a new connection: the time between shows as a gap.
    fn continue_count(&mut self, host: HostNs, first: u64, last: u64, out: &mut Vec<Timed>) {
        match self.last {
            Some((previous, before)) if first <= previous => {
                self.finish(out);
                let passed = host.0.saturating_sub(before.0).max(self.period_ns as i64);
                let device_ns = self.device_ns(previous).saturating_add(passed);
                self.tie(last, device_ns);
                self.first = Some((last, host.0));
                self.next_check_ns = FIRST_CHECK_NS;
            }
            Some(_) => {}
            None => {
                self.tie(first, 0);
                self.first = Some((last, host.0));
            }
        }
    }

    fn begin_watch(&mut self, host: HostNs, last: u64) {
        let Some((_, before)) = self.last else { return };
        let late = self
            .map
            .latency_ns(self.device_ns(last), host.0)
            .unwrap_or(0.0);
        let silent = host.0.saturating_sub(before.0) > self.silence_ns;
        let begins = silent && self.is_loss(late);
        let begun_ns = match &mut self.watch {
            Some(watch) if late > watch.least_late + ANOTHER_STALL_NS => watch.begun_ns,
            Some(watch) => {
                watch.least_late = watch.least_late.min(late);
                return;
            }
            None if begins => host.0,
            None => return,
        };
        self.watch = Some(Watch {
            begun_ns,
            since_ns: host.0,
            until_ns: host.0.saturating_add(self.watch_ns),
            first_late: late,
            least_late: late,
        });
    }

    fn is_loss(&self, late: f64) -> bool {
        late > LATENCY_NS.max(1.5 * self.period_ns)
    }

    fn end_watch(&mut self, host: HostNs) {
        let Some(watch) = &mut self.watch else { return };
        let (least, since) = (watch.least_late, watch.since_ns);
        let watched = host.0.saturating_sub(since);
        let caught_up = watch.first_late - least;
        let may_go_on = watch.may_go_on(host);
        if may_go_on && host.0 < watch.until_ns {
            if !self.is_loss(least) {
                self.watch = None;
            }
            return;
        }
        if caught_up > CATCHING_UP * watched as f64 && may_go_on {
            watch.until_ns = host.0.saturating_add(self.watch_ns);
            return;
        }
        self.watch = None;
        if self.is_loss(least) {
            let lost = (least / self.period_ns).round() as u64;
            self.lost = self.lost.saturating_add(lost);
            let shift = (lost as f64 * self.period_ns) as i64;
            self.tied_ns = self.tied_ns.saturating_add(shift);
        }
    }

    /// Gives host times to everything held, packet by packet.
    fn release(&mut self, out: &mut Vec<Timed>) {
        let held = std::mem::take(&mut self.held);
        for packet in held.chunk_by(|a, b| a.host == b.host) {
            if let (Some(first), Some(last)) = (packet.first(), packet.last()) {
                self.observe(first.count, last.count, last.host);
            }
            let unsure = self.map.unsure();
            out.extend(packet.iter().filter_map(|held| {
                Some(Timed {
                    host_ns: self.map.host_ns(self.device_ns(held.count))?,
                    unsure,
                    value: held.value,
                })
            }));
        }
        self.held = held;
        self.held.clear();
    }

    fn observe(&mut self, first: u64, last: u64, host: HostNs) {
        self.check_rate(last, host);
        let frame = FrameTime {
            first_ns: self.device_ns(first),
            last_ns: self.device_ns(last),
            host_ns: host.0,
        };
        if self.map.would_step(frame.last_ns, frame.host_ns) {
            let floor = self.map.host_ns(self.device_ns(first.saturating_sub(1)));
            self.map.tie(frame, floor);
        } else {
            self.map.observe(frame);
        }
    }

    /// Replaces a nominal rate that arrivals contradict.
    fn check_rate(&mut self, last: u64, host: HostNs) {
        let Some((first, since)) = self.first else {
            return;
        };
        let passed = host.0.saturating_sub(since);
        let samples = last.saturating_sub(first);
        if passed < self.next_check_ns || samples == 0 {
            return;
        }
        self.next_check_ns = passed.saturating_mul(2);
        let measured = passed as f64 / samples as f64;
        let (now, slope) = (
            self.device_ns(last),
            self.map.state().map_or(0.0, |s| s.skew_ppm),
        );
        let believed = self.period_ns * (1.0 + slope * 1e-6);
        if self.lost == 0 && (measured / believed - 1.0).abs() > RATE_OFF {
            self.tie(last, now);
            self.period_ns = measured;
            let floor = self.map.host_ns(now);
            let frame = FrameTime {
                first_ns: now,
                last_ns: now,
                host_ns: host.0,
            };
            self.map.tie(frame, floor);
        }
    }
}

fn count(time: DeviceTime) -> Option<u64> {
    match time {
        DeviceTime::Count(n) => Some(n),
        _ => None,
    }
}
