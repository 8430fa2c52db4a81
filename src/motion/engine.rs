//! The engine: samples and commands in, repetitions and set summaries out. Session time; pure and deterministic.
//!
//! Samples may come in any order among devices within a window; what they mean is worked out at the window's
//! end (`tick`), from times alone.

use super::{
    calibrate::{self, Calibrating},
    channel::candidates,
    heart::{Heart, RECOVERY_S},
    live::{LiveSet, Said, TracePoint},
    measure::{View, measurable, trace},
    params::Params,
    post::{SetFacts, analyse},
    running::{Running, final_reps},
    sensor::Device,
    tempo::out_is_eccentric,
    velocity::{Fastest, out_lowers},
};
use crate::model::{
    body::Segment,
    command::{Command, SetRole, StopReason},
    event::{Calibration, CalibrationStep},
    exercise::exercise,
    heart::HeartProfile,
    metric::Metric,
    packet::DeviceIndex,
    placement::{Placement, refusal},
    plan::TrainingSide,
    rep::{Rep, SessionHeart, SetSummary},
    sample::{Sample, StreamKind},
    session::{Sensor, SessionHeader, TechEvent, TechKind},
    time::SessionNs,
};

/// What the engine says.
#[derive(Debug, Clone, PartialEq)]
pub enum MotionEvent {
    /// A calibration was tried.
    Calibration(Calibration),
    /// A set began.
    SetStarted {
        /// Number within the session, from 1.
        set: u32,
        /// When.
        t: SessionNs,
        /// Exercise library id.
        exercise: String,
        /// Working side.
        side: TrainingSide,
        /// What for.
        role: SetRole,
        /// Load, kg.
        load_kg: Option<f64>,
        /// Metrics that the worn sensors can measure.
        available: Vec<Metric>,
    },
    /// A repetition, at a stage.
    Rep(Rep),
    /// A set, a minute after it ended or when the next one begins.
    Set(SetSummary),
    /// The traced metric over a final repetition, after it.
    RepTrace {
        /// Set number.
        set: u32,
        /// Repetition number.
        rep: u32,
        /// What is traced.
        metric: Metric,
        /// About 20 points a second; `None` = no data at that instant.
        points: Vec<(SessionNs, Option<f64>)>,
    },
    /// A point of the live trace.
    Trace {
        /// When.
        t: SessionNs,
        /// What is shown.
        metric: Option<Metric>,
        /// `None` = no data.
        value: Option<f64>,
    },
    /// The heart over the session, at its end.
    SessionHeart(SessionHeart),
    /// A technical event.
    Tech(TechEvent),
    /// Heart rate, about once a second.
    Heart {
        /// When.
        t: SessionNs,
        /// Newest value, bpm, and when it was measured.
        now: Option<(SessionNs, f64)>,
        /// Median of the last 5 s.
        median_5s: Option<f64>,
    },
}

/// A finished set that waits for the heart to recover.
struct Waiting {
    summary: SetSummary,
    /// A minute after the effort ended.
    recovered: SessionNs,
}

/// After a longer time without repetitions nobody knows when the effort ended, s: then with the set.
const EFFORT_TAIL_S: f64 = 30.0;
/// Spacing of heart events, ns.
const HEART_NS: i64 = 1_000_000_000;

/// Samples to repetitions, sets and effort.
pub struct Engine {
    params: Params,
    sensors: Vec<Sensor>,
    devices: Vec<Device>,
    heart: Heart,
    running: Option<Running>,
    waiting: Option<Waiting>,
    sets: u32,
    calibrating: Option<Calibrating>,
    next_heart: SessionNs,
    /// Axes of each device's gyroscope that were said to be reversed.
    reversed: Vec<[bool; 3]>,
    said: Vec<Said>,
    trace: Vec<TracePoint>,
}

impl Engine {
    /// An engine for the sensors of a session.
    #[must_use]
    pub fn new(params: &Params, header: &SessionHeader) -> Self {
        Self {
            params: params.clone(),
            sensors: header.sensors.clone(),
            devices: header
                .sensors
                .iter()
                .map(|s| Device::new(s, params))
                .collect(),
            heart: Heart::new(&HeartProfile::default()),
            running: None,
            waiting: None,
            sets: 0,
            calibrating: None,
            next_heart: SessionNs(0),
            reversed: vec![[false; 3]; header.sensors.len()],
            said: Vec::new(),
            trace: Vec::new(),
        }
    }

    /// The same, with what is known of the client's heart.
    #[must_use]
    pub fn with_heart(mut self, profile: &HeartProfile) -> Self {
        self.heart = Heart::new(profile);
        self
    }

    /// Takes one sample; what it means is said at the next `tick`.
    pub fn push(&mut self, sample: &Sample, _out: &mut Vec<MotionEvent>) {
        let Some(device) = self.devices.get_mut(usize::from(sample.stream.device.0)) else {
            return;
        };
        if device.is_left() {
            return;
        }
        match sample.stream.kind {
            StreamKind::Imu | StreamKind::Acc if device.segment != Segment::Chest => {
                device.push(sample);
            }
            StreamKind::HeartRate | StreamKind::Rr => self.heart.push(sample),
            _ => {}
        }
    }

    /// While the running set goes on, only these metrics are measured, with the exercise's primary one and the range of
    /// motion, which a trainer without a plan watches. After it, all are.
    pub fn measure_live(&mut self, metrics: &[Metric]) {
        if let Some(run) = &mut self.running {
            let primary = exercise(&run.exercise).and_then(|e| e.primary);
            let shown = |m: &Metric| *m == Metric::RangeOfMotion || Some(*m) == primary;
            run.wanted.retain(|m| metrics.contains(m) || shown(m));
        }
    }

    /// Takes one command.
    pub fn command(&mut self, t: SessionNs, command: &Command, out: &mut Vec<MotionEvent>) {
        match command {
            Command::Calibrate => {
                self.calibrating = Some(Calibrating::stance(t, self.devices.len()));
            }
            Command::CalibrateMovement { exercise, side } => {
                self.end_set(t, StopReason::Trainer, out);
                self.calibrating =
                    Some(Calibrating::movement(t, exercise, *side, &mut self.devices));
            }
            Command::StartSet {
                exercise,
                side,
                role,
                load_kg,
            } => {
                self.end_set(t, StopReason::Trainer, out);
                self.flush_summary(t, out);
                self.start_set(t, exercise, *side, role, *load_kg, out);
            }
            Command::EndSet { reason } => self.end_set(t, *reason, out),
            Command::GoWithout {
                device,
                accepted_by,
            } => {
                if let Some(left) = self.devices.get_mut(usize::from(device.0)) {
                    left.leave();
                    out.push(MotionEvent::Tech(TechEvent {
                        t,
                        device: Some(*device),
                        kind: TechKind::WentWithout {
                            segment: left.segment,
                            accepted_by: accepted_by.clone(),
                        },
                    }));
                }
            }
            Command::GoUnmeasured { accepted_by } => out.push(MotionEvent::Tech(TechEvent {
                t,
                device: None,
                kind: TechKind::WentUnmeasured {
                    accepted_by: accepted_by.clone(),
                },
            })),
            Command::Assign { worn, confirmed_by } => self.assign(t, worn, confirmed_by, out),
            Command::Entry { .. } => {}
        }
    }

    /// Sensors are worn elsewhere: each begins anew there, with no calibration.
    fn assign(
        &mut self,
        t: SessionNs,
        worn: &[Placement],
        confirmed_by: &str,
        out: &mut Vec<MotionEvent>,
    ) {
        let mut say = |device, kind| out.push(MotionEvent::Tech(TechEvent { t, device, kind }));
        if let Some(reason) = refusal(&self.sensors, worn, confirmed_by, self.sets > 0) {
            say(None, TechKind::AssignmentRefused { reason });
            return;
        }
        if self.calibrating.take().is_some() {
            let reason = "a sensor was given another place meanwhile".to_owned();
            say(None, TechKind::CalibrationRefused { reason });
        }
        for placement in worn {
            let i = usize::from(placement.device.0);
            let (Some(sensor), Some(device)) = (self.sensors.get_mut(i), self.devices.get_mut(i))
            else {
                continue;
            };
            let before = std::mem::replace(&mut sensor.segment, placement.segment);
            confirmed_by.clone_into(&mut sensor.confirmed_by);
            let left = device.is_left();
            *device = Device::new(sensor, &self.params);
            if left {
                device.leave();
            }
            say(
                Some(placement.device),
                TechKind::Placed {
                    segment: placement.segment,
                    before,
                    confirmed_by: confirmed_by.to_owned(),
                },
            );
        }
    }

    /// A window ended at `now`: everything that arrived before is in.
    pub fn tick(&mut self, now: SessionNs, out: &mut Vec<MotionEvent>) {
        self.say_reversed(now, out);
        self.calibrate(now, false, out);
        self.advance(now, out);
        if now >= self.next_heart && self.heart.alive() {
            out.push(MotionEvent::Heart {
                t: now,
                now: self.heart.now(now.seconds()),
                median_5s: self.heart.median(now.seconds()),
            });
            self.next_heart = SessionNs(now.0 + HEART_NS);
        }
        if self.waiting.as_ref().is_some_and(|w| now >= w.recovered) {
            self.flush_summary(now, out);
        }
    }

    /// Gyroscopes that turned out to count the other way round.
    fn say_reversed(&mut self, t: SessionNs, out: &mut Vec<MotionEvent>) {
        for (i, (device, said)) in self.devices.iter().zip(&mut self.reversed).enumerate() {
            let axes = device.reversed();
            if std::mem::replace(said, axes) != axes {
                out.push(MotionEvent::Tech(TechEvent {
                    t,
                    device: Some(index(i)),
                    kind: TechKind::GyroscopeReversed { axes },
                }));
            }
        }
    }

    /// The session ends.
    pub fn finish(&mut self, now: SessionNs, out: &mut Vec<MotionEvent>) {
        self.tick(now, out);
        self.end_set(now, StopReason::SessionEnd, out);
        self.flush_summary(now, out);
        if self.heart.alive() {
            out.push(MotionEvent::SessionHeart(SessionHeart {
                profile: self.heart.profile(),
                stats: self.heart.session(now),
            }));
        }
    }

    /// Says the summary that waits; the heart has recovered for a minute, or nobody knows how far.
    fn flush_summary(&mut self, now: SessionNs, out: &mut Vec<MotionEvent>) {
        let Some(mut w) = self.waiting.take() else {
            return;
        };
        if now >= w.recovered {
            let heart = &mut w.summary.heart;
            let after = self.heart.median(w.recovered.seconds());
            heart.recovery_60s_bpm = heart.end_bpm.zip(after).map(|(end, after)| end - after);
        }
        out.push(MotionEvent::Set(w.summary));
    }

    /// Goes on with a calibration; `ended` = no more time is given to it.
    fn calibrate(&mut self, now: SessionNs, ended: bool, out: &mut Vec<MotionEvent>) {
        let Some(mut calibrating) = self.calibrating.take() else {
            return;
        };
        let mut said = Vec::new();
        if !calibrating.look(now, ended, &mut self.devices, &self.params, &mut said) {
            self.calibrating = Some(calibrating);
        }
        out.extend(said.into_iter().map(|said| match said {
            calibrate::Said::Tried(calibration) => MotionEvent::Calibration(calibration),
            calibrate::Said::Tech(tech) => MotionEvent::Tech(tech),
        }));
    }

    fn start_set(
        &mut self,
        t: SessionNs,
        exercise: &str,
        side: TrainingSide,
        role: &SetRole,
        load_kg: Option<f64>,
        out: &mut Vec<MotionEvent>,
    ) {
        self.sets += 1;
        // A set ends a calibration that nobody finished, and says so; what it recorded is not the set's.
        self.calibrate(t, true, out);
        for device in &mut self.devices {
            device.begin_set(t);
        }
        self.heart.begin_set(t);
        let carrying: Vec<_> = self.sensors.iter().map(|s| s.segment).collect();
        let available = measurable(&carrying, side);
        out.push(MotionEvent::SetStarted {
            set: self.sets,
            t,
            exercise: exercise.to_owned(),
            side,
            role: role.clone(),
            load_kg,
            available: available.clone(),
        });
        self.running = Some(Running {
            set: self.sets,
            start: t,
            exercise: exercise.to_owned(),
            side,
            role: role.clone(),
            load_kg,
            wanted: available.clone(),
            available,
            live: LiveSet::new(exercise, t, self.devices.len(), &self.params),
            confirmed: Vec::new(),
            alive: 0,
            fastest: Fastest::default(),
        });
    }

    /// The live machine's turn.
    fn advance(&mut self, now: SessionNs, out: &mut Vec<MotionEvent>) {
        let Some(run) = &mut self.running else { return };
        let alive = self.devices.iter().filter(|d| d.alive()).count();
        if alive != run.alive {
            run.live
                .offer(&candidates(&run.exercise, run.side, &self.devices));
            run.alive = alive;
        }
        run.live
            .advance(&self.devices, now, &mut self.said, &mut self.trace);
        let metric = run.live.channel().and_then(|c| c.metric);
        for point in self.trace.drain(..) {
            out.push(MotionEvent::Trace {
                t: point.t,
                metric,
                value: point.value,
            });
        }
        for said in self.said.drain(..) {
            out.extend(
                run.live_rep(said, &self.devices, &self.params)
                    .map(MotionEvent::Rep),
            );
        }
    }

    fn finish_live(&mut self, now: SessionNs, out: &mut Vec<MotionEvent>) {
        let Some(run) = &mut self.running else { return };
        run.live.finish(&self.devices, now, &mut self.said);
        for said in self.said.drain(..) {
            out.extend(
                run.live_rep(said, &self.devices, &self.params)
                    .map(MotionEvent::Rep),
            );
        }
    }

    fn end_set(&mut self, t: SessionNs, reason: StopReason, out: &mut Vec<MotionEvent>) {
        self.advance(t, out);
        self.finish_live(t, out);
        let Some(run) = self.running.take() else {
            return;
        };
        for device in &mut self.devices {
            device.end_set();
        }
        let facts = SetFacts {
            exercise: &run.exercise,
            side: run.side,
            start: run.start,
            end: t,
        };
        let groups = candidates(&run.exercise, run.side, &self.devices);
        let result = analyse(&mut self.devices, &groups, facts, &self.params);
        let view = View::new(
            &self.devices,
            &result.poses,
            &run.exercise,
            run.side,
            &self.params,
        );
        let lowers = || out_lowers(&run.exercise, &self.devices, &result.found);
        let eccentric_first = out_is_eccentric(&run.exercise, result.out_is_down.or_else(lowers));
        let reps = final_reps(&run, &view, &result.found, eccentric_first);
        let traces: Vec<_> = result.found.iter().map(|f| trace(&view, f)).collect();
        run.withdraw(&reps, out);
        self.say_calibrations(t, &result.poses, out);
        let channel = result.channel.map_or_else(String::new, |c| c.name);
        // A therapist's minute of recovery begins when the effort ends, not when somebody presses a button.
        let tail_ns = (EFFORT_TAIL_S * 1e9) as i64;
        let effort_end = reps
            .last()
            .map(|rep| rep.end.min(t))
            .filter(|end| t.0 - end.0 <= tail_ns)
            .unwrap_or(t);
        let heart = self.heart.end_set(t, effort_end);
        let summary = run.summary(t, reason, reps.len(), channel, &heart);
        for (rep, traced) in reps.into_iter().zip(traces) {
            let (set, number) = (rep.set, rep.number);
            out.push(MotionEvent::Rep(rep));
            out.extend(traced.map(|t| MotionEvent::RepTrace {
                set,
                rep: number,
                metric: t.metric,
                points: t.points,
            }));
        }
        self.waiting = Some(Waiting {
            summary,
            recovered: SessionNs(effort_end.0 + (RECOVERY_S * 1e9) as i64),
        });
    }

    /// Functional axes found in the set, and sensors that left their place.
    fn say_calibrations(
        &self,
        t: SessionNs,
        poses: &[Option<super::pose::Pose>],
        out: &mut Vec<MotionEvent>,
    ) {
        for (i, (device, pose)) in self.devices.iter().zip(poses).enumerate() {
            let Some(pose) = pose.filter(|p| p.range_deg > 10.0) else {
                continue;
            };
            let accepted = pose.quality >= self.params.axis_quality_min;
            out.push(MotionEvent::Calibration(Calibration {
                t,
                device: index(i),
                segment: device.segment,
                step: CalibrationStep::Functional,
                accepted,
                quality: pose.quality,
                reason: (!accepted)
                    .then(|| "the segment turned about more than one axis".to_owned()),
            }));
            if let Some(with) = pose.exchanged {
                out.push(MotionEvent::Tech(TechEvent {
                    t,
                    device: Some(index(i)),
                    kind: TechKind::SensorsExchanged {
                        segment: device.segment,
                        with: self.devices[with].segment,
                    },
                }));
            }
            if pose.drifted {
                out.push(MotionEvent::Tech(TechEvent {
                    t,
                    device: Some(index(i)),
                    kind: TechKind::SensorSlipped {
                        drift_deg: pose.drift_deg,
                    },
                }));
            }
        }
    }
}

fn index(i: usize) -> DeviceIndex {
    DeviceIndex(u16::try_from(i).unwrap_or(u16::MAX))
}
