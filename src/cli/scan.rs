//! `plimsoll scan`: what is on the air, which driver would take it, signal, battery.

use super::{Outcome, Usage};
use crate::cli::out::{say, say_line};
use crate::{
    config,
    decode::Driver,
    source::ble::{identity::Seen, survey},
};
use anyhow::Result;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `plimsoll scan`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How long to listen, s.
    #[arg(long, default_value_t = 8.0, value_parser = seconds)]
    seconds: f64,
    /// Connect to each sensor that a driver would take, one after the other, and ask for its battery.
    #[arg(long)]
    battery: bool,
    /// Devices that no driver would take, too.
    #[arg(long)]
    all: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    /// The configuration file, for the adapter to use and the sensors that are known already.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A time that can be waited for.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.1..=86_400.0).contains(&s) => Ok(s),
        _ => Err(format!(
            "{text:?} is no time (expected 0.1 to 86400 seconds)"
        )),
    }
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let config = config::load(args.config.as_deref()).map_err(|e| Usage(e.to_string()))?;
    let adapter = config.ble.adapter.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut found = runtime.block_on(survey::scan(adapter.as_deref(), args.seconds))?;
    found.sort_by_key(|s| std::cmp::Reverse(s.rssi_dbm));
    let shown: Vec<&Seen> = found
        .iter()
        .filter(|s| args.all || args.json || s.driver().is_some())
        .collect();
    for seen in &shown {
        let battery = (args.battery && seen.driver().is_some())
            .then(|| runtime.block_on(survey::battery(adapter.as_deref(), &seen.address)));
        let known = config.sensors.iter().find(|c| {
            [
                seen.identity(),
                seen.address.clone(),
                seen.advert.name.clone(),
            ]
            .contains(&c.id)
        });
        if args.json {
            say_line(as_json(seen, battery.as_ref()))?;
        } else {
            say(as_text(
                seen,
                battery.as_ref(),
                known.map(|k| k.alias.as_str()),
            ))?;
        }
    }
    if shown.is_empty() && !args.json {
        say_line(format_args!(
            "no sensor heard in {} s ({} other devices). A strap must be worn to switch on; a sensor that is connected \
             elsewhere does not advertise.",
            args.seconds,
            found.len()
        ))?;
    }
    Ok(Outcome::Done)
}

type Battery = Result<Option<u8>, String>;

fn as_json(seen: &Seen, battery: Option<&Battery>) -> serde_json::Value {
    json!({
        "address": seen.address,
        "name": seen.advert.name,
        "id": seen.identity(),
        "driver": seen.driver().map(Driver::name),
        "rssi_dbm": seen.rssi_dbm,
        "services": seen.services().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "battery_percent": battery.and_then(|b| b.as_ref().ok().copied().flatten()),
    })
}

fn as_text(seen: &Seen, battery: Option<&Battery>, alias: Option<&str>) -> String {
    let driver = seen.driver().map_or("no driver", |d| d.name());
    let name = if seen.advert.name.is_empty() {
        "(no name)"
    } else {
        &seen.advert.name
    };
    let signal = seen.rssi_dbm.map_or(String::new(), |r| format!("{r} dBm"));
    let battery = match battery {
        None => String::new(),
        Some(Ok(Some(percent))) => format!("  battery {percent} %"),
        Some(Ok(None)) => "  battery not told".to_owned(),
        Some(Err(e)) => format!("  battery not asked: {e}"),
    };
    let known = alias.map_or(String::new(), |a| format!("  configured as {a}"));
    format!(
        "{:<17}  {:>8}  {:<12} {}  id {}{battery}{known}\n",
        seen.address,
        signal,
        driver,
        name,
        seen.identity()
    )
}
