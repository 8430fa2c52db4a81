//! An instruction to a running session, over the bus, and its answer.

use super::{clock::host_now, link::Link};
use crate::{
    model::{command::Command, session::SessionId},
    wire::{
        payload::{self, Order},
        topic::Subject,
    },
};
use anyhow::{Context, Result, bail};
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// The session answers within this.
const PATIENCE: Duration = Duration::from_secs(5);

/// Gives the instruction; why it was refused, `None` = it was taken. The link hears the session's replies.
///
/// # Errors
/// The bus, or no answer within five seconds.
pub async fn give(
    link: &mut Link,
    session: &SessionId,
    command: Command,
) -> Result<Option<String>> {
    let id = format!("{}-{}", std::process::id(), host_now().0);
    let order = Order {
        id: id.clone(),
        command,
    };
    link.publish(session, Subject::Command, payload::encode_order(&order)?)
        .await?;
    let never = CancellationToken::new();
    let answer = async {
        while let Some((topic, bytes)) = link.next(&never).await {
            if *topic.subject() != Subject::Reply {
                continue;
            }
            let reply = payload::decode_reply(&bytes)?;
            if reply.id == id {
                return Ok(reply.refused);
            }
        }
        bail!("hear the session's answer")
    };
    timeout(PATIENCE, answer)
        .await
        .with_context(|| format!("hear the session's answer within {} s", PATIENCE.as_secs()))?
}
