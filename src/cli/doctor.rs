//! `plimsoll doctor`: what on this machine would keep a session from working, in plain sentences with the remedy.

use super::{Outcome, Usage, input, replay::runtime};
use crate::cli::out::say_line;
use crate::{
    config::{self, Config},
    daemon::clock::wall_now,
    mqtt::{BusConfig, probe::probe},
    source::ble::power::{self, BusError},
    store::{
        self, Store,
        influx::{Target, server::Server},
    },
};
use anyhow::{Result, bail};
use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// More links than this at once are beyond what one consumer adapter keeps.
const SLOTS: usize = 7;
/// From here on a second adapter is wise.
const SLOTS_WISE: usize = 5;
/// Older versions of the Bluetooth service do not tell how large a value a link carries.
const OLDEST_BLUEZ: (u32, u32) = (5, 62);
/// An hour of six fast sensors takes 0.2 GB (`tests/soak.rs`).
const LITTLE_SPACE_BYTES: u64 = 2_000_000_000;
/// Before this day no version of this program existed: a clock that says so is not set.
const FIRST_DAY: &str = "2025-01-01";
const PATIENCE: Duration = Duration::from_secs(3);

/// Arguments of `plimsoll doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file; without it the defaults are checked.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A plan that is to be used today.
    #[arg(long, value_name = "FILE", requires = "client")]
    plan: Option<PathBuf>,
    /// The client it is for.
    #[arg(long)]
    client: Option<String>,
}

/// What was found about one thing.
enum Found {
    Fine(String),
    /// A session works, with a risk.
    Risk(String),
    /// A session does not work.
    Broken(String),
}
use Found::{Broken, Fine, Risk};

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let config = config::load(args.config.as_deref()).map_err(|e| Usage(e.to_string()))?;
    let mut all = Vec::new();
    // Where phones are all there is, nothing is on the air.
    if config.has_radio() || !config.has_phones() {
        all.extend(adapter(&config));
        all.extend([bluez(), slots(&config)]);
    }
    all.extend(phones(&config));
    all.extend([
        clock(&wall_now()),
        space(&config.store),
        store(&config.store.dir),
        broker(&config),
    ]);
    let retention = &config.store.retention;
    let target = config.store.influx.as_ref();
    all.extend(target.map(|target| influx(target, retention)));
    if let (Some(plan), Some(client)) = (&args.plan, &args.client) {
        all.push(valid(plan, client));
    }
    let mut broken = 0;
    for found in &all {
        let (mark, text) = match found {
            Fine(text) => ("ok    ", text),
            Risk(text) => ("risk  ", text),
            Broken(text) => ("broken", text),
        };
        broken += usize::from(matches!(found, Broken(_)));
        say_line(format_args!("{mark}  {text}"))?;
    }
    if broken > 0 {
        bail!("pass every check: {broken} of {} are broken", all.len());
    }
    Ok(Outcome::Done)
}

fn adapter(config: &Config) -> Vec<Found> {
    let adapters = match power::adapters() {
        Ok(adapters) => adapters,
        Err(e) => {
            let known = Path::new("/sys/class/bluetooth").exists();
            return vec![Broken(no_adapter(&e, known))];
        }
    };
    let wanted = config.ble.adapter.as_deref();
    let is_wanted = |name: &str, address: &str| {
        wanted.is_none_or(|w| w == name || w.eq_ignore_ascii_case(address))
    };
    let Some(adapter) = adapters.iter().find(|a| is_wanted(&a.name, &a.address)) else {
        let there: Vec<&str> = adapters.iter().map(|a| a.name.as_str()).collect();
        return vec![Broken(match wanted {
            Some(name) if !there.is_empty() => format!(
                "Bluetooth: there is no adapter {name}, but {}: change [ble] adapter in the configuration.",
                there.join(", ")
            ),
            _ => "Bluetooth: this machine has no adapter, or its driver is missing: plug in a USB adapter \
                  (`lsusb` and `dmesg` tell whether the system knows it)."
                .to_owned(),
        })];
    };
    let power = if adapter.powered {
        Fine(format!(
            "Bluetooth: adapter {} ({}) is there and powered.",
            adapter.name, adapter.address
        ))
    } else {
        Broken(format!(
            "Bluetooth: adapter {} is switched off: `bluetoothctl power on`, and `rfkill unblock bluetooth` if that \
             is refused.",
            adapter.name
        ))
    };
    vec![power]
}

/// `known`: the kernel knows Bluetooth adapters.
fn no_adapter(error: &BusError, known: bool) -> String {
    match error {
        BusError::NoBus(reason) => format!(
            "Bluetooth: there is no system bus ({reason}): install and start dbus; in a container hand in \
             /run/dbus/system_bus_socket."
        ),
        BusError::Denied(_) => {
            "Bluetooth: this user may not talk to the Bluetooth service: add it to the group \
             `bluetooth` (`sudo usermod -aG bluetooth $USER`) and log in again."
                .to_owned()
        }
        BusError::Hangs(reason) => format!(
            "Bluetooth: the service does not answer ({reason}): `sudo systemctl restart bluetooth`."
        ),
        // The service of most systems does not start where the kernel knows no adapter.
        BusError::NoService(_) if !known => {
            "Bluetooth: this machine has no adapter, or its driver is missing: plug in a USB adapter (`lsusb` and \
             `dmesg` tell whether the system knows it), and install bluez if it is not there."
                .to_owned()
        }
        BusError::NoService(reason) => format!(
            "Bluetooth: nobody serves it ({reason}): install bluez and start it (`sudo systemctl enable --now \
             bluetooth`)."
        ),
        BusError::NoAdapter => "Bluetooth: there is no adapter.".to_owned(),
    }
}

fn bluez() -> Found {
    let tools = [
        "bluetoothctl",
        "/usr/libexec/bluetooth/bluetoothd",
        "/usr/lib/bluetooth/bluetoothd",
    ];
    let said = tools.iter().find_map(|tool| {
        let output = Command::new(tool).arg("--version").output().ok()?;
        version(&String::from_utf8_lossy(&output.stdout))
    });
    let (major, minor) = OLDEST_BLUEZ;
    match said {
        Some(found) if found >= OLDEST_BLUEZ => {
            Fine(format!("BlueZ: version {}.{}.", found.0, found.1))
        }
        Some(found) => Risk(format!(
            "BlueZ: version {}.{} does not tell the size of a link's values, so sensors that need large ones are not \
             started: install {major}.{minor} or later.",
            found.0, found.1
        )),
        None => Risk(format!(
            "BlueZ: its version is not known, because bluetoothctl is not installed; {major}.{minor} or later is needed."
        )),
    }
}

/// The first number of the form `5.66` in a text.
fn version(text: &str) -> Option<(u32, u32)> {
    text.split_whitespace().find_map(|word| {
        let (major, minor) = word.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    })
}

fn phones(config: &Config) -> Option<Found> {
    let n = config.sensors.iter().filter(|s| s.is_phone()).count();
    if n == 0 {
        return None;
    }
    let (page, topic) = (config.web.listen, &config.phones.topic);
    let broker = config.bus.url.is_some() || !config.bus.listen.ip().is_loopback();
    if page.ip().is_loopback() && !broker {
        return Some(Broken(format!(
            "Phones: {n} configured, and none can reach {page} of this machine: let [web] listen on 0.0.0.0:{}.",
            page.port()
        )));
    }
    let mut ways = Vec::new();
    if !page.ip().is_loopback() {
        ways.push(format!(
            "by HTTP push to port {} of this machine, path /sensor-logger",
            page.port()
        ));
    }
    if broker {
        ways.push(format!("by MQTT to topic {topic} of the broker"));
    }
    Some(Fine(format!(
        "Phones: {n} configured; in the app, push {}, \"Standardise Units & Frames\" on, batch period 200 ms or less.",
        ways.join(", or ")
    )))
}

fn slots(config: &Config) -> Found {
    let n = config.sensors.iter().filter(|s| !s.is_phone()).count();
    if n > SLOTS {
        Broken(format!(
            "Slots: {n} sensors are configured, one adapter keeps about {SLOTS} links: leave some out, or use a second \
             adapter with a gateway of its own."
        ))
    } else if n > SLOTS_WISE {
        Risk(format!(
            "Slots: {n} sensors are configured; many adapters keep {SLOTS_WISE} fast links at most: if links drop, use a \
             better adapter."
        ))
    } else if n == 0 {
        Risk("Sensors: none is configured: `plimsoll scan` shows what is around, [[sensors]] names it.".to_owned())
    } else {
        Fine(format!(
            "Slots: {n} sensors are configured, an adapter keeps about {SLOTS}."
        ))
    }
}

fn clock(now: &str) -> Found {
    if now < FIRST_DAY {
        return Broken(format!(
            "Clock: it says {now}, which cannot be: set it (`sudo timedatectl set-ntp true`); plans have dates."
        ));
    }
    let asked = Command::new("timedatectl")
        .args(["show", "-p", "NTPSynchronized", "--value"])
        .output();
    match asked.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()) {
        Ok(said) if said == "no" => Risk(format!(
            "Clock: it says {now} and is not synchronised: `sudo timedatectl set-ntp true`."
        )),
        Ok(said) if said == "yes" => Fine(format!("Clock: {now}, synchronised.")),
        _ => Fine(format!(
            "Clock: {now} (whether it is synchronised is not known)."
        )),
    }
}

/// The nearest folder that is there.
fn existing(dir: &Path) -> &Path {
    let mut at = dir;
    while !at.exists() {
        match at.parent().filter(|p| !p.as_os_str().is_empty()) {
            Some(parent) => at = parent,
            None => return Path::new("."),
        }
    }
    at
}

fn space(config: &store::Config) -> Found {
    let place = existing(&config.dir);
    let at = place.display();
    let free = match store::free_bytes(place) {
        Ok(free) => free,
        Err(e) => return Broken(format!("Disk: its space cannot be asked: {e}.")),
    };
    let gb = free as f64 * 1e-9;
    let reserve = config.reserve_mb.saturating_mul(1_000_000);
    if free < reserve {
        Broken(format!(
            "Disk: {gb:.1} GB are free at {at}: make room, below {} MB (store.reserve_mb) no set begins.",
            config.reserve_mb
        ))
    } else if free < LITTLE_SPACE_BYTES {
        Broken(format!(
            "Disk: {gb:.1} GB are free at {at}: make room, an hour of six sensors takes about 0.2 GB and a full disk ends \
             a recording."
        ))
    } else {
        Fine(format!("Disk: {gb:.1} GB are free at {at}."))
    }
}

fn store(dir: &Path) -> Found {
    if !dir.exists() {
        return Fine(format!(
            "Store: {} is made with the first session.",
            dir.display()
        ));
    }
    match Store::open(dir).and_then(|s| s.sessions()) {
        Ok(sessions) => Fine(format!(
            "Store: {} holds {} sessions.",
            dir.display(),
            sessions.len()
        )),
        Err(e) => Broken(format!(
            "Store: {} does not open: {e}. Is it on a disk that can be written, and of this user?",
            dir.display()
        )),
    }
}

fn influx(target: &Target, retention: &store::Retention) -> Found {
    let at = target.words();
    match Server::open(target).and_then(|mut server| server.check()) {
        Ok(fitness) => match fitness.forgets(retention) {
            None => Fine(format!("InfluxDB: samples can go to {at}.")),
            Some(forgets) => Risk(format!(
                "InfluxDB: {at} {forgets}, so that copies go there and all stay in the store: let the bucket keep them \
                 (VictoriaMetrics: -retentionPeriod)."
            )),
        },
        // Sessions do not depend on it.
        Err(e) => Risk(format!("InfluxDB: samples stay in the store for now: {e}.")),
    }
}

fn broker(config: &Config) -> Found {
    let Some(url) = &config.bus.url else {
        let listen = config.bus.listen;
        return match TcpListener::bind(listen) {
            Ok(_) => Fine(format!("Broker: the embedded one will listen on {listen}.")),
            Err(_) if TcpStream::connect_timeout(&listen, PATIENCE).is_ok() => Risk(format!(
                "Broker: something listens on {listen} already: fine if it is this daemon; else change [bus] listen, or \
                 name that broker with [bus] url."
            )),
            Err(e) => Broken(format!(
                "Broker: the embedded one cannot listen on {listen}: {e}; change [bus] listen."
            )),
        };
    };
    let tried = BusConfig::open(&config.bus)
        .map_err(anyhow::Error::new)
        .and_then(|bus| Ok(runtime()?.block_on(probe(&bus))?));
    match tried {
        Ok(()) => Fine(format!("Broker: {url} takes and gives what is ours.")),
        Err(e) => Broken(format!("Broker: failed to {e:#}.")),
    }
}

fn valid(plan: &Path, client: &str) -> Found {
    let today = wall_now();
    match input::plan(plan, client, today.get(..10)) {
        Ok(loaded) => Fine(format!(
            "Plan: {} v{} may be used for {client} today.",
            loaded.plan.plan_id, loaded.plan.version
        )),
        Err(e) => Broken(format!("Plan: {e:#}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_tools_print() {
        assert_eq!(version("bluetoothctl: 5.66\n"), Some((5, 66)));
        assert_eq!(version("5.72"), Some((5, 72)));
        assert_eq!(version("nothing"), None);
    }

    #[test]
    fn a_service_that_is_not_there_is_another_thing_than_one_that_hangs() {
        let none = BusError::NoService("none".to_owned());
        assert!(no_adapter(&none, false).contains("no adapter"));
        assert!(no_adapter(&none, true).contains("nobody serves it"));
        let hangs = BusError::Hangs("no reply".to_owned());
        assert!(no_adapter(&hangs, true).contains("restart bluetooth"));
    }

    #[test]
    fn a_disk_below_its_reserve_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let config = |reserve_mb| store::Config {
            dir: folder.path().join("not/made/yet"),
            reserve_mb,
            ..store::Config::default()
        };
        let Broken(said) = space(&config(u64::MAX / 2_000_000)) else {
            panic!("nobody has that much room");
        };
        assert!(said.contains("no set begins"), "{said}");
    }

    #[test]
    fn a_clock_before_the_program_is_broken() {
        assert!(matches!(clock("1970-01-01T00:00:10Z"), Broken(_)));
        assert!(!matches!(clock("2026-01-01T00:00:10Z"), Broken(_)));
    }
}
