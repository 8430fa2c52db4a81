//! What a person typed: pain (NPRS 0-10), effort (RPE on its scale), symptoms, load (kg). What the
//! client reports beats any sensor.
//!
//! A value of another RPE scale is never converted: it is invalid. What was not asked is not assessed.

use crate::model::{
    finding::{Action, CheckKind, Finding, Severity, Source, Verdict},
    metric::Metric,
    plan::{Plan, RpeScale},
    rep::Stage,
    time::SessionNs,
};

/// The findings of an entry; `before` = pain before the first set, if it was typed.
pub(super) struct EntryRules<'p> {
    pub plan: &'p Plan,
    pub t: SessionNs,
    pub set: u32,
    pub pain_before: Option<u8>,
}

impl EntryRules<'_> {
    pub fn pain(&self, pain: Option<u8>, out: &mut Vec<Finding>) {
        let rules = &self.plan.pain;
        // Pain may be any number below the one that stops: its window ends one below.
        let ceiling = f64::from(rules.stop_at) - 1.0;
        let mut finding = self.finding("PAIN", Metric::Pain, Some(ceiling));
        if let Some(pain) = pain {
            finding.value = Some(f64::from(pain));
            if pain >= rules.stop_at {
                stop(&mut finding);
            } else if pain >= rules.cue_at {
                finding.verdict = Verdict::Unsure;
                finding.severity = Severity::Minor;
                finding.action = Action::Cue;
            } else {
                finding.verdict = Verdict::Within;
            }
        } else if self.set == 0 {
            return;
        }
        out.push(finding);
        let (Some(pain), Some(before), true) = (pain, self.pain_before, self.set > 0) else {
            return;
        };
        let mut rise = self.finding("PAIN_RISE", Metric::Pain, Some(f64::from(rules.max_rise)));
        rise.value = Some(f64::from(pain) - f64::from(before));
        rise.verdict = Verdict::Within;
        if pain > before.saturating_add(rules.max_rise) {
            rise.verdict = Verdict::Outside;
            rise.severity = Severity::Moderate;
            rise.action = Action::Cue;
        }
        out.push(rise);
    }

    pub fn effort(&self, rpe: Option<(RpeScale, f64)>, out: &mut Vec<Finding>) {
        let effort = &self.plan.effort;
        let mut finding = self.finding("RPE", Metric::Exertion, Some(effort.rpe_max));
        match rpe {
            None if self.set == 0 => return,
            None => {}
            Some((scale, value)) => {
                finding.value = Some(value);
                if scale != effort.rpe_scale || !value.is_finite() {
                    finding.verdict = Verdict::Invalid;
                    finding.severity = Severity::Minor;
                } else if value > effort.rpe_max {
                    stop(&mut finding);
                } else {
                    finding.verdict = Verdict::Within;
                }
            }
        }
        out.push(finding);
    }

    /// Every symptom stops, whether the plan names it or not: the built-in floor is not configurable, and a
    /// word the plan does not know is no reason to go on.
    pub fn symptoms(&self, symptoms: &[String], out: &mut Vec<Finding>) {
        let mut finding = self.finding("SYMPTOM", Metric::Symptoms, Some(0.0));
        finding.value = Some(symptoms.len() as f64);
        if symptoms.is_empty() {
            finding.verdict = Verdict::Within;
        } else {
            let named = |s: &String| self.plan.effort.symptoms_stop.contains(s);
            if !symptoms.iter().all(named) {
                finding.source = Source::Default;
            }
            stop(&mut finding);
        }
        out.push(finding);
    }

    fn finding(&self, code: &str, metric: Metric, max: Option<f64>) -> Finding {
        typed(self.t, self.set, code, metric, max)
    }
}

/// The typed load against the prescription's limit.
pub(super) fn load(t: SessionNs, set: u32, load_kg: Option<f64>, max_kg: f64) -> Finding {
    let mut finding = typed(t, set, "LOAD_MAX", Metric::Load, Some(max_kg));
    finding.value = load_kg;
    match load_kg {
        Some(kg) if kg <= max_kg => finding.verdict = Verdict::Within,
        Some(_) => stop(&mut finding),
        None => {}
    }
    finding
}

fn stop(finding: &mut Finding) {
    finding.verdict = Verdict::Outside;
    finding.severity = Severity::Major;
    finding.action = Action::Stop;
}

fn typed(t: SessionNs, set: u32, code: &str, metric: Metric, max: Option<f64>) -> Finding {
    Finding {
        id: 0,
        t,
        set,
        rep: None,
        stage: Stage::Confirmed,
        code: code.to_owned(),
        kind: CheckKind::Limit,
        metric,
        verdict: Verdict::NotAssessed,
        severity: Severity::Note,
        action: Action::Record,
        value: None,
        error: None,
        min: None,
        max,
        usual: None,
        guard: 0.0,
        source: Source::Plan,
        missing: None,
    }
}
