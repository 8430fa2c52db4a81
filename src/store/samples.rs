//! Series of samples with their sequence numbers, from the database and from the files of compacted
//! sessions. Files are checked against their checksum before a reader sees their bytes.

use super::{StoreError, remote, table};
use crate::{
    model::{
        sample::{Sample, StreamId},
        time::SessionNs,
        window::{Batch, BatchRef},
    },
    wire::payload,
};
use polars::prelude::{ParquetReader, SerReader};
use rusqlite::{Connection, OptionalExtension, params};
use std::{collections::BTreeSet, fs, io::Cursor, path::Path};

/// A sample with its sequence number.
pub(super) type Numbered = (u64, Sample);

/// A number of samples as the database has it.
pub(super) fn row_count(n: usize) -> i64 {
    (n as u64).cast_signed()
}

/// Name of the file with a stream of a compacted session.
pub(super) fn file_name(stream: StreamId) -> String {
    format!(
        "samples_{}_{}.parquet",
        stream.device.0,
        stream.kind.as_str()
    )
}

/// Samples from `from` to `to`, both included, by sequence, none twice.
pub(super) fn read(
    db: &Connection,
    folder: &Path,
    session: i64,
    stream: StreamId,
    from: SessionNs,
    to: SessionNs,
) -> Result<Vec<Numbered>, StoreError> {
    let mut rows = archived(db, folder, session, stream)?.unwrap_or_default();
    for batch in batches(db, session, stream, from, to)? {
        let batch = batch?;
        rows.extend((batch.first_sequence..).zip(batch.samples));
    }
    rows.retain(|(_, s)| (from..=to).contains(&s.t));
    // Batches that overlap (which a publisher never makes) are still one series.
    rows.sort_by_key(|(sequence, _)| *sequence);
    rows.dedup_by_key(|(sequence, _)| *sequence);
    Ok(rows)
}

/// Streams with samples, ascending.
pub(super) fn streams(db: &Connection, session: i64) -> Result<Vec<StreamId>, StoreError> {
    // The device and kind after the last found: the key is in their order, nothing else is read.
    let sql = "SELECT device, kind FROM batches
        WHERE session = ?1 AND (device, kind) > (?2, ?3) ORDER BY device, kind LIMIT 1";
    let mut next = db.prepare_cached(sql)?;
    let mut found = BTreeSet::new();
    let mut last = (-1_i64, String::new());
    while let Some((device, kind)) = next
        .query_row(params![session, last.0, last.1], |r| {
            Ok((r.get::<_, u16>(0)?, r.get::<_, String>(1)?))
        })
        .optional()?
    {
        found.insert(table::stream_of(device, &kind)?);
        last = (device.into(), kind);
    }
    let mut statement =
        db.prepare_cached("SELECT device, kind FROM archives WHERE session = ?1")?;
    let rows = statement.query_map([session], |r| {
        Ok((r.get::<_, u16>(0)?, r.get::<_, String>(1)?))
    })?;
    for row in rows {
        let (device, kind) = row?;
        found.insert(table::stream_of(device, &kind)?);
    }
    Ok(found.into_iter().collect())
}

/// Batches of the database that touch the time from `from` to `to`, by sequence.
pub(super) fn batches(
    db: &Connection,
    session: i64,
    stream: StreamId,
    from: SessionNs,
    to: SessionNs,
) -> Result<Vec<Result<Batch, StoreError>>, StoreError> {
    let sql = "SELECT first_sequence, count, payload, crc32 FROM batches
        WHERE session = ?1 AND device = ?2 AND kind = ?3 AND t_last >= ?4 AND t_first <= ?5
        ORDER BY first_sequence";
    let mut statement = db.prepare_cached(sql)?;
    let kind = stream.kind.as_str();
    let key = params![session, stream.device.0, kind, from.0, to.0];
    let rows = statement.query_map(key, |r| {
        let first = r.get::<_, i64>(0)?.cast_unsigned();
        let bytes = r.get_ref(2)?.as_blob().unwrap_or_default();
        Ok(checked(stream, first, r.get(1)?, bytes, r.get(3)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The batch that a window names, if the database has it.
pub(super) fn batch(
    db: &Connection,
    session: i64,
    named: BatchRef,
) -> Result<Option<Batch>, StoreError> {
    let sql = "SELECT payload, crc32 FROM batches
        WHERE session = ?1 AND device = ?2 AND kind = ?3 AND first_sequence = ?4";
    let stream = named.stream;
    let first = named.first_sequence;
    let kind = stream.kind.as_str();
    let key = params![session, stream.device.0, kind, first.cast_signed()];
    let row: Option<(Vec<u8>, Option<u32>)> = db
        .prepare_cached(sql)?
        .query_row(key, |r| Ok((r.get(0)?, r.get(1)?)))
        .optional()?;
    let count = i64::from(named.count);
    row.map(|(bytes, crc32)| checked(stream, first, count, &bytes, crc32))
        .transpose()
}

/// The batch in a row, if it is the one that the row says.
pub(super) fn checked(
    stream: StreamId,
    first: u64,
    count: i64,
    bytes: &[u8],
    crc32: Option<u32>,
) -> Result<Batch, StoreError> {
    let name = || {
        format!(
            "batch {first} of {} {}",
            stream.device.0,
            stream.kind.as_str()
        )
    };
    // None: written by an older program that had the store open while it was brought up to date.
    if crc32.is_some_and(|c| c != crc32fast::hash(bytes)) {
        let what = format!("{} is not what was written", name());
        return Err(StoreError::Damaged(what));
    }
    let batch = payload::decode_batch(bytes)
        .map_err(|e| StoreError::Damaged(format!("{}: {e}", name())))?;
    let same = batch.stream == stream
        && batch.first_sequence == first
        && row_count(batch.samples.len()) == count;
    same.then_some(batch)
        .ok_or_else(|| StoreError::Damaged(format!("{} holds another batch", name())))
}

/// The whole stream from its file or the server it went to, if the session is compacted.
pub(super) fn archived(
    db: &Connection,
    folder: &Path,
    session: i64,
    stream: StreamId,
) -> Result<Option<Vec<Numbered>>, StoreError> {
    let sql = "SELECT samples, crc32, place FROM archives
        WHERE session = ?1 AND device = ?2 AND kind = ?3";
    let key = params![session, stream.device.0, stream.kind.as_str()];
    let entry: Option<(i64, u32, Option<i64>)> = db
        .prepare_cached(sql)?
        .query_row(key, |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))
        .optional()?;
    let Some((count, crc32, place)) = entry else {
        return Ok(None);
    };
    if let Some(place) = place {
        return remote::read(db, session, stream, place, (count, crc32)).map(Some);
    }
    let path = folder.join(file_name(stream));
    let bytes = fs::read(&path).map_err(|e| StoreError::file(&path, e))?;
    if crc32fast::hash(&bytes) != crc32 {
        let what = format!("{} is not the file that was written", path.display());
        return Err(StoreError::Damaged(what));
    }
    let rows = from_parquet(stream, bytes)?;
    if row_count(rows.len()) != count {
        let what = format!("{} has {} of {count} samples", path.display(), rows.len());
        return Err(StoreError::Damaged(what));
    }
    Ok(Some(rows))
}

/// Samples from the bytes of a Parquet file that this program wrote.
pub(super) fn from_parquet(stream: StreamId, bytes: Vec<u8>) -> Result<Vec<Numbered>, StoreError> {
    let table = ParquetReader::new(Cursor::new(bytes)).finish()?;
    table::read_samples(stream, &table)
}
