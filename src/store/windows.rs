//! Windows as they came off the bus: the table of contents with its batches, from the database or, of a
//! compacted session, cut out of its files again. Whoever judges windows judges stored ones the same way.
//!
//! A batch that is not stored is absent from its window, as one that was lost on the bus; a window that
//! is not stored is absent from the list.

use super::{
    StoreError,
    embedded::{Embedded, known},
    samples,
};
use crate::{
    model::{
        sample::StreamId,
        session::SessionId,
        window::{Batch, BatchRef, Manifest, Window},
    },
    wire::payload,
};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};

impl Embedded {
    pub(super) fn windows(
        &self,
        session: &SessionId,
        from_index: u64,
        limit: usize,
    ) -> Result<Vec<Window>, StoreError> {
        let view = self.snapshot()?;
        let known = known(&view, session)?;
        known.has_raw()?;
        let manifests = manifests(&view, known.number, from_index, limit)?;
        let mut files = BTreeMap::new();
        let named = manifests.iter().flat_map(|m| &m.batches);
        let streams: BTreeSet<StreamId> = named.map(|b| b.stream).collect();
        for stream in streams {
            let folder = self.folder(session);
            if let Some(rows) = samples::archived(&view, &folder, known.number, stream)? {
                files.insert(stream, rows);
            }
        }
        let mut windows = Vec::with_capacity(manifests.len());
        for manifest in manifests {
            let mut batches = Vec::with_capacity(manifest.batches.len());
            for named in &manifest.batches {
                batches.extend(match files.get(&named.stream) {
                    Some(rows) => cut(rows, *named),
                    None => samples::batch(&view, known.number, *named)?,
                });
            }
            windows.push(Window { manifest, batches });
        }
        Ok(windows)
    }
}

/// Tables of contents from that window on, ascending.
fn manifests(
    db: &Connection,
    session: i64,
    from_index: u64,
    limit: usize,
) -> Result<Vec<Manifest>, StoreError> {
    // Indices are stored as signed numbers; none is as large as that.
    let from = i64::try_from(from_index).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = db.prepare_cached(
        "SELECT idx, manifest FROM windows WHERE session = ?1 AND idx >= ?2 ORDER BY idx LIMIT ?3",
    )?;
    let rows = statement.query_map(params![session, from, limit], |r| {
        Ok((r.get::<_, i64>(0)?.cast_unsigned(), r.get::<_, String>(1)?))
    })?;
    rows.map(|row| {
        let (index, json) = row?;
        let damaged = |why| StoreError::Damaged(format!("window {index}: {why}"));
        let manifest =
            payload::decode_manifest(json.as_bytes()).map_err(|e| damaged(e.to_string()))?;
        if manifest.index != index {
            return Err(damaged(format!("it holds window {}", manifest.index)));
        }
        Ok(manifest)
    })
    .collect()
}

/// The batch out of its stream; `None` if not all of it is there: half a batch never came off the bus.
fn cut(rows: &[samples::Numbered], named: BatchRef) -> Option<Batch> {
    let from = rows.partition_point(|(sequence, _)| *sequence < named.first_sequence);
    let rows = rows.get(from..)?.get(..named.count as usize)?;
    let mut expected = named.first_sequence..;
    let whole = rows.iter().all(|(n, _)| expected.next() == Some(*n));
    (whole && !rows.is_empty()).then(|| Batch {
        stream: named.stream,
        first_sequence: named.first_sequence,
        samples: rows.iter().map(|(_, sample)| *sample).collect(),
    })
}
