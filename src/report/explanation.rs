//! One finding laid open: its rule, the number it was held to and who set that, the repetition, the raw samples it
//! rests on with their quality, and whether it comes out the same again. Text for a terminal.

use super::{
    formula::{formula, origin},
    text::origin_banner,
    words,
};
use crate::model::{
    evidence::Evidence,
    finding::{Baseline, BaselineRow, Finding, Severity, Source},
    plan::{Plan, TrainingSide},
    rep::{Measured, Phases, Rep},
    session::SessionHeader,
    time::SessionNs,
};
use std::fmt::{self, Write};

/// Whether a finding that was stored comes out again.
#[derive(Debug, Clone, PartialEq)]
pub enum Again {
    /// It was computed from the recording only now.
    Computed,
    /// Stored, computed again from the recording, and the same in every field.
    Same,
    /// Computed again, and something else came out: what does now, if anything.
    Differs(Option<Finding>),
    /// Read from the store; no recording was named.
    Stored,
}

/// The set of a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct SetHead {
    /// Exercise library id.
    pub exercise: String,
    /// Working side.
    pub side: TrainingSide,
    /// Load, kg.
    pub load_kg: Option<f64>,
}

/// Everything that is known of one finding.
#[derive(Debug, Clone)]
pub struct Explanation<'a> {
    /// The session.
    pub header: &'a SessionHeader,
    /// The finding.
    pub finding: &'a Finding,
    /// It as one sentence.
    pub sentence: String,
    /// Its set.
    pub set: Option<SetHead>,
    /// Its repetition.
    pub rep: Option<&'a Rep>,
    /// The plan it was judged by.
    pub plan: Option<&'a Plan>,
    /// The accepted baseline that the threshold was counted from.
    pub baseline: Option<(&'a Baseline, &'a BaselineRow)>,
    /// This program.
    pub software: &'a str,
    /// SHA-256 of the parameters of motion and rules.
    pub parameters_sha256: String,
    /// The raw streams behind it.
    pub evidence: Vec<Evidence>,
    /// Whether it comes out again.
    pub again: Again,
}

impl Explanation<'_> {
    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let (header, f) = (self.header, self.finding);
        writeln!(out, "Finding {} of session {}", f.id, header.session.0)?;
        if let Some(banner) = origin_banner(header.origin) {
            writeln!(out, "*** {banner} ***")?;
        }
        writeln!(out, "{}", self.sentence)?;
        self.rule(out)?;
        self.threshold(out)?;
        self.algorithm(out)?;
        if let Some(rep) = self.rep {
            repetition(out, rep, f)?;
        }
        self.raw(out)?;
        writeln!(out, "\nAgain")?;
        match &self.again {
            Again::Computed => writeln!(out, "  computed from the recording just now"),
            Again::Same => writeln!(
                out,
                "  computed again from the recording: the same as stored, in every field"
            ),
            Again::Differs(now) => differs(out, now.as_ref()),
            Again::Stored => writeln!(
                out,
                "  as stored; name the session's recording with --recording to compute it again"
            ),
        }
    }

    fn rule(&self, out: &mut String) -> fmt::Result {
        let f = self.finding;
        let facts = f.metric.facts();
        writeln!(out, "\nRule")?;
        writeln!(
            out,
            "  {} ({}) on {}, trust tier {:?}",
            f.code,
            words::kind(f.kind, &f.code),
            facts.id,
            facts.tier
        )?;
        writeln!(out, "  {} = {}", facts.id, formula(f.metric))?;
        if let Some(set) = &self.set {
            let load = set.load_kg.map_or_else(
                || "load not typed".to_owned(),
                |kg| words::quantity(Some(kg), None, "kg"),
            );
            writeln!(
                out,
                "  set {}: {}, side {}, {load}",
                f.set,
                words::exercise(&set.exercise),
                words::side(set.side)
            )?;
        }
        let severity = match f.severity {
            Severity::Note => "note",
            Severity::Minor => "minor",
            Severity::Moderate => "moderate",
            Severity::Major => "major",
        };
        writeln!(
            out,
            "  verdict {}, severity {severity}, reaction {}",
            words::verdict(f.verdict),
            super::text::action(f.action)
        )
    }

    fn threshold(&self, out: &mut String) -> fmt::Result {
        let f = self.finding;
        let unit = f.metric.facts().unit;
        writeln!(out, "\nThreshold")?;
        let guard = words::quantity(Some(f.guard), None, unit);
        writeln!(
            out,
            "  {}, guard band {guard}",
            words::window(f.min, f.max, unit)
        )?;
        match (f.source, self.plan) {
            (Source::Plan, Some(plan)) => writeln!(out, "  set by {} in the plan", plan.author)?,
            (Source::Plan, None) => writeln!(out, "  set by a plan that is not at hand")?,
            (Source::Baseline, _) => match self.baseline {
                Some((b, row)) => writeln!(
                    out,
                    "  counted from the client's own baseline: {} {} over {} repetitions{}, accepted by {}",
                    row.feature,
                    words::quantity(Some(row.centre), Some(row.spread), unit),
                    row.reps,
                    b.load_kg.map_or_else(String::new, |kg| format!(
                        " with {}",
                        words::quantity(Some(kg), None, "kg")
                    )),
                    b.accepted_by
                )?,
                None => writeln!(out, "  counted from this set's own first repetitions")?,
            },
            (Source::Default, _) => {
                writeln!(
                    out,
                    "  the program's table of compensations: nobody set it for this client"
                )?;
            }
        }
        match self.plan {
            Some(plan) => {
                let signed = plan.signed_at.as_deref().unwrap_or("never");
                writeln!(
                    out,
                    "  plan {} version {}, by {}, signed {signed}, sha256 {}",
                    plan.plan_id,
                    plan.version,
                    plan.author,
                    self.header.plan_sha256.as_deref().unwrap_or("unknown")
                )
            }
            None => writeln!(out, "  no plan"),
        }
    }

    fn algorithm(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "\nAlgorithm")?;
        if self.finding.rep.is_some() {
            writeln!(out, "  {}", origin(self.finding.stage))?;
        }
        writeln!(
            out,
            "  plimsoll {} (the session was recorded by {}), parameters sha256 {}",
            self.software, self.header.software, self.parameters_sha256
        )?;
        writeln!(
            out,
            "  exercise library sha256 {}",
            self.header.library_sha256
        )
    }

    fn raw(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "\nRaw samples behind it")?;
        if self.evidence.is_empty() {
            return writeln!(
                out,
                "  none: no sample of a sensor it needs lies in its time"
            );
        }
        for e in &self.evidence {
            let sensor = self.header.sensors.get(usize::from(e.stream.device.0));
            writeln!(
                out,
                "  {} {} ({}), {} to {}{}",
                sensor.map_or_else(|| "unknown".to_owned(), |s| s.segment.to_string()),
                e.stream.kind.as_str(),
                sensor.map_or("", |s| s.driver.as_str()),
                at(e.from),
                at(e.to),
                e.first_sequence.map_or_else(String::new, |n| format!(
                    ", samples {n} to {} of its stream",
                    n + u64::from(e.samples.max(1)) - 1
                ))
            )?;
            let rate = e
                .rate_hz
                .map_or_else(|| "no rate".to_owned(), |hz| format!("{hz:.1} Hz"));
            writeln!(
                out,
                "    {} samples, {rate}, longest time without one {:.0} ms; {}",
                e.samples,
                e.longest_gap_ms,
                marks(e)
            )?;
            for c in &e.channels {
                writeln!(
                    out,
                    "    {:<14}{:>9.2} to {:.2}, mean {:.2} {}",
                    c.name, c.min, c.max, c.mean, c.unit
                )?;
            }
        }
        Ok(())
    }
}

fn marks(e: &Evidence) -> String {
    let all = [
        (e.interpolated, "interpolated"),
        (e.clipped, "at the end of the range"),
        (e.not_finite, "impossible"),
        (e.no_contact, "without skin contact"),
        (e.clock_unsure, "with an unsettled clock"),
    ];
    let said: Vec<String> = all
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    if said.is_empty() {
        "none marked".to_owned()
    } else {
        said.join(", ")
    }
}

fn repetition(out: &mut String, rep: &Rep, f: &Finding) -> fmt::Result {
    writeln!(out, "\nRepetition {} of set {}", rep.number, rep.set)?;
    writeln!(
        out,
        "  {} to {}, turn at {}{}",
        at(rep.start),
        at(rep.end),
        at(rep.turn),
        if rep.partial { ", partial" } else { "" }
    )?;
    if let Some(p) = &rep.phases {
        phases(out, p)?;
    }
    let unit = f.metric.facts().unit;
    match rep.measured(f.metric) {
        Some(Measured::Value {
            min,
            max,
            at_turn,
            at_start,
            error,
            ..
        }) => {
            let of = |v| words::quantity(Some(v), None, unit);
            writeln!(
                out,
                "  {}: {} to {}, {} at the start, {} at the turn, ± {} (95 %)",
                f.metric.facts().id,
                of(min),
                of(max),
                of(at_start),
                of(at_turn),
                of(error)
            )
        }
        Some(Measured::Missing { why }) => {
            writeln!(out, "  {}: {}", f.metric.facts().id, words::missing(why))
        }
        None => Ok(()),
    }
}

fn phases(out: &mut String, p: &Phases) -> fmt::Result {
    let names = ["eccentric", "pause", "concentric", "pause"];
    let times = [
        Some(p.eccentric_s),
        p.pause_stretched_s,
        Some(p.concentric_s),
        p.pause_shortened_s,
    ];
    let parts: Vec<String> = names
        .iter()
        .zip(times)
        .zip(p.error_s)
        .map(|((name, time), error)| match time {
            Some(s) => format!("{name} {s:.2} ± {error:.2} s"),
            None => format!("{name} without end"),
        })
        .collect();
    writeln!(
        out,
        "  {} (still = below {:.0} % of the peak speed, what a smooth movement does below it added back)",
        parts.join(", "),
        100.0 * p.threshold
    )
}

fn differs(out: &mut String, now: Option<&Finding>) -> fmt::Result {
    match now {
        Some(now) => writeln!(
            out,
            "  computed again from the recording: NOT the same. Now: {} {} on {}, value {}, {}",
            now.code,
            words::verdict(now.verdict),
            now.metric.facts().id,
            words::quantity(now.value, now.error, now.metric.facts().unit),
            words::window(now.min, now.max, now.metric.facts().unit)
        ),
        None => writeln!(
            out,
            "  computed again from the recording: NOT the same. It has no finding of that number now"
        ),
    }?;
    writeln!(
        out,
        "  another program version, plan or recording than the one it was stored with"
    )
}

fn at(t: SessionNs) -> String {
    format!("{:.2} s", t.seconds())
}
