//! Which sensor is which: by what is stable for its family, not by its radio address alone.
//!
//! A configured `id` is compared with what the advertisement holds for the family (a serial in the name), with the
//! advertised name, with the address, and, once a connection has told it, with the serial number of the Device
//! Information. A sensor whose serial number alone is configured has to be connected once to be known.

use crate::{
    decode::{self, Advert, Driver},
    model::packet::Uuid,
};

/// A device on the air.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Radio address, `C0:FF:EE:00:00:01`.
    pub address: String,
    /// What it says of itself.
    pub advert: Advert,
    /// Signal, dBm; `None` for a device that is only remembered, or connected.
    pub rssi_dbm: Option<i16>,
    /// Somebody on this machine has a connection to it; only looked up where there is no signal.
    pub is_connected: bool,
}

impl Seen {
    /// The driver that would take it.
    #[must_use]
    pub fn driver(&self) -> Option<&'static dyn Driver> {
        decode::drivers()
            .iter()
            .copied()
            .find(|d| d.matches(&self.advert))
    }

    /// What is stable about it: the family's own identity, or else the address.
    #[must_use]
    pub fn identity(&self) -> String {
        self.driver()
            .and_then(|d| d.identity(&self.advert))
            .unwrap_or_else(|| self.address.clone())
    }

    /// The services it advertises.
    #[must_use]
    pub fn services(&self) -> &[Uuid] {
        &self.advert.services
    }
}

/// How well a device on the air fits a configured sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Another one.
    No,
    /// Of the right family; only its serial number can tell.
    Maybe,
    /// It has that name, which others may have as well.
    Named,
    /// That one.
    Yes,
}

/// Compares a device with a configured `id`. `serial` is its serial number, if a connection has told it before.
#[must_use]
pub fn fit(id: &str, driver: &dyn Driver, seen: &Seen, serial: Option<&str>) -> Fit {
    let is = |text: &str| !text.is_empty() && text.trim().eq_ignore_ascii_case(id.trim());
    let advertised = driver.identity(&seen.advert);
    let said = [Some(seen.address.as_str()), serial, advertised.as_deref()];
    if said.into_iter().flatten().any(is) {
        return Fit::Yes;
    }
    if is(&seen.advert.name) {
        return Fit::Named;
    }
    // A name that holds the identity rules another one out, and so does a serial number that is known.
    let open = advertised.is_none() && serial.is_none() && !is_address(id);
    if open && driver.matches(&seen.advert) {
        Fit::Maybe
    } else {
        Fit::No
    }
}

/// The last two pairs of an address: enough for people.
#[must_use]
pub fn tail(address: &str) -> String {
    let from = address.len().saturating_sub(5);
    address.get(from..).unwrap_or(address).to_owned()
}

/// Six hexadecimal pairs.
fn is_address(id: &str) -> bool {
    let parts: Vec<&str> = id.trim().split(':').collect();
    let pair = |p: &&str| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit());
    parts.len() == 6 && parts.iter().all(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(name: &str) -> Seen {
        Seen {
            address: "C0:FF:EE:00:00:01".to_owned(),
            advert: Advert {
                name: name.to_owned(),
                services: vec![Uuid::sig(0x180d)],
                manufacturer: Vec::new(),
            },
            rssi_dbm: Some(-60),
            is_connected: false,
        }
    }

    fn fits(id: &str, driver: &str, name: &str, serial: Option<&str>) -> Fit {
        fit(id, decode::driver(driver).unwrap(), &seen(name), serial)
    }

    #[test]
    fn address_name_and_advertised_serial_tell() {
        assert_eq!(fits("c0:ff:ee:00:00:01", "heart_rate", "", None), Fit::Yes);
        assert_eq!(fits("TICKR 1", "heart_rate", "TICKR 1", None), Fit::Named);
        assert_eq!(
            fits("12345678", "polar", "Polar H10 12345678", None),
            Fit::Yes
        );
        assert_eq!(
            fits("12345678", "polar", "Polar H10 87654321", None),
            Fit::No
        );
    }

    #[test]
    fn only_a_serial_number_needs_a_connection() {
        assert_eq!(fits("S-1", "heart_rate", "TICKR", None), Fit::Maybe);
        assert_eq!(fits("S-1", "heart_rate", "TICKR", Some("S-1")), Fit::Yes);
        assert_eq!(fits("S-1", "heart_rate", "TICKR", Some("S-2")), Fit::No);
        let other = "C0:FF:EE:00:00:02";
        assert_eq!(fits(other, "heart_rate", "TICKR", None), Fit::No);
    }
}
