//! Room on a disk, where it is short.

use serde::{Deserialize, Serialize};

/// Less is free than is to be kept free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// Free, MB (10^6 bytes).
    pub free_mb: u64,
    /// What is to be kept free, MB (10^6 bytes).
    pub reserve_mb: u64,
}

impl Shortage {
    /// For the trainer.
    #[must_use]
    pub fn words(&self) -> String {
        let Self {
            free_mb,
            reserve_mb,
        } = self;
        format!("{free_mb} MB are free, less than {reserve_mb} MB (store.reserve_mb)")
    }
}
