//! Which sensors a session has, and which is worn where, as the configuration says it. Nothing is ever put on a side by
//! default.

use crate::{
    decode::{self, Driver, Wish},
    model::{body::Segment, reading::Measurand},
};
use serde::{Deserialize, Serialize};

/// A sensor and where it is worn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SensorConfig {
    /// Local name, such as `imu1`.
    pub alias: String,
    /// Its driver.
    pub driver: String,
    /// What tells it from others: the serial number in its name, its name, its address, or the serial number that its
    /// Device Information holds.
    pub id: String,
    /// Where it is worn; `unplaced` until somebody says it on the page.
    pub segment: Segment,
    /// Who saw it there.
    #[serde(default)]
    pub confirmed_by: String,
    /// What to measure; empty: what the family gives without being asked.
    #[serde(default)]
    pub streams: Vec<Stream>,
    /// Samples a second; none: the family's default.
    #[serde(default)]
    pub rate_hz: Option<f64>,
}

/// The keys of a sensor's table.
pub const KEYS: [&str; 7] = [
    "alias",
    "driver",
    "id",
    "segment",
    "confirmed_by",
    "streams",
    "rate_hz",
];

/// What a sensor can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Acceleration.
    Acceleration,
    /// Angular rate.
    AngularRate,
    /// Heart rate.
    HeartRate,
    /// Intervals of an optical sensor.
    PulseInterval,
    /// Electrocardiogram.
    Ecg,
    /// Magnetic field.
    MagneticField,
}

impl SensorConfig {
    /// Its driver.
    #[must_use]
    pub fn driver(&self) -> Option<&'static dyn Driver> {
        decode::driver(&self.driver)
    }

    /// It pushes over the network: no radio reaches it.
    #[must_use]
    pub fn is_phone(&self) -> bool {
        self.driver().is_some_and(Driver::pushes)
    }

    /// What is asked of it.
    #[must_use]
    pub fn wish(&self) -> Wish {
        Wish {
            streams: self.streams.iter().map(|s| s.measurand()).collect(),
            rate_hz: self.rate_hz,
        }
    }
}

impl Stream {
    const fn measurand(self) -> Measurand {
        match self {
            Self::Acceleration => Measurand::Acceleration,
            Self::AngularRate => Measurand::AngularRate,
            Self::HeartRate => Measurand::HeartRate,
            Self::PulseInterval => Measurand::PulseInterval,
            Self::Ecg => Measurand::Ecg,
            Self::MagneticField => Measurand::MagneticField,
        }
    }
}

/// Everything that is wrong with a list of sensors: position of the sensor, sentence.
#[must_use]
pub fn problems(sensors: &[SensorConfig]) -> Vec<(usize, String)> {
    let mut problems = Vec::new();
    for (i, sensor) in sensors.iter().enumerate() {
        let name = &sensor.alias;
        if sensor.driver().is_none() {
            let known: Vec<&str> = decode::drivers().iter().map(|d| d.name()).collect();
            let driver = &sensor.driver;
            let said = format!(
                "sensor {name:?} names the driver {driver:?}, which does not exist (there are: {})",
                known.join(", ")
            );
            problems.push((i, said));
        }
        if sensor
            .driver()
            .is_some_and(|d| !d.pushes() && d.setup(&sensor.wish()).is_empty())
        {
            let driver = &sensor.driver;
            let said =
                "which has nothing to start over Bluetooth: it cannot be a sensor of a session";
            problems.push((
                i,
                format!("sensor {name:?} names the driver {driver:?}, {said}"),
            ));
        }
        if sensor
            .rate_hz
            .is_some_and(|hz| !(0.1..=10_000.0).contains(&hz))
        {
            problems.push((i, format!("sensor {name:?} has a rate that is none")));
        }
        let placed = sensor.segment != Segment::Unplaced;
        let empty = |text: &str| text.trim().is_empty();
        let nobody = placed && empty(&sensor.confirmed_by);
        if empty(&sensor.alias) || empty(&sensor.id) || nobody {
            let said = "needs an alias, an id, and who confirmed where it is worn";
            problems.push((i, format!("sensor {name:?} {said}")));
        }
        for other in &sensors[..i] {
            let same = |what: &str| (i, problem_of_two(name, &other.alias, what));
            if other.alias == sensor.alias {
                problems.push(same("are called the same"));
            }
            if other.id.eq_ignore_ascii_case(&sensor.id) {
                problems.push(same("have the same id"));
            }
            if placed && other.segment == sensor.segment {
                problems.push(same(&format!("are both worn on {}", sensor.segment)));
            }
        }
    }
    problems
}

fn problem_of_two(a: &str, b: &str, what: &str) -> String {
    format!("sensors {b:?} and {a:?} {what}")
}
