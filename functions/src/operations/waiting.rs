//! Reads that wait for a change: a caller who names the state that it knows gets the next one as soon as there is one.

use std::sync::Arc;
use std::time::Duration;

use super::Service;
use super::parts::{Either, Found, Fresh, IfNoneMatch, NotModified};
use crate::domain::{Code, Problem, Timestamp};
use crate::ports::Clock;

/// The longest wait, in seconds. API Gateway ends a request after 30 seconds, and what is returned has to be read too.
pub const WAIT_MOST_S: u32 = 20;
/// The time between two reads. A change is seen at most this late, and a caller who waits costs one read in this time.
const PAUSE: Duration = Duration::from_secs(1);

/// A caller who waits for a change.
pub(super) struct Waiting {
    known: IfNoneMatch,
    clock: Arc<dyn Clock>,
    /// When the wait is over, because reading takes time, too.
    until: Timestamp,
    /// How many pauses are left, of a second each. They are counted because the embedded cloud's clock may be slowed down
    /// meanwhile.
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
        let pauses = checked(wait_s)?;
        let clock = Arc::clone(&self.env.clock);
        let until = clock.now() + clock.during(PAUSE) * pauses;
        Ok(Waiting {
            known,
            clock,
            until,
            pauses,
        })
    }
}

impl Waiting {
    /// Returns the response for a value and the tag of its state; `None`, after a pause, if it should be read again.
    pub(super) async fn response<T>(&mut self, value: T, tag: String) -> Option<Fresh<T>> {
        if !self.known.knows(&tag) {
            return Some(Either::One(Found::new(value).tagged(Some(tag))));
        }
        let is_over = self.clock.now() + self.clock.during(PAUSE) > self.until;
        let pauses = self.pauses.checked_sub(1).filter(|_| !is_over);
        let Some(pauses) = pauses else {
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
    use std::sync::Mutex;

    use chrono::TimeDelta;
    use futures::executor::block_on;
    use futures::future::{BoxFuture, FutureExt as _, ready};

    use super::*;

    /// A clock that goes on by this much whenever it is read.
    struct Ticking(Mutex<Timestamp>, TimeDelta);

    impl Clock for Ticking {
        fn now(&self) -> Timestamp {
            let mut now = self.0.lock().unwrap();
            *now += self.1;
            *now
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            ready(()).boxed()
        }
    }

    /// How many pauses a wait of 20 seconds has if the clock goes on by this much with each.
    fn pauses(tick: TimeDelta) -> u32 {
        let begin = Timestamp::UNIX_EPOCH;
        let mut waiting = Waiting {
            known: IfNoneMatch::tag("1".to_owned()),
            clock: Arc::new(Ticking(Mutex::new(begin), tick)),
            until: begin + TimeDelta::seconds(20),
            pauses: 20,
        };
        let mut pauses = 0;
        while block_on(waiting.response((), "1".to_owned())).is_none() {
            pauses += 1;
        }
        pauses
    }

    #[test]
    fn a_wait_ends_whatever_becomes_of_the_clock_and_in_time_if_reading_takes_long() {
        assert_eq!(pauses(TimeDelta::zero()), 20);
        assert_eq!(pauses(TimeDelta::seconds(2)), 9);
    }
}
