//! The live page and its HTTP interface.
//!
//! `GET /` one embedded file without outside assets, `GET /events` server-sent events,
//! `GET /report/{session}` the report, `GET /health`; `/sensors` is the page on which sensors are
//! assigned, the one thing that a page changes in a session; `POST /sensor-logger` takes what phones push. Angles in
//! degrees, heart rate in beats a minute, times as the events carry them.

mod events;
mod feed;
mod guard;
mod info;
mod phone;
mod places;

pub use feed::Feed;
pub use info::{ExerciseInfo, Info, MetricInfo, SensorInfo};
pub use phone::{PhoneDoor, Refused, routes as phone_routes};
pub use places::{Desk, Shaken};

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    middleware,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use std::{future::IntoFuture, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

/// Pages that may be open at once.
const SEATS: usize = 32;
/// How long a request may take to finish after the stop was asked for.
const GRACE: Duration = Duration::from_secs(2);

/// The page's part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Where the page is served. Default 127.0.0.1:8460.
    pub listen: SocketAddr,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 8460).into(),
        }
    }
}

/// The report of a session as HTML, `None` if there is no such session. May read the disk.
pub type Reports = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;
/// The time of day as text, for people.
pub type Clock = Arc<dyn Fn() -> String + Send + Sync>;

/// What the routes share.
#[derive(Clone)]
pub struct WebState {
    /// Events of the running session.
    pub feed: Feed,
    /// Reports of finished sessions.
    pub reports: Reports,
    /// Time shown on the page.
    pub clock: Clock,
    /// Names beside the loopback ones under which this machine may be asked.
    pub hosts: Arc<[String]>,
    /// Ends every open stream.
    pub stop: CancellationToken,
    desk: Option<Arc<dyn Desk>>,
    seats: Arc<Semaphore>,
}

impl WebState {
    /// State of a server that answers to loopback names and to `hosts`.
    #[must_use]
    pub fn new(
        feed: Feed,
        reports: Reports,
        clock: Clock,
        hosts: Vec<String>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            feed,
            reports,
            clock,
            hosts: hosts.into(),
            stop,
            desk: None,
            seats: Arc::new(Semaphore::new(SEATS)),
        }
    }

    /// The same, with somebody who assigns sensors.
    #[must_use]
    pub fn with_desk(mut self, desk: Arc<dyn Desk>) -> Self {
        self.desk = Some(desk);
        self
    }

    #[cfg(test)]
    fn for_tests() -> Self {
        let reports: Reports = Arc::new(|id| (id == "S-1").then(|| "<p>report".to_owned()));
        let clock: Clock = Arc::new(|| "12:00:00".to_owned());
        let stop = CancellationToken::new();
        Self::new(Feed::default(), reports, clock, Vec::new(), stop)
    }
}

/// The page.
pub struct Page;

impl Page {
    /// Its routes.
    pub fn router(state: WebState) -> Router {
        let guard = middleware::from_fn_with_state(state.clone(), guard::guard);
        Router::new()
            .route("/", get(page))
            .route("/events", get(events::events))
            .route("/sensors", get(places::page))
            .route("/sensors/shake", post(places::shake))
            .route("/sensors/assign", post(places::assign))
            .route("/report/{session}", get(report))
            .route("/health", get(|| async { "ok\n" }))
            .layer(guard)
            .with_state(state)
    }
}

async fn page() -> Response {
    let headers = [(header::CONTENT_SECURITY_POLICY, guard::LIVE_PAGE)];
    (headers, Html(include_str!("page.html"))).into_response()
}

async fn report(State(state): State<WebState>, Path(session): Path<String>) -> Response {
    // Building a report reads the store: not on a thread that serves the live page.
    let found = tokio::task::spawn_blocking(move || (state.reports)(&session)).await;
    match found {
        Ok(Some(html)) => Html(html).into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, "no report of that session\n").into_response(),
        Err(_) => {
            let text = "the report could not be made\n";
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

/// Serves until `shutdown`; open requests get two seconds to finish.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let stopped = shutdown.clone().cancelled_owned();
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, router).with_graceful_shutdown(stopped);
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = overdue => Ok(()),
    }
}
