//! Time to ask for the trends, load contrasts, doses and calendar of a client with 200 sessions. `cargo bench --bench
//! history_trend`. One line each: `name median_ms worst_ms`, files warm; and what working one session up takes.
//!
//! Every session has six sets of eight repetitions with twenty metrics. Made by hand: numbers without meaning.

#![allow(clippy::unwrap_used, reason = "a bench may stop")]

#[path = "../tests/store/stage.rs"]
#[allow(dead_code, reason = "tests need more of it")]
mod stage;

use plimsoll::{
    daemon::jobs::{self, Kind},
    history::{answers, contrast, dose, table},
    model::{
        command::{SetRole, StopReason},
        event::Event,
        metric::Metric,
        plan::TrainingSide,
        rep::{HeartStats, Measured, Measurement, Rep, SetSummary},
        session::SessionId,
        time::SessionNs,
    },
    store::{Act, DataClass, SessionInfo, Store},
};
use std::{hint::black_box, path::Path, time::Instant};

const SESSIONS: u32 = 200;
const SETS: u32 = 6;
const REPS: u32 = 8;
const METRICS: usize = 20;
const ROUNDS: usize = 21;
/// What nobody waits for.
const GOAL_MS: f64 = 1000.0;

fn rep(session: u32, set: u32, number: u32) -> Event {
    let Event::Rep(like) = stage::rep() else {
        unreachable!("the stage makes a repetition");
    };
    let metrics = Metric::ALL.iter().take(METRICS).enumerate();
    let measured = |i: usize| {
        let max = 50.0 + f64::from(session % 17 + set + number) + i as f64;
        Measured::Value {
            min: 1.0,
            max,
            at_turn: max,
            at_start: 1.0,
            error: 3.0,
            range_error: None,
            drifting: false,
        }
    };
    Event::Rep(Rep {
        set,
        number,
        measurements: metrics
            .map(|(i, metric)| Measurement {
                metric: *metric,
                measured: measured(i),
            })
            .collect(),
        ..like
    })
}

fn session(store: &mut Store, data: &Path, number: u32) -> SessionInfo {
    let id = SessionId(format!("s{number:03}"));
    let mut header = stage::header(&id.0, "c1");
    let day = jiff::civil::date(2025, 1, 6) + jiff::Span::new().days(i64::from(number) * 2);
    header.started_at = format!("{day}T10:00:00Z");
    let mut events = Vec::new();
    for set in 1..=SETS {
        events.extend((1..=REPS).map(|n| rep(number, set, n)));
        events.push(Event::Set(SetSummary {
            set,
            exercise: "squat".to_owned(),
            side: TrainingSide::Both,
            role: SetRole::Working,
            load_kg: Some(f64::from(20 + 10 * set)),
            start: SessionNs(0),
            end: SessionNs(1),
            reason: StopReason::Completed,
            reps_live: REPS,
            reps_final: REPS,
            heart: HeartStats::default(),
            channel: String::new(),
        }));
    }
    events.push(stage::closed(1));
    store.begin(&header, None).unwrap();
    let windows = [stage::window(0, true)];
    store
        .append(&id, &windows, &stage::numbered(events))
        .unwrap();
    store.close(&id).unwrap();
    let by = Act {
        actor: "bench",
        at: "2026-09-01T00:00:00Z",
    };
    // What is stored counts then, not what the noise of the one window says.
    store.remove(&id, DataClass::Raw, by).unwrap();
    let info = store.session(&id).unwrap();
    jobs::work_up(store, data, &info).unwrap();
    info
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut store = Store::open(data).unwrap();
    let sessions: Vec<SessionInfo> = (0..SESSIONS)
        .map(|i| session(&mut store, data, i))
        .collect();
    let rows = |kind| jobs::scan(data, &sessions, kind).unwrap().0.unwrap();
    let done = || answers::done(&jobs::answer(rows(Kind::Sets)).unwrap()).unwrap();
    let asked: [(&str, &dyn Fn() -> usize); 4] = [
        ("trends", &|| {
            let table = jobs::answer(table::by_session(rows(Kind::Metrics))).unwrap();
            answers::trends(&table).unwrap().height()
        }),
        ("contrasts", &|| {
            let table = jobs::answer(table::by_load(rows(Kind::Metrics))).unwrap();
            contrast::contrasts(&table).unwrap().len()
        }),
        ("doses", &|| dose::weekly(&done(), &[]).len()),
        ("calendar", &|| dose::calendar(&done()).len()),
    ];
    let mut slow = Vec::new();
    for (name, ask) in asked {
        assert!(black_box(ask()) > 0);
        let mut times: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let begin = Instant::now();
                black_box(ask());
                begin.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let (median, worst) = (times[ROUNDS / 2], times[ROUNDS - 1]);
        println!("{name} {median:.1} {worst:.1}");
        if median > GOAL_MS {
            slow.push(name);
        }
    }
    assert!(slow.is_empty(), "slower than {GOAL_MS} ms: {slow:?}");
}
