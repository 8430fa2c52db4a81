//! The report on paper: an ordinary session fits one sheet of A4.

use crate::{
    browser::Browser,
    stage::{finding, header, rep},
};
use plimsoll::{
    model::{
        command::{Command, SetRole, StopReason},
        event::{Event, Numbered},
        finding::{Action, CheckKind, Finding, Source, Verdict},
        metric::Metric,
        plan::{
            AffectedSide, Beat, Effort, Frequency, Limit, Load, Pain, Phase, Plan, PlanStatus,
            Prescription, Reaction, RpeScale, Span, Tempo, TrainingSide,
        },
        rep::{HeartStats, Rep, SetSummary, Stage},
        session::Origin,
        time::SessionNs,
    },
    report::{self, RepTrace, SessionReport},
};

const EXERCISES: [&str; 4] = ["squat", "lunge", "hip_hinge", "leg_extension"];

fn at(seconds: u32) -> SessionNs {
    SessionNs::from_seconds(f64::from(seconds))
}

/// Sets of ten repetitions, three of each exercise, four minutes apart.
fn events(sets: u32) -> Vec<Numbered> {
    let mut events = Vec::new();
    for set in 1..=sets {
        let exercise = EXERCISES[(set as usize - 1) / 3];
        let begin = set * 240;
        events.push(Event::SetStarted {
            set,
            t: at(begin),
            exercise: exercise.to_owned(),
            side: TrainingSide::Left,
            role: SetRole::Working,
            load_kg: Some(20.0),
            by_eye: vec![
                "hip drops (PELVIC_DROP): no worn sensor measures pelvic drop".to_owned(),
                "Breathe out on effort (valsalva)".to_owned(),
            ],
        });
        for number in 1..=10 {
            push_rep(&mut events, set, number);
        }
        events.push(set_end(set, exercise, begin));
        events.push(Event::Entry {
            t: at(begin + 80),
            set,
            entry: Command::Entry {
                rpe: Some((RpeScale::RirRpe, 7.0)),
                pain: Some(u8::from(set > 6) + 1),
                symptoms: Vec::new(),
            },
        });
    }
    events.push(Event::Closed {
        t: at(3_100),
        windows: 31_000,
    });
    (0u64..)
        .zip(events)
        .map(|(sequence, event)| Numbered {
            sequence,
            window: sequence,
            event,
        })
        .collect()
}

fn push_rep(events: &mut Vec<Event>, set: u32, number: u32) {
    let verdict = match (set * 7 + number * 3) % 23 {
        0 => Verdict::Outside,
        1 => Verdict::Unsure,
        2 => Verdict::Invalid,
        _ => Verdict::Within,
    };
    let mut limit = finding(u64::from(set * 100 + number), CheckKind::Limit, verdict);
    (limit.set, limit.rep, limit.stage) = (set, Some(number), Stage::Final);
    if verdict == Verdict::Outside {
        limit.action = Action::Stop;
    }
    let mut watch = Finding {
        kind: CheckKind::Watch,
        source: Source::Baseline,
        ..limit.clone()
    };
    (watch.code, watch.metric) = ("TRUNK_FWD".to_owned(), Metric::TrunkForwardTilt);
    watch.action = Action::Record;
    events.push(Event::Rep(Rep {
        stage: Stage::Final,
        ..rep(set, number, limit.value)
    }));
    events.push(Event::Finding(limit));
    events.push(Event::Finding(watch));
}

fn set_end(set: u32, exercise: &str, begin: u32) -> Event {
    Event::Set(SetSummary {
        set,
        exercise: exercise.to_owned(),
        side: TrainingSide::Left,
        role: SetRole::Working,
        load_kg: Some(20.0),
        start: at(begin),
        end: at(begin + 70),
        reason: StopReason::Completed,
        reps_live: 10,
        reps_final: 10,
        heart: HeartStats {
            max_bpm: Some(120.0 + f64::from(set)),
            covered: 1.0,
            ..HeartStats::default()
        },
        channel: "knee_flexion".to_owned(),
    })
}

fn traces() -> Vec<RepTrace> {
    let wave = |t: f64| 40.0 * (1.0 - (t * std::f64::consts::TAU / 5.0).cos());
    let squat = |set, rep| RepTrace {
        set,
        rep,
        metric: Metric::KneeFlexion,
        points: (0..100)
            .map(|i| f64::from(i) * 0.05)
            .map(|t| (t, wave(t)))
            .collect(),
    };
    let heart = RepTrace {
        set: 0,
        rep: 0,
        metric: Metric::HeartRate,
        points: (0..3_100)
            .map(|t| (f64::from(t), 115.0 + 20.0 * (f64::from(t) / 120.0).sin()))
            .collect(),
    };
    let all = (1..=12).flat_map(|set| (1..=10).map(move |rep| (set, rep)));
    all.map(|(set, rep)| squat(set, rep))
        .chain([heart])
        .collect()
}

fn plan() -> Plan {
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
        trainer_summary: String::new(),
        reason: None,
        weight_bearing: None,
        frequency: Frequency {
            sessions_per_week: 3,
            min_rest_hours: 24,
        },
        emergency: String::new(),
        setting: String::new(),
        supervision: String::new(),
        require_hr_signal: false,
        phase: Phase {
            name: String::new(),
            window_weeks: None,
            progress_when: Vec::new(),
        },
        effort: Effort {
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
        },
        pain: Pain {
            site: "knee".to_owned(),
            cue_at: 3,
            stop_at: 5,
            max_rise: 2,
            next_morning_max_rise: 1,
        },
        avoid: Vec::new(),
        exercises: EXERCISES.iter().map(|id| prescription(id)).collect(),
    }
}

fn prescription(id: &str) -> Prescription {
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
        tempo: Some(Tempo([3.0, 1.0, 2.0, 0.0].map(Beat::Seconds))),
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
        limits: vec![Limit {
            metric: "knee_flexion".to_owned(),
            min: None,
            max: Some(70.0),
            unit: None,
            when: None,
            guard: None,
            on_breach: Reaction::Stop,
        }],
        targets: Vec::new(),
        watches: Vec::new(),
    }
}

/// Pages of a PDF: page objects that are not the tree of pages.
fn pages(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    text.matches("/Type /Page").count() - text.matches("/Type /Pages").count()
}

#[test]
fn ordinary_sessions_print_on_one_sheet() {
    for sets in [1, 3, 5, 6, 12] {
        let facts = SessionReport::build(
            &header(Origin::Simulated),
            Some(&plan()),
            &events(sets),
            &traces(),
        );
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
        let file = folder.join(format!("report_{sets}_sets.html"));
        std::fs::write(&file, report::html(&facts)).unwrap();
        let mut page = Browser::open(&format!("file://{}", file.display()));
        page.wait("document.readyState === 'complete' && !!document.querySelector('footer')");
        let wide = "document.documentElement.scrollWidth <= window.innerWidth";
        assert_eq!(
            page.value(wide),
            serde_json::json!(true),
            "nothing sticks out"
        );
        let pdf = page.print();
        assert_eq!(pages(&pdf), 1, "{sets} sets, see {}", file.display());
    }
}
