//! The moments beyond which a run need not continue.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

/// The fingerprints of the moments that runs have passed on their way to a good end, each at the beginning of a function.
/// A run whose faults have happened need not continue beyond one of them.
#[derive(Debug, Default)]
pub(crate) struct Known(RwLock<HashSet<u64>>);

impl Known {
    /// Adds the moments of a run that came to a good end.
    pub(crate) fn add(&self, moments: impl Iterator<Item = u64>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.extend(moments);
    }

    pub(crate) fn has(&self, moment: u64) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.contains(&moment)
    }
}
