//! Packets to windows: no hole in numbers, no dependence on who calls when, silence and bad packets told.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside #[test] functions"
)]

use plimsoll::{
    decode::{heart_rate, imported, sensor_logger},
    model::{
        body::Segment,
        command::{Command, StopReason},
        packet::{DeviceIndex, Packet},
        sample::{Quality, StreamId, StreamKind},
        session::{Origin, Sensor, SessionHeader, SessionId, TechKind},
        time::{HostNs, SessionNs},
        window::{Batch, WINDOW_NS, Window},
    },
    pipeline::{
        assemble::Assembler,
        ingest::{Ingest, IngestError},
    },
    wire::payload,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const MS: i64 = 1_000_000;
const ORIGIN: HostNs = HostNs(1_000_000 * MS);

fn sensor(alias: &str, driver: &str) -> Sensor {
    Sensor {
        alias: alias.to_owned(),
        driver: driver.to_owned(),
        segment: Segment::ThighR,
        confirmed_by: "test".to_owned(),
        nominal_hz: 100.0,
    }
}

fn header(drivers: &[&str]) -> SessionHeader {
    SessionHeader {
        schema: "1".to_owned(),
        session: SessionId("s".to_owned()),
        client: "c".to_owned(),
        origin: Origin::Simulated,
        started_at: String::new(),
        started_host: ORIGIN,
        sensors: drivers.iter().map(|d| sensor(d, d)).collect(),
        plan_sha256: None,
        plan_label: None,
        baselines: Vec::new(),
        software: String::new(),
        library_sha256: String::new(),
    }
}

fn host(ms: i64) -> HostNs {
    HostNs(ORIGIN.0 + ms * MS)
}

/// Five samples at 100 Hz that end at `ms`.
fn imu_packet(device: u16, ms: i64) -> Packet {
    let row = [0.0, 0.0, 9.8, 0.0, 0.0, 0.1];
    let rows: Vec<(i64, &[f64])> = (0..5)
        .map(|i| ((ms - 40 + 10 * i) * MS, row.as_slice()))
        .collect();
    Packet {
        device: DeviceIndex(device),
        characteristic: imported::CHARACTERISTIC,
        host: host(ms),
        bytes: imported::encode(imported::Kind::Imu, &rows),
    }
}

fn heart_packet(device: u16, ms: i64, bytes: &[u8]) -> Packet {
    Packet {
        device: DeviceIndex(device),
        characteristic: heart_rate::MEASUREMENT,
        host: host(ms),
        bytes: bytes.into(),
    }
}

fn imu(device: u16) -> StreamId {
    StreamId {
        device: DeviceIndex(device),
        kind: StreamKind::Imu,
    }
}

fn kinds(windows: &[Window]) -> Vec<(f64, TechKind)> {
    windows
        .iter()
        .flat_map(|w| &w.manifest.tech)
        .map(|e| (e.t.seconds(), e.kind.clone()))
        .collect()
}

/// What every list of windows must obey.
fn check(windows: &[Window]) {
    let mut next: BTreeMap<StreamId, u64> = BTreeMap::new();
    let mut latest: BTreeMap<StreamId, SessionNs> = BTreeMap::new();
    for (index, window) in (0_u64..).zip(windows) {
        let manifest = &window.manifest;
        assert_eq!(manifest.index, index);
        assert_eq!(manifest.end.0, (index.cast_signed() + 1) * WINDOW_NS);
        assert_eq!(manifest.batches.len(), window.batches.len());
        let place = |b: &Batch| (b.stream, b.first_sequence);
        assert!(window.batches.is_sorted_by(|a, b| place(a) < place(b)));
        for (batch, named) in window.batches.iter().zip(&manifest.batches) {
            assert_eq!(
                (batch.stream, batch.first_sequence),
                (named.stream, named.first_sequence)
            );
            assert_eq!(batch.samples.len(), named.count as usize);
            assert!(!batch.samples.is_empty());
            let sequence = next.entry(batch.stream).or_default();
            assert_eq!(batch.first_sequence, *sequence);
            *sequence += batch.samples.len() as u64;
            for sample in &batch.samples {
                assert_eq!(sample.stream, batch.stream);
                let before = latest.insert(batch.stream, sample.t);
                assert!(before.is_none_or(|b| b < sample.t));
            }
        }
    }
    let last: Vec<bool> = windows.iter().map(|w| w.manifest.last).collect();
    assert_eq!(last.iter().filter(|l| **l).count(), 1);
    assert_eq!(last.last(), Some(&true));
}

/// A phone's message that waits for one that was lost comes out at the end of the session.
#[test]
fn what_a_decoder_holds_comes_out_at_the_end() {
    let heart = |id: i64| Packet {
        device: DeviceIndex(0),
        characteristic: sensor_logger::MESSAGE,
        host: host(1000 * id),
        bytes: format!(
            r#"{{"messageId":{id},"sessionId":"s","deviceId":"d","payload":[
                {{"name":"heart rate","time":{},"values":{{"bpm":{}}}}}]}}"#,
            1_700_000_000_000_000_000 + 1_000_000_000 * id,
            60 + id
        )
        .as_bytes()
        .into(),
    };
    let mut ingest = Ingest::new(&header(&["sensor_logger"])).unwrap();
    let mut windows = Vec::new();
    // Number 3 is lost.
    for id in [1, 2, 4, 5] {
        ingest.packet(&heart(id), &mut windows);
    }
    ingest.finish(host(6000), &mut windows);
    check(&windows);
    let samples = windows
        .iter()
        .flat_map(|w| &w.batches)
        .flat_map(|b| &b.samples);
    let bpm: Vec<f32> = samples.map(|s| s.values[0]).collect();
    assert_eq!(bpm, [61.0, 62.0, 64.0, 65.0]);
}

/// A phone that was away pushes all it has at once: one window, in messages that every broker takes.
#[test]
fn what_comes_all_at_once_is_cut_into_small_batches() {
    let row = [0.0, 0.0, 9.8, 0.0, 0.0, 0.1];
    let rows: Vec<(i64, &[f64])> = (0..3500).map(|i| (10 * i * MS, row.as_slice())).collect();
    let packet = Packet {
        device: DeviceIndex(0),
        characteristic: imported::CHARACTERISTIC,
        host: host(36_000),
        bytes: imported::encode(imported::Kind::Imu, &rows),
    };
    let mut ingest = Ingest::new(&header(&["imported"])).unwrap();
    let mut windows = Vec::new();
    ingest.packet(&packet, &mut windows);
    ingest.finish(host(37_000), &mut windows);
    check(&windows);
    let batches: Vec<&Batch> = windows.iter().flat_map(|w| &w.batches).collect();
    let samples: usize = batches.iter().map(|b| b.samples.len()).sum();
    assert!(
        samples >= 3500 && batches.len() >= 4,
        "{samples} in {}",
        batches.len()
    );
    let mut assembler = Assembler::default();
    let mut together = Vec::new();
    for batch in &batches {
        let bytes = payload::encode_batch(batch).unwrap();
        assert!(bytes.len() < 40_000, "{} bytes", bytes.len());
        assembler.batch(payload::decode_batch(&bytes).unwrap(), &mut together);
    }
    for window in &windows {
        assembler.manifest(window.manifest.clone(), &mut together);
    }
    assert!(together == windows);
}

#[test]
fn every_window_comes_out_and_the_last_is_marked() {
    let mut ingest = Ingest::new(&header(&["imported"])).unwrap();
    let mut windows = Vec::new();
    for k in (0..20).chain(60..70) {
        ingest.packet(&imu_packet(0, 50 * k + 10), &mut windows);
    }
    ingest.finish(host(3600), &mut windows);
    check(&windows);
    assert_eq!(windows.len(), 37);
    let samples: usize = windows
        .iter()
        .flat_map(|w| &w.batches)
        .map(|b| b.samples.len())
        .sum();
    assert_eq!(samples, 150);
    let first_after = &windows[30].batches[0].samples[0];
    assert!(first_after.quality.has(Quality::AFTER_GAP));
}

#[test]
fn a_window_holds_what_arrived_in_it() {
    let mut ingest = Ingest::new(&header(&["imported"])).unwrap();
    let mut windows = Vec::new();
    ingest.packet(&imu_packet(0, 99), &mut windows);
    ingest.packet(&imu_packet(0, 149), &mut windows);
    ingest.command(host(200), Command::Calibrate, &mut windows);
    let end = Command::EndSet {
        reason: StopReason::Trainer,
    };
    ingest.command(host(250), end.clone(), &mut windows);
    ingest.finish(host(250), &mut windows);
    check(&windows);
    let counts: Vec<usize> = windows.iter().map(|w| w.batches.len()).collect();
    assert_eq!(counts, [1, 1, 0]);
    let commands = &windows[2].manifest.commands;
    assert_eq!(commands[0].t, SessionNs(200 * MS));
    assert_eq!(
        (commands[1].t, &commands[1].command),
        (SessionNs(250 * MS), &end)
    );
}

#[test]
fn silence_is_told_once_and_so_is_its_end() {
    let mut ingest = Ingest::new(&header(&["imported", "heart_rate"])).unwrap();
    let mut windows = Vec::new();
    for k in 0..200 {
        let ms = 50 * k + 50;
        if !(60..120).contains(&k) {
            ingest.packet(&imu_packet(0, ms), &mut windows);
        }
        if k % 20 == 0 {
            ingest.packet(&heart_packet(1, ms, &[0x06, 80]), &mut windows);
        }
    }
    ingest.finish(host(20_000), &mut windows);
    check(&windows);
    let told: Vec<String> = kinds(&windows)
        .iter()
        .map(|(t, kind)| match kind {
            TechKind::SensorLost { stream, silent_s } => {
                format!("{t:.1} {} lost for {silent_s:.1}", stream.kind.as_str())
            }
            TechKind::SensorBack { stream, gap_s } => {
                format!("{t:.1} {} back after {gap_s:.1}", stream.kind.as_str())
            }
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "4.1 imu lost for 1.1",
            "6.1 imu back after 3.1",
            "11.1 imu lost for 1.1",
            "14.1 heart_rate lost for 5.1",
        ]
    );
}

#[test]
fn packets_without_meaning_are_counted_at_most_once_a_second() {
    let mut ingest = Ingest::new(&header(&["heart_rate"])).unwrap();
    let mut windows = Vec::new();
    for k in 0..50 {
        ingest.packet(&heart_packet(0, 50 * k, &[0x01, 80]), &mut windows);
    }
    ingest.packet(&imu_packet(7, 2500), &mut windows);
    ingest.finish(host(4000), &mut windows);
    check(&windows);
    let mut total = 0;
    let events = kinds(&windows);
    for (_, kind) in &events {
        let TechKind::Undecodable { packets, reason } = kind else {
            panic!("{kind:?}")
        };
        assert!(!reason.is_empty());
        total += packets;
    }
    assert_eq!(total, 51);
    assert_eq!(events.len(), 5, "{events:?}");
    assert_eq!(ingest.stats()[0].undecodable, 50);
}

#[test]
fn packets_long_after_their_window_are_counted_and_not_used() {
    let mut ingest = Ingest::new(&header(&["imported"])).unwrap();
    let mut windows = Vec::new();
    ingest.packet(&imu_packet(0, 50), &mut windows);
    ingest.advance(host(2000), &mut windows);
    ingest.packet(&imu_packet(0, 500), &mut windows);
    ingest.packet(&imu_packet(0, 1950), &mut windows);
    ingest.finish(host(2000), &mut windows);
    check(&windows);
    let late = TechKind::Late {
        stream: imu(0),
        count: 5,
    };
    assert!(kinds(&windows).iter().any(|(_, k)| *k == late));
    let samples: usize = windows
        .iter()
        .flat_map(|w| &w.batches)
        .map(|b| b.samples.len())
        .sum();
    assert_eq!(samples, 10);
}

#[test]
fn a_low_battery_is_told_once() {
    let mut ingest = Ingest::new(&header(&["heart_rate"])).unwrap();
    let mut windows = Vec::new();
    for (second, percent) in (0..).zip([50, 15, 14, 16, 14, 30, 10]) {
        let packet = Packet {
            characteristic: heart_rate::BATTERY_LEVEL,
            ..heart_packet(0, 1000 * second, &[percent])
        };
        ingest.packet(&packet, &mut windows);
    }
    ingest.finish(host(8000), &mut windows);
    let low: Vec<TechKind> = kinds(&windows).into_iter().map(|(_, k)| k).collect();
    assert_eq!(
        low,
        [
            TechKind::BatteryLow { percent: 15 },
            TechKind::BatteryLow { percent: 10 }
        ]
    );
}

#[test]
fn a_host_time_hours_ahead_is_refused() {
    let mut ingest = Ingest::new(&header(&["imported"])).unwrap();
    let mut windows = Vec::new();
    ingest.packet(&imu_packet(0, 50), &mut windows);
    let mut far = imu_packet(0, 100);
    far.host = HostNs(i64::MAX);
    ingest.packet(&far, &mut windows);
    ingest.packet(&imu_packet(0, 100), &mut windows);
    ingest.finish(host(100), &mut windows);
    check(&windows);
    assert_eq!(ingest.stats()[0].undecodable, 1);
}

#[test]
fn a_session_with_an_unknown_driver_or_rate_is_refused() {
    let unknown = Ingest::new(&header(&["abacus"])).err();
    assert!(matches!(unknown, Some(IngestError::UnknownDriver { .. })));
    let mut header = header(&["imported"]);
    header.sensors[0].nominal_hz = f64::NAN;
    let rate = Ingest::new(&header).err();
    assert!(matches!(rate, Some(IngestError::NominalRate { .. })));
}

/// A packet of any driver: well-formed or not.
fn any_packet() -> impl Strategy<Value = (i64, Packet)> {
    let good = (0_u16..3, 0_i64..400).prop_map(|(device, step)| (step, imu_packet(device, 0)));
    let heart = (
        0_u16..3,
        0_i64..1500,
        prop::collection::vec(any::<u8>(), 0..20),
    )
        .prop_map(|(device, step, bytes)| (step, heart_packet(device, 0, &bytes)));
    prop_oneof![good, heart]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn only_packets_matter(
        packets in prop::collection::vec((any_packet(), any::<bool>()), 0..80)
    ) {
        let header = header(&["imported", "heart_rate"]);
        let (mut plain, mut called) = (Ingest::new(&header).unwrap(), Ingest::new(&header).unwrap());
        let (mut plain_out, mut called_out) = (Vec::new(), Vec::new());
        let mut now = 0;
        for ((step, packet), also_advance) in packets {
            now += step;
            let packet = match packet.characteristic {
                imported::CHARACTERISTIC => imu_packet(packet.device.0, now),
                _ => Packet { host: host(now), ..packet },
            };
            if also_advance {
                called.advance(host(now - step / 2), &mut called_out);
            }
            plain.packet(&packet, &mut plain_out);
            called.packet(&packet, &mut called_out);
        }
        plain.finish(host(now + 100), &mut plain_out);
        called.finish(host(now + 100), &mut called_out);
        check(&plain_out);
        prop_assert_eq!(&plain_out, &called_out);
    }

    #[test]
    fn memory_that_comes_back_changes_nothing(
        packets in prop::collection::vec(any_packet(), 0..80)
    ) {
        let header = header(&["imported", "heart_rate"]);
        let (mut fresh, mut reused) = (Ingest::new(&header).unwrap(), Ingest::new(&header).unwrap());
        let (mut fresh_out, mut reused_out) = (Vec::new(), Vec::new());
        let mut window = Vec::new();
        let mut now = 0;
        for (step, packet) in packets {
            now += step;
            let packet = match packet.characteristic {
                imported::CHARACTERISTIC => imu_packet(packet.device.0, now),
                _ => Packet { host: host(now), ..packet },
            };
            fresh.packet(&packet, &mut fresh_out);
            reused.packet(&packet, &mut window);
            for done in window.drain(..) {
                reused_out.push(done.clone());
                reused.recycle(done);
            }
        }
        fresh.finish(host(now), &mut fresh_out);
        reused.finish(host(now), &mut reused_out);
        prop_assert_eq!(fresh_out, reused_out);
    }
}
