//! A session with real sensors: its header, its radio, its end.

use super::{
    clock::{host_now, wall_now},
    gateway::{Carried, Sensors},
    plant::{Carry, Plant, fresh_id},
    roster::Roster,
};
use crate::{
    config::{Config, plan::LoadedPlan},
    model::{
        command::{Command, StopReason},
        session::{Origin, Sensor, SessionHeader, SessionId},
    },
    source::{ble::Purpose, sensor::SensorConfig, sensors},
    wire::recording::Item,
};
use anyhow::{Context, Result};
use std::{collections::BTreeSet, path::Path};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Packets on their way from the radio to the session: half a minute of six fast sensors. When it is full the radio
/// counts what it has to leave out.
pub const PACKETS: usize = 32_768;

/// What a session with sensors is about.
pub struct Wanted<'a> {
    /// Pseudonym of the client; never a name.
    pub client: &'a str,
    /// The plan it is judged by.
    pub plan: Option<&'a LoadedPlan>,
}

/// The header of a session that begins now.
#[must_use]
pub fn header(config: &Config, wanted: &Wanted) -> SessionHeader {
    let started_at = wall_now();
    let id: String = started_at
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let plan = wanted.plan;
    SessionHeader {
        schema: "plimsoll-session/1".to_owned(),
        session: SessionId(format!("{}-{id}", wanted.client)),
        client: wanted.client.to_owned(),
        origin: Origin::Sensors,
        started_at,
        started_host: host_now(),
        sensors: config.sensors.iter().map(sensor).collect(),
        plan_sha256: plan.map(|p| p.sha256.clone()),
        plan_label: plan.map(|p| format!("{} v{}", p.plan.plan_id, p.plan.version)),
        baselines: Vec::new(),
        software: env!("CARGO_PKG_VERSION").to_owned(),
        library_sha256: crate::wire::library::sha256(),
    }
}

fn sensor(config: &SensorConfig) -> Sensor {
    let nominal_hz = config
        .driver()
        .map_or(0.0, |d| d.nominal_hz(&config.wish()));
    Sensor {
        alias: config.alias.clone(),
        driver: config.driver.clone(),
        segment: config.segment,
        confirmed_by: config.confirmed_by.clone(),
        nominal_hz,
    }
}

/// A session that is over.
pub struct Ended {
    /// Its id.
    pub session: SessionId,
    /// How it went.
    pub how: Carried,
}

/// Runs a session of the configured sensors until `stop`.
///
/// # Errors
/// No adapter, the bus, a consumer that does not answer, a radio that gave up.
pub async fn run(
    plant: &mut Plant,
    config: &Config,
    mut header: SessionHeader,
    plan: Option<&LoadedPlan>,
    record_to: &Path,
    stop: &CancellationToken,
) -> Result<Ended> {
    header.session = fresh_id(plant.store().as_deref(), &header.session)?;
    header.baselines = plant.baselines(&header.client)?;
    let session = header.session.clone();
    let (sender, items) = mpsc::channel(PACKETS);
    let sensors_stop = stop.child_token();
    let running = sensors::start(
        &config.ble,
        &config.sensors,
        Purpose::Session,
        host_now,
        plant.door(),
        sender.clone(),
        sensors_stop.clone(),
    )?;
    let mut status = running.status;
    // Where they stand at the beginning is news, too.
    status.mark_changed();
    let sensors = Sensors {
        clock: host_now,
        status,
        without: BTreeSet::new(),
        roster: Roster::new(&header, plan.map(|p| &p.plan)),
        reserve_mb: config.store.reserve_mb,
    };
    let carry = Carry {
        header,
        plan_text: plan.map(|p| p.text.clone()),
        items,
        waits: false,
        sensors: Some(sensors),
    };
    let over = running.over;
    // The last item: it closes the set that may still run, and says when the session ended.
    let ending = tokio::spawn(async move {
        let ended = over.await;
        let reason = StopReason::SessionEnd;
        let last = Item::Command(host_now(), Command::EndSet { reason });
        let _ = sender.send(last).await;
        ended
    });
    let never = CancellationToken::new();
    let how = plant.carry(carry, Some(record_to), &never).await;
    // However it ended: sensors that nobody listens to are stopped.
    sensors_stop.cancel();
    let sensors_ended = ending.await.context("wait for the sensors")?;
    let how = how?;
    sensors_ended.context("wait for the sensors")??;
    Ok(Ended { session, how })
}
