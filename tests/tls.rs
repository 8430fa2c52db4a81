//! A broker with TLS, passwords and access rules: the right ones work, each wrong one is a sentence, the same from
//! `run` and from `doctor`, with the exit code that is documented.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

use plimsoll::mqtt::{
    BusConfig, Config,
    probe::probe,
    publisher::Publisher,
    subscriber::{self, Stay},
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

/// Who signs: its certificate in a file, and what is signed with.
struct Authority(PathBuf, Issuer<'static, KeyPair>);

fn authority(dir: &Path, name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let file = dir.join(format!("{name}.pem"));
    fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
    Authority(file, Issuer::new(params, key))
}

/// A certificate for `host` and its key, as files; expired if so.
fn signed(dir: &Path, by: &Authority, name: &str, host: &str, expired: bool) -> (PathBuf, PathBuf) {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    if expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let files = (
        dir.join(format!("{name}.pem")),
        dir.join(format!("{name}.key")),
    );
    fs::write(&files.0, params.signed_by(&key, &by.1).unwrap().pem()).unwrap();
    fs::write(&files.1, key.serialize_pem()).unwrap();
    files
}

struct Mosquitto(Child, SocketAddr);

impl Mosquitto {
    /// A broker with these lines beside its listener's.
    fn start(dir: &Path, lines: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        Self::start_at(address, dir, lines)
    }

    fn start_at(address: SocketAddr, dir: &Path, lines: &str) -> Self {
        let port = address.port();
        let file = dir.join(format!("mosquitto-{port}.conf"));
        let user = "user root";
        fs::write(&file, format!("{user}\nlistener {port} 127.0.0.1\n{lines}")).unwrap();
        let program = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
            .into_iter()
            .find(|p| Path::new(p).exists())
            .unwrap_or("mosquitto");
        let child = Command::new(program)
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| {
                panic!("this test needs Mosquitto, install the package mosquitto: {e}")
            });
        let broker = Self(child, address);
        for _ in 0..500 {
            if TcpStream::connect(address).is_ok() {
                return broker;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("mosquitto does not answer on {address}");
    }

    fn url(&self, scheme: &str, host: &str) -> String {
        format!("{scheme}://{host}:{}", self.1.port())
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn listener((certificate, key): &(PathBuf, PathBuf), more: &str) -> String {
    let (certificate, key) = (certificate.display(), key.display());
    format!("certfile {certificate}\nkeyfile {key}\nallow_anonymous true\n{more}")
}

/// What is said of a broker that cannot be used; the program says the same and ends with code 1.
async fn sentence(config: &Config) -> String {
    let said = probe(&BusConfig::open(config).unwrap()).await;
    let said = said.unwrap_err().to_string();
    println!("{said}");
    assert!(said.contains(config.url.as_ref().unwrap()), "where: {said}");
    assert!(said.contains("expected"), "what instead: {said}");
    let folder = tempfile::tempdir().unwrap();
    let mut whole = plimsoll::config::Config {
        bus: config.clone(),
        ..Default::default()
    };
    whole.store.dir = folder.path().join("store");
    let file = folder.path().join("plimsoll.toml");
    fs::write(&file, toml::to_string(&whole).unwrap()).unwrap();
    let run = program(&["run"], &file);
    assert_eq!(run.0, Some(1), "{run:?}");
    // The topic of a probe has the number of its process in it.
    let same = said.split("probe-").next().unwrap();
    assert!(run.1.contains(same), "{run:?}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let (ours, other) = (authority(dir, "ours"), authority(dir, "other"));
    let server = signed(dir, &ours, "server", "localhost", false);
    let broker = Mosquitto::start(dir, &listener(&server, ""));
    let right = Config {
        url: Some(broker.url("mqtts", "localhost")),
        ca: Some(ours.0.clone()),
        ..Config::default()
    };
    probe(&BusConfig::open(&right).unwrap()).await.unwrap();
    let wrong = Config {
        ca: Some(other.0.clone()),
        ..right.clone()
    };
    let said = sentence(&wrong).await;
    assert!(
        said.contains("not signed by") && said.contains("other.pem"),
        "{said}"
    );
    let named = Config {
        url: Some(broker.url("mqtts", "127.0.0.1")),
        ..right.clone()
    };
    let said = sentence(&named).await;
    assert!(said.contains("not for 127.0.0.1"), "{said}");

    let stale = signed(dir, &ours, "stale", "localhost", true);
    let broker = Mosquitto::start(dir, &listener(&stale, ""));
    let expired = Config {
        url: Some(broker.url("mqtts", "localhost")),
        ..right.clone()
    };
    let said = sentence(&expired).await;
    assert!(said.contains("expired at 2021-01-01"), "{said}");

    let asks = format!("cafile {}\nrequire_certificate true\n", ours.0.display());
    let broker = Mosquitto::start(dir, &listener(&server, &asks));
    let without = Config {
        url: Some(broker.url("mqtts", "localhost")),
        ..right
    };
    let said = sentence(&without).await;
    assert!(said.contains("client certificate"), "{said}");
    let client = signed(dir, &ours, "client", "gym", false);
    let with = Config {
        certificate: Some(client.0),
        key: Some(client.1),
        ..without
    };
    probe(&BusConfig::open(&with).unwrap()).await.unwrap();
}

/// A broker that knows two users: one may write, one only reads.
fn guarded(dir: &Path) -> Mosquitto {
    let passwords = dir.join("passwords");
    fs::write(&passwords, "gym:right\nguest:right\n").unwrap();
    let hashed = Command::new("mosquitto_passwd")
        .arg("-U")
        .arg(&passwords)
        .status()
        .unwrap();
    assert!(hashed.success());
    let rules = dir.join("acl");
    let acl = "user gym\ntopic readwrite plimsoll/v1/#\nuser guest\ntopic read plimsoll/v1/#\n";
    fs::write(&rules, acl).unwrap();
    let lines = format!(
        "allow_anonymous false\npassword_file {}\nacl_file {}\n",
        passwords.display(),
        rules.display()
    );
    Mosquitto::start(dir, &lines)
}

/// While it runs, nothing that a broker does ends it: what was said is kept and goes when the right one is back.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_goes_bad_while_it_runs_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let ours = authority(dir, "ours");
    let good = listener(&signed(dir, &ours, "good", "localhost", false), "");
    let stale = listener(&signed(dir, &ours, "stale", "localhost", true), "");
    let broker = Mosquitto::start(dir, &good);
    let address = broker.1;
    let config = Config {
        url: Some(broker.url("mqtts", "localhost")),
        ca: Some(ours.0.clone()),
        ..Config::default()
    };
    let bus = BusConfig::open(&config).unwrap();
    let (sink, mut inbox) = tokio::sync::mpsc::channel(64);
    let filters = vec!["t".to_owned()];
    let listening = subscriber::subscribe(bus.named("in"), filters, Stay::Visit, sink)
        .await
        .unwrap();
    let publisher = Publisher::connect(bus.named("out")).await.unwrap();
    publisher.publish("t", vec![0], false).await.unwrap();
    publisher.flush(Duration::from_secs(5)).await.unwrap();
    assert_eq!(inbox.recv().await.unwrap().payload, [0]);
    drop(broker);
    let broker = Mosquitto::start_at(address, dir, &stale);
    let mut state = publisher.watch();
    let away = state.wait_for(|s| !s.connected);
    tokio::time::timeout(Duration::from_secs(10), away)
        .await
        .unwrap()
        .unwrap();
    for number in 1..=20 {
        publisher.publish("t", vec![number], false).await.unwrap();
    }
    let refused = publisher.flush(Duration::from_secs(2)).await;
    assert!(refused.is_err(), "nobody may take it");
    drop(broker);
    let _broker = Mosquitto::start_at(address, dir, &good);
    publisher.flush(Duration::from_secs(20)).await.unwrap();
    // The subscriber was away too, and comes back by itself.
    let comes = async {
        loop {
            publisher.publish("t", vec![99], false).await.unwrap();
            match tokio::time::timeout(Duration::from_millis(500), inbox.recv()).await {
                Ok(Some(message)) if message.payload == [99] => break,
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), comes)
        .await
        .unwrap();
    drop(listening);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_too_small_is_said_at_the_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let small = "allow_anonymous true\nmessage_size_limit 20000\n";
    let broker = Mosquitto::start(dir.path(), small);
    let config = Config {
        url: Some(broker.url("mqtt", "127.0.0.1")),
        ..Config::default()
    };
    let said = sentence(&config).await;
    assert!(
        said.contains("message of 65536 bytes") && said.contains("message_size_limit"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_what_they_may() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let broker = guarded(dir);
    let secret = |text: &str| {
        let file = dir.join(text);
        fs::write(&file, text).unwrap();
        Some(file)
    };
    let right = Config {
        url: Some(broker.url("mqtt", "127.0.0.1")),
        user: Some("gym".into()),
        password_file: secret("right"),
        ..Config::default()
    };
    probe(&BusConfig::open(&right).unwrap()).await.unwrap();
    let wrong = Config {
        password_file: secret("wrong"),
        ..right.clone()
    };
    let said = sentence(&wrong).await;
    assert!(said.contains("user gym or the password"), "{said}");
    let guest = Config {
        user: Some("guest".into()),
        ..right.clone()
    };
    let said = sentence(&guest).await;
    assert!(
        said.contains("ACL") && said.contains("user guest"),
        "{said}"
    );
    let nobody = Config {
        user: None,
        password_file: None,
        ..right
    };
    let said = sentence(&nobody).await;
    assert!(said.contains("whoever gives no user"), "{said}");

    // The program says the same: failed where the broker refuses, configuration where a file is not there.
    let config = dir.join("plimsoll.toml");
    let bus = |password: &Path| {
        let url = wrong.url.as_ref().unwrap();
        let store = dir.join("store");
        let text = format!(
            "[store]\ndir = {store:?}\n[bus]\nurl = {url:?}\nuser = \"gym\"\npassword_file = {password:?}\n"
        );
        fs::write(&config, text).unwrap();
    };
    bus(wrong.password_file.as_ref().unwrap());
    let doctor = program(&["doctor"], &config);
    assert!(doctor.1.contains("user gym or the password"), "{doctor:?}");
    bus(&dir.join("nowhere"));
    for command in ["run", "check"] {
        let said = program(&[command], &config);
        assert_eq!(said.0, Some(2), "{said:?}");
        let named = said.1.contains("bus.password_file") && said.1.contains("nowhere");
        assert!(named && said.1.contains("expected"), "{said:?}");
    }
}

fn program(command: &[&str], config: &Path) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(command)
        .arg("--config")
        .arg(config)
        .output()
        .unwrap();
    let said = [stdout, stderr].concat();
    (status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_named_with_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let ours = authority(dir, "ours");
    let one = signed(dir, &ours, "one", "a", false);
    let two = signed(dir, &ours, "two", "b", false);
    let junk = dir.join("junk");
    fs::write(&junk, "no certificate").unwrap();
    let nowhere = dir.join("nowhere");
    let cases = [
        (Some(&junk), None, "ca", "junk"),
        (Some(&nowhere), None, "ca", "nowhere"),
        (Some(&ours.0), Some((&junk, &one.1)), "certificate", "junk"),
        (Some(&ours.0), Some((&one.0, &junk)), "key", "junk"),
        (Some(&ours.0), Some((&one.0, &two.1)), "key", "two.key"),
    ];
    for (ca, own, key, file) in cases {
        let config = Config {
            url: Some("mqtts://localhost".into()),
            ca: ca.cloned(),
            certificate: own.map(|o| o.0.clone()),
            key: own.map(|o| o.1.clone()),
            ..Config::default()
        };
        let said = BusConfig::open(&config).unwrap_err().to_string();
        println!("{said}");
        assert!(
            said.starts_with(&format!("bus.{key}: ")) && said.contains(file),
            "{said}"
        );
        assert!(said.contains("expected"), "{said}");
    }
}
