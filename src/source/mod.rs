//! Where packets come from: replay, the simulator; faults and the recorder as middleware.
//!
//! | file | what it does |
//! |---|---|
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
pub mod sensors;
pub mod synth;
