//! The streams that a set-up started, and when each was heard last. Pure; ns of the host's clock.

use super::params::Params;
use crate::model::{reading::Measurand, time::HostNs};
use std::collections::BTreeMap;

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
    pub fn first_ms(&self, params: &Params) -> u64 {
        if self.has(Measurand::PulseInterval) {
            params.first_pulse_ms
        } else {
            params.first_data_ms
        }
    }

    /// When the first of them will have been silent for too long; `None` while none was heard.
    #[must_use]
    pub fn silent_at(&self, params: &Params) -> Option<HostNs> {
        let limit_ms = |m: Measurand| match m {
            Measurand::Acceleration | Measurand::AngularRate | Measurand::MagneticField => {
                Some(params.motion_silence_ms)
            }
            Measurand::HeartRate | Measurand::Ecg => Some(params.heart_silence_ms),
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
