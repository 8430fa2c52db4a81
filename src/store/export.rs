//! A session as tables for people and their tools: one file a stream, one of repetitions, one of
//! findings; or all of them, and everything else that is stored of it, in one `SQLite` file. Column names carry
//! units; see `table`.

use super::{
    StoreError, archive,
    embedded::{Embedded, events, known},
    files, one_file, samples, table,
};
use crate::model::{
    sample::StreamId,
    session::{SessionHeader, SessionId},
    time::SessionNs,
};
use polars::prelude::{CsvWriter, DataFrame, SerWriter};
use rusqlite::Connection;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Which kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Comma-separated values with a heading.
    Csv,
    /// Parquet, zstd.
    Parquet,
    /// One `SQLite` file with these tables, the session's header, plan, windows and events.
    Sqlite,
}

fn csv(table: &mut DataFrame) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    CsvWriter::new(&mut bytes).finish(table)?;
    Ok(bytes)
}

impl Embedded {
    pub(super) fn export(
        &self,
        session: &SessionId,
        format: ExportFormat,
        out_dir: &Path,
    ) -> Result<Vec<PathBuf>, StoreError> {
        files::make_private_dir(out_dir)?;
        let view = self.snapshot()?;
        match format {
            ExportFormat::Csv => self.tables(&view, session, out_dir, "csv", csv),
            ExportFormat::Parquet => {
                self.tables(&view, session, out_dir, "parquet", archive::parquet)
            }
            ExportFormat::Sqlite => {
                let name = format!("{}.sqlite", session.0);
                one_file::write(out_dir, &name, |file| {
                    one_file::stored(&view, session, file)?;
                    self.each_table(&view, session, |name, table| {
                        one_file::table(file, name, &table)
                    })
                })?;
                Ok(vec![out_dir.join(name)])
            }
        }
    }

    /// One file a table; the files written.
    fn tables(
        &self,
        view: &Connection,
        session: &SessionId,
        out_dir: &Path,
        extension: &str,
        bytes: fn(&mut DataFrame) -> Result<Vec<u8>, StoreError>,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let mut written = Vec::new();
        self.each_table(view, session, |name, mut table| {
            let name = format!("{}_{name}.{extension}", session.0);
            files::write_whole(out_dir, &name, &bytes(&mut table)?)?;
            written.push(out_dir.join(name));
            Ok(())
        })?;
        Ok(written)
    }

    /// Every table of a session with its name: streams, repetitions, findings.
    fn each_table(
        &self,
        view: &Connection,
        session: &SessionId,
        mut take: impl FnMut(&str, DataFrame) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let header = self.session(session)?.header;
        let known = known(view, session)?;
        let number = known.number;
        let mut names = BTreeSet::new();
        for stream in samples::streams(view, number)? {
            let (first, last) = (SessionNs(i64::MIN), SessionNs(i64::MAX));
            let rows = samples::read(view, &self.folder(session), number, stream, first, last)?;
            let name = stream_name(&header, stream, &mut names);
            take(&name, table::samples(stream.kind, &rows)?)?;
        }
        // What is left is exported; whoever asks for it is told what is not.
        if known.has_derived().is_err() {
            return Ok(());
        }
        let events = events(view, session)?;
        take("reps", table::reps(&events)?)?;
        take("findings", table::findings(&events)?)
    }
}

/// `<alias>_<kind>`. An alias is somebody's text: what could leave the folder is replaced,
/// and where two come out equal the position of the sensor tells them apart.
fn stream_name(header: &SessionHeader, stream: StreamId, names: &mut BTreeSet<String>) -> String {
    let (device, kind) = (stream.device.0, stream.kind.as_str());
    let alias = header
        .sensors
        .get(usize::from(device))
        .map_or("", |s| &s.alias);
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let alias: String = alias.chars().map(plain).collect();
    let mut name = format!("{alias}_{kind}");
    if alias.is_empty() || !names.insert(name.clone()) {
        name = format!("{alias}_{device}_{kind}");
        names.insert(name.clone());
    }
    name
}
