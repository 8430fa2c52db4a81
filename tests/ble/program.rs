//! The program under test: a daemon or a recorder with configured sensors, its log, and what came out.

use super::bench::{Bench, Worn};
use crate::port::free_port;
use plimsoll::{
    model::{
        event::Event,
        link::LinkChange,
        packet::{DeviceIndex, Packet},
        session::SessionHeader,
        time::HostNs,
    },
    store::Store,
    wire::recording::{self, Item},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How often a scenario looks.
const LOOK: Duration = Duration::from_millis(20);

/// A running program.
pub struct Program {
    child: Child,
    folder: TempDir,
}

impl Program {
    /// The daemon, with a session of the sensors.
    pub fn run(bench: &dyn Bench, sensors: &[Worn]) -> Self {
        Self::start(bench, sensors, &["run", "--record"], |_| String::new())
    }

    /// The same, with what `prepare` says more of its store in the folder that it is given.
    pub fn run_with(
        bench: &dyn Bench,
        sensors: &[Worn],
        prepare: impl FnOnce(&Path) -> String,
    ) -> Self {
        Self::start(bench, sensors, &["run", "--record"], prepare)
    }

    /// Only the recorder.
    pub fn record(bench: &dyn Bench, sensors: &[Worn]) -> Self {
        Self::start(bench, sensors, &["record", "--out"], |_| String::new())
    }

    fn start(
        bench: &dyn Bench,
        sensors: &[Worn],
        command: &[&str],
        prepare: impl FnOnce(&Path) -> String,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        let more = prepare(&store);
        let places = format!(
            "[store]\ndir = \"{}\"\n{more}[bus]\nlisten = \"127.0.0.1:{}\"\n[web]\nlisten = \"127.0.0.1:0\"\n",
            store.display(),
            free_port(),
        );
        let config = sensors.iter().map(Worn::config);
        let file = folder.path().join("plimsoll.toml");
        fs::write(&file, places + &config.collect::<String>()).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .args(command)
            .arg(folder.path().join("session.mcap"))
            .args(["--client", "C-1", "--config"])
            .arg(file)
            .env("DBUS_SYSTEM_BUS_ADDRESS", bench.address())
            .env("RUST_LOG", "info")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    /// Gives the daemon an instruction.
    pub fn tell(&self, words: &[&str]) {
        let said = self.ask(words);
        assert!(said.is_ok(), "{words:?}: {said:?}\n{}", self.log());
    }

    /// What `tell` prints, or why it failed.
    pub fn ask(&self, words: &[&str]) -> Result<String, String> {
        let told = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .arg("tell")
            .args(words)
            .arg("--config")
            .arg(self.folder.path().join("plimsoll.toml"))
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if told.status.success() {
            Ok(text(&told.stdout))
        } else {
            Err(text(&told.stderr))
        }
    }

    /// Where its live page is, with a slash at the end.
    pub fn page(&self) -> String {
        let log = self.log();
        let said = log.lines().find_map(|l| l.strip_prefix("live page: "));
        said.unwrap_or_else(|| panic!("no page\n{log}")).to_owned()
    }

    /// The configuration as it is now.
    pub fn configuration(&self) -> String {
        fs::read_to_string(self.folder.path().join("plimsoll.toml")).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("session.mcap")
    }

    /// What it has said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Lets it do what it does.
    pub fn pause(&mut self, seconds: f64) {
        sleep(Duration::from_secs_f64(seconds));
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?}\n{}", self.log());
    }

    /// Waits until it holds; how long that took, s.
    pub fn wait(&mut self, what: &str, limit_s: f64, mut holds: impl FnMut(&Self) -> bool) -> f64 {
        let from = Instant::now();
        while !holds(self) {
            let waited = from.elapsed().as_secs_f64();
            let ended = self.child.try_wait().unwrap();
            assert!(
                waited < limit_s && ended.is_none(),
                "{what}: not within {waited:.1} s (ended: {ended:?})\n{}",
                self.log()
            );
            sleep(LOOK);
        }
        from.elapsed().as_secs_f64()
    }

    /// Waits until every sensor has sent something more; how long that took, s.
    pub fn wait_for_data(&mut self, bench: &dyn Bench, sensors: &[Worn], limit_s: f64) -> f64 {
        let before: Vec<u64> = sensors.iter().map(|s| bench.sent(&s.label)).collect();
        let all: Vec<&str> = sensors.iter().map(|s| s.label.as_str()).collect();
        self.wait(&format!("data of {all:?}"), limit_s, |_| {
            let mut both = sensors.iter().zip(&before);
            both.all(|(s, before)| bench.sent(&s.label) > *before)
        })
    }

    /// Ends it as a person would (Ctrl-C) and reads what it wrote.
    pub fn stop(self) -> Outcome {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-INT", &pid]).status().unwrap();
        assert!(told.success());
        let (outcome, code) = self.ends(30.0);
        assert_eq!(code, Some(0), "{}", outcome.log);
        outcome
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself; what it wrote, and its exit code.
    pub fn ends(mut self, limit_s: f64) -> (Outcome, Option<i32>) {
        let from = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                from.elapsed().as_secs_f64() < limit_s,
                "does not stop\n{}",
                self.log()
            );
            sleep(LOOK);
        };
        let recording = recording::read(&fs::read(self.file()).unwrap()).unwrap();
        assert!(recording.complete, "{:?}", recording.damage);
        let outcome = Outcome {
            log: self.log(),
            stopping_s: from.elapsed().as_secs_f64(),
            events: stored(&self.folder.path().join("store")),
            header: recording.header,
            items: recording.items,
        };
        (outcome, status.code())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came out.
pub struct Outcome {
    pub log: String,
    /// How long it took to stop.
    pub stopping_s: f64,
    /// What the store has of the session; nothing after a mere recording.
    pub events: Vec<Event>,
    pub header: SessionHeader,
    pub items: Vec<Item>,
}

impl Outcome {
    fn packets_of_all(&self) -> impl Iterator<Item = &Packet> {
        self.items.iter().filter_map(|item| match item {
            Item::Packet(packet) => Some(packet),
            _ => None,
        })
    }

    fn device(&self, label: &str) -> DeviceIndex {
        let mut devices = self.header.devices();
        devices.find(|(_, s)| s.alias == label).unwrap().0
    }

    pub fn packets(&self, label: &str) -> Vec<&Packet> {
        let device = self.device(label);
        self.packets_of_all()
            .filter(|p| p.device == device)
            .collect()
    }

    /// Times at which the sensor's connection began, or was lost.
    pub fn links(&self, label: &str, up: bool) -> Vec<HostNs> {
        let device = self.device(label);
        let of = |item: &Item| match item {
            Item::Link(host, event) if event.device == device => match event.change {
                LinkChange::Up => up.then_some(*host),
                LinkChange::Down { .. } => (!up).then_some(*host),
                LinkChange::Closed => None,
                LinkChange::Overflow { .. } => panic!("packets were lost in the queue"),
            },
            _ => None,
        };
        self.items.iter().filter_map(of).collect()
    }

    /// Gaps in the packets of a sensor longer than `least_s`: begin and length, s.
    pub fn gaps(&self, label: &str, least_s: f64) -> Vec<(HostNs, f64)> {
        let packets = self.packets(label);
        let pairs = packets.windows(2);
        pairs
            .map(|p| (p[0].host, (p[1].host.0 - p[0].host.0) as f64 * 1e-9))
            .filter(|(_, gap)| *gap > least_s)
            .collect()
    }

    /// Notifications (frames of a WitMotion sensor) that are missing by what the sensor counts in them.
    pub fn missing(&self, sensor: &Worn) -> u64 {
        let packets = self.packets(&sensor.label).into_iter();
        match sensor.driver {
            "heart_rate" => skipped(packets.filter_map(|p| counter(&p.bytes, 2))),
            "witmotion" => skipped(packets.flat_map(|p| {
                let frames = p.bytes.chunks_exact(20).filter(|f| f[1] == 0x61);
                frames.filter_map(|f| counter(f, 18)).collect::<Vec<_>>()
            })),
            _ => {
                let data = packets.filter(|p| p.bytes.first() == Some(&2));
                let ms = data
                    .map(|p| f64::from(u32::from_le_bytes(*p.bytes[2..].first_chunk().unwrap())));
                // Four samples a message, 52 a second.
                let ms: Vec<f64> = ms.collect();
                let steps = ms
                    .windows(2)
                    .map(|t| ((t[1] - t[0]) * 52.0 / 4000.0).round());
                steps.map(|step| step as u64 - 1).sum()
            }
        }
    }
}

fn counter(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Numbers left out of a count.
fn skipped(counters: impl Iterator<Item = u16>) -> u64 {
    let all: Vec<u16> = counters.collect();
    let steps = all
        .windows(2)
        .map(|c| c[1].wrapping_sub(c[0]).wrapping_sub(1));
    steps.map(u64::from).sum()
}

/// The events of the one session that a store holds.
fn stored(dir: &Path) -> Vec<Event> {
    if !dir.exists() {
        return Vec::new();
    }
    let store = Store::open(dir).unwrap();
    let sessions = store.sessions().unwrap();
    assert_eq!(sessions.len(), 1, "not one session");
    let session = &sessions[0].header.session;
    let report = store.verify(session).unwrap();
    assert!(report.problems.is_empty(), "{report:?}");
    let events = store.events(session).unwrap();
    events.into_iter().map(|e| e.event).collect()
}
