//! What one session comes to, as plain facts: the rows of the report before any layout. Angles in
//! degrees, times in seconds since the session began, heart rate in beats a minute.

use super::verdict::{Counts, RepVerdict};
use crate::model::{
    command::{SetRole, StopReason},
    finding::{Action, CheckKind, LoadContrast, Source, Verdict},
    heart::Variability,
    metric::Metric,
    plan::{RpeScale, TrainingSide},
    rep::{Loss, SessionHeart},
    session::Origin,
};
use serde::Serialize;

/// One metric over one repetition, for a thumbnail; `set` 0 and `rep` 0 with
/// [`Metric::HeartRate`] is the heart rate of the whole session. Gaps are points that are not finite.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RepTrace {
    /// Set number.
    pub set: u32,
    /// Repetition number.
    pub rep: u32,
    /// What.
    pub metric: Metric,
    /// Instant in s, value in the unit of the metric.
    pub points: Vec<(f64, f64)>,
}

/// Everything that the report says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionReport {
    /// Section A.
    pub head: Head,
    /// Section B.
    pub status: Status,
    /// Section C.
    pub sets: Vec<SetRow>,
    /// The judged values behind section C, one chart each.
    pub charts: Vec<Chart>,
    /// Section D.
    pub outside: Vec<Breach>,
    /// Section E.
    pub watch: Vec<WatchRow>,
    /// What appears only under load.
    pub contrasts: Vec<LoadContrast>,
    /// Section F: what must be checked by eye, and in which exercises.
    pub by_eye: Vec<(String, Vec<String>)>,
    /// Restrictions of the plan that a person checks: trainer's words and who.
    pub by_people: Vec<(String, &'static str)>,
    /// State of the data.
    pub quality: Quality,
    /// Effort of the heart over the session.
    pub heart_of_session: Option<SessionHeart>,
    /// Heart rate over the session; not finite where there was none.
    pub heart: Vec<(f64, f64)>,
}

/// Who, when, under which plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Head {
    /// Session.
    pub session: String,
    /// Pseudonym.
    pub client: String,
    /// Where the data come from.
    pub origin: Origin,
    /// Wall clock at the beginning, as text.
    pub started_at: String,
    /// Length, s.
    pub length_s: f64,
    /// Whether the session was closed; if not, the report speaks of a part.
    pub closed: bool,
    /// Plan, `None` = limits not checked.
    pub plan: Option<PlanHead>,
    /// SHA-256 of the plan file.
    pub plan_sha256: Option<String>,
    /// Version of this program.
    pub software: String,
    /// SHA-256 of the exercise library.
    pub library_sha256: String,
}

/// The plan in one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanHead {
    /// `plan_id` and version.
    pub label: String,
    /// Therapist.
    pub author: String,
    /// When signed.
    pub signed_at: Option<String>,
    /// Last day.
    pub valid_until: String,
    /// Its title.
    pub title: String,
}

/// The line that the therapist reads first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Repetitions of the working sets by verdict.
    pub counts: Counts,
    /// Repetitions with a limit outside.
    pub limit_reps: u32,
    /// Stop reactions: a repetition, a heart-rate alarm or an entry counts once.
    pub stops: u32,
    /// First and largest pain entered.
    pub pain: Option<(u8, u8)>,
    /// The plan's pain number.
    pub pain_stop_at: Option<u8>,
    /// Largest RPE with its scale.
    pub rpe: Option<(RpeScale, f64)>,
    /// The plan's RPE number.
    pub rpe_max: Option<f64>,
    /// Largest 5-s heart rate.
    pub heart_max: Option<f64>,
    /// The plan's ceiling.
    pub heart_ceiling: Option<f64>,
    /// Symptom codes reported.
    pub symptoms: Vec<String>,
    /// Sets after which nothing was entered.
    pub sets_without_entry: u32,
}

/// Smallest, middle and largest of some values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Smallest.
    pub min: f64,
    /// Median.
    pub median: f64,
    /// Largest.
    pub max: f64,
    /// Median half-width of the 95 % band of one value.
    pub error: Option<f64>,
}

/// One set, done against planned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SetRow {
    /// Number.
    pub set: u32,
    /// Exercise library id.
    pub exercise: String,
    /// Side.
    pub side: TrainingSide,
    /// What it was for.
    pub role: SetRole,
    /// It should have become a baseline: valid repetitions it has, and how many are needed.
    pub baseline_refused: Option<(u32, u32)>,
    /// How it ended; `None` = never: the set is incomplete.
    pub ended: Option<StopReason>,
    /// Counted repetitions.
    pub reps: u32,
    /// Of these, partial ones.
    pub partial: u32,
    /// Repetitions that the live count had and the pass after the set did not uphold, or the reverse.
    pub reps_live: u32,
    /// Sets and repetitions that the plan asks for.
    pub reps_planned: Option<String>,
    /// Load typed, kg.
    pub load_kg: Option<f64>,
    /// The plan's load in words.
    pub load_planned: Option<String>,
    /// Tempo asked.
    pub tempo_planned: Option<String>,
    /// Median of the four phases, s; a pause that nothing follows has none.
    pub tempo: Option<[Option<f64>; 4]>,
    /// Share of the top speed below which nothing moves, as the phases were cut.
    pub tempo_threshold: Option<f64>,
    /// Largest median half-width of the 95 % band of a phase, s.
    pub tempo_error_s: Option<f64>,
    /// The metric that the row shows.
    pub metric: Option<Metric>,
    /// The plan's numbers on it, in words.
    pub range_planned: Option<String>,
    /// Measured.
    pub range: Option<Spread>,
    /// Entered effort.
    pub rpe: Option<(RpeScale, f64)>,
    /// Entered pain.
    pub pain: Option<u8>,
    /// Largest 5-s heart rate.
    pub heart_max: Option<f64>,
    /// Fall of the heart rate in the minute after the effort.
    pub heart_fall: Option<f64>,
    /// Variability at rest before the set.
    pub rest_before: Option<Variability>,
    /// Loss of speed of the last full repetition.
    pub loss: Option<Loss>,
    /// Verdict of each repetition, in order.
    pub rep_verdicts: Vec<RepVerdict>,
    /// The same, counted.
    pub counts: Counts,
}

/// One judged value of one repetition.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ChartPoint {
    /// Set.
    pub set: u32,
    /// Repetition.
    pub rep: u32,
    /// Value.
    pub value: Option<f64>,
    /// Half-width of its 95 % band.
    pub error: Option<f64>,
    /// Verdict; `None` = not checked.
    pub verdict: Option<Verdict>,
}

/// A metric of an exercise against the therapist's number, repetition by repetition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chart {
    /// Exercise library id.
    pub exercise: String,
    /// What.
    pub metric: Metric,
    /// Lower number.
    pub min: Option<f64>,
    /// Upper number.
    pub max: Option<f64>,
    /// Guard band.
    pub guard: f64,
    /// In the order done.
    pub points: Vec<ChartPoint>,
}

/// Repetitions of one set outside the same number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Breach {
    /// When first, s.
    pub t_s: f64,
    /// Set, 0 outside sets.
    pub set: u32,
    /// Exercise library id, if in a set.
    pub exercise: Option<String>,
    /// Repetitions; empty = the whole set or the heart rate.
    pub reps: Vec<u32>,
    /// Repetitions of the set.
    pub of: u32,
    /// Code.
    pub code: String,
    /// Kind.
    pub kind: CheckKind,
    /// What.
    pub metric: Metric,
    /// The value farthest outside.
    pub worst: Option<f64>,
    /// Its half-width.
    pub error: Option<f64>,
    /// Lower number.
    pub min: Option<f64>,
    /// Upper number.
    pub max: Option<f64>,
    /// Guard band.
    pub guard: f64,
    /// Strongest reaction.
    pub action: Action,
    /// Who set the number.
    pub source: Source,
    /// Repetition of the worst value, with its trace if one was kept.
    pub worst_rep: Option<u32>,
    /// Number of the finding that says the worst value: what `plimsoll explain` takes.
    pub worst_finding: u64,
    /// The trace of that repetition.
    pub trace: Vec<(f64, f64)>,
}

/// A watch item seen in an exercise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WatchRow {
    /// Code.
    pub code: String,
    /// What was measured for it.
    pub metric: Metric,
    /// Exercise library id.
    pub exercise: String,
    /// Repetitions with it.
    pub seen: u32,
    /// Repetitions in which it could be looked for.
    pub looked: u32,
    /// Repetitions in which it could not.
    pub not_judged: u32,
    /// Largest value with its half-width.
    pub largest: Option<(f64, Option<f64>)>,
    /// Numbers it was compared with.
    pub min: Option<f64>,
    /// Upper one.
    pub max: Option<f64>,
    /// Centre and spread of the client's own baseline.
    pub baseline: Option<(f64, f64)>,
    /// Where the numbers come from.
    pub source: Source,
}

/// One sensor in the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SensorRow {
    /// Alias and place.
    pub name: String,
    /// Where it is worn.
    pub segment: String,
    /// Who said so.
    pub confirmed_by: String,
    /// `Some(true)` accepted, `Some(false)` refused, `None` not tried.
    pub calibrated: Option<bool>,
    /// Times lost.
    pub losses: u32,
    /// Seconds without data, as far as known.
    pub lost_s: f64,
    /// Packets that could not be decoded.
    pub undecodable: u64,
    /// Samples that came too late to be judged.
    pub late_samples: u64,
    /// Other remarks, in order, without repeats.
    pub remarks: Vec<String>,
}

/// State of the data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// Sensors.
    pub sensors: Vec<SensorRow>,
    /// Reasons why checks had no data, with counts.
    pub reasons: Vec<(&'static str, u32)>,
    /// Remarks about no sensor in particular.
    pub remarks: Vec<String>,
}
