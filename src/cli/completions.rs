//! `plimsoll completions`: completions for a shell, on stdout.

use super::{Cli, Outcome};
use clap::CommandFactory;

/// Arguments of `plimsoll completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which shell.
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args) -> Outcome {
    let mut command = Cli::command();
    clap_complete::generate(args.shell, &mut command, "plimsoll", &mut std::io::stdout());
    Outcome::Done
}
