//! What the interpreter needs from its environment: time and functions.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use serde_json::Value;

/// Time as the interpreter sees it.
///
/// The interpreter never reads another clock, so an execution on a [`VirtualClock`](crate::VirtualClock) can be
/// replayed exactly.
pub trait Clock: Send + Sync {
    fn now(&self) -> DateTime<Utc>;

    /// Completes after `duration` has passed. Dropping the future cancels the timer.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Completes when a function that has just been called may take no longer, if it may take `duration`. Clocks that
    /// run faster than the functions override it: the work of a function does not get faster with the clock.
    fn limit(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.sleep(duration)
    }
}

/// Runs the function that a Task names.
#[async_trait]
pub trait Functions: Send + Sync {
    /// Invokes `function` (a name or an ARN, as written in the definition) with `payload`, and waits for its result.
    ///
    /// The future is dropped when the Task times out or the execution ends. The function gets no other notice: Lambda
    /// does not stop an invocation either.
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure>;
}

/// The error of a failed function: the two strings that a Retry and a Catch see.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the function failed with {error}")]
pub struct TaskFailure {
    /// The error name that is compared with `ErrorEquals`: the `errorType` of a Lambda function, or a service error
    /// such as `Lambda.TooManyRequestsException`.
    pub error: String,
    /// The cause. From a Lambda function it is a JSON text with `errorMessage` and `errorType`.
    pub cause: String,
}

impl TaskFailure {
    /// A failure as Lambda reports it if a handler returned an error: the cause is the JSON text of `errorMessage`
    /// and `errorType`.
    pub fn from_handler(error_type: &str, message: &str) -> Self {
        let cause = serde_json::json!({"errorMessage": message, "errorType": error_type});
        Self {
            error: error_type.to_owned(),
            cause: cause.to_string(),
        }
    }
}
