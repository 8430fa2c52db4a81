//! Packets that each driver understands: published vectors, and where there are none, packets made here
//! from the layouts. For tests that walk the table of drivers.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside #[test] functions; each test uses a part"
)]

use plimsoll::{
    decode::{
        colmi, dot, heart_rate,
        imported::{self, Kind},
        metamotion, movesense, polar, sensor_logger, thingy, witmotion,
    },
    model::{
        packet::{DeviceIndex, Packet, Uuid},
        time::HostNs,
    },
};
#[path = "../datasets/mod.rs"]
mod datasets;
pub use datasets::datasets;

/// The text of the published vectors.
pub fn vectors_text() -> Option<String> {
    Some(std::fs::read_to_string(datasets()?.join("wire_vectors.json")).unwrap())
}

/// What a new connection begins with, so that the decoder knows what will come.
pub fn opening(driver: &str) -> Vec<Packet> {
    match driver {
        // Payload 6 runs, as in the vectors.
        "dot" => vec![packet(dot::MEASUREMENT, &[1, 1, 6])],
        // Processor 0 is the accelerometer's, 1 the gyroscope's.
        "metamotion" => ["03 80 01 01", "09 02 00", "13 80 00 01", "09 02 01"]
            .iter()
            .map(|bytes| packet(metamotion::NOTIFY, &hex(bytes)))
            .collect(),
        _ => Vec::new(),
    }
}

/// Packets for after the opening; each decodes on its own.
pub fn packets(driver: &str) -> Vec<Packet> {
    let mut packets = made(driver);
    packets.extend(published(driver));
    packets
}

fn published(driver: &str) -> Vec<Packet> {
    let (families, default): (&[&str], Uuid) = match driver {
        "heart_rate" => (&["hrs", "bas"], heart_rate::MEASUREMENT),
        "polar" => (&["polar", "hrs", "bas"], polar::DATA),
        "witmotion" => (&["witmotion"], witmotion::NOTIFY),
        "dot" => (&["dot"], dot::SHORT),
        "metamotion" => (&["metawear"], metamotion::NOTIFY),
        "movesense" => (&["movesense"], movesense::NOTIFY),
        "colmi" => (&["colmi"], colmi::NOTIFY),
        // Their vectors are too short for a whole value, or there are none.
        "thingy" | "imported" | "sensor_logger" => return Vec::new(),
        other => panic!("the contract test does not know the driver {other}: add its vectors"),
    };
    let Some(text) = vectors_text() else {
        return Vec::new();
    };
    let vectors: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    vectors
        .iter()
        .filter(|v| families.contains(&v["device"].as_str().unwrap()))
        .filter(|v| is_notification(v))
        .map(|v| {
            let mut bytes = hex(v["hex"].as_str().unwrap());
            if driver == "movesense" {
                bytes.splice(0..0, movesense_head(v));
            }
            packet(characteristic(v, default), &bytes)
        })
        .collect()
}

/// The two bytes that the vectors leave out: data, and the reference of a stream of that shape.
fn movesense_head(vector: &serde_json::Value) -> [u8; 2] {
    match vector["params"]["as"].as_str() {
        Some("imu6") => [2, 2],
        Some("hr") => [2, 3],
        Some("temp") => [2, 4],
        _ => [2, 5],
    }
}

/// Not a part of a value, nor a command to the device.
fn is_notification(vector: &serde_json::Value) -> bool {
    let part = ["delta", "pmd_settings", "pmd_times"];
    !part.contains(&vector["decoder"].as_str().unwrap_or_default())
        && !vector["kind"].as_str().unwrap().contains("write")
}

fn made(driver: &str) -> Vec<Packet> {
    match driver {
        "heart_rate" => vec![packet(heart_rate::MEASUREMENT, &hex("16 3c 0004 0804"))],
        "polar" => vec![
            packet(polar::CONTROL, &hex("f0 01 02 00 00 00 01 3400 02 01 0800")),
            packet(polar::DATA, &hex("02 0094357700000000 01 e803 0000 0100")),
        ],
        "colmi" => vec![packet(
            colmi::NOTIFY,
            &hex("69 01 00 4e 00000000 00000000 000000 b8"),
        )],
        "dot" => {
            let mut long = vec![0; 28];
            long[7] = 0x3f;
            vec![
                packet(dot::BATTERY, &[90, 0]),
                packet(dot::CONTROL, &[0; 32]),
                packet(dot::MEDIUM, &long),
            ]
        }
        "metamotion" => vec![
            packet(metamotion::NOTIFY, &hex("11 8c 63 34 10")),
            packet(metamotion::NOTIFY, &hex("09 03 01 a6330d00 c100 b124 19cd")),
        ],
        "movesense" => vec![
            packet(movesense::NOTIFY, &hex("01 02 c8 00")),
            packet(heart_rate::BATTERY_LEVEL, &[80]),
        ],
        "thingy" => vec![
            packet(thingy::RAW, &hex("fafff4fff603 100020003000 400050006000")),
            packet(thingy::CONFIG, &hex("e803 e803 e803 6400 01")),
            packet(heart_rate::BATTERY_LEVEL, &[80]),
        ],
        "imported" => {
            let row = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
            [
                Kind::Imu,
                Kind::Acc,
                Kind::HeartRate,
                Kind::Rr,
                Kind::Gyro,
                Kind::Mag,
            ]
            .iter()
            .map(|kind| imported::encode(*kind, &[(1, &row), (2, &row)]))
            .map(|bytes| packet(imported::CHARACTERISTIC, &bytes))
            .collect()
        }
        "sensor_logger" => (0..3).map(phone).collect(),
        "witmotion" => vec![packet(
            witmotion::NOTIFY,
            &hex("5571 6400 8001 0000000000000000000000000000"),
        )],
        _ => Vec::new(),
    }
}

fn phone(id: i64) -> Packet {
    let time = 1_700_000_000_000_000_000 + 10_000_000 * id;
    let entry = |name: &str, values: &str| {
        format!(r#"{{"name":"{name}","time":{time},"values":{{{values}}}}}"#)
    };
    let vector = r#""x":0.1,"y":-2.5,"z":9.81"#;
    let payload = [
        entry("accelerometer", vector),
        entry("gravity", vector),
        entry("gyroscope", vector),
        entry("heart rate", r#""bpm":71"#),
        entry("battery", r#""batteryLevel":0.5,"batteryState":"full""#),
    ];
    let text = format!(
        r#"{{"messageId":{id},"sessionId":"s","payload":[{}]}}"#,
        payload.join(",")
    );
    packet(sensor_logger::MESSAGE, text.as_bytes())
}

/// A packet of the only device.
pub fn packet(characteristic: Uuid, bytes: &[u8]) -> Packet {
    Packet {
        device: DeviceIndex(0),
        characteristic,
        host: HostNs(0),
        bytes: bytes.into(),
    }
}

fn characteristic(vector: &serde_json::Value, default: Uuid) -> Uuid {
    match (
        vector["characteristic"].as_str(),
        vector["decoder"].as_str(),
    ) {
        (Some("0x2A37"), _) => heart_rate::MEASUREMENT,
        (Some("0x2A19"), _) => heart_rate::BATTERY_LEVEL,
        (Some(text), _) => Uuid(u128::from_str_radix(&text.replace('-', ""), 16).unwrap()),
        (None, Some("dot_msg")) => dot::MESSAGE,
        (None, _) => default,
    }
}

/// Bytes of hexadecimal digits; gaps are ignored.
pub fn hex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
