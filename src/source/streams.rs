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
    /// The same of intervals between beats, of a sensor that was asked for nothing else of the heart.
    pub interval_silence_ms: u64,
    /// A sensor that finds nothing for longer does not measure.
    pub blank_ms: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_data_ms: 20_000,
            first_pulse_ms: 45_000,
            motion_silence_ms: 5_000,
            heart_silence_ms: 15_000,
            interval_silence_ms: 60_000,
            blank_ms: 3_000,
        }
    }
}

/// Streams of one connection.
#[derive(Debug, Clone, Default)]
pub struct Streams {
    heard: BTreeMap<Measurand, Option<HostNs>>,
    /// Since when the sensor finds nothing to measure, and until when it has said so.
    blank: Option<(HostNs, HostNs)>,
}

impl Streams {
    /// These were started, and none was heard yet.
    #[must_use]
    pub fn started(what: Vec<Measurand>) -> Self {
        Self {
            heard: what.into_iter().map(|m| (m, None)).collect(),
            blank: None,
        }
    }

    /// Nothing was started.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heard.is_empty()
    }

    /// It was started.
    #[must_use]
    pub fn has(&self, measurand: Measurand) -> bool {
        self.heard.contains_key(&measurand)
    }

    /// Values of these came; others are not watched.
    pub fn heard(&mut self, now: HostNs, what: &[Measurand]) {
        for measurand in what {
            if let Some(heard) = self.heard.get_mut(measurand) {
                *heard = Some(now);
                self.blank = self.blank.filter(|_| !measurand.is_of_the_heart());
            }
        }
    }

    /// Values of these came that say that there is nothing to measure: a stream that has delivered is not silent.
    pub fn blank(&mut self, now: HostNs, what: &[Measurand]) {
        for measurand in what {
            if let Some(Some(heard)) = self.heard.get_mut(measurand) {
                *heard = now;
            }
        }
        let since = self.blank.map_or(now, |(since, _)| since);
        self.blank = Some((since, now));
    }

    /// The sensor has been saying for some time that it finds nothing to measure.
    #[must_use]
    pub fn is_blank(&self, patience: &Patience) -> bool {
        self.blank.is_some_and(|(since, until)| {
            (until.0 - since.0).unsigned_abs() >= patience.blank_ms * 1_000_000
        })
    }

    /// What has not delivered yet.
    pub fn missing(&self) -> impl Iterator<Item = Measurand> + '_ {
        let unheard = self.heard.iter().filter(|(_, heard)| heard.is_none());
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
        let told = self.has(Measurand::HeartRate) || self.has(Measurand::Ecg);
        let limit_ms = |m: Measurand| match m {
            Measurand::Acceleration | Measurand::AngularRate | Measurand::MagneticField => {
                Some(patience.motion_silence_ms)
            }
            Measurand::HeartRate | Measurand::Ecg => Some(patience.heart_silence_ms),
            // Beats come when they come: only where nothing else tells that the heart is measured.
            Measurand::RrInterval | Measurand::PulseInterval if !told => {
                Some(patience.interval_silence_ms)
            }
            _ => None,
        };
        let ends = |(m, heard): (&Measurand, &Option<HostNs>)| {
            let ms = i64::try_from(limit_ms(*m)?).ok()?;
            Some(HostNs((*heard)?.0 + ms * 1_000_000))
        };
        self.heard.iter().filter_map(ends).min()
    }
}
