//! A message of the Sensor Logger app: JSON, as it comes over MQTT and HTTP alike.
//!
//! `{messageId, sessionId, payload: [{name, time, values}]}`; `time` is ns of the Unix epoch, beyond what a
//! float holds. Names of sensors vary in spelling between versions and are compared without case and gaps.

use serde::Deserialize;
use serde_json::{Map, Value};

/// One message.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    /// Counts the messages of a session.
    #[serde(rename = "messageId")]
    pub(super) id: u64,
    /// A new one each time that the phone starts to record.
    #[serde(rename = "sessionId", default)]
    pub(super) session: String,
    #[serde(default)]
    pub(super) payload: Vec<Entry>,
}

/// One value of one sensor.
#[derive(Debug, Deserialize)]
pub(super) struct Entry {
    name: String,
    /// ns since 1970.
    pub(super) time: i64,
    #[serde(default)]
    values: Map<String, Value>,
}

/// The sensors that are listened to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Measured {
    /// Without gravity, m/s².
    Acceleration([f64; 3]),
    /// m/s²
    Gravity([f64; 3]),
    /// With gravity, m/s².
    TotalAcceleration([f64; 3]),
    /// rad/s
    AngularRate([f64; 3]),
    /// µT
    Field([f64; 3]),
    /// 1/min
    HeartRate(f64),
    /// 0-1
    Battery(f64),
}

impl Entry {
    /// What it measured; `None` for other sensors and values that are not numbers.
    pub(super) fn measured(&self) -> Option<Measured> {
        let number = |key: &str| self.values.get(key)?.as_f64();
        let vector = || Some([number("x")?, number("y")?, number("z")?]);
        let letters = self.name.chars().filter(|c| c.is_alphanumeric());
        let name: String = letters.flat_map(char::to_lowercase).collect();
        Some(match name.as_str() {
            "accelerometer" => Measured::Acceleration(vector()?),
            "gravity" => Measured::Gravity(vector()?),
            "totalacceleration" => Measured::TotalAcceleration(vector()?),
            "gyroscope" => Measured::AngularRate(vector()?),
            "magnetometer" => Measured::Field(vector()?),
            "heartrate" => Measured::HeartRate(number("bpm")?),
            "battery" => Measured::Battery(number("batteryLevel")?),
            _ => return None,
        })
    }
}
