//! Carries messages of phones to the session: stamped as they come, recorded as they are.

use super::{
    super::outlet::{Board, Outlet, say_status},
    door::Push,
    phones::{Phones, Refusal, Taken},
};
use crate::{model::link::LinkEvent, wire::recording::Item};
use std::time::Duration;
use tokio::{sync::mpsc, time::interval};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// How often it is looked whether a phone has fallen silent.
const LOOK: Duration = Duration::from_millis(200);

/// Takes messages until `stop`.
pub(in super::super) async fn run(
    mut phones: Phones,
    mut pushes: mpsc::Receiver<Push>,
    outlet: Outlet,
    board: Board,
    stop: CancellationToken,
) {
    let mut look = interval(LOOK);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            push = pushes.recv() => {
                // The door was opened for another session.
                let Some(Push { body, answer }) = push else { break };
                let taken = match phones.take((outlet.clock)(), body) {
                    Ok(Taken { begin, packet, unreadable }) => {
                        say(&outlet, begin).await;
                        match (outlet.packet(packet), unreadable) {
                            (false, _) => Err(Refusal::Busy),
                            (true, Some(unreadable)) => Err(unreadable),
                            (true, None) => Ok(()),
                        }
                    }
                    Err(refusal) => Err(refusal),
                };
                // Who sent it may have gone.
                let _ = answer.send(taken);
            }
            _ = look.tick() => say(&outlet, phones.tick((outlet.clock)())).await,
        }
        outlet.say_lost();
        say_status(&board, phones.status((outlet.clock)()), |now| {
            info!(sensor = now.alias, "{}", now.words());
        });
    }
    say(&outlet, phones.close()).await;
    outlet.say_last().await;
}

async fn say(outlet: &Outlet, events: impl IntoIterator<Item = LinkEvent>) {
    for event in events {
        // A session that has gone needs no more of them.
        let _ = outlet.items.send(Item::Link((outlet.clock)(), event)).await;
    }
}
