//! Bytes of a sensor family to readings in SI units: one table of drivers, one file a family.
//!
//! A driver is data (name, how an advertisement looks, which GATT operations start it) plus a
//! decoder: a pure state machine per connection. A [`Script`] runs the operations without a radio. Acceleration in m/s² including gravity, angular rate
//! in rad/s, in the sensor's own frame as its maker prints it; time on the device's own clock.
//! No radio, no host clock, no filtering, no repair: what the bytes say, or an error.

mod bytes;
pub mod cadence;
pub mod colmi;
mod counter;
pub mod device_information;
pub mod dot;
pub mod driver;
pub mod gatt;
pub mod heart_rate;
pub mod imported;
pub mod metamotion;
pub mod movesense;
mod period;
pub mod polar;
pub mod script;
pub mod sensor_logger;
pub mod thingy;
pub mod witmotion;

pub use driver::{Advert, DecodeError, Decoder, Driver, Wish};
pub use gatt::{Answer, Bytes, GattOp, Repeat, Reply};
pub use script::{Outcome, Script, ScriptError, Step};

/// Every driver; the first that matches an advertisement wins.
static DRIVERS: [&dyn Driver; 10] = [
    &polar::Polar,
    &movesense::Movesense,
    &dot::Dot,
    &metamotion::MetaMotion,
    &witmotion::WitMotion,
    &thingy::Thingy,
    &colmi::Colmi,
    // After every family that offers heart rate beside more.
    &heart_rate::HeartRate,
    &sensor_logger::SensorLogger,
    &imported::Imported,
];

/// Every driver, in the order in which they are asked.
#[must_use]
pub fn drivers() -> &'static [&'static dyn Driver] {
    &DRIVERS
}

/// The driver of that name.
#[must_use]
pub fn driver(name: &str) -> Option<&'static dyn Driver> {
    drivers().iter().copied().find(|d| d.name() == name)
}
