//! What a simulated client does, one activity after the other, written into tracks, commands and truth.

use super::{
    person::Body,
    track::Track,
    truth::{PhaseTruth, RepTruth, SetTruth, Truth},
};
use crate::model::{
    command::{Command, SetRole, StopReason},
    plan::TrainingSide,
};

/// One repetition as it shall be done.
#[derive(Debug, Clone, PartialEq)]
pub struct RepScript {
    /// Peak of the primary angle (squat, raise) or seat angle (sit-to-stand), deg.
    pub depth_deg: f64,
    /// Eccentric, pause stretched, concentric, pause shortened, s.
    pub phases_s: [f64; 4],
    /// Peak forward tilt of the trunk, deg.
    pub lean_deg: f64,
}

/// What the client does.
#[derive(Debug, Clone, PartialEq)]
pub enum Activity {
    /// Stands still.
    Stand {
        /// s
        seconds: f64,
    },
    /// Stands in the calibration stance; the trainer says so.
    Calibrate {
        /// s
        seconds: f64,
    },
    /// Walks about.
    Walk {
        /// s
        seconds: f64,
    },
    /// Turns round.
    Turn {
        /// deg
        degrees: f64,
    },
    /// Sits down (knees at 90 deg) and stays; or stands up again.
    Sit {
        /// deg of knee flexion, 0 = stands
        knee_deg: f64,
    },
    /// A set.
    Set(SetScript),
    /// Movements without a set: the functional part of the calibration.
    Movements(SetScript),
}

/// A set as it shall be done.
#[derive(Debug, Clone, PartialEq)]
pub struct SetScript {
    /// Exercise library id.
    pub exercise: &'static str,
    /// Side.
    pub side: TrainingSide,
    /// What for.
    pub role: SetRole,
    /// Load, kg.
    pub load_kg: Option<f64>,
    /// Repetitions.
    pub reps: Vec<RepScript>,
    /// Heart rate that the effort asks for, bpm.
    pub heart_bpm: f64,
}

/// Heart rate between sets, bpm.
const BETWEEN_BPM: f64 = 88.0;

/// Writes activities into tracks.
pub(super) struct Writer {
    pub body: Body,
    pub wanted_bpm: Track,
    pub commands: Vec<(f64, Command)>,
    pub truth: Truth,
    now: f64,
}

impl Writer {
    pub(super) fn new(rest_bpm: f64, sway: [f64; 6]) -> Self {
        let zero = || Track::starting(0.0);
        Self {
            body: Body {
                knee: zero(),
                lean: zero(),
                arm: zero(),
                elbow: zero(),
                heading: zero(),
                gait: zero(),
                sway,
            },
            wanted_bpm: Track::starting(rest_bpm),
            commands: Vec::new(),
            truth: Truth::default(),
            now: 0.0,
        }
    }

    /// Seconds written so far.
    pub(super) fn now(&self) -> f64 {
        self.now
    }

    pub(super) fn write(&mut self, activity: &Activity) {
        match activity {
            Activity::Stand { seconds } => self.wait(*seconds),
            Activity::Calibrate { seconds } => {
                self.commands.push((self.now, Command::Calibrate));
                self.wait(*seconds);
            }
            Activity::Walk { seconds } => {
                self.body.gait.hold(self.now);
                self.body.gait.to(self.now + 0.5, 22.0);
                self.body.gait.hold(self.now + seconds - 0.5);
                self.body.gait.to(self.now + seconds, 0.0);
                self.wait(*seconds);
            }
            Activity::Turn { degrees } => {
                let to = self.body.heading.last() + degrees;
                self.body.heading.hold(self.now);
                self.body.heading.to(self.now + 2.0, to);
                self.wait(2.0);
            }
            Activity::Sit { knee_deg } => {
                let sits = *knee_deg > self.body.knee.last();
                self.bend(2.0, *knee_deg, 30.0, if sits { 5.0 } else { 0.0 });
                self.wait(1.5);
            }
            Activity::Set(set) => self.set(set, true),
            Activity::Movements(set) => self.set(set, false),
        }
    }

    fn wait(&mut self, seconds: f64) {
        self.now += seconds;
    }

    fn set(&mut self, set: &SetScript, counted: bool) {
        if counted {
            self.wanted_bpm.hold(self.now);
            self.wanted_bpm.to(self.now + 0.5, set.heart_bpm);
            self.command(Command::StartSet {
                exercise: set.exercise.to_owned(),
                side: set.side,
                role: set.role.clone(),
                load_kg: set.load_kg,
            });
        }
        let start_s = self.now;
        self.wait(1.5);
        let reps = set
            .reps
            .iter()
            .map(|rep| self.rep(set.exercise, rep))
            .collect();
        self.wait(1.5);
        if counted {
            self.command(Command::EndSet {
                reason: StopReason::Completed,
            });
            self.wanted_bpm.hold(self.now);
            self.wanted_bpm.to(self.now + 1.0, BETWEEN_BPM);
            let number = self.truth.sets.len() as u32 + 1;
            self.truth.sets.push(SetTruth {
                set: number,
                exercise: set.exercise.to_owned(),
                side: set.side,
                role: set.role.clone(),
                load_kg: set.load_kg,
                start_s,
                end_s: self.now,
                reps,
            });
        }
    }

    fn command(&mut self, command: Command) {
        self.commands.push((self.now, command));
    }

    fn rep(&mut self, exercise: &str, rep: &RepScript) -> RepTruth {
        let [eccentric, stretched, concentric, shortened] = rep.phases_s;
        let start_s = self.now;
        let turn_s = match exercise {
            "sit_to_stand" => {
                let seat = self.body.knee.last();
                self.bend(concentric, 0.0, rep.lean_deg, 0.0);
                self.wait(shortened);
                let turn = self.now;
                self.bend(eccentric, seat, rep.lean_deg, 5.0);
                self.wait(stretched);
                turn
            }
            "shoulder_flexion" => {
                self.raise(concentric, rep.depth_deg);
                self.wait(shortened);
                let turn = self.now;
                self.raise(eccentric, 0.0);
                self.wait(stretched);
                turn
            }
            _ => {
                self.squat(eccentric, rep.depth_deg, rep.lean_deg);
                self.wait(stretched);
                let turn = self.now;
                self.squat(concentric, 0.0, 0.0);
                self.wait(shortened);
                turn
            }
        };
        RepTruth {
            start_s,
            turn_s,
            end_s: self.now,
            depth_deg: rep.depth_deg,
            lean_deg: rep.lean_deg,
            phases: PhaseTruth {
                eccentric_s: eccentric,
                pause_stretched_s: stretched,
                concentric_s: concentric,
                pause_shortened_s: shortened,
            },
        }
    }

    fn squat(&mut self, seconds: f64, knee_deg: f64, lean_deg: f64) {
        self.body.knee.hold(self.now);
        self.body.lean.hold(self.now);
        self.wait(seconds);
        self.body.knee.to(self.now, knee_deg);
        self.body.lean.to(self.now, lean_deg);
    }

    fn raise(&mut self, seconds: f64, arm_deg: f64) {
        self.body.arm.hold(self.now);
        self.wait(seconds);
        self.body.arm.to(self.now, arm_deg);
    }

    /// Between seat and stance: the trunk leans forward in the middle.
    fn bend(&mut self, seconds: f64, knee_deg: f64, lean_deg: f64, lean_after_deg: f64) {
        self.body.knee.hold(self.now);
        self.body.lean.hold(self.now);
        self.body.lean.to(self.now + 0.45 * seconds, lean_deg);
        self.wait(seconds);
        self.body.lean.to(self.now, lean_after_deg);
        self.body.knee.to(self.now, knee_deg);
    }
}
