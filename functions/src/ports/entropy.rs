/// A source of randomness. The core never generates random numbers itself, so that a run can be replayed.
pub trait Entropy: Send + Sync {
    /// Returns 64 random bits.
    fn next(&self) -> u64;
}
