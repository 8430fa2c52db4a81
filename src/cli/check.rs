//! `plimsoll check`: is the configuration in order?

use super::{Outcome, Usage};
use crate::cli::out::{say, say_line};
use crate::{config, mqtt::BusConfig};
use anyhow::Result;
use std::path::PathBuf;

/// Arguments of `plimsoll check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file; without it the defaults are checked.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the configuration as it will be used.
    #[arg(long)]
    print: bool,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let config = config::load(args.config.as_deref()).map_err(|e| Usage(e.to_string()))?;
    // The files it names are part of it.
    BusConfig::open(&config.bus)?;
    if args.print {
        say(config::text(&config)?)?;
    } else {
        say_line("the configuration is in order")?;
    }
    Ok(Outcome::Done)
}
