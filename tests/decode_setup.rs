//! Set-up, stopping and keep-alive of every driver, played against a device that is a table of
//! expected writes and their answers. No radio, no time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside #[test] functions"
)]

use plimsoll::{
    decode::{
        Answer, Bytes, Driver, GattOp, Outcome, Reply, Script, ScriptError, Step, Wish, driver,
        heart_rate, polar,
    },
    model::{packet::Uuid, reading::Measurand},
};
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
