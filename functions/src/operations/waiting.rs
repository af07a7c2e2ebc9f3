//! Reads that wait for a change: a caller who names the state that it knows gets the next one as soon as there is one.

use std::sync::Arc;
use std::time::Duration;

use super::Service;
use super::parts::{Either, Found, Fresh, IfNoneMatch, NotModified};
use crate::domain::{Code, Problem};
use crate::ports::Clock;

/// The longest wait, in seconds. API Gateway ends a request after 30 seconds, and what is returned has to be read too.
pub const WAIT_MOST_S: u32 = 20;
/// The time between two reads. A change is seen at most this late, and a caller who waits costs one read in this time.
const PAUSE: Duration = Duration::from_secs(1);

/// A caller who waits for a change.
pub(super) struct Waiting {
    known: IfNoneMatch,
    clock: Arc<dyn Clock>,
    /// How many pauses are left, of a second each. They are counted because the speed of the embedded cloud's clock may
    /// change meanwhile.
    pauses: u32,
}

impl Service {
    /// Begins to wait for at most `wait_s` seconds for a state that the caller does not know. The seconds are those of
    /// the caller, however fast the clock of the embedded cloud runs.
    pub(super) fn waiting(
        &self,
        known: IfNoneMatch,
        wait_s: Option<u32>,
    ) -> Result<Waiting, Problem> {
        Ok(Waiting {
            known,
            clock: Arc::clone(&self.env.clock),
            pauses: checked(wait_s)?,
        })
    }
}

impl Waiting {
    /// Returns the response for a value and the tag of its state; `None`, after a pause, if it should be read again.
    pub(super) async fn response<T>(&mut self, value: T, tag: String) -> Option<Fresh<T>> {
        if !self.known.knows(&tag) {
            return Some(Either::One(Found::new(value).tagged(Some(tag))));
        }
        let Some(pauses) = self.pauses.checked_sub(1) else {
            return Some(Either::Other(NotModified { tag }));
        };
        self.pauses = pauses;
        self.clock.pause(PAUSE).await;
        None
    }
}

fn checked(wait_s: Option<u32>) -> Result<u32, Problem> {
    match wait_s.unwrap_or_default() {
        wait_s @ 0..=WAIT_MOST_S => Ok(wait_s),
        wait_s => {
            let message =
                format!("The query value wait is {wait_s}: it must be 0 to {WAIT_MOST_S}.");
            Err(Problem::new(Code::InvalidInput, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use chrono::TimeDelta;
    use futures::executor::block_on;
    use futures::future::{BoxFuture, FutureExt as _, ready};

    use super::*;
    use crate::domain::Timestamp;

    /// A clock that is an hour further whenever it is read: its speed was raised.
    struct Fast(AtomicI64);

    impl Clock for Fast {
        fn now(&self) -> Timestamp {
            let hours = self.0.fetch_add(1, Ordering::Relaxed);
            Timestamp::UNIX_EPOCH + TimeDelta::hours(hours)
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            ready(()).boxed()
        }
    }

    #[test]
    fn a_wait_has_its_pauses_whatever_the_clock_says() {
        let mut waiting = Waiting {
            known: IfNoneMatch::tag("1".to_owned()),
            clock: Arc::new(Fast(AtomicI64::new(0))),
            pauses: 3,
        };
        let mut pauses = 0;
        while block_on(waiting.response((), "1".to_owned())).is_none() {
            pauses += 1;
        }
        assert_eq!(pauses, 3);
    }
}
