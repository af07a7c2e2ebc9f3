//! Turns a panic into a problem, so that it is reported under a code that the state machine knows. lambda_runtime
//! catches panics too, but reports them under the name of a Rust type and without their place.

use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, PanicHookInfo};

use futures::{FutureExt as _, TryFutureExt as _};

use crate::domain::{Code, Problem};

thread_local! {
    /// The last panic of this thread. Only the hook learns the place of a panic.
    static LAST: Cell<Option<Problem>> = const { Cell::new(None) };
}

/// From now on, a panic is logged as one line of JSON in the span of its invocation.
pub(super) fn log() {
    std::panic::set_hook(Box::new(|panic| {
        let problem = problem(panic);
        let (code, chain, hint) = (problem.code, problem.chain(), problem.advice());
        tracing::error!(%code, problem = chain, hint, "the function panicked");
        LAST.set(Some(problem));
    }));
}

/// Fails if the work panics, with the problem that has been logged. The work is moved to the heap, because each future
/// that wraps it would grow by its size.
pub(super) fn caught<T>(work: impl Future<Output = T>) -> impl Future<Output = Result<T, Problem>> {
    let worked = AssertUnwindSafe(Box::pin(work)).catch_unwind();
    worked.map_err(|_| {
        let last = LAST.take();
        last.unwrap_or_else(|| Problem::new(Code::Internal, "The function panicked."))
    })
}

fn problem(panic: &PanicHookInfo<'_>) -> Problem {
    let place = panic.location().map(ToString::to_string);
    let place = place.as_deref().unwrap_or("an unknown place");
    let text = panic.payload_as_str().unwrap_or("no reason was given");
    Problem::new(
        Code::Internal,
        format!("The function panicked at {place}: {text}"),
    )
}
