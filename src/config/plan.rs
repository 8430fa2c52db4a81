//! A plan file, read and checked for sense: either a plan that may be used, or every problem it has, each
//! with file, line, what was expected and what to do.

use crate::{
    model::plan::Plan,
    rules::{Level, LintProblem, lint},
    wire::plan::{ParsedPlan, Place, Problem, parse},
};
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, path::Path};

/// A plan that may be used, as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedPlan {
    /// The plan.
    pub plan: Plan,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// The file itself: what is stored with the session is what was read.
    pub text: String,
    /// What is to be shown, though it does not forbid the plan.
    pub warnings: Vec<String>,
}

/// Everything that is wrong with a plan file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read plan {file}: {} problem(s)\n{}", problems.len(), problems.join("\n"))]
pub struct PlanErrors {
    /// The file.
    pub file: String,
    /// One text each, with line and hint.
    pub problems: Vec<String>,
}

/// Largest plan file that is read; the examples are 3 KiB.
const LARGEST_BYTES: usize = 1 << 20;

/// Reads and checks a plan file.
///
/// # Errors
/// Every problem of the file at once.
pub fn load(path: &Path) -> Result<LoadedPlan, PlanErrors> {
    let file = path.display().to_string();
    let fail = |problem: String| PlanErrors {
        file: file.clone(),
        problems: vec![format!("{file}: {problem}")],
    };
    let bytes = std::fs::read(path).map_err(|e| fail(format!("cannot be read: {e}")))?;
    if bytes.len() > LARGEST_BYTES {
        return Err(fail(format!(
            "has {} bytes; a plan has at most {LARGEST_BYTES}",
            bytes.len()
        )));
    }
    let text = String::from_utf8(bytes).map_err(|e| fail(format!("is not UTF-8 text: {e}")))?;
    from_text(&file, text)
}

/// Checks a plan that was read already; `file` is its name in messages.
///
/// # Errors
/// Every problem of the text at once.
pub fn from_text(file: &str, text: String) -> Result<LoadedPlan, PlanErrors> {
    let ParsedPlan { plan, spans } = parse(&text).map_err(|problems| PlanErrors {
        file: file.to_owned(),
        problems: problems.iter().map(|p| of_parser(file, p)).collect(),
    })?;
    let (rejected, warned): (Vec<_>, Vec<_>) = lint(&plan)
        .into_iter()
        .partition(|p| p.level == Level::Reject);
    let show = |problems: Vec<LintProblem>| -> Vec<String> {
        let mut placed: Vec<_> = problems
            .into_iter()
            .map(|p| (spans.place(&p.path), p))
            .collect();
        placed.sort_by_key(|(place, _)| *place);
        placed
            .iter()
            .map(|(place, p)| of_lint(file, *place, p))
            .collect()
    };
    if !rejected.is_empty() {
        return Err(PlanErrors {
            file: file.to_owned(),
            problems: show(rejected),
        });
    }
    Ok(LoadedPlan {
        warnings: show(warned),
        sha256: hex(&Sha256::digest(text.as_bytes())),
        plan,
        text,
    })
}

fn of_parser(file: &str, problem: &Problem) -> String {
    let place = Place {
        line: problem.line,
        column: problem.column,
    };
    line(
        file,
        place,
        &problem.path,
        &problem.message,
        problem.hint.as_deref(),
    )
}

fn of_lint(file: &str, place: Place, problem: &LintProblem) -> String {
    let message = format!("{} ({})", problem.message, problem.rule);
    line(
        file,
        place,
        &problem.path,
        &message,
        problem.hint.as_deref(),
    )
}

fn line(file: &str, place: Place, path: &str, message: &str, hint: Option<&str>) -> String {
    let Place { line, column } = place;
    let mut text = format!("{file}:{line}:{column}: ");
    if !path.is_empty() {
        text += path;
        text += ": ";
    }
    text += message;
    if let Some(hint) = hint {
        text += "\n    hint: ";
        text += hint;
    }
    text
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, b| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{b:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
