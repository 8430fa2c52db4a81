//! The store of sessions: what was acknowledged is there after a kill, a full disk or a redelivery;
//! readers do not wait for the writer; tables say what was stored; samples survive their move to files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod contents;
#[path = "../disk/mod.rs"]
mod disk;
mod durability;
mod ending;
mod erase;
mod keeping;
mod stage;
mod tables;
