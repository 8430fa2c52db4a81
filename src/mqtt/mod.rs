//! The bus: embedded broker, publisher, subscriber.
//!
//! Nothing here is trusted with data: batches carry sequence numbers, consumers say how far they have
//! come, and whoever publishes keeps what is not covered.
//!
//! | file | what |
//! |---|---|
//! | [`broker`] | a broker in this process, for loopback |
//! | [`publisher`] | at least once: what has no PUBACK is sent again on a fresh connection |
//! | [`subscriber`] | at least once: subscribes again on every connection |

pub mod broker;
mod connection;
pub mod publisher;
pub mod subscriber;

use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, str::FromStr};

/// Largest packet on the bus, bytes; checked before publishing and set on both sides.
pub const MAX_PACKET: usize = 1 << 20;

/// The bus part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// A broker to use, `mqtt://[user@]host[:port]`; without it one is started in this process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where the embedded broker listens; port 0 = any free one. Default 127.0.0.1:1883.
    pub listen: SocketAddr,
    /// Name of this process on the bus.
    pub client_id: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: None,
            listen: ([127, 0, 0, 1], 1883).into(),
            client_id: "plimsoll".into(),
        }
    }
}

/// Where a client connects, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusConfig {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Client identifier.
    pub client_id: String,
    /// User; the password comes from the environment variable `PLIMSOLL_MQTT_PASSWORD`, never from a URL.
    pub user: Option<String>,
}

impl BusConfig {
    /// A client of the broker at `address`.
    #[must_use]
    pub fn to(address: SocketAddr) -> Self {
        Self {
            host: address.ip().to_string(),
            port: address.port(),
            client_id: "plimsoll".into(),
            user: None,
        }
    }

    /// The same broker, as client `name` of this process.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self {
            client_id: format!("{}-{name}", self.client_id),
            ..self.clone()
        }
    }
}

/// The text is no broker URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no broker URL: {1} (expected mqtt://[user@]host[:port])")]
pub struct UrlError(String, &'static str);

impl FromStr for BusConfig {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let fault = |why| UrlError(text.to_owned(), why);
        let rest = text
            .strip_prefix("mqtt://")
            .ok_or_else(|| fault("only mqtt:// is supported"))?;
        let rest = rest.trim_end_matches('/');
        let (user, address) = match rest.split_once('@') {
            Some((user, _)) if user.contains(':') => {
                return Err(fault("a password does not belong in a URL"));
            }
            Some((user, address)) => (Some(user.to_owned()), address),
            None => (None, rest),
        };
        let (host, port) = match address.rsplit_once(':') {
            // An IPv6 address has colons of its own, inside brackets.
            Some((host, port)) if !port.contains(']') => (
                host,
                port.parse().map_err(|_| fault("the port is no number"))?,
            ),
            _ => (address, 1883),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains('/') {
            return Err(fault("the host is missing"));
        }
        Ok(Self {
            host: host.to_owned(),
            port,
            client_id: "plimsoll".into(),
            user,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let bus: BusConfig = "mqtt://gym@broker.local:2883".parse().unwrap();
        assert_eq!(
            (bus.host.as_str(), bus.port, bus.user.as_deref()),
            ("broker.local", 2883, Some("gym"))
        );
        let bus: BusConfig = "mqtt://[::1]".parse().unwrap();
        assert_eq!((bus.host.as_str(), bus.port), ("::1", 1883));
        for wrong in ["http://x", "mqtt://", "mqtt://h:x", "mqtt://a:b@h"] {
            assert!(wrong.parse::<BusConfig>().is_err(), "{wrong}");
        }
    }
}
