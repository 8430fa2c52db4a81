//! Broker, store or both away for ten minutes of a session with six sensors at their top rates: what was recorded
//! meanwhile is delivered within a minute of their return, what is live does not wait behind it, and nothing is missing.
//!
//! The ten minutes are of the session's time: the sensors' packets of that time come as fast as they are taken.
//! Before and after, they come as they would. `PLIMSOLL_OUTAGE=real` lets all of it take its time.

use crate::{
    port::free_port,
    six, truth,
    world::{self, Broker, Service, mosquitto, wait_for_port, wait_until},
};
use plimsoll::{
    config::Config,
    daemon::plant::{Carry, Plant, Role},
    model::{session::SessionId, window::WINDOW_NS},
    mqtt::{
        BusConfig,
        subscriber::{self, Stay},
    },
    wire::{payload, recording::Item},
};
use rusqlite::{Connection, TransactionBehavior};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Seconds of the session before the outage, until its end, and until the end of the session.
const BEFORE_S: i64 = 10;
const BACK_S: i64 = BEFORE_S + 600;
const END_S: i64 = BACK_S + 60;
/// Longest time until all of the backlog is stored.
const DRAIN: Duration = Duration::from_secs(60);
/// Latency of the live windows meanwhile, 95 %.
const LIVE: Duration = Duration::from_millis(300);

/// When the items of a window were all there, by its number.
type Made = Arc<Mutex<BTreeMap<u64, Instant>>>;

/// Sends items as they are due, or as fast as they are taken.
async fn send(items: &[Item], paced: bool, sender: &mpsc::Sender<Item>, made: &Made) {
    let begin = Instant::now();
    let first = items[0].host().0;
    for item in items {
        let at = item.host().0;
        if paced {
            let due = begin + Duration::from_nanos((at - first).unsigned_abs());
            tokio::time::sleep_until(due.into()).await;
        }
        let over = (at / WINDOW_NS).checked_sub(1).map(i64::unsigned_abs);
        if let Some(window) = over {
            made.lock()
                .unwrap()
                .entry(window)
                .or_insert_with(Instant::now);
        }
        sender.send(item.clone()).await.unwrap();
    }
}

/// When each window was heard on the bus first.
async fn listen(port: u16, heard: Made) {
    let (sender, mut messages) = mpsc::channel(4096);
    let bus = BusConfig::to(([127, 0, 0, 1], port).into()).named("witness");
    let filter = "plimsoll/v1/+/window".to_owned();
    let _subscription = subscriber::subscribe(bus, vec![filter], Stay::Visit, sender)
        .await
        .unwrap();
    while let Some(message) = messages.recv().await {
        let manifest = payload::decode_manifest(&message.payload).unwrap();
        heard
            .lock()
            .unwrap()
            .entry(manifest.index)
            .or_insert_with(Instant::now);
    }
}

/// Latencies of the windows made between two instants, ascending.
fn latencies(made: &Made, heard: &Made, from: Instant, to: Instant) -> Vec<Duration> {
    let (made, heard) = (made.lock().unwrap(), heard.lock().unwrap());
    let between = made.iter().filter(|(_, at)| (from..to).contains(*at));
    let mut all: Vec<Duration> = between
        .map(|(window, at)| {
            heard
                .get(window)
                .map_or(Duration::MAX, |h| h.duration_since(*at))
        })
        .collect();
    all.sort();
    all
}

/// When anything was heard again.
fn heard_again(heard: &Made, after: Instant) -> Instant {
    let heard = heard.lock().unwrap();
    *heard.values().filter(|at| **at > after).min().unwrap()
}

/// What is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Away {
    /// Killed; where the hub has the broker in it, so is the store.
    Broker,
    /// Another process writes to it all the time.
    Store,
    Both,
}

/// Broker, hub and its store.
struct Land {
    broker: Option<Service>,
    hub: Service,
    store: PathBuf,
    port: u16,
}

impl Land {
    fn new(dir: &Path, kind: Broker) -> Self {
        let port = free_port();
        let config = world::config(dir, "hub", port, kind == Broker::Mosquitto);
        let log = dir.join("hub.log");
        let hub = Service::new("the hub", move || {
            world::daemon(&log, &["run", "--role", "hub"], &config)
        });
        let mut land = Self {
            broker: (kind == Broker::Mosquitto).then(|| mosquitto(port)),
            hub,
            store: dir.join("hub"),
            port,
        };
        land.come_back();
        land
    }

    /// What holds the store, as long as it is there.
    fn leave(&mut self, away: Away) -> Option<Connection> {
        if away != Away::Store {
            self.broker.as_mut().unwrap_or(&mut self.hub).kill();
        }
        (away != Away::Broker).then(|| {
            let mut other = Connection::open(self.store.join("plimsoll.sqlite")).unwrap();
            let mut held = other
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .unwrap();
            held.set_drop_behavior(rusqlite::DropBehavior::Ignore);
            drop(held);
            other
        })
    }

    fn come_back(&mut self) {
        if let Some(broker) = &mut self.broker {
            broker.tend();
            wait_for_port(self.port);
        }
        self.hub.tend();
        wait_for_port(self.port);
    }
}

/// Waits until all windows of the outage are stored; how long that took.
fn drain(store: &Path, session: &SessionId) -> impl FnOnce() -> Duration + use<> {
    let (store, session) = (store.to_owned(), session.clone());
    move || {
        let begin = Instant::now();
        let backlog = (BACK_S * 10 - 1).unsigned_abs();
        wait_until("the backlog is stored", DRAIN, || {
            world::stored_windows(&store, &session) >= backlog
        });
        begin.elapsed()
    }
}

/// Each of them needs the machine: one at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

async fn ten_minutes_without(away: Away, kind: Broker) {
    let _alone = ALONE.lock().await;
    let dir = tempfile::tempdir().unwrap();
    let mut land = Land::new(dir.path(), kind);
    let port = land.port;
    let mut config = Config::default();
    config.bus.url = Some(format!("mqtt://127.0.0.1:{port}"));
    config.bus.client_id = "gateway".into();
    let mut gateway = Plant::build(&config, Role::Gateway, false).await.unwrap();
    let (made, heard) = (Made::default(), Made::default());
    let witness = tokio::spawn(listen(port, Arc::clone(&heard)));
    let mut header = six::header();
    header.session = SessionId("outage".into());
    let session = header.session.clone();
    let (sender, items) = mpsc::channel(4096);
    let recording = dir.path().join("session.mcap");
    let carry = Carry {
        header,
        plan_text: None,
        items,
        waits: false,
        sensors: None,
    };
    let all = six::items(END_S);
    let index = |s: i64| all.partition_point(|i| i.host().0 < s * six::SECOND);
    let (leaves, back) = (index(BEFORE_S), index(BACK_S));
    let store = land.store.clone();
    let feed = async {
        send(&all[..leaves], true, &sender, &made).await;
        let held = land.leave(away);
        let paced = std::env::var("PLIMSOLL_OUTAGE").is_ok_and(|v| v == "real");
        send(&all[leaves..back], paced, &sender, &made).await;
        if away != Away::Broker {
            let windows = world::stored_windows(&store, &session);
            assert!(windows < 200, "the store was not away: {windows} windows");
        }
        drop(held);
        land.come_back();
        let drained = tokio::task::spawn_blocking(drain(&store, &session));
        let returned = Instant::now();
        send(&all[back..], true, &sender, &made).await;
        drop(sender);
        (returned, drained.await.unwrap())
    };
    let never = CancellationToken::new();
    let (carried, (returned, drained)) =
        tokio::join!(gateway.carry(carry, Some(&recording), &never), feed);
    let carried = carried.unwrap();
    assert!(carried.undelivered.is_none() && carried.lost_windows == 0);
    witness.abort();
    let again = heard_again(&heard, returned);
    let meanwhile = latencies(&made, &heard, again, returned + drained);
    let p95 = meanwhile[meanwhile.len() * 95 / 100];
    let counts = truth::same(&store, &recording);
    println!(
        "ten minutes of six sensors without {away:?} ({kind:?}) stored {drained:.1?} after its return, of which {:.1?} to the first message; live windows meanwhile: median {:.1?}, 95 % {p95:.1?} of {}; {counts:?}, 0 lost, 0 doubled",
        again - returned,
        meanwhile[meanwhile.len() / 2],
        meanwhile.len(),
    );
    assert!(p95 < LIVE, "95 % of live windows: {p95:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_without_mosquitto() {
    ten_minutes_without(Away::Broker, Broker::Mosquitto).await;
}

/// The hub is killed: its broker and its store are away.
#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_without_the_hub() {
    ten_minutes_without(Away::Broker, Broker::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_without_a_store_behind_mosquitto() {
    ten_minutes_without(Away::Store, Broker::Mosquitto).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_without_a_store_behind_the_embedded_broker() {
    ten_minutes_without(Away::Store, Broker::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_without_store_and_mosquitto() {
    ten_minutes_without(Away::Both, Broker::Mosquitto).await;
}
