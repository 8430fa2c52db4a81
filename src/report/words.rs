//! The words of the report and the page: every metric and code in the therapist's and the trainer's
//! terms, values with their unit and error. Only words: no judgement is made here.

use crate::model::{
    command::StopReason,
    finding::{CheckKind, Verdict},
    metric::Metric,
    plan::{Beat, RpeScale, Span, Tempo, TrainingSide},
    rep::Missing,
};

/// One thing in two vocabularies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// What therapists call it.
    pub therapist: &'static str,
    /// What trainers call it.
    pub trainer: &'static str,
}

const fn term(therapist: &'static str, trainer: &'static str) -> Term {
    Term { therapist, trainer }
}

/// The two names of a metric.
#[must_use]
pub const fn metric(metric: Metric) -> Term {
    use Metric as M;
    match metric {
        M::KneeFlexion => term("knee flexion", "knee bend"),
        M::HipFlexion => term("hip flexion", "hip bend"),
        M::AnkleDorsiflexion => term("ankle dorsiflexion", "toes up"),
        M::TrunkForwardTilt => term("trunk forward inclination", "chest lean forward"),
        M::PelvisForwardTilt => term("pelvis forward tilt", "belt tips forward"),
        M::ThighForwardTilt => term("thigh inclination", "thigh angle"),
        M::ShankForwardTilt => term("shank inclination", "shin angle"),
        M::FootPitch => term("foot pitch", "heel height"),
        M::UpperArmForwardTilt => term("upper-arm inclination", "upper-arm angle"),
        M::ForearmForwardTilt => term("forearm inclination", "forearm angle"),
        M::LumbarFlexion => term("lumbar flexion", "low-back rounding"),
        M::TrunkSideLean => term("trunk side lean", "leaning over"),
        M::PelvicDrop => term("contralateral pelvic drop", "hip drop"),
        M::ShoulderFlexion => term("shoulder flexion", "arm forward and up"),
        M::ShoulderAbduction => term("shoulder abduction", "arm out to the side"),
        M::ShoulderElevation => term("shoulder elevation", "arm height"),
        M::ShoulderExternalRotation => term("shoulder external rotation", "arm turned out"),
        M::ElbowFlexion => term("elbow flexion", "elbow bend"),
        M::UpperArmDrift => term("upper-arm drift", "elbow leaves its place"),
        M::GirdleRise => term("scapular elevation", "shrugging"),
        M::KneeMedialShift => term("medial knee displacement", "knee moves inward"),
        M::ThoraxPelvisRotation => term("axial trunk rotation", "twisting"),
        M::SideDifferenceRom => term("side difference of range", "left-right difference"),
        M::SideDifferenceTime => term("side difference of timing", "one side first"),
        M::RepDuration => term("repetition duration", "time per rep"),
        M::TimeEccentric => term("eccentric time", "lowering time"),
        M::TimePauseBottom => term("pause stretched", "hold at the bottom"),
        M::TimeConcentric => term("concentric time", "lifting time"),
        M::TimePauseTop => term("pause shortened", "hold at the top"),
        M::TempoRatio => term("tempo ratio", "lowering against lifting"),
        M::PeakAngularVelocity => term("peak angular velocity", "top speed"),
        M::RangeOfMotion => term("range of motion", "how far it moves"),
        M::ShankPeakAccel => term("peak tibial acceleration", "landing impact"),
        M::Smoothness => term("smoothness", "how even it moves"),
        M::LumbarForwardTilt => term("lumbar forward inclination", "low back leans forward"),
        M::TrunkShankDifference => term("trunk inclination against shank", "chest against shin"),
        M::LumbarShankDifference => {
            term("lumbar inclination against shank", "low back against shin")
        }
        M::PelvicTuck => term("pelvic tuck", "belt tucks under"),
        M::LumbarTuck => term("lumbar tuck", "low back tucks under"),
        M::TrunkRotation => term("trunk rotation", "chest turns"),
        M::ThighRotation => term("thigh rotation", "thigh turns in"),
        M::ShankRotation => term("shank rotation", "shin turns in"),
        M::UpperArmRotation => term("upper-arm rotation", "upper arm turns"),
        M::UpperArmSideTilt => term("upper-arm abduction", "elbow leaves the side"),
        M::RotationAboutVertical => term("rotation about the vertical", "turning"),
        M::OffAxisRatio => term("off-axis share of motion", "out of its line"),
        M::OutOfPlaneTilt => term("tilt out of plane", "tips sideways"),
        M::InclinationRange => term("inclination range", "how far it tips"),
        M::VelocityPeaks => term("velocity peaks", "starts and stops"),
        M::Unsteadiness => term("unsteadiness (above 3 Hz)", "wobble"),
        M::PeakAcceleration => term("peak acceleration", "jolt"),
        M::VerticalTravel => term("vertical travel", "how high it moves"),
        M::HeartRate => term("heart rate", "pulse"),
        M::Pain => term("pain (NPRS)", "pain score"),
        M::Exertion => term("perceived exertion (RPE)", "effort"),
        M::Symptoms => term("symptoms", "client feels unwell"),
        M::Load => term("load", "weight"),
    }
}

/// Codes of the compensation table and of the plan's checks, in the order of the table.
pub const CODES: &[(&str, Term)] = &[
    ("LIMIT", term("limit", "do not pass")),
    ("TARGET", term("target", "try to reach")),
    ("TEMPO", term("tempo", "speed of the rep")),
    ("HR_CEILING", term("heart-rate ceiling", "top pulse")),
    ("HR_ZONE", term("heart-rate zone", "pulse zone")),
    ("PAIN", term("pain (NPRS)", "pain score")),
    (
        "PAIN_RISE",
        term("rise of pain (NPRS)", "more pain than before"),
    ),
    ("RPE", term("perceived exertion", "effort")),
    ("SYMPTOM", term("symptom", "client feels unwell")),
    ("LOAD_MAX", term("load", "weight")),
    ("DEPTH_SHORT", term("reduced range of motion", "half rep")),
    ("DEPTH_OVER", term("beyond the prescribed range", "too far")),
    (
        "KNEE_MEDIAL",
        term("medial knee displacement", "knees move inward"),
    ),
    (
        "PELVIC_DROP",
        term("contralateral pelvic drop", "hip drops"),
    ),
    (
        "TRUNK_SIDE_LEAN",
        term("ipsilateral trunk lean", "leaning over"),
    ),
    ("TRUNK_FWD", term("trunk flexion strategy", "chest drops")),
    (
        "TRUNK_MOMENTUM",
        term("momentum-transfer strategy", "rocking up"),
    ),
    (
        "WEIGHT_SHIFT",
        term("lateral weight shift", "leaning to one leg"),
    ),
    ("HEEL_RISE", term("heel lift", "heels come up")),
    (
        "KNEE_FWD",
        term("anterior knee translation", "knees past toes"),
    ),
    (
        "LUMBAR_FLEX",
        term("loss of lumbar lordosis", "rounding the back"),
    ),
    (
        "LUMBAR_EXTENSION",
        term("lumbar hyperextension", "arching the back"),
    ),
    ("TRUNK_EXTENSION", term("trunk back-lean", "leaning back")),
    ("TRUNK_SWING", term("trunk contribution", "swinging")),
    ("TRUNK_ROT", term("axial rotation", "twisting")),
    ("EXT_LAG", term("extension lag", "not locking out")),
    ("HIP_LIFT", term("pelvic lift", "lifting off the seat")),
    (
        "HEIGHT_LOSS",
        term("reduced heel-rise height", "not high enough"),
    ),
    (
        "KNEE_BEND",
        term("knee flexion substitution", "bending the knee"),
    ),
    (
        "FWD_PROJECTION",
        term("forward body shift", "leaning forward"),
    ),
    (
        "HIP_SHORT",
        term("incomplete hip extension", "not all the way up"),
    ),
    ("SHRUG", term("scapular elevation", "shrugging")),
    (
        "ELBOW_FLARE",
        term("loss of adduction", "elbow leaves the side"),
    ),
    (
        "ELBOW_FWD",
        term("humeral flexion substitution", "elbow drifts forward"),
    ),
    (
        "ELBOW_BEND",
        term("elbow flexion substitution", "bending the arm"),
    ),
    ("HORIZ_SHIFT", term("plane deviation", "arm drifts forward")),
    (
        "SIDE_TIMING",
        term("side-to-side timing difference", "one side first"),
    ),
    (
        "TEMPO_FAST",
        term("loss of eccentric control", "dropping the weight"),
    ),
    ("TEMPO_SLOW", term("slowed phase", "grinding")),
    (
        "BOUNCE",
        term("stretch-shortening use", "bouncing at the bottom"),
    ),
    ("UNSTABLE", term("loss of steadiness", "wobble")),
    ("ARM_SUPPORT", term("upper-limb support", "holding on")),
    ("IMPACT", term("high-impact loading", "landing hard")),
    ("BREATH", term("breath-holding", "holding the breath")),
    (
        "DEPARTS",
        term(
            "departure from the accepted set",
            "not like the accepted set",
        ),
    ),
];

/// The two names of a code, if the table has it.
#[must_use]
pub fn code(code: &str) -> Option<Term> {
    CODES.iter().find(|(c, _)| *c == code).map(|(_, t)| *t)
}

/// What a finding is about, in both vocabularies: the metric for the plan's numbers, else the code.
#[must_use]
pub fn subject(kind: CheckKind, finding_code: &str, of: Metric) -> String {
    let by_code =
        matches!(kind, CheckKind::Watch | CheckKind::Effort) || finding_code == "PAIN_RISE";
    let named = if by_code {
        code(finding_code)
    } else {
        Some(metric(of))
    };
    match named {
        Some(t) => format!("{} ({})", t.therapist, t.trainer),
        None => format!("{} {finding_code}", metric(of).therapist),
    }
}

/// The kind of number, as the report's lists name it.
#[must_use]
pub fn kind(kind: CheckKind, finding_code: &str) -> &'static str {
    match kind {
        CheckKind::Limit => "limit",
        CheckKind::Target => "target",
        CheckKind::Tempo => "tempo",
        CheckKind::Watch => "watch",
        CheckKind::Effort if finding_code == "HR_ZONE" => "zone",
        CheckKind::Effort => "ceiling",
    }
}

/// A verdict as people read it.
#[must_use]
pub const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Within => "within",
        Verdict::Unsure => "unsure",
        Verdict::Outside => "outside",
        Verdict::NotAssessed => "check by eye",
        Verdict::Invalid => "no data",
    }
}

/// Why a value is missing.
#[must_use]
pub const fn missing(why: Missing) -> &'static str {
    match why {
        Missing::NoSensor => "no worn sensor measures it",
        Missing::Gap => "gap in the data",
        Missing::LostSamples => "samples lost",
        Missing::Clipped => "sensor at the end of its range",
        Missing::NotCalibrated => "not calibrated",
        Missing::Drifted => "sensor moved or drifted",
        Missing::Skewed => "sensors apart in time",
        Missing::Open => "nothing follows it",
        Missing::Undefined => "not defined in this pose",
        Missing::OtherSensors => "own baseline taken with other sensors",
        Missing::OtherPhase => "own baseline of another phase",
    }
}

/// Why a set ended.
#[must_use]
pub const fn stop_reason(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Completed => "completed",
        StopReason::StopRule => "ended by a stop rule",
        StopReason::Trainer => "ended by the trainer",
        StopReason::ClientRequest => "ended at the client's request",
        StopReason::SensorLoss => "ended: sensor lost",
        StopReason::Timeout => "ended: no movement",
        StopReason::SessionEnd => "ended with the session",
    }
}

/// A side.
#[must_use]
pub const fn side(side: TrainingSide) -> &'static str {
    match side {
        TrainingSide::Left => "left",
        TrainingSide::Right => "right",
        TrainingSide::Both => "both",
        TrainingSide::Alternating => "alternating",
    }
}

/// An RPE scale.
#[must_use]
pub const fn rpe_scale(scale: RpeScale) -> &'static str {
    match scale {
        RpeScale::Borg6To20 => "Borg 6-20",
        RpeScale::Cr10 => "CR10",
        RpeScale::RirRpe => "RIR scale",
    }
}

/// An exercise id with what trainers call it, where that is another word.
#[must_use]
pub fn exercise(id: &str) -> String {
    let plain = id.replace('_', " ");
    let names = crate::model::exercise::exercise(id).map_or("", |e| e.trainer_name);
    let other: Vec<&str> = names
        .split(", ")
        .filter(|n| !n.is_empty() && *n != plain)
        .collect();
    if other.is_empty() {
        plain
    } else {
        format!("{plain} ({})", other.join(", "))
    }
}

/// A number with the decimals that its unit deserves.
#[must_use]
pub fn number(value: f64, unit: &str) -> String {
    let text = match unit {
        "deg" | "%" | "/min" | "deg/s" | "kg"
            if value.fract().abs() < 0.05 || value.abs() >= 20.0 =>
        {
            format!("{value:.0}")
        }
        "deg" | "%" | "/min" | "deg/s" | "kg" => format!("{value:.1}"),
        _ => {
            let text = format!("{value:.2}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    };
    // "-0" is a rounding artefact, not a measurement.
    if text.trim_start_matches(['-', '0', '.']).is_empty() {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    }
}

/// A unit as written behind a number.
#[must_use]
pub fn unit(ucum: &str) -> &str {
    match ucum {
        "deg" => "°",
        "deg/s" => "°/s",
        "/min" => " bpm",
        "[g]" => " g",
        "%" => " %",
        "s" => " s",
        "kg" => " kg",
        "1" | "{score}" | "{count}" => "",
        other => other,
    }
}

/// `78 ± 4°`; "no data" where there is no value.
#[must_use]
pub fn quantity(value: Option<f64>, error: Option<f64>, ucum: &str) -> String {
    match (value, error) {
        (None, _) => "no data".to_owned(),
        (Some(v), None) => format!("{}{}", number(v, ucum), unit(ucum)),
        (Some(v), Some(e)) => {
            format!("{} ± {}{}", number(v, ucum), number(e, ucum), unit(ucum))
        }
    }
}

/// `at most 70°`, `at least 45°`, `45 to 70°`.
#[must_use]
pub fn window(min: Option<f64>, max: Option<f64>, ucum: &str) -> String {
    let u = unit(ucum);
    match (min, max) {
        (None, None) => "no number".to_owned(),
        (None, Some(hi)) => format!("at most {}{u}", number(hi, ucum)),
        (Some(lo), None) => format!("at least {}{u}", number(lo, ucum)),
        (Some(lo), Some(hi)) => format!("{} to {}{u}", number(lo, ucum), number(hi, ucum)),
    }
}

/// `3-1-2-0`, `X` = as fast as possible with control, `*` = not prescribed.
#[must_use]
pub fn tempo(tempo: &Tempo) -> String {
    let beats: Vec<String> = tempo
        .0
        .iter()
        .map(|beat| match beat {
            Beat::Seconds(s) if s.fract() == 0.0 => format!("{s:.0}"),
            Beat::Seconds(s) => format!("{s:.1}"),
            Beat::Explosive => "X".to_owned(),
            Beat::Free => "*".to_owned(),
        })
        .collect();
    beats.join("-")
}

/// `8` or `8-10`.
#[must_use]
pub fn span(span: Span) -> String {
    if (span.max - span.min).abs() < 1e-9 {
        format!("{:.0}", span.min)
    } else {
        format!("{:.0}-{:.0}", span.min, span.max)
    }
}

/// `12 min 05 s`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    if whole < 60 {
        format!("{whole} s")
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_carry_unit_and_error() {
        assert_eq!(quantity(Some(78.2), Some(4.0), "deg"), "78 ± 4°");
        assert_eq!(quantity(Some(6.26), Some(3.0), "deg"), "6.3 ± 3°");
        assert_eq!(quantity(Some(2.345), Some(0.05), "s"), "2.35 ± 0.05 s");
        assert_eq!(quantity(None, Some(4.0), "deg"), "no data");
        assert_eq!(quantity(Some(-0.01), None, "deg"), "0°");
    }

    #[test]
    fn windows_read_as_sentences() {
        assert_eq!(window(None, Some(70.0), "deg"), "at most 70°");
        assert_eq!(window(Some(45.0), None, "deg"), "at least 45°");
        assert_eq!(window(Some(2.25), Some(3.75), "s"), "2.25 to 3.75 s");
        assert_eq!(window(None, None, "s"), "no number");
    }

    #[test]
    fn no_term_uses_a_word_that_the_product_avoids() {
        let avoid = [
            "injur", "safe", "wrong", "error", "abnormal", "weak", "diagnos", "risk",
        ];
        let terms = Metric::ALL
            .iter()
            .map(|m| metric(*m))
            .chain(CODES.iter().map(|(_, t)| *t));
        for t in terms {
            for word in avoid {
                assert!(!t.therapist.contains(word), "{t:?} contains {word}");
                assert!(!t.trainer.contains(word), "{t:?} contains {word}");
            }
        }
    }

    #[test]
    fn a_tempo_reads_as_therapists_write_it() {
        let t = Tempo([
            Beat::Seconds(3.0),
            Beat::Free,
            Beat::Explosive,
            Beat::Seconds(0.5),
        ]);
        assert_eq!(tempo(&t), "3-*-X-0.5");
    }
}
