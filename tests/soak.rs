//! Six sensors at their top rates through decoder, clocks, windows, analysis and recorder: no sample is
//! lost and memory stays where it was.
//!
//! 75 simulated minutes without the recorder, then with it: its container keeps an index of
//! the chunks written so far, ten a second, until the file is ended. `PLIMSOLL_SOAK_MIN` asks for another time.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside #[test] functions"
)]

mod six;

use plimsoll::{
    daemon::clock::host_now,
    model::{
        event::{Event, Numbered},
        sample::{Quality, StreamId},
        session::TechKind,
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
use six::{CYCLE_S, SECOND, Source, command, header};
use std::{collections::BTreeMap, fs};

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
            Item::Time(host) => self.ingest.advance(host, &mut self.windows),
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
        recorder: recorded.then(|| {
            Recorder::create(&dir.path().join("soak.mcap"), &header, None, host_now).unwrap()
        }),
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
