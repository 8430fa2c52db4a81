//! Names inside the container: channels, encodings, keys, and how a UUID is written.

use crate::model::packet::Uuid;

pub(super) const PROFILE: &str = "plimsoll";
pub(super) const SESSION: &str = "session";
pub(super) const PLAN: &str = "plan";
pub(super) const COMMAND: &str = "command";
pub(super) const LINK: &str = "link";
pub(super) const TIME: &str = "time";
pub(super) const PACKETS: &str = "packets";

pub(super) const JSON: &str = "json";
pub(super) const TEXT: &str = "utf-8";
/// No bytes: what counts is when.
pub(super) const HOST_TIME: &str = "host-time";
/// The value of a GATT notification, as received: what the device's driver decodes.
pub(super) const NOTIFICATION: &str = "gatt-notification";

pub(super) const DEVICE: &str = "device";
pub(super) const ALIAS: &str = "alias";
pub(super) const SEGMENT: &str = "segment";
pub(super) const DRIVER: &str = "driver";
pub(super) const CHARACTERISTIC: &str = "characteristic";

pub(super) const END: &str = "plimsoll.end";
pub(super) const CONTENT_SHA256: &str = "content_sha256";
pub(super) const ITEMS: &str = "items";

/// `00002a37-0000-1000-8000-00805f9b34fb`
pub(super) fn uuid_text(uuid: Uuid) -> String {
    let hex = format!("{:032x}", uuid.0);
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

pub(super) fn parse_uuid(text: &str) -> Option<Uuid> {
    let uuid = Uuid(u128::from_str_radix(&text.replace('-', ""), 16).ok()?);
    (uuid_text(uuid) == text).then_some(uuid)
}
