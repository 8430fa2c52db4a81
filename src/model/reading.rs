//! What a decoder gives: one measured value in SI units with the device's own time, if it has any.

use super::time::DeviceNs;

/// The time a device put on a reading, as far as it put any.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DeviceTime {
    /// The device stamps samples with a clock of its own (already unwrapped).
    Clock(DeviceNs),
    /// No stamp: the `n`-th sample of its stream since the connection began, counting from 0.
    Count(u64),
    /// Neither stamp nor steady rate: only the arrival is known.
    Arrival,
}

/// One decoded value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// When, on the device's clock.
    pub time: DeviceTime,
    /// What.
    pub value: Value,
}

/// The contact of a heart-rate strap with the skin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// The device cannot tell.
    Unknown,
    /// The device says there is none.
    Lost,
    /// The device says there is.
    Good,
}

/// A value in SI units (heart values in the units of their service).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// Acceleration including gravity (m/s²) and angular rate (rad/s), sampled together.
    Imu {
        /// m/s²
        acceleration: [f64; 3],
        /// rad/s
        angular_rate: [f64; 3],
        /// An axis stands at the end of the sensor's range.
        clipped: bool,
    },
    /// Acceleration alone, m/s².
    Acceleration {
        /// m/s²
        acceleration: [f64; 3],
        /// An axis stands at the end of the sensor's range.
        clipped: bool,
    },
    /// Angular rate alone, rad/s.
    AngularRate {
        /// rad/s
        angular_rate: [f64; 3],
        /// An axis stands at the end of the sensor's range.
        clipped: bool,
    },
    /// Heart rate as the strap states it.
    HeartRate {
        /// beats per minute; 0 is what straps send when they have no value
        bpm: u16,
        /// skin contact
        contact: Contact,
    },
    /// One interval between beats, 1/1024 s, oldest first.
    RrInterval {
        /// 1/1024 s
        ticks: u16,
    },
    /// One pulse-to-pulse interval of an optical sensor.
    PulseInterval {
        /// ms
        interval_ms: u16,
        /// the sensor's own error estimate, ms
        error_ms: u16,
        /// movement blocked the measurement, or no contact
        blocked: bool,
    },
    /// Electrocardiogram, µV.
    Ecg {
        /// µV
        microvolt: i32,
    },
    /// Magnetic field, µT.
    MagneticField {
        /// µT
        field: [f64; 3],
    },
    /// State of charge, 0-100.
    Battery {
        /// %
        percent: u8,
    },
}

/// What can be measured, without the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measurand {
    /// Acceleration including gravity.
    Acceleration,
    /// Angular rate.
    AngularRate,
    /// Heart rate.
    HeartRate,
    /// Interval between beats.
    RrInterval,
    /// Pulse-to-pulse interval of an optical sensor.
    PulseInterval,
    /// Electrocardiogram.
    Ecg,
    /// Magnetic field.
    MagneticField,
    /// State of charge.
    Battery,
}

impl Measurand {
    /// It comes from a heart: a sensor that is not worn has none.
    #[must_use]
    pub const fn is_of_the_heart(self) -> bool {
        matches!(
            self,
            Self::HeartRate | Self::RrInterval | Self::PulseInterval | Self::Ecg
        )
    }
}

impl Value {
    /// The acceleration in it, m/s².
    #[must_use]
    pub const fn acceleration(&self) -> Option<[f64; 3]> {
        match self {
            Self::Imu { acceleration, .. } | Self::Acceleration { acceleration, .. } => {
                Some(*acceleration)
            }
            _ => None,
        }
    }

    /// The sensor says that it finds nothing to measure: no beat, or no skin.
    #[must_use]
    pub const fn is_blank(&self) -> bool {
        matches!(
            self,
            Self::HeartRate { bpm: 0, .. }
                | Self::HeartRate {
                    contact: Contact::Lost,
                    ..
                }
        )
    }

    /// What this is a value of.
    #[must_use]
    pub const fn measures(&self) -> &'static [Measurand] {
        use Measurand as M;
        match self {
            Self::Imu { .. } => &[M::Acceleration, M::AngularRate],
            Self::Acceleration { .. } => &[M::Acceleration],
            Self::AngularRate { .. } => &[M::AngularRate],
            Self::HeartRate { .. } => &[M::HeartRate],
            Self::RrInterval { .. } => &[M::RrInterval],
            Self::PulseInterval { .. } => &[M::PulseInterval],
            Self::Ecg { .. } => &[M::Ecg],
            Self::MagneticField { .. } => &[M::MagneticField],
            Self::Battery { .. } => &[M::Battery],
        }
    }
}
