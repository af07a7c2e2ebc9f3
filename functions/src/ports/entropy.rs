/// A source of randomness. The core never generates random numbers itself, so that a run can be replayed.
pub trait Entropy: Send + Sync {
    /// Returns 64 random bits, which nobody can predict: secrets are made of them.
    fn next(&self) -> u64;
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn next(&self) -> u64 {
        getrandom::u64().expect("the operating system has randomness")
    }
}
