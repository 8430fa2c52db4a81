//! Messages of the bus back to windows: whole, in order, each once.
//!
//! A broker may deliver twice and mixes the order of topics; the table of contents of each window says
//! what belongs to it. A window whose parts do not come is given up after [`Params::patience_windows`]
//! later ones have come, and the loss is written into it: data is never missing in silence. Pure: what
//! arrives comes in as arguments.

use crate::model::{
    sample::StreamId,
    session::{TechEvent, TechKind},
    time::SessionNs,
    window::{Batch, BatchRef, Manifest, WINDOW_NS, Window},
};
use std::collections::BTreeMap;

/// How long to wait for stragglers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Params {
    /// Windows that must have come after an incomplete one before it is given up; 50 are 5 s.
    pub patience_windows: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            patience_windows: 50,
        }
    }
}

/// Puts the windows of one session together.
#[derive(Debug, Default)]
pub struct Assembler {
    params: Params,
    next: u64,
    last_end: SessionNs,
    manifests: BTreeMap<u64, Manifest>,
    loose: BTreeMap<(StreamId, u64), Batch>,
    delivered: BTreeMap<StreamId, u64>,
}

impl Assembler {
    /// An assembler that waits as `params` say, beginning with window 0.
    #[must_use]
    pub fn new(params: Params) -> Self {
        Self {
            params,
            ..Self::default()
        }
    }

    /// The window it waits for.
    #[must_use]
    pub fn next_window(&self) -> u64 {
        self.next
    }

    /// A batch came. Doubles are dropped.
    pub fn batch(&mut self, batch: Batch, out: &mut Vec<Window>) {
        let seen = self.delivered.get(&batch.stream).copied().unwrap_or(0);
        if batch.first_sequence >= seen {
            self.loose
                .insert((batch.stream, batch.first_sequence), batch);
            self.release(out);
        }
    }

    /// A table of contents came. Doubles are dropped.
    pub fn manifest(&mut self, manifest: Manifest, out: &mut Vec<Window>) {
        if manifest.index >= self.next {
            self.manifests.insert(manifest.index, manifest);
            self.release(out);
        }
    }

    fn release(&mut self, out: &mut Vec<Window>) {
        while let Some(window) = self.complete().or_else(|| self.give_up()) {
            self.next = window.manifest.index + 1;
            self.last_end = window.manifest.end;
            out.push(window);
        }
    }

    /// The next window if all of it is here.
    fn complete(&mut self) -> Option<Window> {
        let manifest = self.manifests.get(&self.next)?;
        if !manifest
            .batches
            .iter()
            .all(|b| self.loose.contains_key(&(b.stream, b.first_sequence)))
        {
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

    /// The next window without what did not come, if patience is at its end.
    fn give_up(&mut self) -> Option<Window> {
        let newest = *self.manifests.keys().next_back()?;
        if newest < self.next + self.params.patience_windows {
            return None;
        }
        let mut manifest = self
            .manifests
            .remove(&self.next)
            .unwrap_or_else(|| self.lost_manifest());
        let mut batches = Vec::new();
        for named in manifest.batches.clone() {
            match self.take(named) {
                Some(batch) => batches.push(batch),
                None => manifest.tech.push(lost(named, manifest.end)),
            }
        }
        Some(Window { manifest, batches })
    }

    /// Stands for a table of contents that never came: it names nothing, and says so.
    fn lost_manifest(&self) -> Manifest {
        let end = SessionNs(self.last_end.0 + WINDOW_NS);
        let kind = TechKind::WindowLost { index: self.next };
        Manifest {
            index: self.next,
            end,
            commands: Vec::new(),
            tech: vec![TechEvent {
                t: end,
                device: None,
                kind,
            }],
            batches: Vec::new(),
            last: false,
        }
    }

    fn take(&mut self, named: BatchRef) -> Option<Batch> {
        let batch = self.loose.remove(&(named.stream, named.first_sequence));
        let through = named.first_sequence + u64::from(named.count);
        let seen = self.delivered.entry(named.stream).or_default();
        *seen = (*seen).max(through);
        batch
    }
}

fn lost(named: BatchRef, t: SessionNs) -> TechEvent {
    TechEvent {
        t,
        device: Some(named.stream.device),
        kind: TechKind::BatchLost {
            stream: named.stream,
            first_sequence: named.first_sequence,
            count: named.count,
        },
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
        let samples = (0..3)
            .map(|i| Sample {
                stream: stream(),
                t: SessionNs(((first_sequence + i) * 10) as i64),
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
        /// Any order within the patience, any doubles: the same windows, once each.
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
            let mut assembler = Assembler::new(Params::default());
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

    #[test]
    fn a_lost_batch_is_named_in_its_window() {
        let mut assembler = Assembler::new(Params {
            patience_windows: 2,
        });
        let mut out = Vec::new();
        assembler.manifest(window(0).manifest, &mut out);
        for index in 1..=2 {
            let w = window(index);
            assembler.batch(w.batches[0].clone(), &mut out);
            assembler.manifest(w.manifest, &mut out);
        }
        assert_eq!(out.len(), 3);
        assert!(out[0].batches.is_empty());
        assert!(matches!(
            out[0].manifest.tech[0].kind,
            TechKind::BatchLost { count: 3, .. }
        ));
    }

    #[test]
    fn a_lost_table_of_contents_leaves_a_named_hole() {
        let mut assembler = Assembler::new(Params {
            patience_windows: 2,
        });
        let mut out = Vec::new();
        for index in [0, 2, 3] {
            let w = window(index);
            assembler.batch(w.batches[0].clone(), &mut out);
            assembler.manifest(w.manifest, &mut out);
        }
        assert_eq!(
            out.iter().map(|w| w.manifest.index).collect::<Vec<_>>(),
            [0, 1, 2, 3]
        );
        assert!(matches!(
            out[1].manifest.tech[0].kind,
            TechKind::WindowLost { index: 1 }
        ));
    }
}
