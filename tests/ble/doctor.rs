//! `doctor` says the right sentence for each thing that is wrong with Bluetooth.

use super::{
    bench::{Bench, Worn, worn},
    bluez::Bluez,
    bus::Bus,
    scenario::{EIGHT, LEG},
};
use std::{fs, path::Path, process::Command};

/// What it says with this bus and these sensors, and whether all is well.
fn says(address: &str, sensors: &[Worn]) -> (String, bool) {
    let folder = tempfile::tempdir().unwrap();
    let places = format!(
        "[store]\ndir = \"{}\"\n[bus]\nlisten = \"127.0.0.1:0\"\n[web]\nlisten = \"127.0.0.1:0\"\n",
        folder.path().join("store").display()
    );
    let config: String = sensors.iter().map(Worn::config).collect();
    let file = folder.path().join("plimsoll.toml");
    fs::write(&file, places + &config).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["doctor", "--config"])
        .arg(file)
        .env("DBUS_SYSTEM_BUS_ADDRESS", address)
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&run.stdout).into_owned();
    (out, run.status.success())
}

/// The line that speaks of it, with its mark.
fn line<'a>(said: &'a str, about: &str) -> &'a str {
    let found = said.lines().find(|l| l.contains(about));
    found.unwrap_or_else(|| panic!("nothing about {about} in\n{said}"))
}

fn broken(address: &str, sensors: &[Worn], words: &str) {
    let (said, fine) = says(address, sensors);
    assert!(line(&said, words).starts_with("broken"), "{said}");
    assert!(!fine, "{said}");
}

#[test]
fn all_is_well() {
    let bluez = Bluez::with(LEG);
    let (said, fine) = says(&bluez.address(), &worn(LEG));
    assert!(line(&said, "there and powered").starts_with("ok"), "{said}");
    assert!(fine, "{said}");
}

#[test]
fn no_bus() {
    broken(
        "unix:path=/nonexistent/bus",
        &worn(LEG),
        "there is no system bus",
    );
}

#[test]
fn no_service() {
    // Where the kernel knows no adapter, the service is not what is missing.
    let known = Path::new("/sys/class/bluetooth").exists();
    let words = if known {
        "nobody serves it"
    } else {
        "has no adapter"
    };
    broken(&Bus::start().address(), &worn(LEG), words);
}

#[test]
fn no_permission() {
    let bluez = Bluez::forbidden();
    broken(
        &bluez.address(),
        &worn(LEG),
        "may not talk to the Bluetooth service",
    );
}

#[test]
fn no_adapter() {
    let bluez = Bluez::without_adapter();
    broken(&bluez.address(), &worn(LEG), "this machine has no adapter");
}

#[test]
fn switched_off() {
    let bluez = Bluez::with(LEG);
    bluez.power(false);
    broken(&bluez.address(), &worn(LEG), "is switched off");
}

#[test]
fn too_many_sensors() {
    let bluez = Bluez::with(EIGHT);
    broken(&bluez.address(), &worn(EIGHT), "8 sensors are configured");
}
