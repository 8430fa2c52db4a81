//! What an earlier run left behind and nobody takes: it keeps no start waiting, and is never taken for delivered.

use crate::{
    truth,
    world::{Broker, World, wait_until},
};
use plimsoll::{store::Store, wire::recording};
use std::{fs, path::Path, process::Command, time::Duration};

fn marked(recording: &Path) -> bool {
    let mut mark = recording.as_os_str().to_owned();
    mark.push(".delivered");
    Path::new(&mark).exists()
}

/// The gateway says this within a while.
fn says(world: &World, words: &str, limit_s: u64) {
    wait_until(words, Duration::from_secs(limit_s), || {
        world.logs().contains(words)
    });
}

#[test]
fn a_hub_that_is_away_keeps_no_start_waiting_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::start(dir.path(), Broker::Mosquitto, "left", "20");
    std::thread::sleep(Duration::from_secs(1));
    // Of far more than may be on its way nothing is taken.
    world.hub.kill();
    std::thread::sleep(Duration::from_secs(2));
    world.gateway.kill();
    assert!(recording_items(&world) > 1000);
    world.deliver();
    says(&world, "it is tried again at the next start", 60);
    assert!(!marked(&world.recording()));
    assert_eq!(world.gateway.end(), Some(0));
    world.tend_hub();
    world.deliver();
    wait_until("the session is stored", Duration::from_secs(60), || {
        world.is_closed()
    });
    truth::same(&world.store(), &world.recording());
}

fn recording_items(world: &World) -> usize {
    let bytes = fs::read(world.recording()).unwrap();
    recording::read(&bytes).unwrap().items.len()
}

/// Its hub has it erased before all of it has come: nothing of it comes back, and the broker keeps nothing, either.
#[test]
fn what_was_erased_where_the_store_is_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::start(dir.path(), Broker::Mosquitto, "erased", "20");
    wait_until("something is stored", Duration::from_secs(30), || {
        world.windows() > 20
    });
    world.hub.kill();
    std::thread::sleep(Duration::from_secs(1));
    world.gateway.kill();
    let bytes = fs::read(world.recording()).unwrap();
    let client = recording::read(&bytes).unwrap().header.client;
    let erased = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args([
            "store",
            "erase",
            &client,
            "--by",
            "R-07",
            "--also-open",
            "--data",
        ])
        .arg(world.store())
        .output()
        .unwrap();
    assert!(erased.status.success(), "{erased:?}");
    world.tend_hub();
    world.deliver();
    says(&world, "it was erased there", 20);
    assert!(
        Store::open(&world.store())
            .unwrap()
            .sessions()
            .unwrap()
            .is_empty()
    );
    assert!(
        !marked(&world.recording()),
        "it is there to be erased here, too"
    );
    wait_until(
        "the broker keeps nothing of it",
        Duration::from_secs(20),
        || crate::gone::retained(world.port()).is_empty(),
    );
}

#[test]
fn damage_in_a_recording_is_no_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::start(dir.path(), Broker::Embedded, "damaged", "20");
    std::thread::sleep(Duration::from_secs(2));
    world.gateway.kill();
    let path = world.recording();
    let mut bytes = fs::read(&path).unwrap();
    let (length, middle) = (bytes.len(), bytes.len() / 2);
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    world.deliver();
    says(&world, "is damaged", 60);
    let whole = || marked(&path) && world.is_closed();
    wait_until("what is sound is stored", Duration::from_secs(30), whole);
    assert_eq!(
        world.gateway.end(),
        Some(3),
        "data were lost: {}",
        world.logs()
    );
    assert_eq!(fs::metadata(&path).unwrap().len(), length as u64);
}
