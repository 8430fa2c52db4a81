//! Going on without a sensor, and links that end and begin: recorded, and never green.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop where it fails"
)]

use plimsoll::{
    model::{
        body::Segment,
        command::Command,
        event::{Event, Numbered},
        finding::Verdict,
        link::{LinkChange, LinkEvent},
        metric::Metric,
        packet::DeviceIndex,
        session::TechKind,
        time::HostNs,
    },
    pipeline::{analysis::Params, batch},
    wire::{
        plan,
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

fn verdicts(events: &[Numbered], metric: Metric) -> Vec<Verdict> {
    events
        .iter()
        .filter_map(|n| match &n.event {
            Event::Finding(f) if f.metric == metric => Some(f.verdict),
            _ => None,
        })
        .collect()
}

#[test]
fn what_needs_a_sensor_that_was_given_up_is_not_assessed() {
    let mut recording = sample();
    let within = verdicts(&analysed(&recording), Metric::KneeFlexion);
    assert!(
        within.contains(&Verdict::Within),
        "the session as it was has green checks"
    );
    let shank = recording
        .header
        .sensors
        .iter()
        .map(|s| s.segment)
        .find(|s| matches!(s, Segment::ShankL | Segment::ShankR))
        .unwrap();
    let device = worn_on(&recording, shank);
    let command = Command::GoWithout {
        device,
        accepted_by: "R-07".to_owned(),
    };
    let begin = recording.header.started_host;
    recording.items.insert(0, Item::Command(begin, command));
    let events = analysed(&recording);
    let judged = verdicts(&events, Metric::KneeFlexion);
    assert!(!judged.is_empty());
    assert!(
        judged.iter().all(|v| *v == Verdict::NotAssessed),
        "{judged:?}"
    );
    let said = events.iter().any(|n| match &n.event {
        Event::Tech(t) => matches!(&t.kind, TechKind::WentWithout { segment, accepted_by } if *segment == shank && accepted_by == "R-07"),
        _ => false,
    });
    assert!(said, "it is in the record");
    let shown = events.iter().any(|n| match &n.event {
        Event::Live(live) => live.sensors.iter().any(|s| s.device == device),
        _ => false,
    });
    assert!(!shown, "a sensor that was given up is no silent one");
    let by_eye = events.iter().any(|n| match &n.event {
        Event::SetStarted { by_eye, .. } => !by_eye.is_empty(),
        _ => false,
    });
    assert!(by_eye, "the trainer is told to check by eye");
}

#[test]
fn a_recording_holds_when_connections_began_and_ended() {
    let mut recording = sample();
    let device = DeviceIndex(0);
    let at = |recording: &Recording, i: usize| recording.items[i].host();
    let changes = [
        (0, LinkChange::Up),
        (
            400,
            LinkChange::Down {
                reason: "it broke".to_owned(),
            },
        ),
        (401, LinkChange::Up),
        (402, LinkChange::Overflow { packets: 7 }),
        (403, LinkChange::Closed),
    ];
    for (i, change) in changes {
        let host: HostNs = at(&recording, i);
        recording
            .items
            .insert(i, Item::Link(host, LinkEvent { device, change }));
    }
    let plan_text = recording.plan_text.as_deref();
    let mut writer = Writer::create(Vec::new(), &recording.header, plan_text).unwrap();
    for item in &recording.items {
        writer.item(item).unwrap();
    }
    let written = writer.finish().unwrap();
    let back = recording::read(&written.inner).unwrap();
    assert!(back.complete, "its content hash is right");
    assert_eq!(back.items, recording.items);
    let kinds: Vec<TechKind> = analysed(&back)
        .into_iter()
        .filter_map(|n| match n.event {
            Event::Tech(t) if t.device == Some(device) => Some(t.kind),
            _ => None,
        })
        .collect();
    assert!(kinds.contains(&TechKind::LinkUp));
    assert!(kinds.contains(&TechKind::PacketsLost { packets: 7 }));
    let down = |k: &TechKind| matches!(k, TechKind::LinkDown { reason } if reason == "it broke");
    assert!(kinds.iter().any(down), "{kinds:?}");
}

/// The strap falls silent in the middle of the session: what the page shows ages from the beat that was measured last.
#[test]
fn a_heart_rate_is_as_old_as_its_last_beat() {
    let mut recording = sample();
    let strap = worn_on(&recording, Segment::Chest);
    let middle = recording.items[recording.items.len() / 2].host();
    recording
        .items
        .retain(|item| !matches!(item, Item::Packet(p) if p.device == strap && p.host > middle));
    let silent_s = middle.since(recording.header.started_host).seconds();
    let mut aged = 0;
    for numbered in analysed(&recording) {
        let Event::Live(live) = numbered.event else {
            continue;
        };
        let since_s = live.t.seconds() - silent_s;
        if let Some(heart) = live.heart.filter(|_| since_s > 0.0) {
            // Straps notify once a second.
            assert!((heart.age_s - since_s).abs() < 1.5, "{since_s}: {heart:?}");
            assert!(heart.stale || since_s < 3.5, "{since_s}: {heart:?}");
            aged += 1;
        }
    }
    assert!(aged > 100);
}
