//! What a sensor family has to offer: a name, its look on the air, its start-up as data, a decoder.
//!
//! Nothing here talks to a radio: a [`GattOp`] is a wish that a [`Script`](super::script::Script) hands
//! out step by step.

use super::gatt::{GattOp, Repeat};
use crate::model::{
    packet::{Packet, Uuid},
    reading::{Measurand, Reading},
};

/// What a device says of itself before a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Advert {
    /// The advertised name; empty if there is none.
    pub name: String,
    /// The advertised services.
    pub services: Vec<Uuid>,
    /// Manufacturer data: company identifier, bytes.
    pub manufacturer: Vec<(u16, Vec<u8>)>,
}

/// What is asked of a sensor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wish {
    /// What to measure; empty = what the family gives without being asked (acceleration and angular rate,
    /// heart rate).
    pub streams: Vec<Measurand>,
    /// Samples a second; none = the family's default, about 100 where there is a choice. Where the exact
    /// rate does not exist the nearest is taken.
    pub rate_hz: Option<f64>,
}

impl Wish {
    /// Measures this, where `default` is what the family gives without being asked.
    #[must_use]
    pub fn wants(&self, measurand: Measurand, default: &[Measurand]) -> bool {
        let streams = if self.streams.is_empty() {
            default
        } else {
            &self.streams
        };
        streams.contains(&measurand)
    }

    /// The rate of `offered` that is nearest to the wish, or to `default_hz` without one. The higher of two
    /// that are equally near; 0 if nothing is offered.
    #[must_use]
    pub fn nearest_hz(&self, offered: impl IntoIterator<Item = f64>, default_hz: f64) -> f64 {
        let wished = self.rate_hz.filter(|hz| hz.is_finite() && *hz > 0.0);
        let wished = wished.unwrap_or(default_hz);
        let distance = |hz: f64| (hz - wished).abs();
        offered.into_iter().fold(0.0, |best: f64, hz| {
            let nearer = distance(hz) < distance(best);
            let higher = distance(hz) <= distance(best) && hz > best;
            if best <= 0.0 || nearer || higher {
                hz
            } else {
                best
            }
        })
    }
}

/// Why bytes have no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not one of this driver's characteristics.
    #[error("characteristic {0} is unknown to this driver")]
    Characteristic(Uuid),
    /// Fewer bytes than the layout needs.
    #[error("{what} needs {needed} bytes, got {got}")]
    Short {
        /// Which part of the layout.
        what: &'static str,
        /// Bytes it needs.
        needed: usize,
        /// Bytes there were.
        got: usize,
    },
    /// More bytes than the layout explains.
    #[error("{what} leaves {bytes} bytes over")]
    Trailing {
        /// Which layout.
        what: &'static str,
        /// How many.
        bytes: usize,
    },
    /// A field holds a value that has no meaning.
    #[error("{what} {value} has no meaning")]
    Value {
        /// Which field.
        what: &'static str,
        /// What it holds.
        value: u64,
    },
    /// A sum over the bytes does not match them.
    #[error("{what} has a wrong check sum")]
    CheckSum {
        /// Which layout.
        what: &'static str,
    },
    /// The device itself ended a measurement that was running.
    #[error("the device stopped measuring {what} by itself")]
    Stopped {
        /// What it no longer measures, in the maker's word.
        what: &'static str,
    },
    /// A layout that exists but is not supported here.
    #[error("{what} {value} is not supported")]
    Unsupported {
        /// Which field selects the layout.
        what: &'static str,
        /// What it holds.
        value: u64,
    },
}

/// Decodes the notifications of one connection.
pub trait Decoder: Send {
    /// Appends the readings of `packet` to `out`. After an error `out` holds nothing of `packet`.
    ///
    /// # Errors
    /// If the bytes have no meaning; the decoder stays usable.
    fn decode(&mut self, packet: &Packet, out: &mut Vec<Reading>) -> Result<(), DecodeError>;

    /// Forgets what belongs to a connection; called when a new one begins.
    fn reset(&mut self);

    /// The session ends: appends what was held back to `out`.
    fn finish(&mut self, _out: &mut Vec<Reading>) {}

    /// Bytes passed over so far that no layout explains (an odd trailing byte, a lost frame header).
    fn ignored_bytes(&self) -> u64 {
        0
    }
}

/// A sensor family.
pub trait Driver: Sync {
    /// The name in configurations and session headers.
    fn name(&self) -> &'static str;

    /// The advertisement looks like this family.
    fn matches(&self, advert: &Advert) -> bool;

    /// What tells this very sensor from others of its family, as far as the advertisement holds it (a serial
    /// in the name). `None`: only the address or the Device Information can tell.
    fn identity(&self, _advert: &Advert) -> Option<String> {
        None
    }

    /// It sends by itself over the network: no radio reaches it, nothing starts it.
    fn pushes(&self) -> bool {
        false
    }

    /// How to start it.
    fn setup(&self, wish: &Wish) -> Vec<GattOp>;

    /// How to stop what `setup` started for the same wish. Whoever runs it limits its whole time.
    fn teardown(&self, _wish: &Wish) -> Vec<GattOp> {
        Vec::new()
    }

    /// What has to be done again and again while it streams.
    fn repeat(&self) -> Vec<Repeat> {
        Vec::new()
    }

    /// Samples a second that it is asked for, 0 where nobody can know. Matters to devices that only count.
    fn nominal_hz(&self, _wish: &Wish) -> f64 {
        0.0
    }

    /// A decoder for a new connection.
    fn decoder(&self) -> Box<dyn Decoder>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rate_is_taken() {
        let offered = [25.0, 50.0, 100.0, 200.0];
        for (rate_hz, default_hz, want) in [
            (None, 100.0, 100),
            (Some(1000.0), 100.0, 200),
            (Some(75.0), 100.0, 100),
            (Some(1.0), 100.0, 25),
            (Some(f64::NAN), 50.0, 50),
        ] {
            let streams = Vec::new();
            let got = Wish { streams, rate_hz }.nearest_hz(offered, default_hz);
            assert_eq!(got as i32, want, "{rate_hz:?}");
        }
        assert_eq!(Wish::default().nearest_hz([], 100.0) as i32, 0);
    }
}
