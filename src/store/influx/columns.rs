//! What a query gives back: a column for each field, put together to samples again. Anything may come from a server:
//! what does not fit is an error with its reason.

use crate::model::{
    sample::{Quality, Sample, StreamId},
    time::SessionNs,
};
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Integers up to this are the same as the floating-point number that a server makes of them.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Values of each field by the time of their points, ms since 1970.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns(BTreeMap<String, BTreeMap<i64, f64>>);

impl Columns {
    fn put(&mut self, field: &str, stamp_ms: i64, value: f64) -> Result<(), String> {
        let column = match self.0.get_mut(field) {
            Some(column) => column,
            None => self.0.entry(field.to_owned()).or_default(),
        };
        match column.insert(stamp_ms, value) {
            Some(other) if other.to_bits() != value.to_bits() => {
                Err(format!("{field} has two values at {stamp_ms} ms"))
            }
            _ => Ok(()),
        }
    }

    /// From the CSV that `InfluxDB` answers a query with. Columns stand where its header says; annotations and tables
    /// of other columns may come in between.
    ///
    /// # Errors
    /// It is no such CSV, or it says an error; an empty value; two values at one time.
    pub fn from_csv(text: &[u8]) -> Result<Self, String> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text);
        let mut columns = Self::default();
        let mut header: Option<[usize; 3]> = None;
        let mut row = csv::ByteRecord::new();
        // Those that are not empty.
        let mut line = 0;
        while reader
            .read_byte_record(&mut row)
            .map_err(|e| e.to_string())?
        {
            line += 1;
            let at = |name: &str| row.iter().position(|cell| cell == name.as_bytes());
            if row.get(0).is_some_and(|cell| cell.starts_with(b"#")) {
                continue;
            }
            if let (Some(time), Some(field), Some(value)) =
                (at("_time"), at("_field"), at("_value"))
            {
                header = Some([time, field, value]);
                continue;
            }
            if at("error").is_some() && at("reference").is_some() {
                return Err(said(&mut reader, &row));
            }
            let Some([time, field, value]) = header else {
                return Err(format!(
                    "line {line}: expected a header with _time, _field and _value"
                ));
            };
            let cell = |i: usize| {
                row.get(i)
                    .and_then(|bytes| std::str::from_utf8(bytes).ok())
                    .filter(|text| !text.is_empty())
                    .ok_or_else(|| format!("line {line}: cell {i} is empty"))
            };
            let stamp: Timestamp = cell(time)?
                .parse()
                .map_err(|e| format!("line {line}: {e}"))?;
            let number: f64 = cell(value)?
                .parse()
                .map_err(|e| format!("line {line}: {e}"))?;
            columns.put(cell(field)?, stamp.as_millisecond(), number)?;
        }
        Ok(columns)
    }

    /// From the lines of JSON that VictoriaMetrics exports. The name of a field comes after that of the measurement.
    ///
    /// # Errors
    /// It is no such text; a value that is none; two values at one time.
    pub fn from_export(text: &str, measurement: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Series {
            metric: BTreeMap<String, String>,
            values: Vec<Option<f64>>,
            timestamps: Vec<i64>,
        }
        let mut columns = Self::default();
        for (i, line) in text.lines().enumerate() {
            let at = |why: String| format!("line {}: {why}", i + 1);
            let series: Series = serde_json::from_str(line).map_err(|e| at(e.to_string()))?;
            let name = series.metric.get("__name__").map_or("", String::as_str);
            let field = name
                .strip_prefix(measurement)
                .and_then(|rest| rest.strip_prefix('_'))
                .ok_or_else(|| at(format!("{name:?} is no field of {measurement}")))?;
            if series.values.len() != series.timestamps.len() {
                return Err(at("as many values as times expected".to_owned()));
            }
            for (value, stamp_ms) in series.values.iter().zip(series.timestamps) {
                let value = value.ok_or_else(|| at("a value is none".to_owned()))?;
                columns.put(field, stamp_ms, value).map_err(at)?;
            }
        }
        Ok(columns)
    }

    /// Samples in the order of their points.
    ///
    /// # Errors
    /// A field is missing at a time, or is not what the field can be.
    pub fn samples(&self, stream: StreamId) -> Result<Vec<(u64, Sample)>, String> {
        let names = stream.kind.channel_names();
        let Some(sequence) = self.0.get("sequence") else {
            return if self.0.is_empty() {
                Ok(Vec::new())
            } else {
                Err("there are points without sequence".to_owned())
            };
        };
        for name in names.iter().chain(&["t_ns", "quality"]) {
            let count = self.0.get(*name).map_or(0, BTreeMap::len);
            if count != sequence.len() {
                return Err(format!("{count} of {} points have {name}", sequence.len()));
            }
        }
        let mut rows = Vec::with_capacity(sequence.len());
        for (&stamp, &number) in sequence {
            let zeros = match self.0.get("negative_zero").and_then(|c| c.get(&stamp)) {
                Some(zeros) => whole(*zeros, "negative_zero")?,
                None => 0,
            };
            let mut values = [0.0; 6];
            for (i, name) in names.iter().enumerate() {
                values[i] = single(self.at(name, stamp)?);
                if values[i] == 0.0 && zeros >> i & 1 == 1 {
                    values[i] = -0.0;
                }
            }
            let quality = whole(self.at("quality", stamp)?, "quality")?;
            let sample = Sample {
                stream,
                t: SessionNs(whole(self.at("t_ns", stamp)?, "t_ns")?),
                values,
                quality: Quality(u8::try_from(quality).map_err(|e| format!("quality: {e}"))?),
            };
            let number = whole(number, "sequence")?;
            let number = u64::try_from(number).map_err(|e| format!("sequence: {e}"))?;
            rows.push((number, sample));
        }
        Ok(rows)
    }

    fn at(&self, field: &str, stamp_ms: i64) -> Result<f64, String> {
        let value = self.0.get(field).and_then(|column| column.get(&stamp_ms));
        value
            .copied()
            .ok_or_else(|| format!("the point at {stamp_ms} ms has no {field}"))
    }
}

/// The error that a table of errors says.
fn said(reader: &mut csv::Reader<&[u8]>, header: &csv::ByteRecord) -> String {
    let at = header.iter().position(|cell| cell == b"error");
    let mut row = csv::ByteRecord::new();
    let found = reader.read_byte_record(&mut row).unwrap_or_default();
    let text = at.filter(|_| found).and_then(|i| row.get(i));
    text.map_or_else(
        || "an error without words".to_owned(),
        |bytes| super::answer::words(&String::from_utf8_lossy(bytes)),
    )
}

/// What was written as a single was written with the digits of a single: the nearest one is it.
#[allow(clippy::cast_possible_truncation, reason = "meant")]
fn single(value: f64) -> f32 {
    value as f32
}

#[allow(clippy::cast_possible_truncation, reason = "checked")]
fn whole(value: f64, field: &str) -> Result<i64, String> {
    if value.fract() == 0.0 && value.abs() < EXACT {
        Ok(value as i64)
    } else {
        Err(format!("{field} is {value}, expected a whole number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{packet::DeviceIndex, sample::StreamKind};
    use proptest::prelude::*;

    const RR: StreamId = StreamId {
        device: DeviceIndex(1),
        kind: StreamKind::Rr,
    };

    const CSV: &str = "#datatype,string,long,dateTime:RFC3339,string,double\r\n#group,false,false,false,true,false\r\n\
        #default,_result,,,,\r\n,result,table,_time,_field,_value\r\n\
        ,,0,2023-11-14T22:13:20.001Z,rr_ms,812.5\r\n\r\n\
        #datatype,string,long,dateTime:RFC3339,string,long\r\n,result,table,_time,_field,_value\r\n\
        ,,1,2023-11-14T22:13:20.001Z,sequence,7\r\n,,2,2023-11-14T22:13:20.001Z,t_ns,1500000\r\n\
        ,,3,2023-11-14T22:13:20.001Z,quality,4\r\n";

    #[test]
    fn annotated_tables_are_samples() {
        let rows = Columns::from_csv(CSV.as_bytes())
            .unwrap()
            .samples(RR)
            .unwrap();
        let sample = Sample {
            stream: RR,
            t: SessionNs(1_500_000),
            values: [812.5, 0.0, 0.0, 0.0, 0.0, 0.0],
            quality: Quality::CLIPPED,
        };
        assert_eq!(rows, [(7, sample)]);
        assert_eq!(Columns::from_csv(b"").unwrap().samples(RR), Ok(vec![]));
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for (text, why) in [
            (CSV.replace(",812.5", ","), "line 5: cell 5 is empty"),
            (CSV.replace("_value", "value"), "expected a header"),
            (CSV.replace("812.5", "much"), "invalid float"),
            (CSV.replace("2023-11-14T22", "noon"), "line 5"),
            (
                "error,reference\nbucket away,897\n".to_owned(),
                "bucket away",
            ),
            ("error,reference\n".to_owned(), "without words"),
        ] {
            let error = Columns::from_csv(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        for (text, why) in [
            (CSV.replace("rr_ms", "other"), "0 of 1 points have rr_ms"),
            (CSV.replace("sequence", "other"), "without sequence"),
            (CSV.replace(",7\r", ",7.5\r"), "sequence is 7.5"),
            (CSV.replace(",7\r", ",-7\r"), "sequence"),
            (CSV.replace(",4\r", ",400\r"), "quality"),
            (CSV.replace(",4\r", ",NaN\r"), "quality is NaN"),
        ] {
            let columns = Columns::from_csv(text.as_bytes()).unwrap();
            let error = columns.samples(RR).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn an_export_is_columns() {
        let text = r#"{"metric":{"__name__":"rr_rr_ms","session":"s"},"values":[812.5,812.5],"timestamps":[5,5]}
{"metric":{"__name__":"rr_sequence"},"values":[7],"timestamps":[5]}
{"metric":{"__name__":"rr_t_ns"},"values":[1.5e6],"timestamps":[5]}
{"metric":{"__name__":"rr_quality"},"values":[0],"timestamps":[5]}"#;
        let rows = Columns::from_export(text, "rr")
            .unwrap()
            .samples(RR)
            .unwrap();
        assert_eq!(
            (rows[0].0, rows[0].1.t.0, rows[0].1.values[0]),
            (7, 1_500_000, 812.5)
        );
        for (from, to, why) in [
            ("812.5,812.5", "812.5,812.25", "two values at 5 ms"),
            ("[812.5,812.5]", "[812.5]", "as many values as times"),
            ("rr_rr_ms", "ecg_uv", "no field of rr"),
            ("[7]", "[null]", "line 2: a value is none"),
            ("{", "[", "line 1"),
        ] {
            let error = Columns::from_export(&text.replace(from, to), "rr").unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_single_comes_back(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            let read: f64 = ryu::Buffer::new().format_finite(value).parse().unwrap();
            prop_assert_eq!(single(read).to_bits(), bits);
        }

        #[test]
        fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), text in "\\PC{0,200}") {
            let _ = Columns::from_csv(&bytes).and_then(|c| c.samples(RR));
            let _ = Columns::from_export(&text, "rr").and_then(|c| c.samples(RR));
        }

        #[test]
        fn a_cut_or_changed_answer_does_not_panic(at in 0..CSV.len(), byte in any::<u8>()) {
            let mut bytes = CSV.as_bytes().to_vec();
            bytes[at] = byte;
            let _ = Columns::from_csv(&bytes).and_then(|c| c.samples(RR));
            let _ = Columns::from_csv(&bytes[..at]).and_then(|c| c.samples(RR));
        }
    }
}
