use std::time::Duration;

use futures::future::BoxFuture;

use crate::domain::Timestamp;

/// A source of time. The core never reads a clock directly, so that a run can be replayed.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// Waits for a duration, measured by this clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// The time that passes on this clock while work is done that takes `work` of real time. Limits of work, unlike
    /// waits, are given in it: work does not get faster with a clock that runs faster than real time.
    fn during(&self, work: Duration) -> Duration {
        work
    }

    /// Waits for a duration of real time, also if the speed of this clock changes meanwhile.
    fn pause(&self, real: Duration) -> BoxFuture<'static, ()> {
        self.sleep(self.during(real))
    }
}
