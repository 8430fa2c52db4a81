//! The program under test with two phones, and what came out of it.

use crate::port::free_port;
use plimsoll::{
    model::{
        event::{Event, Numbered},
        link::LinkChange,
        sample::StreamKind,
    },
    pipeline::{analysis::Params, batch},
    store::Store,
    wire::recording::{self, Item, Recording as Recorded},
};
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A machine without any Bluetooth, without even a system bus.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere");
    command
}

/// A configuration with or without the two phones.
pub fn configuration(dir: &Path, web: &str, bus: u16, broker: Option<u16>, phones: bool) -> String {
    let bus = match broker {
        Some(port) => format!("url = \"mqtt://127.0.0.1:{port}\""),
        None => format!("listen = \"127.0.0.1:{bus}\""),
    };
    let sensor = |place: &str| {
        format!(
            "[[sensors]]\nalias = \"{place}\"\ndriver = \"sensor_logger\"\nid = \"{place}-id\"\nsegment = \"{place}_r\"\nconfirmed_by = \"bench\"\n"
        )
    };
    let sensors = if phones {
        sensor("thigh") + &sensor("shank")
    } else {
        String::new()
    };
    let store = dir.join("store").display().to_string();
    format!("[store]\ndir = \"{store}\"\n[bus]\n{bus}\n[web]\nlisten = \"{web}\"\n{sensors}")
}

pub struct Daemon {
    child: Child,
    folder: TempDir,
    pub http: SocketAddr,
}

impl Daemon {
    /// A session of the two phones.
    pub fn run(broker: Option<u16>) -> Self {
        Self::start(broker, true)
    }

    pub fn without_sensors() -> Self {
        Self::start(None, false)
    }

    fn start(broker: Option<u16>, phones: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let http = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let text = configuration(
            folder.path(),
            &http.to_string(),
            free_port(),
            broker,
            phones,
        );
        let config = folder.path().join("plimsoll.toml");
        fs::write(&config, text).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = program()
            .args(["run", "--client", "C-1", "--record"])
            .arg(folder.path().join("session.mcap"))
            .arg("--config")
            .arg(config)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut daemon = Self {
            child,
            folder,
            http,
        };
        daemon.wait("the page is there", |d| TcpStream::connect(d.http).is_ok());
        if phones {
            daemon.wait("the session runs", |d| d.ask(&["sensors"]).is_ok());
        }
        daemon
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("plimsoll.toml")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub fn tell(&self, words: &[&str]) {
        let said = self.ask(words);
        assert!(said.is_ok(), "{words:?}: {said:?}\n{}", self.log());
    }

    /// What `tell` prints, or why it failed.
    pub fn ask(&self, words: &[&str]) -> Result<String, String> {
        let told = program()
            .arg("tell")
            .args(words)
            .arg("--config")
            .arg(self.config())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if told.status.success() {
            Ok(text(&told.stdout))
        } else {
            Err(text(&told.stderr))
        }
    }

    pub fn pause(&mut self, seconds: f64) {
        sleep(Duration::from_secs_f64(seconds));
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "{ended:?}\n{}", self.log());
    }

    pub fn wait(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let from = Instant::now();
        while !holds(self) {
            let ended = self.child.try_wait().unwrap();
            assert!(
                from.elapsed() < Duration::from_secs(30) && ended.is_none(),
                "{what}: not within 30 s (ended: {ended:?})\n{}",
                self.log()
            );
            sleep(Duration::from_millis(50));
        }
    }

    /// Ctrl-C; then what it stored must be what comes out of its recording.
    pub fn stop(mut self) -> Outcome {
        interrupt(&mut self.child, &self.folder.path().join("log"));
        let recorded =
            recording::read(&fs::read(self.folder.path().join("session.mcap")).unwrap()).unwrap();
        assert!(recorded.complete, "{:?}", recorded.damage);
        let store = Store::open(&self.folder.path().join("store")).unwrap();
        let stored: Vec<Numbered> = store.events(&recorded.header.session).unwrap();
        let mut again =
            batch::analyse(&Params::default(), &recorded.header, None, &recorded.items).unwrap();
        again.retain(|n| !matches!(n.event, Event::Live(_)));
        assert_eq!(stored, again, "a replay says the same");
        Outcome {
            log: self.log(),
            events: stored.into_iter().map(|n| n.event).collect(),
            recorded,
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn interrupt(child: &mut Child, log: &Path) {
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let from = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(from.elapsed() < Duration::from_secs(30), "does not stop");
        sleep(Duration::from_millis(20));
    };
    assert!(
        status.success(),
        "{status}\n{}",
        fs::read_to_string(log).unwrap()
    );
}

pub struct Outcome {
    pub log: String,
    pub events: Vec<Event>,
    recorded: Recorded,
}

impl Outcome {
    /// Changes of a phone's link.
    pub fn links(&self, device: u16) -> Vec<&'static str> {
        let of = |item: &Item| match item {
            Item::Link(_, event) if event.device.0 == device => Some(match event.change {
                LinkChange::Up => "up",
                LinkChange::Down { .. } => "down",
                LinkChange::Closed => "closed",
                LinkChange::Overflow { .. } => "overflow",
            }),
            _ => None,
        };
        self.recorded.items.iter().filter_map(of).collect()
    }

    /// Samples of a stream that came out.
    pub fn samples(&self, device: usize, kind: StreamKind) -> u64 {
        let mut samples = 0;
        batch::windows(&self.recorded.header, &self.recorded.items, |w| {
            let of = |b: &&plimsoll::model::window::Batch| {
                usize::from(b.stream.device.0) == device && b.stream.kind == kind
            };
            samples += w
                .batches
                .iter()
                .filter(of)
                .map(|b| b.samples.len() as u64)
                .sum::<u64>();
        })
        .unwrap();
        samples
    }
}

/// `plimsoll record` with the phones.
pub struct Recording {
    child: Child,
    folder: TempDir,
    pub http: SocketAddr,
}

impl Recording {
    pub fn start(seconds: f64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let http = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let config = folder.path().join("plimsoll.toml");
        fs::write(
            &config,
            configuration(folder.path(), &http.to_string(), 0, None, true),
        )
        .unwrap();
        let child = program()
            .args(["record", "--seconds", &seconds.to_string(), "--out"])
            .arg(folder.path().join("out.mcap"))
            .arg("--config")
            .arg(config)
            .spawn()
            .unwrap();
        Self {
            child,
            folder,
            http,
        }
    }

    /// Packets in it.
    pub fn end(mut self) -> usize {
        assert!(self.child.wait().unwrap().success());
        let recorded =
            recording::read(&fs::read(self.folder.path().join("out.mcap")).unwrap()).unwrap();
        let packets = recorded
            .items
            .iter()
            .filter(|i| matches!(i, Item::Packet(_)));
        packets.count()
    }
}

/// Status and text of the answer.
pub fn post(to: SocketAddr, header: &str, body: &str) -> (u16, String) {
    try_post(to, header, body).unwrap()
}

pub fn try_post(to: SocketAddr, header: &str, body: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let length = body.len();
    let head = format!(
        "POST /sensor-logger HTTP/1.1\r\nHost: gym-box.lan\r\nConnection: close\r\nContent-Type: application/json\r\n{header}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    // Too large a body may be refused before it is read.
    let _ = stream.write_all(body.as_bytes());
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok());
    let text = answer.split_once("\r\n\r\n").map_or("", |(_, text)| text);
    Ok((
        status.ok_or(std::io::ErrorKind::InvalidData)?,
        text.to_owned(),
    ))
}

/// Mosquitto on a free port.
pub fn mosquitto() -> (Broker, u16) {
    let port = free_port();
    let program = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
        .into_iter()
        .find(|p| Path::new(p).exists())
        .unwrap_or("mosquitto");
    let child = Command::new(program)
        .args(["-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start mosquitto (install the package mosquitto)");
    let broker = Broker(child);
    let from = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(from.elapsed() < Duration::from_secs(10), "no broker");
        sleep(Duration::from_millis(20));
    }
    (broker, port)
}

pub struct Broker(Child);

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
