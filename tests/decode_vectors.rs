//! Published wire vectors: every stated value comes out; every driver understands its own packets.

mod packets;

use packets::{opening, packet, packets, vectors_text};
use plimsoll::{
    cli::wire_vectors::score,
    decode::{Advert, DecodeError, driver, drivers, heart_rate},
    model::packet::Uuid,
};

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
    assert_eq!((supported, scores.len() - supported), (137, 0));
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
        let known = packets(driver.name());
        assert!(!known.is_empty(), "no packets for {}", driver.name());
        for packet in known {
            let mut decoder = driver.decoder();
            for packet in opening(driver.name()).iter().chain([&packet]) {
                let result = decoder.decode(packet, &mut Vec::new());
                assert_eq!(result, Ok(()), "{} {packet:?}", driver.name());
            }
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
            .map(|d| (d.name(), d.identity(&advert)))
    };
    let strap = [heart_rate::SERVICE];
    let named = |name, identity: &str| Some((name, Some(identity.to_owned())));
    assert_eq!(
        found("Polar H10 1a2b3c4d", &strap),
        named("polar", "1A2B3C4D")
    );
    assert_eq!(found("Polar H10 ?", &strap), Some(("polar", None)));
    assert_eq!(
        found("Movesense 174430000051", &strap),
        named("movesense", "174430000051")
    );
    for (name, services, want) in [
        ("Polar H9 12345678", &strap[..], "heart_rate"),
        ("", &strap, "heart_rate"),
        ("WT901BLE68", &[], "witmotion"),
        ("Xsens DOT", &[], "dot"),
        ("MetaWear", &[], "metamotion"),
        ("R02_A1B2", &[], "colmi"),
        (
            "Thingy",
            &[Uuid(0xef68_0100_9b35_4933_9b10_52ff_a974_0042)],
            "thingy",
        ),
    ] {
        assert_eq!(found(name, services), Some((want, None)), "{name}");
    }
    assert_eq!(found("fridge", &[]), None);
    let company = Advert {
        manufacturer: vec![(0x0886, vec![1])],
        ..Advert::default()
    };
    assert!(driver("dot").unwrap().matches(&company));
}

/// What a reader of `evaluate` sees of a vector that does not come out: its id, what was decoded, what was expected.
#[test]
fn evaluate_prints_every_mismatch_with_both_values() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wire_vectors.json");
    let vectors = r#"[
        {"id": "full", "device": "bas", "hex": "64", "expected": {"value": 100}},
        {"id": "wrong", "device": "bas", "hex": "57", "expected": {"value": 88}},
        {"id": "cut", "device": "hrs", "hex": "06", "expected": {"hr_bpm": 60}}
    ]"#;
    std::fs::write(&file, vectors).unwrap();
    let said = assert_cmd::Command::cargo_bin("plimsoll")
        .unwrap()
        .arg("evaluate")
        .arg(&file)
        .assert();
    let output = said.get_output();
    let text = [&output.stdout, &output.stderr]
        .map(|b| String::from_utf8_lossy(b))
        .concat();
    for line in [
        "wire_vectors/wrong: value: got 87, expected 88",
        "wire_vectors/cut: heart rate needs 2 bytes, got 1",
    ] {
        assert!(text.contains(line), "no {line:?} in\n{text}");
    }
    assert!(!text.contains("wire_vectors/full:"), "{text}");
}
