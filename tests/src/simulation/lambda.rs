//! Lambda between the definition and the steps.

use std::sync::Arc;

use async_trait::async_trait;
use futures::channel::oneshot;
use prism_asl::{Functions, TaskFailure};
use prism_functions::domain::SaveId;
use prism_functions::steps;
use serde_json::Value;

use super::conductor::Conductor;
use super::fault::{Kind, Spot};
use super::invocation::{Ended, Invocation, current};

/// Runs the functions of an execution. As on AWS, a function that has begun continues to its end even if the execution
/// is gone.
pub(crate) struct Lambda {
    pub(crate) functions: Arc<dyn Functions>,
    pub(crate) conductor: Conductor,
}

#[async_trait]
impl Functions for Lambda {
    async fn invoke(&self, function: &str, payload: Value) -> Result<Value, TaskFailure> {
        let Some(step) = steps::find(function) else {
            return self.functions.invoke(function, payload).await;
        };
        let save = save_of(&payload);
        // Lambda checks the invocation before it exists.
        let before = Invocation::new(0, step.name, save.clone());
        let kind = self.conductor.arrive(&before, Spot::Begin);
        let skew_s = kind.and_then(Kind::skew_s);
        if let (Some(kind), None) = (kind, skew_s) {
            return Err(refused(kind));
        }
        if self.conductor.has_arrived() {
            std::future::pending::<()>().await;
        }
        let (send, receive) = oneshot::channel();
        let (conductor, functions) = (self.conductor.clone(), Arc::clone(&self.functions));
        let run = async move {
            let work = async {
                if let (Some(skew_s), Some(invocation)) = (skew_s, current()) {
                    invocation.set_skew_s(skew_s);
                }
                let answer = functions.invoke(step.name, payload).await;
                let end = current().and_then(|i| conductor.arrive(&i, Spot::End));
                (answer, end)
            };
            let answer = match conductor.invoke(step.name, save, Box::pin(work)).await {
                Ended::Returned((answer, None)) => answer,
                Ended::Returned((_, Some(Kind::Mute))) => return,
                Ended::Returned((_, Some(Kind::Unknown))) => Err(failure(
                    "Lambda.Unknown",
                    "The cause could not be determined.",
                )),
                Ended::Returned((_, Some(_))) | Ended::Died => Err(failure(
                    "Runtime.ExitError",
                    "RequestId: 1 Error: exit status 1",
                )),
                Ended::TimedOut => Err(failure(
                    "Sandbox.Timedout",
                    "RequestId: 1 Error: Task timed out",
                )),
            };
            // The receiver may be gone.
            drop(send.send(answer));
        };
        self.conductor.clock().spawn(run);
        match receive.await {
            Ok(answer) => answer,
            // No result arrived, so the Task waits until it times out.
            Err(oneshot::Canceled) => std::future::pending().await,
        }
    }
}

fn failure(error: &str, cause: &str) -> TaskFailure {
    TaskFailure::from_handler(error, cause)
}

fn refused(kind: Kind) -> TaskFailure {
    match kind {
        Kind::Crash => failure("Runtime.ExitError", "RequestId: 1 Error: exit status 1"),
        Kind::Fails => failure("Lambda.ServiceException", "The service has a bad day."),
        _ => failure("Lambda.TooManyRequestsException", "Rate Exceeded."),
    }
}

fn save_of(payload: &Value) -> Option<(SaveId, u32)> {
    let id = payload.get("save_id")?.as_str()?.parse().ok()?;
    let epoch = payload.get("epoch").and_then(Value::as_u64).unwrap_or(1);
    Some((id, u32::try_from(epoch).ok()?))
}
