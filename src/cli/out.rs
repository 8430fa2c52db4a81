//! What a command prints on stdout. A reader that has seen enough (`| head`) ends the command, quietly.

use anyhow::{Context, Result};
use std::{
    fmt::Display,
    io::{ErrorKind, Write},
};

/// Whoever read stdout has gone: nothing more is wanted of the command.
#[derive(Debug, thiserror::Error)]
#[error("write to a reader that has gone")]
pub struct Closed;

/// Prints as it is.
pub fn say(text: impl Display) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Err(Closed.into()),
        other => other.context("write to stdout"),
    }
}

/// Prints a line.
pub fn say_line(text: impl Display) -> Result<()> {
    say(format_args!("{text}\n"))
}
