//! Bytes of a sensor family to readings in SI units: one ordered table of drivers, one file a family.
//!
//! A decoder is a pure function with state per connection: `decode(&mut self, packet, out)`. It never
//! panics: a value or an error. What a family needs to be set up with is data ([`GattOp`]), carried out
//! by whoever owns the radio.
//!
//! | file | family |
//! |---|---|
//! | [`heart_rate`] | any strap with the Heart Rate service, and the Battery service |
//! | [`polar`] | Polar H10, Verity Sense, OH1: measurement data (PMD) |
//! | [`witmotion`] | WitMotion BLE 5 |
//! | [`imported`] | tables of other people's recordings |

mod bytes;
pub mod heart_rate;
pub mod imported;
pub mod polar;
pub mod witmotion;

use crate::model::{
    packet::{Packet, Uuid},
    reading::Reading,
};

/// Why a packet gives no reading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It ends too early.
    #[error("decode {what}: {have} bytes (expected at least {need})")]
    Short {
        /// What was being read.
        what: &'static str,
        /// Bytes needed.
        need: usize,
        /// Bytes there.
        have: usize,
    },
    /// A characteristic that the family does not have.
    #[error("decode a notification of characteristic {0:032x}: not one of this family")]
    Characteristic(u128),
    /// A value that the format does not allow.
    #[error("decode {what}: {value} is not allowed")]
    Value {
        /// What was being read.
        what: &'static str,
        /// The offending value.
        value: i64,
    },
}

/// State of one connection to one sensor.
pub trait Decoder: Send {
    /// Appends the readings of `packet` to `out`, each with its own instant.
    ///
    /// # Errors
    /// Nothing of it could be understood; readings appended before the fault stay.
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError>;

    /// Forgets everything: the sensor was connected anew.
    fn reset(&mut self);
}

/// What a sensor says of itself before it is connected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advert {
    /// Advertised name.
    pub name: Option<String>,
    /// Advertised services.
    pub services: Vec<Uuid>,
}

/// One step of setting a sensor up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GattOp {
    /// Ask for notifications (or indications).
    Subscribe(Uuid),
    /// Write and wait for the acknowledgement.
    Write(Uuid, &'static [u8]),
    /// Read once.
    Read(Uuid),
}

/// A sensor family: facts, and a decoder for each connection.
pub trait Driver: Sync {
    /// Name in session headers and configuration.
    fn name(&self) -> &'static str;
    /// The advertised sensor is of this family.
    fn matches(&self, advert: &Advert) -> bool;
    /// What to do after connecting, in order.
    fn setup(&self) -> &'static [GattOp];
    /// A decoder for a new connection.
    fn decoder(&self) -> Box<dyn Decoder>;
}

/// All families; the first that matches takes the sensor.
#[must_use]
pub fn drivers() -> &'static [&'static dyn Driver] {
    &[
        &polar::Polar,
        &witmotion::WitMotion,
        &heart_rate::HeartRateStrap,
        &imported::Imported,
    ]
}

/// The family of that name.
#[must_use]
pub fn driver(name: &str) -> Option<&'static dyn Driver> {
    drivers().iter().copied().find(|d| d.name() == name)
}
