//! `plimsoll assign`: which of several like sensors is worn where, by shaking it; prints its table for the configuration.

use super::{Outcome, Usage, replay::runtime};
use crate::cli::out::{say, say_line};
use crate::{
    config,
    daemon::{clock::host_now, plant},
    decode::{Decoder, Driver},
    model::{
        body::Segment,
        link::{LinkChange, LinkStatus},
        reading::Reading,
    },
    source::{
        ble::{
            Purpose,
            shake::{Shake, Shaken},
            survey,
        },
        phone::Door,
        sensor::SensorConfig,
        sensors,
    },
    wire::recording::Item,
};
use anyhow::{Context, Result, bail};
use std::{path::PathBuf, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

/// How long to look for sensors, s.
const LOOK_S: f64 = 6.0;
/// How long they get to become ready.
const READY: Duration = Duration::from_secs(60);
/// How long somebody shakes.
const SHAKE: Duration = Duration::from_secs(3);
/// Families that are worn to measure the heart.
const HEART: [&str; 2] = ["heart_rate", "colmi"];

/// Arguments of `plimsoll assign`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the sensor is worn: thigh_r, shank_l, pelvis, ...
    segment: Segment,
    /// Who sees it there.
    #[arg(long, value_name = "NAME")]
    confirmed_by: String,
    /// Its name in the configuration; by default the segment's.
    #[arg(long)]
    alias: Option<String>,
    /// The configuration file; sensors that it assigns already are left out.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let config = config::load(args.config.as_deref()).map_err(|e| Usage(e.to_string()))?;
    if let Some(taken) = config.sensors.iter().find(|s| s.segment == args.segment) {
        let text = format!("{} is worn on {} already", taken.alias, args.segment);
        return Err(Usage(text).into());
    }
    let chosen = runtime()?.block_on(async {
        let around = around(&config).await?;
        shaken(&config, &around, args.segment).await
    })?;
    let table = SensorConfig {
        alias: args
            .alias
            .clone()
            .unwrap_or_else(|| args.segment.to_string()),
        segment: args.segment,
        confirmed_by: args.confirmed_by.clone(),
        ..chosen
    };
    say_line("[[sensors]]")?;
    say(toml::to_string(&table).context("write the sensor's table")?)?;
    Ok(Outcome::Done)
}

/// Movement sensors on the air that are not assigned.
async fn around(config: &config::Config) -> Result<Vec<SensorConfig>> {
    let adapter = config.ble.adapter.clone();
    let looked =
        tokio::task::spawn_blocking(move || survey::scan_blocking(adapter.as_deref(), LOOK_S));
    let found = looked.await.context("wait for the scan")??;
    let sensors: Vec<SensorConfig> = found
        .iter()
        .filter_map(|seen| {
            let driver = seen.driver()?.name();
            let names = [
                seen.identity(),
                seen.address.clone(),
                seen.advert.name.clone(),
            ];
            let is_named = |id: &str| names.iter().any(|n| n.eq_ignore_ascii_case(id.trim()));
            let assigned = config.sensors.iter().any(|s| is_named(&s.id));
            (!assigned && !HEART.contains(&driver)).then(|| SensorConfig {
                alias: seen.identity(),
                driver: driver.to_owned(),
                id: seen.identity(),
                segment: Segment::Equipment,
                confirmed_by: String::new(),
                streams: Vec::new(),
                rate_hz: None,
            })
        })
        .collect();
    if sensors.is_empty() {
        bail!("find a movement sensor that is not assigned: none was heard in {LOOK_S} s");
    }
    Ok(sensors)
}

/// Connects to all of them and watches which one is shaken.
async fn shaken(
    config: &config::Config,
    around: &[SensorConfig],
    segment: Segment,
) -> Result<SensorConfig> {
    let stop = plant::stop_signal()?;
    let (sender, mut items) = mpsc::channel(16_384);
    let mut radio = sensors::start(
        &config.ble,
        around,
        Purpose::Look,
        host_now,
        &Door::default(),
        sender,
        stop.clone(),
    )?;
    eprintln!("connecting to {} sensors ...", around.len());
    let watched = async {
        let mut watched = Watched::new(around);
        let all = ready(&mut radio.status, &mut items, &mut watched);
        match timeout(READY, all).await {
            Ok(all) => all?,
            Err(_) => eprintln!("not all are ready: choosing among those that are"),
        }
        eprintln!("shake the one for {segment} now, for {} s", SHAKE.as_secs());
        watch(watched, &mut items).await
    };
    let shake = tokio::select! {
        shake = watched => shake,
        () = stop.cancelled() => bail!("go on: it was stopped"),
    };
    stop.cancel();
    items.close();
    // The links are closed in any case; that they could not be is no matter of the choice.
    let _ = timeout(Duration::from_secs(15), radio.over).await;
    let shake = shake?;
    let moved: Vec<String> = around
        .iter()
        .zip(shake.moved())
        .map(|(s, moved)| format!("{} {moved:.1}", s.alias))
        .collect();
    match shake.shaken() {
        Shaken::One(i) => Ok(around[i].clone()),
        Shaken::Nobody => bail!("see one of them shaken (m/s²: {})", moved.join(", ")),
        Shaken::Several(..) => bail!(
            "tell which one was shaken, several moved: hold the others still (m/s²: {})",
            moved.join(", ")
        ),
    }
}

/// What the sensors send, decoded from the first packet on: some tell first what their later ones mean.
struct Watched {
    decoders: Vec<Box<dyn Decoder>>,
    shake: Shake,
    readings: Vec<Reading>,
}

impl Watched {
    fn new(sensors: &[SensorConfig]) -> Self {
        let drivers = sensors.iter().filter_map(SensorConfig::driver);
        Self {
            decoders: drivers.map(Driver::decoder).collect(),
            shake: Shake::new(sensors.len()),
            readings: Vec::new(),
        }
    }

    fn take(&mut self, item: &Item) {
        match item {
            Item::Packet(packet) => {
                let i = usize::from(packet.device.0);
                let Some(decoder) = self.decoders.get_mut(i) else {
                    return;
                };
                self.readings.clear();
                // Answers to commands and cut frames say nothing of movement.
                let _ = decoder.decode(packet, &mut self.readings);
                let moved = self.readings.iter();
                for acceleration in moved.filter_map(|r| r.value.acceleration()) {
                    self.shake.push(i, acceleration);
                }
            }
            Item::Link(_, event) if event.change == LinkChange::Up => {
                if let Some(decoder) = self.decoders.get_mut(usize::from(event.device.0)) {
                    decoder.reset();
                }
            }
            _ => {}
        }
    }
}

/// Waits until every sensor delivers.
async fn ready(
    status: &mut watch::Receiver<Vec<LinkStatus>>,
    items: &mut mpsc::Receiver<Item>,
    watched: &mut Watched,
) -> Result<()> {
    while !status.borrow_and_update().iter().all(LinkStatus::is_ready) {
        tokio::select! {
            changed = status.changed() => changed.context("wait for the sensors")?,
            item = items.recv() => watched.take(&item.context("wait for the sensors")?),
        }
    }
    Ok(())
}

/// Which of them moves from now on.
async fn watch(mut watched: Watched, items: &mut mpsc::Receiver<Item>) -> Result<Shake> {
    while let Ok(item) = items.try_recv() {
        watched.take(&item);
    }
    watched.shake = Shake::new(watched.decoders.len());
    let over = sleep(SHAKE);
    tokio::pin!(over);
    loop {
        tokio::select! {
            () = &mut over => return Ok(watched.shake),
            item = items.recv() => watched.take(&item.context("hear the sensors")?),
        }
    }
}
