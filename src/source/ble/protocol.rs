//! What a supervisor and a radio say to each other about one sensor. Data only.

use crate::model::{link::LinkChange, packet::Uuid, reading::Measurand};

/// What the radio should do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Connect to the address.
    Connect(String),
    /// Look up services, MTU and Device Information.
    Discover,
    /// Enable notifications.
    Subscribe(Uuid),
    /// Read.
    Read(Uuid),
    /// Write.
    Write {
        /// Where.
        characteristic: Uuid,
        /// Wait until the device has taken it.
        with_response: bool,
        /// What.
        bytes: Vec<u8>,
    },
    /// End the connection, or the attempt.
    Disconnect,
}

/// What a connected device offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offer {
    /// ATT MTU of the link, bytes.
    pub mtu: u16,
    /// Its characteristics, as text: service, characteristic, properties.
    pub characteristics: Vec<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// It has one, which could not be read.
    pub serial_unread: bool,
    /// Firmware.
    pub firmware: Option<String>,
    /// State of charge, %.
    pub battery_percent: Option<u8>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The sensor may be connected to: it was heard just now, and it is its turn.
    Found {
        /// Where.
        address: String,
        /// Signal, dBm.
        rssi_dbm: Option<i16>,
    },
    /// It was heard, and so was another that it cannot be told from: why it is not connected to.
    Unclear(String),
    /// The request is done; a read gives its value.
    Done(Vec<u8>),
    /// The request is done: what the device offers.
    Offers(Offer),
    /// The request failed.
    Refused(String),
    /// The connection is over, whoever ended it.
    Disconnected(String),
    /// A value arrived.
    Notified(Uuid, Vec<u8>),
    /// Values of these were decoded.
    Heard(&'static [Measurand]),
    /// Its state of charge came, %.
    Charge(u8),
    /// Values of these came that say that the sensor finds nothing to measure.
    Blank(&'static [Measurand]),
    /// The session ends.
    Stop,
}

/// What the supervisor says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Do this; the number comes back with its result.
    Request(u64, Request),
    /// The link changed.
    Link(LinkChange),
}
