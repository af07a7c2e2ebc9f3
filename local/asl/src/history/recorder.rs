//! Numbers the events and passes them to the sink.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{EVENT_LIMIT, Event, History, HistoryEvent};
use crate::Clock;
use crate::errors::{self, Failure};

/// All events are created here, so that their IDs have no gaps.
pub(crate) struct Recorder {
    clock: Arc<dyn Clock>,
    sink: Arc<dyn History>,
    /// The ID of the last event. Only the execution's own future increments it; it is atomic so that the future can
    /// move between threads.
    last: AtomicU64,
}

impl Recorder {
    pub(crate) fn new(clock: Arc<dyn Clock>, sink: Arc<dyn History>) -> Self {
        Self {
            clock,
            sink,
            last: AtomicU64::new(0),
        }
    }

    /// Records an event and returns its ID. Fails if the history is full: the last place is reserved for the end of
    /// the execution.
    pub(crate) fn record(&self, previous: u64, event: Event) -> Result<u64, Failure> {
        if self.last.load(Ordering::Relaxed) + 1 >= EVENT_LIMIT {
            return Err(Failure {
                error: errors::RUNTIME.to_owned(),
                cause: Some(format!(
                    "The execution reached the maximum number of history events ({EVENT_LIMIT})."
                )),
                event: previous,
            });
        }
        Ok(self.record_end(previous, event))
    }

    /// Records the event that ends the execution, for which a place is always reserved.
    pub(crate) fn record_end(&self, previous: u64, event: Event) -> u64 {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.sink.record(HistoryEvent {
            id,
            previous_event_id: previous,
            timestamp: self.clock.now(),
            event,
        });
        id
    }
}
