//! The radio's part of the configuration, and what it is used for.

use serde::{Deserialize, Serialize};

/// The adapter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Name (`hci0`) or address of the adapter; the first one without it.
    pub adapter: Option<String>,
    /// Switch the adapter off and on when it hears nobody for a minute. Other programs lose their links, too.
    pub power_cycle: bool,
}

/// What sensors are connected for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A session: they are its own, and a link that something else left behind is ended.
    Session,
    /// A look at them, while a session may have them.
    Look,
}
