use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// A source of randomness. The core never generates random numbers itself, so that a run can be replayed.
pub trait Entropy: Send + Sync {
    /// Returns 64 random bits.
    fn next(&self) -> u64;
}

/// The operating system's randomness, obtained through the standard library's hasher keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn next(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }
}
