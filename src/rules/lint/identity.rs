//! Who, when, and the texts: PL-01, PL-14, PL-15, PL-17.

use super::Found;
use crate::model::plan::{PLAN_SCHEMA, Plan, PlanStatus};
use jiff::{Timestamp, civil::Date};

const LONGEST_DAYS: i32 = 12 * 7;
const LONGEST_SUMMARY: usize = 400;

pub(super) fn lint(plan: &Plan, found: &mut Found) {
    if plan.schema != PLAN_SCHEMA {
        found.reject(
            "PL-01",
            "schema",
            format!(
                "schema {:?}; this program reads {PLAN_SCHEMA:?}",
                plan.schema
            ),
        );
    }
    for (path, text) in [
        ("plan_id", &plan.plan_id),
        ("client", &plan.client),
        ("author", &plan.author),
    ] {
        if text.trim().is_empty() {
            found.reject("PL-01", path, format!("{path} is empty"));
        }
    }
    if plan.version == 0 {
        found.reject("PL-01", "version", "version is 0; versions count from 1");
    }
    signature(plan, found);
    dates(plan, found);
    texts(plan, found);
    identifiers(plan, found);
}

fn signature(plan: &Plan, found: &mut Found) {
    match &plan.signed_at {
        Some(at) if at.parse::<Timestamp>().is_err() => {
            found.reject(
                "PL-01",
                "signed_at",
                format!("signed_at {at:?} is not an instant"),
            );
        }
        Some(_) => {}
        None if plan.status == PlanStatus::Active => {
            found
                .reject(
                    "PL-17",
                    "status",
                    "status is active, but the plan is not signed",
                )
                .hint = Some(
                "the therapist signs by writing signed_at, or sets status = \"draft\"".to_owned(),
            );
        }
        None if plan.status == PlanStatus::Draft => {
            found.warn(
                "PL-01",
                "signed_at",
                "the plan is not signed: it cannot be used in a session",
            );
        }
        None => {
            found.reject("PL-01", "signed_at", "the plan is not signed");
        }
    }
}

fn dates(plan: &Plan, found: &mut Found) {
    let mut read = |path: &'static str, text: &str| -> Option<Date> {
        let date = text.parse().ok();
        if date.is_none() {
            found.reject(
                "PL-01",
                path,
                format!("{path} {text:?} is not a day of the calendar"),
            );
        }
        date
    };
    let from = read("valid_from", &plan.valid_from);
    let until = read("valid_until", &plan.valid_until);
    let (Some(from), Some(until)) = (from, until) else {
        return;
    };
    if until <= from {
        found.reject(
            "PL-01",
            "valid_until",
            format!("valid_until {until} is not after valid_from {from}"),
        );
    } else if (until - from).get_days() > LONGEST_DAYS {
        let days = (until - from).get_days();
        found.warn(
            "PL-01",
            "valid_until",
            format!("the plan runs for {days} days; more than 12 weeks between reviews is unusual"),
        );
    }
}

fn texts(plan: &Plan, found: &mut Found) {
    for (path, text) in [
        ("emergency", &plan.emergency),
        ("trainer_summary", &plan.trainer_summary),
    ] {
        if text.trim().is_empty() {
            found.reject(
                "PL-15",
                path,
                format!("{path} is empty; the trainer needs it"),
            );
        }
    }
    let length = plan.trainer_summary.chars().count();
    if length > LONGEST_SUMMARY {
        found.reject(
            "PL-15",
            "trainer_summary",
            format!("trainer_summary has {length} characters; at most {LONGEST_SUMMARY} are read"),
        );
    }
}

/// Free text that looks like a person: the daemon stores no names.
fn identifiers(plan: &Plan, found: &mut Found) {
    let mut look = |path: String, text: &str| {
        if let Some(what) = identifies(text) {
            found
                .warn("PL-14", path, format!("the text seems to contain {what}"))
                .hint = Some("a plan carries the pseudonym only".to_owned());
        }
    };
    look("title".to_owned(), &plan.title);
    look("trainer_summary".to_owned(), &plan.trainer_summary);
    look("emergency".to_owned(), &plan.emergency);
    look("pain.site".to_owned(), &plan.pain.site);
    if let Some(reason) = &plan.reason {
        look("reason".to_owned(), reason);
    }
    for (i, avoid) in plan.avoid.iter().enumerate() {
        look(format!("avoid[{i}].trainer_text"), &avoid.trainer_text);
    }
    for (i, exercise) in plan.exercises.iter().enumerate() {
        for (key, text) in [
            ("setup", &exercise.setup),
            ("equipment", &exercise.equipment),
        ] {
            if let Some(text) = text {
                look(format!("exercise[{i}].{key}"), text);
            }
        }
    }
    if plan.client.contains(char::is_whitespace) {
        found
            .warn(
                "PL-14",
                "client",
                "client looks like a name, not like a pseudonym",
            )
            .hint = Some("use a random pseudonym such as C-7F3K".to_owned());
    }
}

fn identifies(text: &str) -> Option<&'static str> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.iter().any(|w| w.contains('@') && w.contains('.')) {
        return Some("an e-mail address");
    }
    let titles = ["mr", "mrs", "ms", "miss", "mister"];
    let titled = words.windows(2).any(|pair| {
        let title = pair[0].trim_end_matches('.').to_lowercase();
        titles.contains(&title.as_str()) && pair[1].starts_with(char::is_uppercase)
    });
    if titled {
        return Some("a person's name");
    }
    let mut run = 0;
    for c in text.chars() {
        match c {
            '0'..='9' => run += 1,
            ' ' | '-' | '/' | '(' | ')' | '+' => {}
            _ => run = 0,
        }
        // Dates have eight digits at most, and a plan writes them in fields of their own.
        if run >= 7 {
            return Some("a telephone number or a date of birth");
        }
    }
    None
}
