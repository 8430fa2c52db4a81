//! Tests of `recording`.

use super::{
    Item, RecordingError, Writer,
    fixture::{BEGIN, PLAN, header, items, recorded},
    read, summary,
};
use crate::model::{
    packet::{DeviceIndex, Packet, Uuid},
    time::HostNs,
};
use proptest::prelude::*;

#[test]
fn what_is_written_is_read() {
    let items = items(50);
    let recording = read(&recorded(&items, 10, true)).unwrap();
    assert_eq!(recording.header, header());
    assert_eq!(recording.plan_text.as_deref(), Some(PLAN));
    assert_eq!(recording.items, items);
    assert!(recording.complete);
    assert_eq!(recording.discarded_bytes, 0);
    assert_eq!(recording.damage, None);
}

#[test]
fn that_time_passed_is_kept_and_hashed() {
    let mut with_time = items(20);
    with_time.insert(5, Item::Time(BEGIN));
    with_time.insert(9, Item::Time(HostNs(BEGIN.0 + 300_000_000)));
    let recording = read(&recorded(&with_time, 3, true)).unwrap();
    assert_eq!(recording.items, with_time);
    assert!(recording.complete);
    let without = read(&recorded(&items(20), 3, true)).unwrap();
    assert_ne!(recording.content_sha256, without.content_sha256);
}

#[test]
fn a_recording_of_nothing_is_complete() {
    let writer = Writer::create(Vec::new(), &header(), None).unwrap();
    let finished = writer.finish().unwrap();
    let recording = read(&finished.inner).unwrap();
    assert!(recording.complete && recording.items.is_empty() && recording.plan_text.is_none());
    assert_eq!(recording.content_sha256, finished.content_sha256);
}

#[test]
fn the_hash_does_not_depend_on_chunks_but_on_every_item() {
    let a = items(40);
    let hash = |items: &[Item], chunk| read(&recorded(items, chunk, true)).unwrap().content_sha256;
    assert_eq!(hash(&a, 1), hash(&a, 7));
    assert_eq!(hash(&a, 1), hash(&a, 1000));
    for i in 0..a.len() {
        let mut b = a.clone();
        b.remove(i);
        assert_ne!(hash(&a, 7), hash(&b, 7), "item {i}");
    }
    let mut swapped = a.clone();
    swapped.swap(0, 1);
    assert_ne!(hash(&a, 7), hash(&swapped, 7));
}

/// Where the chunk with the session header ends.
fn end_of_header(bytes: &[u8]) -> usize {
    (0..=bytes.len())
        .find(|n| read(&bytes[..*n]).is_ok())
        .unwrap()
}

#[test]
fn a_truncated_recording_opens_up_to_its_last_whole_chunk() {
    let items = items(30);
    let bytes = recorded(&items, 5, true);
    let end_of_header = end_of_header(&bytes);
    let mut held = 0;
    for cut in 0..=bytes.len() {
        match read(&bytes[..cut]) {
            Err(error) => {
                assert!(cut < end_of_header, "byte {cut}: {error}");
                assert!(matches!(
                    error,
                    RecordingError::Empty | RecordingError::NoHeader(_)
                ));
            }
            Ok(recording) => {
                assert!(cut >= end_of_header);
                assert_eq!(recording.header, header());
                assert_eq!(recording.items, items[..recording.items.len()]);
                assert_eq!(recording.items.len() % 5, 0, "whole chunks only");
                assert!(recording.items.len() >= held, "never fewer with more bytes");
                held = recording.items.len();
                assert!(!recording.complete || held == items.len());
                assert!(recording.discarded_bytes < 2000);
                assert_eq!(cut == bytes.len(), recording.damage.is_none());
            }
        }
    }
    assert_eq!(held, items.len());
}

#[test]
fn dropped_unfinished_it_is_readable_and_incomplete() {
    let items = items(20);
    let recording = read(&recorded(&items, 5, false)).unwrap();
    assert_eq!(recording.items, items);
    assert!(!recording.complete);
    assert!(
        recording
            .damage
            .unwrap()
            .reason
            .contains("no closing record")
    );
}

#[test]
fn a_flipped_bit_never_changes_what_is_believed() {
    let items = items(24);
    let bytes = recorded(&items, 4, true);
    let end_of_header = end_of_header(&bytes);
    for at in 8..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        match read(&damaged) {
            Err(RecordingError::NoHeader(_)) => assert!(at < end_of_header, "byte {at}"),
            Err(other) => panic!("byte {at}: {other}"),
            Ok(recording) => {
                assert_eq!(recording.items, items[..recording.items.len()], "byte {at}");
                if recording.items.len() < items.len() {
                    assert!(!recording.complete, "byte {at}");
                    assert!(recording.damage.is_some() && recording.discarded_bytes > 0);
                }
            }
        }
    }
}

#[test]
fn foreign_files_are_named() {
    assert_eq!(read(&[]), Err(RecordingError::Empty));
    let png = read(b"\x89PNG\r\n\x1a\n.......").unwrap_err();
    assert!(matches!(png, RecordingError::NotMcap(_)), "{png}");
    let mut foreign = mcap::Writer::new(std::io::Cursor::new(Vec::new())).unwrap();
    let channel = foreign
        .add_channel(0, "/tf", "ros1", &std::collections::BTreeMap::new())
        .unwrap();
    let message = mcap::records::MessageHeader {
        channel_id: channel,
        sequence: 0,
        log_time: 1,
        publish_time: 1,
    };
    foreign.write_to_known_channel(&message, b"x").unwrap();
    foreign.finish().unwrap();
    let bytes = foreign.into_inner().into_inner();
    assert_eq!(read(&bytes), Err(RecordingError::Foreign));
}

#[test]
fn a_foreign_reader_reads_it() {
    let items = items(20);
    let bytes = recorded(&items, 5, true);
    let messages: Vec<_> = mcap::MessageStream::new(&bytes)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(messages.len(), items.len() + 2);
    assert_eq!(messages[0].channel.topic, "session");
    let packet = messages
        .iter()
        .find(|m| m.channel.topic.starts_with("packets/imu1/"))
        .unwrap();
    assert_eq!(packet.log_time, BEGIN.0.cast_unsigned());
    assert_eq!(packet.channel.metadata["segment"], "thigh_r");
    assert_eq!(&*packet.data, &[0; 20]);
    let summary = mcap::Summary::read(&bytes).unwrap().unwrap();
    assert_eq!(summary.chunk_indexes.len(), 5);
}

#[test]
fn a_packet_of_an_unlisted_sensor_is_kept() {
    let item = Item::Packet(Packet {
        device: DeviceIndex(40),
        characteristic: Uuid(7),
        host: HostNs(-3),
        bytes: Box::default(),
    });
    let items = [item.clone(), item];
    assert_eq!(read(&recorded(&items, 1, true)).unwrap().items, items);
}

#[test]
fn the_summary_counts() {
    let recording = read(&recorded(&items(20), 5, true)).unwrap();
    let summary = summary(&recording);
    assert_eq!(summary.commands, 3);
    assert_eq!(summary.channels.iter().map(|c| c.packets).sum::<u64>(), 17);
    assert_eq!(summary.channels[0].alias.as_deref(), Some("imu1"));
    assert_eq!(
        summary.channels[2].characteristic,
        "00002a37-0000-1000-8000-00805f9b34fb"
    );
    assert!((summary.duration_s - 0.19).abs() < 1e-9);
    assert!(summary.complete && summary.plan);
}

/// 100 Hz of 20-byte packets of four sensors, flushed every 100 ms: what the container costs.
#[test]
fn overhead_per_packet_stays_below_60_bytes() {
    let payload = 20;
    let count = 24_000_u32;
    let mut writer = Writer::create(Vec::new(), &header(), None).unwrap();
    for i in 0..count {
        let packet = Packet {
            device: DeviceIndex((i % 4) as u16),
            characteristic: Uuid::sig(0xFFE4),
            host: HostNs(i64::from(i) * 2_500_000),
            bytes: vec![7; payload].into(),
        };
        writer.packet(&packet).unwrap();
        if i % 40 == 39 {
            writer.flush().unwrap();
        }
    }
    let bytes = writer.finish().unwrap().inner.len();
    let overhead = bytes as f64 / f64::from(count) - payload as f64;
    assert!(
        (40.0..60.0).contains(&overhead),
        "{overhead} bytes per packet"
    );
    println!("{overhead:.1} bytes per packet");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), magic: bool) {
        if magic {
            bytes.splice(0..0, mcap::MAGIC.iter().copied());
        }
        let _ = read(&bytes);
    }

    /// Records of every kind with any body, and chunks whose CRC holds over any contents.
    #[test]
    fn no_record_makes_it_panic(records in proptest::collection::vec((0_u8..20, proptest::collection::vec(any::<u8>(), 0..60), any::<bool>()), 1..8)) {
        let mut bytes = mcap::MAGIC.to_vec();
        for (op, body, in_chunk) in records {
            let mut record = framed(op, &body);
            if in_chunk {
                let mut chunk = vec![0; 16];
                chunk.extend((record.len() as u64).to_le_bytes());
                chunk.extend(crc32fast::hash(&record).to_le_bytes());
                chunk.extend(0_u32.to_le_bytes());
                chunk.extend((record.len() as u64).to_le_bytes());
                chunk.append(&mut record);
                record = framed(mcap::records::op::CHUNK, &chunk);
            }
            bytes.append(&mut record);
        }
        let _ = read(&bytes);
    }
}

fn framed(op: u8, body: &[u8]) -> Vec<u8> {
    let mut record = vec![op];
    record.extend((body.len() as u64).to_le_bytes());
    record.extend(body);
    record
}
