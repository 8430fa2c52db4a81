//! A disk that gets nearly full while a session of sensors runs: no set begins, a running one goes on, the page says why.
//! The store's folder is a small disk of its own.

use super::{
    bench::{Bench, worn},
    bluez::Bluez,
    browser::Browser,
    disk::Disk,
    program::Program,
    scenario::LEG,
};
use plimsoll::model::event::Event;

#[test]
fn no_set_begins_on_a_disk_that_is_nearly_full_and_a_running_one_goes_on() {
    const BALLAST_BYTES: usize = 40_000_000;
    const NEARLY_FULL: &str = "DISK NEARLY FULL - no set begins, a running one goes on";
    let (bluez, sensors) = (Bluez::with(LEG), worn(LEG));
    let mut disk = None;
    let mut daemon = Program::run_with(&bluez, &sensors, |store| {
        let mounted = Disk::mount(store, 64 * 1024);
        mounted.fill(BALLAST_BYTES);
        disk = Some(mounted);
        "reserve_mb = 40\n".to_owned()
    });
    let disk = disk.unwrap();
    daemon.wait_for_data(&bluez, &sensors, 60.0);
    let mut page = Browser::open(&daemon.page());
    let banners = "document.getElementById('banners').textContent";
    page.wait(&format!("{banners}.includes('{NEARLY_FULL}')"));
    let start = ["start-set", "--exercise", "squat", "--side", "right"];
    // Refused first for sensors that are not ready, then for the disk.
    daemon.wait("refused for the disk", 30.0, |daemon| {
        let refused = daemon.ask(&start).unwrap_err();
        refused.contains("no set begins: on the disk of the store")
            && refused.contains("less than 40 MB (store.reserve_mb)")
    });

    disk.empty();
    page.wait(&format!("!{banners}.includes('DISK')"));
    daemon.tell(&start);
    bluez.squat();
    daemon.pause(4.0);
    disk.fill(BALLAST_BYTES);
    page.wait(&format!("{banners}.includes('{NEARLY_FULL}')"));
    page.wait("document.getElementById('reps').textContent >= '2'");
    daemon.tell(&["end-set"]);
    let refused = daemon.ask(&start).unwrap_err();
    assert!(refused.contains("no set begins"), "{refused}");
    let out = daemon.stop();
    let sets = out.events.iter().filter(|e| matches!(e, Event::Set(_)));
    assert_eq!(sets.count(), 1, "{}", out.log);
    drop(disk);
}
