//! The content hash: SHA-256 over what a recording says, independent of how it is cut into chunks.
//!
//! Hashed are, in order: the line `plimsoll-recording/1`; the header's JSON and the plan's text (or the
//! absence of one), each after its length; then every item after a letter: `P`, device u16, characteristic
//! u128, host i64, length u64, bytes; `C` (commands) or `L` (links), host i64, length u64, JSON; `T` (time), host i64. Integers are
//! little-endian. The JSON is hashed as it lies in the file, so a later version that writes it otherwise still verifies old files.

use crate::model::{packet::Packet, time::HostNs};
use sha2::{Digest as _, Sha256};

pub(super) struct Digest(Sha256);

impl Digest {
    pub(super) fn new(header_json: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"plimsoll-recording/1\n");
        let mut digest = Self(hash);
        digest.field(header_json);
        digest
    }

    /// To be called once, before the first item.
    pub(super) fn plan(&mut self, text: Option<&str>) {
        match text {
            None => self.0.update([0]),
            Some(text) => {
                self.0.update([1]);
                self.field(text.as_bytes());
            }
        }
    }

    pub(super) fn packet(&mut self, packet: &Packet) {
        self.0.update(b"P");
        self.0.update(packet.device.0.to_le_bytes());
        self.0.update(packet.characteristic.0.to_le_bytes());
        self.0.update(packet.host.0.to_le_bytes());
        self.field(&packet.bytes);
    }

    pub(super) fn command(&mut self, host: HostNs, json: &[u8]) {
        self.event(b"C", host, json);
    }

    pub(super) fn link(&mut self, host: HostNs, json: &[u8]) {
        self.event(b"L", host, json);
    }

    pub(super) fn time(&mut self, host: HostNs) {
        self.0.update(b"T");
        self.0.update(host.0.to_le_bytes());
    }

    fn event(&mut self, letter: &[u8], host: HostNs, json: &[u8]) {
        self.0.update(letter);
        self.0.update(host.0.to_le_bytes());
        self.field(json);
    }

    /// 64 hexadecimal digits.
    pub(super) fn finish(self) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.0.finalize() {
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
        text
    }

    fn field(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";
