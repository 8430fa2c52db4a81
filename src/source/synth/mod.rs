//! A simulator of people training: joint angles over time, faults, fatigue, sensors with noise, bias,
//! rate error and odd mountings, packets with jitter and stalls, a heart with lag. It emits the raw
//! bytes of real sensor families, so that they go through the decoders, and it knows its truth.
//!
//! Everything is drawn from one seed: the same seed gives the same bytes. Simulated data says so in its
//! header and is never part of an accuracy figure.

mod heart;
mod person;
mod scenarios;
mod script;
mod sensor;
mod track;
mod truth;

pub use scenarios::NAMES;
pub use script::{Activity, RepScript, SetScript};
pub use sensor::SensorModel;
pub use truth::{Expected, Truth};

use crate::{
    model::{
        body::Segment,
        packet::DeviceIndex,
        session::{Origin, Sensor, SessionHeader, SessionId},
        time::HostNs,
    },
    wire::{library, recording::Item},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use script::Writer;

/// Rate of the movement sensors, Hz: what a small file can carry.
const NOMINAL_HZ: f64 = 50.0;
/// Resting heart rate, bpm.
const REST_BPM: f64 = 76.0;

/// A session to simulate.
#[derive(Debug, Clone, Default)]
pub struct Scenario {
    /// Name.
    pub name: &'static str,
    /// Client pseudonym.
    pub client: &'static str,
    /// Where movement sensors are worn; a strap is worn always.
    pub sensors: Vec<Segment>,
    /// What the client does.
    pub script: Vec<Activity>,
    /// Which checks must end how.
    pub expected: Vec<Expected>,
    /// A sensor is silent from the middle of one repetition of a set to the end of another.
    pub silent_reps: Option<(Segment, u32, usize, usize)>,
}

/// A simulated session.
#[derive(Debug, Clone)]
pub struct SynthSession {
    /// Header, without a plan.
    pub header: SessionHeader,
    /// Packets and commands in the order they arrive.
    pub items: Vec<Item>,
    /// What is true.
    pub truth: Truth,
}

impl Scenario {
    /// The scenario of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        scenarios::named(name)
    }

    /// Simulates it.
    #[must_use]
    pub fn run(&self, seed: u64) -> SynthSession {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let sway = [0; 6].map(|_: i32| rng.random_range(0.0..std::f64::consts::TAU));
        let mut writer = Writer::new(REST_BPM, sway);
        for activity in &self.script {
            writer.write(activity);
        }
        let duration_s = writer.now();
        let Writer {
            body,
            wanted_bpm,
            commands,
            mut truth,
            ..
        } = writer;
        let mut models: Vec<_> = self
            .sensors
            .iter()
            .map(|s| SensorModel::on(*s, NOMINAL_HZ, &mut rng))
            .collect();
        self.silence(&mut models, &mut truth);
        let mut items: Vec<_> = commands
            .into_iter()
            .map(|(t, c)| Item::Command(HostNs((t * 1e9) as i64), c))
            .collect();
        for (i, model) in models.iter().enumerate() {
            items.extend(model.packets(DeviceIndex(i as u16), &body, duration_s, rng.random()));
        }
        truth.heart_bpm = heart::rate(&wanted_bpm, REST_BPM, duration_s);
        let strap = DeviceIndex(models.len() as u16);
        items.extend(heart::packets(strap, &truth.heart_bpm, rng.random()));
        items.sort_by_key(Item::host);
        truth.note = "simulated: no person was recorded";
        self.name.clone_into(&mut truth.scenario);
        truth.seed = seed;
        truth.expected.clone_from(&self.expected);
        SynthSession {
            header: self.header(&models),
            items,
            truth,
        }
    }

    fn silence(&self, models: &mut [SensorModel], truth: &mut Truth) {
        let Some((segment, set, first, last)) = self.silent_reps else {
            return;
        };
        let reps = truth.sets.get(set as usize - 1).map(|s| &s.reps);
        let Some((from, to)) = reps.and_then(|r| Some((r.get(first - 1)?, r.get(last - 1)?)))
        else {
            return;
        };
        let window = (f64::midpoint(from.start_s, from.turn_s), to.end_s - 0.2);
        truth.silent.push((segment.to_string(), window.0, window.1));
        for model in models.iter_mut().filter(|m| m.segment == segment) {
            model.silent_s.push(window);
        }
    }

    fn header(&self, models: &[SensorModel]) -> SessionHeader {
        let mut sensors: Vec<_> = models
            .iter()
            .enumerate()
            .map(|(i, m)| Sensor {
                alias: format!("imu{}", i + 1),
                driver: "witmotion".into(),
                segment: m.segment,
                confirmed_by: "simulator".into(),
                nominal_hz: m.nominal_hz,
            })
            .collect();
        sensors.push(Sensor {
            alias: "strap".into(),
            driver: "heart_rate".into(),
            segment: Segment::Chest,
            confirmed_by: "simulator".into(),
            nominal_hz: 0.0,
        });
        SessionHeader {
            schema: "plimsoll-session/1".into(),
            session: SessionId(self.name.to_owned()),
            client: self.client.to_owned(),
            origin: Origin::Simulated,
            started_at: "2026-01-20T10:00:00Z".into(),
            started_host: HostNs(0),
            sensors,
            plan_sha256: None,
            plan_label: None,
            baselines: Vec::new(),
            software: env!("CARGO_PKG_VERSION").into(),
            library_sha256: library::sha256(),
        }
    }
}

#[cfg(test)]
mod tests;
