//! Phones that run Sensor Logger: motion, heart rate of a paired watch, battery.
//!
//! The app pushes JSON over MQTT or HTTP; whoever receives it hands on the bytes as they came, as a packet
//! of [`MESSAGE`]. Times are ns of the phone's own clock (Unix epoch): a device clock like any other.
//! Acceleration comes without gravity and is put together again (m/s²), angular rate is rad/s. Messages may
//! overtake each other: a few are held until the one before them is there.
//!
//! iOS and Android turn axes differently unless the app's "Standardise Units & Frames" is on: it has to be.
//! The motion of a watch or earphones is not read, for it is another body segment than the phone's. Ranges
//! differ between phones and are not stated: clipping cannot be told.

mod message;
mod total;

use self::{
    message::{Measured, Message},
    total::Total,
};
use super::{
    driver::{Advert, DecodeError, Decoder, Driver, Wish},
    gatt::GattOp,
};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{Contact, DeviceTime, Reading, Value},
    time::DeviceNs,
};
use std::collections::BTreeMap;

/// One message of the app. No characteristic of a radio: ours, beside that of imported rows.
pub const MESSAGE: Uuid = Uuid(0x706c_696d_736f_6c6c_8000_0000_0000_0002);

/// Messages that wait for one that is missing.
const MAX_WAITING: usize = 4;
/// So many old numbers in a row, with newer times, are a counter that began anew.
const RESTARTED: u32 = 3;
/// What a value that is given up counts as, bytes.
const VECTOR_BYTES: u64 = 24;

/// Phones that run Sensor Logger.
pub struct SensorLogger;

impl Driver for SensorLogger {
    fn name(&self) -> &'static str {
        "sensor_logger"
    }

    /// It is not on the air.
    fn matches(&self, _advert: &Advert) -> bool {
        false
    }

    fn pushes(&self) -> bool {
        true
    }

    fn setup(&self, _wish: &Wish) -> Vec<GattOp> {
        Vec::new()
    }

    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(SensorLoggerDecoder::default())
    }
}

#[derive(Default)]
struct SensorLoggerDecoder {
    session: String,
    /// The message that is due; none before the first.
    due: Option<u64>,
    waiting: BTreeMap<u64, Message>,
    late_in_a_row: u32,
    /// Latest instant of the session so far, ns of the phone's clock.
    latest: Option<i64>,
    total: Total,
    /// The phone gives acceleration with gravity itself.
    total_given: bool,
    ignored: u64,
}

impl Decoder for SensorLoggerDecoder {
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError> {
        if packet.characteristic != MESSAGE {
            return Err(DecodeError::Characteristic(packet.characteristic));
        }
        let message: Message =
            serde_json::from_slice(&packet.bytes).map_err(|e| DecodeError::Value {
                what: "message of the app, in column",
                value: e.column() as u64,
            })?;
        let from = out.len();
        self.take(message, packet.bytes.len() as u64, out);
        sort(out, from);
        Ok(())
    }

    /// The phone goes on counting when the network breaks.
    fn reset(&mut self) {}

    /// What they wait for does not come any more.
    fn finish(&mut self, out: &mut Vec<Reading>) {
        let from = out.len();
        for message in std::mem::take(&mut self.waiting).into_values() {
            self.due = Some(message.id.saturating_add(1));
            self.readings(&message, out);
        }
        sort(out, from);
    }

    fn ignored_bytes(&self) -> u64 {
        self.ignored + VECTOR_BYTES * self.total.given_up()
    }
}

impl SensorLoggerDecoder {
    fn take(&mut self, message: Message, bytes: u64, out: &mut Vec<Reading>) {
        if message.session != self.session {
            self.start_anew(&message, out);
        }
        let due = *self.due.get_or_insert(message.id);
        let latest = message.payload.iter().map(|entry| entry.time).max();
        if message.id < due {
            // What is only sent again has the times that it had.
            self.late_in_a_row += u32::from(latest > self.latest);
            if self.late_in_a_row < RESTARTED {
                self.ignored += bytes;
                return;
            }
            self.start_anew(&message, out);
        }
        self.late_in_a_row = 0;
        self.latest = self.latest.max(latest);
        self.waiting.insert(message.id, message);
        if self.waiting.len() > MAX_WAITING {
            self.due = self.waiting.keys().next().copied();
        }
        while let Some(next) = self.due.and_then(|due| self.waiting.remove(&due)) {
            self.due = Some(next.id.saturating_add(1));
            self.readings(&next, out);
        }
    }

    /// Another session, or a counter that went back: nothing is missing any more.
    fn start_anew(&mut self, message: &Message, out: &mut Vec<Reading>) {
        for old in std::mem::take(&mut self.waiting).into_values() {
            self.readings(&old, out);
        }
        self.session.clone_from(&message.session);
        self.latest = None;
        self.due = Some(message.id);
        self.late_in_a_row = 0;
    }

    fn readings(&mut self, message: &Message, out: &mut Vec<Reading>) {
        let timed = |time: i64, value| Reading {
            time: DeviceTime::Clock(DeviceNs(time)),
            value,
        };
        let acceleration = |values| Value::Acceleration {
            acceleration: values,
            clipped: false,
        };
        for entry in &message.payload {
            let time = entry.time;
            match entry.measured() {
                Some(Measured::Acceleration(v)) if !self.total_given => {
                    self.total.acceleration(time, v);
                }
                Some(Measured::Gravity(v)) if !self.total_given => self.total.gravity(time, v),
                Some(Measured::TotalAcceleration(v)) => {
                    self.total_given = true;
                    out.push(timed(time, acceleration(v)));
                }
                Some(other) => out.extend(direct(other).map(|value| timed(time, value))),
                None => {}
            }
        }
        while let Some((time, values)) = self.total.pop() {
            out.push(timed(time, acceleration(values)));
        }
    }
}

/// Orders what was appended by the phone's clock.
fn sort(out: &mut [Reading], from: usize) {
    if let Some(new) = out.get_mut(from..) {
        new.sort_by_key(|r| match r.time {
            DeviceTime::Clock(ns) => ns,
            _ => DeviceNs(i64::MAX),
        });
    }
}

/// Values that need no partner.
fn direct(measured: Measured) -> Option<Value> {
    Some(match measured {
        Measured::AngularRate(values) => Value::AngularRate {
            angular_rate: values,
            clipped: false,
        },
        Measured::Field(field) => Value::MagneticField { field },
        // `as` saturates, and turns not-a-number into the 0 that means "no value".
        Measured::HeartRate(bpm) => Value::HeartRate {
            bpm: bpm.round() as u16,
            contact: Contact::Unknown,
        },
        Measured::Battery(share) if (0.0..=1.0).contains(&share) => Value::Battery {
            percent: (100.0 * share).round() as u8,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{packet::DeviceIndex, time::HostNs};

    const T: i64 = 1_700_000_000_123_456_789;

    fn decode(decoder: &mut SensorLoggerDecoder, text: &str) -> Vec<Reading> {
        let packet = Packet {
            device: DeviceIndex(0),
            characteristic: MESSAGE,
            host: HostNs(0),
            bytes: text.as_bytes().into(),
        };
        let mut out = Vec::new();
        decoder.decode(&packet, &mut out).unwrap();
        out
    }

    fn gyro(id: u64, session: &str) -> String {
        format!(
            r#"{{"messageId":{id},"sessionId":"{session}","deviceId":"d","payload":[
                {{"name":"gyroscope","time":{},"values":{{"x":1,"y":0.5,"z":0}}}}]}}"#,
            T + id as i64
        )
    }

    fn ids(readings: &[Reading]) -> Vec<i64> {
        let id = |r: &Reading| match r.time {
            DeviceTime::Clock(ns) => ns.0 - T,
            other => panic!("{other:?}"),
        };
        readings.iter().map(id).collect()
    }

    #[test]
    fn gravity_is_put_back_and_times_keep_their_nanoseconds() {
        let text = format!(
            r#"{{"messageId":0,"sessionId":"s","payload":[
                {{"name":"accelerometer","time":{T},"values":{{"x":1,"y":0,"z":0.5}},"accuracy":3}},
                {{"name":"Gravity","time":{T},"values":{{"x":0,"y":0,"z":9.5}}}},
                {{"name":"Heart Rate","time":{T},"values":{{"bpm":71.6}}}},
                {{"name":"location","time":{T},"values":{{"latitude":1}}}}]}}"#
        );
        let readings = decode(&mut SensorLoggerDecoder::default(), &text);
        assert_eq!(readings.len(), 2);
        assert_eq!(ids(&readings), [0, 0]);
        let total = Value::Acceleration {
            acceleration: [1.0, 0.0, 10.0],
            clipped: false,
        };
        assert!(readings.iter().any(|r| r.value == total), "{readings:?}");
        let heart = |r: &Reading| matches!(r.value, Value::HeartRate { bpm: 72, .. });
        assert!(readings.iter().any(heart));
    }

    #[test]
    fn messages_that_overtake_each_other_come_out_in_order() {
        let mut decoder = SensorLoggerDecoder::default();
        assert_eq!(ids(&decode(&mut decoder, &gyro(7, "a"))), [7]);
        assert_eq!(ids(&decode(&mut decoder, &gyro(9, "a"))), [0; 0]);
        assert_eq!(ids(&decode(&mut decoder, &gyro(8, "a"))), [8, 9]);
        // Number 10 never comes.
        for id in 11..15 {
            assert_eq!(ids(&decode(&mut decoder, &gyro(id, "a"))), [0; 0]);
        }
        assert_eq!(
            ids(&decode(&mut decoder, &gyro(15, "a"))),
            [11, 12, 13, 14, 15]
        );
        assert_eq!(ids(&decode(&mut decoder, &gyro(10, "a"))), [0; 0]);
        assert!(decoder.ignored_bytes() > 0);
        assert_eq!(ids(&decode(&mut decoder, &gyro(1, "b"))), [1]);
        // Number 2 does not come before the end.
        for id in [4, 3] {
            assert_eq!(ids(&decode(&mut decoder, &gyro(id, "b"))), [0; 0]);
        }
        let mut rest = Vec::new();
        decoder.finish(&mut rest);
        assert_eq!(ids(&rest), [3, 4]);
    }

    #[test]
    fn a_backlog_that_is_sent_again_is_no_restart_and_gives_nothing_twice() {
        let mut decoder = SensorLoggerDecoder::default();
        let mut all = Vec::new();
        for id in (0..20).chain(5..20).chain(20..22) {
            all.extend(ids(&decode(&mut decoder, &gyro(id, "s"))));
        }
        assert_eq!(all, (0..22).collect::<Vec<i64>>());
    }
}
