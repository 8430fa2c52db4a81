//! One sensor's connection in btleplug: carries out what its supervisor asks, and stamps what arrives.
//!
//! One `Peripheral` and one stream of notifications for all its connections, on a D-Bus connection of its own. Results
//! go back by number, so that a late one does no harm. Only characteristics that were subscribed to count: the stream
//! also carries the values of one's own reads.

use super::{
    central::Central,
    protocol::{Event, Offer, Request},
};
use crate::{
    decode::{device_information, heart_rate},
    model::packet::Uuid,
};
use btleplug::{
    api::{Characteristic, Peripheral as _, ValueNotification, WriteType},
    platform::{Peripheral, PeripheralId},
};
use futures::Stream;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    rc::Rc,
    time::Duration,
};
use tokio::time::{sleep, timeout};

/// Below the supervisor's own limits, so that the reason comes from here. BlueZ itself tries for 40 s; a sensor in reach
/// answers in a few, and one that hangs answers the next try.
const CONNECT: Duration = Duration::from_secs(20);
const DISCOVER: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_secs(9);
const DISCONNECT: Duration = Duration::from_secs(5);
const ASIDE: Duration = Duration::from_secs(2);
/// A service table may be announced before it is complete.
const AGAIN: Duration = Duration::from_secs(1);

/// A stream of values.
pub(super) type Values = Pin<Box<dyn Stream<Item = ValueNotification> + Send>>;

/// A sensor that was connected to, or is to be.
#[derive(Clone)]
pub(super) struct Device {
    peripheral: Peripheral,
    subscribed: Rc<RefCell<BTreeSet<Uuid>>>,
    /// Connections asked for so far.
    connections: Rc<Cell<u32>>,
}

impl Device {
    /// The device of that address, as the system knows it, with the stream of its values.
    pub(super) async fn open(
        adapter: Option<&str>,
        address: &str,
    ) -> Result<(Self, Values), String> {
        let central = Central::open(adapter).await.map_err(|e| e.to_string())?;
        let peripherals = central.peripherals().await?;
        let peripheral = peripherals
            .into_iter()
            .find(|p| p.address().to_string() == address)
            .ok_or("it was heard and is gone again")?;
        let values = timeout(STEP, peripheral.notifications())
            .await
            .map_err(|_| "no answer")?
            .map_err(|e| e.to_string())?;
        let device = Self {
            peripheral,
            subscribed: Rc::default(),
            connections: Rc::default(),
        };
        Ok((device, values))
    }

    /// The characteristic counts.
    pub(super) fn is_subscribed(&self, characteristic: Uuid) -> bool {
        self.subscribed.borrow().contains(&characteristic)
    }

    /// Connections asked for so far: what belongs to one is void in the next.
    pub(super) fn connections(&self) -> u32 {
        self.connections.get()
    }

    /// It is that one.
    pub(super) fn is(&self, id: &PeripheralId) -> bool {
        self.peripheral.id() == *id
    }

    /// Still connected, as far as the system says. No answer says nothing: the system may be slow.
    pub(super) async fn is_connected(&self) -> bool {
        match timeout(ASIDE, self.peripheral.is_connected()).await {
            Ok(Ok(connected)) => connected,
            Ok(Err(_)) => false,
            Err(_) => true,
        }
    }

    /// Its characteristics: service, characteristic, what may be done with it.
    fn characteristics(&self) -> Vec<String> {
        let all = self.peripheral.characteristics();
        all.iter()
            .map(|c| format!("{} {} {:?}", c.service_uuid, c.uuid, c.properties))
            .collect()
    }

    /// Carries out one request.
    pub(super) async fn carry_out(&self, request: Request) -> Event {
        let result = match request {
            Request::Connect(_) => {
                self.subscribed.borrow_mut().clear();
                self.connections.set(self.connections.get() + 1);
                within(CONNECT, self.peripheral.connect())
                    .await
                    .map(|()| Event::Done(Vec::new()))
            }
            Request::Discover => self.discover().await.map(Event::Offers),
            Request::Subscribe(uuid) => {
                self.subscribe(uuid).await.map(|()| Event::Done(Vec::new()))
            }
            Request::Read(uuid) => self.read(uuid, STEP).await.map(Event::Done),
            Request::Write {
                characteristic,
                with_response,
                bytes,
            } => self
                .write(characteristic, with_response, &bytes)
                .await
                .map(|()| Event::Done(Vec::new())),
            Request::Disconnect => {
                self.subscribed.borrow_mut().clear();
                within(DISCONNECT, self.peripheral.disconnect())
                    .await
                    .map(|()| Event::Done(Vec::new()))
            }
        };
        result.unwrap_or_else(Event::Refused)
    }

    async fn discover(&self) -> Result<Offer, String> {
        let mut found = within(DISCOVER, self.peripheral.discover_services()).await;
        if found.is_err() || self.peripheral.characteristics().is_empty() {
            sleep(AGAIN).await;
            found = within(DISCOVER, self.peripheral.discover_services()).await;
        }
        found?;
        let serial = self.text(device_information::SERIAL).await;
        Ok(Offer {
            mtu: self.peripheral.mtu(),
            characteristics: self.characteristics(),
            serial_unread: serial.is_err() && self.find(device_information::SERIAL).is_ok(),
            serial: serial.ok().flatten(),
            firmware: self.text(device_information::FIRMWARE).await.ok().flatten(),
            battery_percent: self
                .read(heart_rate::BATTERY_LEVEL, ASIDE)
                .await
                .ok()
                .and_then(|bytes| heart_rate::battery(&bytes).ok()),
        })
    }

    /// What the device says of itself, if it says something.
    async fn text(&self, characteristic: Uuid) -> Result<Option<String>, String> {
        let bytes = self.read(characteristic, ASIDE).await?;
        Ok(device_information::text(&bytes))
    }

    async fn subscribe(&self, uuid: Uuid) -> Result<(), String> {
        let characteristic = self.find(uuid)?;
        // Before, because values may come at once.
        self.subscribed.borrow_mut().insert(uuid);
        within(STEP, self.peripheral.subscribe(&characteristic)).await
    }

    async fn read(&self, uuid: Uuid, limit: Duration) -> Result<Vec<u8>, String> {
        let characteristic = self.find(uuid)?;
        within(limit, self.peripheral.read(&characteristic)).await
    }

    async fn write(&self, uuid: Uuid, with_response: bool, bytes: &[u8]) -> Result<(), String> {
        let characteristic = self.find(uuid)?;
        let kind = if with_response {
            WriteType::WithResponse
        } else {
            WriteType::WithoutResponse
        };
        within(STEP, self.peripheral.write(&characteristic, bytes, kind)).await
    }

    fn find(&self, uuid: Uuid) -> Result<Characteristic, String> {
        self.peripheral
            .characteristics()
            .into_iter()
            .find(|c| our(c.uuid) == uuid)
            .ok_or_else(|| "the device does not have it".to_owned())
    }
}

pub(super) fn our(uuid: uuid::Uuid) -> Uuid {
    Uuid(uuid.as_u128())
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = btleplug::Result<T>>,
) -> Result<T, String> {
    match timeout(limit, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => Err(e.to_string()),
        Err(_) => Err("no answer in time".to_owned()),
    }
}
