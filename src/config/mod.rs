//! The configuration file (TOML): every module's own part, every problem at once, with line and hint.
//!
//! An empty file is a working daemon; `config/plimsoll.toml` shows every key with its default. Secrets
//! never stand here, nor parameters of the analysis: the same recording, plan and version give the same
//! findings everywhere. Plan files are checked in [`plan`]; where sensors
//! are worn is written by [`place`].

pub mod place;
pub mod plan;

use crate::{
    mqtt,
    source::{
        ble, phone,
        sensor::{self, SensorConfig},
    },
    store::{self, influx::Target},
    web,
};
use serde::{Deserialize, Serialize};
use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

/// Everything that can be set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where sessions are kept.
    pub store: store::Config,
    /// The bus.
    pub bus: mqtt::Config,
    /// The live page.
    pub web: web::Config,
    /// The Bluetooth adapter.
    pub ble: ble::Config,
    /// Phones that push.
    pub phones: phone::Config,
    /// The sensors of a session, and where they are worn.
    pub sensors: Vec<SensorConfig>,
    /// The file it came from.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

impl Config {
    /// One of the sensors is a phone.
    #[must_use]
    pub fn has_phones(&self) -> bool {
        self.sensors.iter().any(SensorConfig::is_phone)
    }

    /// One of the sensors is on the air.
    #[must_use]
    pub fn has_radio(&self) -> bool {
        self.sensors.iter().any(|s| !s.is_phone())
    }
}

/// Everything that is wrong with a configuration file.
#[derive(Debug, thiserror::Error)]
pub struct ConfigErrors {
    file: String,
    problems: Vec<(usize, String)>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (line, message)) in self.problems.iter().enumerate() {
            let end = if i + 1 < self.problems.len() {
                "\n"
            } else {
                ""
            };
            write!(f, "{}:{line}: {message}{end}", self.file)?;
        }
        Ok(())
    }
}

/// The configuration in `path`, or the defaults without one.
///
/// # Errors
/// The file cannot be read, or every problem in it.
pub fn load(path: Option<&Path>) -> Result<Config, ConfigErrors> {
    let Some(path) = path else {
        return Ok(Config::default());
    };
    let file = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|e| ConfigErrors {
        file: file.clone(),
        problems: vec![(1, format!("cannot be read: {e}"))],
    })?;
    let read = parse(&text).map_err(|problems| ConfigErrors { file, problems })?;
    Ok(Config {
        file: Some(path.to_owned()),
        ..read
    })
}

/// Reads the text of a configuration file.
///
/// # Errors
/// Line and message of every problem.
pub fn parse(text: &str) -> Result<Config, Vec<(usize, String)>> {
    let reader = toml::Deserializer::parse(text).map_err(|e| vec![problem(text, &e)])?;
    let mut unknown = Vec::new();
    let read: Result<Config, _> = serde_ignored::deserialize(reader, |path| {
        // What may be left out has a step of its own there.
        unknown.push(path.to_string().replace(".?", ""));
    });
    let mut problems: Vec<_> = unknown.iter().map(|path| unknown_key(text, path)).collect();
    if let Ok(config) = &read {
        let wrong = sensor::problems(&config.sensors).into_iter();
        problems.extend(wrong.map(|(i, message)| (line_of_sensor(text, i), message)));
        let wrong = config.bus.problems().into_iter();
        problems.extend(wrong.map(|(key, said)| (line_of(text, &format!("bus.{key}")), said)));
        let wrong = config.store.influx.iter().flat_map(Target::problems);
        problems.extend(wrong.map(|(key, said)| {
            let key = format!("store.influx.{key}");
            (line_of(text, &key), format!("{key}: {said}"))
        }));
    }
    match read {
        Ok(config) if problems.is_empty() => return Ok(config),
        Ok(_) => {}
        Err(e) => problems.push(problem(text, &e)),
    }
    problems.sort();
    Err(problems)
}

/// The configuration as a file.
///
/// # Errors
/// A value that TOML cannot write; the types have none.
pub fn text(config: &Config) -> Result<String, toml::ser::Error> {
    toml::to_string_pretty(config)
}

fn problem(text: &str, e: &toml::de::Error) -> (usize, String) {
    (
        line_at(text, e.span().map_or(0, |s| s.start)),
        e.message().to_owned(),
    )
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.get(..offset).map_or(0, |t| t.matches('\n').count())
}

fn unknown_key(text: &str, path: &str) -> (usize, String) {
    let hint = nearest(path).map_or_else(
        || "see config/plimsoll.toml for all keys".to_owned(),
        |near| format!("did you mean {near}?"),
    );
    (
        line_of(text, path),
        format!("there is no key {path} ({hint})"),
    )
}

/// The line of a dotted path: the last key of that name at or after its table's heading.
fn line_of(text: &str, path: &str) -> usize {
    let Ok(table) = toml::de::DeTable::parse(text) else {
        return 1;
    };
    let mut table = table.into_inner();
    let mut offset = 0;
    let mut parts = path.split('.');
    while let Some(part) = parts.next() {
        let Some((key, value)) = table.into_iter().find(|(k, _)| k.get_ref() == part) else {
            break;
        };
        offset = key.span().start;
        table = match value.into_inner() {
            toml::de::DeValue::Table(inner) => inner,
            // Of a list of tables the path names the position next.
            toml::de::DeValue::Array(list) => {
                let position = parts.next().and_then(|p| p.parse::<usize>().ok());
                let entry = position.and_then(|p| list.into_iter().nth(p));
                match entry.map(toml::Spanned::into_inner) {
                    Some(toml::de::DeValue::Table(inner)) => inner,
                    _ => break,
                }
            }
            _ => break,
        };
    }
    line_at(text, offset)
}

/// The line where the table of the sensor at that position begins.
fn line_of_sensor(text: &str, position: usize) -> usize {
    let headings = text.lines().enumerate();
    headings
        .filter(|(_, line)| line.trim_start().starts_with("[[sensors]]"))
        .nth(position)
        .map_or(1, |(i, _)| i + 1)
}

/// The known key that looks most like `path`; of a sensor, the key within its table.
fn nearest(path: &str) -> Option<String> {
    let mut known = Vec::new();
    let wrong = if path.starts_with("sensors.") {
        known.extend(sensor::KEYS.map(str::to_owned));
        path.rsplit('.').next()?
    } else if path.starts_with("store.influx.") {
        known.extend(Target::KEYS.map(|key| format!("store.influx.{key}")));
        path
    } else {
        keys(
            "",
            &toml::Table::try_from(Config::default()).ok()?,
            &mut known,
        );
        path
    };
    known
        .into_iter()
        .map(|key| (strsim::jaro_winkler(wrong, &key), key))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, key)| key)
}

fn keys(prefix: &str, table: &toml::Table, out: &mut Vec<String>) {
    for (key, value) in table {
        let path = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        if let toml::Value::Table(inner) = value {
            keys(&path, inner, out);
        }
        out.push(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_key_of_the_server_has_its_line_and_a_hint() {
        let text = "[store.influx]\nurl = \"http://h\"\nbucket = \"g\"\ntokenfile = \"x\"\n";
        let [(line, said)] = &parse(text).unwrap_err()[..] else {
            panic!("one problem");
        };
        assert_eq!(*line, 4);
        assert!(
            said.contains("did you mean store.influx.token_file?"),
            "{said}"
        );
        // Every key that can be meant is one.
        let whole = Target::KEYS.map(|key| format!("{key} = \"http://h\"\n"));
        parse(&format!("[store.influx]\n{}", whole.concat())).unwrap();
    }

    #[test]
    fn an_empty_file_is_a_working_daemon() {
        assert_eq!(parse("").unwrap(), Config::default());
    }

    #[test]
    fn the_documented_file_is_the_default() {
        let text = include_str!("../../config/plimsoll.toml");
        assert_eq!(parse(text).unwrap(), Config::default());
    }

    #[test]
    fn the_documented_file_names_every_key() {
        let text = include_str!("../../config/plimsoll.toml");
        let mut known = Vec::new();
        keys(
            "",
            &toml::Table::try_from(Config::default()).unwrap(),
            &mut known,
        );
        for key in known {
            let last = key.rsplit('.').next().unwrap();
            assert!(
                text.contains(last),
                "config/plimsoll.toml does not show {key}"
            );
        }
    }

    #[test]
    fn every_unknown_key_is_named_with_line_and_hint() {
        let problems = parse("[store]\ndirr = \"x\"\n\n[web]\nlissten = \"y\"\n").unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert_eq!(problems[0].0, 2);
        assert!(
            problems[0].1.contains("store.dirr") && problems[0].1.contains("store.dir?"),
            "{problems:?}"
        );
        assert_eq!(problems[1].0, 5);
    }

    #[test]
    fn what_is_wrong_with_sensors_is_said_at_their_line() {
        let sensor = |alias: &str, driver: &str| {
            format!(
                "[[sensors]]\nalias = {alias:?}\ndriver = {driver:?}\nid = \"7\"\nsegment = \"chest\"\nconfirmed_by = \"T\"\n"
            )
        };
        let text = sensor("strap", "heart_rate") + &sensor("imu", "toaster");
        let problems = parse(&text).unwrap_err();
        assert!(problems.iter().all(|(line, _)| *line == 7), "{problems:?}");
        let said: Vec<&str> = problems.iter().map(|(_, said)| said.as_str()).collect();
        for expected in ["toaster", "same id", "both worn on chest"] {
            assert!(said.iter().any(|s| s.contains(expected)), "{said:?}");
        }
        let side = sensor("a", "witmotion").replace("chest", "thigh");
        assert!(parse(&side).is_err(), "a side is never chosen by default");
    }

    #[test]
    fn an_unknown_key_of_a_sensor_is_named_with_its_line_and_hint() {
        let text = "[[sensors]]\nalias = \"a\"\ndriver = \"dot\"\nid = \"7\"\nsegment = \"thigh_r\"\n\
                    confirmed_by = \"T\"\nrate_h = 50\n";
        let problems = parse(text).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].0, 7, "{problems:?}");
        assert!(problems[0].1.contains("rate_hz?"), "{problems:?}");
        let read = parse(&text.replace("rate_h ", "rate_hz ")).unwrap();
        let written = toml::Table::try_from(&read.sensors[0]).unwrap();
        assert_eq!(written.len(), sensor::KEYS.len());
        assert!(written.keys().all(|k| sensor::KEYS.contains(&k.as_str())));
        let imported = text
            .replace("\"dot\"", "\"imported\"")
            .replace("rate_h ", "rate_hz ");
        assert!(parse(&imported).is_err(), "nothing starts it");
    }

    #[test]
    fn a_wrong_type_is_named_with_its_line() {
        let problems = parse("[store]\n\ndir = 5\n").unwrap_err();
        assert_eq!(problems[0].0, 3, "{problems:?}");
    }
}
