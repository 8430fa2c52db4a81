//! `plimsoll sessions`: what the store holds.

use super::{Outcome, input};
use crate::cli::out::say_line;
use anyhow::Result;
use std::path::PathBuf;

/// Arguments of `plimsoll sessions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the store.
    #[arg(long, value_name = "DIR", default_value = input::DATA_DIR)]
    data: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let store = input::store(&args.data)?;
    for session in store.sessions()? {
        let header = &session.header;
        say_line(format_args!(
            "{}\t{}\t{}\t{}\t{}",
            header.session.0,
            header.client,
            header.started_at,
            header.plan_label.as_deref().unwrap_or("no plan"),
            if session.closed { "closed" } else { "open" }
        ))?;
    }
    Ok(Outcome::Done)
}
