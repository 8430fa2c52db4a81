//! `POST /sensor-logger`: what phones push. Phones call this machine by whatever name it has in their network, so that the
//! guard of the pages does not stand here; a browser is refused, because no page has a message to push.

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header::ORIGIN},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::future::BoxFuture;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long a message may wait to be taken.
const PATIENCE: Duration = Duration::from_secs(5);
/// Largest message, bytes: ten seconds of three fast streams.
const LARGEST: usize = 1 << 20;

/// Why a message is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It has no meaning.
    Unreadable(String),
    /// Nobody waits for it: for whoever holds the phone.
    Unwanted(String),
    /// It may come again.
    Busy(String),
}

/// Who takes what phones push.
pub trait PhoneDoor: Send + Sync {
    /// Takes one message.
    fn push(&self, body: Vec<u8>) -> BoxFuture<'_, Result<(), Refused>>;
}

/// The route, without the pages.
pub fn routes(door: Arc<dyn PhoneDoor>) -> Router {
    Router::new()
        .route("/sensor-logger", post(push))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(door)
}

async fn push(
    State(door): State<Arc<dyn PhoneDoor>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if headers.contains_key(ORIGIN) {
        let said = "only the app pushes here, no page\n".to_owned();
        return (StatusCode::FORBIDDEN, said).into_response();
    }
    let body = match body {
        Ok(body) => body,
        Err(e) => {
            let said = format!("{e} (a message has at most {LARGEST} bytes: push more often)\n");
            return (e.status(), said).into_response();
        }
    };
    // The app shows what comes with 499 to whoever holds the phone.
    let shown = StatusCode::from_u16(499).unwrap_or(StatusCode::CONFLICT);
    let pushed = timeout(PATIENCE, door.push(body.to_vec())).await;
    let late = || Refused::Busy("not taken in time: push again".to_owned());
    let (status, said) = match pushed.unwrap_or_else(|_| Err(late())) {
        Ok(()) => (StatusCode::OK, "taken".to_owned()),
        Err(Refused::Unreadable(said)) => (StatusCode::BAD_REQUEST, said),
        Err(Refused::Unwanted(said)) => (shown, said),
        Err(Refused::Busy(said)) => (StatusCode::SERVICE_UNAVAILABLE, said),
    };
    (status, format!("{said}\n")).into_response()
}
