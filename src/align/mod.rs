//! Readings of many devices to samples on one clock: counter unwrap, clock fit, gaps.
