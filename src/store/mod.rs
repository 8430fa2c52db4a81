//! The store of sessions: samples, repetitions, findings.
