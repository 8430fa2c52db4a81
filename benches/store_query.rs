//! Time to read one hour of one stream back from the embedded store. `cargo bench --bench store_query`.
//!
//! An hour of four movement sensors at 100 Hz and a strap, written as a session is: windows of 0.1 s. Asked is all of
//! one sensor (360,000 samples) and one minute of it, from the database and, compacted, from Parquet; warm, that is what
//! was read once before. Checksums are checked in every read. One line each, `name median_ms worst_ms` of all rounds.

#![allow(clippy::unwrap_used, reason = "a bench may stop")]

#[path = "../tests/store/stage.rs"]
#[allow(dead_code, reason = "tests need more of it")]
mod stage;

use plimsoll::{
    model::{sample::Sample, time::SessionNs},
    store::Store,
};
use stage::{BEGINNING, END, closed, expected, header, id, imu, numbered, window};
use std::{hint::black_box, time::Instant};

const WINDOWS: u64 = 36_000;
const A_MINUTE: u64 = 600;
const ROUNDS: usize = 21;
/// What nobody waits for.
const GOAL_MS: f64 = 50.0;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap();
    store.begin(&header("s1", "c1"), None).unwrap();
    for from in (0..WINDOWS).step_by(A_MINUTE as usize) {
        let minute: Vec<_> = (from..from + A_MINUTE)
            .map(|i| window(i, i + 1 == WINDOWS))
            .collect();
        store.append(&id("s1"), &minute, &[]).unwrap();
    }
    let events = numbered(vec![closed(WINDOWS)]);
    store.append(&id("s1"), &[], &events).unwrap();
    store.close(&id("s1")).unwrap();
    let truth = expected(imu(1), WINDOWS);
    let mut slow = Vec::new();
    for place in ["database", "parquet"] {
        for (name, from, to) in [
            ("hour", BEGINNING, END),
            (
                "minute",
                SessionNs::from_seconds(1800.0),
                SessionNs::from_seconds(1860.0),
            ),
        ] {
            let (median, worst) = read(&store, &truth, from, to);
            println!("{place}_{name}_ms {median:.1} {worst:.1}");
            if median >= GOAL_MS {
                slow.push(format!("{place} {name}: {median:.1} ms"));
            }
        }
        store.compact(&id("s1")).unwrap();
    }
    assert!(slow.is_empty(), "not within {GOAL_MS} ms: {slow:?}");
}

/// Median and worst time of a warm read, ms.
fn read(store: &Store, truth: &[Sample], from: SessionNs, to: SessionNs) -> (f64, f64) {
    let ask = || store.stream(&id("s1"), imu(1), from, to).unwrap();
    let right: Vec<Sample> = truth
        .iter()
        .filter(|s| (from..=to).contains(&s.t))
        .copied()
        .collect();
    assert!(ask() == right, "what is read is not what was written");
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            black_box(ask());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[ROUNDS / 2], times[ROUNDS - 1])
}
