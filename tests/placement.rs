//! Sensors that a person places while the session runs: the findings speak of where they are worn, from the recording
//! again and again the same; nothing changes place once a set has begun.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

use plimsoll::{
    daemon::feed::session_report,
    model::{
        body::Segment,
        command::Command,
        event::{Event, Numbered},
        finding::{Finding, Verdict},
        metric::Metric,
        packet::DeviceIndex,
        placement::Placement,
        session::TechKind,
    },
    pipeline::{analysis::Params, batch},
    wire::{
        payload, plan,
        recording::{self, Item, Recording, Writer},
    },
};
use std::{fs, path::Path};

fn sample() -> Recording {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/knee-squat.mcap");
    recording::read(&fs::read(path).unwrap()).unwrap()
}

fn worn_on(recording: &Recording, segment: Segment) -> DeviceIndex {
    let mut devices = recording.header.devices();
    devices.find(|(_, s)| s.segment == segment).unwrap().0
}

fn analysed(recording: &Recording) -> Vec<Numbered> {
    let plan = plan::parse(recording.plan_text.as_deref().unwrap()).unwrap();
    let (header, items) = (&recording.header, &recording.items);
    batch::analyse(&Params::default(), header, Some(&plan.plan), items).unwrap()
}

fn findings(events: &[Numbered]) -> Vec<&Finding> {
    let finding = |n: &'_ Numbered| matches!(n.event, Event::Finding(_));
    let all = events.iter().filter(|n| finding(n));
    all.filter_map(|n| match &n.event {
        Event::Finding(f) => Some(f),
        _ => None,
    })
    .collect()
}

fn tech(events: &[Numbered]) -> Vec<&TechKind> {
    events
        .iter()
        .filter_map(|n| match &n.event {
            Event::Tech(t) => Some(&t.kind),
            _ => None,
        })
        .collect()
}

/// The thigh and the shank of the leg that is worn, and their sensors.
fn leg(recording: &Recording) -> [(DeviceIndex, Segment); 2] {
    let right = recording
        .header
        .sensors
        .iter()
        .any(|s| s.segment == Segment::ShankR);
    let both = if right {
        [Segment::ThighR, Segment::ShankR]
    } else {
        [Segment::ThighL, Segment::ShankL]
    };
    both.map(|segment| (worn_on(recording, segment), segment))
}

fn assign(worn: &[(DeviceIndex, Segment)]) -> Command {
    let placement = |(device, segment): &(DeviceIndex, Segment)| Placement {
        device: *device,
        segment: *segment,
    };
    Command::Assign {
        worn: worn.iter().map(placement).collect(),
        confirmed_by: "R-07".to_owned(),
    }
}

/// The sample whose header puts the two sensors of the leg where `said` says.
fn mislabelled(said: [Segment; 2]) -> (Recording, [(DeviceIndex, Segment); 2]) {
    let mut recording = sample();
    let leg = leg(&recording);
    for ((device, _), segment) in leg.iter().zip(said) {
        recording.header.sensors[usize::from(device.0)].segment = segment;
    }
    (recording, leg)
}

fn with_at_begin(mut recording: Recording, command: Command) -> Recording {
    let begin = recording.header.started_host;
    recording.items.insert(0, Item::Command(begin, command));
    recording
}

fn same_findings(expected: &[Numbered], got: &[Numbered]) {
    let (expected, got) = (findings(expected), findings(got));
    assert_eq!(expected.len(), got.len());
    for (a, b) in expected.iter().zip(&got) {
        assert_eq!(
            (a.set, a.rep, &a.code, a.metric, a.verdict),
            (b.set, b.rep, &b.code, b.metric, b.verdict)
        );
        // The first tenth of a second of the two sensors went to where they were said to be before.
        let apart = a.value.unwrap_or(0.0) - b.value.unwrap_or(0.0);
        assert!(apart.abs() < 0.5, "{a:?}\n{b:?}");
    }
}

#[test]
fn sensors_without_a_place_judge_nothing_until_they_are_placed() {
    let unplaced = [Segment::Unplaced; 2];
    let (recording, leg) = mislabelled(unplaced);
    let knee = |events: &[Numbered]| -> Vec<Verdict> {
        let all = findings(events).into_iter();
        all.filter(|f| f.metric == Metric::KneeFlexion)
            .map(|f| f.verdict)
            .collect()
    };
    let before = knee(&analysed(&recording));
    assert!(
        before.iter().all(|v| *v == Verdict::NotAssessed),
        "{before:?}"
    );
    let placed = with_at_begin(recording, assign(&leg));
    let events = analysed(&placed);
    assert!(knee(&events).contains(&Verdict::Within));
    same_findings(&analysed(&sample()), &events);
    let report = session_report(&placed.header, None, &events);
    for (device, segment) in leg {
        let row = &report.quality.sensors[usize::from(device.0)];
        assert_eq!(row.segment, segment.as_str());
        assert_eq!(row.confirmed_by, "R-07");
    }
}

#[test]
fn two_sensors_that_were_exchanged_are_swapped_in_one_step() {
    let leg_as_worn = leg(&sample());
    let (recording, leg) = mislabelled([leg_as_worn[1].1, leg_as_worn[0].1]);
    let swapped = with_at_begin(recording, assign(&leg));
    let events = analysed(&swapped);
    same_findings(&analysed(&sample()), &events);
    let placed = tech(&events)
        .into_iter()
        .filter(|k| matches!(k, TechKind::Placed { .. }))
        .count();
    assert_eq!(placed, 2);
}

#[test]
fn the_recording_holds_the_assignment_and_tells_the_same_again() {
    let (recording, leg) = mislabelled([Segment::Unplaced; 2]);
    let placed = with_at_begin(recording, assign(&leg));
    let mut writer =
        Writer::create(Vec::new(), &placed.header, placed.plan_text.as_deref()).unwrap();
    for item in &placed.items {
        writer.item(item).unwrap();
    }
    let back = recording::read(&writer.finish().unwrap().inner).unwrap();
    assert!(back.complete);
    assert_eq!(back.items, placed.items);
    let text = |r: &Recording| payload::events_text(&analysed(r)).unwrap();
    assert_eq!(text(&back), text(&placed));
}

#[test]
fn nothing_changes_place_once_a_set_has_begun() {
    let mut recording = sample();
    let as_it_was = analysed(&recording);
    let leg = leg(&recording);
    let swap = assign(&[(leg[0].0, leg[1].1), (leg[1].0, leg[0].1)]);
    let begun = recording
        .items
        .iter()
        .position(|i| matches!(i, Item::Command(_, Command::StartSet { .. })));
    let begun = begun.unwrap();
    let at = recording.items[begun].host();
    recording
        .items
        .insert(begun + 1, Item::Command(at, swap.clone()));
    let ended = recording
        .items
        .iter()
        .rposition(|i| matches!(i, Item::Command(_, Command::EndSet { .. })));
    let ended = ended.unwrap();
    let at = recording.items[ended].host();
    recording.items.insert(ended + 1, Item::Command(at, swap));
    let events = analysed(&recording);
    let kinds = tech(&events);
    let refused = |k: &&&TechKind| matches!(k, TechKind::AssignmentRefused { reason } if reason.contains("a set has begun"));
    assert_eq!(kinds.iter().filter(refused).count(), 2, "{kinds:?}");
    assert!(!kinds.iter().any(|k| matches!(k, TechKind::Placed { .. })));
    let all =
        |events: &[Numbered]| -> Vec<Finding> { findings(events).into_iter().cloned().collect() };
    assert_eq!(all(&as_it_was), all(&events));
}

#[test]
fn one_place_for_two_sensors_is_refused_and_changes_nothing() {
    let recording = sample();
    let leg = leg(&recording);
    let doubled = with_at_begin(recording, assign(&[(leg[0].0, leg[1].1)]));
    let events = analysed(&doubled);
    let kinds = tech(&events);
    let refused = |k: &&TechKind| matches!(k, TechKind::AssignmentRefused { reason } if reason.contains("both be worn on"));
    assert!(kinds.iter().any(refused), "{kinds:?}");
    same_findings(&analysed(&sample()), &events);
}
