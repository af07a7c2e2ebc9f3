//! Executions.

mod fan_out;
mod flow;
mod leave;
mod payload;
mod scope;
mod state;
mod stop;
mod task;
mod tokens;

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::{Either, select};
use serde_json::Value;

use crate::errors::{self, Failure};
use crate::history::{Event, History, Recorder};
use crate::machine::Machine;
use crate::{Clock, Functions};
use flow::Flow;
use payload::Payload;

pub use payload::PAYLOAD_LIMIT_BYTES;
pub use stop::StopHandle;
use stop::StopRequest;
pub use tokens::{TaskTokens, TokenError};

/// The maximum duration of an execution: a year, whatever the definition's `TimeoutSeconds`.
///
/// Source: AWS Step Functions quotas, "Maximum execution time".
const LONGEST_S: u64 = 365 * 24 * 60 * 60;

/// The identity of an execution, as `$states.context` and the history show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The ARN of the execution. It contains the Region that events refer to.
    pub execution_arn: String,
    pub execution_name: String,
    pub state_machine_arn: String,
    pub state_machine_name: String,
    pub role_arn: String,
    pub start_time: DateTime<Utc>,
}

impl Identity {
    /// The identity that AWS would give to an execution that starts now. The role has the name of the state machine.
    pub fn of(
        region: &str,
        account: &str,
        machine: &str,
        execution: &str,
        clock: &dyn Clock,
    ) -> Self {
        let states = format!("arn:aws:states:{region}:{account}");
        Self {
            execution_arn: format!("{states}:execution:{machine}:{execution}"),
            execution_name: execution.to_owned(),
            state_machine_arn: format!("{states}:stateMachine:{machine}"),
            state_machine_name: machine.to_owned(),
            role_arn: format!("arn:aws:iam::{account}:role/{machine}"),
            start_time: clock.now(),
        }
    }
}

/// One execution of a machine.
pub struct Execution {
    pub machine: Arc<Machine>,
    pub identity: Identity,
    pub input: Value,
    pub clock: Arc<dyn Clock>,
    pub functions: Arc<dyn Functions>,
    pub history: Arc<dyn History>,
    /// Seeds jitter, `$random`, `$uuid` and `$shuffle`: the same seed gives the same execution.
    pub seed: u64,
    pub stop: StopHandle,
    pub tokens: TaskTokens,
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    Succeeded,
    /// It failed with an error that was not caught.
    Failed,
    TimedOut,
    Aborted,
}

impl Status {
    /// The status as in the API: `SUCCEEDED`, `FAILED`, `TIMED_OUT`, `ABORTED`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What `DescribeExecution` returns about an execution that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub status: Status,
    pub output: Option<Arc<Value>>,
    /// The error, if the execution failed, or was stopped with an error.
    pub error: Option<String>,
    pub cause: Option<String>,
}

struct Core {
    clock: Arc<dyn Clock>,
    functions: Arc<dyn Functions>,
    tokens: TaskTokens,
    execution_arn: Arc<str>,
    recorder: Recorder,
    rng: Arc<Mutex<fastrand::Rng>>,
    stop: StopHandle,
    region: Arc<str>,
    execution_context: Value,
    machine_context: Value,
    /// The size of all variables, of all lines.
    variable_bytes: AtomicUsize,
}

impl Execution {
    /// Runs the execution to the end. The future may move between threads and needs no particular runtime; dropping
    /// it abandons the execution without a further event.
    pub async fn run(self) -> Outcome {
        let core = Core {
            recorder: Recorder::new(Arc::clone(&self.clock), self.history),
            rng: Arc::new(Mutex::new(fastrand::Rng::with_seed(self.seed))),
            region: Arc::from(
                self.identity
                    .execution_arn
                    .split(':')
                    .nth(3)
                    .unwrap_or_default(),
            ),
            execution_context: scope::execution_context(&self.identity, &self.input),
            machine_context: scope::machine_context(&self.identity),
            variable_bytes: AtomicUsize::new(0),
            clock: self.clock,
            functions: self.functions,
            tokens: self.tokens,
            execution_arn: Arc::from(self.identity.execution_arn),
            stop: self.stop,
        };
        let input = Payload::unbounded(self.input);
        core.recorder.record_end(
            0,
            Event::ExecutionStarted {
                input: Arc::clone(&input.text),
                role_arn: Arc::from(self.identity.role_arn),
            },
        );
        let (status, payload, failure) = Self::race(&core, &self.machine, input).await;
        let (error, cause) = failure.map_or((None, None), |failure| {
            // A Fail without an Error has an empty error name.
            (
                Some(failure.error).filter(|error| !error.is_empty()),
                failure.cause,
            )
        });
        Outcome {
            status,
            output: payload.map(|payload| payload.value),
            error,
            cause,
        }
    }

    /// Runs the states until they end, or until a stop or a timeout ends them, and records the end.
    async fn race(
        core: &Core,
        machine: &Machine,
        input: Payload,
    ) -> (Status, Option<Payload>, Option<Failure>) {
        let work = Box::pin(work(core, machine, input));
        let limit_s = machine.timeout_s.unwrap_or(LONGEST_S).min(LONGEST_S);
        let limit = core.clock.sleep(Duration::from_secs(limit_s));
        let stopped = Box::pin(core.stop.requested());
        // If several are ready, a stop takes precedence over a result, and a result over a timeout. The others are
        // dropped here, including the running tasks.
        let (ended, stopped) = match select(stopped, select(work, limit)).await {
            Either::Left((StopRequest::Abort { error, cause }, _)) => (None, Some((error, cause))),
            Either::Right((Either::Left((result, _)), _)) => (Some(result), None),
            Either::Left((StopRequest::Expiry, _)) | Either::Right((Either::Right(_), _)) => {
                (None, None)
            }
        };
        match (ended, stopped) {
            (Some(Ok((payload, last))), _) => {
                let output = Arc::clone(&payload.text);
                core.recorder
                    .record_end(last, Event::ExecutionSucceeded { output });
                (Status::Succeeded, Some(payload), None)
            }
            (Some(Err(failure)), _) => {
                let error = Some(failure.error.clone()).filter(|error| !error.is_empty());
                let cause = failure.cause.clone();
                core.recorder
                    .record_end(failure.event, Event::ExecutionFailed { error, cause });
                (Status::Failed, None, Some(failure))
            }
            (None, Some((error, cause))) => {
                let event = Event::ExecutionAborted {
                    error: error.clone(),
                    cause: cause.clone(),
                };
                core.recorder.record_end(0, event);
                let error = error.unwrap_or_default();
                (
                    Status::Aborted,
                    None,
                    Some(Failure {
                        error,
                        cause,
                        event: 0,
                    }),
                )
            }
            (None, None) => {
                // Only the event has the error name; the execution itself has no error.
                let error = Some(errors::TIMEOUT.to_owned());
                core.recorder
                    .record_end(0, Event::ExecutionTimedOut { error, cause: None });
                (Status::TimedOut, None, None)
            }
        }
    }
}

/// Runs the states, and returns the output and the last event.
async fn work(core: &Core, machine: &Machine, input: Payload) -> Result<(Payload, u64), Failure> {
    if input.text.len() > PAYLOAD_LIMIT_BYTES {
        return Err(Failure {
            error: errors::DATA_LIMIT_EXCEEDED.to_owned(),
            cause: Some("The input is larger than the service limit.".to_owned()),
            event: 0,
        });
    }
    let mut flow = Flow::new(core);
    let output = flow.graph(&machine.graph, input).await;
    core.stop.go_on().await;
    Ok((output?, flow.last))
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}
