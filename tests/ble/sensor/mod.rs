//! Sensors at the level of bytes: what they advertise, their GATT table, what they answer, what they send.

pub mod movesense;
pub mod strap;
pub mod witmotion;

use super::person::Feel;

/// A characteristic of the GATT table.
pub struct Characteristic {
    pub uuid: String,
    pub flags: &'static [&'static str],
    /// What a read gives.
    pub value: Vec<u8>,
}

/// A service of the GATT table.
pub struct Service {
    pub uuid: String,
    pub characteristics: Vec<Characteristic>,
}

/// One sensor. Times in seconds of the bench's clock.
pub trait Sensor: Send {
    fn name(&self) -> String;
    /// Advertised services.
    fn advertised(&self) -> Vec<String>;
    fn services(&self) -> Vec<Service>;
    /// The characteristic that streams.
    fn output(&self) -> String;
    /// A write arrived.
    fn write(&mut self, _characteristic: &str, _bytes: &[u8], _now_s: f64) {}
    /// Notifications of [`Sensor::output`] begin, or end with them or with the link.
    fn subscribed(&mut self, on: bool, now_s: f64);
    /// Notifications that are due by now.
    fn due(&mut self, now_s: f64, feel: &mut Feel, out: &mut Vec<Vec<u8>>);
}

/// A 16-bit number on the standard's base.
pub fn sig(short: u16) -> String {
    format!("0000{short:04x}-0000-1000-8000-00805f9b34fb")
}

fn characteristic(uuid: String, flags: &'static [&'static str], value: &[u8]) -> Characteristic {
    Characteristic {
        uuid,
        flags,
        value: value.to_vec(),
    }
}

/// A beat of a fixed period while something streams.
#[derive(Debug, Clone, Copy)]
struct Ticker {
    next_s: f64,
}

impl Ticker {
    fn from(now_s: f64, period_s: f64) -> Self {
        Self {
            next_s: now_s + period_s,
        }
    }

    /// The beat that is due, if one is. A test machine that stood still for half a second sends no flood after it.
    fn beat(&mut self, now_s: f64, period_s: f64) -> Option<f64> {
        if now_s < self.next_s {
            return None;
        }
        if now_s > self.next_s + 0.5 {
            self.next_s = now_s;
        }
        let due = self.next_s;
        self.next_s += period_s;
        Some(due)
    }
}
