//! A session to judge, in as few words as a test needs.

use plimsoll::{
    model::{
        command::{Command, SetRole, StopReason},
        finding::{Baseline, BaselineRow, Finding},
        metric::Metric,
        plan::{Plan, RpeScale, TrainingSide},
        rep::{HeartStats, Measured, Measurement, Phases, Rep, SetSummary, Stage},
        time::SessionNs,
    },
    rules::{AfterSet, Judge, Params},
    wire::plan::parse,
};

pub const KNEE: &str = include_str!("../../config/plans/knee-squat.toml");

pub const SHOULDER: &str = include_str!("../../config/plans/shoulder-raise.toml");

pub const LEGS: &[Metric] = &[
    Metric::KneeFlexion,
    Metric::TrunkForwardTilt,
    Metric::SideDifferenceRom,
    Metric::HeartRate,
];

pub fn knee() -> Plan {
    parse(KNEE).unwrap().plan
}

pub fn s(seconds: f64) -> SessionNs {
    SessionNs::from_seconds(seconds)
}

pub fn value(min: f64, max: f64) -> Measured {
    Measured::Value {
        min,
        max,
        at_turn: max,
        at_start: min,
        error: 3.0,
        range_error: None,
        drifting: false,
    }
}

/// A repetition in perfect tempo (3-1-2-0).
pub fn rep(number: u32, measured: &[(Metric, Measured)]) -> Rep {
    let start = s(f64::from(number) * 7.0);
    Rep {
        set: 1,
        number,
        stage: Stage::Confirmed,
        start,
        turn: SessionNs(start.0 + 3_000_000_000),
        end: SessionNs(start.0 + 6_000_000_000),
        partial: false,
        phases: Some(Phases {
            eccentric_s: 3.0,
            pause_stretched_s: Some(1.0),
            concentric_s: 2.0,
            pause_shortened_s: Some(0.0),
            threshold: 0.1,
            error_s: [0.1; 4],
        }),
        speed: None,
        measurements: measured
            .iter()
            .map(|(metric, measured)| Measurement {
                metric: *metric,
                measured: *measured,
            })
            .collect(),
    }
}

pub fn good(number: u32) -> Rep {
    rep(
        number,
        &[
            (Metric::KneeFlexion, value(2.0, 80.0)),
            (Metric::TrunkForwardTilt, value(0.0, 30.0)),
            (Metric::SideDifferenceRom, value(1.0, 1.0)),
        ],
    )
}

pub fn depth(number: u32, max: f64) -> Rep {
    rep(number, &[(Metric::KneeFlexion, value(2.0, max))])
}

pub fn trunk(number: u32, tilt: f64, stage: Stage) -> Rep {
    let mut rep = rep(
        number,
        &[
            (Metric::KneeFlexion, value(2.0, 80.0)),
            (Metric::TrunkForwardTilt, value(0.0, tilt)),
        ],
    );
    rep.stage = stage;
    rep
}

pub struct Session {
    pub judge: Judge,
    pub out: Vec<Finding>,
    pub by_eye: Vec<String>,
    pub load_kg: Option<f64>,
}

impl Session {
    pub fn with(plan: Option<&Plan>, baselines: Vec<Baseline>) -> Self {
        Self {
            judge: Judge::new(&Params::default(), plan, baselines),
            out: Vec::new(),
            by_eye: Vec::new(),
            load_kg: Some(12.0),
        }
    }

    pub fn squat(plan: &Plan) -> Self {
        let mut session = Self::with(Some(plan), Vec::new());
        session.start(&SetRole::Working, LEGS);
        session
    }

    pub fn start(&mut self, role: &SetRole, available: &[Metric]) {
        self.by_eye = self.judge.set_started(
            s(0.0),
            "squat",
            TrainingSide::Both,
            role,
            self.load_kg,
            available,
        );
    }

    /// The findings on a repetition.
    pub fn rep(&mut self, rep: &Rep) -> Vec<Finding> {
        let mut out = Vec::new();
        self.judge.rep(rep, &mut out);
        self.out.extend(out.iter().cloned());
        out.retain(|f| f.rep.is_some());
        out
    }

    pub fn heart(&mut self, t: f64, bpm: Option<f64>) -> Vec<Finding> {
        let mut out = Vec::new();
        self.judge.heart(s(t), bpm, &mut out);
        out.retain(|f| f.code == "HR_CEILING");
        out
    }

    pub fn end(
        &mut self,
        set: u32,
        role: SetRole,
        heart: &HeartStats,
    ) -> (Vec<Finding>, Vec<AfterSet>) {
        let (mut out, mut after) = (Vec::new(), Vec::new());
        let summary = SetSummary {
            set,
            exercise: "squat".to_owned(),
            side: TrainingSide::Both,
            role,
            load_kg: self.load_kg,
            start: s(0.0),
            end: s(100.0),
            reason: StopReason::Completed,
            reps_live: 10,
            reps_final: 10,
            heart: *heart,
            channel: "knee_flexion".to_owned(),
        };
        self.judge.set(&summary, &mut out, &mut after);
        (out, after)
    }

    pub fn entry(
        &mut self,
        rpe: Option<(RpeScale, f64)>,
        pain: Option<u8>,
        symptoms: &[&str],
    ) -> Vec<Finding> {
        let mut out = Vec::new();
        let symptoms = symptoms.iter().map(|s| (*s).to_owned()).collect();
        self.judge.entry(
            s(200.0),
            &Command::Entry {
                rpe,
                pain,
                symptoms,
            },
            &mut out,
        );
        out
    }
}

pub fn one<'f>(found: &'f [Finding], code: &str) -> &'f Finding {
    let hits: Vec<_> = found.iter().filter(|f| f.code == code).collect();
    assert_eq!(hits.len(), 1, "{code} in {found:#?}");
    hits[0]
}

pub fn steady(bpm: f64) -> HeartStats {
    HeartStats {
        mean_bpm: Some(bpm),
        max_bpm: Some(bpm),
        end_bpm: Some(bpm),
        recovery_60s_bpm: None,
        covered: 1.0,
        ..HeartStats::default()
    }
}

/// An accepted baseline of the squat.
pub fn own(metric: Metric, feature: &str, centre: f64) -> Baseline {
    Baseline {
        exercise: "squat".to_owned(),
        side: TrainingSide::Both,
        sensors: Vec::new(),
        load_kg: None,
        phase: None,
        accepted_by: "T-01".to_owned(),
        session: "earlier".to_owned(),
        session_started_at: "2026-01-05T09:00:00Z".to_owned(),
        accepted_at: s(60.0),
        reps: 5,
        rows: vec![row(metric, feature, centre)],
    }
}

/// A row of one.
pub fn row(metric: Metric, feature: &str, centre: f64) -> BaselineRow {
    BaselineRow {
        metric,
        feature: feature.to_owned(),
        centre,
        spread: 1.0,
        reps: 5,
    }
}
