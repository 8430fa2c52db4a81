//! Sensors to the bus: every item is recorded first, then cut into windows, then published.
//!
//! Paced by what the consumers have acknowledged, so that neither a broker's memory nor its PUBACK is
//! trusted with data: at most [`CREDIT_WINDOWS`] windows are on their way at any time.

use super::{
    hub::{ANALYSIS, STORE},
    link::{Link, LinkError},
};
use crate::{
    model::{
        session::{SessionHeader, SessionId},
        window::Window,
    },
    pipeline::{
        batch,
        ingest::{Ingest, IngestError},
    },
    source::recorder::{Recorder, RecorderError},
    wire::{
        payload::{self, Announcement},
        recording::Item,
        topic::Subject,
    },
};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::error;

/// Windows that may be on their way before one of the consumers has to acknowledge: 6.4 s.
pub const CREDIT_WINDOWS: u64 = 64;

/// How long to wait for an acknowledgement before saying that a consumer does not answer.
const ACK_PATIENCE: Duration = Duration::from_secs(30);

/// The session could not be carried to its end.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The bus.
    #[error(transparent)]
    Bus(#[from] LinkError),
    /// A sensor without a driver.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// A consumer is silent.
    #[error("get an acknowledgement from the {consumer} within {} s (it has acknowledged window {seen:?} of {published})", ACK_PATIENCE.as_secs())]
    Unacknowledged {
        /// `store` or `analysis`.
        consumer: &'static str,
        /// Its last acknowledgement.
        seen: Option<u64>,
        /// Windows published.
        published: u64,
    },
}

/// How a session went.
#[derive(Debug)]
pub struct Carried {
    /// Windows published and acknowledged by every consumer.
    pub windows: u64,
    /// The recording could not be written to its end; the session itself is in the store.
    pub recording_error: Option<RecorderError>,
    /// The session was stopped before its source ended.
    pub stopped: bool,
}

/// One session on its way to the bus.
pub struct Gateway {
    link: Link,
    session: SessionId,
    ingest: Ingest,
    acks: BTreeMap<&'static str, (Option<u64>, bool)>,
    published: u64,
}

impl Gateway {
    /// Announces the session.
    ///
    /// # Errors
    /// The bus, or a sensor without a driver.
    pub async fn announce(
        link: Link,
        header: &SessionHeader,
        plan_text: Option<&str>,
    ) -> Result<Self, GatewayError> {
        let ingest = Ingest::new(header)?;
        let session = header.session.clone();
        let announcement = Announcement {
            header: header.clone(),
            plan_text: plan_text.map(str::to_owned),
        };
        let bytes = payload::encode_announcement(&announcement).map_err(LinkError::from)?;
        link.publish(&session, Subject::Session, bytes).await?;
        let acks = BTreeMap::from([(ANALYSIS, (None, false)), (STORE, (None, false))]);
        Ok(Self {
            link,
            session,
            ingest,
            acks,
            published: 0,
        })
    }

    /// Carries `items` until they end or `stop`; then waits until all consumers have all of it.
    ///
    /// # Errors
    /// The bus refuses, or a consumer does not acknowledge.
    pub async fn carry(
        mut self,
        mut items: mpsc::Receiver<Item>,
        mut recorder: Option<Recorder>,
        header: &SessionHeader,
        stop: CancellationToken,
    ) -> Result<Carried, GatewayError> {
        let (mut out, mut recording_error) = (Vec::new(), None);
        let mut end = header.started_host;
        let mut stopped = false;
        loop {
            let item = tokio::select! {
                biased;
                () = stop.cancelled() => { stopped = true; None }
                item = items.recv() => item,
            };
            let Some(item) = item else { break };
            end = end.max(item.host());
            record(&mut recorder, &item, &mut recording_error);
            batch::take(&mut self.ingest, &item, &mut out);
            self.publish(&mut out).await?;
        }
        self.ingest.finish(end, &mut out);
        self.publish(&mut out).await?;
        if let Some(recorder) = recorder
            && let Err(e) = recorder.finish()
        {
            recording_error.get_or_insert(e);
        }
        self.wait(|acks| acks.values().all(|(_, closed)| *closed))
            .await?;
        // Takes back the retained announcement: the session is over.
        self.link
            .publish(&self.session, Subject::Session, Vec::new())
            .await?;
        self.link.flush(ACK_PATIENCE).await?;
        Ok(Carried {
            windows: self.published,
            recording_error,
            stopped,
        })
    }

    async fn publish(&mut self, windows: &mut Vec<Window>) -> Result<(), GatewayError> {
        for window in windows.drain(..) {
            for batch in &window.batches {
                let bytes = payload::encode_batch(batch).map_err(LinkError::from)?;
                self.link
                    .publish(&self.session, Subject::Samples(batch.stream), bytes)
                    .await?;
            }
            let bytes = payload::encode_manifest(&window.manifest).map_err(LinkError::from)?;
            self.link
                .publish(&self.session, Subject::Window, bytes)
                .await?;
            self.published += 1;
            self.ingest.recycle(window);
            let enough = self.published.saturating_sub(CREDIT_WINDOWS);
            let come = move |window: Option<u64>| window.map_or(0, |w| w + 1) >= enough;
            self.wait(|acks| acks.values().all(|(window, _)| come(*window)))
                .await?;
        }
        Ok(())
    }

    /// Waits until the acknowledgements are as `enough` wants them.
    async fn wait(
        &mut self,
        enough: impl Fn(&BTreeMap<&'static str, (Option<u64>, bool)>) -> bool,
    ) -> Result<(), GatewayError> {
        let never = CancellationToken::new();
        while !enough(&self.acks) {
            let next = tokio::time::timeout(ACK_PATIENCE, self.link.next(&never)).await;
            let Ok(Some((topic, bytes))) = next else {
                return Err(self.silent());
            };
            let Subject::Ack(consumer) = topic.subject() else {
                continue;
            };
            let Some(known) = self.acks.get_mut(consumer.as_str()) else {
                continue;
            };
            match payload::decode_ack(&bytes) {
                Ok(ack) => *known = (Some(ack.window), ack.closed),
                Err(e) => error!("failed to read an acknowledgement: {e}"),
            }
        }
        Ok(())
    }

    fn silent(&self) -> GatewayError {
        let slowest = self
            .acks
            .iter()
            .min_by_key(|(_, (window, closed))| (*closed, *window));
        let (consumer, seen) =
            slowest.map_or(("store", None), |(name, (window, _))| (*name, *window));
        GatewayError::Unacknowledged {
            consumer,
            seen,
            published: self.published,
        }
    }
}

/// Records before anything else; the first failure is said and kept, the session goes on.
fn record(recorder: &mut Option<Recorder>, item: &Item, failure: &mut Option<RecorderError>) {
    if let Some(writer) = recorder
        && let Err(e) = tokio::task::block_in_place(|| writer.item(item))
    {
        error!("failed to write the recording, the session goes on without it: {e}");
        failure.get_or_insert(e);
        *recorder = None;
    }
}
