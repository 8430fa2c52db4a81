//! Sessions for the tests of this module, written by hand.

use super::RepTrace;
use crate::model::{
    body::Segment,
    command::{Command, SetRole, StopReason},
    event::{Event, Numbered},
    finding::{Action, CheckKind, Finding, Severity, Source, Verdict},
    metric::Metric,
    packet::DeviceIndex,
    plan::{
        AffectedSide, Avoid, Beat, CheckedBy, Effort, Frequency, Limit, Load, Pain, Phase, Plan,
        PlanStatus, Prescription, Reaction, RpeScale, Span, Tempo, TrainingSide,
    },
    rep::{
        HeartStats, Loss, Measured, Measurement, Missing, Phases, Rep, SetSummary, Speed,
        SpeedUnit, Stage,
    },
    sample::{StreamId, StreamKind},
    session::{Origin, Sensor, SessionHeader, SessionId, TechEvent, TechKind},
    time::{HostNs, SessionNs},
};

pub fn header(origin: Origin) -> SessionHeader {
    let sensor = |alias: &str, segment| Sensor {
        alias: alias.to_owned(),
        driver: "witmotion".to_owned(),
        segment,
        confirmed_by: "R-07".to_owned(),
        nominal_hz: 100.0,
    };
    SessionHeader {
        schema: "session/1".to_owned(),
        session: SessionId("S-0001".to_owned()),
        client: "C-0001".to_owned(),
        origin,
        started_at: "2026-03-02T09:00:00Z".to_owned(),
        started_host: HostNs(0),
        sensors: vec![
            sensor("imu1", Segment::ThighL),
            sensor("imu2", Segment::ShankL),
            sensor("hr1", Segment::Chest),
        ],
        plan_sha256: Some("ab".repeat(32)),
        plan_label: Some("EX-ACL-01 v1".to_owned()),
        baselines: vec![],
        software: "0.1.0".to_owned(),
        library_sha256: "cd".repeat(32),
    }
}

pub fn finding(set: u32, rep: u32, kind: CheckKind, verdict: Verdict) -> Finding {
    let measured = !matches!(verdict, Verdict::NotAssessed | Verdict::Invalid);
    let value = match verdict {
        Verdict::Outside => 78.0 + f64::from(rep) * 0.3,
        Verdict::Unsure => 73.0,
        _ => 64.0 + f64::from(rep % 4),
    };
    Finding {
        id: u64::from(set) * 1000 + u64::from(rep),
        t: SessionNs::from_seconds(f64::from(set) * 100.0 + f64::from(rep) * 6.0),
        set,
        rep: Some(rep),
        stage: Stage::Final,
        code: "LIMIT".to_owned(),
        kind,
        metric: Metric::KneeFlexion,
        verdict,
        severity: if verdict == Verdict::Outside {
            Severity::Major
        } else {
            Severity::Note
        },
        action: if verdict == Verdict::Outside {
            Action::Stop
        } else {
            Action::Record
        },
        value: measured.then_some(value),
        error: measured.then_some(4.0),
        min: None,
        max: Some(70.0),
        usual: None,
        guard: 5.0,
        source: Source::Plan,
        missing: (verdict == Verdict::Invalid).then_some(Missing::Gap),
    }
}

pub fn rep(set: u32, number: u32, stage: Stage, depth: Option<f64>) -> Rep {
    let at = |s: f64| SessionNs::from_seconds(f64::from(set) * 100.0 + f64::from(number) * 6.0 + s);
    let measured = match depth {
        Some(at_turn) => Measured::Value {
            min: 2.0,
            max: at_turn,
            at_turn,
            at_start: 3.0,
            error: 4.0,
            range_error: None,
            drifting: false,
        },
        None => Measured::Missing { why: Missing::Gap },
    };
    Rep {
        set,
        number,
        stage,
        start: at(-6.0),
        turn: at(-3.0),
        end: at(0.0),
        partial: false,
        phases: Some(Phases {
            eccentric_s: 2.9,
            pause_stretched_s: Some(0.8),
            concentric_s: 2.1,
            pause_shortened_s: Some(0.2),
            threshold: 0.1,
            error_s: [0.1; 4],
        }),
        speed: Some(Speed {
            mean: 40.0,
            peak: None,
            error: 3.0,
            unit: SpeedUnit::DegreesPerSecond,
            segment: None,
            loss: Some(Loss {
                percent: 12.0,
                error_percent: 8.0,
            }),
        }),
        measurements: vec![Measurement {
            metric: Metric::KneeFlexion,
            measured,
        }],
    }
}

fn numbered(events: Vec<Event>) -> Vec<Numbered> {
    (0u64..)
        .zip(events)
        .map(|(sequence, event)| Numbered {
            sequence,
            window: sequence,
            event,
        })
        .collect()
}

/// One squat set whose repetitions have these verdicts of their limit check.
pub fn one_set(verdicts: &[Verdict]) -> Vec<Numbered> {
    let mut events = vec![started(1, "squat")];
    push_reps(&mut events, 1, verdicts);
    events.push(ended(1, "squat", verdicts.len() as u32));
    events.push(Event::Closed {
        t: SessionNs::from_seconds(200.0),
        windows: 2000,
    });
    numbered(events)
}

fn started(set: u32, exercise: &str) -> Event {
    Event::SetStarted {
        set,
        t: SessionNs::from_seconds(f64::from(set) * 100.0),
        exercise: exercise.to_owned(),
        side: TrainingSide::Left,
        role: SetRole::Working,
        load_kg: Some(20.0),
        by_eye: vec!["hip drop (no pelvis sensor)".to_owned()],
    }
}

fn push_reps(events: &mut Vec<Event>, set: u32, verdicts: &[Verdict]) {
    for (number, verdict) in (1u32..).zip(verdicts) {
        let f = finding(set, number, CheckKind::Limit, *verdict);
        // What was said live must not be counted a second time.
        events.push(Event::Rep(rep(set, number, Stage::Confirmed, f.value)));
        events.push(Event::Finding(Finding {
            stage: Stage::Confirmed,
            ..f.clone()
        }));
        events.push(Event::Rep(rep(set, number, Stage::Final, f.value)));
        events.push(Event::Finding(f));
    }
}

fn ended(set: u32, exercise: &str, reps: u32) -> Event {
    let start = SessionNs::from_seconds(f64::from(set) * 100.0);
    Event::Set(SetSummary {
        set,
        exercise: exercise.to_owned(),
        side: TrainingSide::Left,
        role: SetRole::Working,
        load_kg: Some(20.0),
        start,
        end: SessionNs::from_seconds(start.seconds() + 80.0),
        reason: StopReason::Completed,
        reps_live: reps,
        reps_final: reps,
        heart: HeartStats {
            mean_bpm: Some(118.0),
            max_bpm: Some(131.0 + f64::from(set) * 4.0),
            end_bpm: Some(130.0),
            recovery_60s_bpm: Some(21.0),
            covered: 0.98,
            ..HeartStats::default()
        },
        channel: "knee_flexion".to_owned(),
    })
}

/// Three sets with every kind of verdict, entries, a watch item, a heart-rate alarm and a lost sensor.
pub fn session() -> Vec<Numbered> {
    use Verdict::{Invalid, NotAssessed, Outside, Unsure, Within};
    let mut events = vec![started(1, "squat")];
    push_reps(
        &mut events,
        1,
        &[
            Within, Within, Within, Outside, Within, Unsure, Within, Within, Invalid, Invalid,
            Within, Within,
        ],
    );
    for number in 1..=12 {
        let verdict = if number % 5 == 0 { Outside } else { Within };
        let mut f = finding(1, number, CheckKind::Watch, verdict);
        (f.code, f.metric) = ("TRUNK_FWD".to_owned(), Metric::TrunkForwardTilt);
        (f.max, f.action, f.source) = (Some(35.0), Action::Cue, Source::Baseline);
        f.value = Some(if number % 5 == 0 { 41.0 } else { 30.0 });
        events.push(Event::Finding(f));
    }
    events.push(ended(1, "squat", 12));
    events.push(entry(1, 7.0, 1));
    events.push(started(2, "squat"));
    push_reps(
        &mut events,
        2,
        &[
            Within, Within, Outside, Outside, Within, Within, Within, Within,
        ],
    );
    events.push(ended(2, "squat", 8));
    events.push(entry(2, 8.0, 3));
    events.push(started(3, "leg_extension"));
    push_reps(&mut events, 3, &[NotAssessed; 10]);
    let mut heart = finding(3, 0, CheckKind::Effort, Outside);
    (heart.rep, heart.stage, heart.code) = (None, Stage::Confirmed, "HR_CEILING".to_owned());
    (heart.metric, heart.value, heart.error) = (Metric::HeartRate, Some(147.0), Some(3.0));
    (heart.max, heart.guard) = (Some(140.0), 0.0);
    events.push(Event::Finding(heart));
    events.extend(lost_sensor());
    events.push(ended(3, "leg_extension", 10));
    events.push(Event::Closed {
        t: SessionNs::from_seconds(520.0),
        windows: 5200,
    });
    numbered(events)
}

fn entry(set: u32, rpe: f64, pain: u8) -> Event {
    Event::Entry {
        t: SessionNs::from_seconds(f64::from(set) * 100.0 + 90.0),
        set,
        entry: Command::Entry {
            rpe: Some((RpeScale::RirRpe, rpe)),
            pain: Some(pain),
            symptoms: Vec::new(),
        },
    }
}

fn lost_sensor() -> [Event; 2] {
    let stream = StreamId {
        device: DeviceIndex(1),
        kind: StreamKind::Imu,
    };
    let tech = |t, kind| {
        Event::Tech(TechEvent {
            t: SessionNs::from_seconds(t),
            device: None,
            kind,
        })
    };
    [
        tech(
            330.0,
            TechKind::SensorLost {
                stream,
                silent_s: 1.0,
            },
        ),
        tech(
            370.0,
            TechKind::SensorBack {
                stream,
                gap_s: 40.2,
            },
        ),
    ]
}

/// Heart rate with a gap, and the traces of two repetitions outside.
pub fn traces() -> Vec<RepTrace> {
    let squat = |set, rep, depth: f64| RepTrace {
        set,
        rep,
        metric: Metric::KneeFlexion,
        points: (0..120)
            .map(|i| f64::from(i) * 0.05)
            .map(|t| {
                (
                    t + 20.0,
                    depth * (0.5 - 0.5 * (t * std::f64::consts::TAU / 6.0).cos()),
                )
            })
            .collect(),
    };
    let bpm = |t: f64| {
        if (250.0..280.0).contains(&t) {
            f64::NAN
        } else {
            120.0 + 25.0 * (t / 60.0).sin()
        }
    };
    let heart = RepTrace {
        set: 0,
        rep: 0,
        metric: Metric::HeartRate,
        points: (0..520)
            .map(|t| (f64::from(t), bpm(f64::from(t))))
            .collect(),
    };
    vec![squat(1, 4, 79.2), squat(2, 4, 79.2), heart]
}

pub fn plan() -> Plan {
    let knee = Limit {
        metric: "knee_flexion".to_owned(),
        min: None,
        max: Some(70.0),
        unit: Some("deg".to_owned()),
        when: None,
        guard: None,
        on_breach: Reaction::Stop,
    };
    Plan {
        schema: "loading-limits/0.1".to_owned(),
        plan_id: "EX-ACL-01".to_owned(),
        version: 1,
        status: PlanStatus::Active,
        title: "Knee, weeks 6 to 12".to_owned(),
        client: "C-0001".to_owned(),
        author: "T-01".to_owned(),
        signed_at: Some("2026-02-20T10:00:00Z".to_owned()),
        valid_from: "2026-02-20".to_owned(),
        valid_until: "2026-04-20".to_owned(),
        affected_side: AffectedSide::Left,
        cardiac: false,
        beta_blocker: false,
        pregnant: false,
        trainer_summary: "No squatting deeper than 70 degrees.".to_owned(),
        reason: None,
        weight_bearing: None,
        frequency: Frequency {
            sessions_per_week: 3,
            min_rest_hours: 24,
        },
        emergency: "Call the desk.".to_owned(),
        setting: "gym".to_owned(),
        supervision: "one to one".to_owned(),
        require_hr_signal: false,
        phase: Phase {
            name: "strength".to_owned(),
            window_weeks: None,
            progress_when: Vec::new(),
        },
        effort: effort(),
        pain: Pain {
            site: "knee".to_owned(),
            cue_at: 3,
            stop_at: 5,
            max_rise: 2,
            next_morning_max_rise: 1,
        },
        avoid: vec![Avoid {
            code: "valsalva".to_owned(),
            trainer_text: "Breathe out on effort".to_owned(),
            check: CheckedBy::Trainer,
            metric: None,
            min: None,
            max: None,
            max_times_own_walking: None,
            applies_to: Vec::new(),
        }],
        exercises: vec![prescription("squat", vec![knee])],
    }
}

fn effort() -> Effort {
    Effort {
        hr_ceiling_bpm: Some(140.0),
        hr_zone_bpm: None,
        hr_basis: None,
        hr_note: None,
        hr_max_bpm: None,
        hr_rest_bpm: None,
        age_years: None,
        sex: None,
        rpe_scale: RpeScale::RirRpe,
        rpe_target: None,
        rpe_max: 8.0,
        symptoms_stop: Vec::new(),
    }
}

fn prescription(id: &str, limits: Vec<Limit>) -> Prescription {
    Prescription {
        id: id.to_owned(),
        side: TrainingSide::Left,
        setup: None,
        equipment: None,
        sets: 3,
        reps: Span {
            min: 10.0,
            max: 12.0,
        },
        hold_s: None,
        tempo: Some(Tempo([
            Beat::Seconds(3.0),
            Beat::Seconds(1.0),
            Beat::Seconds(2.0),
            Beat::Seconds(0.0),
        ])),
        rest_s: Span {
            min: 90.0,
            max: 120.0,
        },
        load: Load {
            kind: "kg".to_owned(),
            value: Some(20.0),
            max_kg: Some(24.0),
            basis: None,
            one_rm_kg: None,
            one_rm_date: None,
            one_rm_method: None,
            colour: None,
            brand: None,
        },
        limits,
        targets: Vec::new(),
        watches: Vec::new(),
    }
}
