//! Against VictoriaMetrics, which takes the same lines: what went there reads back to the last bit, a kill of it loses
//! nothing, and the commands reach it.

use crate::{
    port::free_port,
    six,
    stage::{self, id},
    truth,
    world::{Broker, Service, World, wait_for_port, wait_until},
};
use assert_cmd::Command as Program;
use plimsoll::{
    model::{session::SessionId, window::Window},
    pipeline::batch,
    store::{
        Settled, Store,
        influx::{
            Target,
            server::{Dialect, Server},
        },
    },
};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// Samples of one request, as the daemon has it.
const MOST: u64 = 5_000;

/// A server with its data in `dir`.
fn victoria(dir: &Path, port: u16) -> Service {
    let data = dir.join("victoria");
    let mut service = Service::new(
        "victoria-metrics (install the package victoria-metrics)",
        move || {
            let mut command = Command::new("victoria-metrics");
            command
                .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
                .arg(format!("-storageDataPath={}", data.display()))
                // Samples of years ago are taken.
                .args(["-retentionPeriod=100y", "-loggerLevel=ERROR"])
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command
        },
    );
    service.tend();
    wait_for_port(port);
    service
}

fn target(port: u16) -> Target {
    Target {
        url: format!("http://127.0.0.1:{port}"),
        org: String::new(),
        bucket: "gym".to_owned(),
        token_file: None,
        ca: None,
    }
}

/// Reads back until the server shows all it took.
fn settle(store: &mut Store, server: &mut Server, session: &SessionId) {
    let mut last = String::new();
    for _ in 0..20 {
        match store.settle(server, session).unwrap() {
            Settled::Moved => return,
            Settled::Stays(why) => last = why,
        }
        sleep(Duration::from_secs(1));
    }
    panic!("{last}");
}

fn per_s(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// Bytes of everything below a folder.
fn bytes(dir: &Path) -> u64 {
    plimsoll::store::size(dir).unwrap()
}

/// `PLIMSOLL_INFLUX_S` asks for another length than the short run's.
#[test]
fn a_session_of_six_sensors_reads_back_to_the_last_bit() {
    let seconds = std::env::var("PLIMSOLL_INFLUX_S").map_or(120, |s| s.parse().unwrap());
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut service = victoria(dir.path(), port);
    let mut header = six::header();
    header.started_at = "2026-08-07T10:00:00Z".to_owned();
    let session = header.session.clone();
    let mut windows: Vec<Window> = Vec::new();
    batch::windows(&header, &six::items(seconds), |w| windows.push(w.clone())).unwrap();
    let batches = windows.iter().flat_map(|w| &w.batches);
    let samples: u64 = batches.map(|b| b.samples.len() as u64).sum();
    let data = dir.path().join("store");
    let mut store = Store::open(&data).unwrap();
    store.begin(&header, None).unwrap();
    for windows in windows.chunks(600) {
        store.append(&session, windows, &[]).unwrap();
    }
    store.close(&session).unwrap();
    let mut server = Server::open(&target(port)).unwrap();
    assert_eq!(server.check().unwrap().dialect, Dialect::VictoriaMetrics);
    let begin = Instant::now();
    let mut sent = 0;
    while sent < samples {
        let done = store.forward(&mut server, MOST).unwrap();
        assert_eq!((done.trouble, done.kept_aside), (None, 0));
        sent += done.samples;
    }
    let sending = begin.elapsed();
    let begin = Instant::now();
    settle(&mut store, &mut server, &session);
    let settling = begin.elapsed();
    let stats = store.stats().unwrap();
    assert_eq!(
        (stats.samples_in_database, stats.samples_away),
        (0, samples)
    );
    let stored = store.windows(&session, 0, usize::MAX).unwrap();
    assert!(stored == windows, "windows made of what was read");
    service.end();
    let on_disk = bytes(&dir.path().join("victoria")) as f64 / samples as f64;
    println!(
        "VictoriaMetrics: {samples} samples of {seconds} s in {} windows read back to the last bit; sent at {:.0} \
         samples/s, read and compared at {:.0}, {on_disk:.1} bytes a sample on its disk",
        windows.len(),
        per_s(samples, sending),
        per_s(samples, settling),
    );
}

/// Killed in the middle of a session and away for a while: what it took and forgot is sent again.
#[test]
fn a_server_that_is_killed_in_the_middle_gets_everything_later() {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut service = victoria(dir.path(), port);
    let more = format!("[store.influx]\nurl = \"http://127.0.0.1:{port}\"\nbucket = \"gym\"\n");
    fs::write(dir.path().join("hub.more.toml"), more).unwrap();
    let world = World::start(dir.path(), Broker::Mosquitto, "influx-away", "20");
    let stats = || Store::open(&world.store()).and_then(|s| s.stats());
    wait_until("samples come", Duration::from_secs(30), || {
        stats().is_ok_and(|s| s.samples_in_database > 2_000)
    });
    service.kill();
    sleep(Duration::from_secs(2));
    wait_until("samples wait", Duration::from_secs(30), || {
        stats().is_ok_and(|s| s.samples_waiting > 500)
    });
    wait_until("the session is stored", Duration::from_secs(60), || {
        world.is_closed()
    });
    assert!(stats().unwrap().samples_waiting > 0, "{}", world.logs());
    service.tend();
    wait_for_port(port);
    wait_until("the samples have moved", Duration::from_secs(90), || {
        stats().is_ok_and(|s| s.samples_in_database == 0 && s.samples_away > 0)
    });
    let counts = truth::same(&world.store(), &world.recording());
    println!("server killed and away: {counts:?}, 0 lost, 0 doubled");
    // It ends as it should, too.
    let mut world = world;
    assert_eq!(world.hub.end(), Some(0));
    let logs = world.logs();
    assert!(!logs.contains("panicked"), "{logs}");
    assert!(
        logs.contains("samples wait in the store") && logs.contains("takes samples again"),
        "{logs}"
    );
}

fn plimsoll(arguments: &[&str]) -> String {
    let output = Program::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let wrong = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {said}{wrong}");
    said
}

#[test]
fn the_commands_move_verify_and_erase_what_is_there() {
    let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
    let mut service = victoria(dir.path(), port);
    let data = dir.path().join("store");
    let mut store = stage::stored(&data, "s1", 40);
    store.compact(&id("s1")).unwrap();
    drop(store);
    let config = dir.path().join("plimsoll.toml");
    let folder = data.to_str().unwrap();
    let text = format!(
        "[store]\ndir = \"{folder}\"\n[store.influx]\nurl = \"http://127.0.0.1:{port}\"\nbucket = \"gym\"\n"
    );
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let moved = plimsoll(&["store", "migrate", "--to", "influx", "--config", config]);
    assert!(
        moved.contains("1 sessions in bucket \"gym\" of http://127.0.0.1"),
        "{moved}"
    );
    let stats = plimsoll(&["store", "stats", "--data", folder]);
    assert!(stats.contains("samples at InfluxDB\t1640"), "{stats}");
    let whole = plimsoll(&["store", "verify", "--data", folder]);
    assert!(
        whole.contains("s1\twhole\t40 windows\t1640 samples"),
        "{whole}"
    );
    let out = dir.path().join("tables");
    plimsoll(&[
        "export",
        "s1",
        "--format",
        "csv",
        "--data",
        folder,
        "--out",
        out.to_str().unwrap(),
    ]);
    let table = fs::read_dir(&out).unwrap().count();
    assert!(table >= 5, "{table} tables");
    // Moving what is there changes nothing.
    let again = plimsoll(&["store", "migrate", "--to", "influx", "--config", config]);
    assert!(again.contains("1 sessions in bucket"), "{again}");
    let whole = plimsoll(&["store", "verify", "--data", folder]);
    assert!(
        whole.contains("s1\twhole\t40 windows\t1640 samples"),
        "{whole}"
    );
    // Back, and there again, for the erasing.
    let home = plimsoll(&["store", "migrate", "--to", "embedded", "--config", config]);
    assert!(home.contains("1 sessions in this folder"), "{home}");
    stage::assert_whole(&Store::open(&data).unwrap(), &id("s1"), 40);
    plimsoll(&["store", "migrate", "--to", "influx", "--config", config]);
    let erased = plimsoll(&["store", "erase", "c1", "--by", "pt-1", "--data", folder]);
    assert!(erased.contains("erased: 1 sessions"), "{erased}");
    let mut server = Server::open(&target(port)).unwrap();
    let day = 1_786_060_800_000;
    let left = server
        .read("s1", stage::imu(0), (day, day + 2 * 86_400_000))
        .unwrap();
    assert_eq!(left.len(), 0);
    service.kill();
    // Without the server: what is wrong, and that nothing moved.
    stage::stored(&data, "s2", 5);
    let output = Program::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["store", "migrate", "--to", "influx", "--config", config])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("does not answer"), "{said}");
}

/// `PLIMSOLL_TEST_INFLUX_URL`, `_TOKEN` (the token itself), `_ORG` and `_BUCKET` name a real server; without them there
/// is none to be asked.
#[test]
fn a_real_server_takes_and_gives_back() {
    let set = |name: &str| std::env::var(format!("PLIMSOLL_TEST_INFLUX_{name}")).ok();
    let Some(url) = set("URL") else {
        println!("no real InfluxDB 2: PLIMSOLL_TEST_INFLUX_URL is not set");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let token_file = dir.path().join("token");
    fs::write(&token_file, set("TOKEN").unwrap_or_default()).unwrap();
    let target = Target {
        url,
        org: set("ORG").unwrap_or_default(),
        bucket: set("BUCKET").unwrap_or_else(|| "plimsoll-test".to_owned()),
        token_file: set("TOKEN").map(|_| token_file),
        ca: None,
    };
    let mut server = Server::open(&target).unwrap();
    println!("{:?}", server.check().unwrap());
    let mut store = stage::stored(&dir.path().join("store"), "plimsoll-test", 600);
    let (sent, _) = store
        .move_to(&mut server, &id("plimsoll-test"), MOST, |_| {})
        .unwrap();
    assert_eq!((sent.trouble, sent.kept_aside), (None, 0));
    if store.stats().unwrap().samples_away == 0 {
        settle(&mut store, &mut server, &id("plimsoll-test"));
    }
    stage::assert_whole(&store, &id("plimsoll-test"), 600);
    assert!(store.bring_home(&id("plimsoll-test")).unwrap());
}
