//! A plan file (TOML, schema `loading-limits/0.1`) to [`Plan`], with a line and column for every value.
//!
//! Units as in the plan vocabulary (deg, s, kg, bpm); dates stay text. Every problem of a file is
//! reported at once. Unknown keys are refused: a typing error must never drop a limit.
//! Not done here: whether the numbers make sense (`rules::lint`), and whether today is within the
//! dates (`rules::arming`).

mod node;
mod schema;
mod tempo;
mod words;

use crate::model::plan::Plan;
use std::collections::BTreeMap;

/// A position in the file, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// One thing wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// Where in the plan, such as `exercise[0].limit[1].max` (counted from 0); empty = the file itself.
    pub path: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Where each value of the plan stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spans(BTreeMap<String, Place>);

impl Spans {
    /// The place of `path`, or of the nearest table around it (a missing key has no place of its own).
    #[must_use]
    pub fn place(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(place) = self.0.get(path) {
                return *place;
            }
            match path.rfind(['.', '[']) {
                Some(cut) => path = &path[..cut],
                None => return Place { line: 1, column: 1 },
            }
        }
    }
}

/// A plan and where its values stand.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedPlan {
    /// The plan.
    pub plan: Plan,
    /// Places of its values.
    pub spans: Spans,
}

/// Reads a plan.
///
/// # Errors
/// Every problem of the file, in the order of its lines.
pub fn parse(text: &str) -> Result<ParsedPlan, Vec<Problem>> {
    let mut reader = node::Reader::new(text);
    let plan = reader
        .document(text)
        .and_then(|root| schema::plan(&mut reader, &root));
    let (spans, mut problems) = reader.into_parts();
    match plan {
        Some(plan) if problems.is_empty() => Ok(ParsedPlan {
            plan,
            spans: Spans(spans),
        }),
        _ => {
            problems.sort_by_key(|p| (p.line, p.column));
            Err(problems)
        }
    }
}

#[cfg(test)]
mod tests;
