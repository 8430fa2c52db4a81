//! Words of the heart: who it belongs to, how hard it worked, how it varies, and why a figure is withheld.
//! bpm, ms, s, %.

use serde::{Deserialize, Serialize};

/// Sex as two formulas need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

/// Where the maximum heart rate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaximumSource {
    /// Measured in training or in the field.
    Measured,
    /// Graded exercise test.
    ExerciseTest,
    /// Typed by the therapist.
    Therapist,
    /// 220 - age (Fox).
    Fox,
    /// 208 - 0.7 age (Tanaka, Monahan, Seals 2001).
    Tanaka,
    /// 206.9 - 0.67 age (Gellish and others 2007).
    Gellish,
}

/// Maximum heart rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Maximum {
    /// bpm.
    pub bpm: f64,
    /// Half-width of its 95 % band over people, bpm; `None` for a number that was measured or typed.
    pub error_bpm: Option<f64>,
    /// Where it comes from.
    pub source: MaximumSource,
}

/// Why a figure is not given. Missing is never fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// Nobody worked it out (an older recording of events).
    #[default]
    NotComputed,
    /// The plan has no maximum heart rate.
    NoMaximum,
    /// The plan has no resting heart rate.
    NoRest,
    /// The plan says neither female nor male, and the formula's constants differ.
    NoSex,
    /// A formula of age without an age.
    NoAge,
    /// A formula that this program does not know.
    UnknownFormula,
    /// A formula of age does not hold under a beta-blocker.
    BetaBlocker,
    /// A formula of age does not hold in pregnancy.
    Pregnant,
    /// A cardiac client needs a measured maximum.
    Cardiac,
    /// The strap was heard for less than nine tenths of the time.
    Gap,
    /// The strap sends no intervals between beats.
    NoBeats,
    /// Less than two minutes of beats.
    TooShort,
    /// More than a tenth of the beats had to be excluded.
    TooManyExcluded,
    /// Beats follow each other so unevenly that none can be called the normal ones.
    Uneven,
}

/// A figure, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure<T> {
    /// The figure.
    Is(T),
    /// None, and why.
    Withheld(Withheld),
}

impl<T> Default for Figure<T> {
    fn default() -> Self {
        Self::Withheld(Withheld::default())
    }
}

impl<T: Copy> Figure<T> {
    /// The figure, if there is one.
    #[must_use]
    pub fn value(&self) -> Option<T> {
        match self {
            Self::Is(value) => Some(*value),
            Self::Withheld(_) => None,
        }
    }

    /// The figure that follows from this one; a reason stays.
    #[must_use]
    pub fn map<U>(self, of: impl FnOnce(T) -> U) -> Figure<U> {
        match self {
            Self::Is(value) => Figure::Is(of(value)),
            Self::Withheld(why) => Figure::Withheld(why),
        }
    }
}

/// What must be known of a person before a heart rate says how hard it is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct HeartProfile {
    /// Heart rate at rest.
    pub rest_bpm: Option<f64>,
    /// Maximum.
    pub maximum: Figure<Maximum>,
    /// Sex.
    pub sex: Option<Sex>,
}

/// Lower ends of the zones above the first, % of heart-rate reserve (ACSM): light, moderate, vigorous, near maximal.
pub const RESERVE_ZONES_PERCENT: [f64; 4] = [30.0, 40.0, 60.0, 90.0];
/// Lower ends of the zones above the lowest, % of the maximum: five of ten percent each.
pub const MAXIMUM_ZONES_PERCENT: [f64; 5] = [50.0, 60.0, 70.0, 80.0, 90.0];

/// Share of the heart-rate reserve, 100 (HR - rest) / (maximum - rest) (Karvonen).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reserve {
    /// Time-weighted mean, %.
    pub mean_percent: f64,
    /// Of the largest 5-s median, %.
    pub max_percent: f64,
    /// Seconds in each zone of [`RESERVE_ZONES_PERCENT`], the lowest first.
    pub zone_s: [f64; 5],
}

/// How hard the heart worked.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Intensity {
    /// Against rest and maximum.
    pub reserve: Figure<Reserve>,
    /// Seconds in each zone of [`MAXIMUM_ZONES_PERCENT`], below the lowest first.
    pub maximum_zone_s: Figure<[f64; 6]>,
    /// Training impulse of Banister: minutes x r x k exp(b r), r = share of reserve, second by second.
    pub trimp_banister: Figure<f64>,
    /// Training impulse of Edwards: minutes in the zones of the maximum x 1 to 5.
    pub trimp_edwards: Figure<f64>,
}

/// Beat-to-beat variability.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Variability {
    /// Root mean square of successive differences, ms, without any difference that touches a flagged beat.
    pub rmssd_ms: Figure<f64>,
    /// Intervals looked at.
    pub beats: u32,
    /// Share of them excluded, 0-1.
    pub excluded: f64,
}
