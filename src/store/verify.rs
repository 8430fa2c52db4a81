//! Is everything that was stored of a session there, and does it read?

use super::{StoreError, embedded::Embedded};
use crate::model::session::{SessionId, TechKind};
use std::collections::BTreeMap;

/// What was looked at, and what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Windows.
    pub windows: u64,
    /// Samples.
    pub samples: u64,
    /// Events.
    pub events: u64,
    /// Plain sentences; empty = whole.
    pub problems: Vec<String>,
}

pub(super) fn verify(store: &Embedded, session: &SessionId) -> Result<Verified, StoreError> {
    let mut v = Verified::default();
    let integrity = store.integrity()?;
    if integrity != "ok" {
        v.problems
            .push(format!("the database file is damaged: {integrity}"));
    }
    let mut promised = BTreeMap::new();
    for manifest in store.manifests(session)? {
        if manifest.index != v.windows {
            v.problems.push(format!("window {} is missing", v.windows));
            v.windows = manifest.index;
        }
        v.windows += 1;
        // What the window itself says was lost on the way is not missing here.
        let lost: Vec<_> = manifest
            .tech
            .iter()
            .filter_map(|t| match t.kind {
                TechKind::BatchLost {
                    stream,
                    first_sequence,
                    ..
                } => Some((stream, first_sequence)),
                _ => None,
            })
            .collect();
        for named in manifest.batches {
            if !lost.contains(&(named.stream, named.first_sequence)) {
                promised.insert((named.stream, named.first_sequence), u64::from(named.count));
            }
        }
    }
    for stream in store.streams(session)? {
        for batch in store.batches(session, stream)? {
            v.samples += batch.samples.len() as u64;
            match promised.remove(&(stream, batch.first_sequence)) {
                Some(count) if count == batch.samples.len() as u64 => {}
                Some(count) => v.problems.push(format!(
                    "{} of sensor {} from sample {}: {} samples of {count}",
                    stream.kind.as_str(),
                    stream.device.0,
                    batch.first_sequence,
                    batch.samples.len()
                )),
                None => v.problems.push(format!(
                    "{} of sensor {} from sample {}: in no window",
                    stream.kind.as_str(),
                    stream.device.0,
                    batch.first_sequence
                )),
            }
        }
    }
    for ((stream, first), count) in promised {
        v.problems.push(format!(
            "{} of sensor {} from sample {first}: {count} samples are missing",
            stream.kind.as_str(),
            stream.device.0
        ));
    }
    for event in store.events(session)? {
        if event.sequence != v.events {
            v.problems.push(format!("event {} is missing", v.events));
            v.events = event.sequence;
        }
        v.events += 1;
    }
    Ok(v)
}
