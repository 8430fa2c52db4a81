//! Samples at an `InfluxDB`: against a stand-in that answers and misbehaves as a script says, against VictoriaMetrics,
//! and against a server that `PLIMSOLL_TEST_INFLUX_URL`, `_TOKEN`, `_ORG` and `_BUCKET` name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod answers;
mod daemon;
#[path = "../port/mod.rs"]
mod port;
#[path = "../six/mod.rs"]
mod six;
#[path = "../store/stage.rs"]
#[allow(dead_code, reason = "shared with the tests of the store")]
mod stage;
mod standin;
#[path = "../fault/truth.rs"]
#[allow(dead_code, reason = "shared with the tests of faults")]
mod truth;
mod victoria;
#[path = "../fault/world.rs"]
#[allow(dead_code, reason = "shared with the tests of faults")]
mod world;
