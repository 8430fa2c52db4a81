//! Samples as lines of the line protocol. A value that cannot stand in a line is an error, never a line that says
//! something else.

use crate::model::{sample::Sample, time::SessionNs, window::Batch};
use std::fmt::Write;

/// Why samples cannot be written as lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// The protocol knows neither NaN nor infinity.
    #[error("sample {sequence} has a value that is no number")]
    NotANumber {
        /// Which.
        sequence: u64,
    },
    /// A tag with a line break or another control character, or a backslash at its end, reads as something else.
    #[error("{0:?} cannot be a tag")]
    Tag(String),
    /// Above what its integers hold.
    #[error("sequence number {0} is too large")]
    Sequence(u64),
}

/// Times of points: whole milliseconds since 1970, ascending in a stream and never twice the same, so that two samples
/// are never taken for one. The same samples in the same order give the same times: what is sent twice is there once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamps {
    begin_ms: i64,
    last_ms: Option<i64>,
}

impl Stamps {
    /// Of a session that began at `begin_ms` and of whose stream `last_ms` was the last given.
    #[must_use]
    pub fn new(begin_ms: i64, last_ms: Option<i64>) -> Self {
        Self { begin_ms, last_ms }
    }

    /// The time of the next sample, ms since 1970.
    pub fn next(&mut self, t: SessionNs) -> i64 {
        let own = self.begin_ms.saturating_add(t.0.div_euclid(1_000_000));
        let free = self
            .last_ms
            .map_or(own, |last| own.max(last.saturating_add(1)));
        self.last_ms = Some(free);
        free
    }

    /// The last that was given.
    #[must_use]
    pub fn last_ms(&self) -> Option<i64> {
        self.last_ms
    }
}

/// Lines of a batch, one a sample.
///
/// # Errors
/// A value or name that cannot stand in a line; `stamps` is then as it was.
pub fn lines(session: &str, batch: &Batch, stamps: &mut Stamps) -> Result<String, Unwritable> {
    let mut next = *stamps;
    let head = format!(
        "{},device={},session={} ",
        batch.stream.kind.as_str(),
        batch.stream.device.0,
        tag(session)?
    );
    let channels = batch.stream.kind.channel_names();
    let mut out = String::with_capacity(batch.samples.len() * 160);
    let mut digits = ryu::Buffer::new();
    for (sequence, sample) in (batch.first_sequence..).zip(&batch.samples) {
        out.push_str(&head);
        let number = i64::try_from(sequence).map_err(|_| Unwritable::Sequence(sequence))?;
        for (name, value) in channels.iter().zip(&sample.values) {
            if !value.is_finite() {
                return Err(Unwritable::NotANumber { sequence });
            }
            out.push_str(name);
            out.push('=');
            out.push_str(digits.format_finite(*value));
            out.push(',');
        }
        let zeros = negative_zeros(sample, channels.len());
        // Writing to a string does not fail.
        if zeros != 0 {
            let _ = write!(out, "negative_zero={zeros}i,");
        }
        let (t, quality, stamp) = (sample.t.0, sample.quality.0, next.next(sample.t));
        let _ = writeln!(
            out,
            "quality={quality}i,sequence={number}i,t_ns={t}i {stamp}"
        );
    }
    *stamps = next;
    Ok(out)
}

/// Channels that are -0, as bits: a server may give back 0 for it.
fn negative_zeros(sample: &Sample, channels: usize) -> u8 {
    let values = sample.values.iter().take(channels).enumerate();
    values
        .filter(|(_, v)| **v == 0.0 && v.is_sign_negative())
        .fold(0, |bits, (i, _)| bits | 1 << i)
}

/// A value of a tag, escaped.
fn tag(value: &str) -> Result<String, Unwritable> {
    if value.is_empty() || value.ends_with('\\') || value.contains(char::is_control) {
        return Err(Unwritable::Tag(value.to_owned()));
    }
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, ',' | '=' | ' ') {
            out.push('\\');
        }
        out.push(c);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        packet::DeviceIndex,
        sample::{Quality, StreamId, StreamKind},
    };
    use proptest::prelude::*;

    fn batch(kind: StreamKind, first_sequence: u64, samples: &[(i64, [f32; 6])]) -> Batch {
        let stream = StreamId {
            device: DeviceIndex(2),
            kind,
        };
        let sample = |&(t, values): &(i64, [f32; 6])| Sample {
            stream,
            t: SessionNs(t),
            values,
            quality: Quality::CLIPPED,
        };
        Batch {
            stream,
            first_sequence,
            samples: samples.iter().map(sample).collect(),
        }
    }

    #[test]
    fn a_sample_is_a_line() {
        let samples = [(1_500_000, [62.0, 0.0, 0.0, 0.0, 0.0, 0.0])];
        let batch = batch(StreamKind::HeartRate, 7, &samples);
        let mut stamps = Stamps::new(1_700_000_000_000, None);
        assert_eq!(
            lines("a b,c=d", &batch, &mut stamps).unwrap(),
            "heart_rate,device=2,session=a\\ b\\,c\\=d bpm=62.0,quality=4i,sequence=7i,t_ns=1500000i 1700000000001\n"
        );
        assert_eq!(stamps.last_ms(), Some(1_700_000_000_001));
    }

    #[test]
    fn no_number_is_no_line() {
        let mut stamps = Stamps::new(0, Some(5));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let samples = [(0, [1.0; 6]), (1, [0.0, 0.0, 0.0, 0.0, 0.0, bad])];
            let refused = lines("s", &batch(StreamKind::Imu, 3, &samples), &mut stamps);
            assert_eq!(refused, Err(Unwritable::NotANumber { sequence: 4 }));
        }
        assert_eq!(stamps.last_ms(), Some(5));
        // What a stream does not have is not looked at.
        let samples = [(0, [60.0, f32::NAN, 0.0, 0.0, 0.0, 0.0])];
        lines("s", &batch(StreamKind::HeartRate, 0, &samples), &mut stamps).unwrap();
    }

    #[test]
    fn what_would_read_as_another_line_is_refused() {
        let batch = batch(StreamKind::HeartRate, 0, &[(0, [60.0; 6])]);
        for bad in ["", "a\nimu b=1", "a\r", "a\\", "\u{0}"] {
            let mut stamps = Stamps::new(0, None);
            let refused = lines(bad, &batch, &mut stamps);
            assert_eq!(refused, Err(Unwritable::Tag(bad.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn no_two_points_of_a_stream_have_one_time(times in prop::collection::vec(-5_000_000_i64..5_000_000, 1..60)) {
            let mut stamps = Stamps::new(1_000_000, None);
            let mut last = i64::MIN;
            for t in times {
                let stamp = stamps.next(SessionNs(t));
                prop_assert!(stamp > last && stamp >= 1_000_000 + t.div_euclid(1_000_000));
                last = stamp;
            }
        }

        #[test]
        fn a_line_is_one_line(session in "\\PC{1,20}", t in any::<i64>(), value in any::<f32>()) {
            let batch = batch(StreamKind::Rr, 0, &[(t, [value; 6])]);
            if let Ok(text) = lines(&session, &batch, &mut Stamps::new(0, None)) {
                prop_assert_eq!(text.matches('\n').count(), 1);
                prop_assert!(text.ends_with('\n') && value.is_finite());
            }
        }
    }
}
