//! Parse, run, outcome to exit code; nothing else.

fn main() {}
