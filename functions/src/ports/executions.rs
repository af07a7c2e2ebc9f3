use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Refusal;
use crate::domain::Timestamp;

/// The state of an execution, with the names of Step Functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExecutionStatus {
    Running,
    /// It ended in a Succeed state.
    Succeeded,
    /// It ended in a Fail state or with an error that was not caught.
    Failed,
    /// The timeout in the definition expired.
    TimedOut,
    /// It was stopped, or the process that ran it ended.
    Aborted,
}

/// An execution and its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// The name, unique among the executions of the state machine for 90 days.
    pub name: String,
    /// The state of the execution.
    pub status: ExecutionStatus,
    pub input: Value,
    /// The output, if the execution succeeded.
    pub output: Option<Value>,
    /// The name of the error, if the execution did not succeed.
    pub error: Option<String>,
    /// The cause of the error.
    pub cause: Option<String>,
    /// When the execution started.
    pub started_at: Timestamp,
    /// When the execution ended.
    pub stopped_at: Option<Timestamp>,
}

/// Why an execution could not be started, read or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionsError {
    /// The name belongs to an execution with different input.
    #[error("an execution named {name} already exists with a different input")]
    AlreadyExists { name: String },
    /// No execution has that name.
    #[error("there is no execution named {name}")]
    NotFound { name: String },
    /// The service refuses every request because of how Prism is configured.
    #[error("the execution service denied the request")]
    Refused(#[source] Refusal),
    /// The service did not respond or did not complete the request.
    #[error("the execution service could not process the request: {reason}")]
    Unavailable {
        /// What the adapter observed, as text for users.
        reason: String,
        /// The underlying error.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// The executions of the save state machine.
#[async_trait]
pub trait Executions: Send + Sync {
    /// Starts an execution. Starting it again with the same name and input has no effect while it is running.
    async fn start(&self, name: &str, input: Value) -> Result<(), ExecutionsError>;

    async fn describe(&self, name: &str) -> Result<Execution, ExecutionsError>;

    /// Ends the wait of the Task with this token. Returns whether the Task was still waiting; an expired or unknown
    /// token returns `false`.
    async fn wake(&self, token: &str) -> Result<bool, ExecutionsError>;

    /// Stops an execution immediately, without running its catchers. Stopping an ended execution has no effect.
    async fn stop(&self, name: &str, cause: &str) -> Result<(), ExecutionsError>;
}
