//! Samples of one stream as CBOR: a map whose arrays are RFC 8746 typed arrays, so that a batch is encoded
//! and decoded by copying.
//!
//! | key | value |
//! |---|---|
//! | `v` | version, 1 |
//! | `dev` | position of the sensor in the session header |
//! | `kind` | name of the stream's kind, such as `imu` |
//! | `seq` | sequence number of the first sample |
//! | `t0` | time of the first sample, ns of the session's clock |
//! | `dt` | time of each sample minus `t0`: u32 little-endian (tag 70), or i64 (tag 79) where that is too small |
//! | `q` | quality marks, u8 each (tag 64) |
//! | `x` | values, f32 little-endian (tag 85), sample after sample, SI units |
//!
//! Nothing is lost but the unused trailing channels of a sample, which are 0. Times need not ascend here.

use super::{PayloadError, VERSION};
use crate::model::{
    packet::DeviceIndex,
    sample::{Quality, Sample, StreamId, StreamKind},
    time::SessionNs,
    window::Batch,
};
use minicbor::{Decoder, Encoder, data::Tag};

const U8_ARRAY: u64 = 64;
const U32_LE_ARRAY: u64 = 70;
const I64_LE_ARRAY: u64 = 79;
const F32_LE_ARRAY: u64 = 85;

/// Far more than there are keys; a map that says it has more is no batch.
const MOST_KEYS: u64 = 32;

type Never = minicbor::encode::Error<std::convert::Infallible>;

/// The bytes of a batch, which has at least one sample.
pub fn encode_batch(batch: &Batch) -> Result<Vec<u8>, PayloadError> {
    let first = batch.samples.first().ok_or(PayloadError::Empty)?;
    let channels = batch.stream.kind.channels();
    let bytes = Vec::with_capacity(64 + batch.samples.len() * (5 + 4 * channels));
    let mut encoder = Encoder::new(bytes);
    fields(&mut encoder, batch, first.t, channels)
        .map_err(|e| PayloadError::Cbor(e.to_string()))?;
    Ok(encoder.into_writer())
}

fn fields(
    e: &mut Encoder<Vec<u8>>,
    batch: &Batch,
    t0: SessionNs,
    channels: usize,
) -> Result<(), Never> {
    e.map(8)?;
    e.str("v")?.u32(VERSION)?;
    e.str("dev")?.u16(batch.stream.device.0)?;
    e.str("kind")?.str(batch.stream.kind.as_str())?;
    e.str("seq")?.u64(batch.first_sequence)?;
    e.str("t0")?.i64(t0.0)?;
    let offsets = || batch.samples.iter().map(|s| s.t.0.wrapping_sub(t0.0));
    let short: Option<Vec<[u8; 4]>> = offsets()
        .map(|dt| u32::try_from(dt).ok().map(u32::to_le_bytes))
        .collect();
    e.str("dt")?;
    if let Some(dt) = short {
        e.tag(Tag::new(U32_LE_ARRAY))?.bytes(dt.as_flattened())?;
    } else {
        let dt: Vec<[u8; 8]> = offsets().map(i64::to_le_bytes).collect();
        e.tag(Tag::new(I64_LE_ARRAY))?.bytes(dt.as_flattened())?;
    }
    let quality: Vec<u8> = batch.samples.iter().map(|s| s.quality.0).collect();
    e.str("q")?.tag(Tag::new(U8_ARRAY))?.bytes(&quality)?;
    let values: Vec<[u8; 4]> = batch
        .samples
        .iter()
        .flat_map(|s| s.values[..channels].iter().map(|v| v.to_le_bytes()))
        .collect();
    e.str("x")?
        .tag(Tag::new(F32_LE_ARRAY))?
        .bytes(values.as_flattened())?;
    Ok(())
}

/// The map as it stands in the bytes.
#[derive(Default)]
struct Raw<'b> {
    version: Option<u32>,
    device: Option<u16>,
    kind: Option<&'b str>,
    first_sequence: Option<u64>,
    t0: Option<i64>,
    offsets: Option<Vec<i64>>,
    quality: Option<&'b [u8]>,
    values: Option<&'b [u8]>,
}

/// Reads a batch back. Memory used is a small multiple of the input's length, whatever the input says.
pub fn decode_batch(bytes: &[u8]) -> Result<Batch, PayloadError> {
    let raw = Raw::read(bytes)?;
    let missing = |key: &str| PayloadError::Cbor(format!("no field {key:?}"));
    match raw.version.ok_or_else(|| missing("v"))? {
        VERSION => {}
        other => return Err(PayloadError::Version(other)),
    }
    let name = raw.kind.ok_or_else(|| missing("kind"))?;
    let kind = StreamKind::ALL
        .into_iter()
        .find(|k| k.as_str() == name)
        .ok_or_else(|| PayloadError::Cbor(format!("no kind of stream is called {name:?}")))?;
    let stream = StreamId {
        device: DeviceIndex(raw.device.ok_or_else(|| missing("dev"))?),
        kind,
    };
    let t0 = raw.t0.ok_or_else(|| missing("t0"))?;
    let offsets = raw.offsets.ok_or_else(|| missing("dt"))?;
    let quality = raw.quality.ok_or_else(|| missing("q"))?;
    let (values, odd) = raw.values.ok_or_else(|| missing("x"))?.as_chunks::<4>();
    let channels = kind.channels();
    let lengths_agree = quality.len() == offsets.len()
        && odd.is_empty()
        && values.len() == offsets.len() * channels;
    if !lengths_agree {
        return Err(PayloadError::Lengths {
            samples: offsets.len(),
            qualities: quality.len(),
            values: values.len(),
            channels,
        });
    }
    if offsets.is_empty() {
        return Err(PayloadError::Empty);
    }
    let samples = offsets.iter().zip(quality).zip(values.chunks(channels));
    Ok(Batch {
        stream,
        first_sequence: raw.first_sequence.ok_or_else(|| missing("seq"))?,
        samples: samples
            .map(|((dt, quality), row)| sample(stream, t0.wrapping_add(*dt), *quality, row))
            .collect(),
    })
}

fn sample(stream: StreamId, t: i64, quality: u8, row: &[[u8; 4]]) -> Sample {
    let mut values = [0.0; 6];
    for (value, bytes) in values.iter_mut().zip(row) {
        *value = f32::from_le_bytes(*bytes);
    }
    Sample {
        stream,
        t: SessionNs(t),
        values,
        quality: Quality(quality),
    }
}

impl<'b> Raw<'b> {
    fn read(bytes: &'b [u8]) -> Result<Self, PayloadError> {
        let mut decoder = Decoder::new(bytes);
        let mut raw = Self::default();
        raw.fields(&mut decoder)
            .map_err(|e| PayloadError::Cbor(e.to_string()))?;
        if decoder.position() != bytes.len() {
            return Err(PayloadError::Cbor("bytes after the map".to_owned()));
        }
        Ok(raw)
    }

    fn fields(&mut self, d: &mut Decoder<'b>) -> Result<(), minicbor::decode::Error> {
        let keys = d
            .map()?
            .filter(|n| *n <= MOST_KEYS)
            .ok_or_else(|| minicbor::decode::Error::message("not a short map"))?;
        for _ in 0..keys {
            match d.str()? {
                "v" => self.version = Some(d.u32()?),
                "dev" => self.device = Some(d.u16()?),
                "kind" => self.kind = Some(d.str()?),
                "seq" => self.first_sequence = Some(d.u64()?),
                "t0" => self.t0 = Some(d.i64()?),
                "dt" => self.offsets = Some(offsets(d)?),
                "q" => self.quality = Some(typed(d, U8_ARRAY)?),
                "x" => self.values = Some(typed(d, F32_LE_ARRAY)?),
                _ => d.skip()?,
            }
        }
        Ok(())
    }
}

fn offsets(d: &mut Decoder) -> Result<Vec<i64>, minicbor::decode::Error> {
    let wrong = || minicbor::decode::Error::message("field \"dt\" is no array of u32 or i64");
    let (tag, bytes) = (d.tag()?.as_u64(), d.bytes()?);
    match tag {
        U32_LE_ARRAY => {
            let (words, rest) = bytes.as_chunks::<4>();
            let words = words.iter().map(|b| u32::from_le_bytes(*b).into());
            rest.is_empty().then(|| words.collect()).ok_or_else(wrong)
        }
        I64_LE_ARRAY => {
            let (words, rest) = bytes.as_chunks::<8>();
            let words = words.iter().map(|b| i64::from_le_bytes(*b));
            rest.is_empty().then(|| words.collect()).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}

fn typed<'b>(d: &mut Decoder<'b>, tag: u64) -> Result<&'b [u8], minicbor::decode::Error> {
    match d.tag()?.as_u64() {
        found if found == tag => d.bytes(),
        found => Err(minicbor::decode::Error::message(format!(
            "typed array with tag {found} instead of {tag}"
        ))),
    }
}
