//! Where packets come from: replay, the simulator; faults and the recorder as middleware.
//!
//! | file | what it does |
//! |---|---|
//! | [`sensor`] | which sensors a session has, as the configuration says it |
//! | [`streams`] | what a sensor was started for, and when it was heard |
//! | [`ble`] | real sensors over Bluetooth |
//! | [`phone`] | phones that push over the network |
//! | [`sensors`] | both as one, for a session |
//! | `outlet` | the way from either to the session |
//! | [`replay`] | plays a recording's items at their own pace or as fast as they are taken |
//! | [`fault`] | loses, delays, doubles and reorders packets, by a seed |
//! | [`synth`] | a simulator of people that emits the bytes of real sensors |
//! | [`recorder`] | writes every item to a recording before passing it on |

pub mod ble;
pub mod fault;
mod outlet;
pub mod phone;
pub mod recorder;
pub mod replay;
pub mod sensor;
pub mod sensors;
pub mod streams;
pub mod synth;
