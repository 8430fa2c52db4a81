//! The network between gateway and broker: connections that are cut, and connections that stay and carry nothing.

use crate::{
    port::free_port,
    truth,
    world::{Broker, World, wait_until},
};
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    runtime::Runtime,
    sync::watch,
};

/// Three times the keep-alive of 10 s: a ping that is not answered is noticed when the next is due, then comes a pause.
const KEPT_ALIVE: Duration = Duration::from_secs(30);

/// How the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    Up,
    /// Everything is cut, nobody gets through.
    Cut,
    /// Nothing comes out at the other end, and nobody is told.
    Silent,
}

/// A way to the broker that can be broken.
struct Proxy {
    state: watch::Sender<Network>,
    _runtime: Runtime,
}

impl Proxy {
    /// Between `port` and the broker at `to`.
    fn start(port: u16, to: u16) -> Self {
        let runtime = Runtime::new().unwrap();
        let (state, watched) = watch::channel(Network::Up);
        let listener = runtime
            .block_on(TcpListener::bind(("127.0.0.1", port)))
            .unwrap();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *watched.borrow() == Network::Cut {
                    continue;
                }
                tokio::spawn(carry(client, to, watched.clone()));
            }
        });
        Self {
            state,
            _runtime: runtime,
        }
    }

    fn set(&self, network: Network) {
        self.state.send(network).unwrap();
    }
}

/// One connection, both ways, until either end or the network ends it.
async fn carry(client: TcpStream, to: u16, mut state: watch::Receiver<Network>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = copy(from_client, to_server, state.clone()) => {}
        () = copy(from_server, to_client, state.clone()) => {}
        _ = state.wait_for(|n| *n == Network::Cut) => {}
    }
}

async fn copy(
    mut from: tcp::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    mut state: watch::Receiver<Network>,
) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        // What a silent network took is gone, as the rest of the connection is.
        if *state.borrow() == Network::Silent {
            let _ = state.wait_for(|n| *n == Network::Cut).await;
            return;
        }
        if to.write_all(&bytes[..n]).await.is_err() {
            return;
        }
    }
}

/// A session whose gateway reaches its broker through a proxy.
fn behind_a_proxy(dir: &Path, kind: Broker, name: &str, speed: &str) -> (World, Proxy) {
    let between = free_port();
    let mut proxy = None;
    let world = World::start_through(dir, kind, name, speed, |port| {
        proxy = Some(Proxy::start(between, port));
        between
    });
    (world, proxy.unwrap())
}

/// A session through a network that is broken `times` in this manner.
fn broken(kind: Broker, how: Network, times: u32, away_ms: std::ops::Range<u64>) {
    let dir = tempfile::tempdir().unwrap();
    let (mut world, proxy) = behind_a_proxy(dir.path(), kind, "broken", "5");
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let begin = Instant::now();
    for _ in 0..times {
        sleep(Duration::from_millis(rng.random_range(500..1200)));
        proxy.set(how);
        sleep(Duration::from_millis(rng.random_range(away_ms.clone())));
        // Who waits on a silent connection would be told by nobody: it is the client that has to give it up. Here, the
        // network comes back with the old connections dead.
        proxy.set(Network::Cut);
        sleep(Duration::from_millis(50));
        proxy.set(Network::Up);
    }
    let broken = begin.elapsed();
    wait_until("the session is stored", Duration::from_secs(90), || {
        world.is_closed()
    });
    let counts = truth::same(&world.store(), &world.recording());
    println!("{kind:?}, {how:?} {times} times in {broken:.1?}: {counts:?}, 0 lost, 0 doubled");
    wait_until("the gateway ends", Duration::from_secs(30), || {
        world.gateway.has_ended()
    });
    assert_eq!(world.gateway.code(), Some(0), "{}", world.logs());
}

#[test]
fn a_network_that_is_cut_again_and_again_loses_nothing() {
    broken(Broker::Mosquitto, Network::Cut, 8, 100..1500);
}

#[test]
fn a_network_that_is_cut_before_the_embedded_broker_loses_nothing() {
    broken(Broker::Embedded, Network::Cut, 8, 100..1500);
}

#[test]
fn a_network_that_carries_nothing_for_a_while_loses_nothing() {
    broken(Broker::Mosquitto, Network::Silent, 4, 1000..4000);
}

#[test]
fn a_network_that_carries_nothing_before_the_embedded_broker_loses_nothing() {
    broken(Broker::Embedded, Network::Silent, 4, 1000..4000);
}

/// A connection that nobody ends and that carries nothing any more: the keep-alive gives it up.
#[test]
fn a_connection_that_went_dead_is_given_up_by_its_keep_alive() {
    let dir = tempfile::tempdir().unwrap();
    let (mut world, proxy) = behind_a_proxy(dir.path(), Broker::Mosquitto, "dead", "1");
    wait_until("the session begins", Duration::from_secs(20), || {
        world.windows() > 30
    });
    proxy.set(Network::Silent);
    sleep(Duration::from_secs(1));
    // From here on a new connection would work; the old one is never ended by anybody else.
    proxy.set(Network::Up);
    let (before, dead) = (world.windows(), Instant::now());
    wait_until("windows again", KEPT_ALIVE, || world.windows() > before + 5);
    let given_up = dead.elapsed();
    wait_until("the session is stored", Duration::from_secs(120), || {
        world.is_closed()
    });
    let counts = truth::same(&world.store(), &world.recording());
    println!("a dead connection was given up after {given_up:.1?}: {counts:?}, 0 lost, 0 doubled");
    wait_until("the gateway ends", Duration::from_secs(30), || {
        world.gateway.has_ended()
    });
    assert_eq!(world.gateway.code(), Some(0), "{}", world.logs());
}
