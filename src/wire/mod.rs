//! The outside forms of the model: recordings, bus payloads, plan files. The only place that knows CBOR, JSON, TOML and MCAP.
//!
//! | file | form |
//! |---|---|
//! | [`plan`] | the therapist's plan, TOML |
//! | [`labelled`] | labelled recordings of other people |
//! | [`library`] | the fingerprint of the exercise library |
//! | [`topic`] | names on the bus |
//! | [`payload`] | what is said under these names: CBOR for samples, JSON for the rest |
//! | [`recording`] | a session's raw packets and commands in an MCAP container |

pub mod labelled;
pub mod library;
pub mod payload;
pub mod plan;
pub mod recording;
pub mod topic;
