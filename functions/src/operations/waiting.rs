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
    until: Timestamp,
}

impl Service {
    /// Begins to wait for at most `wait_s` seconds for a state that the caller does not know. The seconds are those of
    /// the caller, however fast the clock of the embedded cloud runs.
    pub(super) fn waiting(
        &self,
        known: IfNoneMatch,
        wait_s: Option<u32>,
    ) -> Result<Waiting, Problem> {
        let wait = checked(wait_s)?;
        let clock = Arc::clone(&self.env.clock);
        let until = clock.now() + clock.during(wait);
        Ok(Waiting {
            known,
            clock,
            until,
        })
    }
}

impl Waiting {
    /// Returns the response for a value and the tag of its state; `None`, after a pause, if it should be read again.
    pub(super) async fn response<T>(&self, value: T, tag: String) -> Option<Fresh<T>> {
        if !self.known.knows(&tag) {
            return Some(Either::One(Found::new(value).tagged(Some(tag))));
        }
        let pause = self.clock.during(PAUSE);
        if self.clock.now() + pause > self.until {
            return Some(Either::Other(NotModified { tag }));
        }
        self.clock.sleep(pause).await;
        None
    }
}

fn checked(wait_s: Option<u32>) -> Result<Duration, Problem> {
    match wait_s.unwrap_or_default() {
        wait_s @ 0..=WAIT_MOST_S => Ok(Duration::from_secs(wait_s.into())),
        wait_s => {
            let message =
                format!("The query value wait is {wait_s}: it must be 0 to {WAIT_MOST_S}.");
            Err(Problem::new(Code::InvalidInput, message))
        }
    }
}
