//! Polar's delta compression: a reference sample, then blocks of differences packed to the bit.
//!
//! A block is width u8 (bits), count u8, then `ceil(width * count * channels / 8)` bytes read as one
//! little-endian bit string, least significant bit first; differences are two's complement of `width`
//! bits, sample by sample, channel by channel, and wrap at 32 bits.

use super::super::{DecodeError, bytes::Bytes};

/// Width and count of one block.
pub type Block = (u8, u8);

/// Reads a reference sample of `channels` numbers of `width` bytes and all blocks after it.
///
/// Samples are appended to `out`, `channels` numbers each; the blocks' widths and counts to `blocks`.
/// Returns how many bytes are left over.
///
/// # Errors
/// It ends inside the reference or a block, or a block is wider than 32 bits; whole blocks stay.
pub fn delta(
    bytes: &[u8],
    channels: usize,
    width: usize,
    out: &mut Vec<i32>,
    blocks: &mut Vec<Block>,
) -> Result<usize, DecodeError> {
    let mut b = Bytes::new("delta frame", bytes);
    let mut last = out.len();
    for _ in 0..channels {
        out.push(b.signed(width)?);
    }
    while b.left() >= 2 {
        let (bits, count) = (b.u8()?, b.u8()?);
        if bits > 32 {
            return Err(DecodeError::Value {
                what: "delta width",
                value: bits.into(),
            });
        }
        let total = usize::from(bits) * usize::from(count) * channels;
        let packed = b.take(total.div_ceil(8))?;
        for k in 0..usize::from(count) * channels {
            let difference = signed_bits(packed, k * usize::from(bits), u32::from(bits));
            let previous = out[last + k];
            out.push(previous.wrapping_add(difference));
        }
        last += usize::from(count) * channels;
        blocks.push((bits, count));
    }
    Ok(b.left())
}

/// `bits` bits from bit `at`, sign-extended; 0 bits are 0.
fn signed_bits(packed: &[u8], at: usize, bits: u32) -> i32 {
    if bits == 0 {
        return 0;
    }
    let mut value: u64 = 0;
    let (first, shift) = (at / 8, at % 8);
    for (i, byte) in packed.iter().skip(first).take(5).enumerate() {
        value |= u64::from(*byte) << (8 * i);
    }
    let raw = (value >> shift) as u32;
    let unused = 32 - bits;
    ((raw << unused) as i32) >> unused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_blocks_of_three_bits() {
        let bytes = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 3, 3, 0xaa, 0xaa, 0xcc, 0xcf, 3, 2, 0xaa, 0xaa,
            0xcc,
        ];
        let (mut out, mut blocks) = (Vec::new(), Vec::new());
        assert_eq!(delta(&bytes, 3, 2, &mut out, &mut blocks).unwrap(), 0);
        assert_eq!(
            out,
            [
                -1, -1, -1, 1, -4, 1, -2, -2, 2, 1, -4, 1, 3, -7, 3, 0, -5, 4
            ]
        );
        assert_eq!(blocks, [(3, 3), (3, 2)]);
    }

    #[test]
    fn no_bits_repeat_and_too_many_are_refused() {
        let (mut out, mut blocks) = (Vec::new(), Vec::new());
        delta(&[1, 0, 0, 3], 1, 2, &mut out, &mut blocks).unwrap();
        assert_eq!(out, [1, 1, 1, 1]);
        assert!(delta(&[1, 0, 33, 1, 0, 0, 0, 0, 0], 1, 2, &mut out, &mut blocks).is_err());
    }
}
