//! Disks that are full in the midst of a session: the store's, which then takes nothing until there is room, and the
//! recording's, without which the session goes on from memory and says so.

use crate::{
    disk::Disk,
    truth,
    world::{Broker, World, wait_until},
};
use plimsoll::{pipeline::batch, store::Store, wire::recording};
use std::{fs, time::Duration};

/// Nothing is acknowledged that has no room; with room again, all of it is stored.
#[test]
fn a_store_without_room_takes_all_of_it_when_there_is_room() {
    store_full(Broker::Mosquitto);
}

#[test]
fn a_store_behind_the_embedded_broker_takes_all_of_it_when_there_is_room() {
    store_full(Broker::Embedded);
}

fn store_full(kind: Broker) {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::mount(&dir.path().join("hub"), 1200);
    let mut world = World::start(dir.path(), kind, "store-full", "10");
    wait_until("the disk is full", Duration::from_secs(30), || {
        disk.is_full()
    });
    let before = windows_when_settled(&world, &disk);
    assert!(before < 800, "all of it had room: {before} windows");
    disk.resize(64 * 1024);
    wait_until("the session is stored", Duration::from_secs(90), || {
        world.tend_hub();
        world.gateway_again();
        world.is_closed()
    });
    let counts = truth::same(&world.store(), &world.recording());
    println!("{kind:?}: store full after {before} windows: {counts:?}, 0 lost, 0 doubled");
    drop(world);
}

fn windows_when_settled(world: &World, disk: &Disk) -> u64 {
    // A full SQLite disk may not even be read; then room for reading, not for the session.
    std::thread::sleep(Duration::from_secs(3));
    disk.resize(1600);
    let before = world.windows();
    assert!(before > 0, "{}", world.logs());
    before
}

/// The recording ends where its disk does; the session goes on, all of it is stored, and the exit code says that the
/// recording is not whole.
#[test]
fn a_recording_without_room_ends_and_the_session_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::mount(&dir.path().join("gateway/recordings"), 400);
    let mut world = World::start(dir.path(), Broker::Mosquitto, "recording-full", "10");
    wait_until("the session is stored", Duration::from_secs(90), || {
        world.is_closed()
    });
    wait_until("the gateway ends", Duration::from_secs(30), || {
        world.gateway.has_ended()
    });
    assert_eq!(world.gateway.code(), Some(3), "{}", world.logs());
    let kept = recording::read(&fs::read(world.recording()).unwrap()).unwrap();
    let played = recording::read(&fs::read(world.sample()).unwrap()).unwrap();
    assert!(!kept.complete && kept.items.len() < played.items.len());
    assert_eq!(kept.items, played.items[..kept.items.len()]);
    // What the store has comes out of what was played, to the last bit.
    let mut expected = Vec::new();
    batch::windows(&played.header, &played.items, |w| expected.push(w.clone())).unwrap();
    let store = Store::open(&world.store()).unwrap();
    let stored = store.windows(&world.session, 0, usize::MAX).unwrap();
    assert_eq!(stored, expected);
    println!(
        "recording full after {} of {} items: {} windows stored, 0 lost",
        kept.items.len(),
        played.items.len(),
        stored.len()
    );
    drop(world);
    drop(disk);
}
