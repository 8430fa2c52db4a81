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
