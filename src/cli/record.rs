//! `plimsoll record`: a session's raw packets to a recording, without judging them.
//!
//! Sources: the configured sensors, the simulator, other recordings.

use super::{Outcome, Usage, input, replay::runtime};
use crate::cli::out::say_line;
use crate::{
    config,
    daemon::{
        clock::host_now,
        phones::Phones,
        plant,
        session::{self, Wanted},
    },
    model::link::LinkChange,
    source::{
        ble::Purpose,
        recorder::Recorder,
        replay::{self, Speed},
        sensors, synth,
    },
    wire::recording::Item,
};
use anyhow::{Context, Result};
use std::{path::PathBuf, time::Duration};
use tokio::{sync::mpsc, time::sleep};

/// Arguments of `plimsoll record`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The recording to write (`.mcap`).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Record the simulator: knee-squat, sensor-dropout, shoulder-raise or sit-to-stand.
    #[arg(long, value_name = "SCENARIO", conflicts_with = "from")]
    simulate: Option<String>,
    /// Record from another recording.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Record the sensors of this configuration.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "simulate"])]
    config: Option<PathBuf>,
    /// Pseudonym of the client, for a recording of sensors.
    #[arg(long, default_value = "C-UNNAMED", value_parser = input::client)]
    client: String,
    /// How long to record sensors, s; without it until Ctrl-C.
    #[arg(long, value_parser = super::scan::seconds)]
    seconds: Option<f64>,
    /// Seed of the simulator.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How fast: 1 = as it happens, 20 = twenty times, max = as fast as it goes.
    #[arg(long, default_value = "1", value_parser = input::speed)]
    speed: Speed,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let (header, plan_text, items) = match (&args.simulate, &args.from) {
        (Some(name), _) => {
            let scenario = synth::Scenario::named(name).ok_or_else(|| {
                Usage(format!(
                    "there is no scenario {name:?} (expected one of {})",
                    synth::NAMES.join(", ")
                ))
            })?;
            let session = scenario.run(args.seed);
            (session.header, None, session.items)
        }
        (None, Some(path)) => {
            let play = input::play(input::recording(path)?, None)?;
            (play.header, play.plan_text, play.items)
        }
        (None, None) => return sensors(args),
    };
    let mut recorder = Recorder::create(&args.out, &header, plan_text.as_deref(), host_now)?;
    let written = runtime()?.block_on(async {
        let stop = plant::stop_signal()?;
        let (sender, mut receiver) = mpsc::channel(256);
        let source = tokio::spawn(replay::play(items, args.speed, sender));
        let mut written = 0_u64;
        while let Some(item) = tokio::select! {
            () = stop.cancelled() => None,
            item = receiver.recv() => item,
        } {
            recorder
                .item(&item)
                .with_context(|| format!("write {}", args.out.display()))?;
            written += 1;
        }
        source.abort();
        anyhow::Ok(written)
    })?;
    let recorded = recorder
        .finish()
        .with_context(|| format!("end {}", args.out.display()))?;
    say_line(format_args!(
        "{}: {written} packets and commands, content {}",
        args.out.display(),
        recorded.content_sha256
    ))?;
    Ok(Outcome::Done)
}

/// Records the configured sensors until it is stopped or the time is over.
fn sensors(args: &Args) -> Result<Outcome> {
    let Some(path) = &args.config else {
        let text = "name a source: --config (its sensors), --simulate or --from";
        return Err(Usage(text.into()).into());
    };
    let config = config::load(Some(path)).map_err(|e| Usage(e.to_string()))?;
    if config.sensors.is_empty() {
        let text = format!("{} names no [[sensors]] to record", path.display());
        return Err(Usage(text).into());
    }
    let wanted = Wanted {
        client: &args.client,
        plan: None,
    };
    let header = session::header(&config, &wanted);
    let mut recorder = Recorder::create(&args.out, &header, None, host_now)?;
    let (written, lost, ended) = runtime()?.block_on(async {
        let stop = plant::stop_signal()?;
        let (sender, mut items) = mpsc::channel(session::PACKETS);
        let token = stop.clone();
        let phones = Phones::listen(&config, &token).await?;
        let running = sensors::start(
            &config.ble,
            &config.sensors,
            Purpose::Session,
            host_now,
            phones.door(),
            sender,
            token,
        )?;
        let over = sleep(Duration::from_secs_f64(args.seconds.unwrap_or(1e9)));
        tokio::pin!(over);
        let (mut written, mut lost) = (0_u64, 0_u64);
        loop {
            let item = tokio::select! {
                item = items.recv() => item,
                () = &mut over, if !stop.is_cancelled() => { stop.cancel(); continue }
            };
            let Some(item) = item else { break };
            if let Item::Link(_, event) = &item
                && let LinkChange::Overflow { packets } = event.change
            {
                lost += packets;
            }
            recorder
                .item(&item)
                .with_context(|| format!("write {}", args.out.display()))?;
            written += 1;
        }
        let ended = running.over.await.context("wait for the sensors")?;
        phones.end().await?;
        anyhow::Ok((written, lost, ended))
    })?;
    let recorded = recorder
        .finish()
        .with_context(|| format!("end {}", args.out.display()))?;
    say_line(format_args!(
        "{}: {written} packets and link changes, content {}",
        args.out.display(),
        recorded.content_sha256
    ))?;
    if lost > 0 {
        eprintln!("{lost} packets were lost: they came faster than they could be written");
    }
    // Whatever ended the sensors, what they said is whole.
    ended?;
    Ok(if lost > 0 {
        Outcome::DataLost
    } else {
        Outcome::Done
    })
}
