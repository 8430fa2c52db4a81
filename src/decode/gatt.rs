//! Steps of starting, keeping and stopping a device, as data.
//!
//! A driver lists them, [`Script`](super::script::Script) says which is due, whoever owns the radio
//! carries it out. Time limits in ms. No step knows a link, a clock or another step, only the answer that
//! came last.

use crate::model::{packet::Uuid, reading::Measurand};
use std::{borrow::Cow, fmt, sync::Arc};

/// One step.
#[derive(Debug, Clone)]
pub enum GattOp {
    /// The link must carry values of this size; below it the device refuses to stream.
    NeedMtu(u16),
    /// Enable notifications or indications.
    Subscribe {
        /// Which characteristic.
        characteristic: Uuid,
        /// Go on without it.
        optional: bool,
        /// What is measured from here on.
        starts: &'static [Measurand],
    },
    /// Read once. The value goes to the decoder like a notification, and is the answer the next step sees.
    Read {
        /// Which characteristic.
        characteristic: Uuid,
        /// Go on without it.
        optional: bool,
    },
    /// Write, and wait for the answer if there is to be one.
    Write {
        /// Which characteristic.
        characteristic: Uuid,
        /// Wait until the device has taken it.
        with_response: bool,
        /// What.
        bytes: Bytes,
        /// What the device says to it.
        answer: Option<Answer>,
        /// Go on if the device refuses, does not answer, or has nothing to choose from.
        optional: bool,
        /// What is measured from here on.
        starts: &'static [Measurand],
    },
    /// Let the device settle.
    PauseMs(u16),
}

/// What to write.
#[derive(Clone)]
pub enum Bytes {
    /// Always the same.
    Fixed(Cow<'static, [u8]>),
    /// Made from the answer that came last (empty if the last step that asks had none). `None`: the device
    /// has no such thing, the step is left out.
    Chosen(Arc<Choose>),
}

/// Makes a command from the last answer.
pub type Choose = dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync;

impl Bytes {
    /// Made by that function.
    pub fn chosen(choose: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::Chosen(Arc::new(choose))
    }
}

impl From<&'static [u8]> for Bytes {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Fixed(bytes.into())
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Fixed(bytes.into())
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(bytes) => write!(f, "{bytes:02x?}"),
            Self::Chosen(_) => f.write_str("chosen from the last answer"),
        }
    }
}

/// How a device answers a command.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// Where the answer comes.
    pub characteristic: Uuid,
    /// Reads a value that came there while the command (the first argument) is open.
    pub read: for<'a> fn(&[u8], &'a [u8]) -> Reply<'a>,
    /// The whole answer is there within this time.
    pub within_ms: u32,
}

/// What a value says about the open command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply<'a> {
    /// Nothing: it is data, or an answer to something else.
    Other,
    /// Done so far; more of the answer follows.
    Part(&'a [u8]),
    /// Done; the end of the answer.
    Done(&'a [u8]),
    /// Refused, with the device's own code.
    Refused(u16),
}

/// Steps that are due again and again while a device streams.
#[derive(Debug, Clone)]
pub struct Repeat {
    /// How often.
    pub every_ms: u32,
    /// What. The first time is one such period after the set-up.
    pub ops: Vec<GattOp>,
}

impl GattOp {
    /// A subscription that the device must have.
    #[must_use]
    pub const fn subscribe(characteristic: Uuid, starts: &'static [Measurand]) -> Self {
        Self::Subscribe {
            characteristic,
            optional: false,
            starts,
        }
    }

    /// A read that the device may lack.
    #[must_use]
    pub const fn read(characteristic: Uuid) -> Self {
        Self::Read {
            characteristic,
            optional: true,
        }
    }

    /// A write without answer that must succeed.
    #[must_use]
    pub fn write(characteristic: Uuid, bytes: impl Into<Bytes>) -> Self {
        Self::Write {
            characteristic,
            with_response: true,
            bytes: bytes.into(),
            answer: None,
            optional: false,
            starts: &[],
        }
    }

    /// A write that must be answered well.
    #[must_use]
    pub fn ask(characteristic: Uuid, bytes: impl Into<Bytes>, answer: Answer) -> Self {
        Self::Write {
            characteristic,
            with_response: true,
            bytes: bytes.into(),
            answer: Some(answer),
            optional: false,
            starts: &[],
        }
    }

    /// The same, but going on without it.
    #[must_use]
    pub fn or_skip(mut self) -> Self {
        match &mut self {
            Self::Subscribe { optional, .. }
            | Self::Read { optional, .. }
            | Self::Write { optional, .. } => *optional = true,
            Self::NeedMtu(_) | Self::PauseMs(_) => {}
        }
        self
    }

    /// The same, as the step from which on this is measured.
    #[must_use]
    pub fn starting(mut self, measurands: &'static [Measurand]) -> Self {
        if let Self::Subscribe { starts, .. } | Self::Write { starts, .. } = &mut self {
            *starts = measurands;
        }
        self
    }

    /// The same, not waiting until the device has taken it.
    #[must_use]
    pub fn without_response(mut self) -> Self {
        if let Self::Write { with_response, .. } = &mut self {
            *with_response = false;
        }
        self
    }
}
