//! Phones that run Sensor Logger and push their messages over HTTP or MQTT: one more source beside the radio.
//!
//! | file | does |
//! |---|---|
//! | `link` | one phone: whether it sends, and what is missing |
//! | `phones` | which phone a message is from |
//! | [`door`] | where messages come in while a session runs |
//! | `inlet` | carries them to the session |
//!
//! `link` and `phones` are pure. A message is recorded as it came; order and doubles are the decoder's business.

use serde::{Deserialize, Serialize};

pub mod door;
pub(super) mod inlet;
mod link;
mod phones;

pub use door::Door;
pub(super) use phones::Phones;

/// The phones' part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Topic that the app publishes to, where it uses MQTT.
    pub topic: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            topic: "sensor-logger".to_owned(),
        }
    }
}
pub use phones::Refusal;
