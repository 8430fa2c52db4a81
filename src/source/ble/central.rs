//! The adapter in btleplug: scanning, what is heard, whether it answers. A D-Bus connection of its own, because the
//! system's bus confuses the rules of several devices on one.

use super::{fleet::Adapter as Power, identity::Seen};
use crate::{decode::Advert, model::packet::Uuid};
use btleplug::{
    api::{Central as _, CentralEvent, CentralState, Manager as _, Peripheral as _, ScanFilter},
    platform::{Adapter, Manager, Peripheral, PeripheralId},
};
use futures::Stream;
use std::{future::Future, pin::Pin, time::Duration};
use tokio::time::timeout;

/// Longest answer of the Bluetooth service to a plain question.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to the bus that was of no use so often in a row is made anew.
const BUS_FAILURES: u32 = 5;

/// Why there is no adapter.
#[derive(Debug, thiserror::Error)]
pub enum RadioError {
    /// The system bus or the Bluetooth service does not answer.
    #[error(
        "reach the Bluetooth service: {0} (is bluetoothd running, and may this user talk to it?)"
    )]
    Service(String),
    /// No adapter, or none of that name.
    #[error("find a Bluetooth adapter{}: there {}", called(.wanted.as_deref()), listed(.there))]
    NoAdapter {
        /// The one that was asked for.
        wanted: Option<String>,
        /// Those there are.
        there: Vec<String>,
    },
    /// The radio's thread ended.
    #[error("keep the radio running: {0}")]
    Over(String),
}

impl RadioError {
    /// Not even that nobody serves Bluetooth was answered.
    fn is_of_the_bus(&self) -> bool {
        matches!(self, Self::Service(said) if !said.contains("org.bluez"))
    }
}

fn called(name: Option<&str>) -> String {
    name.map(|n| format!(" called {n}")).unwrap_or_default()
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "is none".to_owned()
    } else {
        format!("is {}", names.join(", "))
    }
}

/// A stream of what the adapter says.
pub(super) type Events = Pin<Box<dyn Stream<Item = CentralEvent> + Send>>;

/// A connection to the system bus. It stays until the runtime ends, whoever drops it, and a bus takes so many: it is not
/// to be made again and again while the Bluetooth service is away.
#[derive(Default)]
pub(super) struct Bus {
    manager: Option<Manager>,
    /// How often in a row it was of no use.
    failures: u32,
}

impl Bus {
    /// Opens the adapter of that name or address; the first without one.
    pub(super) async fn central(&mut self, wanted: Option<&str>) -> Result<Central, RadioError> {
        let manager = match &self.manager {
            Some(manager) => manager.clone(),
            None => self.manager.insert(answer(Manager::new()).await?).clone(),
        };
        let found = Central::find(&manager, wanted).await;
        let useless = found.as_ref().is_err_and(RadioError::is_of_the_bus);
        self.failures = if useless { self.failures + 1 } else { 0 };
        if self.failures >= BUS_FAILURES {
            *self = Self::default();
        }
        found
    }
}

/// The adapter.
#[derive(Clone)]
pub(super) struct Central {
    adapter: Adapter,
}

impl Central {
    /// Opens the adapter of that name or address, the first without one, on a connection of its own.
    pub(super) async fn open(wanted: Option<&str>) -> Result<Self, RadioError> {
        Bus::default().central(wanted).await
    }

    async fn find(manager: &Manager, wanted: Option<&str>) -> Result<Self, RadioError> {
        let mut adapters = Vec::new();
        for adapter in answer(manager.adapters()).await? {
            let info = answer(adapter.adapter_info()).await?;
            let address = answer(adapter.adapter_address()).await?;
            let name = info.split(' ').next().unwrap_or_default();
            // The object path's last part is what people call it.
            let name = name.rsplit('/').next().unwrap_or_default().to_owned();
            adapters.push((name, address.map(|a| a.to_string()), adapter));
        }
        adapters.sort_by(|a, b| a.0.cmp(&b.0));
        let is_wanted = |name: &str, address: Option<&str>| {
            wanted.is_none_or(|w| w == name || address.is_some_and(|a| a.eq_ignore_ascii_case(w)))
        };
        let there = adapters.iter().map(|(name, ..)| name.clone()).collect();
        adapters
            .into_iter()
            .find(|(name, address, _)| is_wanted(name, address.as_deref()))
            .map(|(.., adapter)| Self { adapter })
            .ok_or_else(|| RadioError::NoAdapter {
                wanted: wanted.map(str::to_owned),
                there,
            })
    }

    /// What the adapter says from now on; first what it remembers.
    pub(super) async fn events(&self) -> Result<Events, RadioError> {
        answer(self.adapter.events()).await
    }

    /// Begins a scan. One that runs already is fine.
    pub(super) async fn start_scan(&self) -> Result<(), String> {
        match timeout(PATIENCE, self.adapter.start_scan(ScanFilter::default())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(e)) if e.to_string().contains("InProgress") => Ok(()),
            Ok(Err(e)) => Err(e.to_string()),
            Err(_) => Err("no answer".to_owned()),
        }
    }

    /// Ends a scan. That none runs is fine.
    pub(super) async fn stop_scan(&self) {
        let _ = timeout(PATIENCE, self.adapter.stop_scan()).await;
    }

    /// Whether the adapter answers, and is powered. btleplug calls an adapter that does not answer switched off: it is
    /// asked for its name first.
    pub(super) async fn power(&self) -> Power {
        if answer(self.adapter.adapter_info()).await.is_err() {
            return Power::Gone;
        }
        match timeout(PATIENCE, self.adapter.adapter_state()).await {
            Ok(Ok(CentralState::PoweredOn)) => Power::On,
            Ok(Ok(_)) => Power::Off,
            _ => Power::Gone,
        }
    }

    /// What is known of a device that said something.
    pub(super) async fn seen(&self, id: &PeripheralId) -> Option<Seen> {
        let peripheral = answer(self.adapter.peripheral(id)).await.ok()?;
        self.look(&peripheral).await
    }

    /// Every device that the system hears now or is connected to. It says so only when a signal changes, and may say
    /// nothing of one that stays where it is.
    pub(super) async fn around(&self) -> Vec<Seen> {
        let mut around = Vec::new();
        for peripheral in self.peripherals().await.unwrap_or_default() {
            around.extend(
                self.look(&peripheral)
                    .await
                    .filter(|s| s.rssi_dbm.is_some() || s.is_connected),
            );
        }
        around
    }

    async fn look(&self, peripheral: &Peripheral) -> Option<Seen> {
        let properties = answer(peripheral.properties()).await.ok()??;
        let mut manufacturer: Vec<_> = properties.manufacturer_data.into_iter().collect();
        manufacturer.sort();
        // A device without a name is called by its address: that is no name.
        let address = properties.address.to_string();
        let called = properties
            .local_name
            .filter(|n| n.replace('-', ":") != address);
        let name = properties.advertisement_name.or(called);
        let is_connected =
            properties.rssi.is_none() && answer(peripheral.is_connected()).await.unwrap_or(false);
        Some(Seen {
            address,
            advert: Advert {
                name: name.unwrap_or_default(),
                services: properties
                    .services
                    .iter()
                    .map(|u| Uuid(u.as_u128()))
                    .collect(),
                manufacturer,
            },
            rssi_dbm: properties.rssi,
            is_connected,
        })
    }

    /// The devices the system knows.
    pub(super) async fn peripherals(&self) -> Result<Vec<Peripheral>, String> {
        let known = answer(self.adapter.peripherals()).await;
        known.map_err(|e| e.to_string())
    }
}

/// The device that said something of itself.
pub(super) fn heard(event: CentralEvent) -> Option<PeripheralId> {
    match event {
        CentralEvent::DeviceDiscovered(id)
        | CentralEvent::DeviceUpdated(id)
        | CentralEvent::RssiUpdate { id, .. }
        | CentralEvent::ManufacturerDataAdvertisement { id, .. }
        | CentralEvent::ServiceDataAdvertisement { id, .. }
        | CentralEvent::ServicesAdvertisement { id, .. } => Some(id),
        _ => None,
    }
}

async fn answer<T>(question: impl Future<Output = btleplug::Result<T>>) -> Result<T, RadioError> {
    match timeout(PATIENCE, question).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(e)) => Err(RadioError::Service(e.to_string())),
        Err(_) => Err(RadioError::Service("no answer".to_owned())),
    }
}
