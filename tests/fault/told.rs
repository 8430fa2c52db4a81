//! An instruction to a session that comes from a recording: refused with the reason, and the session goes on.

use crate::{
    truth,
    world::{self, Broker, World, wait_until},
};
use plimsoll::store::Store;
use std::{process::Command, time::Duration};

#[test]
fn a_replay_takes_no_instruction_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::start(dir.path(), Broker::Mosquitto, "told", "20");
    wait_until("the session begins", Duration::from_secs(20), || {
        Store::open(&world.store()).is_ok_and(|s| s.session(&world.session).is_ok())
    });
    let config = world::config(dir.path(), "teller", world.port(), true);
    let told = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["tell", "end-set", "--config"])
        .arg(config)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&told.stderr);
    assert_eq!(told.status.code(), Some(1), "{said}");
    assert!(
        said.contains("the session comes from a recording"),
        "{said}"
    );
    wait_until("the session is stored", Duration::from_secs(60), || {
        world.tend_hub();
        world.is_closed()
    });
    truth::same(&world.store(), &world.recording());
}
