//! The daemon with a server that is of no use: no session ends for it, and it does not keep who stops the daemon waiting.

use crate::{
    standin::{Act, StandIn},
    truth,
    world::{Broker, World, wait_until},
};
use plimsoll::store::Store;
use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// A session through a hub with these lines in its configuration; everything of it is stored, and waits.
fn stored(dir: &Path, name: &str, influx: &str) -> World {
    let more = format!("[store.influx]\nbucket = \"gym\"\n{influx}\n");
    fs::write(dir.join("hub.more.toml"), more).unwrap();
    let mut world = World::start(dir, Broker::Mosquitto, name, "20");
    wait_until("the session is stored", Duration::from_secs(90), || {
        world.tend_hub();
        world.is_closed()
    });
    assert_eq!(world.hub.starts, 1, "{}", world.logs());
    truth::same(&world.store(), &world.recording());
    let stats = Store::open(&world.store()).unwrap().stats().unwrap();
    assert!(stats.samples_in_database > 0);
    world
}

#[test]
fn a_token_that_is_not_there_ends_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let lines = "url = \"http://127.0.0.1:1\"\ntoken_file = \"/nowhere/token\"";
    let mut world = stored(dir.path(), "no-token", lines);
    assert_eq!(world.hub.end(), Some(0));
    let logs = world.logs();
    assert!(
        logs.contains("/nowhere/token") && logs.contains("samples wait in the store"),
        "{logs}"
    );
}

#[test]
fn a_server_that_hangs_keeps_nobody_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let stand_in = StandIn::start();
    let hang = Act::Hang(Duration::from_secs(600));
    stand_in.state().script.extend(vec![hang; 1000]);
    let mut world = stored(dir.path(), "hangs", &format!("url = {:?}", stand_in.url()));
    let begin = Instant::now();
    assert_eq!(world.hub.end(), Some(0), "{}", world.logs());
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "{:?}",
        begin.elapsed()
    );
    let logs = world.logs();
    assert!(
        logs.contains("the next start") && !logs.contains("panicked"),
        "{logs}"
    );
}

/// Every answer of the table, one after the other, to the daemon itself: nothing is lost, nothing is twice, and in the end
/// the samples are at the server alone, where `plimsoll jobs` finds them.
#[test]
fn whatever_the_server_answers_all_of_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let stand_in = StandIn::start();
    stand_in.state().most_lines = Some(2000);
    stand_in.state().script.extend([
        Act::Answer(
            401,
            r#"{"code":"unauthorized","message":"unauthorized access"}"#,
        ),
        Act::Answer(
            404,
            r#"{"code":"not found","message":"bucket \"gym\" not found"}"#,
        ),
        Act::Rest(429, 2),
        Act::Answer(
            500,
            r#"{"code":"internal error","message":"shard is closed"}"#,
        ),
        Act::Hang(Duration::from_secs(15)),
        Act::HalfClosed,
        Act::Partial,
    ]);
    stand_in.state().no_gzip = true;
    let url = format!("url = {:?}", stand_in.url());
    let mut world = stored(dir.path(), "answers", &url);
    let store = world.store();
    let stats = || Store::open(&store).unwrap().stats().unwrap();
    wait_until("all of it is there", Duration::from_secs(120), || {
        stats().samples_in_database == 0
    });
    let there = stats();
    assert_eq!((there.samples_waiting, there.samples_refused), (0, 0));
    assert!(there.samples_away > 0);
    assert!(
        stand_in.state().script.is_empty(),
        "an answer was not given"
    );
    assert_eq!(stand_in.state().disturbed, 0, "it was not left alone");
    // Read back from the server: the same windows as were recorded.
    truth::same(&store, &world.recording());
    let logs = world.logs();
    for said in [
        "refuses the token",
        "does not know the bucket",
        "asks to be left alone",
    ] {
        assert!(logs.contains(said), "{said}: {logs}");
    }
    assert_eq!(world.hub.end(), Some(0));
    let jobs = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["jobs", "run", "--data"])
        .arg(&store)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&jobs.stdout).into_owned();
    assert!(said.contains("judged again: as stored"), "{said}");
}

#[test]
fn a_bucket_that_forgets_too_early_gets_copies() {
    let dir = tempfile::tempdir().unwrap();
    let stand_in = StandIn::start();
    stand_in.state().keeps_s = 86_400;
    let mut world = stored(
        dir.path(),
        "forgets",
        &format!("url = {:?}", stand_in.url()),
    );
    let store = world.store();
    let stats = || Store::open(&store).unwrap().stats().unwrap();
    wait_until("all of it went", Duration::from_secs(60), || {
        stats().samples_waiting == 0
    });
    // With one that keeps them they would leave the folder within this.
    std::thread::sleep(Duration::from_secs(5));
    assert!(stats().samples_in_database > 0);
    assert_eq!(world.hub.end(), Some(0));
    let logs = world.logs();
    assert!(logs.contains("forgets samples after 1 days"), "{logs}");
    // Nor are they moved there by hand.
    let refused = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["store", "migrate", "--to", "influx", "--config"])
        .arg(dir.path().join("hub.toml"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("forgets samples after 1 days"), "{said}");
    assert!(stats().samples_in_database > 0);
}
