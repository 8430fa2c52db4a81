//! A CSV table with named columns of numbers, plain or gzip-compressed.

use super::LabelledError;
use std::io::Read;

/// Columns of equal length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    names: Vec<String>,
    columns: Vec<Vec<f64>>,
}

impl Table {
    /// Reads a table; `file` is its name in messages, and `.gz` at its end says that it is compressed.
    /// An empty cell is not a number.
    ///
    /// # Errors
    /// A row of another length, or a cell that is no number, with its line.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, LabelledError> {
        let fault = |line: u64, message: String| LabelledError::Table {
            file: file.to_owned(),
            line,
            message,
        };
        let mut plain = Vec::new();
        let bytes = if file.rsplit('.').next() == Some("gz") {
            flate2::read::GzDecoder::new(bytes)
                .read_to_end(&mut plain)
                .map_err(|e| fault(1, format!("cannot be decompressed: {e}")))?;
            &plain
        } else {
            bytes
        };
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let names: Vec<_> = reader
            .headers()
            .map_err(|e| fault(1, e.to_string()))?
            .iter()
            .map(str::to_owned)
            .collect();
        let mut columns = vec![Vec::new(); names.len()];
        for record in reader.records() {
            let record = record
                .map_err(|e| fault(e.position().map_or(0, csv::Position::line), e.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            for ((column, cell), name) in columns.iter_mut().zip(&record).zip(&names) {
                let number = if cell.is_empty() {
                    Ok(f64::NAN)
                } else {
                    cell.parse()
                };
                column.push(
                    number.map_err(|_| {
                        fault(line, format!("{cell:?} in column {name} is no number"))
                    })?,
                );
            }
        }
        Ok(Self { names, columns })
    }

    /// Names of the columns.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        self.names
            .iter()
            .position(|n| n == name)
            .map(|i| self.columns[i].as_slice())
    }

    /// All of the columns named, or which one is missing.
    ///
    /// # Errors
    /// The first name without a column.
    pub fn columns<'a>(
        &'a self,
        file: &str,
        names: &[&str],
    ) -> Result<Vec<&'a [f64]>, LabelledError> {
        names
            .iter()
            .map(|name| {
                self.column(name).ok_or_else(|| LabelledError::Table {
                    file: file.to_owned(),
                    line: 1,
                    message: format!(
                        "there is no column {name} (columns are {})",
                        self.names.join(", ")
                    ),
                })
            })
            .collect()
    }

    /// Every value of a column through `change`.
    pub fn change(&mut self, name: &str, change: impl Fn(f64) -> f64) {
        if let Some(i) = self.names.iter().position(|n| n == name) {
            for value in &mut self.columns[i] {
                *value = change(*value);
            }
        }
    }

    /// Renames a column.
    pub fn rename(&mut self, from: &str, to: &str) {
        for name in self.names.iter_mut().filter(|n| *n == from) {
            to.clone_into(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_by_name_and_faults_with_their_line() {
        let table = Table::read("a.csv", b"t_s,ax\n0,1.5\n0.01,\n").unwrap();
        assert_eq!(table.rows(), 2);
        assert!((table.column("ax").unwrap()[0] - 1.5).abs() < 1e-12);
        assert!(table.column("ax").unwrap()[1].is_nan());
        assert!(
            table
                .columns("a.csv", &["ay"])
                .unwrap_err()
                .to_string()
                .contains("ay")
        );
        let error = Table::read("a.csv", b"t_s,ax\n0,1.5\n0.01,x\n").unwrap_err();
        assert!(error.to_string().starts_with("a.csv:3:"), "{error}");
        assert!(Table::read("a.csv.gz", b"no gzip").is_err());
    }
}
