//! The fingerprint of the exercise library that a session is judged with.

use crate::model::exercise::LIBRARY;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// SHA-256 of the library as this version of the program has it, hexadecimal.
#[must_use]
pub fn sha256() -> String {
    let digest = Sha256::digest(format!("{LIBRARY:?}"));
    digest
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
