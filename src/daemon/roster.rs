//! Which sensor of the running session is worn where, whether a set has begun, and what the plan asks that nobody wears a
//! sensor for: what an instruction is checked by before it is taken.

use crate::{
    model::{
        body::Segment,
        command::Command,
        metric::Metric,
        packet::DeviceIndex,
        placement,
        plan::Plan,
        session::{Sensor, SessionHeader},
    },
    motion,
    rules::{self, preflight::Wanted},
};
use std::collections::BTreeSet;

/// The sensors of a session as they are worn now.
#[derive(Debug, Clone)]
pub struct Roster {
    sensors: Vec<Sensor>,
    plan: Option<Plan>,
    begun: bool,
    /// What the plan asks and no sensor measures, in words: what a set was refused for, and what somebody goes on without.
    asked: BTreeSet<String>,
    accepted: BTreeSet<String>,
}

impl Roster {
    /// As the session begins.
    #[must_use]
    pub fn new(header: &SessionHeader, plan: Option<&Plan>) -> Self {
        Self {
            sensors: header.sensors.clone(),
            plan: plan.cloned(),
            begun: false,
            asked: BTreeSet::new(),
            accepted: BTreeSet::new(),
        }
    }

    /// Why an instruction cannot be followed: nobody has said where a sensor is worn, or where it cannot be.
    pub fn refusal(
        &mut self,
        command: &Command,
        without: &BTreeSet<DeviceIndex>,
    ) -> Option<String> {
        match command {
            Command::Assign { worn, confirmed_by } => {
                placement::refusal(&self.sensors, worn, confirmed_by, self.begun)
            }
            Command::StartSet { .. } => self.unplaced(without).or_else(|| self.unmeasured(command)),
            Command::GoUnmeasured { .. } if self.asked.is_empty() => Some(
                "no set was refused for want of a sensor: begin the set, and accept what is asked then"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// A sensor that was left out was accepted with that: it counts as worn here.
    fn unmeasured(&mut self, command: &Command) -> Option<String> {
        let (
            Some(plan),
            Command::StartSet {
                exercise,
                side,
                role,
                ..
            },
        ) = (&self.plan, command)
        else {
            return None;
        };
        let carrying: Vec<Segment> = self.sensors.iter().map(|s| s.segment).collect();
        let mut available = motion::measurable(&carrying, *side);
        available.extend(
            carrying
                .contains(&Segment::Chest)
                .then_some(Metric::HeartRate),
        );
        let wanted = Wanted {
            exercise,
            side: *side,
            role,
        };
        let params = rules::Params::default();
        let mut unworn = rules::preflight::unworn(&params, plan, wanted, &carrying, &available);
        unworn.retain(|line| !self.accepted.contains(line));
        self.asked = unworn.iter().cloned().collect();
        (!unworn.is_empty()).then(|| {
            format!(
                "the plan asks for what no sensor of the session measures ({}); wear one, or accept that it is not \
                 assessed (plimsoll tell go-unmeasured --accepted-by NAME)",
                unworn.join("; ")
            )
        })
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
            // That, and nothing that another exercise asks.
            Command::GoUnmeasured { .. } => self.accepted.append(&mut self.asked),
            Command::Assign { worn, .. } => {
                // What was accepted was said of other places.
                (self.asked, self.accepted) = (BTreeSet::new(), BTreeSet::new());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{command::SetRole, plan::TrainingSide};

    fn sensors(segments: &[Segment]) -> Vec<Sensor> {
        let on = |segment: &Segment| Sensor {
            alias: segment.to_string(),
            driver: "imported".to_owned(),
            segment: *segment,
            confirmed_by: "test".to_owned(),
            nominal_hz: 100.0,
        };
        segments.iter().map(on).collect()
    }

    fn roster(segments: &[Segment]) -> Roster {
        let text = include_str!("../../config/plans/knee-squat.toml");
        let plan = crate::wire::plan::parse(text).unwrap().plan;
        Roster {
            sensors: sensors(segments),
            plan: Some(plan),
            begun: false,
            asked: BTreeSet::new(),
            accepted: BTreeSet::new(),
        }
    }

    fn squat() -> Command {
        Command::StartSet {
            exercise: "squat".to_owned(),
            side: TrainingSide::Both,
            role: SetRole::Working,
            load_kg: Some(20.0),
        }
    }

    #[test]
    fn a_sensor_that_the_plan_needs_and_nobody_wears_is_asked_for() {
        let none = BTreeSet::new();
        let mut roster = roster(&[Segment::ThighR, Segment::ShankR]);
        let accept = Command::GoUnmeasured {
            accepted_by: "R-07".to_owned(),
        };
        assert!(
            roster.refusal(&accept, &none).is_some(),
            "nothing was asked"
        );
        let refused = roster.refusal(&squat(), &none).unwrap();
        assert!(refused.contains("heart-rate ceiling"), "{refused}");
        assert!(refused.contains("go-unmeasured"), "{refused}");
        assert_eq!(roster.refusal(&accept, &none), None);
        roster.follow(&accept);
        assert_eq!(roster.refusal(&squat(), &none), None);
        // Sensors that are worn elsewhere measure something else.
        roster.follow(&Command::Assign {
            worn: Vec::new(),
            confirmed_by: "R-07".to_owned(),
        });
        assert!(roster.refusal(&squat(), &none).is_some());
    }

    #[test]
    fn without_a_plan_nothing_is_asked_for() {
        let mut roster = roster(&[Segment::ThighR]);
        roster.plan = None;
        assert_eq!(roster.refusal(&squat(), &BTreeSet::new()), None);
    }
}
