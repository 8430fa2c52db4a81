//! Little-endian fields of a byte slice, `None` past the end.

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_le_bytes(*field))
}

pub(super) fn i16_at(bytes: &[u8], at: usize) -> Option<i16> {
    u16_at(bytes, at).map(u16::cast_signed)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*field))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*field))
}

pub(super) fn f32_at(bytes: &[u8], at: usize) -> Option<f32> {
    u32_at(bytes, at).map(f32::from_bits)
}

/// Three 16-bit numbers.
pub(super) fn i16x3_at(bytes: &[u8], at: usize) -> Option<[i16; 3]> {
    let axis = |i: usize| i16_at(bytes, at + 2 * i);
    Some([axis(0)?, axis(1)?, axis(2)?])
}

/// Three 32-bit floats; what they are worth is for the next stage to judge.
pub(super) fn f32x3_at(bytes: &[u8], at: usize) -> Option<[f64; 3]> {
    let axis = |i: usize| f32_at(bytes, at + 4 * i).map(f64::from);
    Some([axis(0)?, axis(1)?, axis(2)?])
}

/// An axis of `v` stands within a thousandth of the end of its range, or beyond.
pub(super) fn at_the_end(v: [f64; 3], range: f64) -> bool {
    const SHARE: f64 = 0.999;
    v.iter().any(|x| x.abs() >= SHARE * range)
}

/// A signed integer of 1 to 4 bytes that fills `bytes`.
pub(super) fn signed(bytes: &[u8]) -> i32 {
    let unsigned = bytes
        .iter()
        .rev()
        .fold(0_u32, |value, byte| (value << 8) | u32::from(*byte));
    sign_extend(unsigned, 8 * bytes.len() as u32)
}

/// The low `bits` of `value` as a two's-complement number; `bits` from 1 to 32.
pub(super) fn sign_extend(value: u32, bits: u32) -> i32 {
    let unused = 32 - bits.clamp(1, 32);
    (value << unused).cast_signed() >> unused
}
