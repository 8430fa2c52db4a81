//! The store takes nothing for longer than the session lasts: nothing is acknowledged, and all of it is stored when it
//! takes again.

use crate::{
    truth,
    world::{Broker, World, wait_until},
};
use plimsoll::store::Store;
use rusqlite::{Connection, TransactionBehavior};
use std::{thread::sleep, time::Duration};

#[test]
fn a_store_that_takes_nothing_for_a_while_gets_all_of_it_later() {
    store_away(Broker::Mosquitto);
}

#[test]
fn a_store_behind_the_embedded_broker_that_takes_nothing_gets_all_of_it_later() {
    store_away(Broker::Embedded);
}

fn store_away(kind: Broker) {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::start(dir.path(), kind, "store-away", "20");
    wait_until("the session begins", Duration::from_secs(20), || {
        Store::open(&world.store()).is_ok_and(|s| s.session(&world.session).is_ok())
    });
    // Another process that writes: the daemon's own attempts fail after five seconds each.
    let mut other = Connection::open(world.store().join("plimsoll.sqlite")).unwrap();
    let held = other
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .unwrap();
    let before = world.windows();
    sleep(Duration::from_secs(12));
    assert_eq!(world.windows(), before, "the store was not away");
    held.rollback().unwrap();
    wait_until("the session is stored", Duration::from_secs(60), || {
        world.is_closed()
    });
    let counts = truth::same(&world.store(), &world.recording());
    assert!(counts.windows > before + 100);
    println!("{kind:?}: store away after {before} windows: {counts:?}, 0 lost, 0 doubled");
    wait_until("the gateway ends", Duration::from_secs(30), || {
        world.gateway.has_ended()
    });
}

/// Store and broker are away together, and the broker comes back having forgotten everything.
#[test]
fn a_store_and_a_broker_that_are_away_together_get_all_of_it_later() {
    both_away(Broker::Mosquitto);
}

/// The broker is in the hub's process.
#[test]
fn a_store_and_a_hub_that_are_away_together_get_all_of_it_later() {
    both_away(Broker::Embedded);
}

fn both_away(kind: Broker) {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::start(dir.path(), kind, "both-away", "20");
    wait_until("the session begins", Duration::from_secs(20), || {
        Store::open(&world.store()).is_ok_and(|s| s.session(&world.session).is_ok())
    });
    let mut other = Connection::open(world.store().join("plimsoll.sqlite")).unwrap();
    let held = other
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .unwrap();
    world.broker.as_mut().unwrap_or(&mut world.hub).kill();
    sleep(Duration::from_secs(8));
    world.tend_hub();
    sleep(Duration::from_secs(3));
    held.rollback().unwrap();
    wait_until("the session is stored", Duration::from_secs(90), || {
        world.tend_hub();
        world.gateway_again();
        world.is_closed()
    });
    let counts = truth::same(&world.store(), &world.recording());
    println!("{kind:?}: store and broker away: {counts:?}, 0 lost, 0 doubled");
}
