//! The closed word lists of the plan schema.

use crate::model::{
    heart::Sex,
    plan::{AffectedSide, CheckedBy, PlanStatus, Reaction, RpeScale, TrainingSide},
};

pub(super) const STATUS: &[(&str, PlanStatus)] = &[
    ("draft", PlanStatus::Draft),
    ("active", PlanStatus::Active),
    ("on-hold", PlanStatus::OnHold),
    ("revoked", PlanStatus::Revoked),
    ("completed", PlanStatus::Completed),
    ("entered-in-error", PlanStatus::EnteredInError),
    ("superseded", PlanStatus::Superseded),
    ("expired", PlanStatus::Expired),
];

pub(super) const TRAINING_SIDE: &[(&str, TrainingSide)] = &[
    ("left", TrainingSide::Left),
    ("right", TrainingSide::Right),
    ("both", TrainingSide::Both),
    ("alternating", TrainingSide::Alternating),
];

pub(super) const AFFECTED_SIDE: &[(&str, AffectedSide)] = &[
    ("left", AffectedSide::Left),
    ("right", AffectedSide::Right),
    ("both", AffectedSide::Both),
    ("none", AffectedSide::None),
];

pub(super) const RPE_SCALE: &[(&str, RpeScale)] = &[
    ("borg_6_20", RpeScale::Borg6To20),
    ("cr10", RpeScale::Cr10),
    ("rir_rpe", RpeScale::RirRpe),
];

pub(super) const SEX: &[(&str, Sex)] = &[("female", Sex::Female), ("male", Sex::Male)];

pub(super) const CHECKED_BY: &[(&str, CheckedBy)] = &[
    ("sensor", CheckedBy::Sensor),
    ("trainer", CheckedBy::Trainer),
    ("therapist", CheckedBy::Therapist),
    ("entry", CheckedBy::Entry),
];

pub(super) const REACTION: &[(&str, Reaction)] = &[
    ("stop", Reaction::Stop),
    ("cue", Reaction::Cue),
    ("record", Reaction::Record),
    ("entry", Reaction::Entry),
];

/// Words that the model keeps as text.
pub(super) const OPERATOR: &[(&str, &str)] = &[
    ("<=", "<="),
    (">=", ">="),
    ("==", "=="),
    ("<", "<"),
    (">", ">"),
];

pub(super) const WHEN: &[(&str, &str)] = &[("loaded", "loaded"), ("always", "always")];

pub(super) const WEIGHT_BEARING: &[(&str, &str)] = &[
    ("NWB", "NWB"),
    ("TTWB", "TTWB"),
    ("PWB", "PWB"),
    ("WBAT", "WBAT"),
    ("FWB", "FWB"),
];

pub(super) const LOAD_KIND: &[(&str, &str)] = &[
    ("kg", "kg"),
    ("pct_1rm", "pct_1rm"),
    ("rpe", "rpe"),
    ("rir", "rir"),
    ("bodyweight", "bodyweight"),
    ("bodyweight_pct", "bodyweight_pct"),
    ("band", "band"),
    ("none", "none"),
];

pub(super) const LOAD_BASIS: &[(&str, &str)] = &[
    ("total", "total"),
    ("per_hand", "per_hand"),
    ("per_leg", "per_leg"),
    ("machine_stack", "machine_stack"),
];
