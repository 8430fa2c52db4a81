//! Time a sample costs in each stage, ns. `cargo bench --bench stages`; plain text, no statistics.
//!
//! Input: one minute of five sensors at 100 Hz in packets of 50 ms, the same for every stage. The
//! fastest of several rounds counts: everything slower was something else on the machine.

#![allow(clippy::unwrap_used, reason = "a bench may stop")]

#[path = "../tests/computed/mod.rs"]
mod computed;

use plimsoll::{
    align::{DeviceAligner, Params},
    decode::{imported, witmotion},
    model::{
        body::Segment,
        packet::{DeviceIndex, Packet},
        plan::Plan,
        reading::Reading,
        sample::Sample,
        session::{Sensor, SessionHeader},
        time::HostNs,
        window::Window,
    },
    motion::{self, Engine, MotionEvent},
    pipeline::{analysis, batch, ingest::Ingest},
    rules::{self, Judge},
    source::synth::Scenario,
};
use std::{hint::black_box, time::Instant};

const SENSORS: u16 = 5;
const PACKETS: i64 = 20 * 60;
const SAMPLES_A_PACKET: i64 = 5;
const ROUNDS: usize = 7;
const MS: i64 = 1_000_000;

fn main() {
    let samples = f64::from(SENSORS) * (PACKETS * SAMPLES_A_PACKET) as f64;
    println!("{:<28}{:>12}", "stage", "ns/sample");
    for (name, packets) in [
        ("imported", imported_packets()),
        ("witmotion", witmotion_packets()),
    ] {
        let line = |stage: &str, ns: f64| {
            println!("{:<28}{:>12.1}", format!("{stage} ({name})"), ns / samples);
        };
        line("decode", fastest_ns(|| decode(name, &packets)));
        let readings = readings(name, &packets);
        line("align", fastest_ns(|| align(&readings)));
        line(
            "decode + align + windows",
            fastest_ns(|| ingest(name, &packets)),
        );
    }
    session();
}

/// A simulated session with a running set, three sensors at 50 Hz and a strap: every stage, and all of them together.
fn session() {
    let session = Scenario::named("knee-squat").unwrap().run(1);
    let plan = plimsoll::wire::plan::parse(include_str!("../config/plans/knee-squat.toml"))
        .unwrap()
        .plan;
    let mut windows = Vec::new();
    batch::windows(&session.header, &session.items, |w| windows.push(w.clone())).unwrap();
    let samples: usize = windows
        .iter()
        .flat_map(|w| &w.batches)
        .map(|b| b.samples.len())
        .sum();
    let line = |stage: &str, ns: f64| println!("{stage:<28}{:>12.1}", ns / samples as f64);
    line(
        "motion (session)",
        fastest_ns(|| move_through(&session.header, &windows)),
    );
    let events = motion_events(&session.header, &windows);
    line("rules (session)", fastest_ns(|| judge(&plan, &events)));
    let all = fastest_ns(|| {
        batch::analyse(
            &analysis::Params::default(),
            &session.header,
            Some(&plan),
            &session.items,
        )
        .unwrap()
        .len()
    });
    line("all stages (session)", all);
    println!(
        "one sensor-hour at 100 Hz, all stages: {:.3} s",
        all / samples as f64 * 360_000.0 * 1e-9
    );
}

fn motion_events(header: &SessionHeader, windows: &[Window]) -> Vec<MotionEvent> {
    let mut engine = Engine::new(&motion::Params::default(), header);
    let mut out = Vec::new();
    for window in windows {
        for sample in window.batches.iter().flat_map(|b| &b.samples) {
            engine.push(sample, &mut out);
        }
        for timed in &window.manifest.commands {
            engine.command(timed.t, &timed.command, &mut out);
        }
        engine.tick(window.manifest.end, &mut out);
    }
    engine.finish(windows[windows.len() - 1].manifest.end, &mut out);
    out
}

fn move_through(header: &SessionHeader, windows: &[Window]) -> usize {
    motion_events(header, windows).len()
}

fn judge(plan: &Plan, events: &[MotionEvent]) -> usize {
    let mut judge = Judge::new(&rules::Params::default(), Some(plan), Vec::new());
    let (mut findings, mut baselines) = (Vec::new(), Vec::new());
    for event in events {
        match event {
            MotionEvent::SetStarted {
                t,
                exercise,
                side,
                role,
                load_kg,
                available,
                ..
            } => {
                judge.set_started(*t, exercise, *side, role, *load_kg, available);
            }
            MotionEvent::Rep(rep) => judge.rep(rep, &mut findings),
            MotionEvent::Set(set) => judge.set(set, &mut findings, &mut baselines),
            MotionEvent::Heart { t, median_5s, .. } => judge.heart(*t, *median_5s, &mut findings),
            _ => {}
        }
    }
    findings.len()
}

fn fastest_ns(mut work: impl FnMut() -> usize) -> f64 {
    let mut fastest = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(work());
        fastest = fastest.min(start.elapsed().as_secs_f64() * 1e9);
    }
    fastest
}

fn packets(
    characteristic: plimsoll::model::packet::Uuid,
    bytes: impl Fn(i64) -> Box<[u8]>,
) -> Vec<Packet> {
    (0..PACKETS)
        .flat_map(|k| (0..SENSORS).map(move |device| (k, device)))
        .map(|(k, device)| Packet {
            device: DeviceIndex(device),
            characteristic,
            host: HostNs(50 * MS * (k + 1) + i64::from(device) * MS),
            bytes: bytes(k),
        })
        .collect()
}

fn imported_packets() -> Vec<Packet> {
    packets(imported::CHARACTERISTIC, |k| {
        let row = [0.1, 0.2, 9.8, 0.01, 0.02, 0.1];
        let rows: Vec<(i64, &[f64])> = (1..=SAMPLES_A_PACKET)
            .map(|i| (50 * MS * k + 10 * MS * i, row.as_slice()))
            .collect();
        imported::encode(imported::Kind::Imu, &rows)
    })
}

fn witmotion_packets() -> Vec<Packet> {
    packets(witmotion::NOTIFY, |_| {
        let mut frame = vec![0x55, 0x61];
        frame.resize(20, 1);
        frame.repeat(SAMPLES_A_PACKET as usize).into()
    })
}

fn decode(driver: &str, packets: &[Packet]) -> usize {
    let mut decoder = plimsoll::decode::driver(driver).unwrap().decoder();
    let mut readings = Vec::new();
    let mut count = 0;
    for packet in packets {
        readings.clear();
        decoder.decode(packet, &mut readings).unwrap();
        count += black_box(&readings).len();
    }
    count
}

/// The readings of each packet with its device and arrival.
fn readings(driver: &str, packets: &[Packet]) -> Vec<(DeviceIndex, HostNs, Vec<Reading>)> {
    let driver = plimsoll::decode::driver(driver).unwrap();
    let mut decoders: Vec<_> = (0..SENSORS).map(|_| driver.decoder()).collect();
    packets
        .iter()
        .map(|packet| {
            let mut readings = Vec::new();
            let decoder = &mut decoders[usize::from(packet.device.0)];
            decoder.decode(packet, &mut readings).unwrap();
            (packet.device, packet.host, readings)
        })
        .collect()
}

fn align(packets: &[(DeviceIndex, HostNs, Vec<Reading>)]) -> usize {
    let params = Params::default();
    let mut aligners: Vec<_> = (0..SENSORS)
        .map(|i| DeviceAligner::new(DeviceIndex(i), &params, 100.0, HostNs(0)))
        .collect();
    let (mut out, mut tech): (Vec<Sample>, _) = (Vec::new(), Vec::new());
    let mut count = 0;
    for (device, host, readings) in packets {
        out.clear();
        aligners[usize::from(device.0)].push(*host, readings, &mut out, &mut tech);
        count += black_box(&out).len();
    }
    count
}

fn ingest(driver: &str, packets: &[Packet]) -> usize {
    let mut ingest = Ingest::new(&header(driver)).unwrap();
    let mut windows: Vec<Window> = Vec::new();
    let mut count = 0;
    for packet in packets {
        ingest.packet(packet, &mut windows);
        for window in windows.drain(..) {
            count += black_box(&window).batches.len();
            ingest.recycle(window);
        }
    }
    count
}

fn header(driver: &str) -> SessionHeader {
    let sensor = |i: u16| Sensor {
        alias: format!("imu{i}"),
        driver: driver.to_owned(),
        ..computed::sensor(Segment::ThighR, 100.0)
    };
    computed::header((0..SENSORS).map(sensor).collect())
}
