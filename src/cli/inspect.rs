//! `plimsoll inspect`: one sensor, connected and decoded live, as JSON lines.
//!
//! Each line is one thing: where the link stands, a service, or the newest value of a measurand with its age. A value
//! that is too old is said to be stale and not shown.

use super::{Outcome, Usage, replay::runtime, scan::seconds};
use crate::cli::out::say_line;
use crate::{
    config,
    daemon::{clock::host_now, plant},
    decode::Decoder,
    model::{
        body::Segment,
        link::LinkStatus,
        reading::{Measurand, Reading, Value},
        time::HostNs,
    },
    source::{
        ble::{Purpose, survey},
        phone::Door,
        sensor::{self, SensorConfig},
        sensors,
    },
    wire::recording::Item,
};
use anyhow::{Context, Result};
use serde_json::json;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use tokio::{
    sync::mpsc,
    time::{interval, sleep},
};
use tokio_util::sync::CancellationToken;

/// Values are said so often.
const EVERY: Duration = Duration::from_millis(500);
/// How long to look for the sensor first, s.
const LOOK_S: f64 = 6.0;

/// Arguments of `plimsoll inspect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The sensor: its alias in the configuration, its address, its name, or its serial number.
    device: String,
    /// How long to show it, s; without it until Ctrl-C.
    #[arg(long, value_parser = seconds)]
    seconds: Option<f64>,
    /// The driver; without it the first that would take the sensor.
    #[arg(long)]
    driver: Option<String>,
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let config = config::load(args.config.as_deref()).map_err(|e| Usage(e.to_string()))?;
    runtime()?.block_on(async {
        let stop = plant::stop_signal()?;
        let sensor = sensor(args, &config).await?;
        let driver = sensor.driver().context("find the driver")?;
        if driver.pushes() {
            let text = format!(
                "{} is a phone: nothing connects to it. `plimsoll record --config FILE` takes what it sends",
                args.device
            );
            return Err(Usage(text).into());
        }
        let (sender, mut items) = mpsc::channel(4096);
        let running = sensors::start(
            &config.ble,
            std::slice::from_ref(&sensor),
            Purpose::Look,
            host_now,
            &Door::default(),
            sender,
            stop.clone(),
        )?;
        let shown = show(
            running.status,
            &mut items,
            driver.decoder(),
            args.seconds,
            &stop,
        )
        .await;
        stop.cancel();
        // It still has something to say while it stops.
        while items.recv().await.is_some() {}
        running.over.await.context("wait for the sensor")??;
        shown
    })?;
    Ok(Outcome::Done)
}

/// The sensor as configured, or as found on the air.
async fn sensor(args: &Args, config: &config::Config) -> Result<SensorConfig> {
    let called = |s: &&SensorConfig| s.alias == args.device || s.id == args.device;
    if let Some(known) = config.sensors.iter().find(called) {
        return Ok(known.clone());
    }
    let driver = match &args.driver {
        Some(driver) => driver.clone(),
        None => look(&args.device, config.ble.adapter.clone()).await?,
    };
    let sensor = SensorConfig {
        alias: args.device.clone(),
        driver,
        id: args.device.clone(),
        segment: Segment::Equipment,
        confirmed_by: "inspect".to_owned(),
        streams: Vec::new(),
        rate_hz: None,
    };
    match sensor::problems(std::slice::from_ref(&sensor)).pop() {
        Some((_, problem)) => Err(Usage(problem).into()),
        None => Ok(sensor),
    }
}

/// The driver of a sensor that is on the air now.
async fn look(device: &str, adapter: Option<String>) -> Result<String> {
    let looked =
        tokio::task::spawn_blocking(move || survey::scan_blocking(adapter.as_deref(), LOOK_S));
    let found = looked.await.context("wait for the scan")??;
    let is = |text: &str| text.eq_ignore_ascii_case(device);
    let seen = found
        .iter()
        .find(|s| is(&s.address) || is(&s.advert.name) || is(&s.identity()))
        .with_context(|| {
            format!(
                "find {device:?}: it was not heard in {LOOK_S} s (`plimsoll scan` shows what is around; with --driver a \
                 sensor can be waited for)"
            )
        })?;
    let driver = seen
        .driver()
        .with_context(|| format!("take {device:?}: no driver knows it (name one with --driver)"))?;
    Ok(driver.name().to_owned())
}

async fn show(
    mut status: tokio::sync::watch::Receiver<Vec<LinkStatus>>,
    items: &mut mpsc::Receiver<Item>,
    mut decoder: Box<dyn Decoder>,
    for_s: Option<f64>,
    stop: &CancellationToken,
) -> Result<()> {
    let mut newest: BTreeMap<Measurand, (HostNs, Value)> = BTreeMap::new();
    let mut counts: BTreeMap<Measurand, u64> = BTreeMap::new();
    let mut readings: Vec<Reading> = Vec::new();
    let mut ticks = interval(EVERY);
    let over = sleep(Duration::from_secs_f64(for_s.unwrap_or(1e9)));
    tokio::pin!(over);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = &mut over => return Ok(()),
            changed = status.changed() => {
                if changed.is_err() { return Ok(()) }
                for link in &*status.borrow_and_update() {
                    say_line(json!({"link": link, "says": link.words()}))?;
                }
            }
            item = items.recv() => match item {
                None => return Ok(()),
                Some(Item::Link(_, event)) => {
                    decoder.reset();
                    say_line(json!({"changed": event.change}))?;
                }
                Some(Item::Command(..) | Item::Time(_)) => {}
                Some(Item::Packet(packet)) => {
                    readings.clear();
                    if let Err(e) = decoder.decode(&packet, &mut readings) {
                        say_line(json!({"undecodable": e.to_string(), "characteristic": packet.characteristic.to_string()}))?;
                    }
                    for reading in &readings {
                        for measurand in reading.value.measures() {
                            newest.insert(*measurand, (packet.host, reading.value));
                            *counts.entry(*measurand).or_default() += 1;
                        }
                    }
                }
            },
            _ = ticks.tick() => {
                for (measurand, (host, value)) in &newest {
                    let age_s = (host_now().0 - host.0) as f64 * 1e-9;
                    let rate_hz = counts.insert(*measurand, 0).unwrap_or(0) as f64 / EVERY.as_secs_f64();
                    say_line(line(*measurand, *value, age_s, rate_hz))?;
                }
            }
        }
    }
}

/// The newest value of a measurand, unless it is stale.
fn line(measurand: Measurand, value: Value, age_s: f64, rate_hz: f64) -> serde_json::Value {
    let age_s = (age_s * 1e3).round() / 1e3;
    let name = name(measurand);
    let stale = age_s > limit_s(measurand);
    if stale {
        return json!({"measurand": name, "age_s": age_s, "stale": true});
    }
    let value = match (measurand, value) {
        (
            Measurand::Acceleration,
            Value::Imu {
                acceleration: v, ..
            }
            | Value::Acceleration {
                acceleration: v, ..
            },
        ) => json!({"m_s2": v}),
        (
            Measurand::AngularRate,
            Value::Imu {
                angular_rate: v, ..
            }
            | Value::AngularRate {
                angular_rate: v, ..
            },
        ) => json!({"deg_s": v.map(f64::to_degrees)}),
        (_, Value::HeartRate { bpm, contact }) => {
            // No beat is no number.
            let bpm = (!value.is_blank()).then_some(bpm);
            json!({"bpm": bpm, "contact": format!("{contact:?}").to_lowercase()})
        }
        (_, Value::RrInterval { ticks }) => json!({"ms": f64::from(ticks) / 1.024}),
        (
            _,
            Value::PulseInterval {
                interval_ms,
                error_ms,
                blocked,
            },
        ) => json!({"ms": interval_ms, "error_ms": error_ms, "blocked": blocked}),
        (_, Value::Ecg { microvolt }) => json!({"uV": microvolt}),
        (_, Value::MagneticField { field }) => json!({"uT": field}),
        (_, Value::Battery { percent }) => json!({"percent": percent}),
        _ => json!(null),
    };
    json!({"measurand": name, "age_s": age_s, "stale": false, "per_s": rate_hz, "value": value})
}

/// Heart rate older than 3 s, movement older than 0.5 s is no value.
const fn limit_s(measurand: Measurand) -> f64 {
    match measurand {
        Measurand::Acceleration
        | Measurand::AngularRate
        | Measurand::MagneticField
        | Measurand::Ecg => 0.5,
        Measurand::HeartRate | Measurand::RrInterval | Measurand::PulseInterval => 3.0,
        Measurand::Battery => 1200.0,
    }
}

fn name(measurand: Measurand) -> &'static str {
    match measurand {
        Measurand::Acceleration => "acceleration",
        Measurand::AngularRate => "angular_rate",
        Measurand::HeartRate => "heart_rate",
        Measurand::RrInterval => "rr_interval",
        Measurand::PulseInterval => "pulse_interval",
        Measurand::Ecg => "ecg",
        Measurand::MagneticField => "magnetic_field",
        Measurand::Battery => "battery",
    }
}
