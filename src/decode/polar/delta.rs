//! Polar's delta compression: a reference sample, then blocks of bit-packed differences.
//!
//! Block: width in bits u8, count u8, then `count` samples of `channels` two's-complement differences,
//! least significant bit first, padded to a whole byte. Width 0 repeats the previous sample.

use crate::decode::{
    bytes::{sign_extend, signed},
    driver::DecodeError,
};

/// More samples than any real frame holds; bounds what width-0 blocks can ask for.
pub const MAX_SAMPLES: usize = 4096;

/// Shape of one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Values a sample.
    pub channels: usize,
    /// Bytes of a value in the reference sample, 1 to 4.
    pub bytes: usize,
}

impl Shape {
    /// Bytes of one whole sample.
    #[must_use]
    pub const fn sample_bytes(self) -> usize {
        self.channels * self.bytes
    }
}

/// Replaces `out` with the samples of `data`, sample by sample, channel by channel.
///
/// # Errors
/// If a block is cut off, wider than 32 bits, or the frame is impossibly long.
pub fn decompress(data: &[u8], shape: Shape, out: &mut Vec<i32>) -> Result<(), DecodeError> {
    out.clear();
    let short = |needed| DecodeError::Short {
        what: "delta frame",
        needed,
        got: data.len(),
    };
    let reference = data
        .get(..shape.sample_bytes())
        .ok_or(short(shape.sample_bytes()))?;
    out.extend(reference.chunks_exact(shape.bytes).map(signed));
    let mut at = shape.sample_bytes();
    while let Some((block, length)) = block(data, at)? {
        let bytes = (block.width * block.samples * shape.channels).div_ceil(8);
        at += length;
        let packed = data.get(at..at + bytes).ok_or(short(at + bytes))?;
        at += bytes;
        unpack(packed, block, shape.channels, out)?;
    }
    Ok(())
}

/// Width and count of every block of `data`.
///
/// # Errors
/// As [`decompress`].
pub fn blocks(data: &[u8], shape: Shape) -> Result<Vec<(u8, u8)>, DecodeError> {
    let mut found = Vec::new();
    let mut at = shape.sample_bytes();
    while let Some((block, length)) = block(data, at)? {
        found.push((block.width as u8, block.samples as u8));
        at += length + (block.width * block.samples * shape.channels).div_ceil(8);
    }
    Ok(found)
}

#[derive(Clone, Copy)]
struct Block {
    width: usize,
    samples: usize,
}

/// The block header at `at` and its length; `None` at the end.
fn block(data: &[u8], at: usize) -> Result<Option<(Block, usize)>, DecodeError> {
    match data.get(at..) {
        None | Some([]) => Ok(None),
        Some([_]) => Err(DecodeError::Short {
            what: "delta block header",
            needed: at + 2,
            got: data.len(),
        }),
        Some([width, _, ..]) if *width > 32 => Err(DecodeError::Value {
            what: "delta width in bits",
            value: (*width).into(),
        }),
        Some([width, samples, ..]) => Ok(Some((
            Block {
                width: (*width).into(),
                samples: (*samples).into(),
            },
            2,
        ))),
    }
}

fn unpack(
    packed: &[u8],
    block: Block,
    channels: usize,
    out: &mut Vec<i32>,
) -> Result<(), DecodeError> {
    let values = block.samples * channels;
    if out.len() + values > MAX_SAMPLES * channels {
        return Err(DecodeError::Value {
            what: "number of samples in a delta frame",
            value: ((out.len() + values) / channels.max(1)) as u64,
        });
    }
    for i in 0..values {
        let previous = out[out.len() - channels];
        out.push(previous.wrapping_add(difference(packed, i * block.width, block.width)));
    }
    Ok(())
}

/// `width` bits from bit `from`, bit 0 of byte 0 being the first, as a signed number.
fn difference(packed: &[u8], from: usize, width: usize) -> i32 {
    if width == 0 {
        return 0;
    }
    let bytes = packed.iter().skip(from / 8).take(5);
    let word = bytes
        .enumerate()
        .fold(0_u64, |word, (i, byte)| word | u64::from(*byte) << (8 * i));
    sign_extend((word >> (from % 8)) as u32, width as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIPLE: Shape = Shape {
        channels: 3,
        bytes: 2,
    };

    #[test]
    fn two_blocks_least_significant_bit_first() {
        // From the vendor's iOS tests.
        let data = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x03, 0x03, 0xaa, 0xaa, 0xcc, 0xcf, 0x03, 0x02,
            0xaa, 0xaa, 0xcc,
        ];
        let mut out = Vec::new();
        decompress(&data, TRIPLE, &mut out).unwrap();
        assert_eq!(
            out,
            [
                -1, -1, -1, 1, -4, 1, -2, -2, 2, 1, -4, 1, 3, -7, 3, 0, -5, 4
            ]
        );
        assert_eq!(blocks(&data, TRIPLE), Ok(vec![(3, 3), (3, 2)]));
    }

    #[test]
    fn width_0_repeats_and_width_33_is_an_error() {
        let mut out = Vec::new();
        decompress(&[1, 0, 2, 0, 3, 0, 0, 2], TRIPLE, &mut out).unwrap();
        assert_eq!(out, [1, 2, 3, 1, 2, 3, 1, 2, 3]);
        assert!(decompress(&[1, 0, 2, 0, 3, 0, 33, 1], TRIPLE, &mut out).is_err());
    }

    #[test]
    fn endless_repetition_is_refused() {
        let mut data = vec![0; 6];
        data.extend([0, 255].repeat(100));
        assert!(decompress(&data, TRIPLE, &mut Vec::new()).is_err());
    }
}
