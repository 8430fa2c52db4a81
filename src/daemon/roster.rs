//! Which sensor of the running session is worn where, and whether a set has begun: what an instruction is checked by
//! before it is taken.

use crate::model::{
    body::Segment,
    command::Command,
    packet::DeviceIndex,
    placement,
    session::{Sensor, SessionHeader},
};
use std::collections::BTreeSet;

/// The sensors of a session as they are worn now.
#[derive(Debug, Clone)]
pub struct Roster {
    sensors: Vec<Sensor>,
    begun: bool,
}

impl Roster {
    /// As the session begins.
    #[must_use]
    pub fn new(header: &SessionHeader) -> Self {
        Self {
            sensors: header.sensors.clone(),
            begun: false,
        }
    }

    /// Why an instruction cannot be followed: nobody has said where a sensor is worn, or where it cannot be.
    #[must_use]
    pub fn refusal(&self, command: &Command, without: &BTreeSet<DeviceIndex>) -> Option<String> {
        match command {
            Command::Assign { worn, confirmed_by } => {
                placement::refusal(&self.sensors, worn, confirmed_by, self.begun)
            }
            Command::StartSet { .. } => self.unplaced(without),
            _ => None,
        }
    }

    fn unplaced(&self, without: &BTreeSet<DeviceIndex>) -> Option<String> {
        let nowhere = self.sensors.iter().zip(0..).filter(|(sensor, number)| {
            sensor.segment == Segment::Unplaced && !without.contains(&DeviceIndex(*number))
        });
        let names: Vec<&str> = nowhere.map(|(s, _)| s.alias.as_str()).collect();
        (!names.is_empty()).then(|| {
            format!(
                "nobody has said where {} is worn: assign it on the page, or go on without it",
                names.join(", ")
            )
        })
    }

    /// An instruction was taken.
    pub fn follow(&mut self, command: &Command) {
        match command {
            Command::StartSet { .. } => self.begun = true,
            Command::Assign { worn, .. } => {
                for placement in worn {
                    if let Some(sensor) = self.sensors.get_mut(usize::from(placement.device.0)) {
                        sensor.segment = placement.segment;
                    }
                }
            }
            _ => {}
        }
    }
}
