//! x
pub mod assemble;
