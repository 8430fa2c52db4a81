//! `plimsoll run`: the daemon, until it is stopped; with sensors in the configuration, a session of them.

use super::{
    Outcome, Usage, input,
    replay::{delivered, report, runtime, say_page},
};
use crate::{
    config,
    daemon::{
        clock::wall_now,
        plant::{self, Plant, Role},
        recovery,
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
    /// Which part of the daemon to be; a gateway needs a broker in the configuration.
    #[arg(long, value_enum, default_value_t)]
    role: Role,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let config = config::load(args.config.as_deref()).map_err(|e| Usage(e.to_string()))?;
    if args.role == Role::Gateway && config.bus.url.is_none() {
        let problem = "bus.url: expected the broker where the hub is, mqtt://host:port";
        return Err(Usage(problem.to_owned()).into());
    }
    runtime()?.block_on(async {
        let stop = plant::stop_signal()?;
        let mut plant = Plant::build(&config, args.role, true).await?;
        say_page(&plant);
        let outcome = work(args, &config, &mut plant, &stop).await;
        plant.drain().await?;
        outcome
    })
}

/// What a process of its role does until it is stopped.
async fn work(
    args: &Args,
    config: &config::Config,
    plant: &mut Plant,
    stop: &CancellationToken,
) -> Result<Outcome> {
    let left = if args.role == Role::Hub {
        Outcome::Done
    } else {
        deliver_left(config, plant, stop).await?
    };
    if config.sensors.is_empty() || args.role == Role::Hub {
        plant.wait(stop).await?;
        return Ok(left);
    }
    Ok(left.and(train(args, config, plant, stop).await?))
}

/// After so many sessions in a row that nobody took the others are not tried: the next session does not wait for them.
const GIVEN_UP: usize = 2;

/// Delivers the sessions that an earlier run recorded and did not deliver.
async fn deliver_left(
    config: &config::Config,
    plant: &mut Plant,
    stop: &CancellationToken,
) -> Result<Outcome> {
    let dir = recordings(config)?;
    let mut outcome = Outcome::Done;
    let mut given_up = 0;
    for path in recovery::unfinished(&dir)? {
        if stop.is_cancelled() {
            break;
        }
        // One that cannot be delivered does not keep the others, or the next session, from it.
        match recovery::deliver(plant, &path, stop).await {
            Ok(Some(left)) => {
                let session = left.session;
                eprintln!("session {} was left by an earlier run", session.0);
                if left.damaged {
                    let at = path.display();
                    eprintln!("{at} is damaged: what lies behind the damage did not come");
                    outcome = outcome.and(Outcome::DataLost);
                }
                let nobody = left.how.undelivered.is_some() && left.how.refused.is_none();
                given_up = if nobody { given_up + 1 } else { 0 };
                match delivered(&session, left.how, Some(&path)) {
                    Ok(how) => outcome = outcome.and(how),
                    Err(e) => eprintln!("failed to {e:#}; it is tried again at the next start"),
                }
            }
            Ok(None) => eprintln!("{} held nothing: removed", path.display()),
            Err(e) => eprintln!("failed to {e:#}"),
        }
        if given_up == GIVEN_UP {
            eprintln!("nobody takes what earlier runs left: tried again at the next start");
            break;
        }
    }
    Ok(outcome)
}

/// Where sessions are recorded.
fn recordings(config: &config::Config) -> Result<PathBuf> {
    let dir = config.store.dir.join("recordings");
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    Ok(dir)
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
    let (dir, name) = (recordings(config)?, format!("{}.mcap", header.session.0));
    let (known, record) = match &args.record {
        Some(path) => (recovery::point_to(&dir, &name, path)?, path.clone()),
        None => (dir.join(&name), dir.join(&name)),
    };
    eprintln!(
        "session of {}: recorded to {}",
        args.client,
        record.display()
    );
    let carried = session::run(plant, config, header, plan.as_ref(), &record, stop).await?;
    if carried.how.undelivered.is_none() {
        recovery::mark_delivered(&known)?;
    }
    // First what is not where it should be: a report of less would look like one of all.
    let outcome = delivered(&carried.session, carried.how, Some(&record))?;
    Ok(outcome.and(report(plant, &carried.session, &config.store.dir)?))
}
