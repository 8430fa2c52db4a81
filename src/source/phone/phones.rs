//! All phones of a session: which one a message is from, and what becomes of it. Pure.

use super::{
    super::{sensor::SensorConfig, streams::Patience},
    link::Link,
};
use crate::{
    decode::{Decoder, sensor_logger::MESSAGE},
    model::{
        link::{LinkEvent, LinkStatus},
        packet::{DeviceIndex, Packet},
        reading::{Measurand, Reading, Value},
        time::HostNs,
    },
};
use serde::Deserialize;

/// What is asked of a phone without being named.
const USUAL: [Measurand; 2] = [Measurand::Acceleration, Measurand::AngularRate];
/// Longest name of a stranger that is repeated.
const SHOWN: usize = 60;

/// Why a message is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not of the app.
    #[error(
        "no message of Sensor Logger: {0} (expected a JSON object with messageId, deviceId and payload)"
    )]
    Unreadable(String),
    /// It is from a phone that the session does not have.
    #[error("no sensor of this session has the id {id:?} (its phones: {known})")]
    Stranger {
        /// As which it sends.
        id: String,
        /// The phones of the session.
        known: String,
    },
    /// There is no session with phones.
    #[error("no session with phones is running: start one, then it takes what the phone sends")]
    NoSession,
    /// The session does not take it in time: the packet is counted as lost.
    #[error("too much at once: the message was not taken, and is counted as lost")]
    Busy,
}

/// What tells whose message it is.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "deviceId")]
    device: String,
    #[serde(rename = "messageId")]
    _number: u64,
}

struct Phone {
    id: String,
    link: Link,
    /// Tells what a message holds; the session's own decoder is elsewhere.
    decoder: Box<dyn Decoder>,
}

/// A message on its way to the session.
pub(super) struct Taken {
    /// The link's begin, if it begins with it.
    pub(super) begin: Option<LinkEvent>,
    pub(super) packet: Packet,
    /// What is wrong with it, for who sent it.
    pub(super) unreadable: Option<Refusal>,
}

/// The phones of a session.
pub(in super::super) struct Phones {
    phones: Vec<Phone>,
    readings: Vec<Reading>,
}

impl Phones {
    /// The sensors of this list that are phones.
    pub(in super::super) fn new(sensors: &[SensorConfig]) -> Self {
        let patience = Patience::default();
        let phones = sensors.iter().zip(0..).filter_map(|(sensor, i)| {
            let driver = sensor.driver().filter(|d| d.pushes())?;
            let wished = sensor.wish().streams;
            let wanted = if wished.is_empty() {
                USUAL.to_vec()
            } else {
                wished
            };
            Some(Phone {
                id: sensor.id.clone(),
                link: Link::new(DeviceIndex(i), &sensor.alias, &sensor.id, wanted, &patience),
                decoder: driver.decoder(),
            })
        });
        Self {
            phones: phones.collect(),
            readings: Vec::new(),
        }
    }

    pub(in super::super) fn is_empty(&self) -> bool {
        self.phones.is_empty()
    }

    /// Takes a message that says whose it is. One that says no more than that goes on, too: the session counts it.
    ///
    /// # Errors
    /// It is no message, or of nobody.
    pub(super) fn take(&mut self, now: HostNs, body: Vec<u8>) -> Result<Taken, Refusal> {
        let envelope: Envelope =
            serde_json::from_slice(&body).map_err(|e| Refusal::Unreadable(e.to_string()))?;
        let known = |p: &&mut Phone| p.id.eq_ignore_ascii_case(&envelope.device);
        let Some(phone) = self.phones.iter_mut().find(known) else {
            let ids: Vec<&str> = self.phones.iter().map(|p| p.id.as_str()).collect();
            return Err(Refusal::Stranger {
                id: envelope.device.chars().take(SHOWN).collect(),
                known: ids.join(", "),
            });
        };
        let packet = Packet {
            device: phone.link.device(),
            characteristic: MESSAGE,
            host: now,
            bytes: body.into(),
        };
        self.readings.clear();
        let decoded = phone.decoder.decode(&packet, &mut self.readings);
        let unreadable = decoded.err().map(|e| Refusal::Unreadable(e.to_string()));
        let mut what = Vec::new();
        for reading in &self.readings {
            for measurand in reading.value.measures() {
                if !what.contains(measurand) {
                    what.push(*measurand);
                }
            }
            if let Value::Battery { percent } = reading.value {
                phone.link.battery(percent);
            }
        }
        Ok(Taken {
            begin: phone.link.heard(now, &what),
            packet,
            unreadable,
        })
    }

    /// Time has passed: links that end.
    pub(super) fn tick(&mut self, now: HostNs) -> Vec<LinkEvent> {
        self.phones
            .iter_mut()
            .filter_map(|p| p.link.tick(now))
            .collect()
    }

    /// The session ends: links that end with it.
    pub(super) fn close(&mut self) -> Vec<LinkEvent> {
        self.phones
            .iter_mut()
            .filter_map(|p| p.link.close())
            .collect()
    }

    /// Where each stands.
    pub(in super::super) fn status(&self, now: HostNs) -> Vec<LinkStatus> {
        self.phones.iter().map(|p| p.link.status(now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{body::Segment, link::LinkChange};
    use proptest::prelude::*;

    fn phones() -> Phones {
        let sensor = |alias: &str, driver: &str, id: &str| SensorConfig {
            alias: alias.to_owned(),
            driver: driver.to_owned(),
            id: id.to_owned(),
            segment: Segment::Pelvis,
            confirmed_by: "T".to_owned(),
            streams: Vec::new(),
            rate_hz: None,
        };
        Phones::new(&[
            sensor("strap", "heart_rate", "7"),
            sensor("hip", "sensor_logger", "abc"),
            sensor("back", "sensor_logger", "def"),
        ])
    }

    fn message(device: &str, number: u64) -> Vec<u8> {
        let entry = |name: &str| {
            format!(
                r#"{{"name":"{name}","time":1700000000000000000,"values":{{"x":0,"y":0,"z":9.8}}}}"#
            )
        };
        format!(
            r#"{{"messageId":{number},"sessionId":"s","deviceId":"{device}","payload":[{},{}]}}"#,
            entry("totalacceleration"),
            entry("gyroscope")
        )
        .into_bytes()
    }

    #[test]
    fn a_message_goes_to_its_phone_as_it_came() {
        let mut phones = phones();
        assert_eq!(phones.phones.len(), 2, "a strap is none");
        let body = message("DEF", 1);
        let Taken { begin, packet, .. } = phones.take(HostNs(5), body.clone()).unwrap();
        assert_eq!(begin.unwrap().change, LinkChange::Up);
        assert_eq!((packet.device, packet.host), (DeviceIndex(2), HostNs(5)));
        assert_eq!(*packet.bytes, *body);
        assert!(
            phones
                .take(HostNs(6), message("def", 2))
                .unwrap()
                .begin
                .is_none()
        );
        assert_eq!(phones.close().len(), 1);
    }

    #[test]
    fn what_is_not_taken_says_why() {
        let mut phones = phones();
        let stranger = phones.take(HostNs(0), message("xyz", 1)).err().unwrap();
        let stranger = stranger.to_string();
        assert!(
            stranger.contains("xyz") && stranger.contains("abc, def"),
            "{stranger}"
        );
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"deviceId":"abc"}"#,
            r#"{"deviceId":"abc","messageId":"x"}"#,
        ] {
            let said = phones.take(HostNs(0), wrong.into()).err().unwrap();
            assert!(matches!(said, Refusal::Unreadable(_)), "{wrong}: {said}");
        }
        let mut cut = message("abc", 1);
        cut.truncate(cut.len() - 2);
        assert!(phones.take(HostNs(0), cut).is_err());
        assert!(phones.close().is_empty(), "nothing has begun");
    }

    #[test]
    fn what_a_known_phone_sends_goes_on_even_if_it_cannot_be_read() {
        let body = br#"{"messageId":1,"deviceId":"abc","payload":5}"#.to_vec();
        let taken = phones().take(HostNs(0), body.clone()).unwrap();
        assert_eq!(*taken.packet.bytes, *body);
        assert!(matches!(taken.unreadable, Some(Refusal::Unreadable(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_or_refused(body in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = phones().take(HostNs(0), body);
        }
    }
}
