//! A set through the engine: still, then the set, window by window.

use super::{
    body::{Body, Script, Watch},
    computed,
};
use plimsoll::{
    model::{
        body::Segment,
        command::{Command, SetRole, StopReason},
        plan::TrainingSide,
        rep::{Rep, Stage},
        sample::Sample,
        session::SessionHeader,
        time::SessionNs,
    },
    motion::{Engine, MotionEvent, Params},
};

/// When the set begins, s.
pub const START_S: f64 = 5.0;
/// When the client begins to move, s.
pub const LEAD_S: f64 = 7.0;

/// A script that stands still first and at the end.
pub fn set() -> Script {
    Script::default().stay(LEAD_S)
}

/// What was said, and when.
pub struct Told {
    pub events: Vec<(SessionNs, MotionEvent)>,
}

impl Told {
    /// Repetitions at a stage, with the instant at which they were said.
    pub fn at(&self, stage: Stage) -> Vec<(SessionNs, &Rep)> {
        self.events
            .iter()
            .filter_map(|(t, e)| match e {
                MotionEvent::Rep(r) if r.stage == stage => Some((*t, r)),
                _ => None,
            })
            .collect()
    }

    pub fn finals(&self) -> Vec<&Rep> {
        self.at(Stage::Final).into_iter().map(|(_, r)| r).collect()
    }

    /// Confirmed and not taken back, as the set's summary counts them.
    pub fn live(&self) -> u32 {
        let count = self.events.iter().find_map(|(_, e)| match e {
            MotionEvent::Set(s) => Some(s.reps_live),
            _ => None,
        });
        count.expect("a set has a summary")
    }

    /// Final and live number.
    pub fn counts(&self) -> (usize, u32) {
        (self.finals().len(), self.live())
    }
}

fn header(segments: &[Segment], rate_hz: f64) -> SessionHeader {
    computed::header(
        segments
            .iter()
            .map(|s| computed::sensor(*s, rate_hz))
            .collect(),
    )
}

/// One set of an exercise.
pub struct Session<'a> {
    pub exercise: &'a str,
    pub body: Body,
    pub watch: Watch,
    /// Lengths of windows within the set, s, over and over.
    pub windows_s: &'a [f64],
}

impl Default for Session<'_> {
    fn default() -> Self {
        Self {
            exercise: "squat",
            body: Body::Leg,
            watch: Watch::default(),
            windows_s: &[0.1],
        }
    }
}

impl Session<'_> {
    /// Moves as scripted and says what came out.
    pub fn run(&self, script: &Script) -> Told {
        self.told(&self.watch.samples(self.body, script), script.seconds())
    }

    /// The same of given samples.
    pub fn told(&self, samples: &[Sample], seconds: f64) -> Told {
        let header = header(&self.body.segments(), self.watch.rate_hz);
        let mut engine = Engine::new(&Params::default(), &header);
        let mut told = Told { events: Vec::new() };
        let mut out = Vec::new();
        engine.command(SessionNs(0), &Command::Calibrate, &mut out);
        let mut samples = samples.to_vec();
        samples.sort_by_key(|s| (s.t, s.stream));
        let mut next = samples.iter().peekable();
        for (begin, end) in self.windows(seconds) {
            if begin == SessionNs::from_seconds(START_S) {
                engine.command(begin, &start(self.exercise), &mut out);
            }
            while let Some(s) = next.next_if(|s| s.t < end) {
                engine.push(s, &mut out);
            }
            engine.tick(end, &mut out);
            told.events.extend(out.drain(..).map(|e| (end, e)));
        }
        let end = SessionNs::from_seconds(seconds);
        let stop = Command::EndSet {
            reason: StopReason::Completed,
        };
        engine.command(end, &stop, &mut out);
        engine.finish(end, &mut out);
        told.events.extend(out.drain(..).map(|e| (end, e)));
        told
    }

    /// Windows of the wished lengths from the set's begin on.
    fn windows(&self, seconds: f64) -> Vec<(SessionNs, SessionNs)> {
        let lengths = self
            .windows_s
            .iter()
            .map(|s| SessionNs::from_seconds(*s).0)
            .cycle();
        let (start, last) = (
            SessionNs::from_seconds(START_S),
            SessionNs::from_seconds(seconds),
        );
        let mut windows = Vec::new();
        let mut begin = SessionNs(0);
        for length in lengths {
            // The stance is taken at a window's end: before the set all windows are alike.
            let before = begin < start;
            let length = if before { 100_000_000 } else { length };
            let end = SessionNs(begin.0 + length).min(last);
            windows.push((begin, end));
            begin = end;
            if begin >= last {
                break;
            }
        }
        windows
    }
}

fn start(exercise: &str) -> Command {
    Command::StartSet {
        exercise: exercise.into(),
        side: TrainingSide::Right,
        role: SetRole::Working,
        load_kg: Some(20.0),
    }
}
