//! Why a broker cannot be used, in one sentence: what happened, and what was expected.

use super::BusConfig;
use rumqttc::{ConnectReturnCode, ConnectionError};
use rustls::{AlertDescription, CertificateError};
use std::{error::Error, io};

/// Why a connection does not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What, and what was expected; completes "use the broker at ...: ".
    pub(super) why: String,
    /// Trying again does not help before somebody changes something.
    pub(super) lasting: bool,
}

impl Refusal {
    fn lasting(why: String) -> Self {
        Self { why, lasting: true }
    }

    fn passing(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            lasting: false,
        }
    }

    /// What the library says of a connection of `bus`.
    pub(super) fn of(bus: &BusConfig, error: &ConnectionError) -> Self {
        if let Some(tls) = find::<rustls::Error>(error) {
            return of_tls(bus, tls);
        }
        match error {
            ConnectionError::ConnectionRefused(code) => of_code(bus, *code),
            ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
                Self::passing("it does not answer in time")
            }
            _ => of_io(bus, error),
        }
    }

    /// It lets us not do with `topics` what we have to.
    pub(super) fn access(bus: &BusConfig, topics: &str) -> Self {
        Self::lasting(format!(
            "its access rules (ACL) keep {} from {topics} (expected leave to write and read plimsoll/v1/#)",
            bus.who()
        ))
    }
}

fn of_code(bus: &BusConfig, code: ConnectReturnCode) -> Refusal {
    match code {
        ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized => {
            let who = bus.who();
            let wrong = if bus.user.is_some() {
                " or the password"
            } else {
                ""
            };
            Refusal::lasting(format!(
                "it refuses {who}{wrong} (expected what it knows: bus.user, bus.password_file)"
            ))
        }
        ConnectReturnCode::BadClientId => Refusal::lasting(format!(
            "it refuses the name {} (expected one it allows: bus.client_id)",
            bus.client_id
        )),
        ConnectReturnCode::RefusedProtocolVersion => Refusal::lasting(
            "it does not speak MQTT 3.1.1 (expected a broker that does)".to_owned(),
        ),
        ConnectReturnCode::ServiceUnavailable | ConnectReturnCode::Success => {
            Refusal::passing("it says that it is not available now")
        }
    }
}

fn of_tls(bus: &BusConfig, error: &rustls::Error) -> Refusal {
    let trusted = bus.tls.as_ref().map_or("", |t| t.trusted.as_str());
    match error {
        rustls::Error::InvalidCertificate(fault) => Refusal::lasting(of_certificate(bus, trusted, fault)),
        rustls::Error::AlertReceived(alert) => of_alert(bus, *alert),
        rustls::Error::InvalidMessage(_) => Refusal::lasting(
            "what answers there does not speak TLS (expected a TLS listener for mqtts://, or mqtt:// in bus.url)"
                .to_owned(),
        ),
        other => Refusal::lasting(format!("TLS fails: {other} (expected TLS 1.2 or 1.3)")),
    }
}

fn of_certificate(bus: &BusConfig, trusted: &str, fault: &CertificateError) -> String {
    const VALID: &str = "expected one that is valid now: renew it, or set this machine's clock";
    match fault {
        CertificateError::UnknownIssuer => format!(
            "its certificate is not signed by anyone in {trusted} (expected the authority of this broker's certificate \
             in bus.ca)"
        ),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("its certificate expired at {} ({VALID})", day(*not_after))
        }
        CertificateError::Expired => format!("its certificate has expired ({VALID})"),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "its certificate is not valid before {} ({VALID})",
            day(*not_before)
        ),
        CertificateError::NotValidYet => format!("its certificate is not valid yet ({VALID})"),
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "its certificate is for {}, not for {} (expected bus.url to name it as its certificate does)",
            presented.join(", "),
            bus.host
        ),
        CertificateError::NotValidForName => format!(
            "its certificate is not for {} (expected bus.url to name it as its certificate does)",
            bus.host
        ),
        other => format!(
            "its certificate is not accepted: {other} (expected one that {trusted} vouches for)"
        ),
    }
}

/// The broker ends the greeting, and says why.
fn of_alert(bus: &BusConfig, alert: AlertDescription) -> Refusal {
    let ours = bus.tls.as_ref().and_then(|t| t.certificate.as_ref());
    match ours {
        None if is_of_certificate(alert) => Refusal::lasting(
            "it asks for a client certificate (expected bus.certificate and bus.key)".to_owned(),
        ),
        Some(file) if is_of_certificate(alert) => Refusal::lasting(format!(
            "it refuses our certificate {}: {alert:?} (expected one that it trusts, valid now)",
            file.display()
        )),
        _ => Refusal::lasting(format!(
            "it ends the TLS greeting: {alert:?} (expected TLS 1.2 or 1.3)"
        )),
    }
}

fn is_of_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as A;
    matches!(
        alert,
        A::CertificateRequired
            | A::HandshakeFailure
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::NoCertificate
            | A::AccessDenied
    )
}

fn of_io(bus: &BusConfig, error: &ConnectionError) -> Refusal {
    let kind = find::<io::Error>(error).map(io::Error::kind);
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => {
            Refusal::passing("nothing listens there (expected a running broker)")
        }
        Some(
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe,
        ) => Refusal::passing(if bus.tls.is_some() {
            "it closes the connection"
        } else {
            "it closes the connection (if that is at once: does it expect TLS, mqtts:// in bus.url?)"
        }),
        _ => Refusal::passing(error.to_string()),
    }
}

/// The first `E` among an error's causes; what an I/O error wraps is one of them.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut at = Some(error);
    while let Some(e) = at {
        if let Some(found) = e.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = e.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        at = match wrapped {
            Some(inner) => Some(inner),
            None => e.source(),
        };
    }
    None
}

fn day(time: rustls::pki_types::UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok();
    let stamp = seconds.and_then(|s| jiff::Timestamp::from_second(s).ok());
    stamp.map_or_else(|| "a time long past".to_owned(), |t| t.to_string())
}
