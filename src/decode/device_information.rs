//! Device Information (180A): what a device says it is. Asked of every family alike.
//!
//! Bluetooth SIG layout: UTF-8, sometimes padded with NUL. No reading comes of it; whoever holds the link
//! keeps the words to tell sensors apart and to show them.

use crate::model::packet::Uuid;

/// The serial number: what tells two sensors of a family apart.
pub const SERIAL: Uuid = Uuid::sig(0x2a25);
/// The firmware's version.
pub const FIRMWARE: Uuid = Uuid::sig(0x2a26);

/// The text of one of them; `None` if nothing readable is there.
#[must_use]
pub fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    let text = std::str::from_utf8(bytes.get(..end)?).ok()?.trim();
    let readable = !text.is_empty() && !text.chars().any(char::is_control);
    readable.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_cut_and_noise_is_no_text() {
        assert_eq!(text(b"1A2B3C4D"), Some("1A2B3C4D".to_owned()));
        assert_eq!(text(b"H10\0\0\0"), Some("H10".to_owned()));
        assert_eq!(text("Größe ".as_bytes()), Some("Größe".to_owned()));
        for nothing in [&b""[..], b"\0\0", b"  ", b"\xff\xfe", b"a\x07b"] {
            assert_eq!(text(nothing), None, "{nothing:?}");
        }
    }
}
