//! A device's clock on the host's, from arrival times alone.
//!
//! Arrival = device time + offset + latency. Stalls bias averages, not minima: the offset is a line
//! through the smallest (arrival - device time) of each bucket, shifted onto the lowest of them. What
//! is published moves towards that line slowly, so that time never jumps or goes back, and once used it
//! stays: later readings of the same device time get the same host time. The smallest latency itself
//! cannot be seen and stays in the result (about one connection event, the same for equal sensors).

use super::params::ClockParams;
use std::collections::VecDeque;

/// Published points kept: readings may wait this many frames for their partner.
const KNOTS: usize = 64;
/// Further from the line than this the clock is called unsure and may be corrected fast, ns.
const UNSURE_NS: f64 = 20e6;
/// Expected error below which a young clock is called settled, ns.
const SETTLED_NS: f64 = 10e6;
/// Frames before that can be judged.
const SETTLED_FRAMES: u32 = 3;
/// Fastest correction as a share of the time that passed: samples stay in order.
const FAST_SLEW: f64 = 0.25;
/// A settled clock whose frames arrive earlier than this was stepped a little, ns.
const SMALL_STEP_NS: f64 = -50e6;
/// Whole buckets in a row above the line that mean more than congestion.
const SUSTAINED_BUCKETS: u32 = 2;
/// A new anchor waits no longer than this for the time before it to pass, ns.
const LONGEST_DELAY_NS: i64 = 500_000_000;
/// Device time that goes back by more is a reboot, ns; by less, an overlap of the device's streams.
const BACKWARD_NS: i64 = 1_000_000_000;

/// The smallest `(arrival - device)` of a bucket and where it was; ns from the anchor.
#[derive(Debug, Clone, Copy)]
struct Lowest {
    index: i64,
    x: f64,
    y: f64,
}

/// A published point: at device time `x` the offset is `y`; ns from the anchor.
#[derive(Debug, Clone, Copy)]
struct Knot {
    x: f64,
    y: f64,
}

/// Where the map is tied: device time, and (arrival - device) of that frame, ns.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    device_ns: i64,
    raw_ns: i64,
}

/// The latencies of a clock that is not settled yet.
#[derive(Debug, Clone, Copy, Default)]
struct Youth {
    frames: u32,
    sum: f64,
    lowest: f64,
}

impl Youth {
    fn settled_after(&mut self, y: f64) -> bool {
        self.lowest = if self.frames == 0 {
            y
        } else {
            self.lowest.min(y)
        };
        self.sum += y;
        self.frames += 1;
        let n = f64::from(self.frames);
        // The lowest of n uniform latencies lies 1/(n+1) of their spread above the true one.
        let expected = 2.0 * (self.sum / n - self.lowest) / (n + 1.0);
        self.frames >= SETTLED_FRAMES && expected <= SETTLED_NS
    }
}

/// What the map says about itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClockState {
    /// Host minus device time at the latest frame, ns.
    pub offset_ns: i64,
    /// How much faster than the device the host's clock runs, ppm.
    pub skew_ppm: f64,
    /// Counts the anchors: readings of different epochs share no clock.
    pub epoch: u32,
    /// Instants may be off by more than 20 ms.
    pub unsure: bool,
}

/// A device's clock.
#[derive(Debug, Clone)]
pub struct ClockMap {
    params: ClockParams,
    anchor: Option<Anchor>,
    /// Device time of the latest frame, ns.
    last_device_ns: i64,
    whole: VecDeque<Lowest>,
    current: Option<Lowest>,
    /// ns per ns.
    skew: f64,
    /// The line through the whole buckets at `x = 0`.
    intercept: f64,
    knots: VecDeque<Knot>,
    youth: Option<Youth>,
    target_distance: f64,
    /// Whole buckets in a row whose smallest latency tells of a step back.
    stepped_back: u32,
    /// ... and of one that may be congestion.
    high: u32,
    epoch: u32,
}

impl ClockMap {
    /// A clock that nothing is known of.
    #[must_use]
    pub fn new(params: ClockParams) -> Self {
        Self {
            params,
            anchor: None,
            last_device_ns: 0,
            whole: VecDeque::with_capacity(65),
            current: None,
            skew: 0.0,
            intercept: f64::INFINITY,
            knots: VecDeque::with_capacity(KNOTS + 1),
            youth: Some(Youth::default()),
            target_distance: 0.0,
            stepped_back: 0,
            high: 0,
            epoch: 0,
        }
    }

    /// A frame that ends at `last_device_ns` would not fit: the clock was stepped or restarted.
    #[must_use]
    pub fn would_step(&self, last_device_ns: i64, host_ns: i64) -> bool {
        let Some(anchor) = self.anchor else {
            return false;
        };
        let latency = latency_of(
            anchor,
            self.predicted(anchor, last_device_ns),
            last_device_ns,
            host_ns,
        );
        let params = &self.params;
        last_device_ns < self.last_device_ns.saturating_sub(BACKWARD_NS)
            || !(params.latency_min_ms * 1e6..=params.latency_max_ms * 1e6).contains(&latency)
            || self.stepped_back >= SUSTAINED_BUCKETS
    }

    /// Ties the clock anew to a frame; nothing may be mapped to before `floor_ns` (host).
    /// Gives the step in seconds, `None` for the first anchor.
    pub fn tie(&mut self, frame: FrameTime, floor_ns: Option<i64>) -> Option<f64> {
        let raw_ns = frame.host_ns.saturating_sub(frame.last_ns);
        let step = self.anchor.map(|old| {
            let expected = old.raw_ns as f64 + self.predicted(old, frame.last_ns);
            (raw_ns as f64 - expected) * 1e-9
        });
        let first_host = frame.first_ns.saturating_add(raw_ns);
        // A frame that straddles the step would ask for all of the step.
        let late_by = floor_ns.map_or(0, |floor| {
            floor.saturating_sub(first_host).clamp(0, LONGEST_DELAY_NS)
        });
        self.epoch += u32::from(self.anchor.is_some());
        self.anchor = Some(Anchor {
            device_ns: frame.last_ns,
            raw_ns,
        });
        self.last_device_ns = frame.last_ns;
        self.forget_line();
        self.skew = 0.0;
        self.youth = Some(Youth::default());
        self.target_distance = 0.0;
        (self.stepped_back, self.high) = (0, 0);
        self.knots.clear();
        self.knots.push_back(Knot {
            x: 0.0,
            y: late_by as f64,
        });
        step
    }

    /// Takes a frame that fits (see [`ClockMap::would_step`]); the first one ties the clock. Gives the step in seconds
    /// where the clock went forward a little: the map follows without a new anchor.
    pub fn observe(&mut self, frame: FrameTime) -> Option<f64> {
        if self.anchor.is_none() {
            self.tie(frame, None);
        }
        let anchor = self.anchor?;
        let x = frame.last_ns.saturating_sub(anchor.device_ns) as f64;
        let y = frame
            .host_ns
            .saturating_sub(frame.last_ns)
            .saturating_sub(anchor.raw_ns) as f64;
        if let Some(youth) = &mut self.youth
            && youth.settled_after(y)
        {
            self.youth = None;
        }
        let early = y - self.predicted(anchor, frame.last_ns);
        let stepped = self.youth.is_none() && early < SMALL_STEP_NS;
        // While it follows, each frame is early: one step, said once.
        let anew = stepped && self.target_distance.abs() <= UNSURE_NS;
        if stepped {
            self.forget_line();
        }
        self.take_lowest(anchor, x, y);
        self.publish(x);
        self.last_device_ns = self.last_device_ns.max(frame.last_ns);
        anew.then_some(early * 1e-9)
    }

    fn forget_line(&mut self) {
        self.whole.clear();
        self.current = None;
        self.intercept = f64::INFINITY;
    }

    fn take_lowest(&mut self, anchor: Anchor, x: f64, y: f64) {
        let index = (x / (self.params.bucket_s * 1e9)).floor() as i64;
        let here = Lowest { index, x, y };
        match &mut self.current {
            Some(current) if current.index >= index => {
                if y - self.skew * x < current.y - self.skew * current.x {
                    (current.x, current.y) = (x, y);
                }
            }
            _ => {
                if let Some(whole) = self.current.replace(here) {
                    self.close_bucket(anchor, whole);
                }
            }
        }
    }

    fn close_bucket(&mut self, anchor: Anchor, bucket: Lowest) {
        let device_ns = anchor.device_ns.saturating_add(bucket.x as i64);
        let above = bucket.y - self.predicted(anchor, device_ns);
        let in_a_row = |before: u32, limit_ns: f64| if above > limit_ns { before + 1 } else { 0 };
        self.stepped_back = in_a_row(self.stepped_back, self.params.sustained_ms * 1e6);
        self.high = in_a_row(self.high, self.params.high_ms * 1e6);
        let kept = self.params.buckets.clamp(1, 64);
        self.whole.push_back(bucket);
        while self.whole.len() > kept
            || self
                .whole
                .front()
                .is_some_and(|b| b.index.saturating_add(kept.cast_signed() as i64) < bucket.index)
        {
            self.whole.pop_front();
        }
        self.fit();
    }

    /// Least squares over the lowest points, then down onto the lowest residual.
    fn fit(&mut self) {
        if self.whole.len() >= self.params.buckets_for_slope {
            let limit = self.params.skew_limit_ppm * 1e-6;
            self.skew = slope(&self.whole).clamp(-limit, limit);
        }
        self.intercept = self
            .whole
            .iter()
            .map(|b| b.y - self.skew * b.x)
            .fold(f64::INFINITY, f64::min);
    }

    fn publish(&mut self, x: f64) {
        let lowest_now = self
            .current
            .map_or(f64::INFINITY, |b| b.y - self.skew * b.x);
        let target = self.intercept.min(lowest_now) + self.skew * x;
        let Some(last) = self.knots.back().copied() else {
            return;
        };
        let passed = x - last.x;
        if passed <= 0.0 {
            return;
        }
        let predicted = last.y + self.skew * passed;
        self.target_distance = target - predicted;
        let fast = self.youth.is_some() || self.target_distance.abs() > UNSURE_NS;
        let slow_limit = if fast {
            f64::INFINITY
        } else {
            self.params.slew_ms * 1e6
        };
        let limit = slow_limit.min(FAST_SLEW * passed);
        self.knots.push_back(Knot {
            x,
            y: predicted + self.target_distance.clamp(-limit, limit),
        });
        if self.knots.len() > KNOTS {
            self.knots.pop_front();
        }
    }

    /// The published offset carried on to a device time, ns from the anchor's.
    fn predicted(&self, anchor: Anchor, device_ns: i64) -> f64 {
        let x = device_ns.saturating_sub(anchor.device_ns) as f64;
        self.knots
            .back()
            .map_or(0.0, |last| last.y + self.skew * (x - last.x))
    }

    /// Host time of a device time, ns; `None` before the first frame.
    #[must_use]
    pub fn host_ns(&self, device_ns: i64) -> Option<i64> {
        let anchor = self.anchor?;
        let x = device_ns.saturating_sub(anchor.device_ns) as f64;
        let y = self.offset_at(x);
        Some(
            device_ns
                .saturating_add(anchor.raw_ns)
                .saturating_add(y.round() as i64),
        )
    }

    fn offset_at(&self, x: f64) -> f64 {
        let mut later: Option<&Knot> = None;
        for knot in self.knots.iter().rev() {
            if knot.x <= x {
                return match later {
                    Some(later) => knot.y + (later.y - knot.y) * (x - knot.x) / (later.x - knot.x),
                    None => knot.y + self.skew * (x - knot.x),
                };
            }
            later = Some(knot);
        }
        later.map_or(0.0, |first| first.y)
    }

    /// Instants may be off by more than 20 ms.
    #[must_use]
    pub fn unsure(&self) -> bool {
        self.youth.is_some()
            || self.target_distance.abs() > UNSURE_NS
            || self.high >= SUSTAINED_BUCKETS
    }

    /// How late a frame would be against the published clock, ns.
    #[must_use]
    pub fn latency_ns(&self, device_ns: i64, host_ns: i64) -> Option<f64> {
        let anchor = self.anchor?;
        let predicted = self.predicted(anchor, device_ns);
        Some(latency_of(anchor, predicted, device_ns, host_ns))
    }

    /// What the map says about itself, `None` before the first frame.
    #[must_use]
    pub fn state(&self) -> Option<ClockState> {
        let anchor = self.anchor?;
        let y = self.knots.back().map_or(0.0, |k| k.y);
        Some(ClockState {
            offset_ns: anchor.raw_ns.saturating_add(y.round() as i64),
            skew_ppm: self.skew * 1e6,
            epoch: self.epoch,
            unsure: self.unsure(),
        })
    }
}

/// When a frame was measured and when it arrived, ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameTime {
    /// Device time of its first sample.
    pub first_ns: i64,
    /// Device time of its last sample.
    pub last_ns: i64,
    /// Arrival.
    pub host_ns: i64,
}

fn latency_of(anchor: Anchor, predicted: f64, device_ns: i64, host_ns: i64) -> f64 {
    let raw = host_ns.saturating_sub(device_ns);
    raw.saturating_sub(anchor.raw_ns) as f64 - predicted
}

fn slope(points: &VecDeque<Lowest>) -> f64 {
    let n = points.len() as f64;
    let mean_x = points.iter().map(|p| p.x).sum::<f64>() / n;
    let mean_y = points.iter().map(|p| p.y).sum::<f64>() / n;
    let (mut xy, mut xx) = (0.0, 0.0);
    for p in points {
        xy += (p.x - mean_x) * (p.y - mean_y);
        xx += (p.x - mean_x) * (p.x - mean_x);
    }
    if xx > 0.0 { xy / xx } else { 0.0 }
}
