//! 28 minutes of a real strap's electrocardiogram through decoder, clock and windows.
//!
//! The bytes and device times are real; arrivals are the device times plus a simulated link.

use plimsoll::{
    decode::polar,
    model::{
        body::Segment,
        packet::{DeviceIndex, Packet},
        sample::{Quality, StreamKind},
        session::{Origin, Sensor, SessionHeader, SessionId},
        time::HostNs,
    },
    pipeline::ingest::Ingest,
};
mod datasets;

use datasets::datasets;

fn frames() -> Option<Vec<Vec<u8>>> {
    let file = datasets()?.join("polar_h10_raw/frames_0_2999/h10_ecg_frames.bin");
    let bytes = std::fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let mut rest = &bytes[24..];
    let mut frames = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let (frame, tail) = tail.split_at(u32::from_le_bytes(*length) as usize);
        frames.push(frame.to_vec());
        rest = tail;
    }
    Some(frames)
}

fn header() -> SessionHeader {
    SessionHeader {
        schema: "1".to_owned(),
        session: SessionId("s".to_owned()),
        client: "c".to_owned(),
        origin: Origin::Imported,
        started_at: String::new(),
        started_host: HostNs(0),
        sensors: vec![Sensor {
            alias: "strap".to_owned(),
            driver: "polar".to_owned(),
            segment: Segment::Chest,
            confirmed_by: "test".to_owned(),
            nominal_hz: 130.0,
        }],
        plan_sha256: None,
        plan_label: None,
        baselines: Vec::new(),
        software: String::new(),
        library_sha256: String::new(),
    }
}

#[test]
fn a_real_straps_electrocardiogram_has_its_true_rate_and_no_gap() {
    let Some(frames) = frames() else { return };
    assert_eq!(frames.len(), 3000);
    let stamp = |frame: &[u8]| {
        frame[1..9]
            .iter()
            .rev()
            .fold(0_i64, |t, b| t << 8 | i64::from(*b))
    };
    let first = stamp(&frames[0]);
    let mut ingest = Ingest::new(&header()).unwrap();
    let (mut windows, mut at) = (Vec::new(), 0);
    for (k, frame) in (0_i64..).zip(&frames) {
        // 5 to 45 ms, and now and then half a second.
        let latency_ms = 5 + (k * 17) % 41 + if k % 97 == 50 { 500 } else { 0 };
        at = at.max(stamp(frame) - first + 1_000_000_000 + latency_ms * 1_000_000);
        let packet = Packet {
            device: DeviceIndex(0),
            characteristic: polar::DATA,
            host: HostNs(at),
            bytes: frame.as_slice().into(),
        };
        ingest.packet(&packet, &mut windows);
    }
    ingest.finish(HostNs(at + 1), &mut windows);
    let samples: Vec<_> = windows
        .iter()
        .flat_map(|w| &w.batches)
        .flat_map(|b| &b.samples)
        .collect();
    assert_eq!(samples.len(), 3000 * 73);
    assert!(samples.iter().all(|s| s.stream.kind == StreamKind::Ecg));
    assert!(samples.iter().all(|s| !s.quality.has(Quality::AFTER_GAP)));
    assert!(windows.iter().all(|w| w.manifest.tech.is_empty()));
    let span = samples[samples.len() - 1].t.seconds() - samples[0].t.seconds();
    let rate = (samples.len() - 1) as f64 / span;
    assert!((rate - 130.045).abs() < 0.02, "{rate}");
    let stats = &ingest.stats()[0];
    let (_, known) = stats.rates_hz[0];
    assert!((known - rate).abs() < 0.1, "{known} {rate}");
    assert_eq!(
        (stats.undecodable, stats.ignored_bytes, stats.dropped),
        (0, 0, 0)
    );
}
