//! Six sensors at their top rates, as packets: three optical ones (acceleration and angular rate apart, 416 Hz each,
//! compressed frames) and three counting ones (200 Hz, a notification a sample), over links of 5 to 50 ms with stalls of
//! 0.4 s; sets of 60 s with pauses of 30 s. Simulated.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "helpers of tests, of which each test uses some"
)]

use plimsoll::{
    decode::{polar, witmotion},
    model::{
        body::Segment,
        command::{Command, SetRole, StopReason},
        packet::{DeviceIndex, Packet, Uuid},
        plan::TrainingSide,
        session::{Origin, Sensor, SessionHeader, SessionId},
        time::HostNs,
    },
    wire::recording::Item,
};
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::f64::consts::TAU;

pub const MS: i64 = 1_000_000;
pub const SECOND: i64 = 1000 * MS;
const FAST_HZ: f64 = 416.0;
const COUNTING_HZ: f64 = 200.0;
/// One frame of 8-bit differences fills a notification of 244 bytes.
const FRAME: u64 = 72;
pub const CYCLE_S: i64 = 90;
pub const SET_S: i64 = 60;
const SEGMENTS: [Segment; 6] = [
    Segment::ThighL,
    Segment::ThighR,
    Segment::FootL,
    Segment::ShankL,
    Segment::ShankR,
    Segment::FootR,
];

/// A session of the six, without plan and baselines.
pub fn header() -> SessionHeader {
    let sensors = SEGMENTS.iter().enumerate().map(|(i, segment)| Sensor {
        alias: format!("imu{i}"),
        driver: if i < 3 { "polar" } else { "witmotion" }.to_owned(),
        segment: *segment,
        confirmed_by: "test".to_owned(),
        nominal_hz: if i < 3 { FAST_HZ } else { COUNTING_HZ },
    });
    SessionHeader {
        schema: "1".to_owned(),
        session: SessionId("soak".to_owned()),
        client: "c".to_owned(),
        origin: Origin::Simulated,
        started_at: String::new(),
        started_host: HostNs(0),
        sensors: sensors.collect(),
        plan_sha256: None,
        plan_label: None,
        baselines: Vec::new(),
        software: String::new(),
        library_sha256: String::new(),
    }
}

/// A repetition of four seconds during sets, still else: acceleration in g, angular rate in deg/s.
fn moved(t_s: f64) -> ([f64; 3], [f64; 3]) {
    let in_set = t_s % CYCLE_S as f64;
    let (angle, rate) = if (2.0..SET_S as f64 - 2.0).contains(&in_set) {
        let phase = TAU * (in_set - 2.0) / 4.0;
        (
            0.7 * (1.0 - phase.cos()),
            0.7 * TAU / 4.0 * phase.sin().to_degrees(),
        )
    } else {
        (0.0, 0.0)
    };
    ([angle.sin(), 0.0, angle.cos()], [0.0, -rate, 0.0])
}

/// One sensor and its link, which delivers in order.
pub struct Source {
    pub device: u16,
    /// Samples sent so far.
    pub sent: u64,
    rng: ChaCha8Rng,
    /// When its next packets arrive.
    pub next: HostNs,
}

impl Source {
    pub fn new(device: u16) -> Self {
        let mut source = Self {
            device,
            sent: 0,
            rng: ChaCha8Rng::seed_from_u64(device.into()),
            next: HostNs(0),
        };
        source.schedule();
        source
    }

    const fn of_a_frame(&self) -> u64 {
        if self.device < 3 { FRAME } else { 1 }
    }

    fn time_s(&self, sample: u64) -> f64 {
        sample as f64
            / if self.device < 3 {
                FAST_HZ
            } else {
                COUNTING_HZ
            }
    }

    fn schedule(&mut self) {
        let measured = (self.time_s(self.sent + self.of_a_frame()) * 1e9) as i64;
        let stall = if self.rng.random::<f64>() < 0.0005 {
            400 * MS
        } else {
            0
        };
        let latency = self.rng.random_range(5 * MS..50 * MS) + stall;
        self.next = HostNs(self.next.0.max(measured + latency));
    }

    fn packet(&self, characteristic: Uuid, bytes: Vec<u8>) -> Packet {
        Packet {
            device: DeviceIndex(self.device),
            characteristic,
            host: self.next,
            bytes: bytes.into(),
        }
    }

    pub fn send(&mut self, out: &mut Vec<Packet>) {
        if self.device < 3 {
            out.push(self.packet(polar::DATA, self.compressed(2)));
            out.push(self.packet(polar::DATA, self.compressed(5)));
        } else {
            out.push(self.packet(witmotion::NOTIFY, self.counted()));
        }
        self.sent += self.of_a_frame();
        self.schedule();
    }

    /// A reference and 8-bit differences; the stamp is the last sample's.
    fn compressed(&self, measurement: u8) -> Vec<u8> {
        let raw = |i: u64| {
            let (acceleration, rate) = moved(self.time_s(i + 1));
            let (values, unit) = if measurement == 2 {
                (acceleration, 4096.0)
            } else {
                (rate, 16.384)
            };
            values.map(|v: f64| (v * unit).round() as i32)
        };
        let stamp = SECOND + (self.time_s(self.sent + FRAME) * 1e9) as i64;
        let mut bytes = vec![measurement];
        bytes.extend(stamp.to_le_bytes());
        bytes.push(0x80);
        let mut before = raw(self.sent);
        bytes.extend(
            before
                .iter()
                .flat_map(|v| i16::try_from(*v).unwrap().to_le_bytes()),
        );
        bytes.extend([8, (FRAME - 1) as u8]);
        for i in 1..FRAME {
            let now = raw(self.sent + i);
            bytes.extend(
                now.iter()
                    .zip(before)
                    .flat_map(|(a, b)| i8::try_from(a - b).unwrap().to_le_bytes()),
            );
            before = now;
        }
        bytes
    }

    fn counted(&self) -> Vec<u8> {
        let (acceleration, rate) = moved(self.time_s(self.sent + 1));
        let mut bytes = vec![0x55, 0x61];
        let values = acceleration
            .map(|v| v / 16.0)
            .into_iter()
            .chain(rate.map(|v| v / 2000.0))
            .chain([0.0; 3]);
        bytes.extend(values.flat_map(|v| ((v * 32767.0).round() as i16).to_le_bytes()));
        bytes
    }
}

/// The command that is due at each boundary of sets and pauses.
pub fn command(number: i64) -> (HostNs, Command) {
    let start = number / 2 * CYCLE_S;
    if number % 2 == 0 {
        let command = Command::StartSet {
            exercise: "squat".to_owned(),
            side: TrainingSide::Both,
            role: SetRole::Working,
            load_kg: None,
        };
        (HostNs(start * SECOND), command)
    } else {
        let reason = StopReason::Completed;
        (HostNs((start + SET_S) * SECOND), Command::EndSet { reason })
    }
}

/// All six and the commands, in the order of arrival, until `seconds` after the beginning.
pub fn items(seconds: i64) -> Vec<Item> {
    let mut sources: Vec<Source> = (0..6).map(Source::new).collect();
    let mut items = Vec::new();
    let (mut packets, mut commands) = (Vec::new(), 0);
    loop {
        let first = sources.iter_mut().min_by_key(|s| s.next).unwrap();
        if first.next.0 > seconds * SECOND {
            return items;
        }
        while command(commands).0 <= first.next {
            let (host, command) = command(commands);
            items.push(Item::Command(host, command));
            commands += 1;
        }
        first.send(&mut packets);
        items.extend(packets.drain(..).map(Item::Packet));
    }
}
