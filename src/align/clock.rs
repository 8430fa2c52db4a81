//! A device's clock against the host's monotonic clock.
//!
//! arrival = device * (1 + skew) + offset + latency, latency >= 0 with rare long stalls: averages are
//! biased by stalls, minima are not. The smallest `arrival - device` of each bucket is kept; a line
//! through these, shifted onto the lowest, is the map. The published offset moves by at most
//! [`Params::max_slew_ms`] a packet, so that time neither jumps nor runs back.

use super::Params;
use std::collections::VecDeque;

/// What observing a packet did to the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Observed {
    /// It fits.
    Fits,
    /// The device's clock stepped or began anew; by how many seconds.
    Reanchored {
        /// s, arrival against the map before.
        step_s: f64,
    },
}

/// The map of one device for one run of its clock. Times in ns.
#[derive(Debug, Clone)]
pub struct ClockMap {
    params: Params,
    /// Device time of the first packet: numbers stay small beside it.
    origin: i64,
    /// (device time since origin in s, smallest latency in it in s) of each bucket.
    buckets: VecDeque<Bucket>,
    /// Line through the minima: latency = intercept + slope * device seconds.
    slope: f64,
    intercept_s: f64,
    /// What is published follows the line slowly.
    published_s: f64,
    started: bool,
    last_device: i64,
    anchor_host: i64,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    number: i64,
    at_s: f64,
    lowest_s: f64,
}

impl ClockMap {
    /// A map that knows nothing yet.
    #[must_use]
    pub fn new(params: &Params) -> Self {
        Self {
            params: params.clone(),
            origin: 0,
            buckets: VecDeque::with_capacity(params.buckets + 1),
            slope: 0.0,
            intercept_s: 0.0,
            published_s: 0.0,
            started: false,
            last_device: 0,
            anchor_host: 0,
        }
    }

    /// A packet whose last sample has device time `device` arrived at host time `host`.
    pub fn observe(&mut self, device: i64, host: i64) -> Observed {
        if !self.started {
            self.anchor(device, host);
            return Observed::Fits;
        }
        let (at_s, latency_s) = self.point(device, host);
        let late_s = latency_s - self.published_s;
        let back = device < self.last_device.saturating_sub(1_000_000_000);
        if back || late_s > self.params.reanchor_late_s || late_s < -self.params.reanchor_early_s {
            self.anchor(device, host);
            return Observed::Reanchored { step_s: late_s };
        }
        self.last_device = self.last_device.max(device);
        self.keep(at_s, latency_s);
        self.fit();
        let target = self.intercept_s + self.slope * at_s;
        let slew = self.params.max_slew_ms * 1e-3;
        self.published_s += (target - self.published_s).clamp(-slew, slew);
        Observed::Fits
    }

    /// Host time of a device time by the map as published.
    #[must_use]
    pub fn host(&self, device: i64) -> i64 {
        device
            .saturating_add((self.published_s * 1e9).round() as i64)
            .saturating_add(self.base())
    }

    /// Drift of the device against the host, parts per million; positive = the device runs slow.
    #[must_use]
    pub fn skew_ppm(&self) -> f64 {
        self.slope * 1e6
    }

    /// Enough is known for an error below 20 ms: several buckets, and the published offset has arrived.
    #[must_use]
    pub fn settled(&self) -> bool {
        let lowest = self
            .buckets
            .iter()
            .map(|b| b.lowest_s)
            .fold(f64::INFINITY, f64::min);
        self.started && (self.published_s - lowest).abs() < 0.02
    }

    fn anchor(&mut self, device: i64, host: i64) {
        self.buckets.clear();
        self.origin = device;
        self.last_device = device;
        self.anchor_host = host;
        self.slope = 0.0;
        self.intercept_s = 0.0;
        self.published_s = 0.0;
        self.started = true;
        self.keep(0.0, 0.0);
    }

    fn base(&self) -> i64 {
        self.anchor_host.saturating_sub(self.origin)
    }

    /// Device seconds since the anchor, latency beyond that of the anchor.
    fn point(&self, device: i64, host: i64) -> (f64, f64) {
        let at = device.saturating_sub(self.origin);
        let latency = host.saturating_sub(self.anchor_host).saturating_sub(at);
        (at as f64 * 1e-9, latency as f64 * 1e-9)
    }

    fn keep(&mut self, at_s: f64, latency_s: f64) {
        let number = (at_s / self.params.bucket_s).floor() as i64;
        match self.buckets.back_mut() {
            Some(b) if b.number == number => {
                if latency_s < b.lowest_s {
                    (b.at_s, b.lowest_s) = (at_s, latency_s);
                }
            }
            _ => {
                if self.buckets.len() == self.params.buckets {
                    self.buckets.pop_front();
                }
                self.buckets.push_back(Bucket {
                    number,
                    at_s,
                    lowest_s: latency_s,
                });
            }
        }
    }

    /// Least squares over the minima, then shifted down onto the lowest residual.
    fn fit(&mut self) {
        let n = self.buckets.len() as f64;
        self.slope = 0.0;
        // A slope needs several whole buckets; the running one is not whole.
        if self.buckets.len() >= 5 {
            let mean_x = self.buckets.iter().map(|b| b.at_s).sum::<f64>() / n;
            let mean_y = self.buckets.iter().map(|b| b.lowest_s).sum::<f64>() / n;
            let sxx: f64 = self.buckets.iter().map(|b| (b.at_s - mean_x).powi(2)).sum();
            let sxy: f64 = self
                .buckets
                .iter()
                .map(|b| (b.at_s - mean_x) * (b.lowest_s - mean_y))
                .sum();
            let limit = self.params.max_skew_ppm * 1e-6;
            self.slope = if sxx > 0.0 {
                (sxy / sxx).clamp(-limit, limit)
            } else {
                0.0
            };
        }
        self.intercept_s = self
            .buckets
            .iter()
            .map(|b| b.lowest_s - self.slope * b.at_s)
            .fold(f64::INFINITY, f64::min);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Errors in ms of a simulated link after the constant smallest latency: (95th percentile, worst).
    fn link(skew_ppm: f64, minutes: f64, step_at_s: f64) -> (f64, f64) {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut map = ClockMap::new(&Params::default());
        let (mut errors, mut stalled_until, mut step) = (Vec::new(), 0.0, 0.0);
        let packets = (minutes * 60.0 / 0.05) as i64;
        for k in 0..packets {
            let true_s = k as f64 * 0.05;
            if step_at_s > 0.0 && true_s >= step_at_s {
                step = 12.0;
            }
            let device_s = true_s * (1.0 - skew_ppm * 1e-6) + 1000.0 + step;
            let mut arrival = true_s + 0.005 + 0.045 * rng.random::<f64>();
            if rng.random::<f64>() < 0.002 {
                stalled_until = arrival + 0.4;
            }
            arrival = arrival.max(stalled_until);
            map.observe((device_s * 1e9) as i64, (arrival * 1e9) as i64);
            // The first 10 s and the 30 s after a step settle.
            if true_s > 10.0 && !(step_at_s..step_at_s + 30.0).contains(&true_s) {
                let mapped = map.host((device_s * 1e9) as i64) as f64 * 1e-9;
                errors.push(((mapped - true_s - 0.005) * 1e3).abs());
            }
        }
        errors.sort_by(f64::total_cmp);
        (errors[errors.len() * 95 / 100], errors[errors.len() - 1])
    }

    #[test]
    fn drift_and_stalls_stay_within_ten_ms() {
        for skew in [-200.0, -30.0, 0.0, 60.0, 200.0] {
            let (p95, worst) = link(skew, 20.0, 0.0);
            assert!(p95 <= 10.0, "skew {skew}: 95 % {p95} ms, worst {worst} ms");
        }
    }

    #[test]
    fn a_step_is_anchored_anew() {
        let (p95, _) = link(50.0, 20.0, 300.0);
        assert!(p95 <= 10.0, "95 % {p95} ms");
    }

    #[test]
    fn an_exact_clock_is_mapped_exactly() {
        let mut map = ClockMap::new(&Params::default());
        for k in 0..1000_i64 {
            let t = k * 50_000_000;
            assert_eq!(map.observe(t + 123, t), Observed::Fits);
            assert_eq!(map.host(t + 123), t);
        }
    }
}
