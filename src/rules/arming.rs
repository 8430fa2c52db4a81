//! Whether a plan may judge this client today: signed, in force, within its dates, for this client.
//!
//! The day comes in as text (`YYYY-MM-DD`); there is no clock here. A plan that cannot arm judges
//! nothing: the recording goes on, and every screen says "NO PLAN: limits not checked".

use crate::model::plan::{Plan, PlanStatus};
use jiff::civil::Date;

/// Checks whether limit checking can be armed.
///
/// # Errors
/// Every reason why not, as plain sentences.
pub fn arming(plan: &Plan, today: &str, client: &str) -> Result<(), Vec<String>> {
    let mut reasons = Vec::new();
    if plan.status != PlanStatus::Active {
        let status = status_word(plan.status);
        reasons.push(format!(
            "the plan is {status}, not active: the therapist must sign an active version"
        ));
    }
    if plan.signed_at.is_none() {
        reasons.push("the plan is not signed".to_owned());
    }
    if plan.client != client {
        reasons.push(format!(
            "the plan is for client {}, the session is for {client}",
            plan.client
        ));
    }
    match (date(&plan.valid_from), date(&plan.valid_until), date(today)) {
        (Some(from), Some(until), Some(day)) => {
            if day < from {
                reasons.push(format!("the plan begins on {from}, today is {day}"));
            }
            if day > until {
                reasons.push(format!("the plan expired on {until}, today is {day}"));
            }
        }
        (_, _, None) => reasons.push(format!("today is given as {today:?}, not as YYYY-MM-DD")),
        _ => reasons.push("the plan's dates cannot be read".to_owned()),
    }
    if reasons.is_empty() {
        Ok(())
    } else {
        Err(reasons)
    }
}

fn date(text: &str) -> Option<Date> {
    text.parse().ok()
}

const fn status_word(status: PlanStatus) -> &'static str {
    match status {
        PlanStatus::Draft => "a draft",
        PlanStatus::Active => "active",
        PlanStatus::OnHold => "on hold",
        PlanStatus::Revoked => "revoked",
        PlanStatus::Completed => "completed",
        PlanStatus::EnteredInError => "entered in error",
        PlanStatus::Superseded => "superseded",
        PlanStatus::Expired => "expired",
    }
}
