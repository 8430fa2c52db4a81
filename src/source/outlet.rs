//! Packets and link changes on their way to the session, whatever they come over.
//!
//! Where the queue to the session is full, packets are counted, and the count is said as soon as there is room.

use crate::{
    model::{
        link::{LinkChange, LinkEvent, LinkStatus},
        packet::{DeviceIndex, Packet},
        time::HostNs,
    },
    wire::recording::Item,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{mpsc, watch};
use tracing::warn;

/// The host's clock.
pub type Clock = fn() -> HostNs;

/// The way to the session; all clones are one.
#[derive(Clone)]
pub(super) struct Outlet {
    pub(super) items: mpsc::Sender<Item>,
    pub(super) clock: Clock,
    /// Packets of each sensor that found no room.
    lost: Arc<Mutex<BTreeMap<DeviceIndex, u64>>>,
}

impl Outlet {
    pub(super) fn new(items: mpsc::Sender<Item>, clock: Clock) -> Self {
        Self {
            items,
            clock,
            lost: Arc::default(),
        }
    }

    /// Whether there was room; a packet without is counted.
    pub(super) fn packet(&self, packet: Packet) -> bool {
        let device = packet.device;
        self.say_lost();
        let taken = self.items.try_send(Item::Packet(packet)).is_ok();
        if !taken {
            *self.lost().entry(device).or_default() += 1;
        }
        taken
    }

    /// Says what is still unsaid, and waits until there is room.
    pub(super) async fn say_last(&self) {
        let lost = std::mem::take(&mut *self.lost());
        for (device, packets) in lost {
            let change = LinkChange::Overflow { packets };
            let item = Item::Link((self.clock)(), LinkEvent { device, change });
            // Nobody is left to be told.
            let _ = self.items.send(item).await;
        }
    }

    pub(super) fn say_lost(&self) {
        let mut lost = self.lost();
        while let Some((&device, &packets)) = lost.first_key_value() {
            let change = LinkChange::Overflow { packets };
            let event = LinkEvent { device, change };
            if self
                .items
                .try_send(Item::Link((self.clock)(), event))
                .is_err()
            {
                return;
            }
            warn!(
                packets,
                device = device.0,
                "packets were lost: the queue was full"
            );
            lost.pop_first();
        }
    }

    fn lost(&self) -> MutexGuard<'_, BTreeMap<DeviceIndex, u64>> {
        // A count is whole at any moment.
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where every sensor of the session stands, in the order of the session: each source keeps its own up to date.
pub(super) type Board = watch::Sender<Vec<LinkStatus>>;

/// Says where these sensors stand now, and calls `changed` for each whose stage did.
pub(super) fn say_status(board: &Board, now: Vec<LinkStatus>, changed: impl Fn(&LinkStatus)) {
    board.send_if_modified(|all| {
        let mut news = false;
        for status in now {
            let Some(old) = all.iter_mut().find(|s| s.device == status.device) else {
                continue;
            };
            if old.stage != status.stage {
                changed(&status);
            }
            news |= *old != status;
            *old = status;
        }
        news
    });
}
