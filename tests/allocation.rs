//! In steady state decode, align and ingest allocate nothing for a sample: what they allocate does not
//! grow with the number of samples in a window.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside #[test] functions"
)]

use plimsoll::{
    decode::{imported, polar, witmotion},
    model::{
        body::Segment,
        packet::{DeviceIndex, Packet},
        session::{Origin, Sensor, SessionHeader, SessionId},
        time::HostNs,
        window::Window,
    },
    model::{
        command::{Command, SetRole},
        plan::TrainingSide,
    },
    pipeline::analysis::{Analysis, Params},
    pipeline::ingest::Ingest,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MS: i64 = 1_000_000;
const WARM_UP_MS: i64 = 60_000;
const MEASURED_MS: i64 = 60_000;

fn header(driver: &str) -> SessionHeader {
    SessionHeader {
        schema: "1".to_owned(),
        session: SessionId("s".to_owned()),
        client: "c".to_owned(),
        origin: Origin::Simulated,
        started_at: String::new(),
        started_host: HostNs(0),
        sensors: vec![Sensor {
            alias: "imu1".to_owned(),
            driver: driver.to_owned(),
            segment: Segment::ThighR,
            confirmed_by: "test".to_owned(),
            nominal_hz: 100.0,
        }],
        plan_sha256: None,
        plan_label: None,
        baselines: Vec::new(),
        software: String::new(),
        library_sha256: String::new(),
    }
}

fn packet(characteristic: plimsoll::model::packet::Uuid, ms: i64, bytes: Vec<u8>) -> Packet {
    Packet {
        device: DeviceIndex(0),
        characteristic,
        host: HostNs(ms * MS),
        bytes: bytes.into(),
    }
}

/// A packet each 50 ms with `samples` samples.
fn imported_packets(samples: i64) -> Vec<Packet> {
    let row = [0.0, 0.0, 9.8, 0.0, 0.0, 0.1];
    let packets = (0..(WARM_UP_MS + MEASURED_MS) / 50).map(|k| {
        let rows: Vec<(i64, &[f64])> = (1..=samples)
            .map(|i| (50 * MS * k + 50 * MS * i / samples, row.as_slice()))
            .collect();
        let bytes = imported::encode(imported::Kind::Imu, &rows);
        packet(imported::CHARACTERISTIC, 50 * (k + 1), bytes.into())
    });
    packets.collect()
}

fn witmotion_packets(samples: i64) -> Vec<Packet> {
    let mut frame = vec![0x55, 0x61];
    frame.resize(20, 1);
    let packets = (0..(WARM_UP_MS + MEASURED_MS) / 50).map(|k| {
        packet(
            witmotion::NOTIFY,
            50 * (k + 1),
            frame.repeat(samples as usize),
        )
    });
    packets.collect()
}

/// Compressed acceleration and angular rate in turn, a reference and `samples - 1` differences.
fn polar_packets(samples: i64) -> Vec<Packet> {
    let packets = (0..(WARM_UP_MS + MEASURED_MS) / 50).flat_map(|k| {
        [2_u8, 5].map(|measurement| {
            let mut bytes = vec![measurement];
            bytes.extend((50 * MS * (k + 1)).to_le_bytes());
            bytes.extend([0x80, 1, 0, 2, 0, 3, 0, 8, (samples - 1) as u8]);
            bytes.resize(bytes.len() + 3 * (samples as usize - 1), 1);
            packet(polar::DATA, 50 * (k + 1), bytes)
        })
    });
    packets.collect()
}

/// Allocations and samples of the second minute.
fn measure(driver: &str, packets: &[Packet]) -> (usize, usize) {
    let mut ingest = Ingest::new(&header(driver)).unwrap();
    let mut windows: Vec<Window> = Vec::with_capacity(4);
    let mut samples = 0;
    let mut run = |packets: &[Packet]| {
        for packet in packets {
            ingest.packet(packet, &mut windows);
            for window in windows.drain(..) {
                samples += window
                    .batches
                    .iter()
                    .map(|b| b.samples.len())
                    .sum::<usize>();
                ingest.recycle(window);
            }
        }
        std::mem::take(&mut samples)
    };
    let warm = packets.partition_point(|p| p.host.0 < WARM_UP_MS * MS);
    run(&packets[..warm]);
    let region = Region::new(ALLOCATOR);
    let samples = run(&packets[warm..]);
    let change = region.change();
    (change.allocations + change.reallocations, samples)
}

/// The same through motion and rules, in a running set: allocations, samples and windows of the second minute.
fn measure_analysis(driver: &str, packets: &[Packet]) -> (usize, usize, usize) {
    let header = header(driver);
    let mut ingest = Ingest::new(&header).unwrap();
    let mut analysis = Analysis::new(&Params::default(), &header, None);
    let mut windows: Vec<Window> = Vec::with_capacity(4);
    let mut said = Vec::with_capacity(4096);
    let start = Command::StartSet {
        exercise: "squat".to_owned(),
        side: TrainingSide::Left,
        role: SetRole::Working,
        load_kg: None,
    };
    ingest.command(packets[0].host, start, &mut windows);
    let (mut samples, mut count) = (0, 0);
    let mut run = |packets: &[Packet]| {
        for packet in packets {
            ingest.packet(packet, &mut windows);
            for window in windows.drain(..) {
                samples += window
                    .batches
                    .iter()
                    .map(|b| b.samples.len())
                    .sum::<usize>();
                count += 1;
                analysis.push(&window, &mut said);
                said.clear();
                ingest.recycle(window);
            }
        }
        (std::mem::take(&mut samples), std::mem::take(&mut count))
    };
    let warm = packets.partition_point(|p| p.host.0 < WARM_UP_MS * MS);
    run(&packets[..warm]);
    let region = Region::new(ALLOCATOR);
    let (samples, count) = run(&packets[warm..]);
    let change = region.change();
    (change.allocations + change.reallocations, samples, count)
}

/// One test, because the counter is the whole process's.
#[test]
fn allocations_do_not_grow_with_samples() {
    for (driver, packets_of_5, packets_of_50) in [
        ("imported", imported_packets(5), imported_packets(50)),
        ("witmotion", witmotion_packets(5), witmotion_packets(50)),
        ("polar", polar_packets(5), polar_packets(50)),
    ] {
        let (few, few_samples) = measure(driver, &packets_of_5);
        let (many, many_samples) = measure(driver, &packets_of_50);
        println!(
            "{driver}: {few} allocations for {few_samples} samples, {many} for {many_samples}"
        );
        assert!(many_samples > 9 * few_samples, "{driver}");
        assert!(
            few <= 10 && many <= 10,
            "{driver}: {few} and {many} allocations"
        );
    }
    // What a person sees is made anew for every window; a sample costs nothing beside it.
    let (few, few_samples, few_windows) = measure_analysis("imported", &imported_packets(5));
    let (many, many_samples, many_windows) = measure_analysis("imported", &imported_packets(50));
    println!(
        "analysis: {few} allocations for {few_samples} samples in {few_windows} windows, \
         {many} for {many_samples} in {many_windows}"
    );
    assert!(many_samples > 9 * few_samples);
    assert!(
        few <= 12 * few_windows && many <= few + 60,
        "{few} and {many} allocations"
    );
}
