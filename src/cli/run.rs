//! `plimsoll run`: the daemon, until it is stopped.

use super::{
    Outcome, Usage,
    replay::{runtime, say_page},
};
use crate::{
    config,
    daemon::plant::{self, Plant},
};
use anyhow::Result;
use std::path::PathBuf;

/// Arguments of `plimsoll run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file; without it the defaults are used.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let config = config::load(args.config.as_deref()).map_err(|e| Usage(e.to_string()))?;
    runtime()?.block_on(async {
        let stop = plant::stop_signal()?;
        let mut plant = Plant::build(&config, true).await?;
        say_page(&plant);
        plant.wait(&stop).await?;
        plant.drain().await?;
        Ok(Outcome::Done)
    })
}
