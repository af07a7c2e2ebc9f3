/// Randomness. Nothing in the core draws its own, so that a run can be replayed.
pub trait Entropy: Send + Sync {
    /// 64 random bits.
    fn next(&self) -> u64;
}
