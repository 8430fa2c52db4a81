//! Repetitions to findings: limits, targets, tempo, compensations against the client's own baseline.
//!
//! Units of the plan (deg, s, %, bpm, kg); times on the session's clock. Pure: the same repetitions and
//! commands in the same order give the same findings. A finding is made for EVERY check of every
//! repetition, also the good ones: `within` is earned, and the denominators of a report are right.
//!
//! | file | what |
//! |---|---|
//! | [`judge`] | the facade: sets, repetitions, heart rate and entries in; findings out |
//! | `set` | the checks of one set, put together when it starts |
//! | `limits` | plan-wide restrictions and exercise limits combined: the tighter wins |
//! | `coach` | targets and tempo |
//! | `watch` | compensations: thresholds from plan, baseline or table |
//! | [`mod@compensation`] | the table of compensations |
//! | `check` | one check: a reading, a window, persistence, a finding |
//! | `reading` | one number out of a repetition, or why there is none |
//! | `heart` | heart-rate ceiling with dwell, gaps, zone |
//! | `profile` | what the plan says of the client's heart; where formulas are refused |
//! | `entry` | pain, effort, symptoms, typed load |
//! | `baseline` | centre and spread of an accepted set, and when it holds |
//! | `contrast` | what appears only under load |
//! | `agreement` | one signal of many, alone and only just past, is unsure |
//! | [`mod@lint`] | the sense of a plan, PL-01 to PL-17 |
//! | [`mod@arming`] | whether a plan may judge this client today |
//! | [`preflight`] | what nobody wears a sensor for, before a set begins |
//! | [`mod@explain`] | a finding as one plain sentence |
//!
//! Absent on purpose: no score of the client, no automatic progression, no learning from what happened
//! (a baseline is accepted by a professional or does not exist), no forces.

mod agreement;
pub mod arming;
mod baseline;
mod check;
mod coach;
pub mod compensation;
mod contrast;
mod entry;
pub mod explain;
mod heart;
pub mod judge;
mod limits;
pub mod lint;
mod outcome;
pub mod preflight;
mod profile;
mod reading;
mod set;
mod watch;

pub use arming::arming;
pub use compensation::compensation;
pub use explain::explain;
pub use judge::{AfterSet, Judge};
pub use lint::{Level, LintProblem, lint};
pub use outcome::rep_verdict;
pub use profile::heart_profile;

use serde::{Deserialize, Serialize};

/// How checks are judged. The numbers a person is held to stand in the plan, not here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Repetitions running past a number inside its guard band that make it `outside`; count, default 3
    /// (clinic rules 2.2).
    pub unsure_run: u32,
    /// Tempo tolerance of a place, at least; s, default 0.5 (clinic rules 3.3).
    pub tempo_tolerance_s: f64,
    /// Tempo tolerance of a place as a share of its prescription; default 0.25 (clinic rules 3.3).
    pub tempo_tolerance_share: f64,
    /// A raised watch item counts as still past its threshold until it is inside by this share of the
    /// guard band; default 0.5 (our choice).
    pub hysteresis_share: f64,
    /// Smallest threshold of an impact, whatever the client's walking; g, default 4 (clinic rules 6.6).
    pub impact_floor_g: f64,
    /// Heart rate must be above its ceiling this long; s, default 5 (clinic rules 9.7).
    pub heart_dwell_s: f64,
    /// The ceiling's alarm ends this far below it; bpm, default 5 (clinic rules 9.7).
    pub heart_clear_bpm: f64,
    /// ... for this long; s, default 10 (clinic rules 9.7).
    pub heart_clear_s: f64,
    /// No valid heart rate for this long is a gap; s, default 5 (fail-loud rule SF-3).
    pub heart_gap_s: f64,
    /// Share of a set with a valid heart rate below which the set's heart rate is not judged; default 0.95.
    pub heart_covered: f64,
    /// Fewest repetitions of a baseline; count, default 3.
    pub baseline_min_reps: u32,
    /// A departure from the own baseline by fewer of its spreads than this is the client's own scatter;
    /// default 2.5 (chosen on s1 of the public squats and physiotherapy exercises and on the biceps curls).
    pub own_unsure_spreads: f64,
    /// ... and by more than this, none; default 3.5 (chosen as above).
    pub own_outside_spreads: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            unsure_run: 3,
            tempo_tolerance_s: 0.5,
            tempo_tolerance_share: 0.25,
            hysteresis_share: 0.5,
            impact_floor_g: 4.0,
            heart_dwell_s: 5.0,
            heart_clear_bpm: 5.0,
            heart_clear_s: 10.0,
            heart_gap_s: 5.0,
            heart_covered: 0.95,
            baseline_min_reps: 3,
            own_unsure_spreads: 2.5,
            own_outside_spreads: 3.5,
        }
    }
}
