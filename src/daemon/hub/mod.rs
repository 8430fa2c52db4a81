//! The consumers of the bus: the analysis and the store, each a subscriber like anyone else.
//!
//! A consumer says, retained, how far it has come without a hole (`ack/analysis`, `ack/store`), and says it again
//! whenever a session is announced: whoever publishes sends from there. So a consumer may be killed at any time: it
//! goes on from what is in the store. From the store samples may go on to an `InfluxDB`.

mod analyst;
mod forwarder;
mod storer;

pub use analyst::analyse;
pub use forwarder::forward;
pub use storer::store;

use crate::{
    model::{session::SessionId, window::Window},
    pipeline::assemble::Assembler,
    store::{Standing, Store, StoreError},
    wire::{
        payload,
        topic::{Subject, Topic},
    },
};
use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tracing::error;

/// Name of the analysis in acknowledgements.
pub const ANALYSIS: &str = "analysis";
/// Name of the store in acknowledgements.
pub const STORE: &str = "store";

/// The store, shared by tasks.
pub type SharedStore = Arc<Mutex<Store>>;

/// What a broker keeps of a session, to be taken back with empty messages. The session first: consumers answer to its
/// announcement with where they stand.
pub(super) fn retained() -> impl Iterator<Item = Subject> {
    let acks = [ANALYSIS, STORE].map(|name| Subject::Ack(name.to_owned()));
    [Subject::Session, Subject::Status, Subject::Sensors]
        .into_iter()
        .chain(acks)
}

/// A number that no other run of a consumer has.
fn run_number() -> u64 {
    // Hashers are seeded at random; JSON readers of others keep integers of up to 53 bits.
    RandomState::new().hash_one(std::process::id()) >> 11
}

/// Gives a message of the bus to the assembler. What cannot be read stays missing: it comes again, and the log says
/// why.
fn assemble_into(assembler: &mut Assembler, topic: &Topic, bytes: &[u8], out: &mut Vec<Window>) {
    match topic.subject() {
        Subject::Samples(_) => {
            if let Some(batch) = understood(topic, payload::decode_batch(bytes)) {
                assembler.batch(batch, out);
            }
        }
        Subject::Window => {
            if let Some(manifest) = understood(topic, payload::decode_manifest(bytes)) {
                assembler.manifest(manifest, out);
            }
        }
        _ => {}
    }
}

fn understood<T, E: std::fmt::Display>(topic: &Topic, result: Result<T, E>) -> Option<T> {
    result
        .map_err(|e| error!(topic = %topic, "failed to read a message: {e}"))
        .ok()
}

/// What the store has of a session; nothing if it does not know it.
fn standing(store: &SharedStore, session: &SessionId) -> Result<Standing, StoreError> {
    match lock(store).standing(session) {
        Err(StoreError::UnknownSession(_)) => Ok(Standing::default()),
        other => other,
    }
}

/// A poisoned lock means that a writer panicked in the middle of a transaction, which SQLite rolled
/// back: the store itself is sound.
pub(super) fn lock(store: &SharedStore) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}
