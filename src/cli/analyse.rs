//! `plimsoll analyse`: a recording judged at once; the same findings as live, byte for byte.

use super::{Outcome, Usage, input};
use crate::cli::out::say;
use crate::{
    daemon::feed,
    pipeline::{analysis::Params, batch},
    wire::{payload, plan},
};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// Arguments of `plimsoll analyse`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The recording (`.mcap`).
    recording: PathBuf,
    /// Judge by this plan instead of the one in the recording.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Write everything the analysis says, one JSON object a line; `-` is stdout.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Write the one-page report (HTML).
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let recording = input::recording(&args.recording)?;
    let outcome = if recording.complete {
        Outcome::Done
    } else {
        Outcome::DataLost
    };
    let play = input::play(recording, args.plan.as_deref())?;
    let plan = play
        .plan_text
        .as_deref()
        .map(plan::parse)
        .transpose()
        .map_err(|_| {
            Usage("the plan inside the recording does not parse; name another with --plan".into())
        })?
        .map(|parsed| parsed.plan);
    let events = batch::analyse(&Params::default(), &play.header, plan.as_ref(), &play.items)
        .context("analyse the recording")?;
    let text = payload::events_text(&events)?;
    match args.events.as_deref() {
        Some(path) if path.as_os_str() == "-" => say(text)?,
        Some(path) => input::write_whole(path, text.as_bytes())?,
        None => {}
    }
    let report = feed::session_report(&play.header, plan.as_ref(), &events);
    if let Some(path) = &args.report {
        input::write_whole(path, crate::report::html(&report).as_bytes())?;
    }
    if args.events.as_deref().is_none_or(|p| p.as_os_str() != "-") {
        say(crate::report::text_summary(&report))?;
    }
    Ok(outcome)
}
