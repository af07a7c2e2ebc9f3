//! The execution history, in the shape that `GetExecutionHistory` returns.
//!
//! Source: AWS Step Functions API Reference, `HistoryEvent` and its `*EventDetails`.

mod json;
mod recorder;
mod text;

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

pub(crate) use recorder::Recorder;

/// The maximum number of events of an execution; the last of them then reports that the execution failed.
///
/// Source: AWS Step Functions quotas, "Maximum execution history size".
pub const EVENT_LIMIT: u64 = 25_000;

/// Receives the events of one execution, in order.
///
/// The interpreter keeps no events, so an event that is not stored here is lost. It calls `record` from within the
/// execution's future, so a slow sink slows the execution down.
pub trait History: Send + Sync {
    /// Receives the next event.
    fn record(&self, event: HistoryEvent);
}

/// A history that is kept in memory.
#[derive(Debug, Default)]
pub struct MemoryHistory(Mutex<Vec<HistoryEvent>>);

impl MemoryHistory {
    /// An empty history.
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of the events so far. Payloads are shared, not copied.
    pub fn events(&self) -> Vec<HistoryEvent> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is no event yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl History for MemoryHistory {
    fn record(&self, event: HistoryEvent) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event);
    }
}

/// One event of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEvent {
    /// The number of the event. Events are numbered from 1, without gaps.
    pub id: u64,
    /// The event that led to this one in its branch. It is 0 at the start of the execution, and if the execution was
    /// ended from outside (by a stop or the execution's own timeout).
    pub previous_event_id: u64,
    /// When it happened.
    pub timestamp: DateTime<Utc>,
    /// What happened.
    pub event: Event,
}

/// The kinds of states, named as in event types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateKind {
    /// Invokes a function.
    Task,
    /// Branches on conditions.
    Choice,
    /// Waits for some time, or until a time.
    Wait,
    /// Shapes data.
    Pass,
    /// Runs different branches at once.
    Parallel,
    /// Runs the same states for each item.
    Map,
    /// Ends the execution or branch successfully.
    Succeed,
    /// Ends the execution or branch with an error.
    Fail,
}

impl StateKind {
    /// The value of `Type` for this kind of state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Task => "Task",
            Self::Choice => "Choice",
            Self::Wait => "Wait",
            Self::Pass => "Pass",
            Self::Parallel => "Parallel",
            Self::Map => "Map",
            Self::Succeed => "Succeed",
            Self::Fail => "Fail",
        }
    }
}

/// What an event reports. As in the API, payloads are JSON texts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are those of the API's event details"
)]
pub enum Event {
    /// Always the first event.
    ExecutionStarted { input: Arc<str>, role_arn: Arc<str> },
    /// The execution succeeded.
    ExecutionSucceeded { output: Arc<str> },
    /// The execution ended with an error.
    ExecutionFailed {
        error: Option<String>,
        cause: Option<String>,
    },
    /// The execution ran longer than the definition's `TimeoutSeconds`.
    ExecutionTimedOut {
        error: Option<String>,
        cause: Option<String>,
    },
    /// The execution was stopped.
    ExecutionAborted {
        error: Option<String>,
        cause: Option<String>,
    },
    /// A state was entered. The event is not repeated when the state is retried.
    StateEntered {
        kind: StateKind,
        name: Arc<str>,
        input: Arc<str>,
    },
    /// A state was left, towards the next state or the one that a Catch names.
    StateExited {
        kind: StateKind,
        name: Arc<str>,
        output: Arc<str>,
        /// The variables that the state assigned, and their new values.
        assigned: Vec<(Arc<str>, Arc<str>)>,
    },
    /// A running state was abandoned because something parallel to it failed, or because its own failure ended its
    /// branch.
    StateAborted { kind: StateKind },
    /// A Parallel or a Map starts its branches. For a Map, the event has the number of items.
    StateStarted {
        kind: StateKind,
        length: Option<usize>,
    },
    /// All branches or iterations succeeded.
    StateSucceeded { kind: StateKind },
    /// A branch or an iteration failed.
    StateFailed { kind: StateKind },
    /// An iteration of the Map called `name` begins.
    MapIterationStarted { name: Arc<str>, index: usize },
    /// An iteration succeeded.
    MapIterationSucceeded { name: Arc<str>, index: usize },
    /// An iteration failed.
    MapIterationFailed { name: Arc<str>, index: usize },
    /// An iteration was abandoned because another one failed.
    MapIterationAborted { name: Arc<str>, index: usize },
    /// A Task hands over its work.
    TaskScheduled {
        resource: Resource,
        region: Arc<str>,
        parameters: Arc<str>,
        timeout_s: Option<u64>,
    },
    /// The work begins.
    TaskStarted { resource: Resource },
    /// The work was handed over, and the Task now waits for its token.
    TaskSubmitted {
        resource: Resource,
        output: Arc<str>,
    },
    /// The work is done.
    TaskSucceeded {
        resource: Resource,
        output: Arc<str>,
    },
    /// The work failed. The error is empty if a token was failed without one.
    TaskFailed {
        resource: Resource,
        error: String,
        cause: Option<String>,
    },
    /// The work took longer than the Task's `TimeoutSeconds`.
    TaskTimedOut {
        resource: Resource,
        error: String,
        cause: Option<String>,
    },
    /// A JSONata expression could not be evaluated, or a Map has no items. Its predecessor is the same event as that
    /// of the state's entry.
    EvaluationFailed {
        state: Arc<str>,
        /// The field that caused the failure, if a single one did.
        location: Option<String>,
        error: String,
        cause: String,
    },
}

/// What a Task runs, which determines the types of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The integration `arn:aws:states:::lambda:invoke`: `Task…` events.
    LambdaInvoke,
    /// `arn:aws:states:::lambda:invoke.waitForTaskToken`: `Task…` events. The Task runs until somebody returns its
    /// token.
    LambdaCallback,
    /// The ARN of a Lambda function: `LambdaFunction…` events.
    LambdaFunction(Arc<str>),
}
