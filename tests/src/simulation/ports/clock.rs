//! The clock of the machine that a function runs on.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use prism_functions::domain::Timestamp;
use prism_functions::ports::Clock;

use crate::simulation::invocation::current;

/// Differs from the world's clock as long as the function runs whose clock has jumped.
pub(crate) struct Skewed(pub(crate) Arc<dyn Clock>);

impl Clock for Skewed {
    fn now(&self) -> Timestamp {
        let skew_s = current().map_or(0, |invocation| invocation.skew_s());
        self.0.now() + TimeDelta::seconds(skew_s)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration)
    }

    fn during(&self, work: Duration) -> Duration {
        self.0.during(work)
    }
}
