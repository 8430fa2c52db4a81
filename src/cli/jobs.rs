//! `plimsoll jobs`: what many sessions of a client say together.

use super::{Outcome, Usage, input};
use crate::{
    cli::out::say_line,
    daemon::jobs::{self, Kind, Worked},
    history::{answers, contrast, dose, table},
    store::SessionInfo,
};
use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use polars::prelude::{
    AnyValue, CsvWriter, DataFrame, LazyFrame, ParquetWriter, SerWriter, col, lit,
};
use std::path::{Path, PathBuf};

/// Arguments of `plimsoll jobs`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Work up every finished session that is not yet: judge its samples again, keep what counts. Killed, it goes on.
    Run(Run),
    /// What changes from session to session, and what of it is more than the error.
    Trend(Ask),
    /// What changes with the load within sessions.
    Contrast(Ask),
    /// Sets, repetitions and volume of each week beside what the plan asks for.
    Dose(Ask),
    /// Which region took how much on which day.
    Calendar(Ask),
}

#[derive(Debug, clap::Args)]
struct Run {
    /// Only sessions of this client.
    #[arg(long, value_parser = input::client)]
    client: Option<String>,
    /// Folder of the store.
    #[arg(long, value_name = "DIR", default_value = input::DATA_DIR)]
    data: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Ask {
    /// Pseudonym of the client.
    #[arg(value_parser = input::client)]
    client: String,
    /// Only this exercise.
    #[arg(long, value_name = "ID")]
    exercise: Option<String>,
    /// Only this metric.
    #[arg(long, value_name = "ID")]
    metric: Option<String>,
    /// Write the whole table here (.csv or .parquet).
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Folder of the store.
    #[arg(long, value_name = "DIR", default_value = input::DATA_DIR)]
    data: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    match &args.command {
        Command::Run(args) => work_up(args),
        Command::Trend(ask) => ask.answer(Kind::Metrics, |rows| {
            let rows = jobs::answer(table::by_session(rows))?;
            Ok(answers::trends(&rows)?)
        }),
        Command::Contrast(ask) => ask.answer(Kind::Metrics, |rows| {
            let rows = contrast::contrasts(&jobs::answer(table::by_load(rows))?)?;
            Ok(answers::contrasts(&rows)?)
        }),
        Command::Dose(ask) => {
            let plans = ask.rows(Kind::Prescribed)?;
            ask.answer(Kind::Sets, |rows| {
                let done = answers::done(&jobs::answer(rows)?)?;
                let plans = plans.map(jobs::answer).transpose()?;
                let asked = plans.as_ref().map(answers::asked).transpose()?;
                Ok(answers::doses(dose::weekly(
                    &done,
                    &asked.unwrap_or_default(),
                ))?)
            })
        }
        Command::Calendar(ask) => ask.answer(Kind::Sets, |rows| {
            let done = answers::done(&jobs::answer(rows)?)?;
            Ok(answers::calendar(dose::calendar(&done))?)
        }),
    }
}

fn work_up(args: &Run) -> Result<Outcome> {
    let store = input::store(&args.data)?;
    jobs::sweep(&store, &args.data)?;
    let mut sessions = store.sessions()?;
    if let Some(client) = &args.client {
        sessions.retain(|s| s.header.client == *client);
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}");
    let bar = ProgressBar::new(sessions.len() as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (mut judged, mut stored, mut before, mut damaged) = (0, 0, 0, 0);
    for info in &sessions {
        let session = &info.header.session.0;
        bar.set_message(session.clone());
        let worked = jobs::work_up(&store, &args.data, info)?;
        bar.inc(1);
        let line = match worked {
            Worked::Before => {
                before += 1;
                continue;
            }
            Worked::JudgedAgain { different } => {
                judged += 1;
                match different {
                    0 => format!("{session}\tjudged again: as stored"),
                    n => format!("{session}\tjudged again: {n} events are not as they were stored"),
                }
            }
            Worked::AsStored => {
                stored += 1;
                format!("{session}\tas stored: its samples were removed")
            }
            Worked::LeftOut(why) => format!("{session}\tleft out: {why}"),
            Worked::Damaged(why) => {
                damaged += 1;
                format!("{session}\tDAMAGED\t{why}")
            }
        };
        bar.suspend(|| say_line(line))?;
    }
    bar.finish_and_clear();
    say_line(format_args!(
        "{judged} judged again, {stored} as stored, {before} worked up before, {damaged} damaged, of {} sessions",
        sessions.len()
    ))?;
    Ok(if damaged == 0 {
        Outcome::Done
    } else {
        Outcome::DataLost
    })
}

impl Ask {
    /// The client's sessions.
    fn sessions(&self) -> Result<Vec<SessionInfo>> {
        let mut sessions = input::store(&self.data)?.sessions()?;
        sessions.retain(|s| s.header.client == self.client);
        if sessions.is_empty() {
            return Err(Usage(format!(
                "the store in {} has no session of {}",
                self.data.display(),
                self.client
            ))
            .into());
        }
        Ok(sessions)
    }

    /// What is worked up of them, narrowed to what was asked for.
    fn rows(&self, kind: Kind) -> Result<Option<LazyFrame>> {
        let (rows, _) = jobs::scan(&self.data, &self.sessions()?, kind)?;
        Ok(rows.map(|rows| self.narrow(rows, kind)))
    }

    fn narrow(&self, mut rows: LazyFrame, kind: Kind) -> LazyFrame {
        if let Some(exercise) = &self.exercise {
            rows = rows.filter(col("exercise").eq(lit(exercise.as_str())));
        }
        if let Some(metric) = self.metric.as_ref().filter(|_| kind == Kind::Metrics) {
            rows = rows.filter(col("metric").eq(lit(metric.as_str())));
        }
        rows
    }

    fn answer(
        &self,
        kind: Kind,
        question: impl FnOnce(LazyFrame) -> Result<DataFrame>,
    ) -> Result<Outcome> {
        let sessions = self.sessions()?;
        let (rows, missing) = jobs::scan(&self.data, &sessions, kind)?;
        if missing > 0 {
            eprintln!(
                "{missing} of {} sessions are not worked up, or count nowhere (plimsoll jobs run says which)",
                sessions.len()
            );
        }
        let Some(rows) = rows else {
            return Ok(Outcome::Done);
        };
        let mut table = question(self.narrow(rows, kind))?;
        match &self.out {
            Some(path) => write(&mut table, path)?,
            None => print(&table)?,
        }
        Ok(Outcome::Done)
    }
}

/// Tab-separated, numbers as people read them.
fn print(table: &DataFrame) -> Result<()> {
    let names: Vec<&str> = table
        .get_column_names()
        .iter()
        .map(|n| n.as_str())
        .collect();
    say_line(names.join("\t"))?;
    for row in 0..table.height() {
        let cells = table.columns().iter().map(|column| cell(&column.get(row)));
        say_line(cells.collect::<Vec<_>>().join("\t"))?;
    }
    Ok(())
}

fn cell(value: &Result<AnyValue<'_>, polars::prelude::PolarsError>) -> String {
    match value {
        Ok(AnyValue::Null) | Err(_) => "-".to_owned(),
        // Without the sign of what is rounded to nothing.
        Ok(AnyValue::Float64(number)) if number.abs() < 0.005 => "0.00".to_owned(),
        Ok(AnyValue::Float64(number)) => format!("{number:.2}"),
        Ok(AnyValue::String(text)) => (*text).to_owned(),
        Ok(other) => other.to_string(),
    }
}

fn write(table: &mut DataFrame, path: &Path) -> Result<()> {
    let mut bytes = Vec::new();
    match path.extension().and_then(|e| e.to_str()) {
        Some("csv") => CsvWriter::new(&mut bytes).finish(table),
        Some("parquet") => ParquetWriter::new(&mut bytes).finish(table).map(drop),
        _ => {
            let expected = format!(
                "--out {}: expected a name with .csv or .parquet",
                path.display()
            );
            return Err(Usage(expected).into());
        }
    }
    .context("form the table")?;
    input::write_whole(path, &bytes)
}
