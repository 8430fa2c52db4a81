//! `InfluxDB` 2 (or what takes its line protocol) as the place where samples go.
//!
//! A server across the network is never in the way of a set: samples are durable in the database of this machine
//! first. From there they are sent, and leave it only when the session is finished and what the server gives back is
//! the same to the last bit ([`super::remote`]). So whatever the server does, nothing is lost: what it does not take
//! stays here, counted.
//!
//! | file | what |
//! |---|---|
//! | [`line`] | samples as lines, pure |
//! | [`answer`] | what an answer to a write asks of us, pure |
//! | [`columns`] | what a query gives back, as samples again, pure |
//! | [`fitness`] | whether a server keeps samples long enough, pure |
//! | [`server`] | the requests, with their time limits |
//!
//! One point a sample. Measurement: the kind of the stream (`imu`, `acc`, `heart_rate`, `rr`, `ecg`, `battery`). Tags:
//! `session` and `device` (its position among the session's sensors). Fields: the channels with their units in their
//! names (`ax_m_s2`, ...), and `sequence`, `t_ns` (the exact time on the session's clock), `quality` (marks as bits)
//! and, where a channel is -0, `negative_zero` (which channels, as bits). The time of a point is in whole milliseconds,
//! never twice the same in a stream: for pictures. Calculations take `t_ns`.

pub mod answer;
pub(super) mod columns;
pub mod fitness;
pub(super) mod line;
pub mod server;

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where samples go. No secret stands in it: the token is in its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `http://host:8086` or `https://...`; nothing after the port.
    pub url: String,
    /// Organisation; VictoriaMetrics has none.
    #[serde(default)]
    pub org: String,
    /// Bucket; it is not made.
    pub bucket: String,
    /// File with the token, which must be able to read and write the bucket; none for a server that asks for none.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// File with certificates (PEM) to trust beside those known to the program.
    #[serde(default)]
    pub ca: Option<PathBuf>,
}

impl Target {
    /// Its keys in a configuration.
    pub const KEYS: [&str; 5] = ["url", "org", "bucket", "token_file", "ca"];

    /// What is wrong with it: key and sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if let Err(why) = server::base(&self.url) {
            problems.push(("url", why));
        }
        if self.bucket.is_empty() {
            problems.push(("bucket", "expected the name of a bucket".to_owned()));
        }
        problems
    }

    /// Where, for people.
    #[must_use]
    pub fn words(&self) -> String {
        format!("bucket {:?} of {}", self.bucket, self.url)
    }
}
