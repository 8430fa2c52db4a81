//! The configuration file, every problem at once; plan files checked for sense.

pub mod plan;
