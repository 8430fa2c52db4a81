//! A small recording for tests: two IMUs, a strap, a plan, commands among the packets.

use super::{Item, Writer};
use crate::model::{
    body::Segment,
    command::{Command, SetRole, StopReason},
    packet::{DeviceIndex, Packet, Uuid},
    plan::{RpeScale, TrainingSide},
    session::{Origin, Sensor, SessionHeader, SessionId},
    time::HostNs,
};

pub(crate) const BEGIN: HostNs = HostNs(5_000_000_000);
pub(crate) const PLAN: &str = "schema = \"loading-limits/0.1\"\n# Überprüft\n";

pub(crate) fn header() -> SessionHeader {
    let sensor = |alias: &str, driver: &str, segment, nominal_hz| Sensor {
        alias: alias.to_owned(),
        driver: driver.to_owned(),
        segment,
        confirmed_by: "trainer-1".to_owned(),
        nominal_hz,
    };
    SessionHeader {
        schema: "session/1".to_owned(),
        session: SessionId("s-20260807-a1".to_owned()),
        client: "c-7f3a".to_owned(),
        origin: Origin::Simulated,
        started_at: "2026-08-07T10:00:00Z".to_owned(),
        started_host: BEGIN,
        sensors: vec![
            sensor("imu1", "witmotion", Segment::ThighR, 100.0),
            sensor("imu2", "witmotion", Segment::ShankR, 100.0),
            sensor("strap", "heart_rate", Segment::Chest, 0.0),
        ],
        plan_sha256: Some("00".repeat(32)),
        plan_label: Some("knee-a v2".to_owned()),
        baselines: vec![],
        software: "plimsoll 0.1.0".to_owned(),
        library_sha256: "11".repeat(32),
    }
}

/// `n` items 10 ms apart; bytes differ from packet to packet.
pub(crate) fn items(n: usize) -> Vec<Item> {
    (0..n)
        .map(|i| {
            let host = HostNs(BEGIN.0 + 10_000_000 * i64::try_from(i).unwrap());
            match i % 10 {
                3 if i < 10 => Item::Command(host, start_set()),
                7 => Item::Command(host, entry(i)),
                9 => packet(
                    2,
                    Uuid::sig(0x2A37),
                    host,
                    &[0, 60_u8.wrapping_add(i as u8)],
                ),
                k => packet(
                    (k % 2) as u16,
                    Uuid(0x0000_FFE4_0000_1000_8000_0080_5F9A_34FB),
                    host,
                    &[i as u8; 20],
                ),
            }
        })
        .collect()
}

fn packet(device: u16, characteristic: Uuid, host: HostNs, bytes: &[u8]) -> Item {
    Item::Packet(Packet {
        device: DeviceIndex(device),
        characteristic,
        host,
        bytes: bytes.into(),
    })
}

fn start_set() -> Command {
    Command::StartSet {
        exercise: "squat".to_owned(),
        side: TrainingSide::Both,
        role: SetRole::Working,
        load_kg: Some(22.5),
    }
}

fn entry(i: usize) -> Command {
    if i.is_multiple_of(20) {
        return Command::EndSet {
            reason: StopReason::Completed,
        };
    }
    Command::Entry {
        rpe: Some((RpeScale::Cr10, 0.1 * i as f64)),
        pain: Some(2),
        symptoms: vec![],
    }
}

/// The bytes of a recording of `items`, flushed every `chunk` items.
pub(crate) fn recorded(items: &[Item], chunk: usize, finish: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::create(&mut bytes, &header(), Some(PLAN)).unwrap();
    for (i, item) in items.iter().enumerate() {
        writer.item(item).unwrap();
        if (i + 1) % chunk == 0 {
            writer.flush().unwrap();
        }
    }
    if finish {
        writer.finish().unwrap();
    } else {
        drop(writer);
    }
    bytes
}
