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
    fn record(&self, event: HistoryEvent);
}

/// A history that is kept in memory.
#[derive(Debug, Default)]
pub struct MemoryHistory(Mutex<Vec<HistoryEvent>>);

impl MemoryHistory {
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

    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

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
    pub timestamp: DateTime<Utc>,
    pub event: Event,
}

/// The kinds of states, named as in event types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
pub enum StateKind {
    Task,
    Choice,
    Wait,
    Pass,
    /// Runs different branches at once.
    Parallel,
    Map,
    Succeed,
    Fail,
}

impl StateKind {
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What an event reports. The fields are those of the API's event details, and payloads are JSON texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    ExecutionStarted {
        input: Arc<str>,
        role_arn: Arc<str>,
    },
    ExecutionSucceeded {
        output: Arc<str>,
    },
    ExecutionFailed {
        error: Option<String>,
        cause: Option<String>,
    },
    ExecutionTimedOut {
        error: Option<String>,
        cause: Option<String>,
    },
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
    StateExited {
        kind: StateKind,
        name: Arc<str>,
        output: Arc<str>,
        assigned: Vec<(Arc<str>, Arc<str>)>,
    },
    /// A running state was abandoned because something parallel to it failed, or because its own failure ended its
    /// branch.
    StateAborted {
        kind: StateKind,
    },
    /// A Parallel or a Map starts its branches. For a Map, the event has the number of items.
    StateStarted {
        kind: StateKind,
        length: Option<usize>,
    },
    StateSucceeded {
        kind: StateKind,
    },
    StateFailed {
        kind: StateKind,
    },
    MapIterationStarted {
        name: Arc<str>,
        index: usize,
    },
    MapIterationSucceeded {
        name: Arc<str>,
        index: usize,
    },
    MapIterationFailed {
        name: Arc<str>,
        index: usize,
    },
    /// An iteration was abandoned because another one failed.
    MapIterationAborted {
        name: Arc<str>,
        index: usize,
    },
    TaskScheduled {
        resource: Resource,
        region: Arc<str>,
        parameters: Arc<str>,
        timeout_s: Option<u64>,
    },
    TaskStarted {
        resource: Resource,
    },
    /// The work was handed over, and the Task now waits for its token.
    TaskSubmitted {
        resource: Resource,
        output: Arc<str>,
    },
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
