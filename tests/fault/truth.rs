//! What the store must hold: what comes out of the recording, no more, no less.

use plimsoll::{
    model::{
        event::{Event, Numbered},
        session::SessionId,
        window::Window,
    },
    pipeline::{analysis::Params, batch},
    store::Store,
    wire::{plan, recording},
};
use std::{fs, path::Path};

/// What was compared.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    pub windows: u64,
    pub samples: u64,
    pub events: u64,
}

impl Counts {
    pub fn add(&mut self, other: Self) {
        self.windows += other.windows;
        self.samples += other.samples;
        self.events += other.events;
    }
}

/// Compares the session in the store with its recording: windows, samples, findings, to the last bit.
pub fn same(store: &Path, recording: &Path) -> Counts {
    let recorded = recording::read(&fs::read(recording).unwrap()).unwrap();
    let session = &recorded.header.session;
    let store = Store::open(store).unwrap();
    let report = store.verify(session).unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    let mut windows = Vec::new();
    batch::windows(&recorded.header, &recorded.items, |w| {
        windows.push(w.clone());
    })
    .unwrap();
    let stored = stored_windows(&store, session);
    assert_eq!(stored.len(), windows.len(), "windows");
    for (stored, window) in stored.iter().zip(&windows) {
        assert_eq!(stored, window, "window {}", window.manifest.index);
    }
    let plan = recorded
        .plan_text
        .as_deref()
        .map(|text| plan::parse(text).unwrap().plan);
    let params = Params::default();
    let mut events: Vec<Numbered> =
        batch::analyse(&params, &recorded.header, plan.as_ref(), &recorded.items).unwrap();
    events.retain(|n| !matches!(n.event, Event::Live(_)));
    let stored = store.events(session).unwrap();
    assert_eq!(stored.len(), events.len(), "events");
    for (stored, event) in stored.iter().zip(&events) {
        assert_eq!(stored, event, "event {}", event.sequence);
    }
    let samples = windows.iter().flat_map(|w| &w.batches);
    Counts {
        windows: windows.len() as u64,
        samples: samples.map(|b| b.samples.len() as u64).sum(),
        events: events.len() as u64,
    }
}

/// What was recorded is what was played, up to where it ends; how many items that are.
pub fn played(recording: &Path, sample: &Path) -> usize {
    let read = |path| recording::read(&fs::read(path).unwrap()).unwrap().items;
    let (recorded, played) = (read(recording), read(sample));
    assert!(recorded.len() <= played.len(), "{} items", recorded.len());
    let same = recorded.iter().zip(&played).take_while(|(a, b)| a == b);
    assert_eq!(same.count(), recorded.len(), "items as they were played");
    recorded.len()
}

fn stored_windows(store: &Store, session: &SessionId) -> Vec<Window> {
    store.windows(session, 0, usize::MAX).unwrap()
}
