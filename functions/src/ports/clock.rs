use std::time::Duration;

use futures::future::BoxFuture;

use crate::domain::Timestamp;

/// Time. Nothing in the core reads a clock of its own, so that a run can be replayed.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Waits for as long, on whatever time this clock keeps.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}
