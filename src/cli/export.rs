//! `plimsoll export`: the tables of a stored session.

use super::{Outcome, input, report::known};
use crate::cli::out::say_line;
use crate::{model::session::SessionId, store::ExportFormat};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// Arguments of `plimsoll export`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The session, as `plimsoll sessions` lists it.
    session: String,
    /// Which format.
    #[arg(long, value_enum)]
    format: Format,
    /// Folder to write into; made if it is not there.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Folder of the store.
    #[arg(long, value_name = "DIR", default_value = input::DATA_DIR)]
    data: PathBuf,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Comma-separated values, one file a table.
    Csv,
    /// Parquet, one file a table.
    Parquet,
    /// One SQLite file with these tables and everything else that is stored of the session.
    Sqlite,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let store = input::store(&args.data)?;
    let session = SessionId(args.session.clone());
    known(&store, &session)?;
    let format = match args.format {
        Format::Csv => ExportFormat::Csv,
        Format::Parquet => ExportFormat::Parquet,
        Format::Sqlite => ExportFormat::Sqlite,
    };
    let written = store
        .export(&session, format, &args.out)
        .with_context(|| format!("export session {}", session.0))?;
    for path in written {
        say_line(path.display())?;
    }
    Ok(Outcome::Done)
}
