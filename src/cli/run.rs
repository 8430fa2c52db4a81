//! `plimsoll run`: the daemon, until it is stopped; with sensors in the configuration, a session of them.

use super::{
    Outcome, Usage, input,
    replay::{report, runtime, say_page},
};
use crate::{
    config,
    daemon::{
        clock::wall_now,
        plant::{self, Plant},
        session::{self, Wanted},
    },
};
use anyhow::{Context, Result};
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Arguments of `plimsoll run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file; without it the defaults are used.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Pseudonym of the client who trains, where sensors are configured.
    #[arg(long, default_value = "C-UNNAMED", value_parser = input::client)]
    client: String,
    /// The plan that the session is judged by.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Where to record the raw packets; by default in the store's folder.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let config = config::load(args.config.as_deref()).map_err(|e| Usage(e.to_string()))?;
    runtime()?.block_on(async {
        let stop = plant::stop_signal()?;
        let mut plant = Plant::build(&config, true).await?;
        say_page(&plant);
        let outcome = if config.sensors.is_empty() {
            plant.wait(&stop).await?;
            Ok(Outcome::Done)
        } else {
            train(args, &config, &mut plant, &stop).await
        };
        plant.drain().await?;
        outcome
    })
}

/// One session of the configured sensors.
async fn train(
    args: &Args,
    config: &config::Config,
    plant: &mut Plant,
    stop: &CancellationToken,
) -> Result<Outcome> {
    let today = wall_now();
    let plan = args
        .plan
        .as_deref()
        .map(|path| input::plan(path, &args.client, today.get(..10)))
        .transpose()?;
    let wanted = Wanted {
        client: &args.client,
        plan: plan.as_ref(),
    };
    let header = session::header(config, &wanted);
    let record = if let Some(path) = &args.record {
        path.clone()
    } else {
        let dir = config.store.dir.join("recordings");
        std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
        dir.join(format!("{}.mcap", header.session.0))
    };
    eprintln!(
        "session of {}: recorded to {}",
        args.client,
        record.display()
    );
    let carried = session::run(plant, config, header, plan.as_ref(), &record, stop).await?;
    let outcome = report(plant, &carried.session, &config.store.dir)?;
    match carried.how.recording_error {
        Some(e) => {
            eprintln!("the recording is not whole: {e}");
            Ok(Outcome::DataLost)
        }
        None => Ok(outcome),
    }
}
