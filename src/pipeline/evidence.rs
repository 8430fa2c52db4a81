//! Samples to the numbers that a finding rests on: how many, how even, what is known against them.
//! Session time; values in the units of the stream.

use crate::model::{
    evidence::{Channel, Evidence},
    sample::{Quality, Sample, StreamId, StreamKind},
    time::SessionNs,
    window::Window,
};

/// Samples of one stream within `[from, to)`, in its order, with the sequence number of the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Excerpt {
    /// Which stream.
    pub stream: StreamId,
    /// Sequence number of the first sample, where it is known.
    pub first_sequence: Option<u64>,
    /// The samples.
    pub samples: Vec<Sample>,
}

/// Adds what lies in `[from, to)` of a window to the excerpts, which stay in the order of their streams.
pub fn gather(window: &Window, from: SessionNs, to: SessionNs, excerpts: &mut Vec<Excerpt>) {
    for batch in &window.batches {
        for (i, sample) in batch.samples.iter().enumerate() {
            if sample.t < from || sample.t >= to {
                continue;
            }
            match excerpts.binary_search_by_key(&batch.stream, |e| e.stream) {
                Ok(at) => excerpts[at].samples.push(*sample),
                Err(at) => excerpts.insert(
                    at,
                    Excerpt {
                        stream: batch.stream,
                        first_sequence: Some(batch.first_sequence + i as u64),
                        samples: vec![*sample],
                    },
                ),
            }
        }
    }
}

/// Counts an excerpt.
#[must_use]
pub fn evidence(excerpt: &Excerpt, from: SessionNs, to: SessionNs) -> Evidence {
    let samples = &excerpt.samples;
    let marked = |mark: Quality| {
        let n = samples.iter().filter(|s| s.quality.has(mark)).count();
        u32::try_from(n).unwrap_or(u32::MAX)
    };
    Evidence {
        stream: excerpt.stream,
        from,
        to,
        first_sequence: excerpt.first_sequence,
        samples: u32::try_from(samples.len()).unwrap_or(u32::MAX),
        rate_hz: rate_hz(samples),
        longest_gap_ms: longest_gap_ms(samples, from, to),
        interpolated: marked(Quality::INTERPOLATED),
        clipped: marked(Quality::CLIPPED),
        not_finite: marked(Quality::NOT_FINITE),
        no_contact: marked(Quality::NO_CONTACT),
        clock_unsure: marked(Quality::CLOCK_UNSURE),
        channels: channels(excerpt),
    }
}

fn rate_hz(samples: &[Sample]) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    let span_s = last.t.seconds() - first.t.seconds();
    (span_s > 0.0).then(|| (samples.len() - 1) as f64 / span_s)
}

fn longest_gap_ms(samples: &[Sample], from: SessionNs, to: SessionNs) -> f64 {
    let measured = samples.iter().filter(|s| s.quality.is_measured());
    let mut last = from;
    let mut longest = 0;
    for t in measured.map(|s| s.t).chain([to]) {
        longest = longest.max(t.0 - last.0);
        last = t;
    }
    longest as f64 * 1e-6
}

fn channels(excerpt: &Excerpt) -> Vec<Channel> {
    let size = |v: [f64; 3]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let acceleration: fn(&Sample) -> [f64; 3] = Sample::acceleration;
    let of = |name, unit, value: &dyn Fn(&Sample) -> f64| channel(name, unit, excerpt, value);
    let acc = || of("acceleration", "m/s2", &|s| size(acceleration(s)));
    let first = |name, unit| of(name, unit, &|s| f64::from(s.values[0]));
    let all = match excerpt.stream.kind {
        StreamKind::Imu => vec![
            acc(),
            of("angular rate", "deg/s", &|s| {
                size(s.angular_rate()).to_degrees()
            }),
        ],
        StreamKind::Acc => vec![acc()],
        StreamKind::HeartRate => vec![first("heart rate", "/min")],
        StreamKind::Rr => vec![first("beat interval", "ms")],
        StreamKind::Ecg => vec![first("ECG", "uV")],
        StreamKind::Battery => vec![first("charge", "%")],
    };
    all.into_iter().flatten().collect()
}

fn channel(
    name: &'static str,
    unit: &'static str,
    excerpt: &Excerpt,
    value: &dyn Fn(&Sample) -> f64,
) -> Option<Channel> {
    let values: Vec<f64> = excerpt
        .samples
        .iter()
        .filter(|s| s.quality.is_measured())
        .map(value)
        .collect();
    (!values.is_empty()).then(|| Channel {
        name,
        unit,
        min: values.iter().copied().fold(f64::INFINITY, f64::min),
        mean: values.iter().sum::<f64>() / values.len() as f64,
        max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::packet::DeviceIndex;

    const STREAM: StreamId = StreamId {
        device: DeviceIndex(0),
        kind: StreamKind::Acc,
    };

    fn excerpt(times_ms: &[i64], marked: usize) -> Excerpt {
        let sample = |(i, t): (usize, &i64)| Sample {
            stream: STREAM,
            t: SessionNs(t * 1_000_000),
            values: [3.0, 0.0, 4.0, 0.0, 0.0, 0.0],
            quality: if i == marked {
                Quality::CLIPPED
            } else {
                Quality::GOOD
            },
        };
        Excerpt {
            stream: STREAM,
            first_sequence: Some(7),
            samples: times_ms.iter().enumerate().map(sample).collect(),
        }
    }

    #[test]
    fn a_clipped_sample_leaves_a_gap() {
        let e = evidence(
            &excerpt(&[0, 10, 20, 30, 40], 2),
            SessionNs(0),
            SessionNs(45_000_000),
        );
        assert_eq!((e.samples, e.clipped, e.interpolated), (5, 1, 0));
        assert!((e.longest_gap_ms - 20.0).abs() < 1e-9, "{e:?}");
        assert!((e.rate_hz.unwrap_or(0.0) - 100.0).abs() < 1e-9);
        assert!((e.channels[0].mean - 5.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_measured_is_one_gap_and_no_numbers() {
        let e = evidence(&excerpt(&[10], 0), SessionNs(0), SessionNs(50_000_000));
        assert!((e.longest_gap_ms - 50.0).abs() < 1e-9);
        assert!(e.channels.is_empty() && e.rate_hz.is_none());
    }
}
