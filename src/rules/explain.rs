//! A finding as one plain sentence for trainer and therapist: value with its error, the number it was
//! held to, and who set that number. Units of the metric. Names no cause.

use super::compensation::compensation;
use crate::model::{
    finding::{CheckKind, Finding, Source, Verdict},
    metric::Metric,
    rep::Missing,
};

/// One sentence.
#[must_use]
pub fn explain(finding: &Finding) -> String {
    let place = place(finding);
    let name = metric_name(finding.metric);
    let held = held_to(finding);
    let who = source(finding.source);
    match finding.verdict {
        Verdict::Within => format!("{place}{}, within {held} {who}.", measured(finding)),
        Verdict::Unsure if is_pain(finding) => {
            format!(
                "{place}{}, at the cue number, below the stop number of {} {who}.",
                measured(finding),
                stop_number(finding)
            )
        }
        Verdict::Unsure => format!("{place}{}, {}.", measured(finding), doubt(finding)),
        Verdict::Outside if finding.value.is_none() => {
            format!(
                "{place}{name} {}: counted as outside {held} {who}.",
                why(finding)
            )
        }
        Verdict::Outside => format!(
            "{place}{}{}, outside {held} {who}{}.",
            measured(finding),
            apart(finding),
            how(finding)
        ),
        Verdict::NotAssessed => format!(
            "{place}{name} not assessed against {held} {who}: {}.",
            why_not(finding)
        ),
        Verdict::Invalid => format!(
            "{place}no verdict on {name} against {held} {who}: {}.",
            why(finding)
        ),
    }
}

/// Why a number is neither good nor certainly past.
fn doubt(finding: &Finding) -> String {
    let held = held_to(finding);
    let who = source(finding.source);
    if finding.missing == Some(Missing::Drifted) {
        return format!(
            "within {held} {who}, but the rest pose has left the calibration by more than 5 deg: calibrate again"
        );
    }
    let (below, above) = (finding.min, finding.max);
    let value = finding.value.unwrap_or(f64::NAN);
    let past = below
        .map_or(0.0, |b| b - value)
        .max(above.map_or(0.0, |a| value - a));
    if past > finding.guard {
        return format!("past {held} {who}, alone among the signals that describe a repetition");
    }
    format!(
        "past {held} {who}, by no more than the guard band of {}",
        number(finding.guard, finding.metric)
    )
}

fn place(finding: &Finding) -> String {
    match (finding.set, finding.rep) {
        (0, _) => String::new(),
        (set, Some(rep)) => format!("Set {set}, repetition {rep}: "),
        (set, None) => format!("Set {set}: "),
    }
}

fn measured(finding: &Finding) -> String {
    let name = metric_name(finding.metric);
    let Some(value) = finding.value else {
        return name;
    };
    let value = figure(value);
    let unit = unit(finding.metric);
    match finding.error.filter(|e| *e > 0.0) {
        Some(error) => format!("{name} {value} ± {}{unit}", figure(error)),
        None => format!("{name} {value}{unit}"),
    }
}

fn held_to(finding: &Finding) -> String {
    let noun = match (finding.kind, finding.code.as_str()) {
        (CheckKind::Limit, _) => "the limit".to_owned(),
        (CheckKind::Target, _) => "the target".to_owned(),
        (CheckKind::Tempo, _) => "the prescribed tempo".to_owned(),
        (CheckKind::Effort, "HR_ZONE") => "the heart-rate zone".to_owned(),
        (CheckKind::Effort, _) => "the heart-rate ceiling".to_owned(),
        (CheckKind::Watch, code) => {
            let words = compensation(code).map_or(code, |c| c.trainer);
            format!("the threshold for \"{words}\"")
        }
    };
    match window(finding.min, finding.max, finding.metric) {
        text if text.is_empty() => noun,
        text => format!("{noun} of {text}"),
    }
}

const fn source(source: Source) -> &'static str {
    match source {
        Source::Plan => "set by the plan",
        Source::Baseline => "from the client's own baseline",
        Source::Default => "from the program's table",
    }
}

/// How far from what is usual in the accepted set.
fn apart(finding: &Finding) -> String {
    let (Some(value), Some(usual)) = (finding.value, finding.usual) else {
        return String::new();
    };
    let word = if value < usual { "less" } else { "more" };
    format!(
        ", {} {word} than the {} of the accepted set",
        number((value - usual).abs(), finding.metric),
        figure(usual)
    )
}

/// Why a value that lies within the guard band is outside nevertheless.
fn how(finding: &Finding) -> String {
    let value = finding.value.unwrap_or(f64::NAN);
    let below = finding.min.map_or(f64::NEG_INFINITY, |min| min - value);
    let above = finding.max.map_or(f64::NEG_INFINITY, |max| value - max);
    if finding.guard > 0.0 && below.max(above) <= finding.guard {
        return ", in several repetitions running".to_owned();
    }
    String::new()
}

fn is_pain(finding: &Finding) -> bool {
    finding.metric == Metric::Pain
}

fn stop_number(finding: &Finding) -> String {
    finding
        .max
        .map_or_else(String::new, |max| figure(max + 1.0))
}

fn why(finding: &Finding) -> &'static str {
    match finding.missing {
        Some(Missing::NoSensor) => "no sensor for it is worn",
        Some(Missing::Gap) => "its data have a gap",
        Some(Missing::LostSamples) => "too many of its samples were lost",
        Some(Missing::Clipped) => "its sensor stood at the end of its range",
        Some(Missing::NotCalibrated) => "its sensor is not calibrated",
        Some(Missing::Drifted) => "its sensor moved against the body",
        Some(Missing::Skewed) => "its sensors are apart in time",
        Some(Missing::Open) => "nothing follows it",
        Some(Missing::Undefined) => "it is not defined in this movement",
        Some(Missing::OtherSensors) => "the accepted baseline was taken with other sensors",
        Some(Missing::OtherPhase) => "the accepted baseline belongs to another phase of the plan",
        None => "the entry is on another scale",
    }
}

fn why_not(finding: &Finding) -> &'static str {
    match (finding.missing, finding.metric) {
        (Some(Missing::NoSensor), _) => "no worn sensor measures it, check by eye",
        (Some(_), _) => why(finding),
        (None, Metric::Pain | Metric::Exertion | Metric::Symptoms | Metric::Load) => {
            "it was not typed"
        }
        (None, _) => "there is nothing to compare it with yet",
    }
}

/// The metric's name in words.
#[must_use]
pub fn metric_name(metric: Metric) -> String {
    match metric {
        Metric::TimeEccentric => "time of the eccentric phase".to_owned(),
        Metric::TimePauseBottom => "pause after the eccentric phase".to_owned(),
        Metric::TimeConcentric => "time of the concentric phase".to_owned(),
        Metric::TimePauseTop => "pause after the concentric phase".to_owned(),
        Metric::TempoRatio => "time taken over time prescribed".to_owned(),
        Metric::SideDifferenceRom => "side difference of range of motion".to_owned(),
        Metric::SideDifferenceTime => "side difference of time".to_owned(),
        Metric::ShankPeakAccel => "peak acceleration at the shank".to_owned(),
        Metric::Exertion => "rating of perceived exertion".to_owned(),
        other => other.facts().id.replace('_', " "),
    }
}

/// An allowed window in words; empty = none.
#[must_use]
pub(super) fn window(min: Option<f64>, max: Option<f64>, metric: Metric) -> String {
    match (min, max) {
        (None, None) => String::new(),
        (Some(min), None) => format!("at least {}", number(min, metric)),
        (None, Some(max)) => format!("at most {}", number(max, metric)),
        (Some(min), Some(max)) => format!("{} to {}", figure(min), number(max, metric)),
    }
}

fn number(value: f64, metric: Metric) -> String {
    format!("{}{}", figure(value), unit(metric))
}

fn unit(metric: Metric) -> String {
    match metric.facts().unit {
        "1" | "{score}" | "{count}" => String::new(),
        "[g]" => " g".to_owned(),
        other => format!(" {other}"),
    }
}

/// At most two decimals, none that say nothing.
fn figure(value: f64) -> String {
    let decimals = if value.abs() < 10.0 { 2 } else { 1 };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
