//! Who may ask and what a page may do: only this machine itself is shown its pages, wherever they are served, unless
//! other names are allowed; only requests that name this machine are answered, so that a
//! foreign site cannot reach in through a name that it points at this address; what changes something is
//! taken from our own pages only, so that a foreign site cannot send it through the visitor's browser;
//! and no page may load or send anything elsewhere.

use super::WebState;
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{self, HOST, ORIGIN},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::net::{IpAddr, SocketAddr};

const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// For everything that runs no script: nothing but its own style sheet.
const NO_SCRIPT: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'",
);

/// For the live page: its own inline script, and connections to where it came from. The page is one
/// constant file into which the server writes nothing, so inline cannot carry foreign text.
pub(super) const LIVE_PAGE: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Refuses foreign host names, adds the security headers.
pub(super) async fn guard(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let near = is_near(peer.map(|p| p.0.ip()), &state.hosts);
    let host = request.headers().get(HOST).and_then(|h| h.to_str().ok());
    let refused = match host.filter(|_| near) {
        None if !near => Some("only this machine itself is shown its pages\n"),
        Some(host) if is_known(host, &state.hosts) => {
            let origin = request.headers().get(ORIGIN).and_then(|o| o.to_str().ok());
            (!request.method().is_safe() && !is_ours(origin, host))
                .then_some("only this machine's own pages may ask for that\n")
        }
        _ => Some("this name is not one of this machine's; add it to the hosts that may ask\n"),
    };
    let mut response = match refused {
        None => next.run(request).await,
        Some(text) => (StatusCode::FORBIDDEN, text).into_response(),
    };
    let headers = response.headers_mut();
    headers.extend(HEADERS);
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(NO_SCRIPT);
    response
}

/// Asked from this machine, or others are allowed to ask. Whoever is not known to be near is not.
fn is_near(peer: Option<IpAddr>, more: &[String]) -> bool {
    !more.is_empty() || peer.is_some_and(|ip| ip.to_canonical().is_loopback())
}

fn is_known(host: &str, more: &[String]) -> bool {
    let name = without_port(host).to_ascii_lowercase();
    LOOPBACK.contains(&name.as_str()) || more.iter().any(|h| h.eq_ignore_ascii_case(&name))
}

/// The page that sends it came from where it sends it.
fn is_ours(origin: Option<&str>, host: &str) -> bool {
    let from = origin.and_then(|o| o.split_once("://"));
    from.is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
}

fn without_port(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_near_unless_other_names_are_allowed() {
        let near = |peer: &str| is_near(peer.parse().ok(), &[]);
        for here in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
            assert!(near(here), "{here}");
        }
        for elsewhere in ["192.168.1.7", "10.0.0.1", "fe80::1", "::ffff:10.0.0.1", ""] {
            assert!(!near(elsewhere), "{elsewhere}");
        }
        assert!(is_near(None, &["gym-box.lan".to_owned()]));
    }

    #[test]
    fn only_names_of_this_machine_are_known() {
        for good in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:1",
            "[::1]:9000",
            "[::1]",
        ] {
            assert!(is_known(good, &[]), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:80",
            "[::2]",
        ] {
            assert!(!is_known(bad, &[]), "{bad}");
        }
        assert!(is_known("gym-box.lan:80", &["gym-box.lan".to_owned()]));
    }

    #[test]
    fn only_our_own_pages_change_something() {
        let host = "127.0.0.1:8460";
        assert!(is_ours(Some("http://127.0.0.1:8460"), host));
        for origin in [
            None,
            Some("null"),
            Some("http://evil.example"),
            Some("http://127.0.0.1:9999"),
            Some("http://127.0.0.1:8460.evil.example"),
        ] {
            assert!(!is_ours(origin, host), "{origin:?}");
        }
    }
}
