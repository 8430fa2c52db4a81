//! Device clocks over a simulated radio link: latency 5-50 ms, stalls of 0.4 s, drift, steps, losses.
//!
//! The constant smallest latency cannot be observed by anybody and is removed before comparing.

use plimsoll::{
    align::{DeviceAligner, Params},
    model::{
        packet::DeviceIndex,
        reading::{Contact, DeviceTime, Reading, Value},
        sample::{Quality, Sample, StreamKind},
        session::{TechEvent, TechKind},
        time::{DeviceNs, HostNs},
    },
};
use proptest::prelude::*;
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

const MS: i64 = 1_000_000;
const SECOND: i64 = 1000 * MS;
const LEAST_LATENCY_NS: i64 = 5 * MS;

/// A link that delivers in order; a stall holds everything up.
struct Link {
    rng: ChaCha8Rng,
    stall_chance: f64,
    free_at: i64,
}

impl Link {
    fn new(seed: u64, stall_chance: f64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            stall_chance,
            free_at: i64::MIN,
        }
    }

    fn arrival(&mut self, sent: i64) -> i64 {
        let mut latency = self.rng.random_range(LEAST_LATENCY_NS..50 * MS);
        if self.rng.random::<f64>() < self.stall_chance {
            latency += (self.rng.random_range(0.2..0.6) * 1e9) as i64;
        }
        // A packet after a stalled one follows within a connection event.
        self.free_at = self.free_at.max(sent + latency - 45 * MS);
        self.free_at = self.free_at.max(sent + LEAST_LATENCY_NS);
        let arrival = (sent + latency).max(self.free_at);
        self.free_at = arrival;
        arrival
    }
}

fn still(time: DeviceTime) -> Reading {
    Reading {
        time,
        value: Value::Imu {
            acceleration: [0.0, 0.0, 9.8],
            angular_rate: [0.0; 3],
            clipped: false,
        },
    }
}

/// What a device measured and when, really.
struct Run {
    out: Vec<Sample>,
    tech: Vec<TechEvent>,
    truth: Vec<i64>,
}

/// `device_ns(true_ns)` is the device's clock; frames of `frame` samples at `hz`.
fn run_clock(
    seed: u64,
    hz: f64,
    frame: usize,
    seconds: f64,
    device_ns: impl Fn(i64) -> i64,
) -> Run {
    let mut aligner = DeviceAligner::new(DeviceIndex(0), &Params::default(), 0.0, HostNs(0));
    let mut link = Link::new(seed, 0.01);
    let (mut out, mut tech, mut truth) = (Vec::new(), Vec::new(), Vec::new());
    let frames = (seconds * hz / frame as f64) as usize;
    for k in 0..frames {
        let times: Vec<i64> = (0..frame)
            .map(|i| ((k * frame + i) as f64 / hz * 1e9) as i64)
            .collect();
        let readings: Vec<Reading> = times
            .iter()
            .map(|t| still(DeviceTime::Clock(DeviceNs(device_ns(*t)))))
            .collect();
        let host = link.arrival(times[frame - 1]);
        aligner.push(HostNs(host), &readings, &mut out, &mut tech);
        truth.extend(times);
    }
    aligner.finish(&mut out, &mut tech);
    Run { out, tech, truth }
}

/// Errors in ms, the least latency removed; every sample must have come out.
fn errors_ms(run: &Run) -> Vec<f64> {
    let measured: Vec<&Sample> = run
        .out
        .iter()
        .filter(|s| !s.quality.has(Quality::INTERPOLATED))
        .collect();
    assert_eq!(measured.len(), run.truth.len());
    measured
        .iter()
        .zip(&run.truth)
        .map(|(s, t)| (s.t.0 - t - LEAST_LATENCY_NS) as f64 * 1e-6)
        .collect()
}

/// Errors in ms of what was measured after an instant, by the nearest true one.
fn errors_after(run: &Run, from_s: f64) -> Vec<f64> {
    let later = run
        .out
        .iter()
        .filter(|s| s.t.seconds() > from_s && !s.quality.has(Quality::INTERPOLATED));
    later
        .map(|s| {
            let t = s.t.0 - LEAST_LATENCY_NS;
            let i = run.truth.partition_point(|truth| *truth < t);
            let near = [i.saturating_sub(1), i.min(run.truth.len() - 1)];
            let errors = near.map(|i| (t - run.truth[i]) as f64 * 1e-6);
            if errors[0].abs() < errors[1].abs() {
                errors[0]
            } else {
                errors[1]
            }
        })
        .collect()
}

fn quantile(errors: &[f64], share: f64) -> f64 {
    let mut sizes: Vec<f64> = errors.iter().map(|e| e.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    sizes[((sizes.len() - 1) as f64 * share) as usize]
}

fn report(name: &str, errors: &[f64]) {
    println!(
        "{name}: median {:.2} ms, 95 % {:.2} ms, worst {:.1} ms",
        quantile(errors, 0.5),
        quantile(errors, 0.95),
        quantile(errors, 1.0)
    );
}

fn rises(samples: &[Sample]) -> bool {
    samples.windows(2).all(|w| w[0].t < w[1].t)
}

#[test]
fn drifting_clocks_stay_within_10_ms() {
    for (hz, frame) in [(130.0, 73), (52.0, 10), (100.0, 1)] {
        for ppm in [-200.0, -30.0, 0.0, 60.0, 200.0] {
            for seed in 0..3 {
                let device = |t: i64| 77 * SECOND + (t as f64 * (1.0 + ppm * 1e-6)) as i64;
                let run = run_clock(seed, hz, frame, 900.0, device);
                let errors = errors_ms(&run);
                let name = format!("{hz} Hz, {frame} a frame, {ppm} ppm, seed {seed}");
                report(&name, &errors);
                assert!(quantile(&errors, 0.95) <= 10.0, "{name}");
                assert!(rises(&run.out), "{name}");
                assert!(run.tech.is_empty(), "{name}: {:?}", run.tech);
            }
        }
    }
}

#[test]
fn a_step_of_the_devices_clock_is_one_event_and_time_goes_on() {
    for step in [12 * SECOND, -12 * SECOND] {
        let device = |t: i64| 100 * SECOND + t + if t >= 300 * SECOND { step } else { 0 };
        let run = run_clock(7, 52.0, 10, 600.0, device);
        let errors = errors_ms(&run);
        report(&format!("step of {} s", step / SECOND), &errors);
        assert!(quantile(&errors, 0.95) <= 10.0);
        assert!(rises(&run.out));
        let [
            TechEvent {
                kind: TechKind::ClockReset { step_s },
                t,
                ..
            },
        ] = run.tech.as_slice()
        else {
            panic!("{:?}", run.tech)
        };
        assert!((step_s.abs() - 12.0).abs() < 0.6, "{step_s}");
        assert!((t.seconds() - 300.0).abs() < 1.0);
    }
}

#[test]
fn small_steps_are_said_as_well() {
    for (step_ms, within_s) in [(500, 1.0), (100, 1.0), (-350, 40.0)] {
        let step = step_ms * MS;
        let device = |t: i64| 100 * SECOND + t + if t >= 300 * SECOND { step } else { 0 };
        let run = run_clock(7, 52.0, 10, 600.0, device);
        let [
            TechEvent {
                kind: TechKind::ClockReset { step_s },
                t,
                ..
            },
        ] = run.tech.as_slice()
        else {
            panic!("{step_ms} ms: {:?}", run.tech)
        };
        let size_s = step.abs() as f64 * 1e-9;
        assert!(
            (step_s.abs() - size_s).abs() < 0.1,
            "{step_ms} ms: {step_s}"
        );
        assert!(t.seconds() - 300.0 < within_s, "{step_ms} ms: {t:?}");
        assert!(rises(&run.out));
        let settled = t.seconds() + 10.0;
        let late: Vec<f64> = errors_after(&run, settled);
        assert!(quantile(&late, 0.95) <= 10.0, "{step_ms} ms");
    }
}

/// A step back that could be congestion: said to be unsure until it is known.
#[test]
fn a_clock_that_may_have_stepped_back_is_unsure() {
    let device = |t: i64| 100 * SECOND + t - if t >= 300 * SECOND { 100 * MS } else { 0 };
    let run = run_clock(7, 52.0, 10, 500.0, device);
    let doubtful = |from: f64, to: f64| {
        let within = run
            .out
            .iter()
            .filter(|s| (from..to).contains(&s.t.seconds()));
        within
            .filter(|s| s.quality.has(Quality::CLOCK_UNSURE))
            .count()
    };
    assert_eq!(doubtful(100.0, 300.0), 0);
    assert!(doubtful(330.0, 340.0) > 400);
}

#[test]
fn a_step_within_a_frame_spoils_that_frame_only() {
    for step in [12 * SECOND, -12 * SECOND] {
        let device = |t: i64| 100 * SECOND + t + if t > 300 * SECOND { step } else { 0 };
        let run = run_clock(7, 52.0, 10, 600.0, device);
        assert!(rises(&run.out));
        assert_eq!(run.tech.len(), 1);
        let measured = |s: &&Sample| !s.quality.has(Quality::INTERPOLATED);
        assert!(run.out.iter().filter(measured).count() + 20 >= run.truth.len());
        let (last, truth) = (run.out.last().unwrap().t.0, run.truth.last().unwrap());
        assert!((last - truth - LEAST_LATENCY_NS).abs() < 10 * MS);
    }
}

#[test]
fn a_clock_that_arrives_on_time_is_mapped_exactly_from_the_first_packet() {
    let origin = HostNs(5 * SECOND);
    let mut aligner = DeviceAligner::new(DeviceIndex(0), &Params::default(), 0.0, origin);
    let (mut out, mut tech) = (Vec::new(), Vec::new());
    for k in 0..2000_i64 {
        let times: Vec<i64> = (0..5).map(|i| (5 * k + i) * 10 * MS).collect();
        let readings: Vec<Reading> = times
            .iter()
            .map(|t| still(DeviceTime::Clock(DeviceNs(*t))))
            .collect();
        let host = HostNs(origin.0 + times[4]);
        aligner.push(host, &readings, &mut out, &mut tech);
    }
    assert_eq!(out.len(), 10_000);
    for (i, sample) in (0_i64..).zip(&out) {
        assert_eq!(sample.t.0, i * 10 * MS);
        if i >= 15 {
            assert_eq!(sample.quality, Quality::GOOD, "sample {i}");
        }
    }
    let rate = aligner.rate_hz(StreamKind::Imu).unwrap();
    assert!((rate - 100.0).abs() < 1e-9, "{rate}");
    assert!(tech.is_empty());
}

/// A device that only counts; `lost(true_ns)` samples never come. Gives samples and their true times.
fn run_count(seed: u64, nominal_hz: f64, true_hz: f64, lost: impl Fn(i64) -> bool) -> Run {
    let mut aligner = DeviceAligner::new(DeviceIndex(0), &Params::default(), nominal_hz, HostNs(0));
    let mut link = Link::new(seed, 0.003);
    let (mut out, mut tech, mut truth) = (Vec::new(), Vec::new(), Vec::new());
    let (mut count, mut passed) = (0, 0);
    for k in 0..(300.0 * true_hz) as usize {
        let t = (k as f64 / true_hz * 1e9) as i64;
        if lost(t) {
            continue;
        }
        let reading = still(DeviceTime::Count(count));
        count += 1;
        truth.push(t);
        let host = link.arrival(t);
        // As the daemon does: time passes also while nothing comes.
        while passed + 100 * MS < host {
            passed += 100 * MS;
            aligner.tick(HostNs(passed), &mut out, &mut tech);
        }
        aligner.push(HostNs(host), &[reading], &mut out, &mut tech);
    }
    aligner.finish(&mut out, &mut tech);
    Run { out, tech, truth }
}

/// Samples that are off by more than 50 ms and not marked as unsure: none may be, whatever stalls.
fn wrong_and_unmarked(run: &Run) -> usize {
    let measured = run.out.iter();
    let measured = measured.filter(|s| !s.quality.has(Quality::INTERPOLATED));
    let pairs = measured.zip(errors_ms(run));
    pairs
        .filter(|(s, error)| error.abs() > 50.0 && !s.quality.has(Quality::CLOCK_UNSURE))
        .count()
}

#[test]
fn a_stall_behind_a_stall_is_no_loss() {
    let mut all = Vec::new();
    for seed in 100..160 {
        let run = run_count(seed, 100.0, 100.01, |_| false);
        let gaps = run.out.iter();
        let gaps = gaps.filter(|s| s.quality.has(Quality::AFTER_GAP)).count();
        assert_eq!((gaps, wrong_and_unmarked(&run)), (0, 0), "seed {seed}");
        assert!(rises(&run.out), "seed {seed}");
        all.extend(errors_ms(&run));
    }
    report("five hours of stalls", &all);
}

#[test]
fn a_counting_device_learns_its_true_rate() {
    for (nominal, actual) in [
        (100.0, 100.0),
        (100.0, 97.0),
        (52.0, 48.5),
        (100.0, 50.0),
        (100.0, 110.0),
    ] {
        let run = run_count(3, nominal, actual, |_| false);
        let errors = errors_ms(&run);
        let name = format!("{nominal} Hz nominal, {actual} Hz true");
        report(&name, &errors);
        assert!(rises(&run.out), "{name}");
        // The first seconds are marked unsure: they are for learning.
        assert!(
            quantile(&errors[errors.len() / 20..], 0.95) <= 10.0,
            "{name}"
        );
        let unsure = run
            .out
            .iter()
            .filter(|s| s.quality.has(Quality::CLOCK_UNSURE))
            .count();
        assert!(unsure < run.out.len() / 10, "{name}: {unsure} unsure");
    }
}

/// Difference of two sensors' errors at the same true instants, ms. Each is late by its own smallest
/// latency, which no receiver can see; the two links have the same one, as like sensors do, so it cancels.
fn apart_ms(a: &Run, b: &Run) -> Vec<f64> {
    let (of_a, of_b) = (errors_ms(a), errors_ms(b));
    let pairs = a.truth.iter().zip(&of_a);
    pairs
        .map(|(t, error)| {
            let near = b.truth.partition_point(|u| u < t).min(of_b.len() - 1);
            error - of_b[near]
        })
        .collect()
}

#[test]
fn sensors_of_any_kind_agree_within_10_ms_through_steps_and_reboots() {
    let fast = |t: i64| (t as f64 * 1.0002) as i64;
    let slow = |t: i64| (t as f64 * 0.9998) as i64;
    let after = |t: i64| t >= 150 * SECOND;
    let step = |t: i64| 100 * SECOND + fast(t) + if after(t) { 12 * SECOND } else { 0 };
    // The clock begins again at two seconds.
    let reboot = |t: i64| {
        slow(t)
            + if after(t) {
                -148 * SECOND
            } else {
                500 * SECOND
            }
    };
    for seed in [21, 22, 23] {
        let runs = [
            ("clock, +12 s", run_clock(seed, 52.0, 10, 300.0, step)),
            (
                "clock, reboot",
                run_clock(seed + 10, 52.0, 10, 300.0, reboot),
            ),
            (
                "count, +200 ppm",
                run_count(seed + 20, 100.0, 100.02, |_| false),
            ),
            (
                "count, -200 ppm",
                run_count(seed + 30, 100.0, 99.98, |_| false),
            ),
        ];
        for (i, (name, run)) in runs.iter().enumerate() {
            report(name, &errors_ms(run));
            assert!(quantile(&errors_ms(run), 0.95) <= 10.0, "{name}");
            assert!(rises(&run.out), "{name}");
            let resets = usize::from(i < 2);
            assert_eq!(run.tech.len(), resets, "{name}: {:?}", run.tech);
            for (other, with) in &runs[i + 1..] {
                let apart = apart_ms(run, with);
                report(&format!("{name} against {other}"), &apart);
                assert!(quantile(&apart, 0.95) <= 10.0, "{name} against {other}");
            }
        }
    }
}

#[test]
fn samples_lost_by_a_counting_device_become_a_gap_of_their_true_length() {
    let run = run_count(11, 100.0, 100.0, |t| {
        (60 * SECOND..61 * SECOND).contains(&t) || (120 * SECOND..123 * SECOND).contains(&t)
    });
    let errors = errors_ms(&run);
    report("two losses", &errors);
    assert!(quantile(&errors, 0.95) <= 10.0);
    assert!(rises(&run.out));
    let gaps: Vec<f64> = run
        .out
        .windows(2)
        .filter(|w| w[1].quality.has(Quality::AFTER_GAP))
        .map(|w| w[1].t.seconds() - w[0].t.seconds())
        .collect();
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!(
        (gaps[0] - 1.0).abs() < 0.03 && (gaps[1] - 3.0).abs() < 0.03,
        "{gaps:?}"
    );
}

#[test]
fn beats_end_where_the_heart_beat_and_not_where_the_notification_came() {
    let mut aligner = DeviceAligner::new(DeviceIndex(0), &Params::default(), 0.0, HostNs(0));
    let mut link = Link::new(5, 0.01);
    let (mut out, mut tech) = (Vec::new(), Vec::new());
    let (mut beat_ticks, mut beats, mut waiting) = (0_i64, Vec::new(), Vec::new());
    for second in 1..600_i64 {
        loop {
            let ticks = 700 + (beat_ticks / 1024) % 200;
            let end = (beat_ticks + ticks) * SECOND / 1024;
            if end > second * SECOND {
                break;
            }
            beat_ticks += ticks;
            // The strap was off for ten seconds.
            if !(300..310).contains(&second) {
                beats.push(end);
                waiting.push(ticks as u16);
            }
        }
        let arrival = DeviceTime::Arrival;
        let mut readings = vec![Reading {
            time: arrival,
            value: Value::HeartRate {
                bpm: 80,
                contact: Contact::Good,
            },
        }];
        readings.extend(waiting.drain(..).map(|ticks| Reading {
            time: arrival,
            value: Value::RrInterval { ticks },
        }));
        aligner.push(
            HostNs(link.arrival(second * SECOND)),
            &readings,
            &mut out,
            &mut tech,
        );
    }
    let rr: Vec<&Sample> = out
        .iter()
        .filter(|s| s.stream.kind == StreamKind::Rr)
        .collect();
    assert_eq!(rr.len(), beats.len());
    let errors: Vec<f64> = rr
        .iter()
        .zip(&beats)
        .map(|(s, t)| (s.t.0 - t) as f64 * 1e-6)
        .collect();
    report("beats", &errors);
    assert!(quantile(&errors, 0.95) <= 150.0);
    assert!(rises(&rr.iter().map(|s| **s).collect::<Vec<_>>()));
    let gaps = rr
        .iter()
        .filter(|s| s.quality.has(Quality::AFTER_GAP))
        .count();
    assert_eq!(gaps, 1);
}

#[test]
fn acceleration_and_angular_rate_sent_apart_become_one_stream() {
    let mut aligner = DeviceAligner::new(DeviceIndex(0), &Params::default(), 0.0, HostNs(0));
    let mut link = Link::new(9, 0.01);
    let (mut out, mut tech) = (Vec::new(), Vec::new());
    let step = SECOND / 52;
    // Frames of 58 samples, 1.1 s, as real ones; the two sensors run 7 ms apart.
    for k in 0..100_i64 {
        let times = |offset: i64| (0..58).map(move |i| (58 * k + i) * step + offset);
        let angular_rate: Vec<Reading> = times(0)
            .map(|t| Reading {
                time: DeviceTime::Clock(DeviceNs(t)),
                value: Value::AngularRate {
                    angular_rate: [0.5; 3],
                    clipped: false,
                },
            })
            .collect();
        let acceleration: Vec<Reading> = times(7 * MS)
            .map(|t| Reading {
                time: DeviceTime::Clock(DeviceNs(t)),
                // A ramp: what is interpolated can be told.
                value: Value::Acceleration {
                    acceleration: [t as f64 * 1e-9, 0.0, 9.8],
                    clipped: false,
                },
            })
            .collect();
        let end = (58 * k + 57) * step + 7 * MS;
        for readings in [angular_rate, acceleration] {
            aligner.push(HostNs(link.arrival(end)), &readings, &mut out, &mut tech);
        }
    }
    aligner.finish(&mut out, &mut tech);
    assert!(out.iter().all(|s| s.stream.kind == StreamKind::Imu));
    // The first angular rate lies before the first acceleration.
    assert_eq!(out.len(), 58 * 100 - 1);
    assert!(
        out.iter()
            .all(|s| s.quality.0 & !Quality::CLOCK_UNSURE.0 == 0)
    );
    for (i, sample) in (1_i64..).zip(&out) {
        let measured_s = (i * step) as f64 * 1e-9;
        assert!((f64::from(sample.values[0]) - measured_s).abs() < 1e-4);
    }
    assert!(tech.is_empty());
}

#[test]
fn implausible_heart_rates_are_marked() {
    let mut aligner = DeviceAligner::new(DeviceIndex(0), &Params::default(), 0.0, HostNs(0));
    let (mut out, mut tech) = (Vec::new(), Vec::new());
    let cases = [
        (0, Contact::Unknown, true),
        (29, Contact::Good, true),
        (30, Contact::Good, false),
        (80, Contact::Lost, true),
        (80, Contact::Unknown, false),
        (231, Contact::Good, true),
    ];
    for (bpm, contact, _) in cases {
        let reading = Reading {
            time: DeviceTime::Arrival,
            value: Value::HeartRate { bpm, contact },
        };
        aligner.push(HostNs(0), &[reading], &mut out, &mut tech);
    }
    for (sample, (bpm, contact, bad)) in out.iter().zip(cases) {
        assert_eq!(
            sample.quality.has(Quality::NO_CONTACT),
            bad,
            "{bpm} {contact:?}"
        );
    }
    assert!(rises(&out));
}

#[test]
fn what_is_no_number_or_impossible_becomes_a_marked_zero() {
    let mut aligner = DeviceAligner::new(DeviceIndex(0), &Params::default(), 0.0, HostNs(0));
    let (mut out, mut tech) = (Vec::new(), Vec::new());
    for (i, bad) in (1_i64..).zip([f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e5, -1e300]) {
        let reading = Reading {
            time: DeviceTime::Clock(DeviceNs(i * 10 * MS)),
            value: Value::Imu {
                acceleration: [0.0, 0.0, 9.8],
                angular_rate: [0.1, bad, 0.1],
                clipped: false,
            },
        };
        aligner.push(HostNs(i * 10 * MS), &[reading], &mut out, &mut tech);
    }
    assert_eq!(out.len(), 5);
    for sample in &out {
        assert!(sample.quality.has(Quality::NOT_FINITE));
        assert_eq!(
            sample.values.map(f32::to_bits),
            [0.0, 0.0, 9.8, 0.0, 0.0, 0.0_f32].map(f32::to_bits)
        );
    }
}

fn any_reading() -> impl Strategy<Value = Reading> {
    let time = prop_oneof![
        (0_i64..20_000).prop_map(|ms| DeviceTime::Clock(DeviceNs(ms * MS))),
        any::<i64>().prop_map(|ns| DeviceTime::Clock(DeviceNs(ns))),
        (0_u64..500).prop_map(DeviceTime::Count),
        any::<u64>().prop_map(DeviceTime::Count),
        Just(DeviceTime::Arrival),
    ];
    let any_f64 = prop::num::f64::ANY;
    let triple = || {
        prop_oneof![
            prop::array::uniform3(-50.0..50.0),
            prop::array::uniform3(any_f64)
        ]
    };
    let value = prop_oneof![
        (triple(), triple(), any::<bool>()).prop_map(|(acceleration, angular_rate, clipped)| {
            Value::Imu {
                acceleration,
                angular_rate,
                clipped,
            }
        }),
        triple().prop_map(|acceleration| Value::Acceleration {
            acceleration,
            clipped: false
        }),
        triple().prop_map(|angular_rate| Value::AngularRate {
            angular_rate,
            clipped: false
        }),
        any::<u16>().prop_map(|ticks| Value::RrInterval { ticks }),
        any::<u16>().prop_map(|bpm| Value::HeartRate {
            bpm,
            contact: Contact::Unknown
        }),
        any::<i32>().prop_map(|microvolt| Value::Ecg { microvolt }),
    ];
    (time, value).prop_map(|(time, value)| Reading { time, value })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_comes_times_rise_and_values_are_finite(
        packets in prop::collection::vec(
            (prop_oneof![0_i64..2000, any::<i64>()], prop::collection::vec(any_reading(), 0..20)),
            0..60,
        )
    ) {
        let mut aligner = DeviceAligner::new(DeviceIndex(0), &Params::default(), 100.0, HostNs(0));
        let (mut out, mut tech) = (Vec::new(), Vec::new());
        let mut host = 0_i64;
        for (step_ms, readings) in packets {
            host = host.saturating_add(step_ms.saturating_mul(MS));
            aligner.push(HostNs(host), &readings, &mut out, &mut tech);
            aligner.tick(HostNs(host), &mut out, &mut tech);
        }
        aligner.finish(&mut out, &mut tech);
        for kind in StreamKind::ALL {
            let stream: Vec<Sample> =
                out.iter().filter(|s| s.stream.kind == kind).copied().collect();
            prop_assert!(rises(&stream), "{kind:?}");
        }
        prop_assert!(out.iter().all(|s| s.values.iter().all(|v| v.is_finite())));
    }
}
