//! The only place that asks what time it is.

use crate::model::time::HostNs;
use jiff::Timestamp;
use std::{sync::OnceLock, time::Instant};

/// The host's monotonic clock since the process began, ns.
#[must_use]
pub fn host_now() -> HostNs {
    static START: OnceLock<Instant> = OnceLock::new();
    HostNs(START.get_or_init(Instant::now).elapsed().as_nanos() as i64)
}

/// Wall clock, RFC 3339 in UTC, to the second; for people and for dates of plans.
#[must_use]
pub fn wall_now() -> String {
    Timestamp::now()
        .round(jiff::Unit::Second)
        .unwrap_or_else(|_| Timestamp::now())
        .to_string()
}
