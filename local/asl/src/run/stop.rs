//! Stopping an execution from outside.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use futures::task::AtomicWaker;

/// Stops an execution, like `StopExecution`. Clones stop the same execution.
///
/// A handle belongs to one execution. If it is used before the execution runs, the execution stops as soon as it
/// starts.
#[derive(Clone, Default)]
pub struct StopHandle(Arc<Shared>);

#[derive(Default)]
struct Shared {
    request: Mutex<Option<StopRequest>>,
    waker: AtomicWaker,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum StopRequest {
    Abort {
        error: Option<String>,
        cause: Option<String>,
    },
    /// The execution is treated as timed out.
    Expiry,
}

impl StopHandle {
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the execution: its running tasks are dropped, no Catch runs, and its status becomes `ABORTED`. Only the
    /// first call has an effect, and none has once the execution has ended.
    pub fn stop(&self, error: Option<String>, cause: Option<String>) {
        self.request(StopRequest::Abort { error, cause });
    }

    /// Ends the execution as if the definition's `TimeoutSeconds` had passed. This is for simulations, in which a
    /// timeout can occur at any moment.
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

    /// Returns immediately, but never returns once the execution is to stop, so that no further state begins.
    pub(super) async fn go_on(&self) {
        poll_fn(|_| {
            let request = self.0.request.lock();
            match *request.unwrap_or_else(PoisonError::into_inner) {
                None => Poll::Ready(()),
                // `requested` wakes up and drops the waiting future.
                Some(_) => Poll::Pending,
            }
        })
        .await;
    }

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
