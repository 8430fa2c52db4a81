//! Numbers of the alignment. Defaults come from a simulation of radio links (latency 5-50 ms, stalls of
//! 0.4 s) and from what sensors are known to do; see each field.

use serde::{Deserialize, Serialize};

/// How readings become samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Clock of devices that stamp their samples.
    pub clock: ClockParams,
    /// Clock of devices that only count them: short buckets, because the true rate must be learned.
    pub count_clock: ClockParams,
    /// Clock made of the running sum of the intervals between beats: level, a heart has no drift.
    pub beat_clock: ClockParams,
    /// Missing samples up to this length are interpolated, ms. 200: the orientation filter's error with
    /// linear interpolation stays below 3 degrees.
    pub fill_gap_ms: f64,
    /// Heart values after a longer pause are marked as after a gap, ms. 5000: straps send every second.
    pub heart_gap_ms: f64,
    /// Longest wait of acceleration for angular rate of the same device and the other way round, ms.
    /// 3000: frames of some devices hold 1.1 s.
    pub pair_wait_ms: f64,
    /// Beyond this an acceleration is impossible, m/s². 1000: sensors end at 16-32 g.
    pub acceleration_limit: f64,
    /// Beyond this an angular rate is impossible, rad/s. 100: sensors end at 2000-4000 deg/s.
    pub angular_rate_limit: f64,
    /// Heart rates below are implausible, beats per minute.
    pub bpm_min: u16,
    /// Heart rates above are implausible, beats per minute.
    pub bpm_max: u16,
    /// A counting device that was silent for longer may have lost samples, ms.
    pub count_silence_ms: f64,
    /// How long arrivals after such a silence are watched before the loss is believed, ms.
    pub count_watch_ms: f64,
}

/// How arrival times become a device's clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockParams {
    /// Time over which the smallest latency is taken, s.
    pub bucket_s: f64,
    /// Number of buckets that the line goes through, at most 64.
    pub buckets: usize,
    /// Whole buckets before the line may slope.
    pub buckets_for_slope: usize,
    /// Steepest believable line, ppm. 200: crystals are within 20 to 60 ppm.
    pub skew_limit_ppm: f64,
    /// Largest correction a frame, ms; a clock that is not settled yet, or 20 ms off, moves faster.
    pub slew_ms: f64,
    /// Earliest believable arrival against the line, ms; earlier means that the clock stepped.
    pub latency_min_ms: f64,
    /// Latest believable arrival against the line, ms; later means that the clock stepped.
    pub latency_max_ms: f64,
    /// Smallest latency of two whole buckets in a row that means a step back rather than congestion, ms.
    pub sustained_ms: f64,
    /// ... and that leaves open which of them it is, ms.
    pub high_ms: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            clock: ClockParams::default(),
            count_clock: ClockParams {
                bucket_s: 1.0,
                buckets: 30,
                buckets_for_slope: 3,
                // Data sheets allow output rates ±10 %.
                skew_limit_ppm: 100_000.0,
                sustained_ms: 1000.0,
                high_ms: 1000.0,
                ..ClockParams::default()
            },
            beat_clock: ClockParams {
                bucket_s: 4.0,
                buckets: 8,
                skew_limit_ppm: 0.0,
                latency_max_ms: 3000.0,
                // Straps notify once a second, whenever the beat was.
                sustained_ms: 1000.0,
                high_ms: 1000.0,
                ..ClockParams::default()
            },
            fill_gap_ms: 200.0,
            heart_gap_ms: 5000.0,
            pair_wait_ms: 3000.0,
            acceleration_limit: 1000.0,
            angular_rate_limit: 100.0,
            bpm_min: 30,
            bpm_max: 230,
            count_silence_ms: 150.0,
            count_watch_ms: 250.0,
        }
    }
}

impl Default for ClockParams {
    fn default() -> Self {
        Self {
            bucket_s: 10.0,
            buckets: 30,
            buckets_for_slope: 4,
            skew_limit_ppm: 200.0,
            slew_ms: 0.5,
            latency_min_ms: -1000.0,
            latency_max_ms: 30_000.0,
            // Of ten seconds no frame came in time, twice: stalls of 0.4 s leave some.
            sustained_ms: 300.0,
            high_ms: 40.0,
        }
    }
}
