//! The bus: embedded broker, publisher, subscriber.
//!
//! Nothing here is trusted with data: batches carry sequence numbers, consumers say how far they have
//! come, and whoever publishes keeps what is not covered.
//!
//! | file | what |
//! |---|---|
//! | [`broker`] | a broker in this process, for loopback |
//! | [`target`] | which broker, as whom: from the configuration and the files it names |
//! | [`probe`] | does a broker let us write and read what is ours? |
//! | [`publisher`] | at least once: what has no PUBACK is sent again on a fresh connection |
//! | [`subscriber`] | at least once: subscribes again on every connection |

pub mod broker;
mod connection;
pub mod probe;
pub mod publisher;
mod refusal;
pub mod subscriber;
pub mod target;
mod tls;

pub use target::{BusConfig, SetupError};

use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};

/// Largest packet on the bus, bytes; checked before publishing and set on both sides.
pub const MAX_PACKET: usize = 1 << 20;

/// The bus part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// A broker to use, `mqtt://host[:1883]`, or with TLS `mqtts://host[:8883]`; without it one is started in this
    /// process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// PEM file of who signs the broker's certificate; without it, whom this machine trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// PEM file of our own certificate, for a broker that asks for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// PEM file of the private key of `certificate`, not encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// User at the broker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// File with the password, one line; without it the environment variable `PLIMSOLL_MQTT_PASSWORD` is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Where the embedded broker listens; port 0 = any free one. Default 127.0.0.1:1883.
    pub listen: SocketAddr,
    /// Name of this process on the bus.
    pub client_id: String,
    /// Say live samples as JSON, too, for other people's programs. Default: no.
    pub json: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: None,
            ca: None,
            certificate: None,
            key: None,
            user: None,
            password_file: None,
            listen: ([127, 0, 0, 1], 1883).into(),
            client_id: "plimsoll".into(),
            json: false,
        }
    }
}

impl Config {
    /// What cannot be meant so, each with its key within `[bus]`; files are not looked at.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let tls = self.url.as_ref().is_some_and(|u| u.starts_with("mqtts://"));
        if let Some(url) = &self.url
            && let Err(e) = target::address(url)
        {
            problems.push(("url", e));
        }
        let files = [
            ("ca", &self.ca),
            ("certificate", &self.certificate),
            ("key", &self.key),
        ];
        for (key, _) in files.iter().filter(|(_, f)| f.is_some() && !tls) {
            let said = format!("bus.{key} is for TLS (expected bus.url to begin with mqtts://)");
            problems.push((*key, said));
        }
        if self.certificate.is_some() != self.key.is_some() {
            let (there, lacks) = if self.key.is_some() {
                ("key", "certificate")
            } else {
                ("certificate", "key")
            };
            let said = format!("bus.{there} is given without bus.{lacks} (expected both or none)");
            problems.push((there, said));
        }
        if self.user.is_some() && self.url.is_none() {
            let said = "bus.user is for a broker of yours (expected bus.url with it)";
            problems.push(("user", said.to_owned()));
        }
        if self.password_file.is_some() && self.user.is_none() {
            let said = "bus.password_file is given without bus.user (expected both)";
            problems.push(("password_file", said.to_owned()));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(of: impl FnOnce(&mut Config)) -> Vec<&'static str> {
        let mut config = Config::default();
        of(&mut config);
        config.problems().into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn what_cannot_be_meant_is_said_by_key() {
        assert!(problems(|_| ()).is_empty());
        let file = || Some(PathBuf::from("x.pem"));
        let tls = || Some("mqtts://h".to_owned());
        assert_eq!(problems(|c| c.url = Some("ftp://h".into())), ["url"]);
        assert_eq!(problems(|c| c.ca = file()), ["ca"]);
        assert_eq!(problems(|c| (c.url, c.key) = (tls(), file())), ["key"]);
        let half = problems(|c| (c.url, c.certificate) = (tls(), file()));
        assert_eq!(half, ["certificate"]);
        assert_eq!(problems(|c| c.user = Some("u".into())), ["user"]);
        let lone = problems(|c| (c.url, c.password_file) = (tls(), file()));
        assert_eq!(lone, ["password_file"]);
        let all = problems(|c| {
            (c.url, c.ca, c.certificate, c.key) = (tls(), file(), file(), file());
            (c.user, c.password_file) = (Some("u".into()), file());
        });
        assert!(all.is_empty());
    }
}
