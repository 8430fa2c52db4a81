//! All sensors of a session as one source: the radio's and the phones', by their position in the configuration.

use super::{
    ble::{Config, Purpose, RadioError, radio},
    outlet::{Clock, Outlet},
    phone::{Door, Phones, inlet},
    sensor::SensorConfig,
};
use crate::{
    model::{
        link::{LinkStatus, Stage},
        packet::DeviceIndex,
    },
    wire::recording::Item,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Running sensors.
pub struct Sensors {
    /// Where every one of them stands.
    pub status: watch::Receiver<Vec<LinkStatus>>,
    /// Why they ended, once they have: everything of them was said then.
    pub over: JoinHandle<Result<(), RadioError>>,
}

/// Starts what `sensors` need: the radio, if one of them is on the air; the door, if one is a phone. Packets and link
/// changes go to `items` until `stop`, then all streams are stopped and all links closed.
///
/// # Errors
/// A sensor names no driver, or no thread can be started.
pub fn start(
    config: &Config,
    sensors: &[SensorConfig],
    purpose: Purpose,
    clock: Clock,
    door: &Door,
    items: mpsc::Sender<Item>,
    stop: CancellationToken,
) -> Result<Sensors, RadioError> {
    let outlet = Outlet::new(items, clock);
    let (board, status) = watch::channel(sensors.iter().zip(0..).map(unheard).collect());
    let phones = Phones::new(sensors);
    let inlet = (!phones.is_empty()).then(|| {
        let (pushes, stop) = (door.open(), stop.clone());
        tokio::spawn(inlet::run(
            phones,
            pushes,
            outlet.clone(),
            board.clone(),
            stop,
        ))
    });
    let on_air = sensors.iter().any(|s| !s.is_phone());
    let radio = on_air
        .then(|| radio::start(config, sensors, purpose, outlet, board, stop.clone()))
        .transpose()?;
    let over = tokio::spawn(async move {
        let gone = |e: String| RadioError::Over(e);
        let mut ended = Ok(());
        if let Some(radio) = radio {
            ended = radio
                .await
                .map_err(|e| gone(e.to_string()))
                .and_then(|ended| ended);
            // A session does not outlive its radio.
            stop.cancel();
        }
        if let Some(inlet) = inlet {
            inlet.await.map_err(|e| gone(e.to_string()))?;
        }
        ended
    });
    Ok(Sensors { status, over })
}

/// A sensor of which nothing is known yet.
fn unheard((sensor, i): (&SensorConfig, u16)) -> LinkStatus {
    LinkStatus {
        device: DeviceIndex(i),
        alias: sensor.alias.clone(),
        stage: Stage::Absent,
        without: false,
        reason: None,
        skipped: Vec::new(),
        missed: Vec::new(),
        blank: false,
        rssi_dbm: None,
        battery_percent: None,
        serial: None,
        address_tail: None,
        firmware: None,
        connections: 0,
        characteristics: Vec::new(),
    }
}
