//! The tables of schema `loading-limits/0.1`, one function each. Defaults are written here, where the
//! key is read; what decides about a person (side, pain, restrictions) has none.

use super::node::{
    Document, Node, Reader, Table, date, flag, instant, list, number, text, whole, word,
};
use super::words;
use crate::model::plan::{
    Avoid, Criterion, Effort, Frequency, Limit, Load, PLAN_SCHEMA, Pain, Phase, Plan, Prescription,
    Reaction, Span, Target, Tempo, Watch, WeightBearing,
};

/// The whole plan.
pub(super) fn plan(reader: &mut Reader, document: &Document) -> Option<Plan> {
    let mut t = document.table(reader);
    let schema = t.need("schema", known_schema);
    let plan_id = t.need("plan_id", text);
    let version = t.need("version", |r, n| whole(r, n, 1..=1_000_000));
    let status = t.need("status", |r, n| word(r, n, words::STATUS));
    let title = t.may("title", text).unwrap_or_default();
    let client = t.need("client", text);
    let author = t.need("author", text);
    let signed_at = t.may("signed_at", instant);
    let valid_from = t.need("valid_from", date);
    let valid_until = t.need("valid_until", date);
    let affected_side = t.need("affected_side", |r, n| word(r, n, words::AFFECTED_SIDE));
    let cardiac = t.need("cardiac", flag);
    let beta_blocker = t.need("beta_blocker", flag);
    let pregnant = t.need("pregnant", flag);
    let trainer_summary = t.need("trainer_summary", text);
    let reason = t.may("reason", text);
    let weight_bearing = t.may("weight_bearing", weight_bearing);
    let frequency = t.need("frequency", frequency);
    let emergency = t.need("emergency", text);
    let setting = t.may("setting", text).unwrap_or_default();
    let supervision = t.may("supervision", text).unwrap_or_default();
    let require_hr_signal = t.may("require_hr_signal", flag).unwrap_or(false);
    let phase = t.need("phase", phase);
    let effort = t.need("effort", effort);
    let pain = t.need("pain", pain);
    let avoid = t.need("avoid", |r, n| list(r, n, avoid));
    let exercises = t.need("exercise", |r, n| list(r, n, prescription));
    t.close();
    Some(Plan {
        schema: schema?,
        plan_id: plan_id?,
        version: version?,
        status: status?,
        title,
        client: client?,
        author: author?,
        signed_at,
        valid_from: valid_from?,
        valid_until: valid_until?,
        affected_side: affected_side?,
        cardiac: cardiac?,
        beta_blocker: beta_blocker?,
        pregnant: pregnant?,
        trainer_summary: trainer_summary?,
        reason,
        weight_bearing,
        frequency: frequency?,
        emergency: emergency?,
        setting,
        supervision,
        require_hr_signal,
        phase: phase?,
        effort: effort?,
        pain: pain?,
        avoid: avoid?,
        exercises: exercises?,
    })
}

fn known_schema(reader: &mut Reader, node: &Node) -> Option<String> {
    word(reader, node, &[(PLAN_SCHEMA, PLAN_SCHEMA)]).map(str::to_owned)
}

fn weight_bearing(reader: &mut Reader, node: &Node) -> Option<WeightBearing> {
    let mut t = Table::open(reader, node)?;
    let status = t.need("status", |r, n| word(r, n, words::WEIGHT_BEARING));
    let limit_percent_body_weight = t.may("limit_percent_body_weight", number);
    let limit_kg = t.may("limit_kg", number);
    t.close();
    Some(WeightBearing {
        status: status?.to_owned(),
        limit_percent_body_weight,
        limit_kg,
    })
}

fn frequency(reader: &mut Reader, node: &Node) -> Option<Frequency> {
    let mut t = Table::open(reader, node)?;
    let sessions_per_week = t.need("sessions_per_week", |r, n| whole(r, n, 1..=21));
    let min_rest_hours = t.need("min_rest_hours", |r, n| whole(r, n, 0..=336));
    t.close();
    Some(Frequency {
        sessions_per_week: sessions_per_week?,
        min_rest_hours: min_rest_hours?,
    })
}

fn phase(reader: &mut Reader, node: &Node) -> Option<Phase> {
    let mut t = Table::open(reader, node)?;
    let name = t.need("name", text);
    let window_weeks = t.may("window_weeks", span);
    let progress_when = t
        .may("progress_when", |r, n| list(r, n, criterion))
        .unwrap_or_default();
    t.close();
    Some(Phase {
        name: name?,
        window_weeks,
        progress_when,
    })
}

fn criterion(reader: &mut Reader, node: &Node) -> Option<Criterion> {
    let mut t = Table::open(reader, node)?;
    let metric = t.need("metric", text);
    let op = t.need("op", |r, n| word(r, n, words::OPERATOR));
    let value = t.need("value", number);
    let unit = t.need("unit", text);
    let measured_by = t.need("measured_by", |r, n| word(r, n, words::CHECKED_BY));
    t.close();
    Some(Criterion {
        metric: metric?,
        op: op?.to_owned(),
        value: value?,
        unit: unit?,
        measured_by: measured_by?,
    })
}

fn effort(reader: &mut Reader, node: &Node) -> Option<Effort> {
    let mut t = Table::open(reader, node)?;
    let hr_ceiling_bpm = t.may("hr_ceiling_bpm", number);
    let hr_zone_bpm = t.may("hr_zone_bpm", span);
    let hr_basis = t.may("hr_basis", text);
    let hr_note = t.may("hr_note", text);
    let [hr_max_bpm, hr_rest_bpm, age_years] =
        ["hr_max_bpm", "hr_rest_bpm", "age_years"].map(|key| t.may(key, number));
    let sex = t.may("sex", |r, n| word(r, n, words::SEX));
    let rpe_scale = t.need("rpe_scale", |r, n| word(r, n, words::RPE_SCALE));
    let rpe_target = t.may("rpe_target", span);
    let rpe_max = t.need("rpe_max", number);
    let symptoms_stop = t.need("symptoms_stop", |r, n| list(r, n, text));
    t.close();
    Some(Effort {
        hr_ceiling_bpm,
        hr_zone_bpm,
        hr_basis,
        hr_note,
        hr_max_bpm,
        hr_rest_bpm,
        age_years,
        sex,
        rpe_scale: rpe_scale?,
        rpe_target,
        rpe_max: rpe_max?,
        symptoms_stop: symptoms_stop?,
    })
}

fn pain(reader: &mut Reader, node: &Node) -> Option<Pain> {
    let mut t = Table::open(reader, node)?;
    let site = t.need("site", text);
    let [cue_at, stop_at, max_rise, next_morning_max_rise] =
        ["cue_at", "stop_at", "max_rise", "next_morning_max_rise"]
            .map(|key| t.need(key, |r, n| whole(r, n, 0..=10)));
    t.close();
    Some(Pain {
        site: site?,
        cue_at: cue_at?,
        stop_at: stop_at?,
        max_rise: max_rise?,
        next_morning_max_rise: next_morning_max_rise?,
    })
}

fn avoid(reader: &mut Reader, node: &Node) -> Option<Avoid> {
    let mut t = Table::open(reader, node)?;
    let code = t.need("code", text);
    let trainer_text = t.need("trainer_text", text);
    let check = t.need("check", |r, n| word(r, n, words::CHECKED_BY));
    let metric = t.may("metric", text);
    let min = t.may("min", number);
    let max = t.may("max", number);
    let max_times_own_walking = t.may("max_times_own_walking", number);
    let applies_to = t
        .may("applies_to", |r, n| list(r, n, text))
        .unwrap_or_default();
    t.close();
    Some(Avoid {
        code: code?,
        trainer_text: trainer_text?,
        check: check?,
        metric,
        min,
        max,
        max_times_own_walking,
        applies_to,
    })
}

fn prescription(reader: &mut Reader, node: &Node) -> Option<Prescription> {
    let mut t = Table::open(reader, node)?;
    let id = t.need("id", text);
    let side = t.need("side", |r, n| word(r, n, words::TRAINING_SIDE));
    let setup = t.may("setup", text);
    let equipment = t.may("equipment", text);
    let sets = t.need("sets", |r, n| whole(r, n, 0..=1000));
    let reps = t.need("reps", whole_span);
    let hold_s = t.may("hold_s", number);
    let tempo = t.may("tempo", tempo);
    let rest_s = t.need("rest_s", span);
    let load = t.need("load", load);
    let limits = t.may("limit", |r, n| list(r, n, limit)).unwrap_or_default();
    let targets = t
        .may("target", |r, n| list(r, n, target))
        .unwrap_or_default();
    let watches = t.may("watch", |r, n| list(r, n, watch)).unwrap_or_default();
    t.close();
    Some(Prescription {
        id: id?,
        side: side?,
        setup,
        equipment,
        sets: sets?,
        reps: reps?,
        hold_s,
        tempo,
        rest_s: rest_s?,
        load: load?,
        limits,
        targets,
        watches,
    })
}

fn load(reader: &mut Reader, node: &Node) -> Option<Load> {
    let mut t = Table::open(reader, node)?;
    let kind = t.need("kind", |r, n| word(r, n, words::LOAD_KIND));
    let value = t.may("value", number);
    let max_kg = t.may("max_kg", number);
    let basis = t.may("basis", |r, n| word(r, n, words::LOAD_BASIS));
    let one_rm_kg = t.may("one_rm_kg", number);
    let one_rm_date = t.may("one_rm_date", date);
    let one_rm_method = t.may("one_rm_method", text);
    let colour = t.may("colour", text);
    let brand = t.may("brand", text);
    t.close();
    Some(Load {
        kind: kind?.to_owned(),
        value,
        max_kg,
        basis: basis.map(str::to_owned),
        one_rm_kg,
        one_rm_date,
        one_rm_method,
        colour,
        brand,
    })
}

fn limit(reader: &mut Reader, node: &Node) -> Option<Limit> {
    let mut t = Table::open(reader, node)?;
    let metric = t.need("metric", text);
    let min = t.may("min", number);
    let max = t.may("max", number);
    let unit = t.may("unit", text);
    let when = t.may("when", |r, n| word(r, n, words::WHEN));
    let guard = t.may("guard", number);
    // A limit is "do not pass": unless the therapist writes otherwise, passing it stops the set.
    let on_breach = t
        .may("on_breach", |r, n| word(r, n, words::REACTION))
        .unwrap_or(Reaction::Stop);
    t.close();
    Some(Limit {
        metric: metric?,
        min,
        max,
        unit,
        when: when.map(str::to_owned),
        guard,
        on_breach,
    })
}

fn target(reader: &mut Reader, node: &Node) -> Option<Target> {
    let mut t = Table::open(reader, node)?;
    let metric = t.need("metric", text);
    let min = t.may("min", number);
    let max = t.may("max", number);
    let unit = t.may("unit", text);
    t.close();
    Some(Target {
        metric: metric?,
        min,
        max,
        unit,
    })
}

fn watch(reader: &mut Reader, node: &Node) -> Option<Watch> {
    let mut t = Table::open(reader, node)?;
    let code = t.need("code", text);
    let minor = t.may("minor", number);
    let moderate = t.may("moderate", number);
    let on_flag = t.need("on_flag", |r, n| word(r, n, words::REACTION));
    t.close();
    Some(Watch {
        code: code?,
        minor,
        moderate,
        on_flag: on_flag?,
    })
}

fn tempo(reader: &mut Reader, node: &Node) -> Option<Tempo> {
    let written = text(reader, node)?;
    match super::tempo::tempo(&written) {
        Ok(tempo) => Some(tempo),
        Err(bad) => reader.refuse(node, bad.message, Some(bad.hint)),
    }
}

/// A number, or a list of the lower and the upper number.
fn span(reader: &mut Reader, node: &Node) -> Option<Span> {
    one_or_two(reader, node, number)
}

/// Like [`span`], of whole numbers.
fn whole_span(reader: &mut Reader, node: &Node) -> Option<Span> {
    one_or_two(reader, node, |r, n| {
        whole::<i64>(r, n, 0..=100_000).map(|i| i as f64)
    })
}

fn one_or_two<'i>(
    reader: &mut Reader,
    node: &Node<'_, 'i>,
    mut read: impl FnMut(&mut Reader, &Node<'_, 'i>) -> Option<f64>,
) -> Option<Span> {
    if !node.value.is_array() {
        let only = read(reader, node)?;
        return Some(Span {
            min: only,
            max: only,
        });
    }
    let both = list(reader, node, |r, n| read(r, n))?;
    match both[..] {
        [min, max] if min <= max => Some(Span { min, max }),
        [min, max] => {
            let hint = format!("write [{max}, {min}]");
            let message = format!("the lower number {min} comes after the upper number {max}");
            reader.refuse(node, message, Some(hint))
        }
        _ => reader.mistyped(node, "one number or [lower, upper]"),
    }
}
