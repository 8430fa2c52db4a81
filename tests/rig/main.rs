//! The program against real bluetoothd, on a machine of the bench (see `run` beside this file).
//!
//! Each test runs twice: outside it starts the bench with this very program, inside it does what it is named after.
//! Where the bench cannot be built that is a failure if CI is set, and said otherwise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

#[path = "../ble/bench.rs"]
mod bench;
mod guest;
#[path = "../port/mod.rs"]
mod port;
#[path = "../ble/program.rs"]
#[allow(dead_code, reason = "the page is looked at on the other bench")]
mod program;
#[path = "../ble/scenario.rs"]
mod scenario;

use guest::in_guest;
use scenario::{EIGHT, LEG, LIKE};

#[test]
fn scan_lists_all() {
    in_guest("scan_lists_all", EIGHT, |bench| {
        scenario::scan_lists_all(bench, EIGHT);
    });
}

#[test]
fn commands_of_one_sensor() {
    in_guest("commands_of_one_sensor", LEG, |bench| {
        scenario::commands_of_one_sensor(bench);
    });
}

#[test]
fn the_shaken_one_is_assigned() {
    in_guest("the_shaken_one_is_assigned", LIKE, |bench| {
        scenario::the_shaken_one_is_assigned(bench);
    });
}

#[test]
fn links_lost_in_a_set() {
    in_guest("links_lost_in_a_set", LEG, |bench| {
        scenario::links_lost_in_a_set(bench);
    });
}

#[test]
fn a_set_waits_or_goes_without() {
    in_guest("a_set_waits_or_goes_without", LEG, |bench| {
        scenario::a_set_waits_or_goes_without(bench);
    });
}

#[test]
fn a_silent_sensor_is_tried_again() {
    in_guest("a_silent_sensor_is_tried_again", LEG, |bench| {
        scenario::a_silent_sensor_is_tried_again(bench);
    });
}

#[test]
fn the_service_is_killed() {
    in_guest("the_service_is_killed", LEG, |bench| {
        scenario::the_service_is_killed(bench);
    });
}

#[test]
fn the_adapter_is_pulled() {
    in_guest("the_adapter_is_pulled", LEG, |bench| {
        scenario::the_adapter_is_pulled(bench);
    });
}

#[test]
fn eight_at_once() {
    in_guest("eight_at_once", EIGHT, |bench| {
        scenario::eight_at_once(bench);
    });
}
