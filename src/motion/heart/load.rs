//! What a span of time asked of the heart: mean, largest median, shares of reserve and maximum, zones, training
//! impulse; summed up second by second, because a mean hides intervals. bpm, s, min.

use super::zones::Zones;
use crate::model::heart::{
    Figure, HeartProfile, Intensity, MAXIMUM_ZONES_PERCENT, RESERVE_ZONES_PERCENT, Reserve, Sex,
    Withheld,
};

/// A value speaks for this long at most, s: straps send one a second.
const HOLD_S: f64 = 3.0;
/// Least share of the span with a value of which a sum is said.
const COVERED: f64 = 0.9;
/// Banister's factor and exponent (Morton, Fitz-Clarke, Banister 1990).
const MALE: (f64, f64) = (0.64, 1.92);
const FEMALE: (f64, f64) = (0.86, 1.67);

/// Sums over a span, from its begin on.
#[derive(Debug)]
pub(super) struct Load {
    profile: HeartProfile,
    start_s: f64,
    weight_s: f64,
    weighted: f64,
    pub(super) max_bpm: Option<f64>,
    reserve: Option<(Zones<4>, [f64; 5])>,
    maximum: Option<(Zones<5>, [f64; 6])>,
    banister: f64,
    last_s: Option<f64>,
}

impl Load {
    pub(super) fn new(start_s: f64, profile: &HeartProfile) -> Self {
        let reserve = reserve_of(profile).value();
        let maximum = profile.maximum.value();
        Self {
            profile: *profile,
            start_s,
            weight_s: 0.0,
            weighted: 0.0,
            max_bpm: None,
            reserve: reserve.map(|(rest, range)| {
                let borders = RESERVE_ZONES_PERCENT.map(|p| rest + p / 100.0 * range);
                (Zones::new(borders), [0.0; 5])
            }),
            maximum: maximum.map(|m| {
                let borders = MAXIMUM_ZONES_PERCENT.map(|p| p / 100.0 * m.bpm);
                (Zones::new(borders), [0.0; 6])
            }),
            banister: 0.0,
            last_s: None,
        }
    }

    /// Gives the time until `to_s` to the value of `value_s`; what was given before stays.
    pub(super) fn account(&mut self, value_s: f64, to_s: f64, bpm: f64) {
        let from_s = value_s
            .max(self.start_s)
            .max(self.last_s.unwrap_or(f64::MIN));
        let step_s = to_s.min(value_s + HOLD_S) - from_s;
        if step_s <= 0.0 || !bpm.is_finite() {
            return;
        }
        let silent = self.last_s.is_some_and(|last| from_s - last > HOLD_S);
        self.last_s = Some(from_s + step_s);
        self.weight_s += step_s;
        self.weighted += step_s * bpm;
        if let Some((zones, seconds)) = &mut self.reserve {
            if silent {
                zones.forget();
            }
            seconds[zones.at(from_s, bpm)] += step_s;
        }
        if let Some((zones, seconds)) = &mut self.maximum {
            if silent {
                zones.forget();
            }
            seconds[zones.at(from_s, bpm)] += step_s;
        }
        if let (Some((rest, range)), Some(sex)) =
            (reserve_of(&self.profile).value(), self.profile.sex)
        {
            self.banister += step_s / 60.0 * banister((bpm - rest) / range, sex);
        }
    }

    /// A new 5-s median.
    pub(super) fn median(&mut self, bpm: f64) {
        self.max_bpm = Some(self.max_bpm.map_or(bpm, |old| old.max(bpm)));
    }

    pub(super) fn start_s(&self) -> f64 {
        self.start_s
    }

    pub(super) fn mean_bpm(&self) -> Option<f64> {
        (self.weight_s > 0.0).then(|| self.weighted / self.weight_s)
    }

    /// Share of the span until `end_s` with a value.
    pub(super) fn covered(&self, end_s: f64) -> f64 {
        let span_s = end_s - self.start_s;
        if span_s > 0.0 {
            (self.weight_s / span_s).min(1.0)
        } else {
            0.0
        }
    }

    /// What the span until `end_s` comes to. A sum with holes would be too small: it is withheld.
    pub(super) fn intensity(&self, end_s: f64) -> Intensity {
        let heard = if self.covered(end_s) >= COVERED {
            Ok(())
        } else {
            Err(Withheld::Gap)
        };
        let reserve = gate(reserve_of(&self.profile), heard);
        let maximum = gate(self.profile.maximum, heard);
        let mean = self.mean_bpm().unwrap_or(f64::NAN);
        let zone_s = self.reserve.as_ref().map_or([0.0; 5], |(_, s)| *s);
        let maximum_zone_s = maximum.map(|_| self.maximum.as_ref().map_or([0.0; 6], |(_, s)| *s));
        Intensity {
            reserve: reserve.map(|(rest, range)| Reserve {
                mean_percent: 100.0 * (mean - rest) / range,
                max_percent: 100.0 * (self.max_bpm.unwrap_or(mean) - rest) / range,
                zone_s,
            }),
            maximum_zone_s,
            trimp_banister: match (reserve, self.profile.sex) {
                (Figure::Is(_), None) => Figure::Withheld(Withheld::NoSex),
                (reserve, _) => reserve.map(|_| self.banister),
            },
            trimp_edwards: maximum_zone_s.map(edwards),
        }
    }
}

fn gate<T: Copy>(figure: Figure<T>, heard: Result<(), Withheld>) -> Figure<T> {
    match (figure, heard) {
        (Figure::Is(_), Err(why)) => Figure::Withheld(why),
        (figure, _) => figure,
    }
}

/// Rest and reserve, bpm.
fn reserve_of(profile: &HeartProfile) -> Figure<(f64, f64)> {
    match (profile.maximum, profile.rest_bpm) {
        (Figure::Withheld(why), _) => Figure::Withheld(why),
        (_, None) => Figure::Withheld(Withheld::NoRest),
        (Figure::Is(max), Some(rest)) if max.bpm > rest => Figure::Is((rest, max.bpm - rest)),
        _ => Figure::Withheld(Withheld::NoMaximum),
    }
}

/// Banister's weight of a minute at a share of reserve.
fn banister(share: f64, sex: Sex) -> f64 {
    let (factor, exponent) = match sex {
        Sex::Male => MALE,
        Sex::Female => FEMALE,
    };
    let share = share.clamp(0.0, 1.0);
    share * factor * (exponent * share).exp()
}

/// Edwards: a minute in zone 1 to 5 of the maximum counts 1 to 5.
fn edwards(zone_s: [f64; 6]) -> f64 {
    let weights = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    zone_s.iter().zip(weights).map(|(s, w)| s / 60.0 * w).sum()
}
