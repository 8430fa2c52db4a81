//! Events of a session to the facts of its report. Only what the pass after the set upheld counts;
//! live results are used for nothing but saying that a set never got that pass.

use super::{
    charts, data_quality,
    facts::{Breach, Head, PlanHead, RepTrace, SessionReport, SetRow, Spread, Status, WatchRow},
    verdict::{Counts, RepVerdict},
    words,
};
use crate::model::{
    command::{Command, SetRole},
    event::{Event, Numbered},
    finding::{Action, Baseline, CheckKind, Finding, Source, Verdict},
    metric::Metric,
    plan::{CheckedBy, Plan, Prescription, RpeScale, TrainingSide},
    rep::{Measured, Rep, SetSummary, Stage},
    session::SessionHeader,
};
use std::collections::{BTreeMap, BTreeSet};

/// What was typed after a set.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    rpe: Option<(RpeScale, f64)>,
    pain: Option<u8>,
    symptoms: Vec<String>,
}

/// One set while it is gathered.
#[derive(Debug, Default)]
pub(super) struct SetFacts<'a> {
    started: Option<(&'a str, TrainingSide, &'a SetRole, Option<f64>)>,
    summary: Option<&'a SetSummary>,
    /// Final repetitions.
    pub(super) reps: BTreeMap<u32, &'a Rep>,
    live: BTreeSet<u32>,
    /// Final findings of repetitions, in order.
    pub(super) findings: Vec<&'a Finding>,
    typed: Vec<Typed>,
}

impl SetFacts<'_> {
    /// Exercise library id.
    pub(super) fn exercise(&self) -> &str {
        match (self.summary, self.started) {
            (Some(s), _) => &s.exercise,
            (None, Some(s)) => s.0,
            (None, None) => "unknown exercise",
        }
    }

    fn is_working(&self) -> bool {
        match (self.summary.map(|s| &s.role), self.started.map(|s| s.2)) {
            (Some(role), _) | (None, Some(role)) => matches!(role, SetRole::Working),
            (None, None) => true,
        }
    }

    fn of_rep(&self, rep: u32) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .copied()
            .filter(move |f| f.rep == Some(rep))
    }

    fn reps_done(&self) -> u32 {
        let seen = u32::try_from(self.reps.len()).unwrap_or(u32::MAX);
        let live = u32::try_from(self.live.len()).unwrap_or(u32::MAX);
        match self.summary {
            Some(s) => seen.max(s.reps_final),
            None => seen.max(live),
        }
    }

    fn rep_verdicts(&self) -> Vec<RepVerdict> {
        let mut verdicts: Vec<RepVerdict> = self
            .reps
            .keys()
            .map(|number| RepVerdict::of(self.of_rep(*number)))
            .collect();
        // Repetitions that were counted but never came out of the pass after the set.
        let done = usize::try_from(self.reps_done()).unwrap_or(verdicts.len());
        verdicts.resize(done.max(verdicts.len()), RepVerdict::NotJudged);
        verdicts
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.rep_verdicts().into_iter().for_each(|v| counts.add(v));
        counts
    }
}

/// Everything, sorted by what it belongs to.
#[derive(Debug, Default)]
pub(super) struct Gathered<'a> {
    /// Sets by number.
    pub(super) sets: BTreeMap<u32, SetFacts<'a>>,
    /// Findings of no repetition: whole sets, heart rate, entries.
    pub(super) others: Vec<&'a Finding>,
    baselines: Vec<&'a Baseline>,
    by_eye: Vec<(String, Vec<String>)>,
    /// Heart rate as shown live.
    pub(super) heart: Vec<(f64, f64)>,
    end_s: f64,
    closed: bool,
}

/// Counts in the report: final, or never anything but live (heart rate, entries).
fn counts(f: &Finding) -> bool {
    f.stage == Stage::Final || (f.rep.is_none() && f.stage == Stage::Confirmed)
}

impl<'a> Gathered<'a> {
    fn from_events(events: &'a [Numbered]) -> Self {
        let mut all = Self::default();
        for numbered in events {
            all.take(&numbered.event);
        }
        all
    }

    fn take(&mut self, event: &'a Event) {
        match event {
            Event::SetStarted {
                set,
                t,
                exercise,
                side,
                role,
                load_kg,
                by_eye,
            } => {
                self.end_s = self.end_s.max(t.seconds());
                let facts = self.sets.entry(*set).or_default();
                facts.started = Some((exercise, *side, role, *load_kg));
                self.note_by_eye(exercise, by_eye);
            }
            Event::Rep(rep) => self.take_rep(rep),
            Event::Finding(f) if counts(f) && f.rep.is_some() => {
                self.sets.entry(f.set).or_default().findings.push(f);
            }
            Event::Finding(f) if counts(f) => self.others.push(f),
            Event::Set(summary) => {
                self.end_s = self.end_s.max(summary.end.seconds());
                self.sets.entry(summary.set).or_default().summary = Some(summary);
            }
            Event::Baseline(b) => self.baselines.push(b),
            Event::Entry { set, entry, .. } => self.take_entry(*set, entry),
            Event::Live(live) => {
                self.end_s = self.end_s.max(live.t.seconds());
                let bpm = live.heart.filter(|h| !h.stale).map_or(f64::NAN, |h| h.bpm);
                self.heart.push((live.t.seconds(), bpm));
            }
            Event::Closed { t, .. } => {
                self.end_s = self.end_s.max(t.seconds());
                self.closed = true;
            }
            Event::Finding(_) | Event::Tech(_) | Event::Calibration(_) => {}
        }
    }

    fn take_rep(&mut self, rep: &'a Rep) {
        self.end_s = self.end_s.max(rep.end.seconds());
        let facts = self.sets.entry(rep.set).or_default();
        match rep.stage {
            Stage::Final => {
                facts.reps.insert(rep.number, rep);
            }
            Stage::Confirmed => {
                facts.live.insert(rep.number);
            }
            Stage::Retracted => {
                facts.live.remove(&rep.number);
            }
            Stage::Provisional => {}
        }
    }

    fn take_entry(&mut self, set: u32, entry: &Command) {
        if let Command::Entry {
            rpe,
            pain,
            symptoms,
        } = entry
        {
            self.sets.entry(set).or_default().typed.push(Typed {
                rpe: *rpe,
                pain: *pain,
                symptoms: symptoms.clone(),
            });
        }
    }

    fn note_by_eye(&mut self, exercise: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        if let Some((_, known)) = self.by_eye.iter_mut().find(|(e, _)| e == exercise) {
            for item in items {
                if !known.contains(item) {
                    known.push(item.clone());
                }
            }
        } else {
            self.by_eye.push((exercise.to_owned(), items.to_vec()));
        }
    }
}

impl SessionReport {
    /// The report of a session from its events in order. Without a plan nothing is judged.
    #[must_use]
    pub fn build(
        header: &SessionHeader,
        plan: Option<&Plan>,
        events: &[Numbered],
        traces: &[RepTrace],
    ) -> SessionReport {
        let mut all = Gathered::from_events(events);
        if let Some(whole) = traces
            .iter()
            .find(|t| t.metric == Metric::HeartRate && t.set == 0 && t.rep == 0)
        {
            all.heart.clone_from(&whole.points);
        }
        // Entries before the first set make a set 0 that was never trained.
        let rows = all
            .sets
            .iter()
            .filter(|(n, s)| **n > 0 || !s.reps.is_empty());
        SessionReport {
            head: head(header, plan, &all),
            status: status(&all, plan),
            sets: rows.map(|(n, s)| set_row(*n, s, plan)).collect(),
            charts: charts::of(&all, plan.is_some()),
            outside: breaches(&all, traces),
            watch: watch_rows(&all),
            by_people: by_people(plan),
            quality: data_quality::of(header, events, &all),
            heart: std::mem::take(&mut all.heart),
            by_eye: std::mem::take(&mut all.by_eye),
        }
    }
}

fn head(header: &SessionHeader, plan: Option<&Plan>, all: &Gathered) -> Head {
    Head {
        session: header.session.0.clone(),
        client: header.client.clone(),
        origin: header.origin,
        started_at: header.started_at.clone(),
        length_s: all.end_s,
        closed: all.closed,
        plan: plan.map(|p| PlanHead {
            label: format!("{} v{}", p.plan_id, p.version),
            author: p.author.clone(),
            signed_at: p.signed_at.clone(),
            valid_until: p.valid_until.clone(),
            title: p.title.clone(),
        }),
        plan_sha256: header.plan_sha256.clone(),
        software: header.software.clone(),
        library_sha256: header.library_sha256.clone(),
    }
}

fn status(all: &Gathered, plan: Option<&Plan>) -> Status {
    let mut counts = Counts::default();
    let mut limit_reps = BTreeSet::new();
    let mut stops: BTreeSet<(u32, Option<u32>, Option<u64>)> = BTreeSet::new();
    for set in all.sets.values().filter(|s| s.is_working()) {
        counts.merge(&set.counts());
    }
    let of_reps = all.sets.values().flat_map(|s| s.findings.iter());
    for f in of_reps.chain(all.others.iter()) {
        if f.verdict == Verdict::Outside && f.kind == CheckKind::Limit && f.rep.is_some() {
            limit_reps.insert((f.set, f.rep));
        }
        if is_stop(f) {
            // Several numbers passed in one repetition are one stop.
            stops.insert((f.set, f.rep, f.rep.is_none().then_some(f.id)));
        }
    }
    let typed: Vec<&Typed> = all.sets.values().flat_map(|s| s.typed.iter()).collect();
    let pains: Vec<u8> = typed.iter().filter_map(|t| t.pain).collect();
    let maxima = all.sets.values().filter_map(|s| s.summary?.heart.max_bpm);
    let unentered = |s: &&SetFacts| s.is_working() && s.started.is_some() && s.typed.is_empty();
    Status {
        counts,
        limit_reps: u32::try_from(limit_reps.len()).unwrap_or(u32::MAX),
        stops: u32::try_from(stops.len()).unwrap_or(u32::MAX),
        pain: pains.first().copied().zip(pains.iter().max().copied()),
        pain_stop_at: plan.map(|p| p.pain.stop_at),
        rpe: typed
            .iter()
            .filter_map(|t| t.rpe)
            .max_by(|a, b| a.1.total_cmp(&b.1)),
        rpe_max: plan.map(|p| p.effort.rpe_max),
        heart_max: maxima.reduce(f64::max),
        heart_ceiling: plan.and_then(|p| p.effort.hr_ceiling_bpm),
        symptoms: typed.iter().flat_map(|t| t.symptoms.clone()).collect(),
        sets_without_entry: all.sets.values().filter(unentered).count() as u32,
    }
}

fn set_row(number: u32, set: &SetFacts, plan: Option<&Plan>) -> SetRow {
    let asked = plan.and_then(|p| p.prescription(set.exercise()));
    let metric = shown_metric(set);
    let fallback = SetRole::Working;
    let (side, role, load_kg) = match (set.summary, set.started) {
        (Some(s), _) => (s.side, &s.role, s.load_kg),
        (None, Some(s)) => (s.1, s.2, s.3),
        (None, None) => (TrainingSide::Both, &fallback, None),
    };
    SetRow {
        set: number,
        exercise: set.exercise().to_owned(),
        side,
        role: role.clone(),
        ended: set.summary.map(|s| s.reason),
        reps: set.reps_done(),
        partial: set.reps.values().filter(|r| r.partial).count() as u32,
        reps_live: set.summary.map_or(set.live.len() as u32, |s| s.reps_live),
        reps_planned: asked.map(|a| format!("{} x {}", a.sets, words::span(a.reps))),
        load_kg,
        load_planned: asked.map(load_words),
        tempo_planned: asked.and_then(|a| a.tempo.as_ref().map(words::tempo)),
        tempo: tempo_median(set),
        metric,
        range_planned: metric.and_then(|m| range_words(asked?, m)),
        range: metric.and_then(|m| range(set, m)),
        rpe: set.typed.iter().rev().find_map(|t| t.rpe),
        pain: set.typed.iter().filter_map(|t| t.pain).max(),
        heart_max: set.summary.and_then(|s| s.heart.max_bpm),
        velocity_loss: set
            .reps
            .values()
            .next_back()
            .and_then(|r| r.velocity_loss_percent),
        rep_verdicts: set.rep_verdicts(),
        counts: set.counts(),
    }
}

fn load_words(asked: &Prescription) -> String {
    let load = &asked.load;
    let value = load.value.map(|v| words::number(v, "kg"));
    let kind = match load.kind.as_str() {
        "pct_1rm" => "% 1RM",
        "bodyweight_pct" => "% body weight",
        other => other,
    };
    let mut text = value.map_or_else(|| kind.replace('_', " "), |v| format!("{v} {kind}"));
    if let Some(max) = load.max_kg {
        text += &format!(", max {} kg", words::number(max, "kg"));
    }
    text
}

fn range_words(asked: &Prescription, metric: Metric) -> Option<String> {
    let facts = metric.facts();
    let limit = asked.limits.iter().find(|l| l.metric == facts.id);
    let target = asked.targets.iter().find(|t| t.metric == facts.id);
    let limit = limit.map(|l| words::window(l.min, l.max, facts.unit));
    let target = target.map(|t| format!("aim {}", words::window(t.min, t.max, facts.unit)));
    let both: Vec<String> = limit.into_iter().chain(target).collect();
    (!both.is_empty()).then(|| both.join(", "))
}

/// The exercise's own metric if it was measured in any repetition, else whatever angle was.
pub(super) fn shown_metric(set: &SetFacts) -> Option<Metric> {
    let measured = |m: Metric| set.reps.values().any(|r| value_at_turn(r, m).is_some());
    let library = crate::model::exercise::exercise(set.exercise());
    let own = library.and_then(|e| e.primary);
    let tilts = library.map_or(&[][..], |e| e.fallbacks);
    own.into_iter()
        .chain(tilts.iter().copied())
        .chain(
            Metric::ALL
                .iter()
                .copied()
                .filter(|m| m.facts().unit == "deg"),
        )
        .find(|m| measured(*m))
        .or(own)
}

/// Value and half-width at the turn of a repetition.
pub(super) fn value_at_turn(rep: &Rep, metric: Metric) -> Option<(f64, f64)> {
    match rep.measured(metric) {
        Some(Measured::Value { at_turn, error, .. }) => Some((at_turn, error)),
        _ => None,
    }
}

fn range(set: &SetFacts, metric: Metric) -> Option<Spread> {
    let judged = |rep: u32| {
        // A lower limit is judged on the smallest value, which is seldom the range that was trained.
        set.of_rep(rep)
            .filter(|f| f.metric == metric && f.kind == CheckKind::Limit)
            .max_by_key(|f| f.max.is_some())
            .and_then(|f| Some((f.value?, f.error)))
    };
    let values: Vec<(f64, Option<f64>)> = set
        .reps
        .iter()
        .filter_map(|(n, rep)| {
            judged(*n).or_else(|| value_at_turn(rep, metric).map(|(v, e)| (v, Some(e))))
        })
        .collect();
    let mut sorted: Vec<f64> = values.iter().map(|v| v.0).collect();
    let mut errors: Vec<f64> = values.iter().filter_map(|v| v.1).collect();
    let middle = median(&mut sorted)?;
    Some(Spread {
        min: *sorted.first()?,
        median: middle,
        max: *sorted.last()?,
        error: median(&mut errors),
    })
}

fn tempo_median(set: &SetFacts) -> Option<[f64; 4]> {
    let phases: Vec<_> = set.reps.values().filter_map(|r| r.phases).collect();
    let mut columns = [
        phases.iter().map(|p| p.eccentric_s).collect::<Vec<_>>(),
        phases.iter().map(|p| p.pause_stretched_s).collect(),
        phases.iter().map(|p| p.concentric_s).collect(),
        phases.iter().map(|p| p.pause_shortened_s).collect(),
    ];
    let [a, b, c, d] = &mut columns;
    Some([median(a)?, median(b)?, median(c)?, median(d)?])
}

/// Sorts; the lower middle of an even number would lean to one side, so the mean of both.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => values.get(half).copied(),
        _ => Some((values.get(half - 1)? + values.get(half)?) / 2.0),
    }
}

/// Also a required signal that was lost: not outside, and a stop all the same.
fn is_stop(f: &Finding) -> bool {
    f.action == Action::Stop && f.verdict != Verdict::Within
}

/// How far past its number a value lies; `None` where there is no value.
fn excess(f: &Finding) -> Option<f64> {
    let v = f.value?;
    let over = f.max.map_or(f64::NEG_INFINITY, |hi| v - hi);
    let under = f.min.map_or(f64::NEG_INFINITY, |lo| lo - v);
    Some(over.max(under))
}

fn breaches(all: &Gathered, traces: &[RepTrace]) -> Vec<Breach> {
    let of_reps = all.sets.values().flat_map(|s| s.findings.iter());
    let mut found: Vec<Breach> = Vec::new();
    let mut deepest: Vec<f64> = Vec::new();
    for f in of_reps.chain(all.others.iter()).copied() {
        let outside = f.verdict == Verdict::Outside && f.kind != CheckKind::Watch;
        if !outside && !is_stop(f) {
            continue;
        }
        let same = |b: &Breach| {
            (b.set, b.kind, b.metric) == (f.set, f.kind, f.metric)
                && b.code == f.code
                && (b.min, b.max) == (f.min, f.max)
        };
        let past = excess(f).unwrap_or(f64::NEG_INFINITY);
        let at = found.iter().position(same).unwrap_or_else(|| {
            found.push(new_breach(f, all));
            deepest.push(f64::NEG_INFINITY);
            found.len() - 1
        });
        let (Some(row), Some(so_far)) = (found.get_mut(at), deepest.get_mut(at)) else {
            continue;
        };
        row.reps.extend(f.rep.filter(|r| !row.reps.contains(r)));
        row.action = row.action.max(f.action);
        row.t_s = row.t_s.min(f.t.seconds());
        if past > *so_far {
            *so_far = past;
            (row.worst, row.error, row.worst_rep) = (f.value, f.error, f.rep);
        }
    }
    for row in &mut found {
        let here = |t: &&RepTrace| {
            t.set == row.set && Some(t.rep) == row.worst_rep && t.metric == row.metric
        };
        row.trace = traces
            .iter()
            .find(here)
            .map(|t| t.points.clone())
            .unwrap_or_default();
    }
    // Limits before targets, stops before the rest, then in the order of the session.
    found.sort_by_key(|b| (b.kind, std::cmp::Reverse(b.action), b.set));
    found
}

fn new_breach(f: &Finding, all: &Gathered) -> Breach {
    let set = all.sets.get(&f.set);
    Breach {
        t_s: f.t.seconds(),
        set: f.set,
        exercise: set.filter(|_| f.set > 0).map(|s| s.exercise().to_owned()),
        reps: Vec::new(),
        of: set.map_or(0, SetFacts::reps_done),
        code: f.code.clone(),
        kind: f.kind,
        metric: f.metric,
        worst: f.value,
        error: f.error,
        min: f.min,
        max: f.max,
        guard: f.guard,
        action: f.action,
        source: f.source,
        worst_rep: f.rep,
        trace: Vec::new(),
    }
}

fn watch_rows(all: &Gathered) -> Vec<WatchRow> {
    let mut rows: Vec<WatchRow> = Vec::new();
    let in_set = |f: &Finding| all.sets.get(&f.set).map_or("", |s| s.exercise()).to_owned();
    let of_reps = all.sets.values().flat_map(|s| s.findings.iter());
    for f in of_reps.chain(all.others.iter()).copied() {
        if f.kind != CheckKind::Watch {
            continue;
        }
        let exercise = in_set(f);
        let same =
            |r: &WatchRow| r.code == f.code && r.exercise == exercise && r.metric == f.metric;
        let at = rows.iter().position(same).unwrap_or_else(|| {
            rows.push(new_watch(f, &exercise, &all.baselines));
            rows.len() - 1
        });
        if let Some(row) = rows.get_mut(at) {
            count_watch(row, f);
        }
    }
    rows
}

fn new_watch(f: &Finding, exercise: &str, baselines: &[&Baseline]) -> WatchRow {
    let own = baselines
        .iter()
        .rev()
        .find(|b| b.exercise == exercise && b.metric == f.metric);
    WatchRow {
        code: f.code.clone(),
        metric: f.metric,
        exercise: exercise.to_owned(),
        seen: 0,
        looked: 0,
        not_judged: 0,
        largest: None,
        min: f.min,
        max: f.max,
        baseline: own
            .filter(|_| f.source == Source::Baseline)
            .map(|b| (b.centre, b.spread)),
        source: f.source,
    }
}

fn count_watch(row: &mut WatchRow, f: &Finding) {
    match f.verdict {
        Verdict::NotAssessed | Verdict::Invalid => row.not_judged += 1,
        Verdict::Within => row.looked += 1,
        Verdict::Unsure | Verdict::Outside => {
            row.looked += 1;
            row.seen += 1;
        }
    }
    if let Some(v) = f.value
        && row.largest.is_none_or(|(old, _)| v.abs() > old.abs())
    {
        row.largest = Some((v, f.error));
    }
}

fn by_people(plan: Option<&Plan>) -> Vec<(String, &'static str)> {
    let who = |c: CheckedBy| match c {
        CheckedBy::Trainer => Some("trainer"),
        CheckedBy::Therapist => Some("therapist"),
        CheckedBy::Entry => Some("entry"),
        CheckedBy::Sensor => None,
    };
    plan.map_or(&[][..], |p| &p.avoid)
        .iter()
        .filter_map(|a| Some((a.trainer_text.clone(), who(a.check)?)))
        .collect()
}
