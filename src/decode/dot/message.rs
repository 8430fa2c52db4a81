//! Messages of Movella DOT (7001-7003): group, length, identifier and data, check sum.
//!
//! They steer the maker's own synchronising of several sensors, which is not used: sensors are aligned on
//! the host's clock. A message that comes unasked is checked and put aside.

use crate::decode::driver::DecodeError;

/// One message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Group of messages.
    pub group: u8,
    /// Bytes of identifier and data.
    pub length: u8,
    /// Which message.
    pub identifier: u8,
    /// The rest.
    pub data: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// If it is cut off, or its bytes do not sum to a multiple of 256.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "sensor message";
        let short = |needed| DecodeError::Short {
            what: WHAT,
            needed,
            got: bytes.len(),
        };
        let (&[group, length], rest) = bytes.split_first_chunk().ok_or(short(3))?;
        let needed = 3 + usize::from(length);
        let body = rest.get(..length.into()).ok_or(short(needed))?;
        let whole = bytes.get(..needed).ok_or(short(needed))?;
        if sum(whole) != 0 {
            return Err(DecodeError::CheckSum { what: WHAT });
        }
        let (&identifier, data) = body.split_first().ok_or(short(4))?;
        Ok(Self {
            group,
            length,
            identifier,
            data,
        })
    }
}

/// The sum of a message's bytes modulo 256; 0 if it is undamaged.
#[must_use]
pub fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}
