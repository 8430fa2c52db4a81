//! A small disk of its own, in memory, for tests of full disks. Needs the right to mount: root, or sudo without a
//! password.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "helpers of tests; each test uses a part"
)]

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

pub struct Disk(PathBuf);

fn as_root(program: &str) -> Command {
    // Who we are is who owns our own entry there.
    if fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0) {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}

impl Disk {
    pub fn mount(at: &Path, kib: u64) -> Self {
        fs::create_dir_all(at).unwrap();
        let mounted = as_root("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={kib}k,mode=1777"),
                "tmpfs",
            ])
            .arg(at)
            .status();
        assert!(
            mounted.is_ok_and(|s| s.success()),
            "this test makes a small disk: it needs the right to mount (root, or sudo without a password)"
        );
        Self(at.to_owned())
    }

    pub fn resize(&self, kib: u64) {
        let sized = as_root("mount")
            .args(["-o", &format!("remount,size={kib}k")])
            .arg(&self.0)
            .status();
        assert!(sized.unwrap().success());
    }

    pub fn is_full(&self) -> bool {
        let probe = self.0.join("probe");
        let full = fs::write(&probe, [1; 8192]).is_err();
        let _ = fs::remove_file(probe);
        full
    }

    pub fn fill(&self, bytes: usize) {
        fs::write(self.0.join("ballast"), vec![1; bytes]).unwrap();
    }

    pub fn empty(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = as_root("umount").arg("-l").arg(&self.0).status();
    }
}
