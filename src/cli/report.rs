//! `plimsoll report`: the one-page report of a stored session.

use super::{Outcome, Usage, input};
use crate::cli::out::say;
use crate::{daemon::feed, model::session::SessionId};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// Arguments of `plimsoll report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The session, as `plimsoll sessions` lists it.
    session: String,
    /// Where to write the page (HTML); `-` is stdout.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Print a summary for the terminal instead of the page.
    #[arg(long)]
    text: bool,
    /// Folder of the store.
    #[arg(long, value_name = "DIR", default_value = input::DATA_DIR)]
    data: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let store = input::store(&args.data)?;
    let session = SessionId(args.session.clone());
    known(&store, &session)?;
    let report = feed::stored_report(&store, &session)
        .with_context(|| format!("report session {}", session.0))?;
    let text = if args.text {
        crate::report::text_summary(&report)
    } else {
        crate::report::html(&report)
    };
    if args.out.as_os_str() == "-" {
        say(text)?;
    } else {
        input::write_whole(&args.out, text.as_bytes())?;
        eprintln!("wrote {}", args.out.display());
    }
    Ok(Outcome::Done)
}

/// The session must be in the store; if not, says which are.
pub(super) fn known(store: &crate::store::Store, session: &SessionId) -> Result<()> {
    let all: Vec<_> = store
        .sessions()?
        .into_iter()
        .map(|s| s.header.session.0)
        .collect();
    if all.contains(&session.0) {
        return Ok(());
    }
    let there = if all.is_empty() {
        "the store is empty".to_owned()
    } else {
        format!("stored are {}", all.join(", "))
    };
    Err(Usage(format!("there is no session {:?}: {there}", session.0)).into())
}
