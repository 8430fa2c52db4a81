//! What is said while the set runs, and how soon after it happened.

use super::{
    body::Script,
    session::{Session, set},
};
use plimsoll::model::rep::Stage;

/// Windows so short that they add nothing to the delay, s.
const SHORT: &[f64] = &[0.01];

/// Delay of the first saying after each true instant, ms.
fn delays(said: &[f64], truth: &[f64]) -> Vec<f64> {
    truth
        .iter()
        .map(|t| {
            let first = said.iter().find(|s| **s >= *t).expect("said at all");
            1000.0 * (first - t)
        })
        .collect()
}

fn median(mut x: Vec<f64>) -> f64 {
    x.sort_by(f64::total_cmp);
    x[x.len() / 2]
}

/// Delays of the provisional repetitions.
fn turn_delays(script: &Script) -> Vec<f64> {
    let session = Session {
        windows_s: SHORT,
        ..Session::default()
    };
    let told = session.run(script);
    let said: Vec<f64> = told
        .at(Stage::Provisional)
        .iter()
        .map(|(t, _)| t.seconds())
        .collect();
    assert_eq!(said.len(), 8, "one provisional a repetition");
    delays(&said, &script.turns(0.5))
}

#[test]
fn a_turn_without_pause_is_said_within_tens_of_ms() {
    let delays = turn_delays(&set().swing(8, 1.2, 1.0).stay(2.0));
    let worst = delays.iter().copied().fold(0.0, f64::max);
    assert!(median(delays.clone()) <= 90.0, "{delays:?}");
    assert!(worst <= 100.0, "{delays:?}");
}

/// A person who begins to move after a pause moves by half a degree in the first tenth of a second.
#[test]
fn a_turn_after_a_pause_is_said_as_soon_as_it_shows() {
    let delays = turn_delays(&set().repeat(8, [1.2, 0.0, 1.0, 0.5], 1.0).stay(2.0));
    let worst = delays.iter().copied().fold(0.0, f64::max);
    assert!(worst <= 130.0, "{delays:?}");
}

#[test]
fn an_end_is_said_as_the_movement_slows_down() {
    let session = Session {
        windows_s: SHORT,
        ..Session::default()
    };
    let script = set().repeat(8, [1.4, 0.4, 1.2, 0.8], 1.0).stay(2.0);
    let told = session.run(&script);
    let confirmed = told.at(Stage::Confirmed);
    assert_eq!(confirmed.len(), 8);
    for (i, (t, _)) in confirmed.iter().enumerate() {
        let end = 7.0 + 3.8 * i as f64 + 3.0;
        let late = t.seconds() - end;
        assert!((-0.5..0.3).contains(&late), "{i}: {late}");
    }
}

#[test]
fn nothing_confirmed_goes_away_silently() {
    // Deep, then a stir that looks like a repetition and is none: what the final pass drops is taken back.
    let script = set()
        .repeat(4, [1.2, 0.2, 1.2, 0.5], 1.0)
        .stay(8.0)
        .repeat(1, [0.5, 0.0, 0.6, 0.2], 0.3)
        .stay(8.0)
        .repeat(4, [1.2, 0.2, 1.2, 0.5], 1.0)
        .stay(2.0);
    let told = Session::default().run(&script);
    let (confirmed, retracted) = (
        told.at(Stage::Confirmed).len(),
        told.at(Stage::Retracted).len(),
    );
    let finals = told.finals().len();
    assert!(
        confirmed - retracted <= finals,
        "{confirmed} {retracted} {finals}"
    );
    for (_, gone) in told.at(Stage::Retracted) {
        let was = told
            .at(Stage::Confirmed)
            .iter()
            .any(|(_, r)| r.turn == gone.turn);
        assert!(was, "only what was confirmed is taken back");
    }
    assert_eq!(told.live() as usize, finals);
}
