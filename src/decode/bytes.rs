//! Reading little-endian numbers off a packet: a value or an error, never past the end.

use super::DecodeError;

/// A place in a packet.
pub(super) struct Bytes<'a> {
    what: &'static str,
    all: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(what: &'static str, all: &'a [u8]) -> Self {
        Self { what, all, at: 0 }
    }

    pub(super) fn left(&self) -> usize {
        self.all.len() - self.at
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let end = self.at.saturating_add(count);
        let slice = self.all.get(self.at..end).ok_or(DecodeError::Short {
            what: self.what,
            need: end,
            have: self.all.len(),
        })?;
        self.at = end;
        Ok(slice)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    pub(super) fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(self.array::<1>()?[0])
    }

    pub(super) fn u16(&mut self) -> Result<u16, DecodeError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(super) fn i64(&mut self) -> Result<i64, DecodeError> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub(super) fn f64(&mut self) -> Result<f64, DecodeError> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    /// A signed number of `width` bytes, 1 to 4.
    pub(super) fn signed(&mut self, width: usize) -> Result<i32, DecodeError> {
        let slice = self.take(width)?;
        let negative = slice.last().is_some_and(|b| b & 0x80 != 0);
        let mut full = if negative { [0xff; 4] } else { [0; 4] };
        full[..width].copy_from_slice(slice);
        Ok(i32::from_le_bytes(full))
    }
}
