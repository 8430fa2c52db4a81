//! Where messages of phones come in: open while a session with phones runs.

use super::phones::Refusal;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// Messages that may wait.
const WAITING: usize = 64;

/// A message and who waits for what becomes of it.
pub(in super::super) struct Push {
    pub(super) body: Vec<u8>,
    pub(super) answer: oneshot::Sender<Result<(), Refusal>>,
}

/// The door; all clones are one.
#[derive(Clone, Default)]
pub struct Door(Arc<Mutex<Option<mpsc::Sender<Push>>>>);

impl Door {
    /// Opens it: messages come here until the receiver is dropped or it is opened again.
    pub(in super::super) fn open(&self) -> mpsc::Receiver<Push> {
        let (sender, pushes) = mpsc::channel(WAITING);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        pushes
    }

    /// Hands a message in; returns when it is on its way to the recording. Waits where many wait: nothing is turned away
    /// unsaid.
    ///
    /// # Errors
    /// It is not taken.
    pub async fn push(&self, body: Vec<u8>) -> Result<(), Refusal> {
        let open = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (answer, answered) = oneshot::channel();
        let push = Push { body, answer };
        let sent = open.ok_or(Refusal::NoSession)?.send(push).await;
        sent.map_err(|_| Refusal::NoSession)?;
        answered.await.unwrap_or(Err(Refusal::NoSession))
    }
}
