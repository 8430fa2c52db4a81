//! CPU time of the motion engine for an hour of a two-sensor joint at 100 Hz. `cargo bench --bench motion_hour`.
//!
//! A computed hour of squats (thigh and shank; no recording): sets of 42 s with 14 repetitions, 18 s of standing
//! between them. Live is everything from samples to counted repetitions while sets run: both filters, stillness,
//! scatter, rows, counting, and of each repetition what a plan for a knee asks for. The pass is everything at a set's
//! end: orientation without delay, axes, counting, what is measured of each repetition; it is given for an hour of
//! running sets of one sensor. One line each, `name seconds`, for `tests/bench/cpu.sh`; the least of several rounds
//! counts.

#![allow(clippy::unwrap_used, reason = "a bench may stop")]

#[path = "../tests/computed/mod.rs"]
mod computed;

use plimsoll::{
    model::{
        body::Segment,
        command::{Command, SetRole, StopReason},
        frame::Vec3,
        metric::Metric,
        packet::DeviceIndex,
        plan::TrainingSide,
        sample::{Quality, Sample, StreamId, StreamKind},
        session::SessionHeader,
        time::SessionNs,
    },
    motion::{Engine, MotionEvent, Params, orientation},
};
use std::{f64::consts::PI, fs, hint::black_box, time::Instant};

const RATE_HZ: i64 = 100;
const MINUTES: i64 = 60;
const SET_S: i64 = 42;
const REP_S: f64 = 3.0;
const ROUNDS: usize = 3;
/// Limits and targets of depth and tempo; watch items of tempo and of the knee's way inward.
const ASKED: &[Metric] = &[
    Metric::KneeFlexion,
    Metric::TimeEccentric,
    Metric::TimePauseBottom,
    Metric::TimeConcentric,
    Metric::TimePauseTop,
    Metric::TempoRatio,
    Metric::KneeMedialShift,
    Metric::ThighRotation,
    Metric::ShankRotation,
];
const WINDOW_NS: i64 = 100_000_000;

fn main() {
    let hour = hour();
    let (mut live, mut pass, mut reps) = (f64::INFINITY, f64::INFINITY, 0);
    for _ in 0..ROUNDS {
        let (l, p, r) = run(&hour);
        live = live.min(l);
        pass = pass.min(p);
        reps = r;
    }
    let sensor_hours = 2.0 * (MINUTES * SET_S) as f64 / 3600.0;
    println!("live_joint_hour_s {live:.4}");
    println!("pass_sensor_hour_s {:.4}", pass / sensor_hours);
    let own = |s: &&Sample| s.stream.device == DeviceIndex(0);
    let one: Vec<Sample> = hour.iter().filter(own).copied().collect();
    println!("filter_live_sensor_hour_s {:.4}", least(|| filter(&one)));
    println!("filter_pass_sensor_hour_s {:.4}", least(|| offline(&one)));
    let expected = MINUTES as usize * (SET_S as f64 / REP_S) as usize;
    println!("repetitions {reps} of {expected}");
}

/// CPU time of this thread, s: other work on the machine does not count. Wall time where the system does not tell.
fn cpu_s(start: Instant) -> f64 {
    fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok())
        .map_or_else(|| start.elapsed().as_secs_f64(), |ns| ns * 1e-9)
}

fn least(mut work: impl FnMut() -> f64) -> f64 {
    let start = Instant::now();
    (0..ROUNDS).fold(f64::INFINITY, |least, _| {
        let before = cpu_s(start);
        black_box(work());
        least.min(cpu_s(start) - before)
    })
}

/// Live and pass, s, and the final repetitions.
fn run(hour: &[Sample]) -> (f64, f64, usize) {
    let start = Instant::now();
    let mut engine = Engine::new(&Params::default(), &header());
    let mut out = Vec::new();
    let (mut pass, mut reps) = (0.0, 0);
    let mut tick = WINDOW_NS;
    let (mut minute, mut running) = (0, false);
    let begin = cpu_s(start);
    for sample in hour {
        while sample.t.0 >= tick {
            engine.tick(SessionNs(tick), &mut out);
            tick += WINDOW_NS;
            let in_minute = tick - minute * 60_000_000_000;
            if !running && in_minute >= 9_000_000_000 {
                engine.command(SessionNs(tick), &squats(), &mut out);
                engine.measure_live(ASKED);
                running = true;
            } else if running && in_minute >= (9 + SET_S) * 1_000_000_000 {
                let before = cpu_s(start);
                let stop = Command::EndSet {
                    reason: StopReason::Trainer,
                };
                engine.command(SessionNs(tick), &stop, &mut out);
                pass += cpu_s(start) - before;
                running = false;
                minute += 1;
            }
            reps += out.drain(..).filter(is_final).count();
        }
        engine.push(sample, &mut out);
    }
    (cpu_s(start) - begin - pass, pass, reps)
}

fn is_final(event: &MotionEvent) -> bool {
    matches!(event, MotionEvent::Rep(rep) if rep.stage == plimsoll::model::rep::Stage::Final)
}

fn squats() -> Command {
    Command::StartSet {
        exercise: "squat".to_owned(),
        side: TrainingSide::Both,
        role: SetRole::Working,
        load_kg: None,
    }
}

/// Both sensors in turn. The thigh tilts by 80 deg, the shank by 30 the other way, the hip goes down with both.
fn hour() -> Vec<Sample> {
    let mut samples = Vec::new();
    for i in 0..MINUTES * 60 * RATE_HZ {
        let t = i as f64 / RATE_HZ as f64;
        let in_set = t.rem_euclid(60.0) - 9.0;
        let moving = (0.0..SET_S as f64).contains(&in_set);
        let w = 2.0 * PI / REP_S;
        let (bend, rate, push) = if moving {
            let phase = w * in_set;
            (
                (1.0 - phase.cos()) / 2.0,
                w * phase.sin() / 2.0,
                -0.2 * w * w * phase.cos(),
            )
        } else {
            (0.0, 0.0, 0.0)
        };
        for (device, range_deg) in [(0, 80.0_f64), (1, -30.0)] {
            let noise = |k: i64| (((i * 7 + device * 3 + k) * 2_654_435_761 % 1000) as f64) * 1e-5;
            let tilt = range_deg.to_radians() * bend;
            let f = Vec3::new(tilt.sin(), tilt.cos(), 0.0) * (9.81 + push);
            let g = range_deg.to_radians() * rate;
            samples.push(Sample {
                stream: StreamId {
                    device: DeviceIndex(device as u16),
                    kind: StreamKind::Imu,
                },
                t: SessionNs(i * 1_000_000_000 / RATE_HZ),
                values: [
                    (f.x + noise(1)) as f32,
                    (f.y + noise(2)) as f32,
                    (f.z + noise(3)) as f32,
                    noise(4) as f32,
                    noise(5) as f32,
                    (g + noise(6)) as f32,
                ],
                quality: Quality::GOOD,
            });
        }
    }
    samples
}

fn filter(samples: &[Sample]) -> f64 {
    let mut filter = orientation::Vqf::new(orientation::Params::default(), 0.01);
    for s in samples {
        filter.turn(s.angular_rate().into(), 0.01);
        filter.level(s.acceleration().into());
    }
    filter.bias().norm()
}

fn offline(samples: &[Sample]) -> f64 {
    let steps: Vec<orientation::Step> = samples
        .iter()
        .map(|s| orientation::Step {
            step_s: 0.01,
            rate: s.angular_rate().into(),
            acceleration: s.acceleration().into(),
        })
        .collect();
    orientation::attitudes(&orientation::Params::default(), &steps, 0.01).gravity
}

fn header() -> SessionHeader {
    let worn = [Segment::ThighR, Segment::ShankR];
    computed::header(worn.map(|s| computed::sensor(s, 100.0)).to_vec())
}
