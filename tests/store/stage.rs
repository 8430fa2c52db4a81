//! A session made of noise, written by hand, and what must be found of it.

use plimsoll::{
    model::{
        body::Segment,
        event::{Event, Live, Numbered},
        finding::{Action, Baseline, BaselineRow, CheckKind, Finding, Severity, Source, Verdict},
        metric::Metric,
        packet::DeviceIndex,
        plan::TrainingSide,
        rep::{Loss, Measured, Measurement, Missing, Phases, Rep, Speed, SpeedUnit, Stage},
        sample::{Quality, Sample, StreamId, StreamKind},
        session::{Origin, Sensor, SessionHeader, SessionId},
        time::{HostNs, SessionNs},
        window::{Batch, BatchRef, Manifest, WINDOW_NS, Window},
    },
    store::Store,
};
use std::path::Path;

pub const BEGINNING: SessionNs = SessionNs(i64::MIN);

pub const END: SessionNs = SessionNs(i64::MAX);

pub const SENSORS: u16 = 4;

pub fn id(name: &str) -> SessionId {
    SessionId(name.to_owned())
}

pub fn header(session: &str, client: &str) -> SessionHeader {
    let sensor = |alias: String, segment, nominal_hz| Sensor {
        alias,
        driver: "witmotion".to_owned(),
        segment,
        confirmed_by: "trainer-1".to_owned(),
        nominal_hz,
    };
    let mut sensors: Vec<_> = (0..SENSORS)
        .map(|i| sensor(format!("imu{i}"), Segment::ThighR, 100.0))
        .collect();
    sensors.push(sensor("../strap".to_owned(), Segment::Chest, 0.0));
    SessionHeader {
        schema: "session/1".to_owned(),
        session: id(session),
        client: client.to_owned(),
        origin: Origin::Simulated,
        started_at: "2026-08-07T10:00:00Z".to_owned(),
        started_host: HostNs(0),
        sensors,
        plan_sha256: None,
        plan_label: None,
        baselines: vec![],
        software: "test".to_owned(),
        library_sha256: String::new(),
    }
}

pub fn imu(device: u16) -> StreamId {
    StreamId {
        device: DeviceIndex(device),
        kind: StreamKind::Imu,
    }
}

pub const STRAP: StreamId = StreamId {
    device: DeviceIndex(SENSORS),
    kind: StreamKind::HeartRate,
};

/// The `i`-th sample of a stream: noise, as from a sensor.
pub fn sample(stream: StreamId, i: u64) -> Sample {
    let interval = if stream == STRAP { 10 } else { 1 } * 10_000_000;
    let mut values = [0.0_f32; 6];
    let mut state = (i << 8) | u64::from(stream.device.0);
    for value in &mut values[..stream.kind.channels()] {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        // A 16-bit sensor with a range of 16 g.
        *value = f32::from(((state >> 48) as u16).cast_signed()) / 32768.0 * 16.0 * 9.806_65;
    }
    Sample {
        stream,
        t: SessionNs(i.cast_signed() * interval + i64::from(stream.device.0)),
        values,
        quality: Quality((i % 64) as u8),
    }
}

pub fn batch(stream: StreamId, first: u64, count: u64) -> Batch {
    Batch {
        stream,
        first_sequence: first,
        samples: (first..first + count).map(|i| sample(stream, i)).collect(),
    }
}

/// The `index`-th window: 10 samples of every sensor, one heart rate.
pub fn window(index: u64, last: bool) -> Window {
    let mut batches: Vec<_> = (0..SENSORS)
        .map(|d| batch(imu(d), index * 10, 10))
        .collect();
    batches.push(batch(STRAP, index, 1));
    let refs = batches.iter().map(|b| BatchRef {
        stream: b.stream,
        first_sequence: b.first_sequence,
        count: b.samples.len() as u32,
    });
    Window {
        manifest: Manifest {
            index,
            end: SessionNs((index.cast_signed() + 1) * WINDOW_NS),
            commands: vec![],
            tech: vec![],
            batches: refs.collect(),
            last,
        },
        batches,
    }
}

pub fn numbered(events: Vec<Event>) -> Vec<Numbered> {
    (0..)
        .zip(events)
        .map(|(sequence, event)| Numbered {
            sequence,
            window: 1,
            event,
        })
        .collect()
}

pub fn live() -> Event {
    Event::Live(Live {
        t: SessionNs(0),
        heart: None,
        set: None,
        exercise: None,
        reps: 0,
        metric: None,
        limit: (None, None),
        trace: vec![],
        sensors: vec![],
    })
}

pub fn baseline(exercise: &str, side: TrainingSide, centre: f64) -> Event {
    Event::Baseline(Baseline {
        exercise: exercise.to_owned(),
        side,
        sensors: vec![Segment::ThighL, Segment::ShankL],
        load_kg: None,
        phase: None,
        accepted_by: "pt-1".to_owned(),
        session: "s1".to_owned(),
        session_started_at: "2026-01-05T09:00:00Z".to_owned(),
        accepted_at: SessionNs(60_000_000_000),
        reps: 5,
        rows: vec![BaselineRow {
            metric: Metric::KneeFlexion,
            feature: "max".to_owned(),
            centre,
            spread: 2.0,
            reps: 5,
        }],
    })
}

pub fn rep() -> Event {
    Event::Rep(Rep {
        set: 1,
        number: 2,
        stage: Stage::Final,
        start: SessionNs::from_seconds(1.0),
        turn: SessionNs::from_seconds(2.0),
        end: SessionNs::from_seconds(3.5),
        partial: false,
        phases: Some(Phases {
            eccentric_s: 1.0,
            pause_stretched_s: Some(0.0),
            concentric_s: 1.5,
            pause_shortened_s: Some(0.0),
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
                percent: 12.5,
                error_percent: 8.0,
            }),
        }),
        measurements: vec![
            Measurement {
                metric: Metric::KneeFlexion,
                measured: Measured::Value {
                    min: 1.0,
                    max: 71.25,
                    at_turn: 71.0,
                    at_start: 2.0,
                    error: 4.0,
                    range_error: None,
                    drifting: false,
                },
            },
            Measurement {
                metric: Metric::TrunkForwardTilt,
                measured: Measured::Missing { why: Missing::Gap },
            },
        ],
    })
}

pub fn finding() -> Event {
    Event::Finding(Finding {
        id: 1,
        t: SessionNs::from_seconds(3.5),
        set: 1,
        rep: Some(2),
        stage: Stage::Final,
        code: "LIMIT".to_owned(),
        kind: CheckKind::Limit,
        metric: Metric::KneeFlexion,
        verdict: Verdict::Outside,
        severity: Severity::Major,
        action: Action::Stop,
        value: Some(71.25),
        error: Some(4.0),
        min: None,
        max: Some(60.0),
        usual: None,
        guard: 5.0,
        source: Source::Plan,
        missing: None,
    })
}

pub fn closed(windows: u64) -> Event {
    Event::Closed {
        t: SessionNs(windows.cast_signed() * WINDOW_NS),
        windows,
    }
}

/// A store with one closed session of `count` windows.
pub fn stored(dir: &Path, session: &str, count: u64) -> Store {
    let mut store = Store::open(dir).unwrap();
    store.begin(&header(session, "c1"), Some("plan")).unwrap();
    let windows: Vec<_> = (0..count).map(|i| window(i, i + 1 == count)).collect();
    let events = numbered(vec![rep(), finding(), closed(count)]);
    store.append(&id(session), &windows, &events).unwrap();
    store.close(&id(session)).unwrap();
    store
}

pub fn expected(stream: StreamId, windows: u64) -> Vec<Sample> {
    let samples = if stream == STRAP {
        windows
    } else {
        windows * 10
    };
    (0..samples).map(|i| sample(stream, i)).collect()
}

pub fn all(store: &Store, session: &SessionId, stream: StreamId) -> Vec<Sample> {
    store.stream(session, stream, BEGINNING, END).unwrap()
}

/// Everything of `session` up to window `count` is there and nothing else.
pub fn assert_whole(store: &Store, session: &SessionId, count: u64) {
    let report = store.verify(session).unwrap();
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.windows, count);
    assert_eq!(report.samples, count * (u64::from(SENSORS) * 10 + 1));
    for stream in (0..SENSORS).map(imu).chain([STRAP]) {
        assert!(
            all(store, session, stream) == expected(stream, count),
            "{stream:?}"
        );
    }
}
