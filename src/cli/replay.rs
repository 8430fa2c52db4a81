//! `plimsoll replay`: a recording played through the whole daemon: bus, store, analysis, page, report.

use super::{Outcome, input};
use crate::cli::out::{say, say_line};
use crate::{
    config::Config,
    daemon::{
        feed,
        gateway::Carried,
        plant::{self, Plant, Play, Role},
    },
    model::session::SessionId,
    source::replay::Speed,
};
use anyhow::{Context, Result};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tokio_util::sync::CancellationToken;

/// Arguments of `plimsoll replay`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The recording (`.mcap`).
    recording: PathBuf,
    /// Judge by this plan instead of the one in the recording.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// How fast: 1 = as it happened, 20 = twenty times, max = as fast as it goes.
    #[arg(long, default_value = "1", value_parser = input::speed)]
    speed: Speed,
    /// Without the live page.
    #[arg(long)]
    headless: bool,
    /// Record the packets again while they are carried, as a session with sensors is recorded.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Do not wait for the bus, as sensors would not: what cannot be published comes later from the recording.
    #[arg(long, requires = "record")]
    live: bool,
    /// Which part of the daemon to be; a gateway needs --broker.
    #[arg(long, value_enum, default_value_t, requires_if("gateway", "broker"))]
    role: Role,
    #[command(flatten)]
    place: Place,
}

/// Where a session goes.
#[derive(Debug, Clone, clap::Args)]
pub struct Place {
    /// Folder of the store, the recordings and the reports.
    #[arg(long, value_name = "DIR", default_value = input::DATA_DIR)]
    pub data: PathBuf,
    /// Where to serve the live page.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8460")]
    pub listen: SocketAddr,
    /// Use this broker instead of the embedded one: mqtt://host:port
    #[arg(long, value_name = "URL")]
    pub broker: Option<String>,
    /// Where the embedded broker listens; by default on any free port of this machine.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:0",
        conflicts_with = "broker"
    )]
    pub bus_listen: SocketAddr,
    /// Say live samples on the bus as JSON, too, for other programs: topics plimsoll/v1/+/json/+/+
    #[arg(long)]
    pub json: bool,
}

impl Place {
    pub(super) fn config(&self) -> Config {
        let mut config = Config::default();
        config.store.dir.clone_from(&self.data);
        config.web.listen = self.listen;
        config.bus.url.clone_from(&self.broker);
        config.bus.listen = self.bus_listen;
        config.bus.json = self.json;
        config
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let recording = input::recording(&args.recording)?;
    let whole = recording.complete;
    let play = input::play(recording, args.plan.as_deref())?;
    let outcome = runtime()?.block_on(async {
        let stop = plant::stop_signal()?;
        let mut plant = Plant::build(&args.place.config(), args.role, !args.headless).await?;
        say_page(&plant);
        let playing = Playing {
            speed: args.speed,
            waits: !args.live,
            data: &args.place.data,
            record: args.record.as_deref(),
        };
        let outcome = playing.once(&mut plant, play, &stop).await;
        plant.drain().await?;
        outcome
    })?;
    Ok(if whole { outcome } else { Outcome::DataLost })
}

/// The runtime of the edges.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")
}

pub(super) fn say_page(plant: &Plant) {
    if let Some(address) = plant.page() {
        eprintln!("live page: http://{address}/");
    }
}

/// How a session is played.
pub(super) struct Playing<'a> {
    pub(super) speed: Speed,
    /// The source waits for the bus.
    pub(super) waits: bool,
    pub(super) data: &'a Path,
    pub(super) record: Option<&'a Path>,
}

impl Playing<'_> {
    /// Carries one session, writes its report, prints its summary.
    pub(super) async fn once(
        &self,
        plant: &mut Plant,
        mut play: Play,
        stop: &CancellationToken,
    ) -> Result<Outcome> {
        let wanted = play.header.session.clone();
        play.header.session = plant::fresh_id(plant.store().as_deref(), &wanted)?;
        let session = play.header.session.clone();
        let carried = plant
            .play(play, self.speed, self.waits, self.record, stop)
            .await?;
        if carried.stopped {
            eprintln!(
                "stopped before the end: {} windows were carried",
                carried.windows
            );
        }
        let outcome = delivered(&session, carried, self.record)?;
        Ok(outcome.and(report(plant, &session, self.data)?))
    }
}

/// Says what of a session is not where it should be.
pub(super) fn delivered(
    session: &SessionId,
    carried: Carried,
    recording: Option<&Path>,
) -> Result<Outcome> {
    let mut outcome = Outcome::Done;
    if let Some(e) = carried.recording_error {
        eprintln!("the recording is not whole: {e}");
        outcome = Outcome::DataLost;
    }
    if carried.lost_windows > 0 {
        let lost = carried.lost_windows;
        eprintln!(
            "{lost} windows could be neither published nor recorded; they are marked as lost"
        );
        outcome = Outcome::DataLost;
    }
    if let Some(undelivered) = carried.undelivered {
        let kept = if outcome == Outcome::Done {
            "nothing is lost, all of it"
        } else {
            "what is left of it"
        };
        let kept = recording.map_or_else(
            || "play it again when it answers".to_owned(),
            |path| format!("{kept} is in {}", path.display()),
        );
        let session = &session.0;
        if let Some(refused) = carried.refused {
            anyhow::bail!("deliver session {session} to the store: {refused}; {kept}");
        }
        return Err(undelivered).with_context(|| format!("deliver session {session}: {kept}"));
    }
    Ok(outcome)
}

/// Writes the report of a stored session and prints its summary.
pub(super) fn report(plant: &Plant, session: &SessionId, data: &Path) -> Result<Outcome> {
    let Some(store) = plant.store() else {
        // A gateway: whoever has the store reports.
        return Ok(Outcome::Done);
    };
    let store = store
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let report = feed::stored_report(&store, session)
        .with_context(|| format!("report session {}", session.0))?;
    let dir = data.join("reports");
    std::fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    let path = dir.join(format!("{}.html", session.0));
    input::write_whole(&path, crate::report::html(&report).as_bytes())?;
    say(crate::report::text_summary(&report))?;
    say_line(format_args!("report: {}", path.display()))?;
    let lost = feed::lost_data(&store.events(session)?);
    if lost > 0 {
        eprintln!("data were lost {lost} times before they could be kept; the report says when");
        return Ok(Outcome::DataLost);
    }
    Ok(Outcome::Done)
}
