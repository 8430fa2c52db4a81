//! The program against a fake BlueZ on a private bus, in real time. Needs `dbus-daemon` and, for its page, Chromium.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

mod bench;
mod bluez;
#[path = "../page/browser.rs"]
#[allow(dead_code, reason = "other tests look at more")]
mod browser;
mod bus;
#[path = "../disk/mod.rs"]
mod disk;
mod doctor;
mod page;
mod peripheral;
mod person;
#[path = "../port/mod.rs"]
mod port;
mod program;
mod room;
mod scenario;
mod sensor;
mod tree;
mod world;

use bench::{Bench, worn};
use bluez::Bluez;
use program::Program;
use scenario::{EIGHT, LEG, LIKE};

#[test]
fn scan_lists_all() {
    scenario::scan_lists_all(&Bluez::with(EIGHT), EIGHT);
}

#[test]
fn commands_of_one_sensor() {
    scenario::commands_of_one_sensor(&Bluez::with(LEG));
}

#[test]
fn the_shaken_one_is_assigned() {
    scenario::the_shaken_one_is_assigned(&Bluez::with(LIKE));
}

#[test]
fn links_lost_in_a_set() {
    scenario::links_lost_in_a_set(&Bluez::with(LEG));
}

#[test]
fn a_set_waits_or_goes_without() {
    scenario::a_set_waits_or_goes_without(&Bluez::with(LEG));
}

#[test]
fn a_silent_sensor_is_tried_again() {
    scenario::a_silent_sensor_is_tried_again(&Bluez::with(LEG));
}

#[test]
fn the_service_is_killed() {
    scenario::the_service_is_killed(&Bluez::with(LEG));
}

#[test]
fn the_adapter_is_pulled() {
    scenario::the_adapter_is_pulled(&Bluez::with(LEG));
}

#[test]
fn eight_at_once() {
    scenario::eight_at_once(&Bluez::with(EIGHT));
}

/// Connections that fail or are refused are tried again.
#[test]
fn connections_that_fail_are_tried_again() {
    let (bluez, sensors) = (Bluez::with(LEG), worn(LEG));
    bluez.fail_connects(4);
    let mut recorder = Program::record(&bluez, &sensors);
    let started = recorder.wait_for_data(&bluez, &sensors, 60.0);
    println!("four failures: streaming after {started:.1} s");
    recorder.stop();
}

/// A connection that is never answered is given up, and made again.
#[test]
fn a_connection_that_hangs_is_given_up() {
    let (bluez, sensors) = (Bluez::with(LEG), worn(LEG));
    bluez.hang_connects(1);
    let mut recorder = Program::record(&bluez, &sensors);
    let started = recorder.wait_for_data(&bluez, &sensors, 120.0);
    println!("a hanging connection: streaming after {started:.1} s");
    recorder.stop();
}

/// A sensor that is out of reach for a while comes back into the same session.
#[test]
fn a_sensor_comes_back_into_reach() {
    let (bluez, sensors) = (Bluez::with(LEG), worn(LEG));
    let mut recorder = Program::record(&bluez, &sensors);
    recorder.wait_for_data(&bluez, &sensors, 60.0);
    bluez.reachable("thigh", false);
    bluez.drop_link("thigh");
    recorder.pause(12.0);
    bluez.reachable("thigh", true);
    let again = recorder.wait_for_data(&bluez, &sensors[1..2], 40.0);
    println!("in reach again: streaming after {again:.1} s");
    recorder.pause(2.0);
    let out = recorder.stop();
    assert_eq!(out.links("thigh", true).len(), 2, "{}", out.log);
    assert_eq!(out.links("shank", true).len(), 1, "{}", out.log);
}

/// Somebody switches the adapter off, and on again.
#[test]
fn the_adapter_is_switched_off_and_on() {
    let (bluez, sensors) = (Bluez::with(LEG), worn(LEG));
    let mut recorder = Program::record(&bluez, &sensors);
    recorder.wait_for_data(&bluez, &sensors, 60.0);
    bluez.power(false);
    recorder.pause(5.0);
    bluez.power(true);
    let again = recorder.wait_for_data(&bluez, &sensors, 60.0);
    println!("switched on again: streaming after {again:.1} s");
    recorder.pause(2.0);
    let out = recorder.stop();
    for sensor in &sensors {
        assert_eq!(out.links(&sensor.label, true).len(), 2, "{}", out.log);
    }
}

/// The service keeps the links of a program that is killed: the next one lets go of them and makes its own.
#[test]
fn links_of_a_program_that_was_killed_are_taken_over() {
    let (bluez, sensors) = (Bluez::with(LEG), worn(LEG));
    let mut killed = Program::record(&bluez, &sensors);
    killed.wait_for_data(&bluez, &sensors, 60.0);
    killed.kill();
    let mut recorder = Program::record(&bluez, &sensors);
    let started = recorder.wait_for_data(&bluez, &sensors, 60.0);
    println!("after a kill -9: streaming after {started:.1} s");
    recorder.pause(2.0);
    let out = recorder.stop();
    for sensor in &sensors {
        assert_eq!(bluez.links(&sensor.label), 2, "{}", out.log);
        assert_eq!(out.links(&sensor.label, true).len(), 1, "{}", out.log);
    }
}

/// The service hangs for longer than anybody waits, and keeps its links.
#[test]
fn a_service_that_hangs_and_goes_on() {
    let (bluez, sensors) = (Bluez::with(LEG), worn(LEG));
    let mut recorder = Program::record(&bluez, &sensors);
    recorder.wait_for_data(&bluez, &sensors, 60.0);
    bluez.freeze(15.0);
    recorder.pause(16.0);
    let again = recorder.wait("new links", 60.0, |_| {
        sensors.iter().all(|s| bluez.links(&s.label) >= 2)
    });
    recorder.wait_for_data(&bluez, &sensors, 20.0);
    println!("a service that hung: streaming again {again:.1} s after it went on");
    recorder.pause(2.0);
    let out = recorder.stop();
    for sensor in &sensors {
        // What waited in the service may come before the link is given up.
        let gaps = out.gaps(&sensor.label, 2.5);
        let silent_s: f64 = gaps.iter().map(|(_, length_s)| length_s).sum();
        let one = (1..=2).contains(&gaps.len()) && silent_s < 25.0;
        assert!(one, "{}: {gaps:?}\n{}", sensor.label, out.log);
    }
}

/// A service that stays away for two minutes: the program ends with a sentence, for the service manager to start it
/// again, and what it has recorded is whole.
#[test]
fn a_service_that_stays_away_ends_the_program() {
    let (mut bluez, sensors) = (Bluez::with(LEG), worn(LEG));
    let mut recorder = Program::record(&bluez, &sensors);
    recorder.wait_for_data(&bluez, &sensors, 60.0);
    bluez.quit();
    recorder.pause(100.0);
    let (out, code) = recorder.ends(60.0);
    assert_eq!(code, Some(1), "{}", out.log);
    let said = "the Bluetooth service does not come back";
    assert!(out.log.contains(said), "{}", out.log);
    assert!(!out.packets("thigh").is_empty());
}
