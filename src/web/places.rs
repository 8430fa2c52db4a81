//! `/sensors`: the page on which a trainer tells sensors apart by shaking them and says where each is worn, before the
//! first set. `POST /sensors/shake` listens for three seconds; `POST /sensors/assign` places sensors, all at once. What
//! is asked is done by a [`Desk`]; a refusal is a sentence, with status 409.

use super::{WebState, guard};
use crate::model::{packet::DeviceIndex, placement::Placement, session::SessionId};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

/// Which sensor was shaken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shaken {
    /// The one that stood out, if one did.
    pub device: Option<DeviceIndex>,
    /// Which one and how clearly, or why none, in words.
    pub words: String,
}

/// Who does what the page asks for.
pub trait Desk: Send + Sync {
    /// Watches the sensors of the session for three seconds; an error is a sentence.
    fn shake<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<Shaken, String>>;

    /// Places sensors of the session; what became of it, or why not, as a sentence.
    fn assign<'a>(
        &'a self,
        session: &'a SessionId,
        worn: Vec<Placement>,
        confirmed_by: &'a str,
    ) -> BoxFuture<'a, Result<String, String>>;
}

#[derive(Deserialize)]
pub(super) struct Shake {
    session: SessionId,
}

#[derive(Deserialize)]
pub(super) struct Assign {
    session: SessionId,
    worn: Vec<Placement>,
    confirmed_by: String,
}

#[derive(Serialize)]
struct Said {
    words: String,
}

pub(super) async fn page() -> Response {
    let headers = [(header::CONTENT_SECURITY_POLICY, guard::LIVE_PAGE)];
    (headers, Html(include_str!("sensors.html"))).into_response()
}

pub(super) async fn shake(State(state): State<WebState>, Json(asked): Json<Shake>) -> Response {
    match &state.desk {
        Some(desk) => answer(desk.shake(&asked.session).await),
        None => nobody(),
    }
}

pub(super) async fn assign(State(state): State<WebState>, Json(asked): Json<Assign>) -> Response {
    let Some(desk) = &state.desk else {
        return nobody();
    };
    let Assign {
        session,
        worn,
        confirmed_by,
    } = asked;
    let done = desk.assign(&session, worn, confirmed_by.trim()).await;
    answer(done.map(|words| Said { words }))
}

fn answer<T: Serialize>(done: Result<T, String>) -> Response {
    match done {
        Ok(said) => Json(said).into_response(),
        Err(words) => (StatusCode::CONFLICT, Json(Said { words })).into_response(),
    }
}

fn nobody() -> Response {
    answer::<Said>(Err("no sensors can be assigned here".to_owned()))
}
