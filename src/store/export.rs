//! A session as tables for people and their tools: one file a stream, one of repetitions, one of
//! findings. Column names carry units; see `table`.

use super::{
    StoreError, archive,
    embedded::{Embedded, known},
    files, samples, table,
};
use crate::model::{
    sample::StreamId,
    session::{SessionHeader, SessionId},
    time::SessionNs,
};
use polars::prelude::{CsvWriter, DataFrame, SerWriter};
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
}

impl ExportFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    fn bytes(self, table: &mut DataFrame) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::Parquet => archive::parquet(table),
            Self::Csv => {
                let mut bytes = Vec::new();
                CsvWriter::new(&mut bytes).finish(table)?;
                Ok(bytes)
            }
        }
    }
}

impl Embedded {
    pub(super) fn export(
        &self,
        session: &SessionId,
        format: ExportFormat,
        out_dir: &Path,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let header = self.session(session)?.header;
        files::make_private_dir(out_dir)?;
        let mut written = Vec::new();
        let mut names = BTreeSet::new();
        let mut write = |name: String, mut table: DataFrame| {
            let name = format!("{name}.{}", format.extension());
            files::write_whole(out_dir, &name, &format.bytes(&mut table)?)?;
            written.push(out_dir.join(name));
            Ok::<_, StoreError>(())
        };
        let view = self.snapshot()?;
        let number = known(&view, session)?.number;
        for stream in samples::streams(&view, number)? {
            let (first, last) = (SessionNs(i64::MIN), SessionNs(i64::MAX));
            let rows = samples::read(&view, &self.folder(session), number, stream, first, last)?;
            let name = stream_name(&header, stream, &mut names);
            write(name, table::samples(stream.kind, &rows)?)?;
        }
        drop(view);
        let events = self.events(session)?;
        write(format!("{}_reps", session.0), table::reps(&events)?)?;
        write(format!("{}_findings", session.0), table::findings(&events)?)?;
        Ok(written)
    }
}

/// `<session>_<alias>_<kind>`. An alias is somebody's text: what could leave the folder is replaced,
/// and where two come out equal the position of the sensor tells them apart.
fn stream_name(header: &SessionHeader, stream: StreamId, names: &mut BTreeSet<String>) -> String {
    let session = &header.session.0;
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
    let mut name = format!("{session}_{alias}_{kind}");
    if alias.is_empty() || !names.insert(name.clone()) {
        name = format!("{session}_{alias}_{device}_{kind}");
        names.insert(name.clone());
    }
    name
}
