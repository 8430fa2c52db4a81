//! Set-up, stopping and keep-alive of every driver, played against a device that is a table of
//! expected writes and their answers. No radio, no time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside #[test] functions"
)]

use plimsoll::{
    decode::{
        Answer, Bytes, Driver, GattOp, Outcome, Reply, Script, ScriptError, Step, Wish, colmi, dot,
        driver, drivers, heart_rate, metamotion, movesense, polar, thingy,
    },
    model::{packet::Uuid, reading::Measurand},
};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What a device does with a command: notifications that follow it.
type Answers = Vec<(Uuid, Vec<u8>)>;

/// A device: what its characteristics hold, how it answers, how large its values may be.
#[derive(Default)]
struct Device {
    mtu: u16,
    values: BTreeMap<Uuid, Vec<u8>>,
    absent: Vec<Uuid>,
    answers: BTreeMap<Vec<u8>, Answers>,
    written: Vec<Vec<u8>>,
    subscribed: Vec<Uuid>,
}

impl Device {
    fn answers(mut self, characteristic: Uuid, command: &str, replies: &[&str]) -> Self {
        let replies = replies.iter().map(|r| (characteristic, hex(r))).collect();
        self.answers.insert(hex(command), replies);
        self
    }

    fn holds(mut self, characteristic: Uuid, value: &str) -> Self {
        self.values.insert(characteristic, hex(value));
        self
    }

    /// Plays the script to its end.
    fn play(&mut self, ops: Vec<GattOp>) -> Result<Outcome, ScriptError> {
        let mut script = Script::new(ops);
        let mut on_the_way: Answers = Vec::new();
        while let Some(step) = script.step() {
            match step {
                Step::NeedMtu(bytes) if bytes > self.mtu => script.refused("the link is narrow"),
                Step::NeedMtu(_) | Step::PauseMs(_) => script.done(&[]),
                Step::Subscribe(c) if self.absent.contains(&c) => script.refused("not there"),
                Step::Subscribe(characteristic) => {
                    self.subscribed.push(characteristic);
                    script.done(&[]);
                }
                Step::Read(characteristic) => match self.values.get(&characteristic) {
                    Some(value) => script.done(value),
                    None => script.refused("not there"),
                },
                Step::Write { bytes, .. } => {
                    self.written.push(bytes.to_vec());
                    on_the_way = self.answers.get(bytes).cloned().unwrap_or_default();
                    script.done(&[]);
                }
                Step::Await { .. } if on_the_way.is_empty() => script.timed_out(),
                Step::Await { .. } => {
                    let (characteristic, value) = on_the_way.remove(0);
                    script.notified(characteristic, &value);
                }
            }
        }
        script.outcome()
    }

    fn written(&self) -> Vec<String> {
        let byte = |text: String, b: &u8| text + &format!("{b:02x}");
        let text = |bytes: &Vec<u8>| bytes.iter().fold(String::new(), byte);
        self.written.iter().map(text).collect()
    }
}

fn hex(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn wish(streams: &[Measurand], rate_hz: Option<f64>) -> Wish {
    Wish {
        streams: streams.to_vec(),
        rate_hz,
    }
}

fn of(name: &str) -> &'static dyn Driver {
    driver(name).unwrap()
}

const HERE: Uuid = Uuid(1);

fn whole<'a>(command: &[u8], value: &'a [u8]) -> Reply<'a> {
    match value {
        [first, rest @ ..] if Some(first) == command.first() => match rest {
            [0, rest @ ..] => Reply::Done(rest),
            [1, rest @ ..] => Reply::Part(rest),
            [code, ..] => Reply::Refused((*code).into()),
            [] => Reply::Other,
        },
        _ => Reply::Other,
    }
}

fn ask(bytes: impl Into<Bytes>) -> GattOp {
    let answer = Answer {
        characteristic: HERE,
        read: whole,
        within_ms: 1000,
    };
    GattOp::ask(HERE, bytes, answer)
}

fn echo(answer: &[u8]) -> Option<Vec<u8>> {
    (!answer.is_empty()).then(|| answer.to_vec())
}

#[test]
fn parts_are_joined_and_the_next_step_chooses_from_them() {
    let mut device = Device::default().answers(HERE, "07", &["08 00 ff", "07 01 0a", "07 00 0b"]);
    let ops = vec![
        ask(vec![7]),
        GattOp::write(HERE, Bytes::chosen(echo)).starting(&[Measurand::Ecg]),
    ];
    let outcome = device.play(ops).unwrap();
    assert_eq!(device.written(), ["07", "0a0b"]);
    assert_eq!(outcome.started, [Measurand::Ecg]);
    assert_eq!(outcome.skipped, [""; 0]);
}

#[test]
fn an_answer_that_overtakes_the_confirmation_of_its_write_counts() {
    let mut script = Script::new(vec![ask(vec![7])]);
    // Before the command is due nothing is an answer to it.
    script.notified(HERE, &[7, 2]);
    assert!(matches!(script.step(), Some(Step::Write { .. })));
    script.notified(HERE, &[7, 0]);
    script.done(&[]);
    assert_eq!(script.step(), None);
    assert_eq!(script.outcome(), Ok(Outcome::default()));
}

#[test]
fn a_step_is_the_same_until_it_is_answered_for() {
    let mut script = Script::new(vec![GattOp::subscribe(HERE, &[]), ask(vec![7])]);
    assert_eq!(script.step(), Some(Step::Subscribe(HERE)));
    assert_eq!(script.step(), Some(Step::Subscribe(HERE)));
    script.done(&[]);
    script.done(&[]);
    assert!(matches!(script.step(), Some(Step::Write { .. })));
}

#[test]
fn what_follows_a_skipped_step_sees_no_older_answer() {
    let mut device = Device::default()
        .answers(HERE, "07", &["07 00 0a"])
        .answers(HERE, "09", &["09 05"]);
    let ops = vec![
        ask(vec![7]),
        ask(vec![9]).or_skip(),
        GattOp::write(HERE, Bytes::chosen(echo)).or_skip(),
    ];
    let outcome = device.play(ops).unwrap();
    assert_eq!(device.written(), ["07", "09"]);
    assert_eq!(outcome.skipped.len(), 2, "{:?}", outcome.skipped);
    assert!(outcome.skipped[0].contains("[09]") && outcome.skipped[0].contains("answered 5"));
}

/// A question, and the stream that is chosen from its answer; the device has another stream as well.
fn two_streams() -> Vec<GattOp> {
    vec![
        ask(vec![7]).starting(&[Measurand::Ecg]),
        ask(vec![9]).or_skip(),
        ask(Bytes::chosen(echo))
            .or_skip()
            .starting(&[Measurand::Acceleration]),
    ]
}

#[test]
fn a_stream_whose_question_is_not_answered_is_missed() {
    let mut device = Device::default().answers(HERE, "07", &["07 00"]);
    let outcome = device.play(two_streams()).unwrap();
    assert_eq!(outcome.started, [Measurand::Ecg]);
    assert_eq!(outcome.missed, [Measurand::Acceleration]);
}

#[test]
fn a_stream_that_is_chosen_from_an_offer_and_refused_is_missed() {
    let mut device = Device::default()
        .answers(HERE, "07", &["07 00"])
        .answers(HERE, "09", &["09 00 0a"])
        .answers(HERE, "0a", &["0a 05"]);
    let outcome = device.play(two_streams()).unwrap();
    assert_eq!(outcome.missed, [Measurand::Acceleration]);
}

#[test]
fn a_stream_that_the_device_says_it_lacks_is_not_missed() {
    let mut device =
        Device::default()
            .answers(HERE, "07", &["07 00"])
            .answers(HERE, "09", &["09 00"]);
    let outcome = device.play(two_streams()).unwrap();
    assert_eq!(outcome.missed, []);
    assert_eq!(outcome.skipped.len(), 1);
}

#[test]
fn a_step_that_had_to_work_is_named() {
    let said = |device: &mut Device| device.play(vec![ask(vec![7])]).unwrap_err().to_string();
    let refusing = &mut Device::default().answers(HERE, "07", &["07 09"]);
    let place = HERE.to_string();
    assert_eq!(
        said(refusing),
        format!("writing [07] to {place}: the device answered 9")
    );
    let silent = &mut Device::default();
    assert_eq!(
        said(silent),
        format!("writing [07] to {place}: no answer came in time")
    );
}

#[test]
fn an_endless_answer_is_refused() {
    let mut script = Script::new(vec![ask(vec![7])]);
    script.step();
    script.done(&[]);
    let mut part = vec![1; 500];
    part[0] = 7;
    for _ in 0..20 {
        script.notified(HERE, &part);
    }
    assert_eq!(script.step(), None);
    assert!(script.outcome().unwrap_err().reason.contains("too long"));
}

const H10_FEATURES: &str = "0f 05 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00";

fn h10() -> Device {
    Device {
        mtu: 232,
        ..Device::default()
    }
    .holds(polar::CONTROL, H10_FEATURES)
    .holds(heart_rate::BATTERY_LEVEL, "5a")
    .answers(
        polar::CONTROL,
        "01 02",
        &["f0 01 02 00 00 00 04 1900 3200 6400 C800 01 01 1000 02 03 0200 0400 0800"],
    )
    .answers(
        polar::CONTROL,
        "01 00",
        &["f0 01 00 00 00 00 01 8200 01 01 0e00"],
    )
    .answers(
        polar::CONTROL,
        "02 02 00 01 6400 01 01 1000 02 01 0800",
        &["f0 02 02 00 00 01"],
    )
    .answers(
        polar::CONTROL,
        "02 00 00 01 8200 01 01 0e00",
        &["f0 02 00 00 00 00"],
    )
}

fn verity() -> Device {
    let settings = |t: &str, range: &str| {
        format!("f0 01 {t} 00 00 00 01 3400 01 01 1000 02 01 {range} 04 01 03")
    };
    Device {
        mtu: 512,
        ..Device::default()
    }
    // PPG, ACC, PPI, GYRO, MAG, SDK mode.
    .holds(polar::CONTROL, "0f 6e 02")
    .answers(polar::CONTROL, "01 02", &[&settings("02", "0800")])
    // In two indications.
    .answers(
        polar::CONTROL,
        "01 05",
        &[
            "f0 01 05 00 01 00 01 34",
            "f0 01 05 00 00 00 01 01 1000 02 01 d007 04 01 03",
        ],
    )
    .answers(polar::CONTROL, "03 09", &["f0 03 09 06 00"])
    .answers(
        polar::CONTROL,
        "02 02 00 01 3400 01 01 1000 02 01 0800 04 01 03",
        &["f0 02 02 00 00"],
    )
    .answers(
        polar::CONTROL,
        "02 05 00 01 3400 01 01 1000 02 01 d007 04 01 03",
        &["f0 02 05 06 00"],
    )
}

#[test]
fn a_polar_strap_starts_what_it_has() {
    let mut device = h10();
    let outcome = device.play(of("polar").setup(&Wish::default())).unwrap();
    assert_eq!(
        outcome.started,
        [Measurand::HeartRate, Measurand::Acceleration]
    );
    assert_eq!(device.written(), ["0102", "0202000164000101100002010800"]);
}

#[test]
fn a_polar_armband_gives_angular_rate_too_and_leaves_raw_mode() {
    let mut device = verity();
    let outcome = device.play(of("polar").setup(&Wish::default())).unwrap();
    let motion = [Measurand::Acceleration, Measurand::AngularRate];
    assert_eq!(outcome.started[1..], motion);
    assert_eq!(device.written()[0], "0309");
}

#[test]
fn raw_mode_only_for_a_rate_that_needs_it() {
    let fast = wish(&[Measurand::Acceleration], Some(208.0));
    let mut device = verity().answers(polar::CONTROL, "02 09", &["f0 02 09 00 00"]);
    device.play(of("polar").setup(&fast)).unwrap();
    assert!(device.written().contains(&"0209".to_owned()));
    // Refused: the rate there is is taken.
    let mut device = verity().answers(polar::CONTROL, "02 09", &["f0 02 09 0c"]);
    let outcome = device.play(of("polar").setup(&fast)).unwrap();
    assert_eq!(outcome.started, [Measurand::Acceleration]);
    // The strap has no such mode, and 200 Hz without it.
    let mut device = h10().answers(
        polar::CONTROL,
        "02 02 00 01 c800 01 01 1000 02 01 0800",
        &["f0 02 02 00 00 01"],
    );
    device.play(of("polar").setup(&fast)).unwrap();
    assert_eq!(device.written(), ["0102", "02020001c8000101100002010800"]);
}

#[test]
fn a_narrow_link_is_said() {
    let mut device = h10();
    device.mtu = 23;
    let error = device
        .play(of("polar").setup(&Wish::default()))
        .unwrap_err();
    assert!(error.to_string().contains("232"), "{error}");
    // Heart rate alone fits.
    let heart = wish(&[Measurand::HeartRate], None);
    let outcome = device.play(of("polar").setup(&heart)).unwrap();
    assert_eq!(outcome.started, [Measurand::HeartRate]);
}

#[test]
fn what_was_started_is_stopped() {
    let mut device = h10();
    device
        .play(of("polar").teardown(&wish(&[Measurand::Ecg], None)))
        .unwrap();
    assert_eq!(device.written(), ["0300"]);
}

const MOTION: [Measurand; 2] = [Measurand::Acceleration, Measurand::AngularRate];

#[test]
fn dot_changes_its_rate_and_nothing_else_of_its_control() {
    let control = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    let device = || {
        let wide = Device {
            mtu: 247,
            ..Device::default()
        };
        wide.holds(dot::CONTROL, control)
    };
    let mut plain = device();
    let outcome = plain.play(of("dot").setup(&Wish::default())).unwrap();
    assert_eq!(outcome.started, MOTION);
    let changed = "100102030405060708090a0b0c0d0e0f10111213141516173c001a1b1c1d1e1f";
    assert_eq!(plain.written(), [changed, "010115"]);
    assert_eq!(plain.subscribed, [dot::MEDIUM]);
    plain.play(of("dot").teardown(&Wish::default())).unwrap();
    assert_eq!(plain.written()[2], "010015");

    let all = [&MOTION[..], &[Measurand::MagneticField]].concat();
    let mut with_field = device();
    let outcome = with_field.play(of("dot").setup(&wish(&all, Some(30.0))));
    assert_eq!(outcome.unwrap().started, all);
    assert_eq!(with_field.written()[1], "010114");

    let mut cut = device().holds(dot::CONTROL, "ff01");
    let error = cut.play(of("dot").setup(&Wish::default())).unwrap_err();
    assert!(error.step.contains(&dot::CONTROL.to_string()), "{error}");
}

fn board(accelerometer: &str, gyroscope: &str, rate_register: &str) -> Device {
    let notify = metamotion::NOTIFY;
    Device::default()
        .answers(notify, "03 80", &["15 05 0000 0000 0000", accelerometer])
        .answers(notify, "13 80", &[gyroscope])
        .answers(notify, "09 02 03 04 ff a0 11 31 03", &["09 02 00"])
        .answers(
            notify,
            &format!("09 02 13 {rate_register} ff a0 11 31 03"),
            &["09 02 01"],
        )
}

#[test]
fn a_board_says_which_chip_it_has_and_is_set_up_for_it() {
    for (mut device, configured) in [
        (
            board("03 80 01 01", "13 80 00 01", "05"),
            ["0303270c", "13032700"],
        ),
        (
            board("03 80 04 00", "13 80 01 00", "04"),
            ["0303a703", "13032700"],
        ),
    ] {
        let outcome = device
            .play(of("metamotion").setup(&Wish::default()))
            .unwrap();
        assert_eq!(outcome.started, MOTION);
        let written = device.written();
        for command in configured.iter().chain(&["0908", "09070001", "09070101"]) {
            assert!(written.contains(&(*command).to_owned()), "{command}");
        }
        let at = |command| written.iter().position(|w| w == command);
        assert!(at("0908") < at("09020304ffa0113103"), "cleaned first");
    }
}

#[test]
fn a_board_without_gyroscope_gives_acceleration_and_an_unknown_chip_nothing() {
    let mut device = board("03 80 01 01", "13 80", "05");
    let outcome = device
        .play(of("metamotion").setup(&Wish::default()))
        .unwrap();
    assert_eq!(outcome.started, [Measurand::Acceleration]);
    assert!(!device.written().contains(&"130101".to_owned()));
    let mut device = board("03 80 07 00", "13 80 00 01", "05");
    let error = device.play(of("metamotion").setup(&Wish::default()));
    assert!(error.unwrap_err().reason.contains("nothing to choose from"));
}

fn sensor(status: &str) -> Device {
    let device = Device {
        mtu: 161,
        ..Device::default()
    };
    let motion = "01 02 2f4d6561732f494d55362f3532";
    device
        .answers(movesense::NOTIFY, "00 01", &["01 01 01 31373400"])
        .answers(
            movesense::NOTIFY,
            motion,
            &["02 02 00000000", &format!("01 02 {status}")],
        )
}

#[test]
fn movesense_subscribes_by_path_and_unsubscribes_by_reference() {
    let mut device = sensor("c8 00");
    let outcome = device
        .play(of("movesense").setup(&Wish::default()))
        .unwrap();
    assert_eq!(outcome.started, MOTION);
    let path = b"/Meas/IMU6/52";
    assert_eq!(device.written[1], [&[1, 2], &path[..]].concat());
    device
        .play(of("movesense").teardown(&Wish::default()))
        .unwrap();
    assert_eq!(device.written()[2], "0202");
}

#[test]
fn a_sensor_that_has_nothing_of_the_wish_is_no_success() {
    let error = sensor("f5 01").play(of("movesense").setup(&Wish::default()));
    let said = error.unwrap_err().to_string();
    assert!(
        said.contains("nothing of what was asked for") && said.contains("501"),
        "{said}"
    );
}

#[test]
fn thingy_is_written_to_only_where_its_rate_differs() {
    let config = |rate: &str| format!("e803 e803 e803 {rate} 01");
    let play = |rate: &str| {
        let mut device = Device::default().holds(thingy::CONFIG, &config(rate));
        let outcome = device.play(of("thingy").setup(&Wish::default())).unwrap();
        assert_eq!(outcome.started, MOTION);
        device.written
    };
    assert_eq!(play("6400"), [[0; 0]; 0]);
    assert_eq!(play("c800"), [hex(&config("6400"))]);
}

#[test]
fn witmotion_takes_the_nearest_rate_and_is_asked_for_its_battery() {
    for (hz, code) in [(None, "09"), (Some(200.0), "0b"), (Some(1.0), "05")] {
        let mut device = Device::default();
        device
            .play(of("witmotion").setup(&wish(&MOTION, hz)))
            .unwrap();
        let rate = format!("ffaa03{code}00");
        assert_eq!(
            device.written(),
            ["ffaa6988b5", "ffaa240100", &rate, "ffaa276400"]
        );
    }
    assert!((of("witmotion").nominal_hz(&wish(&[], Some(180.0))) - 200.0).abs() < 1e-9);
}

#[test]
fn a_ring_is_reminded_every_two_seconds_and_stopped() {
    let ring = of("colmi");
    let mut device = Device::default();
    let outcome = device.play(ring.setup(&Wish::default())).unwrap();
    assert_eq!(outcome.started, [Measurand::HeartRate]);
    let reminder = ring
        .repeat()
        .into_iter()
        .find(|r| r.every_ms == 2000)
        .unwrap();
    device.play(reminder.ops).unwrap();
    device.play(ring.teardown(&Wish::default())).unwrap();
    let heads: Vec<_> = device.written.iter().map(|w| &w[..3]).collect();
    assert_eq!(heads, [[0x69, 1, 1], [3, 0, 0], [0x69, 1, 3], [0x6a, 1, 0]]);
    let sound = |w: &Vec<u8>| colmi::Message::parse(w).is_ok();
    assert!(device.written.iter().all(sound));
}

/// Whatever the link does, in whatever order.
#[derive(Debug, Clone)]
enum Happening {
    Done(Vec<u8>),
    Refused,
    TimedOut,
    Notified(Vec<u8>),
}

fn happening() -> impl Strategy<Value = Happening> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        4 => bytes().prop_map(Happening::Done),
        1 => Just(Happening::Refused),
        1 => Just(Happening::TimedOut),
        2 => bytes().prop_map(Happening::Notified),
    ]
}

proptest! {
    /// Every script of every driver ends, and each step is answered for at most twice (a write, its answer).
    #[test]
    fn every_script_ends(
        events in prop::collection::vec(happening(), 0..120),
        hz in prop::option::of(any::<f64>()),
    ) {
        let measurands = [Measurand::Ecg, Measurand::MagneticField, Measurand::HeartRate];
        for driver in drivers() {
            for wish in [wish(&[], hz), wish(&MOTION, hz), wish(&measurands, hz)] {
                let repeats = driver.repeat().into_iter().map(|r| r.ops);
                for ops in repeats.chain([driver.setup(&wish), driver.teardown(&wish)]) {
                    let mut budget = 2 * ops.len();
                    let mut script = Script::new(ops);
                    let mut events = events.iter().cycle();
                    while let Some(step) = script.step() {
                        let place = match step {
                            Step::Await { characteristic, .. } => characteristic,
                            _ => HERE,
                        };
                        match events.next() {
                            Some(Happening::Notified(bytes)) if budget > 0 => {
                                script.notified(place, bytes);
                            }
                            Some(Happening::Done(value)) if place == HERE => script.done(value),
                            Some(Happening::Refused) => script.refused("no"),
                            _ => script.timed_out(),
                        }
                        budget = budget.saturating_sub(1);
                    }
                    let _ = script.outcome();
                }
            }
        }
    }
}
