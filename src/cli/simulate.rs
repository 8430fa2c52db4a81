//! `plimsoll simulate`: a recording of simulated people, with its truth beside it.

use super::{Outcome, Usage, input};
use crate::cli::out::say_line;
use crate::{config, source::synth, wire::recording::Writer};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// Arguments of `plimsoll simulate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which scenario: knee-squat, sensor-dropout, shoulder-raise or sit-to-stand.
    scenario: String,
    /// The recording to write (`.mcap`); its truth goes beside it (`.truth.json`).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The plan to put into it.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Seed: the same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let scenario = synth::Scenario::named(&args.scenario).ok_or_else(|| {
        Usage(format!(
            "there is no scenario {:?} (expected one of {})",
            args.scenario,
            synth::NAMES.join(", ")
        ))
    })?;
    let mut session = scenario.run(args.seed);
    let loaded = args
        .plan
        .as_deref()
        .map(|path| config::plan::load(path).map_err(|e| Usage(e.to_string())))
        .transpose()?;
    if let Some(loaded) = &loaded {
        session.header.plan_sha256 = Some(loaded.sha256.clone());
        session.header.plan_label =
            Some(format!("{} v{}", loaded.plan.plan_id, loaded.plan.version));
    }
    let text = loaded.as_ref().map(|l| l.text.as_str());
    let mut writer =
        Writer::create(Vec::new(), &session.header, text).context("begin the recording")?;
    for item in &session.items {
        writer.item(item).context("write the recording")?;
    }
    let finished = writer.finish().context("end the recording")?;
    input::write_whole(&args.out, &finished.inner)?;
    let truth = args.out.with_extension("truth.json");
    input::write_whole(&truth, session.truth.json()?.as_bytes())?;
    say_line(format_args!(
        "{}: {} bytes, content {}",
        args.out.display(),
        finished.inner.len(),
        finished.content_sha256
    ))?;
    say_line(truth.display())?;
    Ok(Outcome::Done)
}
