//! Devices that no session holds: what is on the air, how full a battery is, and a link that was left behind.

use super::{
    central::{Central, RadioError, heard},
    device::Device,
    identity::Seen,
    protocol::{Event, Request},
};
use futures::StreamExt;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{sleep, timeout};

/// What is on the air for `for_s` seconds, each device once, as it was heard last; and nothing is connected to.
///
/// # Errors
/// There is no adapter, or it does not scan.
pub async fn scan(adapter: Option<&str>, for_s: f64) -> Result<Vec<Seen>, RadioError> {
    let central = Central::open(adapter).await?;
    let mut events = central.events().await?;
    let mut tries = 0;
    while let Err(reason) = central.start_scan().await {
        tries += 1;
        // Right after the service started it may be busy.
        if tries == 20 {
            return Err(RadioError::Service(reason));
        }
        sleep(Duration::from_millis(250)).await;
    }
    let mut found = BTreeMap::new();
    let listen = async {
        while let Some(event) = events.next().await {
            if let Some(id) = heard(event)
                && let Some(seen) = central.seen(&id).await
                && seen.rssi_dbm.is_some()
            {
                found.insert(seen.address.clone(), seen);
            }
        }
    };
    let _ = timeout(Duration::from_secs_f64(for_s), listen).await;
    central.stop_scan().await;
    Ok(found.into_values().collect())
}

/// As [`scan`], from a thread that may block: btleplug wants a runtime of one thread.
///
/// # Errors
/// As [`scan`], or no runtime can be made.
pub fn scan_blocking(adapter: Option<&str>, for_s: f64) -> Result<Vec<Seen>, RadioError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| RadioError::Over(e.to_string()))?;
    runtime.block_on(scan(adapter, for_s))
}

/// Connects to a device that was just heard, asks for its battery, and disconnects. %
///
/// # Errors
/// Why it could not be asked.
pub async fn battery(adapter: Option<&str>, address: &str) -> Result<Option<u8>, String> {
    let (device, _values) = Device::open(adapter, address).await?;
    let asked = match device.carry_out(Request::Connect(address.to_owned())).await {
        Event::Done(_) => device.carry_out(Request::Discover).await,
        other => other,
    };
    device.carry_out(Request::Disconnect).await;
    match asked {
        Event::Offers(offer) => Ok(offer.battery_percent),
        Event::Refused(reason) => Err(reason),
        _ => Ok(None),
    }
}

/// Ends a connection that the system has to a device, whoever made it.
///
/// # Errors
/// Why it is still there.
pub(super) async fn release(adapter: Option<&str>, address: &str) -> Result<(), String> {
    let (device, _values) = Device::open(adapter, address).await?;
    match device.carry_out(Request::Disconnect).await {
        Event::Refused(reason) => Err(reason),
        _ => Ok(()),
    }
}
