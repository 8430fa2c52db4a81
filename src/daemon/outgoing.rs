//! A window on its way to the bus, as the messages that it is sent in.

use crate::{
    model::{
        session::{TechEvent, TechKind},
        time::SessionNs,
        window::{Manifest, WINDOW_NS, Window},
    },
    wire::{
        payload::{self, PayloadError},
        topic::Subject,
    },
};

/// The messages of a window, its table of contents last.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Its number.
    pub window: u64,
    /// What is said, and under what.
    pub messages: Vec<(Subject, Vec<u8>)>,
}

impl Outgoing {
    /// The messages of `window`.
    ///
    /// # Errors
    /// A payload that cannot be formed.
    pub fn new(window: &Window) -> Result<Self, PayloadError> {
        let mut messages = Vec::with_capacity(window.batches.len() + 1);
        for batch in &window.batches {
            let bytes = payload::encode_batch(batch)?;
            messages.push((Subject::Samples(batch.stream), bytes));
        }
        let bytes = payload::encode_manifest(&window.manifest)?;
        messages.push((Subject::Window, bytes));
        Ok(Self {
            window: window.manifest.index,
            messages,
        })
    }

    /// Stands for a window that is lost: it names nothing, and says so. Data is never missing in silence.
    ///
    /// # Errors
    /// As [`Outgoing::new`].
    pub fn lost(index: u64) -> Result<Self, PayloadError> {
        let end = SessionNs((index as i64 + 1).saturating_mul(WINDOW_NS));
        let lost = TechEvent {
            t: end,
            device: None,
            kind: TechKind::WindowLost { index },
        };
        let manifest = Manifest {
            index,
            end,
            commands: Vec::new(),
            tech: vec![lost],
            batches: Vec::new(),
            last: false,
        };
        Self::new(&Window {
            manifest,
            batches: Vec::new(),
        })
    }
}

/// The samples of `window` for other people's programs.
///
/// # Errors
/// A payload that cannot be formed.
pub fn readable(window: &Window) -> Result<Vec<(Subject, Vec<u8>)>, PayloadError> {
    let mut messages = Vec::new();
    for batch in &window.batches {
        let texts = payload::encode_readable(batch)?;
        messages.extend(texts.into_iter().map(|t| (Subject::Json(batch.stream), t)));
    }
    Ok(messages)
}
