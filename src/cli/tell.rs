//! `plimsoll tell`: an instruction to the session that runs in a daemon, over the bus.

use super::{Outcome, Usage, replay::runtime};
use crate::cli::out::say_line;
use crate::{
    config,
    daemon::{link::Link, order},
    model::{
        command::{Command, SetRole, StopReason},
        plan::{RpeScale, TrainingSide},
        session::{SessionHeader, SessionId},
    },
    mqtt::BusConfig,
    wire::{payload, topic::Part},
};
use anyhow::{Context, Result, bail};
use std::{path::PathBuf, time::Duration};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The daemon answers within this.
const PATIENCE: Duration = Duration::from_secs(5);

/// Arguments of `plimsoll tell`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
    /// The configuration file of the daemon.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// The session; needed where more than one runs.
    #[arg(long, global = true)]
    session: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show where every sensor stands.
    Sensors,
    /// The client stands still in the calibration stance from now on.
    Calibrate,
    /// The client makes a movement of the library a few times from now on.
    CalibrateMovement {
        /// Exercise of the library.
        #[arg(long)]
        exercise: String,
        /// left, right or both; never guessed.
        #[arg(long, value_parser = side)]
        side: TrainingSide,
    },
    /// A set begins.
    StartSet {
        /// Exercise of the library.
        #[arg(long)]
        exercise: String,
        /// left, right or both; never guessed.
        #[arg(long, value_parser = side)]
        side: TrainingSide,
        /// Load, kg.
        #[arg(long)]
        load_kg: Option<f64>,
        /// Counted apart and not judged.
        #[arg(long, conflicts_with = "baseline_accepted_by")]
        warm_up: bool,
        /// It becomes the client's baseline: who watched and accepts it.
        #[arg(long, value_name = "NAME")]
        baseline_accepted_by: Option<String>,
    },
    /// The set ends.
    EndSet,
    /// Go on without a sensor that is not ready: what needs it is not assessed.
    GoWithout {
        /// Its alias.
        alias: String,
        /// Who accepts that.
        #[arg(long, value_name = "NAME")]
        accepted_by: String,
    },
    /// Go on although no sensor of the session measures some of what the plan asks: that is not assessed.
    GoUnmeasured {
        /// Who accepts that.
        #[arg(long, value_name = "NAME")]
        accepted_by: String,
    },
    /// What the client says after a set.
    Entry {
        /// Perceived exertion, 0 to 10.
        #[arg(long, value_parser = exertion)]
        rpe: Option<f64>,
        /// Worst pain during the set, 0 to 10.
        #[arg(long, value_parser = clap::value_parser!(u8).range(0..=10))]
        pain: Option<u8>,
    },
}

fn exertion(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=10.0).contains(&value) => Ok(value),
        _ => Err(format!("{text:?} is no exertion (expected 0 to 10)")),
    }
}

fn side(text: &str) -> Result<TrainingSide, String> {
    match text {
        "left" => Ok(TrainingSide::Left),
        "right" => Ok(TrainingSide::Right),
        "both" => Ok(TrainingSide::Both),
        _ => Err(format!(
            "{text:?} is no side (expected left, right or both)"
        )),
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let config = config::load(args.config.as_deref()).map_err(|e| Usage(e.to_string()))?;
    let bus = BusConfig::open(&config.bus)?.named(&format!("tell-{}", std::process::id()));
    runtime()?.block_on(async {
        let header = running(&bus, args.session.as_deref()).await?;
        match command(&args.what, &header)? {
            Some(command) => order(&bus, &header.session, command).await,
            None => sensors(&bus, &header.session).await,
        }
    })?;
    Ok(Outcome::Done)
}

/// The session that runs.
async fn running(bus: &BusConfig, wanted: Option<&str>) -> Result<SessionHeader> {
    let mut link = Link::visit(bus, "session", &[Part::Session], None)
        .await
        .context("reach the daemon's broker")?;
    let never = CancellationToken::new();
    let mut found: Vec<SessionHeader> = Vec::new();
    // Retained announcements come at once.
    while let Ok(Some((_, bytes))) = timeout(Duration::from_secs(1), link.next(&never)).await {
        if let Ok(announced) = payload::decode_announcement(&bytes) {
            found.push(announced.header);
        }
    }
    found.retain(|h| wanted.is_none_or(|w| w == h.session.0));
    let names: Vec<&str> = found.iter().map(|h| h.session.0.as_str()).collect();
    match names[..] {
        [_] => found.pop().context("find the session"),
        [] => bail!(
            "find a running session (start one with `plimsoll run` and sensors in its configuration)"
        ),
        _ => Err(Usage(format!(
            "several sessions run: name one with --session ({})",
            names.join(", ")
        ))
        .into()),
    }
}

fn command(what: &What, header: &SessionHeader) -> Result<Option<Command>> {
    Ok(Some(match what {
        What::Sensors => return Ok(None),
        What::Calibrate => Command::Calibrate,
        What::CalibrateMovement { exercise, side } => Command::CalibrateMovement {
            exercise: known(exercise)?,
            side: *side,
        },
        What::StartSet {
            exercise,
            side,
            load_kg,
            warm_up,
            baseline_accepted_by,
        } => Command::StartSet {
            exercise: known(exercise)?,
            side: *side,
            role: match baseline_accepted_by {
                Some(name) => SetRole::Baseline {
                    accepted_by: name.clone(),
                },
                None if *warm_up => SetRole::WarmUp,
                None => SetRole::Working,
            },
            load_kg: *load_kg,
        },
        What::EndSet => Command::EndSet {
            reason: StopReason::Trainer,
        },
        What::GoWithout { alias, accepted_by } => {
            let device = header.devices().find(|(_, s)| s.alias == *alias);
            let device = device
                .map(|(i, _)| i)
                .ok_or_else(|| unknown(alias, header))?;
            Command::GoWithout {
                device,
                accepted_by: accepted_by.clone(),
            }
        }
        What::GoUnmeasured { accepted_by } => Command::GoUnmeasured {
            accepted_by: accepted_by.clone(),
        },
        What::Entry { rpe, pain } => Command::Entry {
            rpe: rpe.map(|value| (RpeScale::Cr10, value)),
            pain: *pain,
            symptoms: Vec::new(),
        },
    }))
}

fn unknown(alias: &str, header: &SessionHeader) -> Usage {
    let known: Vec<&str> = header.sensors.iter().map(|s| s.alias.as_str()).collect();
    Usage(format!(
        "the session has no sensor {alias:?} (it has {})",
        known.join(", ")
    ))
}

fn known(exercise: &str) -> Result<String> {
    match crate::model::exercise::exercise(exercise) {
        Some(found) => Ok(found.id.to_owned()),
        None => Err(Usage(format!("there is no exercise {exercise:?} in the library")).into()),
    }
}

async fn order(bus: &BusConfig, session: &SessionId, command: Command) -> Result<()> {
    let mut link = Link::visit(bus, "order", &[Part::Reply], Some(session)).await?;
    match order::give(&mut link, session, command).await? {
        None => say_line("done"),
        Some(reason) => bail!("do that: {reason}"),
    }
}

async fn sensors(bus: &BusConfig, session: &SessionId) -> Result<()> {
    let mut link = Link::visit(bus, "sensors", &[Part::Sensors], Some(session)).await?;
    let never = CancellationToken::new();
    let Ok(Some((_, bytes))) = timeout(PATIENCE, link.next(&never)).await else {
        bail!(
            "hear where the sensors stand within {} s",
            PATIENCE.as_secs()
        );
    };
    for status in payload::decode_sensors(&bytes)? {
        let battery = status
            .battery_percent
            .map_or(String::new(), |p| format!("  battery {p} %"));
        say_line(format_args!(
            "{:<12} {}{battery}",
            status.alias,
            status.words()
        ))?;
    }
    Ok(())
}
