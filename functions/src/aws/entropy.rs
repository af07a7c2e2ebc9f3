use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use crate::ports::Entropy;

/// The operating system's randomness, obtained through the standard library's hasher keys.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn next(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }
}
