//! `plimsoll completions`: completions for a shell, on stdout.

use super::{Cli, Outcome, out::say};
use anyhow::Result;
use clap::CommandFactory;

/// Arguments of `plimsoll completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which shell.
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let mut command = Cli::command();
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command, "plimsoll", &mut text);
    say(String::from_utf8_lossy(&text))?;
    Ok(Outcome::Done)
}
