//! `plimsoll demo`: a simulated session through everything, for somebody who has never seen it.

use super::{
    Outcome, Usage, input,
    replay::{Place, Playing, runtime, say_page},
};
use crate::{
    daemon::plant::{self, Plant, Role},
    source::replay::Speed,
    wire::recording,
};
use anyhow::{Context, Result};

/// The sample sessions that the program carries with it; all of them are simulated.
const SAMPLES: &[(&str, &[u8])] = &[
    (
        "knee-squat",
        include_bytes!("../../sample-data/knee-squat.mcap"),
    ),
    (
        "sensor-dropout",
        include_bytes!("../../sample-data/sensor-dropout.mcap"),
    ),
    (
        "shoulder-raise",
        include_bytes!("../../sample-data/shoulder-raise.mcap"),
    ),
    (
        "sit-to-stand",
        include_bytes!("../../sample-data/sit-to-stand.mcap"),
    ),
];

/// Arguments of `plimsoll demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which sample: knee-squat, sensor-dropout, shoulder-raise or sit-to-stand.
    #[arg(long, default_value = "knee-squat")]
    sample: String,
    /// Without the live page: print the summary and end.
    #[arg(long)]
    headless: bool,
    /// How fast: 1 = as it happened, 20 = twenty times, max = as fast as it goes.
    #[arg(long, default_value = "1", value_parser = input::speed)]
    speed: Speed,
    /// Again and again until stopped.
    #[arg(long = "loop")]
    again: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let Some((_, bytes)) = SAMPLES.iter().find(|(name, _)| *name == args.sample) else {
        let names: Vec<_> = SAMPLES.iter().map(|(name, _)| *name).collect();
        return Err(Usage(format!(
            "there is no sample {:?} (expected one of {})",
            args.sample,
            names.join(", ")
        ))
        .into());
    };
    runtime()?.block_on(async {
        let stop = plant::stop_signal()?;
        let mut plant = Plant::build(&args.place.config(), Role::All, !args.headless).await?;
        eprintln!(
            "sample session {:?}: simulated, no real person",
            args.sample
        );
        say_page(&plant);
        let mut outcome = Outcome::Done;
        loop {
            let recording = recording::read(bytes).context("open the sample")?;
            let play = input::play(recording, None)?;
            let playing = Playing {
                speed: args.speed,
                waits: true,
                data: &args.place.data,
                record: None,
            };
            outcome = outcome.and(playing.once(&mut plant, play, &stop).await?);
            if !args.again || stop.is_cancelled() {
                break;
            }
        }
        plant.drain().await?;
        Ok(outcome)
    })
}
