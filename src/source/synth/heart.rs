//! A heart and its strap: rate follows effort with a lag, beats scatter, the strap tells once a second.

use super::track::Track;
use crate::{
    decode::heart_rate,
    model::{
        packet::{DeviceIndex, Packet},
        time::HostNs,
    },
    wire::recording::Item,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

/// How fast the heart follows effort, s.
const LAG_S: f64 = 14.0;
/// Scatter of an interval between beats as a share of it.
const SCATTER: f64 = 0.02;

/// Heart rate once a second, bpm, for a wanted rate over time.
pub(super) fn rate(wanted: &Track, rest_bpm: f64, duration_s: f64) -> Vec<f64> {
    let mut bpm = rest_bpm;
    (0..duration_s as u32)
        .map(|s| {
            bpm += (wanted.at(f64::from(s)) - bpm) / LAG_S;
            bpm
        })
        .collect()
}

/// The strap's notifications: measurement with intervals every second, battery now and then.
pub(super) fn packets(device: DeviceIndex, rate_bpm: &[f64], seed: u64) -> Vec<Item> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut items = Vec::new();
    let mut beat_s = 0.0;
    for (second, bpm) in rate_bpm.iter().enumerate() {
        let mut bytes = vec![0x16, bpm.round() as u8];
        while beat_s < second as f64 + 1.0 {
            let scatter = Normal::new(1.0, SCATTER).map_or(1.0, |n| n.sample(&mut rng));
            let interval_s = 60.0 / bpm * scatter;
            beat_s += interval_s;
            bytes.extend(((interval_s * 1024.0).round() as u16).to_le_bytes());
        }
        let arrival_s = second as f64 + 1.0 + rng.random_range(0.005..0.03);
        items.push(packet(device, heart_rate::MEASUREMENT, arrival_s, bytes));
        if second % 60 == 3 {
            items.push(packet(
                device,
                heart_rate::BATTERY_LEVEL,
                arrival_s + 0.01,
                vec![87],
            ));
        }
    }
    items
}

fn packet(
    device: DeviceIndex,
    characteristic: crate::model::packet::Uuid,
    at_s: f64,
    bytes: Vec<u8>,
) -> Item {
    Item::Packet(Packet {
        device,
        characteristic,
        host: HostNs((at_s * 1e9) as i64),
        bytes: bytes.into(),
    })
}
