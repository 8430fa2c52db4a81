//! Targets and tempo: what the trainer coaches towards. Units of the metric; tempo in seconds a place.

use super::{
    Params,
    check::{Check, Window},
    reading::Feature,
};
use crate::model::{
    finding::CheckKind,
    metric::Metric,
    plan::{Beat, Prescription, Reaction, Tempo},
};

/// The target checks of a prescription. A target speaks of the far end of the movement: the largest
/// value, or the smallest where the whole window lies below zero (plantarflexion).
pub(super) fn targets(prescription: &Prescription) -> Vec<Check> {
    let mut checks = Vec::new();
    for target in &prescription.targets {
        let Some(metric) = Metric::from_id(&target.metric) else {
            continue;
        };
        let window = Window {
            min: target.min,
            max: target.max,
        };
        let mut check = Check::new("TARGET", CheckKind::Target, metric, window);
        if target.max.is_some_and(|max| max <= 0.0) {
            check.feature = Feature::Min;
        }
        check.reaction = Reaction::Cue;
        checks.push(check);
    }
    checks
}

/// One check for each place of the tempo that has a number: `X` and `*` prescribe none.
pub(super) fn tempo(params: &Params, tempo: &Tempo) -> Vec<Check> {
    const PLACES: [(Metric, bool); 4] = [
        (Metric::TimeEccentric, true),
        (Metric::TimePauseBottom, false),
        (Metric::TimeConcentric, true),
        (Metric::TimePauseTop, false),
    ];
    let mut checks = Vec::new();
    for (beat, (metric, moving)) in tempo.0.iter().zip(PLACES) {
        let Beat::Seconds(s) = *beat else { continue };
        if moving && s <= 0.0 {
            continue;
        }
        let tolerance_s = params
            .tempo_tolerance_s
            .max(params.tempo_tolerance_share * s);
        let window = Window {
            min: (s > tolerance_s).then_some(s - tolerance_s),
            max: Some(s + tolerance_s),
        };
        let mut check = Check::new("TEMPO", CheckKind::Tempo, metric, window);
        check.reaction = Reaction::Cue;
        checks.push(check);
    }
    checks
}
