//! `plimsoll plan check`: is a plan file whole and sensible?

use super::{Outcome, Usage};
use crate::cli::out::say_line;
use crate::config;
use anyhow::Result;
use std::path::PathBuf;

/// Arguments of `plimsoll plan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read plan files and report every problem with its line.
    Check {
        /// The plan files (`.toml`).
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let Command::Check { files } = &args.command;
    let mut refused = Vec::new();
    for file in files {
        match config::plan::load(file) {
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    eprintln!("{warning}");
                }
                say_line(format_args!(
                    "{}: {} v{} is in order",
                    file.display(),
                    loaded.plan.plan_id,
                    loaded.plan.version
                ))?;
            }
            Err(e) => refused.push(e.to_string()),
        }
    }
    if refused.is_empty() {
        Ok(Outcome::Done)
    } else {
        Err(Usage(refused.join("\n")).into())
    }
}
