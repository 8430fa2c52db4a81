//! One file a subcommand.

pub mod wire_vectors;
