//! Real sensors over Bluetooth Low Energy.
//!
//! | file | does |
//! |---|---|
//! | [`identity`] | which device on the air is which sensor |
//! | [`namesakes`] | which of them have the same name |
//! | [`params`], [`protocol`] | numbers; requests and events |
//! | `started` | what a set-up achieved, and what is lacking |
//! | [`chores`] | what is done again and again while it streams |
//! | [`supervisor`] | one sensor's link as a state machine |
//! | [`fleet`] | all sensors: scans, one connection at a time, the adapter |
//! | [`shake`] | which of several sensors is moved most |
//! | [`config`] | the adapter, and what it is used for |
//! | [`radio`] | carries all this out with btleplug, on a thread of its own |
//! | `central`, `device`, `intake` | the adapter, one sensor's connection in btleplug, and what arrives on it |
//! | [`survey`] | devices that no session holds |
//! | [`power`] | what only the system bus tells: whether an adapter is powered |
//!
//! All but the last four rows are pure: no radio, no clock, no task.

mod central;
pub mod chores;
pub mod config;
mod device;
pub mod fleet;
pub mod identity;
mod intake;
pub mod namesakes;
pub mod params;
pub mod power;
pub mod protocol;
pub mod radio;
pub mod shake;
mod started;
pub mod supervisor;
pub mod survey;

pub use central::RadioError;
pub use config::{Config, Purpose};
