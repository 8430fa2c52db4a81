//! A message bus for one test: nobody else's, and nobody else on it.

use std::{
    fs,
    os::unix::net::UnixStream,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

pub struct Bus {
    daemon: Child,
    folder: TempDir,
}

/// What everyone may do.
const OPEN: &str = r#"<allow send_destination="*" eavesdrop="true"/>"#;
/// Nobody may talk to the Bluetooth service.
const FORBIDDEN: &str = r#"<allow send_destination="*"/><deny send_destination="org.bluez"/>"#;

impl Bus {
    pub fn start() -> Self {
        Self::with(OPEN)
    }

    /// A bus on which nobody may talk to the Bluetooth service.
    pub fn forbidden() -> Self {
        Self::with(FORBIDDEN)
    }

    fn with(policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("bus");
        let config = include_str!("../rig/dbus.conf")
            .replace("/run/dbus/system_bus_socket", socket.to_str().unwrap())
            .replace(OPEN, policy);
        let file = folder.path().join("dbus.conf");
        fs::write(&file, config).unwrap();
        let daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", file.display()))
            .args(["--nofork", "--nopidfile"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| {
                panic!("this test needs dbus-daemon, install the package dbus: {e}")
            });
        let bus = Self { daemon, folder };
        for _ in 0..500 {
            if UnixStream::connect(&socket).is_ok() {
                return bus;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("dbus-daemon does not answer");
    }

    /// What `DBUS_SYSTEM_BUS_ADDRESS` has to be.
    pub fn address(&self) -> String {
        format!("unix:path={}", self.folder.path().join("bus").display())
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
