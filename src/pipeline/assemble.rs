//! Messages of the bus back to windows: whole, in order, each once.
//!
//! A broker may deliver twice and mixes the order of topics; the table of contents of each window says
//! what belongs to it. A window whose parts have not come is waited for: whoever sends keeps it until it is
//! acknowledged, and sends it again. What lies further ahead than [`REACH`] is not held. Pure: what arrives
//! comes in as arguments.

use super::delivery::REACH;
use crate::model::{
    sample::StreamId,
    time::SessionNs,
    window::{Batch, BatchRef, Manifest, WINDOW_NS, Window},
};
use std::collections::BTreeMap;

/// Puts the windows of one session together.
#[derive(Debug, Default)]
pub struct Assembler {
    next: u64,
    manifests: BTreeMap<u64, Manifest>,
    loose: BTreeMap<(StreamId, u64), Batch>,
    delivered: BTreeMap<StreamId, u64>,
}

impl Assembler {
    /// An assembler whose first window is `next`: those before are there already.
    #[must_use]
    pub fn from_window(next: u64) -> Self {
        Self {
            next,
            ..Self::default()
        }
    }

    /// The window it waits for.
    #[must_use]
    pub fn next_window(&self) -> u64 {
        self.next
    }

    /// The furthest window whose table of contents is here, if it is not the one that is waited for.
    #[must_use]
    pub fn ahead(&self) -> u64 {
        let newest = self.manifests.keys().next_back();
        newest.map_or(0, |newest| newest - self.next)
    }

    /// A batch came. Doubles are dropped.
    pub fn batch(&mut self, batch: Batch, out: &mut Vec<Window>) {
        let seen = self.delivered.get(&batch.stream).copied().unwrap_or(0);
        // No sample is from after the end of its window.
        let reach = SessionNs(((self.next + REACH) as i64).saturating_mul(WINDOW_NS));
        let in_reach = batch.samples.first().is_some_and(|s| s.t <= reach);
        if batch.first_sequence >= seen && in_reach {
            self.loose
                .insert((batch.stream, batch.first_sequence), batch);
            self.release(out);
        }
    }

    /// A table of contents came. Doubles are dropped.
    pub fn manifest(&mut self, manifest: Manifest, out: &mut Vec<Window>) {
        if (self.next..self.next + REACH).contains(&manifest.index) {
            self.manifests.insert(manifest.index, manifest);
            self.release(out);
        }
    }

    fn release(&mut self, out: &mut Vec<Window>) {
        while let Some(window) = self.complete() {
            self.next = window.manifest.index + 1;
            out.push(window);
        }
    }

    /// The next window if all of it is here.
    fn complete(&mut self) -> Option<Window> {
        let manifest = self.manifests.get(&self.next)?;
        let here = |b: &BatchRef| self.loose.contains_key(&(b.stream, b.first_sequence));
        if !manifest.batches.iter().all(here) {
            return None;
        }
        let manifest = self.manifests.remove(&self.next)?;
        let batches = manifest
            .batches
            .iter()
            .filter_map(|b| self.take(*b))
            .collect();
        Some(Window { manifest, batches })
    }

    fn take(&mut self, named: BatchRef) -> Option<Batch> {
        let batch = self.loose.remove(&(named.stream, named.first_sequence));
        let through = named.first_sequence + u64::from(named.count);
        let seen = self.delivered.entry(named.stream).or_default();
        *seen = (*seen).max(through);
        // Doubles of windows that were there before the first that was waited for.
        while let Some(((stream, first), _)) = self
            .loose
            .range((named.stream, 0)..(named.stream, through))
            .next()
        {
            let key = (*stream, *first);
            self.loose.remove(&key);
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        packet::DeviceIndex,
        sample::{Quality, Sample, StreamKind},
    };
    use proptest::prelude::*;

    fn stream() -> StreamId {
        StreamId {
            device: DeviceIndex(0),
            kind: StreamKind::Imu,
        }
    }

    fn window(index: u64) -> Window {
        let first_sequence = index * 3;
        // Times as they are in a session: within the window or before.
        let samples = (0..3)
            .map(|i| Sample {
                stream: stream(),
                t: SessionNs(index as i64 * WINDOW_NS + i64::from(i)),
                values: [0.0; 6],
                quality: Quality::GOOD,
            })
            .collect();
        let named = BatchRef {
            stream: stream(),
            first_sequence,
            count: 3,
        };
        Window {
            manifest: Manifest {
                index,
                end: SessionNs((index as i64 + 1) * WINDOW_NS),
                commands: vec![],
                tech: vec![],
                batches: vec![named],
                last: false,
            },
            batches: vec![Batch {
                stream: stream(),
                first_sequence,
                samples,
            }],
        }
    }

    enum Message {
        Batch(Batch),
        Manifest(Manifest),
    }

    proptest! {
        /// Any order, any doubles: the same windows, once each.
        #[test]
        fn order_and_doubles_do_not_matter(keys in prop::collection::vec(0u64..20, 60), doubles in prop::collection::vec(any::<bool>(), 60)) {
            let windows: Vec<_> = (0..30).map(window).collect();
            let mut messages = Vec::new();
            for (i, w) in windows.iter().enumerate() {
                for (part, key) in [(0, keys[2 * i]), (1, keys[2 * i + 1])] {
                    let copies = 1 + usize::from(doubles[2 * i + part]);
                    for _ in 0..copies {
                        let message = if part == 0 { Message::Batch(w.batches[0].clone()) } else { Message::Manifest(w.manifest.clone()) };
                        messages.push((i as u64 + key, message));
                    }
                }
            }
            messages.sort_by_key(|(key, _)| *key);
            let mut assembler = Assembler::default();
            let mut out = Vec::new();
            for (_, message) in messages {
                match message {
                    Message::Batch(b) => assembler.batch(b, &mut out),
                    Message::Manifest(m) => assembler.manifest(m, &mut out),
                }
            }
            prop_assert_eq!(out, windows);
        }
    }

    fn whole(assembler: &mut Assembler, w: &Window, out: &mut Vec<Window>) {
        for batch in &w.batches {
            assembler.batch(batch.clone(), out);
        }
        assembler.manifest(w.manifest.clone(), out);
    }

    #[test]
    fn a_part_that_is_missing_is_waited_for() {
        let (mut assembler, mut out) = (Assembler::default(), Vec::new());
        assembler.manifest(window(0).manifest, &mut out);
        for index in 1..REACH {
            whole(&mut assembler, &window(index), &mut out);
        }
        assert_eq!((out.len(), assembler.ahead()), (0, REACH - 1));
        whole(&mut assembler, &window(0), &mut out);
        assert_eq!(out.len() as u64, REACH);
        assert!(out.iter().zip(0..).all(|(w, index)| *w == window(index)));
    }

    #[test]
    fn what_is_out_of_reach_is_not_held() {
        let (mut assembler, mut out) = (Assembler::default(), Vec::new());
        for index in REACH..REACH * 3 {
            whole(&mut assembler, &window(index), &mut out);
        }
        assert!(assembler.manifests.is_empty());
        // Samples carry times, not windows: those of the last window within reach are held.
        assert!(assembler.loose.len() <= 1 + 1);
    }

    #[test]
    fn begun_later_it_does_not_keep_what_was_there_before() {
        let (mut assembler, mut out) = (Assembler::from_window(10), Vec::new());
        for index in 5..12 {
            whole(&mut assembler, &window(index), &mut out);
        }
        assert_eq!(out.len(), 2);
        assert!(assembler.loose.is_empty());
    }
}
