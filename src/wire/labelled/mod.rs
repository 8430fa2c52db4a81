//! Labelled recordings of other people: `meta.json` with truth, one table a sensor.
//!
//! Acceleration m/s² including gravity, angular rate rad/s, seconds on one clock per recording. Columns
//! are found by header name. Reading folders is somebody else's.
//!
//! | file | what |
//! |---|---|
//! | [`table`] | a CSV table by column names |
//! | [`items`] | tables to the packets of the `imported` family |

pub mod items;
pub mod table;

use serde::Deserialize;

/// What `meta.json` says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Meta {
    /// Name of the recording.
    pub id: String,
    /// Name of the collection.
    pub dataset: String,
    /// Person, as far as the origin tells.
    #[serde(default)]
    pub subject: Option<String>,
    /// Unit of a split: person, recording folder, set.
    #[serde(default)]
    pub group: Option<String>,
    /// Exercise; may be one that the library does not have.
    pub exercise: String,
    /// Movement sensors.
    pub sensors: Vec<SensorMeta>,
    /// What is really known.
    #[serde(default)]
    pub truth: Truth,
}

/// One table of a recording.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct SensorMeta {
    /// File name, possibly `.gz`.
    pub file: String,
    /// Where it was worn; absent for what is no movement sensor.
    #[serde(default)]
    pub segment: Option<String>,
    /// Nominal rate, Hz.
    #[serde(default)]
    pub nominal_hz: Option<f64>,
    /// Measured rate, Hz.
    #[serde(default)]
    pub measured_hz: Option<f64>,
}

/// What is known of a recording; absent = not known.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Truth {
    /// Number of repetitions.
    #[serde(default)]
    pub rep_count: Option<i64>,
    /// 0 = exact, 1 = nominal label.
    #[serde(default)]
    pub rep_count_tolerance: Option<i64>,
    /// Repetitions with their times.
    #[serde(default)]
    pub reps: Vec<RepTruth>,
    /// False: other, unlabelled repetitions exist too.
    #[serde(default)]
    pub reps_complete: Option<bool>,
    /// Stretches in which all repetitions are of one kind.
    #[serde(default)]
    pub phases: Vec<PhaseTruth>,
    /// Correct, or which fault was acted.
    #[serde(default)]
    pub form: Option<String>,
    /// How the references are to be read.
    #[serde(default)]
    pub conventions: Option<String>,
    /// Window in which the reference can be trusted, s.
    #[serde(default)]
    pub valid: Option<serde_json::Value>,
}

/// One labelled repetition.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct RepTruth {
    /// Begin, s.
    pub start_s: f64,
    /// End, s.
    pub end_s: f64,
    /// Label.
    #[serde(default)]
    pub label: Option<String>,
}

/// A stretch of repetitions of one kind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PhaseTruth {
    /// Begin, s.
    pub from_s: f64,
    /// End, s.
    pub to_s: f64,
    /// What kind.
    pub label: String,
}

/// Why a labelled recording cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LabelledError {
    /// `meta.json`.
    #[error("{file}:{line}: {message}")]
    Meta {
        /// File.
        file: String,
        /// Line.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A table.
    #[error("{file}:{line}: {message}")]
    Table {
        /// File.
        file: String,
        /// Line.
        line: u64,
        /// What is wrong and what was expected.
        message: String,
    },
}

/// Reads `meta.json`.
///
/// # Errors
/// Not JSON, or a needed key is missing.
pub fn meta(file: &str, text: &str) -> Result<Meta, LabelledError> {
    serde_json::from_str(text).map_err(|e| LabelledError::Meta {
        file: file.to_owned(),
        line: e.line(),
        message: e.to_string(),
    })
}

impl Truth {
    /// The window in which the reference can be trusted, s.
    #[must_use]
    pub fn valid_s(&self) -> Option<(f64, f64)> {
        let value = self.valid.as_ref()?;
        let number = |key: &str, index: usize| {
            value
                .get(key)
                .or_else(|| value.get(index))
                .and_then(serde_json::Value::as_f64)
        };
        Some((number("from_s", 0)?, number("to_s", 1)?))
    }
}
