//! What has to hold on every bench. Prints the times that it measures.

use super::{
    bench::{Bench, Worn, worn},
    program::{Outcome, Program},
};
use plimsoll::model::{event::Event, packet::DeviceIndex, rep::Stage, session::TechKind};
use serde_json::Value;
use std::{process::Command as Process, time::Instant};

/// Strap, and two families on one leg.
pub const LEG: &str = "strap,wit:thigh,movesense:shank";
/// Sensors that look the same.
pub const LIKE: &str = "wit*3";
/// Eight sensors.
pub const EIGHT: &str = "strap,wit*4,movesense*3";

/// Until every sensor of a set streams: some seconds of scanning, then one connection after the other.
const START_S: f64 = 60.0;
/// A lost link streams again within this.
const AGAIN_S: f64 = 10.0;

/// What a command says, a JSON object a line.
fn says(bench: &dyn Bench, command: &[&str]) -> Vec<Value> {
    let run = Process::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(command)
        .env("DBUS_SYSTEM_BUS_ADDRESS", bench.address())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&run.stdout);
    let err = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{command:?}: {out}{err}");
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// `scan` finds every sensor, its name, and the driver that would take it.
pub fn scan_lists_all(bench: &dyn Bench, set: &str) {
    let found = says(bench, &["scan", "--seconds", "5", "--json"]);
    for sensor in worn(set) {
        let one = found.iter().find(|f| f["address"] == sensor.address());
        let one = one.unwrap_or_else(|| panic!("no {} in {found:?}", sensor.label));
        assert_eq!(one["driver"], sensor.driver, "{one}");
        assert_eq!(one["name"], sensor.name(), "{one}");
        assert!(one["rssi_dbm"].as_i64().is_some_and(|r| r < 0), "{one}");
    }
}

/// `scan` asks for batteries, `inspect` shows what a sensor measures.
pub fn commands_of_one_sensor(bench: &dyn Bench) {
    let sensors = worn(LEG);
    let found = says(bench, &["scan", "--seconds", "3", "--battery", "--json"]);
    for (sensor, percent) in [(&sensors[0], 87), (&sensors[2], 73)] {
        let one = found.iter().find(|f| f["address"] == sensor.address());
        assert_eq!(one.unwrap()["battery_percent"], percent, "{found:?}");
    }
    for sensor in &sensors {
        let said = says(bench, &["inspect", &sensor.address(), "--seconds", "4"]);
        let newest = |what: &str| {
            let lines = said.iter().rev().find(|l| l["measurand"] == what);
            lines.unwrap_or_else(|| panic!("no {what} of {}: {said:?}", sensor.label))
        };
        if sensor.driver == "heart_rate" {
            assert_eq!(newest("heart_rate")["value"]["bpm"], 120);
            continue;
        }
        let acceleration = &newest("acceleration")["value"]["m_s2"];
        let up = acceleration[1].as_f64().unwrap();
        assert!((up - 9.8).abs() < 0.2, "{acceleration}");
        let age_s = newest("angular_rate")["age_s"].as_f64().unwrap();
        assert!(age_s < 0.5, "{age_s}");
    }
}

/// Of several like sensors the one that is shaken is worn where the trainer says.
pub fn the_shaken_one_is_assigned(bench: &dyn Bench) {
    bench.shake("wit2", 60.0);
    let run = Process::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["assign", "shank_l", "--confirmed-by", "bench"])
        .env("DBUS_SYSTEM_BUS_ADDRESS", bench.address())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&run.stdout);
    let err = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{out}{err}");
    let chosen = &worn(LIKE)[1];
    assert!(out.contains(&chosen.address()), "{out}{err}");
    assert!(out.contains("shank_l"), "{out}");
}

/// A sensor in mid-set loses its link three times: one session, three gaps, streaming again in time, and the
/// repetitions go on. The daemon does all of it: reads, publishes, stores, counts.
pub fn links_lost_in_a_set(bench: &dyn Bench) {
    let sensors = worn(LEG);
    let mut daemon = Program::run(bench, &sensors);
    let started = daemon.wait_for_data(bench, &sensors, START_S);
    println!("streaming after {started:.1} s");
    daemon.pause(2.0);
    daemon.tell(&["calibrate"]);
    daemon.pause(5.0);
    daemon.tell(&["start-set", "--exercise", "squat", "--side", "both"]);
    daemon.pause(1.0);
    let squats = Instant::now();
    bench.squat();
    for lost in [Bench::drop_link, Bench::lose_link, Bench::drop_link] {
        daemon.pause(7.0);
        lost(bench, "thigh");
        let again = daemon.wait_for_data(bench, &sensors[1..2], AGAIN_S);
        println!("link lost: sends again after {again:.2} s");
    }
    daemon.pause(7.0);
    bench.stand();
    let reps = (squats.elapsed().as_secs_f64() / 3.0).ceil() as usize;
    daemon.pause(5.0);
    daemon.tell(&["end-set"]);
    daemon.pause(1.0);
    let out = daemon.stop();
    println!("stopped after {:.1} s", out.stopping_s);
    judge_lost_links(&out, &sensors);
    judge_repetitions(&out, reps);
}

/// No set begins before every sensor is ready; the trainer goes on without one, and the set is counted without it.
pub fn a_set_waits_or_goes_without(bench: &dyn Bench) {
    let sensors = worn(LEG);
    bench.stall("shank", true);
    let mut daemon = Program::run(bench, &sensors);
    daemon.wait_for_data(bench, &sensors[..2], START_S);
    daemon.pause(1.0);
    let start = ["start-set", "--exercise", "squat", "--side", "both"];
    let refused = daemon.ask(&start).unwrap_err();
    assert!(refused.contains("not every sensor is ready"), "{refused}");
    assert!(refused.contains("shank"), "{refused}");
    let told = daemon.ask(&["sensors"]).unwrap();
    assert_eq!(told.matches("  ready").count(), 2, "{told}");
    let stranger = daemon.ask(&["go-without", "hip", "--accepted-by", "bench"]);
    assert!(
        stranger.unwrap_err().contains("no sensor"),
        "only known ones"
    );
    daemon.tell(&["go-without", "shank", "--accepted-by", "bench"]);
    daemon.pause(1.0);
    let told = daemon.ask(&["sensors"]).unwrap();
    assert!(told.contains("goes on without it"), "{told}");
    daemon.tell(&["calibrate"]);
    daemon.pause(5.0);
    daemon.tell(&start);
    daemon.pause(1.0);
    bench.squat();
    daemon.pause(16.0);
    bench.stand();
    daemon.pause(5.0);
    daemon.tell(&["end-set"]);
    daemon.pause(1.0);
    let out = daemon.stop();
    let left = out.events.iter().any(|e| match e {
        Event::Tech(t) => {
            matches!(&t.kind, TechKind::WentWithout { accepted_by, .. } if accepted_by == "bench")
        }
        _ => false,
    });
    assert!(left, "it is in the record");
    let reps = out
        .events
        .iter()
        .filter(|e| matches!(e, Event::Rep(r) if r.stage == Stage::Final));
    assert!(reps.count() >= 5, "the thigh alone shows them");
}

fn judge_lost_links(out: &Outcome, sensors: &[Worn]) {
    assert_eq!(out.links("thigh", true).len(), 4, "{}", out.log);
    let gaps = out.gaps("thigh", 0.5);
    assert_eq!(gaps.len(), 3, "{gaps:?}");
    for (_, gap) in &gaps {
        println!("gap of {gap:.2} s");
        assert!(*gap <= AGAIN_S, "{gap}");
    }
    for label in ["strap", "shank"] {
        assert_eq!(out.links(label, true).len(), 1, "{label}");
        let gaps = out.gaps(label, 2.5);
        assert!(gaps.is_empty(), "{label}: {gaps:?}");
    }
    for sensor in sensors {
        let (count, missing) = (out.packets(&sensor.label).len(), out.missing(sensor));
        println!("{}: {count} packets, {missing} missing", sensor.label);
        // What was on its way when a link broke is lost with it.
        let excused = if sensor.label == "thigh" { 9 } else { 0 };
        assert!(missing <= excused, "{}: {missing} missing", sensor.label);
    }
}

/// The store has the gaps and the repetitions, those after the last gap, too.
fn judge_repetitions(out: &Outcome, expected: usize) {
    let tech = out.events.iter().filter_map(|e| match e {
        Event::Tech(tech) if tech.device == Some(DeviceIndex(1)) => Some(&tech.kind),
        _ => None,
    });
    let (mut down, mut back) = (0, 0);
    for kind in tech {
        down += usize::from(matches!(kind, TechKind::LinkDown { .. }));
        back += usize::from(matches!(kind, TechKind::SensorBack { .. }));
    }
    assert_eq!((down, back), (3, 3), "gaps that the store has");
    let reps: Vec<_> = out
        .events
        .iter()
        .filter_map(|e| match e {
            Event::Rep(rep) if rep.stage == Stage::Final => Some(rep),
            _ => None,
        })
        .collect();
    println!("{} of {expected} repetitions", reps.len());
    assert!(
        reps.len().abs_diff(expected) <= 1,
        "{} of {expected}",
        reps.len()
    );
    let (begin, length_s) = out.gaps("thigh", 0.5)[2];
    let gap_ends = begin.0 + (length_s * 1e9) as i64 - out.header.started_host.0;
    let last = reps.last().map(|rep| rep.start.0);
    assert!(last > Some(gap_ends), "no repetition after the last gap");
}

/// A sensor that takes the connection and sends nothing is said to do so, tried again, and used once it sends.
pub fn a_silent_sensor_is_tried_again(bench: &dyn Bench) {
    let sensors = worn(LEG);
    bench.stall("shank", true);
    let mut daemon = Program::run(bench, &sensors);
    let others = &sensors[..2];
    let started = daemon.wait_for_data(bench, others, START_S);
    println!("the others stream after {started:.1} s");
    let retried = daemon.wait("a second try", 120.0, |_| bench.links("shank") >= 2);
    println!("tried again after {retried:.1} s");
    bench.stall("shank", false);
    let sends = daemon.wait_for_data(bench, &sensors[2..], 60.0);
    println!("sends {sends:.1} s after it can");
    daemon.pause(2.0);
    let out = daemon.stop();
    assert!(!out.packets("shank").is_empty());
    assert!(
        out.log.contains("shank"),
        "nothing is said of the shank: {}",
        out.log
    );
    assert!(!out.links("shank", false).is_empty(), "{}", out.log);
}

/// bluetoothd dies and comes back: everything streams again, in the same session.
pub fn the_service_is_killed(bench: &dyn Bench) {
    let sensors = worn(LEG);
    let mut daemon = Program::run(bench, &sensors);
    daemon.wait_for_data(bench, &sensors, START_S);
    daemon.pause(3.0);
    bench.kill_service();
    let killed = Instant::now();
    // The old links live on for a moment, and data with them.
    daemon.wait("new links", 60.0, |_| {
        sensors.iter().all(|s| bench.links(&s.label) >= 2)
    });
    daemon.wait_for_data(bench, &sensors, 60.0);
    let again = killed.elapsed().as_secs_f64();
    println!("bluetoothd killed: streaming again after {again:.1} s");
    daemon.pause(3.0);
    let out = daemon.stop();
    for sensor in &sensors {
        let gaps = out.gaps(&sensor.label, 2.5);
        assert_eq!(gaps.len(), 1, "{}: {gaps:?}\n{}", sensor.label, out.log);
        assert_eq!(out.links(&sensor.label, true).len(), 2, "{}", sensor.label);
    }
}

/// The adapter is pulled out and put back.
pub fn the_adapter_is_pulled(bench: &dyn Bench) {
    let sensors = worn(LEG);
    let mut daemon = Program::run(bench, &sensors);
    daemon.wait_for_data(bench, &sensors, START_S);
    bench.unplug();
    daemon.pause(5.0);
    bench.plug();
    let again = daemon.wait_for_data(bench, &sensors, 60.0);
    println!("adapter back: streaming again after {again:.1} s");
    daemon.pause(2.0);
    let out = daemon.stop();
    for sensor in &sensors {
        assert_eq!(out.links(&sensor.label, true).len(), 2, "{}", sensor.label);
    }
}

/// Eight sensors at once through the whole daemon: all stream, nothing of them is lost.
pub fn eight_at_once(bench: &dyn Bench) {
    let sensors = worn(EIGHT);
    let mut daemon = Program::run(bench, &sensors);
    let started = daemon.wait_for_data(bench, &sensors, 2.0 * START_S);
    println!("eight sensors stream after {started:.1} s");
    daemon.pause(20.0);
    let out = daemon.stop();
    for sensor in &sensors {
        let (count, missing) = (out.packets(&sensor.label).len(), out.missing(sensor));
        println!("{}: {count} packets, {missing} missing", sensor.label);
        assert_eq!(missing, 0, "{}", sensor.label);
        assert!(count >= 15, "{}: {count}", sensor.label);
        assert_eq!(out.links(&sensor.label, true).len(), 1, "{}", sensor.label);
    }
    assert!(!out.events.is_empty(), "nothing of it is in the store");
}
