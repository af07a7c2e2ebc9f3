use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Refusal;
use crate::domain::Timestamp;

/// The state of an execution, by the names of Step Functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExecutionStatus {
    /// It runs.
    Running,
    /// It ended in a Succeed state.
    Succeeded,
    /// It ended in a Fail state or by an error that nothing caught.
    Failed,
    /// The definition's own time ran out.
    TimedOut,
    /// It was stopped, or the process that carried it died.
    Aborted,
}

/// An execution as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// Its name, unique among the executions of the state machine for 90 days.
    pub name: String,
    /// Its state.
    pub status: ExecutionStatus,
    /// What it was started with.
    pub input: Value,
    /// What it ended with, when it succeeded.
    pub output: Option<Value>,
    /// The error's name, when it did not.
    pub error: Option<String>,
    /// The error's cause.
    pub cause: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub stopped_at: Option<Timestamp>,
}

/// Why an execution could not be started, read or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionsError {
    /// The name belongs to an execution with another input.
    #[error("an execution named {name} exists already with another input")]
    AlreadyExists {
        /// The name.
        name: String,
    },
    /// No execution has that name.
    #[error("there is no execution named {name}")]
    NotFound {
        /// The name.
        name: String,
    },
    /// The service refuses whatever is asked, for how Prism is set up.
    #[error("the execution service refused")]
    Refused(#[source] Refusal),
    /// The service did not answer, or did not do it.
    #[error("the execution service did not do it: {reason}")]
    Unavailable {
        /// What was seen, for people.
        reason: String,
        /// What the adapter saw.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// The executions of the save state machine.
#[async_trait]
pub trait Executions: Send + Sync {
    /// Starts one. The same name with the same input is the same execution while it runs.
    async fn start(&self, name: &str, input: Value) -> Result<(), ExecutionsError>;

    /// How an execution stands.
    async fn describe(&self, name: &str) -> Result<Execution, ExecutionsError>;

    /// Ends the wait of the Task that has this token; answers whether it still waited. A token that
    /// is too old, or was never one, is nobody's wait.
    async fn wake(&self, token: &str) -> Result<bool, ExecutionsError>;

    /// Stops one at once, without any of its catchers. Stopping an ended one changes nothing.
    async fn stop(&self, name: &str, cause: &str) -> Result<(), ExecutionsError>;
}
