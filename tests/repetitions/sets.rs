//! The kinds of sets that must be counted.

use super::{
    body::{Body, Script, V, Watch},
    session::{LEAD_S, Session, set},
};
use plimsoll::model::sample::Sample;

const TEMPO: [f64; 4] = [1.4, 0.4, 1.2, 0.8];

fn squats(n: usize) -> Script {
    set().repeat(n, TEMPO, 1.0).stay(2.0)
}

fn counts(script: &Script) -> (usize, u32) {
    Session::default().run(script).counts()
}

#[test]
fn a_slow_way_down_is_one_repetition() {
    assert_eq!(
        counts(&set().repeat(5, [6.0, 0.0, 1.5, 0.5], 1.0).stay(2.0)),
        (5, 5)
    );
}

#[test]
fn pauses_at_either_end_change_nothing() {
    assert_eq!(
        counts(&set().repeat(5, [1.2, 3.0, 1.2, 3.0], 1.0).stay(2.0)),
        (5, 5)
    );
}

#[test]
fn a_hold_of_five_seconds_is_part_of_its_repetition() {
    let told = Session::default().run(&set().repeat(4, [1.5, 5.0, 1.5, 1.0], 1.0).stay(2.0));
    assert_eq!(told.counts(), (4, 4));
    for rep in told.finals() {
        let seconds = rep.end.seconds() - rep.start.seconds();
        assert!((seconds - 8.0).abs() < 0.3, "{seconds}");
    }
}

#[test]
fn fast_repetitions_are_counted() {
    assert_eq!(
        counts(&set().repeat(12, [0.45, 0.0, 0.4, 0.05], 1.0).stay(2.0)),
        (12, 12)
    );
}

#[test]
fn partial_repetitions_are_counted_and_marked() {
    let script = set()
        .repeat(3, TEMPO, 1.0)
        .repeat(2, TEMPO, 0.4)
        .repeat(3, TEMPO, 1.0)
        .stay(2.0);
    let told = Session::default().run(&script);
    assert_eq!(told.counts(), (8, 8));
    let partial: Vec<u32> = told
        .finals()
        .iter()
        .filter(|r| r.partial)
        .map(|r| r.number)
        .collect();
    assert_eq!(partial, [4, 5]);
}

#[test]
fn a_warm_up_of_small_repetitions_stands_apart() {
    let script = set()
        .repeat(4, TEMPO, 0.3)
        .stay(15.0)
        .repeat(6, TEMPO, 1.0)
        .stay(2.0);
    let told = Session::default().run(&script);
    assert_eq!(told.counts(), (10, 10));
    let partial: Vec<bool> = told.finals().iter().map(|r| r.partial).collect();
    assert_eq!(partial, [[true; 4].as_slice(), &[false; 6]].concat());
}

#[test]
fn an_accelerometer_alone_counts() {
    for (body, exercise) in [
        (Body::Leg, "squat"),
        (Body::Curl, "biceps_curl"),
        (Body::Press, "bench_press"),
    ] {
        let session = Session {
            exercise,
            body,
            watch: Watch {
                gyroscope: false,
                rate_hz: 50.0,
                ..Watch::default()
            },
            ..Session::default()
        };
        assert_eq!(session.run(&squats(6)).counts(), (6, 6), "{exercise}");
    }
}

#[test]
fn every_rate_counts() {
    for rate_hz in [12.5, 25.0, 52.0, 104.0, 286.0] {
        for (body, exercise) in [
            (Body::Leg, "squat"),
            (Body::Curl, "biceps_curl"),
            (Body::Press, "overhead_press"),
        ] {
            let session = Session {
                exercise,
                body,
                watch: Watch {
                    rate_hz,
                    ..Watch::default()
                },
                ..Session::default()
            };
            let counts = session.run(&squats(6)).counts();
            assert_eq!(counts, (6, 6), "{exercise} at {rate_hz} Hz");
        }
    }
}

#[test]
fn without_an_exercise_what_repeats_is_counted() {
    for body in [Body::Leg, Body::Curl, Body::Press] {
        let session = Session {
            exercise: "none",
            body,
            ..Session::default()
        };
        assert_eq!(session.run(&squats(6)).counts(), (6, 6), "{body:?}");
    }
}

/// Samples outside `[from, to)`, of the devices in question.
fn without(samples: Vec<Sample>, from: f64, to: f64, device: Option<u16>) -> Vec<Sample> {
    let lost = |s: &Sample| {
        (from..to).contains(&s.t.seconds()) && device.is_none_or(|d| s.stream.device.0 == d)
    };
    samples.into_iter().filter(|s| !lost(s)).collect()
}

#[test]
fn a_silence_of_one_sensor_costs_no_repetition() {
    let script = squats(8);
    let session = Session::default();
    let from = LEAD_S + 2.0 * 3.8 + 1.0;
    let kept = without(
        session.watch.samples(session.body, &script),
        from,
        from + 2.5,
        Some(0),
    );
    assert_eq!(session.told(&kept, script.seconds()).counts(), (8, 8));
}

#[test]
fn a_silence_of_all_sensors_costs_no_more_than_what_it_hid() {
    let script = squats(8);
    for into in [0.2, 1.0, 2.0, 3.1] {
        let session = Session::default();
        let from = 2.0 * 3.8 + into;
        let to = from + 2.5;
        let samples = session.watch.samples(session.body, &script);
        let kept = without(samples, LEAD_S + from, LEAD_S + to, None);
        let hidden = (0..8)
            .map(|k| 3.8 * f64::from(k))
            .filter(|begin| *begin < to && begin + 3.0 > from)
            .count();
        let (last, live) = session.told(&kept, script.seconds()).counts();
        let allowed = 8 - hidden..=8;
        assert!(allowed.contains(&last), "{last} after a gap at {into}");
        assert!(
            allowed.contains(&(live as usize)),
            "{live} after a gap at {into}"
        );
    }
}

#[test]
fn a_sensor_that_drifts_counts() {
    let session = Session {
        watch: Watch {
            bias: V::new(0.02, -0.03, 0.02),
            ..Watch::default()
        },
        ..Session::default()
    };
    assert_eq!(session.run(&squats(8)).counts(), (8, 8));
}
