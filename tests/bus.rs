//! The bus against real brokers: everything arrives, whatever happens to the connection.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

use plimsoll::{
    mqtt::{
        BusConfig,
        broker::{BrokerError, Embedded},
        publisher::Publisher,
        subscriber::{self, Message, Stay},
    },
    wire::{
        payload,
        topic::{Subject, Topic},
    },
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{SocketAddr, TcpListener as Probe},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{broadcast, mpsc},
};

const MESSAGES: u32 = 20_000;

/// A proxy whose connections can be cut.
async fn proxy(to: SocketAddr) -> (SocketAddr, broadcast::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (cut, _) = broadcast::channel(1);
    let cuts = cut.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut stop = cuts.subscribe();
            tokio::spawn(async move {
                let Ok(mut server) = TcpStream::connect(to).await else {
                    return;
                };
                tokio::select! {
                    _ = stop.recv() => {}
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                }
            });
        }
    });
    (address, cut)
}

/// Publishes all messages through a proxy that cuts five times; which numbers arrived, how many doubles.
async fn through(broker: SocketAddr) -> (usize, u64, u64) {
    let (sender, mut inbox) = mpsc::channel::<Message>(1000);
    let bus = BusConfig::to(broker).named("sub");
    let subscription = subscriber::subscribe(bus, vec!["t/#".into()], Stay::Kept, sender)
        .await
        .unwrap();
    let (address, cut) = proxy(broker).await;
    let publisher = Publisher::connect(BusConfig::to(address).named("pub"))
        .await
        .unwrap();
    let progress = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&progress);
    let receive = tokio::spawn(async move {
        let (mut numbers, mut doubles) = (BTreeSet::new(), 0_u64);
        while numbers.len() < MESSAGES as usize {
            let Ok(Some(m)) = tokio::time::timeout(Duration::from_secs(30), inbox.recv()).await
            else {
                break;
            };
            let number = u32::from_le_bytes(m.payload[..4].try_into().unwrap());
            doubles += u64::from(!numbers.insert(number));
            seen.store(numbers.len() as u64, Ordering::Relaxed);
        }
        (numbers.len(), doubles)
    });
    let mut payload = vec![0_u8; 200];
    for number in 0..MESSAGES {
        payload[..4].copy_from_slice(&number.to_le_bytes());
        publisher
            .publish("t/x", payload.clone(), false)
            .await
            .unwrap();
        if number % 3500 == 3000 {
            let _ = cut.send(());
        }
    }
    publisher.flush(Duration::from_secs(60)).await.unwrap();
    let (arrived, doubles) = receive.await.unwrap();
    drop(subscription);
    (arrived, doubles, publisher.state().resent)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker_loses_nothing() {
    let broker = Embedded::start(([127, 0, 0, 1], 0).into()).unwrap();
    let (arrived, doubles, resent) = through(broker.address()).await;
    println!("embedded: {arrived} of {MESSAGES} arrived, {doubles} doubles, {resent} sent again");
    assert_eq!(arrived, MESSAGES as usize);
    assert!(resent > 0, "no connection was cut");
}

struct Mosquitto(Child, SocketAddr);

impl Mosquitto {
    fn start() -> Self {
        let address = Probe::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let program = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
            .into_iter()
            .find(|p| std::path::Path::new(p).exists())
            .unwrap_or("mosquitto");
        let child = Command::new(program)
            .args(["-p", &address.port().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| {
                panic!("this test needs Mosquitto, install the package mosquitto: {e}")
            });
        let broker = Self(child, address);
        for _ in 0..500 {
            if std::net::TcpStream::connect(address).is_ok() {
                return broker;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("mosquitto does not answer on {address}");
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mosquitto_loses_nothing() {
    let broker = Mosquitto::start();
    let (arrived, doubles, resent) = through(broker.1).await;
    println!("mosquitto: {arrived} of {MESSAGES} arrived, {doubles} doubles, {resent} sent again");
    assert_eq!(arrived, MESSAGES as usize);
    assert!(resent > 0, "no connection was cut");
}

/// A broker takes one client of a name: each that comes ends the other.
#[tokio::test(flavor = "multi_thread")]
async fn two_of_one_name_do_not_fight_without_end() {
    let broker = Mosquitto::start();
    let bus = BusConfig::to(broker.1).named("same");
    let first = Publisher::connect(bus.clone()).await.unwrap();
    let second = Publisher::connect(bus).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let connections = first.state().connections + second.state().connections;
    println!("{connections} connections in 10 s");
    assert!((3..40).contains(&connections), "{connections}");
}

/// What others read is what the store gets, number for number.
#[tokio::test(flavor = "multi_thread")]
async fn samples_are_said_as_json_on_request_and_only_then() {
    let broker = Mosquitto::start();
    let (sender, mut inbox) = mpsc::channel::<Message>(100_000);
    let filters = ["plimsoll/v1/+/json/+/+", "plimsoll/v1/+/samples/+/+"];
    let _listening = subscriber::subscribe(
        BusConfig::to(broker.1).named("other"),
        filters.map(str::to_owned).to_vec(),
        Stay::Visit,
        sender,
    )
    .await
    .unwrap();
    for (speed, asked) in [("5", true), ("max", false)] {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("mqtt://{}", broker.1);
        let mut replay = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        replay
            .args(["replay", "--headless", "--speed", speed, "--broker", &url])
            .arg("--data")
            .arg(folder.path())
            .arg("sample-data/sit-to-stand.mcap")
            .args(asked.then_some("--json"))
            .stdout(Stdio::null());
        let done = tokio::task::spawn_blocking(move || replay.status().unwrap());
        assert_eq!(done.await.unwrap().code(), Some(0));
        let (mut samples, mut json) = (BTreeMap::new(), Vec::new());
        while let Ok(Some(message)) =
            tokio::time::timeout(Duration::from_secs(1), inbox.recv()).await
        {
            let topic: Topic = message.topic.parse().unwrap();
            match topic.subject() {
                Subject::Samples(stream) => {
                    let batch = payload::decode_batch(&message.payload).unwrap();
                    let numbered = (batch.first_sequence..).zip(batch.samples);
                    samples.extend(numbered.map(|(n, sample)| ((*stream, n), sample)));
                }
                Subject::Json(stream) => {
                    let rows: Vec<Value> = serde_json::from_slice(&message.payload).unwrap();
                    json.extend(rows.into_iter().map(|row| (*stream, row)));
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(samples.len() > 1000);
        if !asked {
            assert!(json.is_empty());
            continue;
        }
        // What was late is not said; most is live.
        assert!(json.len() * 10 > samples.len() * 9, "{}", json.len());
        for (stream, row) in json {
            let number = row["sequence"].as_u64().unwrap();
            let sample = &samples[&(stream, number)];
            assert_eq!(row["t_ns"], json!(sample.t.0));
            assert_eq!(row["quality"], json!(sample.quality.0));
            for (name, value) in stream.kind.channel_names().iter().zip(sample.values) {
                let said = row[name].as_f64().unwrap() as f32;
                assert_eq!(said.to_bits(), value.to_bits(), "{name}");
            }
        }
    }
}

#[test]
fn a_port_in_use_is_an_error_that_names_it() {
    let taken = Probe::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = Embedded::start(address).unwrap_err();
    assert!(matches!(error, BrokerError::Listen { .. }));
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_broker_is_an_error_and_too_large_is_refused() {
    let nobody = Probe::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Publisher::connect(BusConfig::to(nobody)).await.unwrap_err();
    assert!(
        error.to_string().contains(&nobody.port().to_string()),
        "{error}"
    );
    let broker = Embedded::start(([127, 0, 0, 1], 0).into()).unwrap();
    let publisher = Publisher::connect(BusConfig::to(broker.address()))
        .await
        .unwrap();
    assert!(
        publisher
            .publish("t", vec![0; 2 << 20], false)
            .await
            .is_err()
    );
}
