//! Tests of `payload`.

use super::*;
use crate::model::{
    body::Segment,
    command::{SetRole, StopReason},
    event::{Live, LiveHeart, LiveSensor},
    finding::{Action, Baseline, BaselineRow, CheckKind, Finding, Severity, Source, Verdict},
    metric::Metric,
    packet::DeviceIndex,
    plan::{RpeScale, TrainingSide},
    rep::{Loss, Measured, Measurement, Missing, Phases, Rep, Speed, SpeedUnit, Stage},
    room::Shortage,
    sample::{Quality, Sample, StreamId, StreamKind},
    session::{TechEvent, TechKind},
    time::SessionNs,
    window::{Batch, BatchRef, TimedCommand},
};
use crate::wire::recording::fixture;
use proptest::prelude::*;

fn finite() -> impl Strategy<Value = f64> {
    any::<u64>()
        .prop_map(f64::from_bits)
        .prop_filter("finite", |x| x.is_finite())
}

fn stream() -> impl Strategy<Value = StreamId> {
    (any::<u16>(), 0..StreamKind::ALL.len()).prop_map(|(device, kind)| StreamId {
        device: DeviceIndex(device),
        kind: StreamKind::ALL[kind],
    })
}

fn batch() -> impl Strategy<Value = Batch> {
    let row = (
        prop_oneof![0..2_000_000_000_i64, any::<i64>()],
        any::<[u32; 6]>(),
        any::<u8>(),
    );
    let rows = proptest::collection::vec(row, 1..40);
    (stream(), any::<u64>(), rows).prop_map(|(stream, first_sequence, rows)| Batch {
        stream,
        first_sequence,
        samples: rows
            .into_iter()
            .map(|(t, bits, quality)| {
                let mut values = bits.map(f32::from_bits);
                values[stream.kind.channels()..].fill(0.0);
                Sample {
                    stream,
                    t: SessionNs(t),
                    values,
                    quality: Quality(quality),
                }
            })
            .collect(),
    })
}

fn bits(batch: &Batch) -> Vec<(i64, [u32; 6], u8)> {
    batch
        .samples
        .iter()
        .map(|s| (s.t.0, s.values.map(f32::to_bits), s.quality.0))
        .collect()
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        Just(Command::Calibrate),
        (".{0,8}", proptest::option::of(finite())).prop_map(|(exercise, load_kg)| {
            Command::StartSet {
                exercise,
                side: TrainingSide::Left,
                role: SetRole::Baseline {
                    accepted_by: "pt".to_owned(),
                },
                load_kg,
            }
        }),
        Just(Command::EndSet {
            reason: StopReason::Trainer
        }),
        (finite(), any::<u8>(), ".{0,5}").prop_map(|(rpe, pain, symptom)| Command::Entry {
            rpe: Some((RpeScale::Borg6To20, rpe)),
            pain: Some(pain),
            symptoms: vec![symptom],
        }),
    ]
}

fn rep() -> impl Strategy<Value = Event> {
    (any::<[i64; 3]>(), proptest::array::uniform8(finite())).prop_map(|(t, x)| {
        Event::Rep(Rep {
            set: 1,
            number: 2,
            stage: Stage::Confirmed,
            start: SessionNs(t[0]),
            turn: SessionNs(t[1]),
            end: SessionNs(t[2]),
            partial: false,
            phases: Some(Phases {
                eccentric_s: x[0],
                pause_stretched_s: Some(x[1]),
                concentric_s: x[2],
                pause_shortened_s: Some(-0.0),
                threshold: 0.05,
                error_s: [0.1; 4],
            }),
            speed: Some(Speed {
                mean: 40.0,
                peak: None,
                error: 3.0,
                unit: SpeedUnit::DegreesPerSecond,
                segment: None,
                loss: Some(Loss {
                    percent: x[3],
                    error_percent: 8.0,
                }),
            }),
            measurements: vec![
                Measurement {
                    metric: Metric::KneeFlexion,
                    measured: Measured::Value {
                        min: x[4],
                        max: x[5],
                        at_turn: x[6],
                        at_start: x[7],
                        error: 5.0,
                        range_error: None,
                        drifting: false,
                    },
                },
                Measurement {
                    metric: Metric::HipFlexion,
                    measured: Measured::Missing { why: Missing::Gap },
                },
            ],
        })
    })
}

fn finding() -> impl Strategy<Value = Event> {
    (any::<u64>(), finite(), proptest::option::of(finite())).prop_map(|(id, x, y)| {
        Event::Finding(Finding {
            id,
            t: SessionNs(7),
            set: 1,
            rep: None,
            stage: Stage::Final,
            code: "LIMIT".to_owned(),
            kind: CheckKind::Limit,
            metric: Metric::ShankPeakAccel,
            verdict: Verdict::NotAssessed,
            severity: Severity::Major,
            action: Action::Stop,
            value: y,
            error: Some(x),
            min: None,
            max: Some(x),
            usual: None,
            guard: x,
            source: Source::Plan,
            missing: Some(Missing::Drifted),
        })
    })
}

fn live() -> impl Strategy<Value = Event> {
    (finite(), any::<i64>()).prop_map(|(x, t)| {
        Event::Live(Live {
            t: SessionNs(t),
            heart: Some(LiveHeart {
                bpm: x,
                age_s: x,
                stale: true,
            }),
            set: None,
            exercise: Some("squat".to_owned()),
            reps: 3,
            metric: Some(Metric::KneeFlexion),
            limit: (None, Some(x)),
            trace: vec![(SessionNs(t), Some(x)), (SessionNs(t), None)],
            sensors: vec![LiveSensor {
                device: DeviceIndex(1),
                segment: Segment::ThighR,
                age_s: Some(x),
                stale: false,
            }],
        })
    })
}

fn tech() -> impl Strategy<Value = TechEvent> {
    (stream(), finite(), any::<u64>()).prop_map(|(stream, x, n)| TechEvent {
        t: SessionNs(5),
        device: Some(stream.device),
        kind: if n % 2 == 0 {
            TechKind::SensorLost {
                stream,
                silent_s: x,
            }
        } else {
            TechKind::WindowLost { index: n }
        },
    })
}

fn numbered() -> impl Strategy<Value = Numbered> {
    let baseline = finite().prop_map(|x| {
        Event::Baseline(Baseline {
            side: crate::model::plan::TrainingSide::Left,
            exercise: "squat".to_owned(),
            sensors: vec![crate::model::body::Segment::ThighL],
            load_kg: Some(x),
            phase: Some("early".to_owned()),
            accepted_by: "pt".to_owned(),
            session: "s1".to_owned(),
            session_started_at: "2026-01-05T09:00:00Z".to_owned(),
            accepted_at: SessionNs(7),
            reps: 5,
            rows: vec![BaselineRow {
                metric: Metric::KneeFlexion,
                feature: "max".to_owned(),
                centre: x,
                spread: x,
                reps: 5,
            }],
        })
    });
    let entry = (any::<i64>(), command()).prop_map(|(t, entry)| Event::Entry {
        t: SessionNs(t),
        set: 2,
        entry,
    });
    let event = prop_oneof![
        rep(),
        finding(),
        live(),
        baseline,
        entry,
        tech().prop_map(Event::Tech)
    ];
    (any::<u64>(), any::<u64>(), event).prop_map(|(sequence, window, event)| Numbered {
        sequence,
        window,
        event,
    })
}

fn manifest() -> impl Strategy<Value = Manifest> {
    (any::<u64>(), any::<i64>(), command(), tech(), stream()).prop_map(
        |(index, end, command, tech, stream)| Manifest {
            index,
            end: SessionNs(end),
            commands: vec![TimedCommand {
                t: SessionNs(end),
                command,
            }],
            tech: vec![tech],
            batches: vec![BatchRef {
                stream,
                first_sequence: index,
                count: 9,
            }],
            last: true,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn batches_round_trip_bit_for_bit(batch in batch()) {
        let back = decode_batch(&encode_batch(&batch).unwrap()).unwrap();
        prop_assert_eq!((back.stream, back.first_sequence), (batch.stream, batch.first_sequence));
        prop_assert_eq!(bits(&back), bits(&batch));
    }

    #[test]
    fn a_damaged_batch_gives_a_value_or_an_error(batch in batch(), at: usize, bit in 0..8, cut: usize) {
        let mut bytes = encode_batch(&batch).unwrap();
        let len = bytes.len();
        prop_assert!(decode_batch(&bytes[..cut % len]).is_err());
        bytes[at % len] ^= 1_u8 << bit;
        let _ = decode_batch(&bytes);
    }

    #[test]
    fn any_bytes_give_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_batch(&bytes);
        let _ = decode_event(&bytes);
        let _ = decode_manifest(&bytes);
    }

    #[test]
    fn events_round_trip(event in numbered()) {
        let bytes = encode_event(&event).unwrap();
        let back = decode_event(&bytes).unwrap();
        prop_assert_eq!(&back, &event);
        prop_assert_eq!(encode_event(&back).unwrap(), bytes);
    }

    #[test]
    fn manifests_round_trip(manifest in manifest()) {
        let bytes = encode_manifest(&manifest).unwrap();
        prop_assert_eq!(decode_manifest(&bytes).unwrap(), manifest);
    }

    #[test]
    fn commands_round_trip(command in command()) {
        let order = Order { id: "7".to_owned(), command };
        let bytes = encode_order(&order).unwrap();
        prop_assert_eq!(decode_order(&bytes).unwrap(), order);
    }

    #[test]
    fn events_text_is_a_line_an_event_without_the_live_ones(events in proptest::collection::vec(numbered(), 0..8)) {
        let kept: Vec<_> = events.iter().filter(|e| !matches!(e.event, Event::Live(_))).cloned().collect();
        let text = events_text(&events).unwrap();
        let back: Vec<Numbered> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        prop_assert_eq!(back, kept);
    }
}

#[test]
fn announcements_and_acks_round_trip() {
    let announcement = Announcement {
        header: fixture::header(),
        plan_text: Some(fixture::PLAN.to_owned()),
    };
    let bytes = encode_announcement(&announcement).unwrap();
    assert_eq!(decode_announcement(&bytes).unwrap(), announcement);
    let bytes = encode_ack(&Ack {
        windows: u64::MAX,
        events: 7,
        closed: true,
        run: 3,
        short: None,
        awaits_last: false,
        refused: None,
    })
    .unwrap();
    assert_eq!(
        bytes,
        br#"{"v":1,"body":{"windows":18446744073709551615,"events":7,"closed":true,"run":3}}"#
    );
    assert_eq!(
        decode_ack(&bytes).unwrap(),
        Ack {
            windows: u64::MAX,
            events: 7,
            closed: true,
            run: 3,
            short: None,
            awaits_last: false,
            refused: None,
        }
    );
}

#[test]
fn an_ack_says_that_its_disk_is_short_of_room() {
    let ack = Ack {
        windows: 1,
        events: 0,
        closed: false,
        run: 3,
        short: Some(Shortage {
            free_mb: 120,
            reserve_mb: 500,
        }),
        awaits_last: true,
        refused: None,
    };
    let bytes = encode_ack(&ack).unwrap();
    assert_eq!(decode_ack(&bytes).unwrap(), ack);
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.contains(r#""short":{"free_mb":120,"reserve_mb":500}"#),
        "{text}"
    );
}

#[test]
fn other_versions_are_named() {
    assert_eq!(
        decode_ack(br#"{"v":2,"body":"different"}"#),
        Err(PayloadError::Version(2))
    );
    let nested = "[".repeat(100_000);
    assert!(matches!(
        decode_ack(nested.as_bytes()),
        Err(PayloadError::Json(_))
    ));
}

#[test]
fn a_number_that_is_not_finite_does_not_pass_for_one() {
    let mut event = Numbered {
        sequence: 0,
        window: 0,
        event: Event::Tech(TechEvent {
            t: SessionNs(0),
            device: None,
            kind: TechKind::ClockReset { step_s: f64::NAN },
        }),
    };
    assert!(decode_event(&encode_event(&event).unwrap()).is_err());
    event.event = Event::Tech(TechEvent {
        t: SessionNs(0),
        device: None,
        kind: TechKind::ClockReset { step_s: 1.0 },
    });
    assert!(decode_event(&encode_event(&event).unwrap()).is_ok());
}

/// 100 ms of a 100-Hz IMU.
#[test]
fn a_sample_costs_at_most_38_bytes() {
    let stream = StreamId {
        device: DeviceIndex(1),
        kind: StreamKind::Imu,
    };
    let sample = |i: i64| Sample {
        stream,
        t: SessionNs(10_000_000 * i),
        values: [1.0; 6],
        quality: Quality::GOOD,
    };
    let batch = |n| Batch {
        stream,
        first_sequence: 123_456,
        samples: (0..n).map(sample).collect(),
    };
    let size = |n| encode_batch(&batch(n)).unwrap().len();
    println!("{} bytes for 10, {} for 50", size(10), size(50));
    assert!(size(10) <= 380, "{}", size(10));
    assert!(size(50) <= 50 * 31, "{}", size(50));
}

#[test]
fn a_batch_without_samples_is_refused() {
    let empty = Batch {
        stream: StreamId {
            device: DeviceIndex(0),
            kind: StreamKind::Rr,
        },
        first_sequence: 0,
        samples: vec![],
    };
    assert_eq!(encode_batch(&empty), Err(PayloadError::Empty));
}

/// A map that promises more than it holds costs nothing.
#[test]
fn promises_of_length_are_not_believed() {
    for bytes in [
        &b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff"[..],
        b"\xa1\x61x\xd8\x55\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xbf\xff",
        b"\xa1\x61z\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        assert!(decode_batch(bytes).is_err());
    }
}
