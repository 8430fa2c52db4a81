//! Sensors that are told by a name alone, and whether another on the air has the same: then nobody can say which of them
//! is meant, and none is taken. Pure; ns of the host's clock.

use super::identity::{Seen, tail};
use crate::model::time::HostNs;
use std::collections::BTreeMap;

/// Who is called what.
#[derive(Debug)]
pub struct Namesakes {
    /// How long to listen for another of a name before its first is taken.
    listen_ns: i64,
    /// What was not heard for so long is not there any more.
    forget_ns: i64,
    called: BTreeMap<String, Called>,
}

#[derive(Debug, Default)]
struct Called {
    /// Those of the name as they were heard last, by address.
    heard: BTreeMap<String, (HostNs, Seen)>,
    /// While scans ran, since the first was heard.
    listened_ns: i64,
}

/// What is known about a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Naming {
    /// Whether others have it is not known yet.
    Open,
    /// One has it.
    One,
    /// Several have it: the ends of their addresses.
    Several(Vec<String>),
}

impl Namesakes {
    /// Nobody was heard.
    #[must_use]
    pub fn new(listen_ns: i64, forget_ns: i64) -> Self {
        Self {
            listen_ns,
            forget_ns,
            called: BTreeMap::new(),
        }
    }

    /// Somebody of that name was heard.
    pub fn heard(&mut self, now: HostNs, seen: &Seen) {
        let called = self.called.entry(key(&seen.advert.name)).or_default();
        let forget_ns = self.forget_ns;
        called.heard.retain(|_, (at, _)| now.0 - at.0 < forget_ns);
        if called.heard.is_empty() {
            called.listened_ns = 0;
        }
        let address = seen.address.clone();
        called.heard.insert(address, (now, seen.clone()));
    }

    /// A scan ran for so long.
    pub fn listened(&mut self, ns: i64) {
        for called in self.called.values_mut() {
            called.listened_ns = called.listened_ns.saturating_add(ns);
        }
    }

    /// What is known about a name.
    #[must_use]
    pub fn naming(&self, name: &str) -> Naming {
        match self.called.get(&key(name)) {
            Some(c) if c.heard.len() > 1 => {
                Naming::Several(c.heard.keys().map(|address| tail(address)).collect())
            }
            Some(c) if c.listened_ns >= self.listen_ns => Naming::One,
            _ => Naming::Open,
        }
    }

    /// Those who were listened for long enough and are alone with their names, if they were heard since `from`.
    #[must_use]
    pub fn alone(&self, from: HostNs) -> Vec<Seen> {
        let ripe = self
            .called
            .values()
            .filter(|c| c.heard.len() == 1 && c.listened_ns >= self.listen_ns);
        ripe.flat_map(|c| c.heard.values())
            .filter(|(at, _)| *at >= from)
            .map(|(_, seen)| seen.clone())
            .collect()
    }
}

fn key(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Advert;

    fn seen(address: &str) -> Seen {
        Seen {
            address: address.to_owned(),
            advert: Advert {
                name: "MetaWear".to_owned(),
                services: Vec::new(),
                manufacturer: Vec::new(),
            },
            rssi_dbm: Some(-60),
            is_connected: false,
        }
    }

    #[test]
    fn one_is_taken_after_listening_for_another() {
        let mut names = Namesakes::new(1_000, 10_000);
        names.heard(HostNs(0), &seen("C0:FF:EE:00:00:01"));
        assert_eq!(names.naming("metawear"), Naming::Open);
        assert!(names.alone(HostNs(0)).is_empty());
        names.listened(1_000);
        assert_eq!(names.naming("metawear"), Naming::One);
        assert_eq!(names.alone(HostNs(0)).len(), 1);
        assert!(names.alone(HostNs(1)).is_empty(), "not heard in this scan");
    }

    #[test]
    fn of_two_neither_is_until_one_is_gone() {
        let mut names = Namesakes::new(1_000, 10_000);
        names.heard(HostNs(0), &seen("C0:FF:EE:00:00:01"));
        names.listened(5_000);
        names.heard(HostNs(1_000), &seen("C0:FF:EE:00:00:02"));
        let both = vec!["00:01".to_owned(), "00:02".to_owned()];
        assert_eq!(names.naming("MetaWear"), Naming::Several(both));
        names.heard(HostNs(10_500), &seen("C0:FF:EE:00:00:02"));
        assert_eq!(names.naming("MetaWear"), Naming::One);
        // After long silence nobody knows who else has come.
        names.heard(HostNs(30_000), &seen("C0:FF:EE:00:00:02"));
        assert_eq!(names.naming("MetaWear"), Naming::Open);
    }
}
