//! What the page asks for while a session runs: which sensor is shaken, and that sensors are worn where the trainer
//! says. Speaks to the session over the bus, like anyone else; where a sensor is worn is also written to the
//! configuration.

use super::{link::Link, order};
use crate::{
    config,
    model::{
        body::Segment,
        command::Command,
        packet::DeviceIndex,
        placement::Placement,
        sample::StreamKind,
        session::{SessionHeader, SessionId},
    },
    mqtt::BusConfig,
    source::ble::shake::{Shake, Shaken},
    web,
    wire::{
        payload,
        topic::{Part, Subject},
    },
};
use anyhow::{Context, Result};
use futures::future::BoxFuture;
use std::{path::PathBuf, time::Duration};
use tokio::{sync::Mutex, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::error;

/// How long somebody shakes.
const SHAKE: Duration = Duration::from_secs(3);
/// What is retained comes at once.
const ANNOUNCED: Duration = Duration::from_secs(2);

/// Answers the page.
pub struct Desk {
    bus: BusConfig,
    /// The configuration file that the sensors come from.
    file: Option<PathBuf>,
    /// One request at a time: two shakes at once would tell nothing.
    busy: Mutex<()>,
}

impl Desk {
    /// A desk on this bus; places are written to `file`.
    #[must_use]
    pub fn new(bus: BusConfig, file: Option<PathBuf>) -> Self {
        Self {
            bus,
            file,
            busy: Mutex::new(()),
        }
    }

    async fn listen(&self, session: &SessionId) -> Result<web::Shaken> {
        let (mut link, header) = self.reach(session, Part::Samples).await?;
        let mut shake = Shake::new(header.sensors.len());
        let never = CancellationToken::new();
        let hear = async {
            while let Some((_, bytes)) = link.next(&never).await {
                take(&mut shake, &header, &bytes);
            }
        };
        // It ends by the time only; that the bus went away is an empty shake.
        let _ = timeout(SHAKE, hear).await;
        Ok(outcome(&shake, &header))
    }

    async fn place(
        &self,
        session: &SessionId,
        worn: Vec<Placement>,
        confirmed_by: &str,
    ) -> Result<Result<String, String>> {
        let (mut link, header) = self.reach(session, Part::Reply).await?;
        let command = Command::Assign {
            worn: worn.clone(),
            confirmed_by: confirmed_by.to_owned(),
        };
        if let Some(refused) = order::give(&mut link, session, command).await? {
            return Ok(Err(refused));
        }
        let places: Vec<(&str, Segment)> = worn
            .iter()
            .filter_map(|p| {
                let sensor = header.sensors.get(usize::from(p.device.0))?;
                Some((sensor.alias.as_str(), p.segment))
            })
            .collect();
        let said: Vec<String> = places.iter().map(|(a, s)| format!("{a}: {s}")).collect();
        let kept = self.keep(&places, confirmed_by);
        Ok(Ok(format!("{}. {kept}", said.join(", "))))
    }

    /// Writes the places to the configuration; what became of it, for the trainer.
    fn keep(&self, places: &[(&str, Segment)], confirmed_by: &str) -> String {
        let Some(file) = &self.file else {
            return "For this session only: there is no configuration file".to_owned();
        };
        match config::place::write(file, places, confirmed_by) {
            Ok(()) => "In force, and kept in the configuration".to_owned(),
            Err(e) => {
                error!("failed to keep where sensors are worn: {e}");
                format!("In force for this session, but not kept: {e}")
            }
        }
    }

    /// A link to the session and its header.
    async fn reach(&self, session: &SessionId, part: Part) -> Result<(Link, SessionHeader)> {
        let parts = [Part::Session, part];
        let mut link = Link::visit(&self.bus, "desk", &parts, Some(session)).await?;
        let never = CancellationToken::new();
        let announced = async {
            while let Some((topic, bytes)) = link.next(&never).await {
                if *topic.subject() == Subject::Session && !bytes.is_empty() {
                    return Some(payload::decode_announcement(&bytes));
                }
            }
            None
        };
        let header = timeout(ANNOUNCED, announced).await.ok().flatten();
        let header = header.with_context(|| format!("no session {} is running", session.0))??;
        Ok((link, header.header))
    }
}

impl web::Desk for Desk {
    fn shake<'a>(&'a self, session: &'a SessionId) -> BoxFuture<'a, Result<web::Shaken, String>> {
        Box::pin(async move {
            let Ok(_alone) = self.busy.try_lock() else {
                return Err("somebody is being told apart already: wait for it".to_owned());
            };
            self.listen(session).await.map_err(|e| format!("{e:#}"))
        })
    }

    fn assign<'a>(
        &'a self,
        session: &'a SessionId,
        worn: Vec<Placement>,
        confirmed_by: &'a str,
    ) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move {
            let _alone = self.busy.lock().await;
            let placed = self.place(session, worn, confirmed_by).await;
            placed.unwrap_or_else(|e| Err(format!("{e:#}")))
        })
    }
}

/// Movement of a batch; a strap on the chest is not one to be told apart.
fn take(shake: &mut Shake, header: &SessionHeader, bytes: &[u8]) {
    // What cannot be read here is counted where it is stored and analysed.
    let Ok(batch) = payload::decode_batch(bytes) else {
        return;
    };
    let i = usize::from(batch.stream.device.0);
    let moves = matches!(batch.stream.kind, StreamKind::Imu | StreamKind::Acc);
    let strap = |i: usize| header.sensors.get(i).map(|s| s.segment) == Some(Segment::Chest);
    if moves && !strap(i) {
        for sample in &batch.samples {
            shake.push(i, sample.acceleration());
        }
    }
}

/// Which one, and how clearly, in words.
fn outcome(shake: &Shake, header: &SessionHeader) -> web::Shaken {
    let moved: Vec<f64> = shake.moved().collect();
    let (mut heard, mut silent) = (Vec::new(), Vec::new());
    for (i, sensor) in header.sensors.iter().enumerate() {
        if shake.is_heard(i) {
            heard.push((i, sensor.alias.as_str()));
        } else if sensor.segment != Segment::Chest {
            silent.push(sensor.alias.as_str());
        }
    }
    let list: Vec<String> = heard
        .iter()
        .map(|(i, alias)| format!("{alias} {:.1}", moved[*i]))
        .collect();
    let all = list.join(", ");
    let (device, words) = match shake.shaken() {
        Shaken::One(i) => {
            let others = heard
                .iter()
                .filter(|(k, _)| *k != i)
                .map(|(k, _)| moved[*k]);
            let clear = others.reduce(f64::max).map_or_else(String::new, |most| {
                format!(", every other at most {most:.1}")
            });
            let alias = header.sensors.get(i).map_or("", |s| &s.alias);
            let words = format!("{alias} was shaken: it moved {:.1} m/s²{clear}.", moved[i]);
            (u16::try_from(i).ok().map(DeviceIndex), words)
        }
        Shaken::Nobody if heard.is_empty() => (None, "No sensor sends any movement.".to_owned()),
        Shaken::Nobody => (
            None,
            format!("None was shaken ({all} m/s²). Again, harder."),
        ),
        Shaken::Several(..) => {
            let words = format!("Two moved alike ({all} m/s²). Again, and hold the others still.");
            (None, words)
        }
    };
    let words = if silent.is_empty() {
        words
    } else {
        format!("{words} Not heard: {}.", silent.join(", "))
    };
    web::Shaken { device, words }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        session::{Origin, Sensor},
        time::HostNs,
    };

    fn header() -> SessionHeader {
        let sensor = |alias: &str, segment| Sensor {
            alias: alias.to_owned(),
            driver: "witmotion".to_owned(),
            segment,
            confirmed_by: String::new(),
            nominal_hz: 50.0,
        };
        SessionHeader {
            schema: "plimsoll-session/1".to_owned(),
            session: SessionId("S".to_owned()),
            client: "C".to_owned(),
            origin: Origin::Sensors,
            started_at: String::new(),
            started_host: HostNs(0),
            sensors: vec![
                sensor("strap", Segment::Chest),
                sensor("one", Segment::Unplaced),
                sensor("two", Segment::Unplaced),
            ],
            plan_sha256: None,
            plan_label: None,
            baselines: Vec::new(),
            software: String::new(),
            library_sha256: String::new(),
        }
    }

    fn said(moved: &[(usize, f64)]) -> web::Shaken {
        let mut shake = Shake::new(3);
        for k in 0..150 {
            for (i, size) in moved {
                shake.push(*i, [size * (f64::from(k) * 0.4).sin(), 9.8, 0.0]);
            }
        }
        outcome(&shake, &header())
    }

    #[test]
    fn the_outcome_says_which_one_and_how_clearly() {
        let one = said(&[(1, 0.3), (2, 20.0)]);
        assert_eq!(one.device, Some(DeviceIndex(2)));
        assert!(one.words.contains("two was shaken"), "{}", one.words);
        assert!(
            one.words.contains("every other at most 0.2"),
            "{}",
            one.words
        );
        let alike = said(&[(1, 18.0), (2, 20.0)]);
        assert_eq!(alike.device, None);
        assert!(alike.words.contains("Two moved alike"), "{}", alike.words);
        let nobody = said(&[(1, 0.1), (2, 0.1)]);
        assert_eq!(nobody.device, None);
        assert!(nobody.words.contains("None was shaken"), "{}", nobody.words);
        let deaf = said(&[(2, 20.0)]);
        assert!(deaf.words.contains("Not heard: one."), "{}", deaf.words);
        assert_eq!(said(&[]).device, None);
    }
}
