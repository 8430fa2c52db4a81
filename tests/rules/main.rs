//! Plans and judgement: what a plan file must say, and what is found against it. Each invariant of the
//! clinic rules that the rules carry (I2, I4, I5, I6, I7, I11) is named where it is tested.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod baseline;
mod effort;
mod limits;
mod plans;
mod properties;
mod session;
mod watch;
