//! Samples of a closed session move to Parquet, one file a stream: written, read back and compared,
//! durable under their names, and only then dropped from where they were, in one transaction. Killed
//! before that, everything is still there and the files are written again.

use super::{
    StoreError,
    embedded::{Embedded, known},
    files, samples, table,
};
use crate::model::{
    sample::{Sample, StreamId},
    session::SessionId,
    time::SessionNs,
};
use polars::prelude::{DataFrame, ParquetWriter};
use rusqlite::{Connection, params};

/// What was written of one stream.
pub(super) struct Written {
    pub(super) stream: StreamId,
    pub(super) samples: usize,
    pub(super) crc32: u32,
    /// Number of the place it went to; `None`: a file.
    pub(super) place: Option<i64>,
}

/// A table as a Parquet file (zstd).
pub(super) fn parquet(table: &mut DataFrame) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).finish(table)?;
    Ok(bytes)
}

impl Embedded {
    pub(super) fn uncompacted(&self) -> Result<Vec<SessionId>, StoreError> {
        let sql =
            "SELECT id FROM sessions WHERE closed AND NOT compacted AND raw_removed_at IS NULL
            ORDER BY number";
        let mut statement = self.db.prepare(sql)?;
        let rows = statement.query_map([], |r| r.get(0).map(SessionId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn compact(&mut self, session: &SessionId) -> Result<(), StoreError> {
        let view = self.snapshot()?;
        let known = known(&view, session)?;
        if !known.closed {
            return Err(StoreError::StillOpen(session.0.clone()));
        }
        if known.compacted {
            return Ok(());
        }
        let before = extent(&view, known.number)?;
        let written = self.write_files(&view, session, known.number)?;
        drop(view);
        self.hand_over(known.number, before, &written)
    }

    /// Writes all samples of a session to files, wherever they are.
    pub(super) fn write_files(
        &self,
        view: &Connection,
        session: &SessionId,
        number: i64,
    ) -> Result<Vec<Written>, StoreError> {
        let streams = samples::streams(view, number)?;
        let folder = self.folder(session);
        files::make_private_dir(&folder)?;
        let mut written = Vec::with_capacity(streams.len());
        for stream in streams {
            let (first, last) = (SessionNs(i64::MIN), SessionNs(i64::MAX));
            let rows = samples::read(view, &folder, number, stream, first, last)?;
            // Seconds are for people; here they would only take space.
            let bytes = parquet(&mut table::samples(stream.kind, &rows)?.drop("t_s")?)?;
            let entry = Written {
                stream,
                samples: rows.len(),
                crc32: crc32fast::hash(&bytes),
                place: None,
            };
            files::write_whole(&folder, &samples::file_name(stream), &bytes)?;
            if !samples::from_parquet(stream, bytes)?
                .iter()
                .map(bits)
                .eq(rows.iter().map(bits))
            {
                let what = format!("{} does not read back", samples::file_name(stream));
                return Err(StoreError::Damaged(what));
            }
            written.push(entry);
        }
        Ok(written)
    }

    /// From now on what was written holds the samples. `before`: the [`extent`] of what was read.
    pub(super) fn hand_over(
        &mut self,
        session: i64,
        before: (i64, i64),
        written: &[Written],
    ) -> Result<(), StoreError> {
        let transaction = self.writing()?;
        if extent(&transaction, session)? != before {
            // Somebody appended to or compacted it meanwhile: the files may lack that.
            return Err(StoreError::Busy);
        }
        transaction.execute("DELETE FROM archives WHERE session = ?1", [session])?;
        for w in written {
            transaction.execute(
                "INSERT INTO archives (session, device, kind, samples, crc32, place)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    session,
                    w.stream.device.0,
                    w.stream.kind.as_str(),
                    samples::row_count(w.samples),
                    w.crc32,
                    w.place
                ],
            )?;
        }
        transaction.execute("DELETE FROM batches WHERE session = ?1", [session])?;
        transaction.execute(
            "UPDATE sessions SET compacted = 1 WHERE number = ?1",
            [session],
        )?;
        transaction.commit()?;
        // Space goes back to the system if nobody is in the way; otherwise it is used for what comes.
        let _ = give_back(&self.db);
        Ok(())
    }
}

/// Shortens the file by its unused pages. Every step of the statement does one.
pub(super) fn give_back(db: &Connection) -> rusqlite::Result<()> {
    let mut statement = db.prepare("PRAGMA incremental_vacuum")?;
    let mut pages = statement.query([])?;
    while pages.next()?.is_some() {}
    Ok(())
}

/// Number of batches and samples in the database: the same before and after, nothing was added in between.
pub(super) fn extent(db: &Connection, session: i64) -> Result<(i64, i64), StoreError> {
    let sql = "SELECT count(*), coalesce(sum(count), 0) FROM batches WHERE session = ?1";
    Ok(db.query_row(sql, [session], |r| Ok((r.get(0)?, r.get(1)?)))?)
}

/// What must be equal of a sample, a value that is no number included.
pub(super) fn bits((sequence, s): &(u64, Sample)) -> (u64, i64, [u32; 6], u8) {
    (*sequence, s.t.0, s.values.map(f32::to_bits), s.quality.0)
}
