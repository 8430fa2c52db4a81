//! The server under test with a scripted session: live events ten times a second until told to stop.

use plimsoll::{
    model::{
        body::Segment,
        command::{SetRole, StopReason},
        event::{Event, Live, LiveHeart, LiveSensor, Numbered},
        finding::{Action, CheckKind, Finding, Severity, Source, Verdict},
        metric::Metric,
        packet::DeviceIndex,
        plan::TrainingSide,
        rep::{HeartStats, Measured, Measurement, Phases, Rep, SetSummary, Stage as RepStage},
        session::{Origin, Sensor, SessionHeader, SessionId},
        time::{HostNs, SessionNs},
    },
    web::{self, Feed, Info, Page, WebState},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

pub struct Stage {
    pub feed: Feed,
    pub url: String,
    live: Arc<Mutex<Live>>,
    playing: Arc<AtomicBool>,
    sequence: Arc<AtomicU64>,
    stop: CancellationToken,
    runtime: Option<tokio::runtime::Runtime>,
}

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
        session: SessionId("S-1".to_owned()),
        client: "C-0001".to_owned(),
        origin,
        started_at: "2026-03-02T09:00:00Z".to_owned(),
        started_host: HostNs(0),
        sensors: vec![
            sensor("imu1", Segment::ThighL),
            sensor("imu2", Segment::ShankL),
        ],
        plan_sha256: None,
        plan_label: None,
        baselines: Vec::new(),
        software: "0.1.0".to_owned(),
        library_sha256: "cd".repeat(32),
    }
}

pub fn info(origin: Origin, with_plan: bool) -> Info {
    let mut info = Info::new(&header(origin), None, false);
    if with_plan {
        info.plan = Some("EX-ACL-01 v1".to_owned());
        info.heart_ceiling = Some(140.0);
        let squat = info.exercises.get_mut("squat").unwrap();
        squat.tempo = Some("3-1-2-0".to_owned());
        squat.asked = Some("3 x 10-12".to_owned());
    }
    info
}

fn first_live() -> Live {
    let sensor = |i, segment| LiveSensor {
        device: DeviceIndex(i),
        segment,
        age_s: Some(0.03),
        stale: false,
    };
    Live {
        t: SessionNs(0),
        heart: Some(LiveHeart {
            bpm: 128.0,
            age_s: 0.6,
            stale: false,
        }),
        set: None,
        exercise: None,
        reps: 0,
        metric: Some(Metric::KneeFlexion),
        limit: (None, Some(70.0)),
        trace: Vec::new(),
        sensors: vec![
            sensor(0, Segment::ThighL),
            sensor(1, Segment::ShankL),
            sensor(2, Segment::Chest),
        ],
    }
}

impl Stage {
    /// A server on a free port, with the live events running.
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let feed = Feed::default();
        let stop = CancellationToken::new();
        let reports: web::Reports =
            Arc::new(|id| (id == "S-1").then(|| "<!doctype html><p>the report".to_owned()));
        let clock: web::Clock = Arc::new(|| "09:41:07".to_owned());
        let state = WebState::new(feed.clone(), reports, clock, Vec::new(), stop.clone());
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(web::serve(listener, Page::router(state), stop.clone()));
        let stage = Self {
            feed,
            url,
            live: Arc::new(Mutex::new(first_live())),
            playing: Arc::new(AtomicBool::new(true)),
            sequence: Arc::default(),
            stop,
            runtime: Some(runtime),
        };
        stage.play();
        stage
    }

    fn play(&self) {
        let (feed, live) = (self.feed.clone(), Arc::clone(&self.live));
        let (playing, sequence) = (Arc::clone(&self.playing), Arc::clone(&self.sequence));
        let task = async move {
            let mut tick = tokio::time::interval(Duration::from_millis(100));
            loop {
                tick.tick().await;
                if playing.load(Ordering::Relaxed) {
                    let event = Event::Live(next_live(&live));
                    publish(&feed, &sequence, event);
                }
            }
        };
        self.runtime.as_ref().unwrap().spawn(task);
    }

    /// Live events stop coming, as if the analysis hung.
    pub fn fall_silent(&self) {
        self.playing.store(false, Ordering::Relaxed);
    }

    pub fn speak_again(&self) {
        self.playing.store(true, Ordering::Relaxed);
    }

    pub fn change(&self, change: impl FnOnce(&mut Live)) {
        change(&mut self.live.lock().unwrap());
    }

    pub fn say(&self, event: Event) {
        publish(&self.feed, &self.sequence, event);
    }

    pub fn start_set(&self, set: u32) {
        self.say(Event::SetStarted {
            set,
            t: SessionNs(0),
            exercise: "squat".to_owned(),
            side: TrainingSide::Left,
            role: SetRole::Working,
            load_kg: Some(20.0),
            by_eye: vec!["hip drop".to_owned()],
        });
        self.change(|l| {
            l.set = Some(set);
            l.exercise = Some("squat".to_owned());
            l.reps = 0;
        });
    }

    /// A confirmed repetition with these findings.
    pub fn rep(&self, set: u32, number: u32, findings: &[Finding]) {
        self.change(|l| l.reps = number);
        self.say(Event::Rep(rep(
            set,
            number,
            findings.iter().find_map(|f| f.value),
        )));
        for f in findings {
            self.say(Event::Finding(Finding {
                set,
                rep: Some(number),
                ..f.clone()
            }));
        }
    }
}

impl Stage {
    /// What the pass after the set says of a repetition.
    pub fn final_rep(&self, set: u32, number: u32, f: Finding) {
        let stage = RepStage::Final;
        self.say(Event::Rep(Rep {
            stage,
            ..rep(set, number, f.value)
        }));
        self.say(Event::Finding(Finding {
            stage,
            set,
            rep: Some(number),
            ..f
        }));
    }

    pub fn end_set(&self, set: u32, reps: u32) {
        self.change(|l| l.set = None);
        self.say(Event::Set(SetSummary {
            set,
            exercise: "squat".to_owned(),
            side: TrainingSide::Left,
            role: SetRole::Working,
            load_kg: Some(20.0),
            start: SessionNs(0),
            end: SessionNs(1),
            reason: StopReason::Completed,
            reps_live: reps,
            reps_final: reps,
            heart: HeartStats::default(),
            channel: "knee_flexion".to_owned(),
        }));
    }
}

fn publish(feed: &Feed, sequence: &AtomicU64, event: Event) {
    let sequence = sequence.fetch_add(1, Ordering::Relaxed);
    feed.publish(&Numbered {
        sequence,
        window: sequence,
        event,
    });
}

/// The next tenth of a second: a squat of 5 s down to 66 degrees.
fn next_live(live: &Mutex<Live>) -> Live {
    let mut live = live.lock().unwrap();
    let from = live.t.seconds();
    live.trace = (1..=2)
        .map(|i| from + 0.05 * f64::from(i))
        .map(|t| {
            let depth = 33.0 * (1.0 - (t * std::f64::consts::TAU / 5.0).cos());
            (SessionNs::from_seconds(t), Some(depth))
        })
        .collect();
    live.t = SessionNs::from_seconds(from + 0.1);
    live.clone()
}

pub fn rep(set: u32, number: u32, depth: Option<f64>) -> Rep {
    let at_turn = depth.unwrap_or(64.0);
    let measured = Measured::Value {
        min: 2.0,
        max: at_turn,
        at_turn,
        at_start: 3.0,
        error: 4.0,
        range_error: None,
        drifting: false,
    };
    Rep {
        set,
        number,
        stage: RepStage::Confirmed,
        start: SessionNs(0),
        turn: SessionNs(1),
        end: SessionNs(2),
        partial: false,
        phases: Some(Phases {
            eccentric_s: 2.1,
            pause_stretched_s: Some(0.3),
            concentric_s: 1.0,
            pause_shortened_s: Some(0.2),
            threshold: 0.1,
            error_s: [0.1; 4],
        }),
        speed: None,
        measurements: vec![Measurement {
            metric: Metric::KneeFlexion,
            measured,
        }],
    }
}

/// A live finding on knee flexion at most 70 degrees.
pub fn finding(id: u64, kind: CheckKind, verdict: Verdict) -> Finding {
    let value = match verdict {
        Verdict::Within => Some(64.0),
        Verdict::Unsure => Some(73.0),
        Verdict::Outside => Some(79.0),
        Verdict::NotAssessed | Verdict::Invalid => None,
    };
    Finding {
        id,
        t: SessionNs(0),
        set: 1,
        rep: Some(1),
        stage: RepStage::Confirmed,
        code: "LIMIT".to_owned(),
        kind,
        metric: Metric::KneeFlexion,
        verdict,
        severity: Severity::Note,
        action: Action::Record,
        value,
        error: value.map(|_| 4.0),
        min: None,
        max: Some(70.0),
        usual: None,
        guard: 5.0,
        source: Source::Plan,
        missing: None,
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(3));
        }
    }
}
