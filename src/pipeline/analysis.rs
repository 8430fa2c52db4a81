//! Windows to events: motion and rules of one session, the same code live and in batch.
//!
//! A pure function of the session's header, plan, earlier baselines and windows in order: the same
//! input gives the same bytes, at any speed. Publishing and storing are somebody else's.

use super::live::LiveState;
use crate::{
    model::{
        body::Segment,
        command::Command,
        event::{Event, Numbered},
        finding::{Baseline, Finding},
        metric::Metric,
        plan::Plan,
        rep::Rep,
        session::{SessionHeader, TechEvent, TechKind},
        time::SessionNs,
        window::{WINDOW_NS, Window},
    },
    motion::{self, MotionEvent},
    rules::{self, AfterSet, Judge},
};

/// Parameters of the two stages.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Params {
    /// Orientation, calibration, repetitions.
    pub motion: motion::Params,
    /// Guard bands, persistence.
    pub rules: rules::Params,
}

/// The analysis of one session.
pub struct Analysis {
    engine: motion::Engine,
    judge: Judge,
    live: LiveState,
    sequence: u64,
    windows: u64,
    set: u32,
    end: SessionNs,
    closed: bool,
    /// A heart-rate sensor is worn: motion speaks of movement only.
    strap: bool,
    motion_events: Vec<MotionEvent>,
    findings: Vec<Finding>,
    after: Vec<AfterSet>,
    session: String,
    started_at: String,
    next_finding: u64,
}

impl Analysis {
    /// An analysis of the session of `header` under `plan`; earlier baselines stand in the header.
    #[must_use]
    pub fn new(params: &Params, header: &SessionHeader, plan: Option<&Plan>) -> Self {
        Self {
            engine: motion::Engine::new(&params.motion, header)
                .with_heart(&rules::heart_profile(plan)),
            judge: Judge::new(&params.rules, plan, header.baselines.clone())
                .worn(header.sensors.iter().map(|s| s.segment)),
            live: LiveState::new(header),
            sequence: 0,
            windows: 0,
            set: 0,
            end: SessionNs(0),
            closed: false,
            strap: header.sensors.iter().any(|s| s.segment == Segment::Chest),
            motion_events: Vec::new(),
            findings: Vec::new(),
            after: Vec::new(),
            session: header.session.0.clone(),
            started_at: header.started_at.clone(),
            next_finding: 1,
        }
    }

    /// Takes the next window; what it has to say is appended to `out`. One `Live` a window comes last.
    pub fn push(&mut self, window: &Window, out: &mut Vec<Numbered>) {
        let manifest = &window.manifest;
        self.end = manifest.end;
        for batch in &window.batches {
            for sample in &batch.samples {
                self.live.sample(sample);
                self.engine.push(sample, &mut self.motion_events);
            }
        }
        self.drain(out);
        for tech in &manifest.tech {
            self.tech(tech.clone(), out);
        }
        for timed in &manifest.commands {
            self.command(timed.t, &timed.command, out);
        }
        self.engine.tick(manifest.end, &mut self.motion_events);
        self.drain(out);
        self.windows += 1;
        if manifest.last {
            self.finish(out);
        } else {
            let limit = self
                .live
                .metric()
                .map_or((None, None), |m| self.judge.limits_on(m));
            let live = self.live.snapshot(manifest.end, limit);
            // A snapshot is not part of the record: it takes the number of the next event.
            out.push(Numbered {
                sequence: self.sequence,
                window: manifest.index,
                event: Event::Live(live),
            });
        }
    }

    /// The session ended: open sets are closed, nothing follows. A second call does nothing.
    pub fn finish(&mut self, out: &mut Vec<Numbered>) {
        if self.closed {
            return;
        }
        self.closed = true;
        self.engine.finish(self.end, &mut self.motion_events);
        self.drain(out);
        self.say(
            Event::Closed {
                t: self.end,
                windows: self.windows,
            },
            out,
        );
    }

    fn command(&mut self, t: SessionNs, command: &Command, out: &mut Vec<Numbered>) {
        self.engine.command(t, command, &mut self.motion_events);
        self.drain(out);
        if matches!(command, Command::EndSet { .. }) {
            self.live.set_ended(self.set);
        }
        if matches!(command, Command::Entry { .. }) {
            self.say(
                Event::Entry {
                    t,
                    set: self.set,
                    entry: command.clone(),
                },
                out,
            );
            self.judge.entry(t, command, &mut self.findings);
            self.say_findings(out);
        }
    }

    fn tech(&mut self, tech: TechEvent, out: &mut Vec<Numbered>) {
        if let TechKind::WentWithout { segment, .. } = tech.kind {
            self.judge.went_without(segment);
            if let Some(device) = tech.device {
                self.live.went_without(device);
            }
            self.strap &= segment != Segment::Chest;
        }
        if let (TechKind::Placed { segment, .. }, Some(device)) = (&tech.kind, tech.device) {
            self.live.placed(device, *segment);
            self.judge.wear(self.live.worn());
            self.strap = self.live.worn().any(|s| s == Segment::Chest);
        }
        self.say(Event::Tech(tech), out);
    }

    /// Judges what motion said, in the order it said it.
    fn drain(&mut self, out: &mut Vec<Numbered>) {
        let mut events = std::mem::take(&mut self.motion_events);
        for event in events.drain(..) {
            self.motion_event(event, out);
        }
        self.motion_events = events;
    }

    fn motion_event(&mut self, event: MotionEvent, out: &mut Vec<Numbered>) {
        match event {
            MotionEvent::Calibration(calibration) => {
                self.say(Event::Calibration(calibration), out);
            }
            MotionEvent::SetStarted {
                set,
                t,
                exercise,
                side,
                role,
                load_kg,
                mut available,
            } => {
                available.extend(self.strap.then_some(Metric::HeartRate));
                self.set = set;
                let by_eye = self
                    .judge
                    .set_started(t, &exercise, side, &role, load_kg, &available);
                self.engine.measure_live(&self.judge.asks_for());
                self.live.set_started(set, &exercise);
                self.say(
                    Event::SetStarted {
                        set,
                        t,
                        exercise,
                        side,
                        role,
                        load_kg,
                        by_eye,
                    },
                    out,
                );
            }
            MotionEvent::Rep(rep) => self.rep(rep, out),
            MotionEvent::Set(summary) => {
                self.judge
                    .set(&summary, &mut self.findings, &mut self.after);
                self.say(Event::Set(summary), out);
                self.say_findings(out);
                for after in std::mem::take(&mut self.after) {
                    self.say_after(after, out);
                }
            }
            MotionEvent::Trace { t, metric, value } => {
                self.live.trace(t, metric, value);
            }
            MotionEvent::RepTrace {
                set,
                rep,
                metric,
                points,
            } => {
                self.say(
                    Event::Trace {
                        set,
                        rep,
                        metric,
                        points,
                    },
                    out,
                );
            }
            MotionEvent::SessionHeart(heart) => self.say(Event::SessionHeart(heart), out),
            MotionEvent::Tech(tech) => self.tech(tech, out),
            MotionEvent::Heart { t, now, median_5s } => {
                self.live.heart(now);
                self.judge.heart(t, median_5s, &mut self.findings);
                self.say_findings(out);
            }
        }
    }

    fn rep(&mut self, rep: Rep, out: &mut Vec<Numbered>) {
        self.live.rep(&rep);
        self.judge.rep(&rep, &mut self.findings);
        self.say(Event::Rep(rep), out);
        self.say_findings(out);
    }

    fn say_after(&mut self, after: AfterSet, out: &mut Vec<Numbered>) {
        let event = match after {
            AfterSet::Baseline(baseline) => Event::Baseline(Baseline {
                session: self.session.clone(),
                session_started_at: self.started_at.clone(),
                ..baseline
            }),
            AfterSet::Refused { set, reps, needed } => Event::BaselineRefused { set, reps, needed },
            AfterSet::Contrast(contrast) => Event::LoadContrast(contrast),
        };
        self.say(event, out);
    }

    fn say_findings(&mut self, out: &mut Vec<Numbered>) {
        for mut finding in std::mem::take(&mut self.findings) {
            finding.id = self.next_finding;
            self.next_finding += 1;
            self.say(Event::Finding(finding), out);
        }
    }

    fn say(&mut self, event: Event, out: &mut Vec<Numbered>) {
        let window = self.end.0.div_euclid(WINDOW_NS).max(1) as u64 - 1;
        out.push(Numbered {
            sequence: self.sequence,
            window,
            event,
        });
        self.sequence += 1;
    }
}
