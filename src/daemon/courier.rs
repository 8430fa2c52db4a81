//! Windows to the bus, as the delivery says which: live ones at once, older ones in what room is left, all of them
//! until every consumer has them.
//!
//! The newest windows are kept as bytes, because a short interruption should cost nothing; what has fallen out of
//! these comes again from the recording. A window that is in neither is lost: it is counted, and said in its place.

use super::{
    link::{Link, LinkError},
    outgoing::{self, Outgoing},
    spool::Spool,
};
use crate::{
    model::{
        session::{SessionHeader, SessionId},
        window::Window,
    },
    mqtt::publisher::Offered,
    pipeline::delivery::{Delivery, Position},
    wire::{payload::PayloadError, topic::Subject},
};
use std::{
    collections::VecDeque,
    path::PathBuf,
    time::{Duration, Instant},
};
use tracing::{error, info};

/// Windows kept in memory: half a minute.
const KEPT: usize = 300;
/// Live windows that go ahead of the backlog: what is older than a second is no longer live.
const LIVE: usize = 10;
/// Messages of the backlog that may be without acknowledgement of the broker: the rest of its window is for what is
/// live.
const BACKLOG_IN_FLIGHT: usize = 50;
/// The recording cannot be read: another try after this long.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// Windows behind one that the recording does not have are believed not to be there, either, for this long.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// Nothing moved for this long: what was sent is believed lost. Doubled every time, up to the longest.
const STALL: Duration = Duration::from_secs(3);
const LONGEST_STALL: Duration = Duration::from_secs(30);

/// A window that goes ahead of the backlog.
struct Live {
    window: u64,
    /// Its samples for other people's programs: said once at most, kept by nobody.
    json: Vec<(Subject, Vec<u8>)>,
}

/// Carries the windows of one session.
pub struct Courier {
    header: SessionHeader,
    delivery: Delivery,
    kept: VecDeque<Outgoing>,
    live: VecDeque<Live>,
    /// Live windows are also said as JSON.
    json: bool,
    recording: Option<PathBuf>,
    spool: Option<Spool>,
    /// From the recording, not sent yet.
    fetched: Option<Outgoing>,
    /// The recording was asked for this window and has none, nor any later one then.
    missing: Option<(u64, Instant)>,
    /// When the recording could not be read.
    unreadable: Option<Instant>,
    lost: u64,
    /// When any consumer came on, or could begin to.
    moved: Instant,
    /// When the one that is furthest behind did: another that comes on does not help it.
    came_on: Instant,
    /// When what was not taken became due again.
    asked: Instant,
    stall: Duration,
}

impl Courier {
    /// Nothing to carry yet, to these consumers; `recording` is where windows can be made again from.
    #[must_use]
    pub fn new(
        header: SessionHeader,
        consumers: &[&'static str],
        recording: Option<PathBuf>,
    ) -> Self {
        Self {
            header,
            delivery: Delivery::new(consumers),
            kept: VecDeque::new(),
            live: VecDeque::new(),
            json: false,
            recording,
            spool: None,
            fetched: None,
            missing: None,
            unreadable: None,
            lost: 0,
            moved: Instant::now(),
            came_on: Instant::now(),
            asked: Instant::now(),
            stall: STALL,
        }
    }

    /// Live windows are also said as JSON.
    #[must_use]
    pub fn with_json(mut self) -> Self {
        self.json = true;
        self
    }

    /// Where the delivery stands.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// Windows that could not be carried.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// How long nothing has moved.
    #[must_use]
    pub fn quiet(&self) -> Duration {
        self.moved.elapsed()
    }

    /// Takes the next window of the session.
    ///
    /// # Errors
    /// A payload that cannot be formed.
    pub fn take(&mut self, window: &Window) -> Result<(), PayloadError> {
        if self.delivery.open() == 0 {
            self.moved = Instant::now();
            self.came_on = self.moved;
        }
        let number = self.delivery.made();
        self.kept.push_back(Outgoing::new(window)?);
        if number >= self.delivery.covered() {
            let json = if self.json {
                outgoing::readable(window)?
            } else {
                Vec::new()
            };
            self.live.push_back(Live {
                window: number,
                json,
            });
        }
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        if self.live.len() > LIVE {
            self.live.pop_front();
        }
        Ok(())
    }

    /// A consumer says where it stands.
    pub fn position(&mut self, consumer: &str, position: Position) {
        let before = self.delivery.covered();
        if self.delivery.position(consumer, position) {
            self.moved = Instant::now();
        }
        if self.delivery.covered() > before {
            self.came_on = Instant::now();
            self.stall = STALL;
        }
    }

    /// The connection is new: nothing that was sent on the old one is believed to have come.
    pub fn again(&mut self) {
        self.delivery.again();
        self.moved = Instant::now();
        (self.came_on, self.asked) = (self.moved, self.moved);
    }

    /// Whether the furthest behind has not come on for so long that what was sent is believed lost; it is due again then.
    pub fn stalled(&mut self) -> bool {
        let since = self.came_on.max(self.asked);
        let stalled = !self.delivery.complete() && since.elapsed() > self.stall;
        if stalled {
            self.stall = (self.stall * 2).min(LONGEST_STALL);
            self.delivery.again();
            // Asking is no movement: who is asked in vain for long enough is given up.
            self.asked = Instant::now();
        }
        stalled
    }

    /// Sends what there is room for.
    ///
    /// # Errors
    /// The bus refuses for good.
    pub fn pump(&mut self, link: &Link) -> Result<(), LinkError> {
        let session = &self.header.session;
        while let Some(live) = self.live.front() {
            // What was sent with the backlog is harmless to send twice.
            if let Some(outgoing) = find(&self.kept, live.window)
                && !offer(link, session, outgoing)?
            {
                return Ok(());
            }
            self.delivery.sent(live.window);
            for (subject, bytes) in self.live.pop_front().into_iter().flat_map(|l| l.json) {
                // What there is no room for is not said.
                let _ = link.offer(session, subject, bytes)?;
            }
        }
        while let Some(window) = self.delivery.next() {
            if link.on_the_way() > BACKLOG_IN_FLIGHT {
                return Ok(());
            }
            self.recall(window)?;
            let fetched = self.fetched.as_ref().filter(|o| o.window == window);
            let Some(outgoing) = find(&self.kept, window).or(fetched) else {
                return Ok(());
            };
            if !offer(link, &self.header.session, outgoing)? {
                return Ok(());
            }
            self.delivery.sent(window);
        }
        self.spool = None;
        self.fetched = None;
        Ok(())
    }

    /// Sees to it that `window` comes from the recording, if it is not kept.
    fn recall(&mut self, window: u64) -> Result<(), PayloadError> {
        let here = find(&self.kept, window).is_some()
            || self.fetched.as_ref().is_some_and(|o| o.window == window);
        let coming = |s: &Spool| s.next_window() == window;
        let later = self.unreadable.is_some_and(|at| at.elapsed() < READ_AGAIN);
        if here || later || self.spool.as_ref().is_some_and(coming) {
            return Ok(());
        }
        let Some(path) = self.recording.as_ref().filter(|_| !self.is_missing(window)) else {
            error!(window, "a window is lost: it is neither kept nor recorded");
            self.lost += 1;
            self.fetched = Some(Outgoing::lost(window)?);
            return Ok(());
        };
        info!(window, "windows come again from the recording");
        self.fetched = None;
        self.spool = Some(Spool::open(path.clone(), self.header.clone(), window));
        Ok(())
    }

    /// The recording has no such window; one that is written still is asked again in a while.
    fn is_missing(&self, window: u64) -> bool {
        let known = |(from, at): (u64, Instant)| {
            window == from || window > from && at.elapsed() < ASK_AGAIN
        };
        self.missing.is_some_and(known)
    }

    /// Waits for a window of the recording; forever if none is wanted.
    pub async fn fetch(&mut self) {
        let wanted = self.delivery.next();
        let Some(spool) = self
            .spool
            .as_mut()
            .filter(|s| Some(s.next_window()) == wanted)
        else {
            return std::future::pending().await;
        };
        let from = spool.next_window();
        match spool.next().await {
            Ok(Some(outgoing)) => {
                self.missing = None;
                self.unreadable = None;
                self.fetched = Some(outgoing);
            }
            Ok(None) => {
                // It has what it had when it was opened: another look is worth it, once.
                self.missing = spool.is_fresh().then(|| (from, Instant::now()));
                self.spool = None;
            }
            Err(e) => {
                // Not to be read now is not lost.
                error!("failed to make windows again from the recording: {e:#}");
                self.unreadable = Some(Instant::now());
                self.spool = None;
            }
        }
    }
}

fn find(kept: &VecDeque<Outgoing>, window: u64) -> Option<&Outgoing> {
    let first = kept.front()?.window;
    kept.get(usize::try_from(window.checked_sub(first)?).ok()?)
}

/// Whether the bus took all of it. What it took of a window that it did not take whole goes again: doubles are
/// harmless.
fn offer(link: &Link, session: &SessionId, outgoing: &Outgoing) -> Result<bool, LinkError> {
    for (subject, bytes) in &outgoing.messages {
        if link.offer(session, subject.clone(), bytes.clone())? != Offered::Taken {
            return Ok(false);
        }
    }
    Ok(true)
}
