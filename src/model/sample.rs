//! What the rest of the program sees of a sensor: a value on the session's clock, with its quality.

use super::{packet::DeviceIndex, time::SessionNs};
use serde::{Deserialize, Serialize};

/// Which kind of series of a device a sample belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamKind {
    /// `[ax, ay, az, gx, gy, gz]` in m/s² and rad/s.
    Imu,
    /// `[ax, ay, az]` in m/s²: the device has no gyroscope (or it is off).
    Acc,
    /// `[bpm]`.
    HeartRate,
    /// `[rr_ms]`, stamped at the END of the interval.
    Rr,
    /// `[µV]`.
    Ecg,
    /// `[%]`.
    Battery,
}

impl StreamKind {
    /// All kinds, in the order of their codes.
    pub const ALL: [StreamKind; 6] = [
        Self::Imu,
        Self::Acc,
        Self::HeartRate,
        Self::Rr,
        Self::Ecg,
        Self::Battery,
    ];

    /// Number of values a sample of this kind has.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Imu => 6,
            Self::Acc => 3,
            Self::HeartRate | Self::Rr | Self::Ecg | Self::Battery => 1,
        }
    }

    /// Names of the values of a sample of this kind, with units.
    #[must_use]
    pub const fn channel_names(self) -> &'static [&'static str] {
        const IMU: [&str; 6] = [
            "ax_m_s2", "ay_m_s2", "az_m_s2", "gx_rad_s", "gy_rad_s", "gz_rad_s",
        ];
        match self {
            Self::Imu => &IMU,
            Self::Acc => IMU.split_at(3).0,
            Self::HeartRate => &["bpm"],
            Self::Rr => &["rr_ms"],
            Self::Ecg => &["ecg_uv"],
            Self::Battery => &["battery_percent"],
        }
    }

    /// The name used in topics, tables and column headings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Imu => "imu",
            Self::Acc => "acc",
            Self::HeartRate => "heart_rate",
            Self::Rr => "rr",
            Self::Ecg => "ecg",
            Self::Battery => "battery",
        }
    }
}

/// One series of one device within a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamId {
    /// Which sensor.
    pub device: DeviceIndex,
    /// Which of its series.
    pub kind: StreamKind,
}

/// What is known against a sample; empty = measured and good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quality(pub u8);

impl Quality {
    /// Measured and good.
    pub const GOOD: Quality = Quality(0);
    /// Filled in by interpolation over a short gap: not measured.
    pub const INTERPOLATED: Quality = Quality(1);
    /// The first sample after a gap too long to fill.
    pub const AFTER_GAP: Quality = Quality(2);
    /// An axis stands at the end of its range.
    pub const CLIPPED: Quality = Quality(4);
    /// The device sent something that is no number or outside what is possible; the value is 0.
    pub const NOT_FINITE: Quality = Quality(8);
    /// The strap says it has no skin contact, or the value is implausible.
    pub const NO_CONTACT: Quality = Quality(16);
    /// The clock fit is not settled or was re-anchored: the instant may be off by more than 20 ms.
    pub const CLOCK_UNSURE: Quality = Quality(32);

    /// Both sets of marks.
    #[must_use]
    pub const fn with(self, other: Quality) -> Quality {
        Quality(self.0 | other.0)
    }

    /// Any of the marks of `other` is set.
    #[must_use]
    pub const fn has(self, other: Quality) -> bool {
        self.0 & other.0 != 0
    }

    /// The value itself may be used for a measurement (it was measured, is finite, not clipped).
    #[must_use]
    pub const fn is_measured(self) -> bool {
        self.0 & (Self::INTERPOLATED.0 | Self::CLIPPED.0 | Self::NOT_FINITE.0 | Self::NO_CONTACT.0)
            == 0
    }
}

/// One value of one stream at one instant. Unused trailing channels are 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Which series.
    pub stream: StreamId,
    /// When, on the session's clock.
    pub t: SessionNs,
    /// The channels of [`StreamKind`]; single precision is what the bus carries and the store keeps.
    pub values: [f32; 6],
    /// What is known against it.
    pub quality: Quality,
}

impl Sample {
    /// Acceleration including gravity, m/s² (streams `imu` and `acc`).
    #[must_use]
    pub fn acceleration(&self) -> [f64; 3] {
        [
            self.values[0].into(),
            self.values[1].into(),
            self.values[2].into(),
        ]
    }

    /// Angular rate, rad/s (stream `imu`).
    #[must_use]
    pub fn angular_rate(&self) -> [f64; 3] {
        [
            self.values[3].into(),
            self.values[4].into(),
            self.values[5].into(),
        ]
    }
}
