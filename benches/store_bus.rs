//! From published to stored, with CPU time: samples of six sensors at their top rates through a real Mosquitto into the
//! embedded store, and from there on into VictoriaMetrics. `cargo bench --bench store_bus`; beside consumers in Python in
//! the same run: `tests/bench/store.sh`.
//!
//! Every consumer is a process of its own and receives the same messages of the same broker at the same time. One line
//! each: `name samples cpu_s samples_per_cpu_s wall_s`. Simulated samples.

#![allow(clippy::unwrap_used, reason = "a bench may stop")]

#[path = "../tests/six/mod.rs"]
mod six;

use plimsoll::{
    daemon::{hub, link::Link, outgoing::Outgoing},
    mqtt::BusConfig,
    pipeline::{batch, delivery::REACH},
    store::{self, Store, influx::Target},
    wire::{
        payload::{self, Announcement},
        topic::{Part, Subject, Topic},
    },
};
use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::sleep,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// Seconds of the session.
const SECONDS: i64 = 120;
/// Role, port of the broker, folder, port of VictoriaMetrics.
const ROLE: &str = "PLIMSOLL_BENCH_ROLE";
/// The interpreter that runs `tests/bench/consumer.py`.
const PYTHON: &str = "PLIMSOLL_BENCH_PYTHON";

fn main() {
    let role = env::var(ROLE).unwrap_or_default();
    let words: Vec<&str> = role.split(' ').collect();
    match words[..] {
        ["publish", broker] => runtime().block_on(publish(broker.parse().unwrap())),
        ["consume", broker, dir, samples, victoria] => {
            let victoria: u16 = victoria.parse().unwrap();
            let target = (victoria != 0).then_some(victoria);
            runtime().block_on(consume(
                broker.parse().unwrap(),
                Path::new(dir),
                samples.parse().unwrap(),
                target,
            ));
        }
        _ => orchestrate(),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().unwrap()
}

fn windows() -> Vec<plimsoll::model::window::Window> {
    let mut all = Vec::new();
    batch::windows(&six::header(), &six::items(SECONDS), |w| {
        all.push(w.clone());
    })
    .unwrap();
    all
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A process that ends with the bench.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn service(program: &str, arguments: &[&str], port: u16) -> Service {
    let child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let service = Service(child.unwrap_or_else(|e| panic!("start {program}: {e}")));
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        sleep(Duration::from_millis(50));
    }
    service
}

fn ourselves(role: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(ROLE, role).stdout(Stdio::piped());
    command
}

/// A process and the name it is measured under.
type Measured = (&'static str, Child, BufReader<std::process::ChildStdout>);

fn begun(name: &'static str, command: &mut Command) -> Measured {
    let mut child = command.spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "ready", "{name}");
    (name, child, said)
}

fn orchestrate() {
    let windows = windows();
    let batches = windows.iter().flat_map(|w| &w.batches);
    let samples: usize = batches.map(|b| b.samples.len()).sum();
    let dir = tempfile::tempdir().unwrap();
    let (broker, victoria) = (free_port(), free_port());
    let config = dir.path().join("mosquitto.conf");
    let text = format!(
        "listener {broker} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_queued_bytes 0\n"
    );
    fs::write(&config, text).unwrap();
    let _broker = service("mosquitto", &["-c", config.to_str().unwrap()], broker);
    let storage = format!("-storageDataPath={}", dir.path().join("victoria").display());
    let listen = format!("-httpListenAddr=127.0.0.1:{victoria}");
    let arguments = [listen.as_str(), &storage, "-retentionPeriod=100y"];
    let _victoria = service("victoria-metrics", &arguments, victoria);
    println!("name samples cpu_s samples_per_cpu_s wall_s");
    let consume = |name: &str, port: u16| {
        let folder = dir.path().join(name);
        ourselves(&format!(
            "consume {broker} {} {samples} {port}",
            folder.display()
        ))
    };
    let mut all = vec![
        begun("embedded", &mut consume("embedded", 0)),
        begun("victoria_metrics", &mut consume("victoria", victoria)),
    ];
    if let Ok(python) = env::var(PYTHON) {
        for (name, kind) in [("python_points", "points"), ("python_lines", "lines")] {
            let mut command = Command::new(&python);
            command
                .arg(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/tests/bench/consumer.py"
                ))
                .args([
                    kind,
                    &broker.to_string(),
                    &victoria.to_string(),
                    &samples.to_string(),
                ])
                .stdout(Stdio::piped());
            all.push(begun(name, &mut command));
        }
    }
    let mut publisher = ourselves(&format!("publish {broker}")).spawn().unwrap();
    for (name, child, said) in &mut all {
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(child.wait().unwrap().success(), "{name}");
        let figures: Vec<f64> = line
            .split_whitespace()
            .map(|w| w.parse().unwrap())
            .collect();
        let [cpu_s, wall_s] = figures[..] else {
            panic!("{name}: {line}");
        };
        println!(
            "{name} {samples} {cpu_s:.2} {:.0} {wall_s:.1}",
            samples as f64 / cpu_s
        );
    }
    assert!(publisher.wait().unwrap().success());
    sizes(&windows, samples, dir.path());
}

/// Bytes a sample on the wire and on the disk.
fn sizes(windows: &[plimsoll::model::window::Window], samples: usize, dir: &Path) {
    let session = six::header().session;
    let mut wire = 0;
    for window in windows {
        for (subject, bytes) in Outgoing::new(window).unwrap().messages {
            let topic = Topic::new(session.clone(), subject).unwrap().to_string();
            // Fixed header, lengths, packet id.
            wire += bytes.len() + topic.len() + 7;
        }
    }
    let of = |bytes: u64| bytes as f64 / samples as f64;
    let folder = dir.join("embedded");
    let database = store::size(&folder).unwrap();
    let mut store = Store::open(&folder).unwrap();
    store.close(&session).unwrap();
    store.compact(&session).unwrap();
    let files = store.stats().unwrap().files_bytes;
    println!(
        "bytes a sample: {:.1} on the wire, {:.1} in the database while it comes in, {:.1} in Parquet",
        of(wire as u64),
        of(database),
        of(files)
    );
}

/// Every window of the session, as far ahead of the slower of our stores as a gateway would be.
async fn publish(broker: u16) {
    let bus = BusConfig::to(([127, 0, 0, 1], broker).into());
    let header = six::header();
    let session = header.session.clone();
    let mut link = Link::visit(&bus, "publisher", &[Part::Ack], Some(&session))
        .await
        .unwrap();
    let announcement = Announcement {
        header,
        plan_text: None,
    };
    let bytes = payload::encode_announcement(&announcement).unwrap();
    link.publish(&session, Subject::Session, bytes)
        .await
        .unwrap();
    let stop = CancellationToken::new();
    // By the run of each of our two stores.
    let mut stored: BTreeMap<u64, u64> = BTreeMap::new();
    for window in windows() {
        while stored.len() < 2
            || window.manifest.index >= stored.values().min().unwrap() + REACH / 2
        {
            let (_, bytes) = link.next(&stop).await.unwrap();
            let ack = payload::decode_ack(&bytes).unwrap();
            stored.insert(ack.run, ack.windows);
        }
        for (subject, bytes) in Outgoing::new(&window).unwrap().messages {
            link.publish(&session, subject, bytes).await.unwrap();
        }
    }
    link.flush(Duration::from_secs(60)).await.unwrap();
}

/// Stores until all samples are stored, and have gone to VictoriaMetrics if there is one.
async fn consume(broker: u16, dir: &Path, samples: u64, victoria: Option<u16>) {
    let bus = BusConfig::to(([127, 0, 0, 1], broker).into());
    let name = if victoria.is_some() {
        "store-influx"
    } else {
        "store"
    };
    let parts = [Part::Session, Part::Samples, Part::Window, Part::Event];
    let link = Link::connect(&bus, name, &parts, None).await.unwrap();
    let config = store::Config {
        dir: PathBuf::from(dir),
        influx: victoria.map(|port| Target {
            url: format!("http://127.0.0.1:{port}"),
            org: String::new(),
            bucket: "bench".to_owned(),
            token_file: None,
            ca: None,
        }),
        ..store::Config::default()
    };
    let store = Arc::new(Mutex::new(Store::open(dir).unwrap()));
    let stop = CancellationToken::new();
    let storing = tokio::spawn(hub::store(link, store, config.clone(), stop.clone()));
    let sending = tokio::spawn(hub::forward(config, stop.clone()));
    let watch = Store::open(dir).unwrap();
    println!("ready");
    let mut begin = None;
    loop {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let stats = watch.stats().unwrap();
        if stats.samples_in_database > 0 {
            begin.get_or_insert_with(Instant::now);
        }
        if stats.samples_in_database == samples && stats.samples_waiting == 0 {
            break;
        }
    }
    let wall_s = begin.unwrap().elapsed().as_secs_f64();
    println!("{} {wall_s}", cpu_s());
    stop.cancel();
    let _ = tokio::join!(storing, sending);
}

/// CPU time of this process so far, s.
fn cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let ticks = |i: usize| -> f64 { after_name.split(' ').nth(i).unwrap().parse().unwrap() };
    // Fields 14 and 15 of proc(5), in hundredths of a second.
    (ticks(11) + ticks(12)) / 100.0
}
