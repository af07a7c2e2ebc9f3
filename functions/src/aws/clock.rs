use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::domain::Timestamp;
use crate::ports::Clock;

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this adapter implements the core's clock"
    )]
    fn now(&self) -> Timestamp {
        chrono::Utc::now()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this adapter implements the core's clock"
    )]
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}
