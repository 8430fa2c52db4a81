//! Where sensors are worn, said by a person while a session runs: which assignments are sound, and what a header says
//! after them. No side is ever chosen by default: a sensor that nobody has placed is `unplaced`.

use super::{
    body::Segment,
    event::{Event, Numbered},
    packet::DeviceIndex,
    session::{Sensor, SessionHeader, TechEvent, TechKind},
};
use serde::{Deserialize, Serialize};

/// A sensor and where it is worn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Which sensor of the session.
    pub device: DeviceIndex,
    /// Where; [`Segment::Unplaced`] takes it off.
    pub segment: Segment,
}

/// Why these placements, taken together, cannot be followed: a sentence for a trainer; `None` = they can. `begun` says
/// that a set of the session has begun.
#[must_use]
pub fn refusal(
    sensors: &[Sensor],
    worn: &[Placement],
    confirmed_by: &str,
    begun: bool,
) -> Option<String> {
    if begun {
        let said = "a set has begun: where sensors are worn stays as it is until the session ends";
        return Some(said.to_owned());
    }
    if confirmed_by.trim().is_empty() {
        return Some("say who sees the sensor there".to_owned());
    }
    if worn.is_empty() {
        return Some("name the sensor that is worn somewhere else".to_owned());
    }
    for (i, placement) in worn.iter().enumerate() {
        let number = placement.device.0;
        let Some(sensor) = sensors.get(usize::from(number)) else {
            return Some(format!("the session has no sensor number {number}"));
        };
        if worn[..i].iter().any(|p| p.device == placement.device) {
            let alias = &sensor.alias;
            return Some(format!("{alias} cannot be worn in two places"));
        }
    }
    let after: Vec<(&str, Segment)> = sensors
        .iter()
        .enumerate()
        .map(|(i, s)| (s.alias.as_str(), placed(i, s.segment, worn)))
        .collect();
    shared(&after).map(|(a, b, segment)| {
        format!("{a} and {b} would both be worn on {segment}: swap them, or take one off first")
    })
}

/// Where a sensor is worn after the placements.
fn placed(i: usize, before: Segment, worn: &[Placement]) -> Segment {
    let new = worn.iter().find(|p| usize::from(p.device.0) == i);
    new.map_or(before, |p| p.segment)
}

/// Two sensors on one segment.
fn shared<'a>(after: &[(&'a str, Segment)]) -> Option<(&'a str, &'a str, Segment)> {
    after.iter().enumerate().find_map(|(i, (b, segment))| {
        let on_it = |(_, other): &&(&str, Segment)| other == segment;
        let (a, _) = after[..i].iter().find(on_it)?;
        (*segment != Segment::Unplaced).then_some((*a, *b, *segment))
    })
}

impl SessionHeader {
    /// Where a sensor is worn from this event on, if it says so.
    pub fn follow(&mut self, event: &TechEvent) {
        if let (
            TechKind::Placed {
                segment,
                confirmed_by,
                ..
            },
            Some(device),
        ) = (&event.kind, event.device)
            && let Some(sensor) = self.sensors.get_mut(usize::from(device.0))
        {
            sensor.segment = *segment;
            sensor.confirmed_by.clone_from(confirmed_by);
        }
    }

    /// The header with every sensor where it was worn when the sets were made. Places change before the first set only.
    #[must_use]
    pub fn as_worn(mut self, events: &[Numbered]) -> Self {
        for numbered in events {
            if let Event::Tech(tech) = &numbered.event {
                self.follow(tech);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sensor(alias: &str, segment: Segment) -> Sensor {
        Sensor {
            alias: alias.to_owned(),
            driver: "witmotion".to_owned(),
            segment,
            confirmed_by: "T".to_owned(),
            nominal_hz: 50.0,
        }
    }

    fn said(worn: &[(u16, Segment)], by: &str, begun: bool) -> Option<String> {
        let sensors = [
            sensor("a", Segment::ShankL),
            sensor("b", Segment::ShankR),
            sensor("c", Segment::Unplaced),
            sensor("d", Segment::Unplaced),
        ];
        let worn: Vec<Placement> = worn
            .iter()
            .map(|(i, segment)| Placement {
                device: DeviceIndex(*i),
                segment: *segment,
            })
            .collect();
        refusal(&sensors, &worn, by, begun)
    }

    #[test]
    fn no_two_sensors_share_a_segment_and_a_swap_is_one_step() {
        use Segment::{ShankL, ShankR, ThighL, Unplaced};
        assert_eq!(said(&[(2, ThighL)], "T", false), None);
        assert_eq!(said(&[(0, ShankR), (1, ShankL)], "T", false), None);
        assert_eq!(said(&[(2, ShankL), (0, Unplaced)], "T", false), None);
        assert_eq!(said(&[(0, ShankL)], "T", false), None, "as it is");
        for worn in [
            &[(2, ShankL)][..],
            &[(0, ShankR)],
            &[(2, ThighL), (3, ThighL)],
        ] {
            let refused = said(worn, "T", false).unwrap();
            assert!(refused.contains("both be worn on"), "{refused}");
        }
    }

    #[test]
    fn what_nobody_confirms_or_comes_too_late_is_refused() {
        use Segment::{ThighL, ThighR};
        let too_late = said(&[(2, ThighL)], "T", true).unwrap();
        assert!(too_late.contains("a set has begun"), "{too_late}");
        assert!(said(&[(2, ThighL)], " ", false).unwrap().contains("who"));
        assert!(said(&[], "T", false).is_some());
        assert!(
            said(&[(9, ThighL)], "T", false)
                .unwrap()
                .contains("number 9")
        );
        let twice = said(&[(2, ThighL), (2, ThighR)], "T", false).unwrap();
        assert!(twice.contains("two places"), "{twice}");
    }
}
