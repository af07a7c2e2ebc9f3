//! Small adapters for the ports.

use async_trait::async_trait;
use prism_functions::ports::{Entropy, Notice, Notifier, NotifierError};

use crate::executions::Records;

/// Stores notices in the embedded cloud's own file.
pub(super) struct LocalNotifier {
    pub(super) records: Records,
}

#[async_trait]
impl Notifier for LocalNotifier {
    async fn notify(&self, notice: &Notice) -> Result<(), NotifierError> {
        self.records
            .add_notice(notice)
            .map_err(|error| NotifierError {
                reason: error.to_string(),
            })
    }
}

/// The operating system's randomness, obtained through the standard library's hasher keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn next(&self) -> u64 {
        use std::hash::{BuildHasher, Hasher};
        std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish()
    }
}
