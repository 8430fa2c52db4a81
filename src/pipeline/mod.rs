//! The stages joined: packets to windows, windows to repetitions and findings.

pub mod ingest;
