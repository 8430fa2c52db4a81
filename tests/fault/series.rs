//! Random faults in a row: `kill -9` of gateway, hub and broker, and processes that are frozen for a while.

use crate::{
    truth::{self, Counts},
    world::{Broker, World},
};
use plimsoll::{
    mqtt::{
        BusConfig,
        subscriber::{self, Stay},
    },
    wire::{payload, recording},
};
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::sleep,
    time::Duration,
};

/// Faults of the short run, and of one session.
const FAULTS: u32 = 24;
const OF_A_SESSION: u32 = 8;
/// A session is played so many times faster than it was: slow enough that its faults fall into it.
const SPEED: &str = "10";
/// Windows of a session whose gateway was not killed.
const WHOLE: u64 = 824;

/// What was done to whom.
#[derive(Debug, Default)]
struct Done {
    hub: u32,
    gateway: u32,
    broker: u32,
    frozen: u32,
    sessions: u32,
    void: u32,
    /// Sessions that ended early because their gateway was killed.
    cut: u32,
    acknowledged: u64,
    same: Counts,
}

fn asked(name: &str, otherwise: u32) -> u32 {
    let value = std::env::var(name).ok();
    value.map_or(otherwise, |v| {
        v.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {v}"))
    })
}

/// Faults until there were as many as asked for.
fn series(kind: Broker) {
    let faults = asked("PLIMSOLL_FAULTS", FAULTS);
    let seed = asked("PLIMSOLL_FAULT_SEED", 1);
    let mut rng = ChaCha8Rng::seed_from_u64(seed.into());
    let mut done = Done::default();
    while done.hub + done.gateway + done.broker < faults {
        session(kind, &mut rng, &mut done);
    }
    println!("{kind:?}, seed {seed}: {done:?}; 0 lost, 0 doubled");
    // Otherwise it was a test of nothing.
    assert!(done.acknowledged > 100 && done.same.windows > 500 && done.same.events > 20);
}

/// One session with its faults, to its end.
fn session(kind: Broker, rng: &mut ChaCha8Rng, done: &mut Done) {
    let dir = tempfile::tempdir().unwrap();
    let name = format!("fault-{}", done.sessions);
    let mut world = World::start(dir.path(), kind, &name, SPEED);
    let acknowledged = witness(world.port());
    done.sessions += 1;
    let checked = catch_unwind(AssertUnwindSafe(|| {
        // The session ends with its gateway: in every second one it is killed, too, and later the one that delivers.
        let gateway_from = if rng.random() {
            rng.random_range(0..4)
        } else {
            OF_A_SESSION
        };
        for number in 0..OF_A_SESSION {
            sleep(Duration::from_millis(rng.random_range(100..1500)));
            fault(&mut world, rng, number >= gateway_from, done);
        }
        finish(&mut world, acknowledged.load(Ordering::Relaxed), done);
    }));
    if let Err(panic) = checked {
        eprintln!("{}", world.logs());
        resume_unwind(panic);
    }
}

fn fault(world: &mut World, rng: &mut ChaCha8Rng, gateway: bool, done: &mut Done) {
    let pause = Duration::from_millis(rng.random_range(0..600));
    match rng.random_range(0..9) {
        0..3 => {
            done.hub += 1;
            world.hub.kill();
        }
        3..5 if world.broker.is_some() => {
            done.broker += 1;
            if let Some(broker) = &mut world.broker {
                broker.kill();
            }
        }
        5..7 if gateway => {
            done.gateway += 1;
            world.gateway.kill();
            sleep(pause);
            world.deliver();
        }
        7 => {
            done.frozen += 1;
            world.hub.freeze(pause * 4);
        }
        _ => {
            done.frozen += 1;
            match &world.broker {
                Some(broker) => broker.freeze(pause * 4),
                None => world.gateway.freeze(pause * 4),
            }
        }
    }
    sleep(pause);
    world.tend_hub();
}

/// Lets the session end, then compares.
fn finish(world: &mut World, acknowledged: u64, done: &mut Done) {
    // A gateway that was killed before it had begun to record had nothing.
    let begun = |path| fs::read(path).is_ok_and(|bytes| recording::read(&bytes).is_ok());
    if !begun(world.recording()) {
        assert_eq!(acknowledged, 0, "acknowledged, and nothing recorded");
        done.void += 1;
        return;
    }
    let mut looks = 0;
    crate::world::wait_until("the session is stored", Duration::from_secs(120), || {
        looks += 1;
        world.tend_hub();
        // A gateway that has played to its end has delivered; one that failed leaves it to the next.
        if looks % 100 == 0 {
            world.gateway_again();
        }
        world.is_closed()
    });
    truth::played(&world.recording(), world.sample());
    let counts = truth::same(&world.store(), &world.recording());
    assert!(counts.windows >= acknowledged);
    done.cut += u32::from(counts.windows < WHOLE);
    done.acknowledged += acknowledged;
    done.same.add(counts);
}

/// The furthest window that the store has acknowledged, as somebody beside hears it.
fn witness(port: u16) -> Arc<AtomicU64> {
    let furthest = Arc::new(AtomicU64::new(0));
    let heard = Arc::clone(&furthest);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (sender, mut messages) = tokio::sync::mpsc::channel(1024);
            let bus = BusConfig::to(([127, 0, 0, 1], port).into()).named("witness");
            let filter = "plimsoll/v1/+/ack/store".to_owned();
            let Ok(_subscription) =
                subscriber::subscribe(bus, vec![filter], Stay::Visit, sender).await
            else {
                return;
            };
            // It ends with the test.
            while let Some(message) = messages.recv().await {
                if let Ok(ack) = payload::decode_ack(&message.payload) {
                    heard.fetch_max(ack.windows, Ordering::Relaxed);
                }
            }
        });
    });
    furthest
}

#[test]
fn whoever_is_killed_behind_mosquitto_nothing_is_lost() {
    series(Broker::Mosquitto);
}

#[test]
fn whoever_is_killed_behind_the_embedded_broker_nothing_is_lost() {
    series(Broker::Embedded);
}
