//! `plimsoll record`: a session's raw packets to a recording, without judging them.
//!
//! Sources so far: the simulator and recordings. Radios are not supported yet.

use super::{Outcome, Usage, input, replay::runtime};
use crate::cli::out::say_line;
use crate::{
    daemon::plant,
    source::{
        recorder::Recorder,
        replay::{self, Speed},
        synth,
    },
};
use anyhow::{Context, Result};
use std::path::PathBuf;
use tokio::sync::mpsc;

/// Arguments of `plimsoll record`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The recording to write (`.mcap`).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Record the simulator: knee-squat, sensor-dropout, shoulder-raise or sit-to-stand.
    #[arg(
        long,
        value_name = "SCENARIO",
        conflicts_with = "from",
        required_unless_present = "from"
    )]
    simulate: Option<String>,
    /// Record from another recording.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
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
        (None, None) => return Err(Usage("name a source: --simulate or --from".into()).into()),
    };
    let mut recorder = Recorder::create(&args.out, &header, plan_text.as_deref())
        .with_context(|| format!("create the recording {}", args.out.display()))?;
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
