//! Getting into the guest, and its sensors' control port.

use super::bench::Bench;
use std::{
    cell::RefCell,
    env,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::Path,
    process::Command,
};

const CONTROL: &str = "127.0.0.1:7001";

/// Runs `scenario` in a guest with a set of sensors. `test` is the name of the test that calls.
pub fn in_guest(test: &str, set: &str, scenario: impl FnOnce(&Guest)) {
    if env::var_os("PLIMSOLL_RIG_GUEST").is_some() {
        return scenario(&Guest::new());
    }
    let rig = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig");
    let built = Command::new(rig.join("build")).output().unwrap();
    let why = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "the rig cannot be built: {why}");
    let run = Command::new(rig.join("run"))
        .arg(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("SET", set)
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&run.stdout);
    print!("{out}");
    let err = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{}\n{out}\n{err}", run.status);
    // A name that is no test's would pass with nothing run.
    assert!(out.contains("1 passed"), "{out}");
}

/// The sensors of the guest that this runs in.
pub struct Guest {
    control: RefCell<BufReader<TcpStream>>,
}

impl Guest {
    fn new() -> Self {
        let stream = TcpStream::connect(CONTROL).unwrap();
        Self {
            control: RefCell::new(BufReader::new(stream)),
        }
    }

    fn ask(&self, command: &str) -> String {
        let mut control = self.control.borrow_mut();
        writeln!(control.get_mut(), "{command}").unwrap();
        let mut answer = String::new();
        control.read_line(&mut answer).unwrap();
        let value = answer.trim_end().strip_prefix("ok");
        let value = value.unwrap_or_else(|| panic!("{command}: {answer}"));
        value.trim().to_owned()
    }
}

impl Bench for Guest {
    fn address(&self) -> String {
        env::var("DBUS_SYSTEM_BUS_ADDRESS").unwrap()
    }

    fn drop_link(&self, label: &str) {
        self.ask(&format!("drop {label}"));
    }

    fn lose_link(&self, label: &str) {
        self.ask(&format!("lose {label}"));
    }

    fn stall(&self, label: &str, yes: bool) {
        let state = if yes { "on" } else { "off" };
        self.ask(&format!("stall {label} {state}"));
    }

    fn sent(&self, label: &str) -> u64 {
        self.ask(&format!("sent {label}")).parse().unwrap()
    }

    fn links(&self, label: &str) -> u32 {
        self.ask(&format!("links {label}")).parse().unwrap()
    }

    fn shake(&self, label: &str, seconds: f64) {
        self.ask(&format!("shake {label} {seconds}"));
    }

    fn squat(&self) {
        self.ask("move on");
    }

    fn stand(&self) {
        self.ask("move off");
    }

    fn kill_service(&self) {
        let killed = Command::new("sh")
            .args(["-c", "kill -9 $(pidof bluetoothd)"])
            .status()
            .unwrap();
        assert!(killed.success());
    }

    fn unplug(&self) {
        self.ask("unplug");
    }

    fn plug(&self) {
        self.ask("plug");
    }
}
