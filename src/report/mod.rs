//! A finished session as text: the one-page report for the therapist, the summary for a terminal.
//!
//! Returns text, never writes. [`SessionReport::build`] turns the events of a session into plain facts,
//! [`html`] and [`text_summary`] lay them out. Angles in degrees, times in seconds, heart rate in beats
//! a minute. It compares, counts and names; it gives no advice and knows no client but a pseudonym.

mod breaches;
mod build;
mod charts;
mod data_quality;
mod effort;
mod explanation;
mod facts;
#[cfg(test)]
mod fixture;
mod formula;
mod gather;
mod html;
mod plot;
mod set_rows;
#[cfg(test)]
mod tests;
mod text;
mod verdict;
mod watch_rows;
pub mod words;

pub use explanation::{Again, Explanation, SetHead};
pub use facts::{
    Breach, Chart, ChartPoint, Head, PlanHead, Quality, RepTrace, SensorRow, SessionReport, SetRow,
    Spread, Status, WatchRow,
};
pub use html::html;
pub use text::text_summary;
pub use verdict::{Counts, RepVerdict};
