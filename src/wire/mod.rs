//! The outside forms of the model: recordings, bus payloads, plan files. The only place that knows CBOR, JSON, TOML and MCAP.
//!
//! | file | form |
//! |---|---|
//! | [`recording`] | a session's raw packets and commands in an MCAP container |

pub mod recording;
