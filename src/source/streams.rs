//! The streams that a set-up started, and when each was heard last. Pure; ns of the host's clock.

use crate::model::{reading::Measurand, time::HostNs};
use std::collections::BTreeMap;

/// How long a stream may say nothing. Times in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// Every stream has delivered within this after the set-up. 20000: some heart sensors need that long to find a beat.
    pub first_data_ms: u64,
    /// The same for intervals of an optical sensor, which come in long batches. Verity Sense: the first after 25 s.
    pub first_pulse_ms: u64,
    /// A motion stream that is silent for longer is started anew: five times what a window of the radio may lose.
    pub motion_silence_ms: u64,
    /// The same of heart streams: a strap that finds no beat may say nothing for a while.
    pub heart_silence_ms: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_data_ms: 20_000,
            first_pulse_ms: 45_000,
            motion_silence_ms: 5_000,
            heart_silence_ms: 15_000,
        }
    }
}

/// Streams of one connection.
#[derive(Debug, Clone, Default)]
pub struct Streams(BTreeMap<Measurand, Option<HostNs>>);

impl Streams {
    /// These were started, and none was heard yet.
    #[must_use]
    pub fn started(what: Vec<Measurand>) -> Self {
        Self(what.into_iter().map(|m| (m, None)).collect())
    }

    /// Nothing was started.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// It was started.
    #[must_use]
    pub fn has(&self, measurand: Measurand) -> bool {
        self.0.contains_key(&measurand)
    }

    /// Values of these came; others are not watched.
    pub fn heard(&mut self, now: HostNs, what: &[Measurand]) {
        for measurand in what {
            if let Some(heard) = self.0.get_mut(measurand) {
                *heard = Some(now);
            }
        }
    }

    /// Values of these came that say that there is nothing to measure: a stream that has delivered is not silent.
    pub fn blank(&mut self, now: HostNs, what: &[Measurand]) {
        for measurand in what {
            if let Some(Some(heard)) = self.0.get_mut(measurand) {
                *heard = now;
            }
        }
    }

    /// What has not delivered yet.
    pub fn missing(&self) -> impl Iterator<Item = Measurand> + '_ {
        let unheard = self.0.iter().filter(|(_, heard)| heard.is_none());
        unheard.map(|(m, _)| *m)
    }

    /// All have delivered within this after the set-up, ms.
    #[must_use]
    pub fn first_ms(&self, patience: &Patience) -> u64 {
        if self.has(Measurand::PulseInterval) {
            patience.first_pulse_ms
        } else {
            patience.first_data_ms
        }
    }

    /// When the first of them will have been silent for too long; `None` while none was heard.
    #[must_use]
    pub fn silent_at(&self, patience: &Patience) -> Option<HostNs> {
        let limit_ms = |m: Measurand| match m {
            Measurand::Acceleration | Measurand::AngularRate | Measurand::MagneticField => {
                Some(patience.motion_silence_ms)
            }
            Measurand::HeartRate | Measurand::Ecg => Some(patience.heart_silence_ms),
            // Beats and charge come when they come.
            _ => None,
        };
        let ends = |(m, heard): (&Measurand, &Option<HostNs>)| {
            let ms = i64::try_from(limit_ms(*m)?).ok()?;
            Some(HostNs((*heard)?.0 + ms * 1_000_000))
        };
        self.0.iter().filter_map(ends).min()
    }
}
