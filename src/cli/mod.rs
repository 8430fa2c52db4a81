//! One file a subcommand; arguments in, outcome out.
//!
//! Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done but data were lost.

mod analyse;
mod assign;
mod check;
mod completions;
mod demo;
mod doctor;
mod evaluate;
mod explain;
mod export;
mod import;
mod input;
mod inspect;
mod jobs;
mod labelled_folder;
mod migrate;
mod out;
mod plan;
mod record;
mod replay;
mod report;
mod run;
mod scan;
mod sessions;
mod simulate;
mod store;
mod tell;
pub mod wire_vectors;

use crate::mqtt::SetupError;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// How far a client under a physiotherapist's care may be loaded.
///
/// Plimsoll reads heart-rate straps and movement sensors, compares every repetition with the numbers
/// the client's therapist typed in, and says what it could not judge. It does not replace supervision.
///
/// New here? `plimsoll demo` replays a simulated session through broker, store, analysis and page.
#[derive(Debug, Parser)]
#[command(
    name = "plimsoll",
    version,
    max_term_width = 100,
    after_help = "Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 done but data were lost."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show everything once: a simulated session, live page and report.
    Demo(demo::Args),
    /// Run the daemon: broker, store, analysis and live page.
    Run(run::Args),
    /// Tell the running session something: a set begins, a set ends, go on without a sensor.
    Tell(tell::Args),
    /// Show what is on the air and which driver would take it.
    Scan(scan::Args),
    /// Find out which of several like sensors is worn where, by shaking it.
    Assign(assign::Args),
    /// Connect to one sensor and show its live values as JSON lines.
    Inspect(inspect::Args),
    /// Check this machine: adapter, permissions, slots, clock, disk, broker, store, plan.
    Doctor(doctor::Args),
    /// Play a recording through the whole daemon.
    Replay(replay::Args),
    /// Record a session's raw packets without judging them.
    Record(record::Args),
    /// Judge a recording at once, without the daemon.
    Analyse(analyse::Args),
    /// Lay one finding open: rule, threshold, who set it, and the raw numbers behind it.
    Explain(explain::Args),
    /// Measure accuracy on labelled recordings.
    Evaluate(evaluate::Args),
    /// Write the one-page report of a stored session.
    Report(report::Args),
    /// Write a stored session as CSV, Parquet or one SQLite file.
    Export(export::Args),
    /// List the stored sessions.
    Sessions(sessions::Args),
    /// Ask many sessions of a client: trends, load contrast, weekly dose, calendar.
    Jobs(jobs::Args),
    /// Check, measure and clean the store.
    Store(store::Args),
    /// Work with plan files.
    Plan(plan::Args),
    /// Check the configuration.
    Check(check::Args),
    /// Turn somebody else's recording into one of ours.
    Import(import::Args),
    /// Make a recording of simulated people, with its truth.
    Simulate(simulate::Args),
    /// Print completions for a shell.
    Completions(completions::Args),
}

/// How a command ended, when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All done.
    Done,
    /// Done, but data were lost on the way; said on stderr.
    DataLost,
}

impl Outcome {
    /// The worse of both.
    fn and(self, other: Self) -> Self {
        if self == Self::Done { other } else { self }
    }
}

/// The arguments, the configuration or a file named by them is not usable: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Parses the arguments, runs the command, says what went wrong.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("PLIMSOLL_LOG")
                .unwrap_or_else(|_| "warn,plimsoll=info,rumqttd=off,rumqttc=error".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    match run(cli.command) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::DataLost) => ExitCode::from(3),
        Err(e) if e.is::<out::Closed>() => ExitCode::SUCCESS,
        Err(e) if e.is::<Usage>() || e.is::<SetupError>() => {
            eprintln!("{e}");
            ExitCode::from(2)
        }
        Err(e) => {
            eprintln!("failed to {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Demo(args) => demo::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Tell(args) => tell::run(&args),
        Command::Scan(args) => scan::run(&args),
        Command::Assign(args) => assign::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Record(args) => record::run(&args),
        Command::Analyse(args) => analyse::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Sessions(args) => sessions::run(&args),
        Command::Jobs(args) => jobs::run(&args),
        Command::Store(args) => store::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Completions(args) => completions::run(&args),
    }
}
