//! The page on which sensors are told apart and placed, in a real browser, before the daemon with sensors on the bench.

use super::{
    bench::{Bench, Worn, worn},
    bluez::Bluez,
    browser::Browser,
    program::Program,
    scenario::LIKE,
};
use plimsoll::model::{body::Segment, event::Event, session::TechKind};

/// As a person would: by the words on it.
fn press(page: &mut Browser, words: &str) {
    let button = format!(
        "[...document.querySelectorAll('button')].find(b => b.textContent.includes({words:?}))"
    );
    page.wait(&format!("!!{button} && !{button}.disabled"));
    page.value(&format!("{button}.click()"));
}

/// Chooses in the select that the expression names.
fn choose(page: &mut Browser, select: &str, value: &str) {
    page.wait(&format!("!!{select} && !{select}.disabled"));
    page.value(&format!(
        "{{ const s = {select}; s.value = {value:?}; s.dispatchEvent(new Event('change')); }}"
    ));
}

fn says(page: &mut Browser, id: &str, words: &str) {
    page.wait(&format!(
        "document.getElementById({id:?}).textContent.includes({words:?})"
    ));
}

#[test]
fn the_shaken_one_is_assigned_on_the_page() {
    let bluez = Bluez::with(LIKE);
    let unplaced = |sensor| Worn {
        segment: "unplaced",
        ..sensor
    };
    let sensors: Vec<Worn> = worn(LIKE).into_iter().map(unplaced).collect();
    let mut daemon = Program::run(&bluez, &sensors);
    daemon.wait_for_data(&bluez, &sensors, 60.0);
    let mut page = Browser::open(&format!("{}sensors", daemon.page()));
    page.wait("document.querySelectorAll('#rows tr').length === 3");
    page.wait(
        "[...document.querySelectorAll('#rows tr')].every(r => r.textContent.includes('ready'))",
    );
    page.value(
        "{ const w = document.getElementById('who'); w.value = 'R-07'; w.dispatchEvent(new Event('input')); }",
    );
    let start = ["start-set", "--exercise", "squat", "--side", "left"];
    let refused = daemon.ask(&start).unwrap_err();
    assert!(refused.contains("wit2"), "nothing is placed: {refused}");

    // Nobody shakes.
    choose(&mut page, "document.getElementById('target')", "shank_l");
    press(&mut page, "start, then shake it");
    says(&mut page, "result", "None was shaken");
    // Somebody does.
    bluez.shake("wit2", 6.0);
    press(&mut page, "start, then shake it");
    says(&mut page, "result", "wit2 was shaken");
    press(&mut page, "yes: wit2 is worn on the left shank");
    says(
        &mut page,
        "said",
        "wit2: shank_l. In force, and kept in the configuration",
    );
    says(&mut page, "rows", "left shank");
    assert!(daemon.configuration().contains("segment = \"shank_l\""));

    // One whose place can be seen on it.
    let first = "document.querySelector('#rows tr select')";
    choose(&mut page, first, "thigh_l");
    says(&mut page, "said", "wit1: thigh_l");
    let refused = daemon.ask(&start).unwrap_err();
    assert!(refused.contains("wit3"), "one has no place: {refused}");
    daemon.tell(&["go-without", "wit3", "--accepted-by", "R-07"]);
    daemon.tell(&start);
    // Whoever trains is watched on the live page.
    page.wait("location.pathname === '/'");
    daemon.pause(1.0);
    daemon.tell(&["end-set"]);
    daemon.pause(0.5);

    let out = daemon.stop();
    let placed: Vec<(u16, Segment)> = out
        .events
        .iter()
        .filter_map(|e| match e {
            Event::Tech(tech) => match &tech.kind {
                TechKind::Placed { segment, .. } => Some((tech.device?.0, *segment)),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(placed, [(1, Segment::ShankL), (0, Segment::ThighL)]);
}
