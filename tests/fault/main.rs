//! Faults: gateway, hub and broker as processes, killed, frozen and cut off while a session runs. In the end the store
//! holds exactly what the recording holds: every window and every finding, once, in order.
//!
//! `PLIMSOLL_FAULTS` asks for another number of faults than the short run's, `PLIMSOLL_FAULT_SEED` for another series.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

#[path = "../disk/mod.rs"]
mod disk;
#[path = "../port/mod.rs"]
mod port;
#[path = "../six/mod.rs"]
mod six;

mod disk_full;
mod gone;
mod left;
mod network;
mod outage;
mod power_cut;
mod series;
mod store_away;
mod told;
mod truth;
#[allow(dead_code, reason = "shared with the tests of InfluxDB")]
mod world;
