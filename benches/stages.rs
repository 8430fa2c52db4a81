//! Time a sample costs in each stage, ns. `cargo bench --bench stages`; plain text, no statistics.
//!
//! Input: one minute of five sensors at 100 Hz in packets of 50 ms, the same for every stage. The
//! fastest of several rounds counts: everything slower was something else on the machine.

#![allow(clippy::unwrap_used, reason = "a bench may stop")]

use plimsoll::{
    align::{DeviceAligner, Params},
    decode::{imported, witmotion},
    model::{
        body::Segment,
        packet::{DeviceIndex, Packet},
        reading::Reading,
        sample::Sample,
        session::{Origin, Sensor, SessionHeader, SessionId},
        time::HostNs,
        window::Window,
    },
    pipeline::ingest::Ingest,
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
        segment: Segment::ThighR,
        confirmed_by: "bench".to_owned(),
        nominal_hz: 100.0,
    };
    SessionHeader {
        schema: "1".to_owned(),
        session: SessionId("bench".to_owned()),
        client: "bench".to_owned(),
        origin: Origin::Simulated,
        started_at: String::new(),
        started_host: HostNs(0),
        sensors: (0..SENSORS).map(sensor).collect(),
        plan_sha256: None,
        plan_label: None,
        baselines: Vec::new(),
        software: String::new(),
        library_sha256: String::new(),
    }
}
