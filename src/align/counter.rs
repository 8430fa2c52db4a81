//! The clock of a device that only counts its samples: count times true period, as learned from arrivals.
//!
//! Latency is never negative, so the earliest packet of a window of packets tells where the count really
//! stands; the line through the earliest packets of the first and the last window is the map, straight to
//! host time. A window that is late by more than two packets is samples lost on the way (a stall is caught
//! up, a loss is not), and the step stays as a gap.

/// Packets of one window; a stall of 0.4 s is shorter at every usual packet rate.
const WINDOW_PACKETS: u32 = 25;
/// The true rate is believed after this time, ns.
const LEARN_NS: i64 = 1_000_000_000;
/// A step below this is jitter, ns.
const JITTER_NS: f64 = 40e6;
/// The published time follows the line by at most this a packet, ns.
const SLEW_NS: f64 = 2e6;
/// Silence from which a step is plain at once, ns.
const SILENT_NS: f64 = 1e9;

/// Earliest packet of a window: sample number with losses added, and arrival.
#[derive(Debug, Clone, Copy)]
struct Earliest {
    n: i64,
    host: i64,
    late_ns: f64,
}

/// Count to host time.
#[derive(Debug, Clone)]
pub(super) struct Counter {
    period_ns: f64,
    /// Host time `base_ns` belongs to sample `base_n`.
    base_n: i64,
    base_ns: f64,
    /// Still to be added to `base_ns`, a little a packet.
    owed_ns: f64,
    started: bool,
    first: Option<Earliest>,
    before: Option<Earliest>,
    window: Option<Earliest>,
    packets: u32,
    lost: i64,
}

impl Counter {
    pub(super) fn new(period_ns: f64) -> Self {
        Self {
            period_ns,
            base_n: 0,
            base_ns: 0.0,
            owed_ns: 0.0,
            started: false,
            first: None,
            before: None,
            window: None,
            packets: 0,
            lost: 0,
        }
    }

    /// Host time of sample `n`, ns.
    pub(super) fn at(&self, n: i64) -> i64 {
        (self.base_ns + (n - self.base_n) as f64 * self.period_ns).round() as i64
    }

    /// The rate has been learned.
    pub(super) fn settled(&self) -> bool {
        self.before.is_some()
    }

    /// Sample `n`, the newest of a packet of `count`, arrived at `host`.
    pub(super) fn observe(&mut self, n: i64, host: i64, count: i64) {
        if !self.started {
            (self.started, self.base_n, self.base_ns) = (true, n, host as f64);
        }
        let slew = self.owed_ns.clamp(-SLEW_NS, SLEW_NS);
        self.base_ns += slew;
        self.owed_ns -= slew;
        let late_ns = host as f64 - self.at(n) as f64 - self.owed_ns;
        let here = Earliest {
            n: n + self.lost,
            host,
            late_ns,
        };
        if self.window.is_none_or(|w| late_ns < w.late_ns) {
            self.window = Some(here);
        }
        self.packets += 1;
        let silent = late_ns > SILENT_NS;
        if silent {
            self.window = Some(here);
        }
        if silent || self.packets >= WINDOW_PACKETS {
            self.close(n, count);
        }
    }

    fn close(&mut self, n: i64, per_packet: i64) {
        self.packets = 0;
        let Some(mut window) = self.window.take() else {
            return;
        };
        let packet_ns = per_packet.max(1) as f64 * self.period_ns;
        if let Some(before) = self.before {
            let expected = (window.n - before.n) as f64 * self.period_ns;
            let step_ns = (window.host - before.host) as f64 - expected;
            if step_ns > (2.0 * packet_ns).max(JITTER_NS) {
                let samples = (step_ns / self.period_ns).round();
                self.base_ns += samples * self.period_ns;
                self.lost += samples as i64;
                window.n += samples as i64;
            }
        }
        self.before = Some(window);
        self.learn(window, n);
    }

    /// The line through the earliest packets; what is published goes over to it smoothly.
    fn learn(&mut self, window: Earliest, n: i64) {
        let first = *self.first.get_or_insert(window);
        let (samples, elapsed) = (window.n - first.n, window.host - first.host);
        let here = self.at(n) as f64;
        if samples > 0 && elapsed > LEARN_NS {
            self.period_ns = elapsed as f64 / samples as f64;
        }
        let line = window.host as f64 + (n + self.lost - window.n) as f64 * self.period_ns;
        (self.base_n, self.base_ns, self.owed_ns) = (n, here, line - here);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Drives a counter over a link; the errors against the truth, ms, after 10 s.
    fn errors(true_hz: f64, nominal_hz: f64, gap: Option<(f64, f64)>) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut counter = Counter::new(1e9 / nominal_hz);
        let (mut n, mut out) = (0_i64, Vec::new());
        for k in 0..(true_hz * 120.0) as i64 / 3 {
            let t = (k * 3 + 2) as f64 / true_hz;
            if gap.is_some_and(|(from, to)| (from..to).contains(&t)) {
                continue;
            }
            n += 3;
            let host = ((t + 0.005 + 0.025 * rng.random::<f64>()) * 1e9) as i64;
            counter.observe(n - 1, host, 3);
            if t > 10.0 {
                out.push((counter.at(n - 1) as f64 * 1e-9 - t) * 1e3);
            }
        }
        out
    }

    #[test]
    fn a_wrong_nominal_rate_is_learned() {
        for hz in [95.0, 98.0, 102.0, 105.0] {
            let worst = errors(hz, 100.0, None)
                .iter()
                .fold(0.0_f64, |a, b| a.max((b - 5.0).abs()));
            assert!(worst < 10.0, "{hz} Hz: {worst} ms");
        }
    }

    #[test]
    fn a_gap_stays_a_gap() {
        let e = errors(100.0, 100.0, Some((40.0, 43.0)));
        let after = &e[e.len() * 3 / 4..];
        let worst = after.iter().fold(0.0_f64, |a, b| a.max((b - 5.0).abs()));
        assert!(worst < 25.0, "{worst} ms");
    }
}
