//! Six sensors at their top rates through decoder, clocks, windows, analysis and recorder: no sample is
//! lost and memory stays where it was.
//!
//! Three optical sensors (acceleration and angular rate apart, 416 Hz each, compressed frames) and three
//! counting ones (200 Hz, a notification a sample) over links of 5 to 50 ms with stalls of 0.4 s; sets of 60 s
//! with pauses of 30 s. 75 simulated minutes without the recorder, then with it: its container keeps an index of
//! the chunks written so far, ten a second, until the file is ended. `PLIMSOLL_SOAK_MIN` asks for another time.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside #[test] functions"
)]

use plimsoll::{
    decode::{polar, witmotion},
    model::{
        body::Segment,
        command::{Command, SetRole, StopReason},
        event::{Event, Numbered},
        packet::{DeviceIndex, Packet, Uuid},
        plan::TrainingSide,
        sample::{Quality, StreamId},
        session::{Origin, Sensor, SessionHeader, SessionId, TechKind},
        time::HostNs,
        window::Window,
    },
    pipeline::{
        analysis::{Analysis, Params},
        ingest::Ingest,
    },
    source::recorder::Recorder,
    wire::recording::Item,
};
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::{collections::BTreeMap, f64::consts::TAU, fs};

const MS: i64 = 1_000_000;
const SECOND: i64 = 1000 * MS;
const FAST_HZ: f64 = 416.0;
const COUNTING_HZ: f64 = 200.0;
/// One frame of 8-bit differences fills a notification of 244 bytes.
const FRAME: u64 = 72;
const CYCLE_S: i64 = 90;
const SET_S: i64 = 60;
const SEGMENTS: [Segment; 6] = [
    Segment::ThighL,
    Segment::ThighR,
    Segment::FootL,
    Segment::ShankL,
    Segment::ShankR,
    Segment::FootR,
];

fn header() -> SessionHeader {
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
struct Source {
    device: u16,
    sent: u64,
    rng: ChaCha8Rng,
    next: HostNs,
}

impl Source {
    fn new(device: u16) -> Self {
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

    fn send(&mut self, out: &mut Vec<Packet>) {
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

/// What came out.
#[derive(Default)]
struct Arrived {
    next: BTreeMap<StreamId, u64>,
    measured: BTreeMap<StreamId, u64>,
    after_gap: u64,
    reps: usize,
    sets: usize,
    lost: Vec<TechKind>,
}

impl Arrived {
    fn take(&mut self, window: &Window) {
        for batch in &window.batches {
            let next = self.next.entry(batch.stream).or_default();
            assert_eq!(batch.first_sequence, *next, "{:?}", batch.stream);
            *next += batch.samples.len() as u64;
            let has = |q| batch.samples.iter().filter(|s| s.quality.has(q)).count() as u64;
            let filled = has(Quality::INTERPOLATED);
            *self.measured.entry(batch.stream).or_default() += batch.samples.len() as u64 - filled;
            self.after_gap += has(Quality::AFTER_GAP);
        }
        self.lost
            .extend(window.manifest.tech.iter().map(|t| t.kind.clone()));
    }

    fn hear(&mut self, said: &mut Vec<Numbered>) {
        for numbered in said.drain(..) {
            match numbered.event {
                Event::Rep(_) => self.reps += 1,
                Event::Set(_) => self.sets += 1,
                _ => {}
            }
        }
    }
}

/// The whole chain.
struct Chain {
    ingest: Ingest,
    analysis: Analysis,
    /// None: memory without the recording's index.
    recorder: Option<Recorder>,
    windows: Vec<Window>,
    said: Vec<Numbered>,
    arrived: Arrived,
}

impl Chain {
    fn take(&mut self, item: Item) {
        if let Some(recorder) = &mut self.recorder {
            recorder.item(&item).unwrap();
        }
        match item {
            Item::Packet(packet) => self.ingest.packet(&packet, &mut self.windows),
            Item::Command(host, command) => self.ingest.command(host, command, &mut self.windows),
            Item::Link(host, event) => self.ingest.link(host, &event, &mut self.windows),
        }
        self.judge();
    }

    fn judge(&mut self) {
        for window in self.windows.drain(..) {
            self.arrived.take(&window);
            self.analysis.push(&window, &mut self.said);
            self.arrived.hear(&mut self.said);
            self.ingest.recycle(window);
        }
    }
}

/// The command that is due at each boundary of sets and pauses.
fn command(number: i64) -> (HostNs, Command) {
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

fn resident_mib() -> f64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0 / (1024.0 * 1024.0)
}

/// User and system time of this process; the kernel counts hundredths.
fn cpu_s() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split(' ').collect();
    (fields[12].parse::<f64>().unwrap() + fields[13].parse::<f64>().unwrap()) / 100.0
}

fn nothing_is_lost(chain: &Chain, sources: &[Source]) {
    let arrived = &chain.arrived;
    for (source, stats) in sources.iter().zip(chain.ingest.stats()) {
        let of = |s: &&StreamId| s.device.0 == source.device;
        let got: u64 = arrived
            .measured
            .iter()
            .filter(|(s, _)| of(s))
            .map(|(_, n)| n)
            .sum();
        println!(
            "device {}: sent {}, got {got}, {stats:?}",
            source.device, source.sent
        );
        assert_eq!(got, source.sent, "device {}", source.device);
        assert_eq!(
            (stats.undecodable, stats.ignored_bytes, stats.dropped),
            (0, 0, 0)
        );
    }
    assert_eq!(arrived.after_gap, 0, "false gaps");
    assert!(arrived.lost.is_empty(), "{:?}", arrived.lost);
    assert!(arrived.reps > 0);
}

/// The chunk index of a recording: 600 chunks a minute.
const INDEX_MIB_A_MIN: f64 = 0.35;

#[test]
fn six_sensors_at_their_top_rates_lose_nothing_and_memory_stays() {
    let minutes: i64 = std::env::var("PLIMSOLL_SOAK_MIN").map_or(75, |m| m.parse().unwrap());
    let grown = soak(minutes, false);
    assert!(grown < 4.0, "memory grew by {grown:.1} MiB");
    let grown = soak(minutes, true);
    let index = INDEX_MIB_A_MIN * minutes as f64;
    assert!(
        grown < 4.0 + index,
        "memory grew by {grown:.1} MiB, of which the index of the recording may be {index:.1}"
    );
}

/// Growth of the resident memory from 10 simulated minutes on, MiB.
fn soak(minutes: i64, recorded: bool) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let header = header();
    let mut chain = Chain {
        ingest: Ingest::new(&header).unwrap(),
        analysis: Analysis::new(&Params::default(), &header, None),
        recorder: recorded
            .then(|| Recorder::create(&dir.path().join("soak.mcap"), &header, None).unwrap()),
        windows: Vec::new(),
        said: Vec::new(),
        arrived: Arrived::default(),
    };
    let mut sources: Vec<Source> = (0..6).map(Source::new).collect();
    let (mut packets, mut commands, mut at) = (Vec::new(), 0, HostNs(0));
    let (mut settled_mib, mut most_mib, mut looked_min) = (0.0, 0.0_f64, 0);
    let begin_cpu_s = cpu_s();
    while at.0 < minutes * 60 * SECOND {
        let source = sources.iter_mut().min_by_key(|s| s.next).unwrap();
        at = source.next;
        while command(commands).0 <= at {
            let (host, command) = command(commands);
            chain.take(Item::Command(host, command));
            commands += 1;
        }
        source.send(&mut packets);
        for packet in packets.drain(..) {
            chain.take(Item::Packet(packet));
        }
        let minute = at.0 / (60 * SECOND);
        if minute > looked_min {
            looked_min = minute;
            most_mib = most_mib.max(resident_mib());
            if minute == 10 {
                settled_mib = most_mib;
            }
        }
    }
    chain.ingest.finish(at, &mut chain.windows);
    chain.judge();
    chain.analysis.finish(&mut chain.said);
    chain.arrived.hear(&mut chain.said);
    let used_s = cpu_s() - begin_cpu_s;
    let file = dir.path().join("soak.mcap");
    let items = chain.recorder.take().map(|r| {
        let items = r.finish().unwrap().items;
        (items, std::fs::metadata(&file).unwrap().len() / 1_000_000)
    });
    let arrived = &chain.arrived;
    println!(
        "{minutes} min: (items, MB) {items:?}, {} samples, {} reps, {} sets; CPU {used_s:.1} s, {:.2} % of one core; \
         resident {settled_mib:.1} MiB after 10 min, at most {most_mib:.1} MiB, {:.1} MiB at the end",
        arrived.measured.values().sum::<u64>(),
        arrived.reps,
        arrived.sets,
        100.0 * used_s / (minutes * 60) as f64,
        resident_mib()
    );
    nothing_is_lost(&chain, &sources);
    assert!(arrived.sets as i64 >= minutes * 60 / CYCLE_S);
    if minutes < 10 {
        0.0
    } else {
        most_mib - settled_mib
    }
}
