//! The execution history, in the shape that `GetExecutionHistory` returns.
//!
//! Source: AWS Step Functions API Reference, `HistoryEvent` and its `*EventDetails`.

mod json;
mod recorder;
mod text;

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

pub(crate) use recorder::Recorder;

/// An execution may have this many events; the last of them then says that it failed.
///
/// Source: AWS Step Functions quotas, "Maximum execution history size".
pub const EVENT_LIMIT: u64 = 25_000;

/// Receives the events of one execution, in order.
///
/// The interpreter keeps none of them: what is not stored here is gone. It calls `record` from
/// within the execution's future, so a slow sink slows the execution.
pub trait History: Send + Sync {
    /// Takes the next event.
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
    /// Events are numbered from 1, without gaps.
    pub id: u64,
    /// The event that led to this one in its branch; 0 at the start of the execution, and for an
    /// end that came from outside (a stop or the execution's own timeout).
    pub previous_event_id: u64,
    /// When it happened.
    pub timestamp: DateTime<Utc>,
    /// What happened.
    pub event: Event,
}

/// The kinds of states, as event types spell them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateKind {
    /// Invokes a function.
    Task,
    /// Branches on conditions.
    Choice,
    /// Lets time pass.
    Wait,
    /// Shapes data.
    Pass,
    /// Runs different branches at once.
    Parallel,
    /// Runs the same states for each item.
    Map,
    /// Ends well.
    Succeed,
    /// Ends badly.
    Fail,
}

impl StateKind {
    /// The `Type` of such a state.
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

/// What an event reports. Payloads are JSON texts, as in the API.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are those of the API's event details"
)]
pub enum Event {
    /// Always the first event.
    ExecutionStarted { input: Arc<str>, role_arn: Arc<str> },
    /// The execution ended well.
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
    /// A state begins. It is not repeated when the state is retried.
    StateEntered {
        kind: StateKind,
        name: Arc<str>,
        input: Arc<str>,
    },
    /// A state is left, towards the next or towards the one a Catch names.
    StateExited {
        kind: StateKind,
        name: Arc<str>,
        output: Arc<str>,
        /// Variables and their new values, when the state assigned any.
        assigned: Vec<(Arc<str>, Arc<str>)>,
    },
    /// A running state was given up because something beside it failed, or because its own
    /// failure ended its branch.
    StateAborted { kind: StateKind },
    /// A Parallel or a Map begins to run its branches; a Map says over how many items.
    StateStarted {
        kind: StateKind,
        length: Option<usize>,
    },
    /// All branches or iterations ended well.
    StateSucceeded { kind: StateKind },
    /// A branch or an iteration failed.
    StateFailed { kind: StateKind },
    /// An iteration of the Map called `name` begins.
    MapIterationStarted { name: Arc<str>, index: usize },
    /// An iteration ended well.
    MapIterationSucceeded { name: Arc<str>, index: usize },
    /// An iteration failed.
    MapIterationFailed { name: Arc<str>, index: usize },
    /// An iteration was given up because another failed.
    MapIterationAborted { name: Arc<str>, index: usize },
    /// A Task hands its work over.
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
    /// The work failed. The error is empty where a token was failed without one.
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
    /// A JSONata expression could not be evaluated, or a Map has no items. It follows from what
    /// the state's entry follows from.
    EvaluationFailed {
        state: Arc<str>,
        /// The field, if it is one's fault.
        location: Option<String>,
        error: String,
        cause: String,
    },
}

/// What a Task runs, which decides the family of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The integration `arn:aws:states:::lambda:invoke`: `Task…` events.
    LambdaInvoke,
    /// `arn:aws:states:::lambda:invoke.waitForTaskToken`: `Task…` events, and the Task goes on
    /// until somebody answers its token.
    LambdaCallback,
    /// The ARN of a Lambda function: `LambdaFunction…` events.
    LambdaFunction(Arc<str>),
}
