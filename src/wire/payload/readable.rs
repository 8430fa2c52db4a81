//! Samples for people's other programs: a JSON list of flat objects, one a sample. Nothing of ours reads it back.
//!
//! Values are written with the digits of a single-precision number, times with all of theirs.

use super::PayloadError;
use crate::model::{
    sample::{Quality, Sample, StreamKind},
    window::Batch,
};
use serde::{Serialize, Serializer, ser::SerializeMap};

/// Samples of one message: about 40 kB at most.
const MOST_SAMPLES: usize = 200;

struct Row<'a> {
    kind: StreamKind,
    sequence: u64,
    sample: &'a Sample,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self {
            kind,
            sequence,
            sample,
        } = self;
        let mut row = to.serialize_map(None)?;
        row.serialize_entry("sequence", sequence)?;
        row.serialize_entry("t_s", &sample.t.seconds())?;
        row.serialize_entry("t_ns", &sample.t.0)?;
        for (name, value) in kind.channel_names().iter().zip(&sample.values) {
            row.serialize_entry(name, value)?;
        }
        row.serialize_entry("quality", &sample.quality.0)?;
        row.serialize_entry("good", &(sample.quality == Quality::GOOD))?;
        row.end()
    }
}

/// The messages of a batch, its samples in order.
///
/// # Errors
/// None that is known: everything in a batch has a form in JSON.
pub fn encode_readable(batch: &Batch) -> Result<Vec<Vec<u8>>, PayloadError> {
    let kind = batch.stream.kind;
    let rows: Vec<Row> = (batch.first_sequence..)
        .zip(&batch.samples)
        .map(|(sequence, sample)| Row {
            kind,
            sequence,
            sample,
        })
        .collect();
    rows.chunks(MOST_SAMPLES)
        .map(|rows| serde_json::to_vec(rows).map_err(|e| PayloadError::Json(e.to_string())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{packet::DeviceIndex, sample::StreamId, time::SessionNs};

    fn batch(kind: StreamKind, samples: usize) -> Batch {
        let stream = StreamId {
            device: DeviceIndex(2),
            kind,
        };
        let sample = |i| Sample {
            stream,
            t: SessionNs(1_500_000_000 + i * 1_000_000_000),
            values: [0.1, -9.806_65, 1e-7, 0.0, 3.5, 0.25],
            quality: Quality((i % 2) as u8),
        };
        Batch {
            stream,
            first_sequence: 40,
            samples: (0..samples as i64).map(sample).collect(),
        }
    }

    #[test]
    fn a_sample_is_one_flat_object() {
        let texts = encode_readable(&batch(StreamKind::Acc, 2)).unwrap();
        let [text] = &texts[..] else {
            panic!("one message");
        };
        assert_eq!(
            String::from_utf8_lossy(text),
            concat!(
                r#"[{"sequence":40,"t_s":1.5,"t_ns":1500000000,"ax_m_s2":0.1,"ay_m_s2":-9.80665,"az_m_s2":1e-7,"#,
                r#""quality":0,"good":true},"#,
                r#"{"sequence":41,"t_s":2.5,"t_ns":2500000000,"ax_m_s2":0.1,"ay_m_s2":-9.80665,"az_m_s2":1e-7,"#,
                r#""quality":1,"good":false}]"#,
            )
        );
    }

    #[test]
    fn a_long_batch_is_several_messages_that_any_broker_carries() {
        let texts = encode_readable(&batch(StreamKind::Imu, 1000)).unwrap();
        assert_eq!(texts.len(), 5);
        assert!(texts.iter().all(|t| t.len() < 60_000), "{}", texts[0].len());
        let all: Vec<serde_json::Value> = texts
            .iter()
            .flat_map(|t| serde_json::from_slice::<Vec<_>>(t).unwrap())
            .collect();
        assert!(all.iter().zip(40..).all(|(row, i)| row["sequence"] == i));
        assert_eq!(all.len(), 1000);
    }
}
