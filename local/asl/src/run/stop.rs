//! Stopping an execution from outside.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use futures::task::AtomicWaker;

/// Stops an execution, as `StopExecution` does. Clones stop the same one.
///
/// A handle belongs to one execution. One that is used before the execution runs stops it at
/// once.
#[derive(Clone, Default)]
pub struct StopHandle(Arc<Shared>);

#[derive(Default)]
struct Shared {
    request: Mutex<Option<StopRequest>>,
    waker: AtomicWaker,
}

/// Why an execution was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StopRequest {
    /// Somebody asked for it.
    Abort {
        error: Option<String>,
        cause: Option<String>,
    },
    /// Its time counts as up.
    Expiry,
}

impl StopHandle {
    /// A handle for one execution.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the execution: its running tasks are dropped, no Catch runs, and it ends as
    /// aborted. Only the first call counts, and none does once the execution has ended.
    pub fn stop(&self, error: Option<String>, cause: Option<String>) {
        self.request(StopRequest::Abort { error, cause });
    }

    /// Ends the execution as if the definition's `TimeoutSeconds` had passed: for simulations, in
    /// which that may be at any moment.
    pub fn expire(&self) {
        self.request(StopRequest::Expiry);
    }

    fn request(&self, wanted: StopRequest) {
        let mut request = self
            .0
            .request
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        request.get_or_insert(wanted);
        drop(request);
        self.0.waker.wake();
    }

    /// Returns at once, but never once the execution is to stop: whoever is about to begin a state
    /// goes no further then.
    pub(super) async fn go_on(&self) {
        poll_fn(|_| {
            let request = self.0.request.lock();
            match *request.unwrap_or_else(PoisonError::into_inner) {
                None => Poll::Ready(()),
                // `requested` is woken, and drops whoever waits here.
                Some(_) => Poll::Pending,
            }
        })
        .await;
    }

    /// Waits for the request.
    pub(super) async fn requested(&self) -> StopRequest {
        poll_fn(|cx| {
            self.0.waker.register(cx.waker());
            let request = self
                .0
                .request
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            request.clone().map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

impl fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopHandle").finish_non_exhaustive()
    }
}
