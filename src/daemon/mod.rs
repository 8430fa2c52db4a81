//! Build, spawn, drain: the only place that asks for the time and starts tasks.
//!
//! | file | what |
//! |---|---|
//! | [`plant`] | everything of one process: built, running, drained |
//! | [`gateway`] | items to recording and bus, paced by acknowledgements |
//! | [`session`] | a session with real sensors |
//! | [`hub`] | the consumers: analysis and store |
//! | [`feed`] | events to the live page and the report |
//! | [`link`] | a client's two ends of the bus |
//! | [`clock`] | what time it is |

pub mod clock;
pub mod feed;
pub mod gateway;
pub mod hub;
pub mod link;
pub mod plant;
pub mod session;
