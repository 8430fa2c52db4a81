//! Which broker a client uses, and as whom: the configuration, and what stands in the files it names.
//!
//! Secrets are read from files or the environment, and never shown.

use super::{Config, tls};
use std::{
    fmt, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A file that the configuration names cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("bus.{key}: {} {why} (expected {expected})", file.display())]
pub struct SetupError {
    /// Key within `[bus]`.
    pub key: &'static str,
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
    /// What should be there.
    pub expected: &'static str,
}

/// Where a client connects, and as whom.
#[derive(Debug, Clone)]
pub struct BusConfig {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Client identifier.
    pub client_id: String,
    /// User and password.
    pub(super) user: Option<(String, Secret)>,
    /// With TLS only.
    pub(super) tls: Option<Tls>,
    /// What the broker says, retained, when the connection dies.
    pub(super) will: Option<Will>,
}

/// A last will: topic and payload.
#[derive(Debug, Clone)]
pub(super) struct Will {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
}

/// A text that is not shown.
#[derive(Clone)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("...")
    }
}

/// How a broker and we know each other.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    pub(super) client: Arc<rustls::ClientConfig>,
    /// Whom we trust, in words.
    pub(super) trusted: String,
    /// Our own certificate.
    pub(super) certificate: Option<PathBuf>,
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
            tls: None,
            will: None,
        }
    }

    /// A client of the configured broker, or of the embedded one where none is named.
    ///
    /// # Errors
    /// A file that the configuration names cannot be used. A URL that is none is refused when the configuration is
    /// read.
    pub fn open(config: &Config) -> Result<Self, SetupError> {
        let client_id = config.client_id.clone();
        let Some(url) = &config.url else {
            return Ok(Self {
                client_id,
                ..Self::to(config.listen)
            });
        };
        let (host, port, secured) = address(url).map_err(|why| SetupError {
            key: "url",
            file: PathBuf::from(url),
            why,
            expected: EXPECTED,
        })?;
        Ok(Self {
            host,
            port,
            client_id,
            user: user(config)?,
            tls: secured.then(|| tls::open(config)).transpose()?,
            will: None,
        })
    }

    /// The same client, for whom the broker says `payload` under `topic`, retained, when its connection dies.
    #[must_use]
    pub fn with_will(self, topic: String, payload: Vec<u8>) -> Self {
        let will = Some(Will { topic, payload });
        Self { will, ..self }
    }

    /// The same broker, as this client.
    #[must_use]
    pub fn as_client(self, client_id: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            ..self
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

    /// User in words.
    pub(super) fn who(&self) -> String {
        match &self.user {
            Some((name, _)) => format!("user {name}"),
            None => "whoever gives no user".to_owned(),
        }
    }
}

impl fmt::Display for BusConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "mqtts" } else { "mqtt" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

const EXPECTED: &str = "mqtt://host[:port] or mqtts://host[:port]";

/// Host, port, and whether with TLS.
pub(super) fn address(url: &str) -> Result<(String, u16, bool), String> {
    let fault = |why| format!("{url:?} is no broker URL: {why} (expected {EXPECTED})");
    let (rest, usual, secured) = if let Some(rest) = url.strip_prefix("mqtt://") {
        (rest, 1883, false)
    } else if let Some(rest) = url.strip_prefix("mqtts://") {
        (rest, 8883, true)
    } else {
        return Err(fault("it is neither mqtt:// nor mqtts://"));
    };
    let rest = rest.trim_end_matches('/');
    if rest.contains('@') {
        // Not repeated: it may hold a password.
        return Err(format!(
            "a user does not belong in the URL (expected bus.user and bus.password_file, and {EXPECTED})"
        ));
    }
    let (host, port) = match rest.rsplit_once(':') {
        // An IPv6 address has colons of its own, inside brackets.
        Some((host, port)) if !port.contains(']') => (
            host,
            port.parse().map_err(|_| fault("the port is no number"))?,
        ),
        _ => (rest, usual),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || host.contains('/') {
        return Err(fault("the host is missing"));
    }
    Ok((host.to_owned(), port, secured))
}

/// What stands in a file that the configuration names.
pub(super) fn read(
    key: &'static str,
    file: &Path,
    expected: &'static str,
) -> Result<Vec<u8>, SetupError> {
    fs::read(file).map_err(|e| SetupError {
        key,
        file: file.to_owned(),
        why: format!("cannot be read: {e}"),
        expected,
    })
}

fn user(config: &Config) -> Result<Option<(String, Secret)>, SetupError> {
    let Some(name) = &config.user else {
        return Ok(None);
    };
    let Some(file) = &config.password_file else {
        let password = std::env::var("PLIMSOLL_MQTT_PASSWORD").unwrap_or_default();
        return Ok(Some((name.clone(), Secret(password))));
    };
    let (key, expected) = ("password_file", "the password on one line");
    let fault = |why: &str| SetupError {
        key,
        file: file.clone(),
        why: why.to_owned(),
        expected,
    };
    let text = String::from_utf8(read(key, file, expected)?).map_err(|_| fault("is no text"))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(fault("is empty"));
    }
    if password.contains('\n') {
        return Err(fault("has more than one line"));
    }
    Ok(Some((name.clone(), Secret(password.to_owned()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn urls() {
        let known = [
            ("mqtt://broker.local:2883", ("broker.local", 2883, false)),
            ("mqtt://[::1]", ("::1", 1883, false)),
            ("mqtts://h/", ("h", 8883, true)),
        ];
        for (url, (host, port, secured)) in known {
            assert_eq!(address(url), Ok((host.to_owned(), port, secured)));
        }
        for wrong in ["http://x", "mqtt://", "mqtt://h:x", "mqtts://h:70000"] {
            assert!(address(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
        let said = address("mqtt://a:geheim@h").unwrap_err();
        assert!(said.contains("bus.user") && !said.contains("geheim"));
    }

    proptest! {
        #[test]
        fn no_url_panics_and_what_is_shown_is_read_again(url in "(mqtts?://)?[a-z:@/\\[\\]0-9]{0,20}") {
            if let Ok((host, port, _)) = address(&url) {
                let shown = BusConfig { host, port, ..BusConfig::to(([127, 0, 0, 1], 1).into()) };
                let again = address(&shown.to_string()).unwrap();
                prop_assert_eq!((again.0, again.1), (shown.host, shown.port));
            }
        }
    }

    #[test]
    fn a_password_is_one_line_of_a_file_and_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("password");
        let config = Config {
            url: Some("mqtt://h".into()),
            user: Some("gym".into()),
            password_file: Some(file.clone()),
            ..Config::default()
        };
        let said = BusConfig::open(&config).unwrap_err().to_string();
        assert!(said.contains("bus.password_file") && said.contains(&*file.to_string_lossy()));
        for (text, why) in [("", "empty"), ("\n", "empty"), ("a\nb\n", "one line")] {
            fs::write(&file, text).unwrap();
            let said = BusConfig::open(&config).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
        fs::write(&file, "ge heim\n").unwrap();
        let bus = BusConfig::open(&config).unwrap();
        assert_eq!(bus.user.as_ref().unwrap().1.0, "ge heim");
        assert!(!format!("{bus:?}").contains("heim"));
    }
}
