//! Published wire vectors: every stated value comes out, and no damage to their bytes ends a decoder.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside #[test] functions"
)]

use plimsoll::{
    cli::wire_vectors::score,
    decode::{
        Advert, DecodeError, driver, drivers, heart_rate,
        imported::{self, Kind},
        polar, witmotion,
    },
    model::{
        packet::{DeviceIndex, Packet, Uuid},
        time::HostNs,
    },
};
use std::path::PathBuf;

/// The folder of the recordings, or a sentence why not; where `CI` is set their absence fails.
fn datasets() -> Option<PathBuf> {
    let folder = std::env::var_os("PLIMSOLL_DATASETS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/datasets"),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    let said = format!(
        "no recordings in {}: set PLIMSOLL_DATASETS to their folder",
        folder.display()
    );
    assert!(std::env::var_os("CI").is_none(), "{said}");
    eprintln!("not run: {said}");
    None
}

fn vectors_text() -> Option<String> {
    Some(std::fs::read_to_string(datasets()?.join("wire_vectors.json")).unwrap())
}

#[test]
fn every_stated_value_comes_out() {
    let Some(text) = vectors_text() else { return };
    let scores = score(&text).unwrap();
    let wrong: Vec<String> = scores
        .iter()
        .filter(|s| s.supported && !s.ok)
        .map(|s| format!("{} {}: {}", s.device, s.id, s.detail))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let supported = scores.iter().filter(|s| s.supported).count();
    assert_eq!((supported, scores.len() - supported), (91, 46));
}

/// Packets that each driver understands, undamaged.
fn packets(name: &str) -> Vec<Packet> {
    let (families, default): (&[&str], Uuid) = match name {
        "heart_rate" => (&["hrs", "bas"], heart_rate::MEASUREMENT),
        "polar" => (&["polar", "hrs", "bas"], polar::DATA),
        "witmotion" => (&["witmotion"], witmotion::NOTIFY),
        "imported" => (&[], imported::CHARACTERISTIC),
        other => panic!("the contract test does not know the driver {other}: add its vectors"),
    };
    let Some(text) = vectors_text() else {
        return Vec::new();
    };
    let vectors: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let mut packets: Vec<Packet> = vectors
        .iter()
        .filter(|v| families.contains(&v["device"].as_str().unwrap()))
        .filter(|v| is_notification(v))
        .map(|v| packet(characteristic(v, default), &hex(v["hex"].as_str().unwrap())))
        .collect();
    if name == "imported" {
        let row = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        for kind in [
            Kind::Imu,
            Kind::Acc,
            Kind::HeartRate,
            Kind::Rr,
            Kind::Gyro,
            Kind::Mag,
        ] {
            let bytes = imported::encode(kind, &[(1, &row), (2, &row)]);
            packets.push(packet(imported::CHARACTERISTIC, &bytes));
        }
    }
    assert!(!packets.is_empty(), "no vectors for {name}");
    packets
}

/// Not a part of a value, nor a command to the device.
fn is_notification(vector: &serde_json::Value) -> bool {
    let part = ["delta", "pmd_settings", "pmd_times"];
    !part.contains(&vector["decoder"].as_str().unwrap_or_default())
        && !vector["kind"].as_str().unwrap().contains("write")
}

fn packet(characteristic: Uuid, bytes: &[u8]) -> Packet {
    Packet {
        device: DeviceIndex(0),
        characteristic,
        host: HostNs(0),
        bytes: bytes.into(),
    }
}

fn characteristic(vector: &serde_json::Value, default: Uuid) -> Uuid {
    match vector["characteristic"].as_str() {
        Some("0x2A37") => heart_rate::MEASUREMENT,
        Some("0x2A19") => heart_rate::BATTERY_LEVEL,
        Some(text) => Uuid(u128::from_str_radix(&text.replace('-', ""), 16).unwrap()),
        None => default,
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn names_are_unique_and_found() {
    for known in drivers() {
        assert_eq!(driver(known.name()).unwrap().name(), known.name());
    }
    assert!(driver("abacus").is_none());
}

#[test]
fn undamaged_packets_decode() {
    for driver in drivers() {
        for packet in packets(driver.name()) {
            let result = driver.decoder().decode(&packet, &mut Vec::new());
            assert_eq!(result, Ok(()), "{} {packet:?}", driver.name());
        }
    }
}

#[test]
fn damaged_packets_give_a_value_or_an_error_and_the_decoder_goes_on() {
    for driver in drivers() {
        let mut decoder = driver.decoder();
        let mut out = Vec::new();
        for original in packets(driver.name()) {
            let mut check = |bytes: &[u8]| {
                out.clear();
                let damaged = packet(original.characteristic, bytes);
                if decoder.decode(&damaged, &mut out).is_err() {
                    assert!(out.is_empty(), "{}: values of a bad packet", driver.name());
                }
            };
            for length in 0..original.bytes.len() {
                check(&original.bytes[..length]);
            }
            let mut bytes = original.bytes.to_vec();
            for bit in 0..8 * bytes.len() {
                bytes[bit / 8] ^= 1 << (bit % 8);
                check(&bytes);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            decoder.reset();
            out.clear();
            assert_eq!(decoder.decode(&original, &mut out), Ok(()));
        }
    }
}

#[test]
fn a_characteristic_of_another_family_is_an_error() {
    let stranger = Uuid(0x1234);
    for driver in drivers() {
        let result = driver
            .decoder()
            .decode(&packet(stranger, &[0; 20]), &mut Vec::new());
        assert_eq!(result, Err(DecodeError::Characteristic(stranger)));
    }
}

#[test]
fn an_advertisement_finds_its_driver() {
    let found = |name: &str, services: &[Uuid]| {
        let advert = Advert {
            name: name.to_owned(),
            services: services.to_vec(),
            ..Advert::default()
        };
        drivers()
            .iter()
            .find(|d| d.matches(&advert))
            .map(|d| d.name())
    };
    let strap = [heart_rate::SERVICE];
    assert_eq!(found("Polar H10 12345678", &strap), Some("polar"));
    assert_eq!(found("Polar H9 12345678", &strap), Some("heart_rate"));
    assert_eq!(found("WT901BLE68", &[]), Some("witmotion"));
    assert_eq!(found("", &strap), Some("heart_rate"));
    assert_eq!(found("fridge", &[]), None);
}
