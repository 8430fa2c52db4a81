//! Simulated phones with Sensor Logger against the program, over HTTP and over a real Mosquitto. No real phone was met.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

mod daemon;
#[path = "../ble/person.rs"]
mod person;
mod phone;
#[path = "../port/mod.rs"]
mod port;

use daemon::{Daemon, mosquitto, post, program};
use phone::{Phone, Way};
use plimsoll::model::{event::Event, rep::Stage, sample::StreamKind, session::TechKind};

/// A set of squats with two phones, whose messages come twice, and in the wrong order, now and then.
fn a_set_over(way: impl Fn(&Daemon) -> Way, broker: Option<u16>) {
    let mut daemon = Daemon::run(broker);
    let phones = ["thigh", "shank"].map(|place| Phone::start(place, way(&daemon)));
    daemon.wait("both are ready", |d| {
        d.ask(&["sensors"])
            .is_ok_and(|s| s.matches("  ready").count() == 2)
    });
    daemon.pause(1.0);
    daemon.tell(&["calibrate"]);
    daemon.pause(5.0);
    daemon.tell(&["start-set", "--exercise", "squat", "--side", "right"]);
    daemon.pause(1.0);
    for phone in &phones {
        phone.squat(5);
    }
    daemon.pause(18.0);
    daemon.tell(&["end-set"]);
    daemon.pause(0.5);
    let sent: Vec<u64> = phones.into_iter().map(Phone::stop).collect();
    // Before they count as lost.
    daemon.pause(0.2);
    let out = daemon.stop();
    let reps = out
        .events
        .iter()
        .filter(|e| matches!(e, Event::Rep(r) if r.stage == Stage::Final));
    assert_eq!(reps.count(), 5, "{}", out.log);
    for (device, sent) in sent.into_iter().enumerate() {
        // A sample of each of acceleration and angular rate makes one of both.
        assert_eq!(out.samples(device, StreamKind::Imu), sent, "phone {device}");
    }
    let bad: Vec<&Event> = out
        .events
        .iter()
        .filter(|e| match e {
            Event::Tech(tech) => matches!(
                tech.kind,
                TechKind::SensorLost { .. }
                    | TechKind::Undecodable { .. }
                    | TechKind::PacketsLost { .. }
            ),
            _ => false,
        })
        .collect();
    assert!(bad.is_empty(), "{bad:?}");
}

/// No Bluetooth is needed: there is no system bus at all.
#[test]
fn a_set_over_http() {
    a_set_over(|d| Way::Http(d.http), None);
}

#[test]
fn a_set_over_mqtt() {
    let (_broker, port) = mosquitto();
    a_set_over(|_| Way::Mqtt(port), Some(port));
}

#[test]
fn a_phone_that_falls_silent_is_said_and_comes_back_into_the_session() {
    let mut daemon = Daemon::run(None);
    let ready = |d: &Daemon, n| {
        d.ask(&["sensors"])
            .is_ok_and(|s| s.matches("  ready").count() == n)
    };
    let start = ["start-set", "--exercise", "squat", "--side", "right"];
    let phones = ["thigh", "shank"].map(|place| Phone::start(place, Way::Http(daemon.http)));
    daemon.wait("both are ready", |d| ready(d, 2));
    phones[1].silent(true);
    daemon.wait("one is not", |d| ready(d, 1));
    let said = daemon.ask(&["sensors"]).unwrap();
    assert!(
        said.contains("nothing came from the phone for 5 s"),
        "{said}"
    );
    let refused = daemon.ask(&start).unwrap_err();
    assert!(
        refused.contains("not every sensor is ready (shank"),
        "{refused}"
    );
    phones[1].silent(false);
    daemon.wait("it is again", |d| ready(d, 2));
    daemon.pause(1.0);
    drop(phones);
    let out = daemon.stop();
    assert_eq!(out.links(1), ["up", "down", "up", "closed"], "{}", out.log);
    assert_eq!(out.links(0), ["up", "closed"], "{}", out.log);
}

#[test]
fn what_is_not_taken_is_answered_with_the_reason() {
    let daemon = Daemon::run(None);
    let http = daemon.http;
    let message =
        |id: &str| format!(r#"{{"messageId":1,"sessionId":"s","deviceId":"{id}","payload":[]}}"#);
    let (status, said) = post(http, "", &message("stranger"));
    assert_eq!(status, 499);
    assert!(
        said.contains("stranger") && said.contains("thigh-id, shank-id"),
        "{said}"
    );
    for wrong in ["", "{", "[1]", r#"{"deviceId":"thigh-id"}"#, "\u{0}\u{1}"] {
        let (status, said) = post(http, "", wrong);
        assert_eq!(status, 400, "{wrong}: {said}");
        assert!(
            said.contains("expected a JSON object with messageId"),
            "{said}"
        );
    }
    let (status, said) = post(http, "", &" ".repeat((1 << 20) + 1));
    assert_eq!(status, 413);
    assert!(said.contains("push more often"), "{said}");
    // Another site in a browser of the same machine.
    let (status, _) = post(
        http,
        "Origin: http://evil.example\r\n",
        &message("thigh-id"),
    );
    assert_eq!(status, 403);
    // A name that the machine has in the network is fine for a phone, and not for a page.
    let (status, _) = post(http, "X-Was: here\r\n", &message("thigh-id"));
    assert_eq!(status, 200);
    drop(daemon);
    let nobody = Daemon::without_sensors();
    let (status, said) = post(nobody.http, "", &message("thigh-id"));
    assert_eq!(status, 499);
    assert!(said.contains("no session with phones is running"), "{said}");
}

#[test]
fn record_takes_phones_without_pages_and_broker() {
    let recording = daemon::Recording::start(4.0);
    let phone = Phone::start("thigh", Way::Http(recording.http));
    let items = recording.end();
    let sent = phone.stop();
    assert!(
        sent > 100 && items > 20,
        "{sent} samples in {items} messages"
    );
}

#[test]
fn the_other_commands_say_what_a_phone_is() {
    let folder = tempfile::tempdir().unwrap();
    let config = |listen: &str| {
        let path = folder.path().join("plimsoll.toml");
        std::fs::write(
            &path,
            daemon::configuration(folder.path(), listen, 0, None, true),
        )
        .unwrap();
        path
    };
    let loopback = config("127.0.0.1:0");
    let out = program()
        .arg("doctor")
        .arg("--config")
        .arg(&loopback)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(
        said.contains("Phones: 2 configured, and none can reach"),
        "{said}"
    );
    assert!(!said.contains("Bluetooth"), "{said}");
    let open = config("0.0.0.0:0");
    let out = program()
        .arg("doctor")
        .arg("--config")
        .arg(&open)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(
        said.contains("path /sensor-logger") && said.contains("Standardise Units"),
        "{said}"
    );
    let out = program()
        .args(["inspect", "thigh", "--config"])
        .arg(&open)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("thigh is a phone"), "{said}");
}
