//! What a sensor family has to offer: a name, its look on the air, its start-up as data, a decoder.
//!
//! Nothing here talks to a radio: [`GattOp`] is a wish that a runner carries out.

use crate::model::{
    packet::{Packet, Uuid},
    reading::Reading,
};

/// What a device says of itself before a connection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Advert {
    /// The advertised name; empty if there is none.
    pub name: String,
    /// The advertised services.
    pub services: Vec<Uuid>,
}

/// One step of starting a device, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GattOp {
    /// The link must carry values of this size; below it the device refuses to stream.
    NeedMtu(u16),
    /// Enable notifications or indications. A device without the characteristic is fine if `optional`.
    Subscribe {
        /// Which characteristic.
        characteristic: Uuid,
        /// Go on without it.
        optional: bool,
    },
    /// Read once; the value goes to the decoder like a notification. Failing is fine.
    Read {
        /// Which characteristic.
        characteristic: Uuid,
    },
    /// Write with response.
    Write {
        /// Which characteristic.
        characteristic: Uuid,
        /// What.
        bytes: &'static [u8],
        /// Wait for the next indication of the same characteristic before going on (at most 10 s).
        await_reply: bool,
        /// Go on if the device refuses: it has no such stream.
        optional: bool,
    },
    /// Let the device settle.
    PauseMs(u16),
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
    /// How to start it.
    fn setup(&self) -> &'static [GattOp];
    /// A decoder for a new connection.
    fn decoder(&self) -> Box<dyn Decoder>;
}
