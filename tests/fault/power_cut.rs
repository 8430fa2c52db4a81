//! A power cut: everything ends at once, and the disk of the gateway has less of the recording than was stored of it.

use crate::world::{Broker, World, wait_until};
use plimsoll::{
    model::window::Window,
    pipeline::batch,
    store::Store,
    wire::recording::{self, Recording},
};
use std::{fs, path::Path, time::Duration};

fn read(path: &Path) -> Recording {
    recording::read(&fs::read(path).unwrap()).unwrap()
}

fn windows(recording: &Recording) -> Vec<Window> {
    let mut all = Vec::new();
    batch::windows(&recording.header, &recording.items, |w| all.push(w.clone())).unwrap();
    all
}

fn stored(world: &World) -> Vec<Window> {
    let store = Store::open(&world.store()).unwrap();
    let report = store.verify(&world.session).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    store.windows(&world.session, 0, usize::MAX).unwrap()
}

/// Cuts the end of a recording off, until it gives `fewer` windows less than `than`.
fn cut(path: &Path, than: usize, fewer: usize) -> usize {
    let mut bytes = fs::read(path).unwrap();
    loop {
        let left = windows(&recording::read(&bytes).unwrap()).len();
        if left + fewer <= than {
            fs::write(path, &bytes).unwrap();
            return left;
        }
        bytes.truncate(bytes.len() - 512);
    }
}

/// What was stored stays, to the last bit; the session is closed behind it.
fn ends_behind_the_store(kind: Broker) {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::start(dir.path(), kind, "power-cut", "10");
    wait_until("some of it is stored", Duration::from_secs(30), || {
        world.windows() > 300
    });
    world.gateway.kill();
    world.hub.kill();
    if let Some(broker) = &mut world.broker {
        broker.kill();
    }
    let before = stored(&world);
    let left = cut(&world.recording(), before.len(), 5);
    world.tend_hub();
    world.deliver();
    wait_until("the session is closed", Duration::from_secs(60), || {
        world.tend_hub();
        world.is_closed()
    });
    let after = stored(&world);
    assert_eq!(after.len(), before.len() + 1, "{}", world.logs());
    let played = windows(&read(world.sample()));
    assert_eq!(after[..before.len()], played[..before.len()]);
    let last = &after[before.len()];
    assert!(last.manifest.last && last.batches.is_empty(), "{last:?}");
    println!(
        "{kind:?}: {left} windows in the recording, {} stored: closed with window {}, 0 lost, 0 doubled",
        before.len(),
        last.manifest.index
    );
}

#[test]
fn a_session_whose_recording_is_behind_the_store_is_closed_behind_mosquitto() {
    ends_behind_the_store(Broker::Mosquitto);
}

#[test]
fn a_session_whose_recording_is_behind_the_store_is_closed_behind_the_embedded_broker() {
    ends_behind_the_store(Broker::Embedded);
}
