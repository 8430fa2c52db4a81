//! `plimsoll store migrate`: samples of finished sessions from the folder to an `InfluxDB`, and back.

use super::{Outcome, Usage, input};
use crate::{
    cli::out::say_line,
    config,
    model::session::SessionId,
    store::{
        Forwarded, Retention, Settled, Store, StoreError,
        influx::{Target, server::Server},
    },
};
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::{path::PathBuf, thread, time::Duration};

/// Samples of one request, about.
const BATCH: u64 = 5_000;
/// A server may show what it took a little later: times that it is read back, and the time between.
const READINGS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(2);

/// Where samples are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Home {
    /// The server of `[store.influx]`.
    Influx,
    /// Files in the folder of the store.
    Embedded,
}

/// Arguments of `plimsoll store migrate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the samples of finished sessions are to be.
    #[arg(long, value_enum)]
    to: Home,
    /// The configuration file with `[store.influx]` and the store's folder.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of the store, if not that of the configuration.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let config = config::load(args.config.as_deref()).map_err(|e| Usage(e.to_string()))?;
    let mut store = input::store(args.data.as_ref().unwrap_or(&config.store.dir))?;
    let mut server = match (args.to, &config.store.influx) {
        (Home::Embedded, _) => None,
        (Home::Influx, Some(target)) => Some(ready(target, &config.store.retention)?),
        (Home::Influx, None) => {
            let expected =
                "the configuration names no InfluxDB (expected [store.influx] with url and bucket)";
            return Err(Usage(expected.to_owned()).into());
        }
    };
    let (mut moved, mut left) = (0, 0);
    for info in store.sessions()? {
        let session = info.header.session;
        let stays = if info.closed {
            let done = match &mut server {
                None => store.bring_home(&session).map(|_| None),
                Some(server) => away(&mut store, server, &session),
            };
            match done {
                Ok(stays) => stays,
                // There is nothing left to move.
                Err(StoreError::Removed { .. }) => continue,
                Err(e) => Some(e.to_string()),
            }
        } else {
            Some("it is open: not all of it has come, or it still runs".to_owned())
        };
        match stays {
            None => moved += 1,
            Some(why) => {
                left += 1;
                say_line(format_args!("{}\tstays where it is: {why}", session.0))?;
            }
        }
    }
    let there = match &server {
        Some(server) => server.target().words(),
        None => "this folder".to_owned(),
    };
    say_line(format_args!("{moved} sessions in {there}, {left} not"))?;
    anyhow::ensure!(left == 0, "move all sessions: {left} stay where they are");
    Ok(Outcome::Done)
}

/// The server, if it can be used.
fn ready(target: &Target, retention: &Retention) -> Result<Server> {
    let asked = || format!("use {}", target.words());
    let mut server = Server::open(target).with_context(asked)?;
    let fitness = server.check().with_context(asked)?;
    if let Some(forgets) = fitness.forgets(retention) {
        bail!(
            "use {}: it {forgets} (expected a bucket that keeps them for store.retention.raw_days, for ever where none \
             are named)",
            target.words()
        );
    }
    Ok(server)
}

/// Moves a session to the server; why it stays, if it does.
fn away(
    store: &mut Store,
    server: &mut Server,
    session: &SessionId,
) -> Result<Option<String>, StoreError> {
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {prefix}: {pos} samples sent")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    bar.set_prefix(session.0.clone());
    let (sent, mut settled) = store.move_to(server, session, BATCH, |n| bar.inc(n))?;
    bar.finish_and_clear();
    let all_went = matches!(
        sent,
        Forwarded {
            trouble: None,
            why: None,
            ..
        }
    );
    for _ in 0..READINGS {
        if settled == Settled::Moved || !all_went {
            break;
        }
        thread::sleep(PAUSE);
        settled = store.settle(server, session)?;
    }
    Ok(match settled {
        Settled::Moved => None,
        Settled::Stays(why) => Some(why),
    })
}
