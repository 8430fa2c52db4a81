//! Build, spawn, drain: the only place that asks for the time and starts tasks.
//!
//! | file | what |
//! |---|---|
//! | [`plant`] | everything of one process: built, running, drained |
//! | [`gateway`] | items to recording and bus |
//! | [`courier`] | windows to the bus until every consumer has them |
//! | [`outgoing`] | a window as messages |
//! | [`spool`] | windows made again from the recording |
//! | [`recovery`] | what was left undelivered by an earlier run |
//! | [`session`] | a session with real sensors |
//! | [`phones`] | what phones push, from the network to the session |
//! | [`roster`] | which sensor is worn where, and what instructions that allows |
//! | [`order`] | an instruction to a running session, and its answer |
//! | [`desk`] | what the page asks for: who is shaken, who is worn where |
//! | [`hub`] | the consumers: analysis and store |
//! | [`feed`] | events to the live page and the report |
//! | [`keeping`] | what should not be kept is removed: retention, erasing a client |
//! | [`proof`] | that names are nowhere in a folder |
//! | [`link`] | a client's two ends of the bus |
//! | [`clock`] | what time it is |

pub mod clock;
pub mod courier;
pub mod desk;
pub mod feed;
pub mod gateway;
pub mod hub;
pub mod jobs;
pub mod keeping;
pub mod link;
pub mod order;
pub mod outgoing;
pub mod phones;
pub mod plant;
pub mod proof;
pub mod recovery;
pub mod roster;
pub mod session;
pub mod spool;
