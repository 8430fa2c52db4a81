//! The outside forms of the model: recordings, bus payloads, plan files. The only place that knows CBOR, JSON, TOML and MCAP.

pub mod plan;
