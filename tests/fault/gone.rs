//! Whether a gateway is there: it says so itself, and the broker does when it is not.

use crate::{
    truth,
    world::{Broker, World, wait_until},
};
use plimsoll::{
    mqtt::{
        BusConfig,
        subscriber::{self, Message, Stay},
    },
    wire::payload::{self, Presence},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

/// What was said, in order; `None`: taken back.
type Said = Arc<Mutex<Vec<Option<Presence>>>>;

/// Listens to the status of every session until it is dropped.
fn listen(port: u16, said: Said) -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.spawn(async move {
        let (sink, mut messages) = tokio::sync::mpsc::channel::<Message>(64);
        let bus = BusConfig::to(([127, 0, 0, 1], port).into()).named("witness");
        let filter = "plimsoll/v1/+/status".to_owned();
        let _subscription = subscriber::subscribe(bus, vec![filter], Stay::Visit, sink)
            .await
            .unwrap();
        while let Some(message) = messages.recv().await {
            let presence = (!message.payload.is_empty())
                .then(|| payload::decode_status(&message.payload).unwrap().gateway);
            said.lock().unwrap().push(presence);
        }
    });
    runtime
}

#[test]
fn a_gateway_that_is_killed_is_said_to_be_gone_and_born_again() {
    for broker in [Broker::Mosquitto, Broker::Embedded] {
        is_said(broker);
    }
}

fn is_said(broker: Broker) {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::start(dir.path(), broker, "gone", "20");
    let said = Said::default();
    let _listening = listen(world.port(), Arc::clone(&said));
    let last = || said.lock().unwrap().last().copied();
    wait_until("it is born", Duration::from_secs(20), || {
        last() == Some(Some(Presence::Online))
    });
    std::thread::sleep(Duration::from_secs(1));
    world.gateway.kill();
    wait_until("the broker says its will", Duration::from_secs(10), || {
        last() == Some(Some(Presence::Gone))
    });
    world.deliver();
    wait_until("it is born again", Duration::from_secs(20), || {
        said.lock()
            .unwrap()
            .iter()
            .filter(|s| **s == Some(Presence::Online))
            .count()
            > 1
    });
    wait_until("the session is stored", Duration::from_secs(60), || {
        world.tend_hub();
        world.gateway_again();
        world.is_closed()
    });
    wait_until(
        "a newcomer is told nothing",
        Duration::from_secs(20),
        || retained(world.port()).is_empty(),
    );
    assert!(!world.logs().contains("failed to"), "{}", world.logs());
    truth::same(&world.store(), &world.recording());
    println!("{broker:?}: {:?}", said.lock().unwrap());
}

/// Topics of what a newcomer is told first.
pub fn retained(port: u16) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (sink, mut messages) = tokio::sync::mpsc::channel::<Message>(64);
        let bus = BusConfig::to(([127, 0, 0, 1], port).into()).named("newcomer");
        let filter = "plimsoll/v1/#".to_owned();
        let _subscription = subscriber::subscribe(bus, vec![filter], Stay::Visit, sink)
            .await
            .unwrap();
        let mut topics = Vec::new();
        let second = Duration::from_secs(1);
        while let Ok(Some(message)) = tokio::time::timeout(second, messages.recv()).await {
            topics.push(message.topic);
        }
        topics
    })
}
