//! Effort in sentences: how tempo and speed are to be read, how hard the heart worked, and why a figure is not given.
//! bpm, %, min.

use super::{facts::SessionReport, words};
use crate::model::{
    heart::{Figure, Maximum, MaximumSource, Reserve, Variability, Withheld},
    rep::{Loss, SessionHeart},
};

/// Names of the zones of the heart-rate reserve.
const ZONES: [&str; 5] = [
    "below 30 %",
    "light",
    "moderate",
    "vigorous",
    "near maximal",
];

/// The lines below the table of sets; empty for a session without any.
pub(super) fn lines(r: &SessionReport) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(reading(r));
    lines.extend(r.heart_of_session.as_ref().map(heart));
    lines.extend(rest(r));
    lines
}

/// `12 ± 8 %`; a change that cannot be told from none says so.
pub(super) fn loss(loss: &Loss) -> String {
    let text = words::quantity(Some(loss.percent), Some(loss.error_percent), "%");
    if loss.percent < loss.error_percent {
        format!("{text} (no clear change)")
    } else {
        text
    }
}

/// `−21` or `+3`.
pub(super) fn change(bpm: f64) -> String {
    let sign = if bpm < 0.0 { '−' } else { '+' };
    format!("{sign}{}", words::number(bpm.abs(), "/min"))
}

fn reading(r: &SessionReport) -> Option<String> {
    let timed = r.sets.iter().find_map(|s| s.tempo_threshold)?;
    let error = r.sets.iter().filter_map(|s| s.tempo_error_s);
    let error = error.fold(0.0, f64::max);
    let mut line = format!(
        "Tempo: still = below {} of a repetition's top speed; a phase is good to ± {}.",
        words::quantity(Some(100.0 * timed), None, "%"),
        words::quantity(Some(error), None, "s")
    );
    if r.sets.iter().any(|s| s.loss.is_some()) {
        line.push_str(
            " Slowed: lifting speed of the last full repetition against the fastest, \
             ± = smallest change that can be told from none; says nothing of repetitions left.",
        );
    }
    Some(line)
}

fn heart(heart: &SessionHeart) -> String {
    let intensity = &heart.stats.intensity;
    let mut parts = Vec::new();
    match intensity.reserve {
        Figure::Is(reserve) => parts.push(reserve_words(&reserve)),
        Figure::Withheld(why) => parts.push(format!(
            "share of heart-rate reserve not given: {}",
            withheld(why)
        )),
    }
    if let Figure::Is(points) = intensity.trimp_banister {
        parts.push(format!("training impulse {points:.0} (Banister)"));
    }
    if let Figure::Is(points) = intensity.trimp_edwards {
        parts.push(format!("{points:.0} (Edwards)"));
    }
    if let Figure::Is(max) = heart.profile.maximum {
        parts.push(maximum(&max));
    }
    if let Some(rest) = heart.profile.rest_bpm {
        parts.push(format!(
            "rest {}",
            words::quantity(Some(rest), None, "/min")
        ));
    }
    format!("Heart: {}.", parts.join("; "))
}

fn reserve_words(reserve: &Reserve) -> String {
    let percent = |v: f64| words::quantity(Some(v), None, "%");
    let zones: Vec<String> = ZONES
        .iter()
        .zip(reserve.zone_s)
        .filter(|(_, s)| *s >= 1.0)
        .map(|(name, s)| format!("{} {name}", words::duration(s)))
        .collect();
    format!(
        "{} of reserve on average, {} at most ({})",
        percent(reserve.mean_percent),
        percent(reserve.max_percent),
        zones.join(", ")
    )
}

fn maximum(max: &Maximum) -> String {
    let bpm = words::quantity(Some(max.bpm), max.error_bpm, "/min");
    format!("maximum {bpm} ({})", source(max.source))
}

/// Variability at rest before the first set; a session that began with a set has none.
fn rest(r: &SessionReport) -> Option<String> {
    let before = r.sets.first()?.rest_before?;
    let Variability {
        rmssd_ms,
        beats,
        excluded,
    } = before;
    if beats == 0 {
        return None;
    }
    let share = words::quantity(Some(100.0 * excluded), None, "%");
    Some(match rmssd_ms {
        Figure::Is(ms) => {
            format!("Rest before set 1: RMSSD {ms:.0} ms, {share} of {beats} beats excluded.")
        }
        Figure::Withheld(why) => format!("Rest before set 1: RMSSD not given, {}.", withheld(why)),
    })
}

/// Where a maximum comes from.
const fn source(source: MaximumSource) -> &'static str {
    match source {
        MaximumSource::Measured => "measured",
        MaximumSource::ExerciseTest => "exercise test",
        MaximumSource::Therapist => "typed by the therapist",
        MaximumSource::Fox => "formula 220 - age",
        MaximumSource::Tanaka => "formula 208 - 0.7 age",
        MaximumSource::Gellish => "formula 206.9 - 0.67 age",
    }
}

/// Why a figure is not given.
const fn withheld(why: Withheld) -> &'static str {
    match why {
        Withheld::NotComputed => "it was not worked out",
        Withheld::NoMaximum => "the plan has no maximum heart rate",
        Withheld::NoRest => "the plan has no resting heart rate",
        Withheld::NoSex => "the plan has neither female nor male",
        Withheld::NoAge => "the plan has no age for its formula",
        Withheld::UnknownFormula => "the plan names a formula that is not known",
        Withheld::BetaBlocker => "no formula of age holds under a beta-blocker",
        Withheld::Pregnant => "no formula of age holds in pregnancy",
        Withheld::Cardiac => "a cardiac client needs a measured maximum",
        Withheld::Gap => "too much of it was not heard",
        Withheld::NoBeats => "the strap sends no intervals between beats",
        Withheld::TooShort => "less than two minutes of beats",
        Withheld::TooManyExcluded => "more than a tenth of the beats had to be excluded",
        Withheld::Uneven => "the beats follow each other unevenly",
    }
}
