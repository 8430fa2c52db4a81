//! Runs a list of [`GattOp`]s without touching a radio: says what is due, takes what became of it.
//!
//! The owner of the link loops: [`Script::step`], carry it out, then [`done`](Script::done),
//! [`refused`](Script::refused) or [`timed_out`](Script::timed_out); every notification that arrives
//! meanwhile goes to [`notified`](Script::notified) as well as to the decoder. A step that fails ends the
//! script unless it is optional. Answers that come in parts are joined; what came before its command was
//! due is no answer.

use super::gatt::{Answer, Bytes, GattOp, Reply};
use crate::model::{packet::Uuid, reading::Measurand};

/// A longer answer is none: no device has that much to say.
const LONGEST_ANSWER: usize = 4096;

/// What a step that failed tells of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// It does not have what was asked for.
    Lacks,
    /// Nothing: it may have it.
    Open,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// Check that the link carries values of this size: `done` or `refused`.
    NeedMtu(u16),
    /// Enable notifications.
    Subscribe(Uuid),
    /// Read; the value goes to `done` (and to the decoder).
    Read(Uuid),
    /// Write.
    Write {
        /// Where.
        characteristic: Uuid,
        /// Wait until the device has taken it.
        with_response: bool,
        /// What.
        bytes: &'a [u8],
    },
    /// Feed `notified` until another step is due; `timed_out` that long after this step first was.
    Await {
        /// Where the answer will come.
        characteristic: Uuid,
        /// Time limit of the whole answer, ms.
        within_ms: u32,
    },
    /// Wait, then `done`.
    PauseMs(u16),
}

/// What a script achieved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What is measured now. A wished measurand that is neither here nor missed is one the device
    /// does not have.
    pub started: Vec<Measurand>,
    /// Optional steps that did not work, each with its reason.
    pub skipped: Vec<String>,
    /// What the device may have and did not start.
    pub missed: Vec<Measurand>,
}

/// A step that had to work and did not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {reason}")]
pub struct ScriptError {
    /// Which step, in words.
    pub step: String,
    /// What was wrong with it.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The step has not been handed out.
    Due,
    /// The step is being carried out.
    Doing,
    /// The command was taken, its answer is not complete.
    Waiting,
}

/// The steps and where they stand.
#[derive(Debug)]
pub struct Script {
    ops: Vec<GattOp>,
    at: usize,
    state: State,
    /// The bytes of the write that is due.
    command: Vec<u8>,
    /// Parts of the answer so far.
    parts: Vec<u8>,
    /// The answer's end, if it came before the write was confirmed.
    early: Option<Result<(), String>>,
    /// The answer that came last.
    answer: Vec<u8>,
    outcome: Outcome,
    /// A question was not answered: that the next steps have nothing to choose from tells nothing.
    unanswered: bool,
    failed: Option<ScriptError>,
}

impl Script {
    /// Nothing is done yet.
    #[must_use]
    pub fn new(ops: Vec<GattOp>) -> Self {
        Self {
            ops,
            at: 0,
            state: State::Due,
            command: Vec::new(),
            parts: Vec::new(),
            early: None,
            answer: Vec::new(),
            outcome: Outcome::default(),
            unanswered: false,
            failed: None,
        }
    }

    /// What is due; the same until it is answered for. `None` at the end, reached or not.
    pub fn step(&mut self) -> Option<Step<'_>> {
        while self.failed.is_none() && self.state == State::Due && !self.choose() {
            self.fail("the device has nothing to choose from", Failure::Lacks);
        }
        if self.failed.is_some() {
            return None;
        }
        let op = self.ops.get(self.at)?;
        if self.state == State::Due {
            self.state = State::Doing;
        }
        Some(match op {
            GattOp::NeedMtu(bytes) => Step::NeedMtu(*bytes),
            GattOp::Subscribe { characteristic, .. } => Step::Subscribe(*characteristic),
            GattOp::Read { characteristic, .. } => Step::Read(*characteristic),
            GattOp::PauseMs(ms) => Step::PauseMs(*ms),
            GattOp::Write {
                answer: Some(answer),
                ..
            } if self.state == State::Waiting => Step::Await {
                characteristic: answer.characteristic,
                within_ms: answer.within_ms,
            },
            GattOp::Write {
                characteristic,
                with_response,
                ..
            } => Step::Write {
                characteristic: *characteristic,
                with_response: *with_response,
                bytes: &self.command,
            },
        })
    }

    /// The step was carried out; `value` is what a read gave, else empty.
    pub fn done(&mut self, value: &[u8]) {
        match (self.state, self.ops.get(self.at)) {
            (State::Doing, Some(GattOp::Read { .. })) => {
                self.answer = value.to_vec();
                self.unanswered = false;
                self.advance();
            }
            (
                State::Doing,
                Some(GattOp::Write {
                    answer: Some(_), ..
                }),
            ) => {
                self.state = State::Waiting;
                if let Some(end) = self.early.take() {
                    self.settle(end);
                }
            }
            (State::Doing, Some(_)) => self.advance(),
            _ => {}
        }
    }

    /// The step failed; `reason` completes "it did not work: ".
    pub fn refused(&mut self, reason: &str) {
        if self.state != State::Due {
            self.fail(reason, Failure::Lacks);
        }
    }

    /// The step took longer than it may.
    pub fn timed_out(&mut self) {
        let reason = match self.state {
            State::Due => return,
            State::Doing => "it took too long",
            State::Waiting => "no answer came in time",
        };
        self.fail(reason, Failure::Open);
    }

    /// A value arrived.
    pub fn notified(&mut self, characteristic: Uuid, bytes: &[u8]) {
        let Some(answer) = self.open_answer() else {
            return;
        };
        if answer.characteristic != characteristic || self.early.is_some() {
            return;
        }
        let (part, end) = match (answer.read)(&self.command, bytes) {
            Reply::Other => return,
            Reply::Part(part) => (part, None),
            Reply::Done(part) => (part, Some(Ok(()))),
            Reply::Refused(code) => (&[][..], Some(Err(format!("the device answered {code}")))),
        };
        self.parts.extend_from_slice(part);
        let end = if self.parts.len() > LONGEST_ANSWER {
            Some(Err("the answer is too long".to_owned()))
        } else {
            end
        };
        match (end, self.state) {
            (Some(end), State::Waiting) => self.settle(end),
            (end, _) => self.early = end,
        }
    }

    /// What came of it, once [`Script::step`] gives nothing more.
    ///
    /// # Errors
    /// If a step that had to work did not, or if nothing was started of all that was to be.
    pub fn outcome(self) -> Result<Outcome, ScriptError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let to_start = self.ops.iter().any(|op| !starts(op).is_empty());
        if to_start && self.outcome.started.is_empty() {
            return Err(ScriptError {
                step: "starting".to_owned(),
                reason: format!(
                    "the device has nothing of what was asked for ({})",
                    self.outcome.skipped.join("; ")
                ),
            });
        }
        Ok(self.outcome)
    }

    /// Makes the bytes of the write that is due; `false` if it cannot be.
    fn choose(&mut self) -> bool {
        let Some(GattOp::Write { bytes, .. }) = self.ops.get(self.at) else {
            return true;
        };
        self.parts.clear();
        self.early = None;
        let command = match bytes {
            Bytes::Fixed(bytes) => Some(bytes.to_vec()),
            Bytes::Chosen(choose) => choose(&self.answer),
        };
        let made = command.is_some();
        self.command = command.unwrap_or_default();
        made
    }

    /// How the step that is under way is answered.
    fn open_answer(&self) -> Option<Answer> {
        match self.ops.get(self.at) {
            Some(GattOp::Write { answer, .. }) if self.state != State::Due => *answer,
            _ => None,
        }
    }

    fn settle(&mut self, end: Result<(), String>) {
        match end {
            Ok(()) => {
                self.answer = std::mem::take(&mut self.parts);
                self.unanswered = false;
                self.advance();
            }
            Err(reason) => {
                // What was chosen from its own offer it has.
                let chosen = matches!(
                    self.ops.get(self.at),
                    Some(GattOp::Write {
                        bytes: Bytes::Chosen(_),
                        ..
                    })
                );
                let failure = if chosen {
                    Failure::Open
                } else {
                    Failure::Lacks
                };
                self.fail(&reason, failure);
            }
        }
    }

    fn advance(&mut self) {
        let starts = self.ops.get(self.at).map_or(&[][..], starts);
        for measurand in starts {
            if !self.outcome.started.contains(measurand) {
                self.outcome.started.push(*measurand);
            }
        }
        self.state = State::Due;
        self.at += 1;
    }

    /// The step did not work: the script ends, or goes on without it and without its answer.
    fn fail(&mut self, reason: &str, failure: Failure) {
        let step = self.words();
        let op = self.ops.get(self.at);
        if let Some(
            GattOp::Subscribe { optional: true, .. }
            | GattOp::Read { optional: true, .. }
            | GattOp::Write { optional: true, .. },
        ) = op
        {
            self.unanswered |= failure == Failure::Open;
            if self.unanswered {
                self.outcome.missed.extend(op.map_or(&[][..], starts));
            }
            if !matches!(op, Some(GattOp::Subscribe { .. })) {
                self.answer.clear();
            }
            self.outcome.skipped.push(format!("{step}: {reason}"));
            self.state = State::Due;
            self.at += 1;
        } else {
            let reason = reason.to_owned();
            self.failed = Some(ScriptError { step, reason });
        }
    }

    /// The step in words.
    fn words(&self) -> String {
        match self.ops.get(self.at) {
            Some(GattOp::NeedMtu(bytes)) => format!("values of {bytes} bytes"),
            Some(GattOp::Subscribe { characteristic, .. }) => {
                format!("subscribing to {characteristic}")
            }
            Some(GattOp::Read { characteristic, .. }) => format!("reading {characteristic}"),
            Some(GattOp::Write { characteristic, .. }) => {
                format!("writing {:02x?} to {characteristic}", self.command)
            }
            Some(GattOp::PauseMs(ms)) => format!("a pause of {ms} ms"),
            None => "the end".to_owned(),
        }
    }
}

/// What is measured once the step has worked.
fn starts(op: &GattOp) -> &'static [Measurand] {
    match op {
        GattOp::Subscribe { starts, .. } | GattOp::Write { starts, .. } => starts,
        _ => &[],
    }
}
