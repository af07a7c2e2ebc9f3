use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::{ProjectName, SaveId, Timestamp};

/// A notification for people or for software that acts on their behalf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When the event happened.
    pub at: Timestamp,
    /// The save that the notice is about or that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save_id: Option<SaveId>,
    /// The project that the notice is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// The event: `save.succeeded`, `save.failed`, `save.cancelled`, `save.stranded`, or `budget.crossed`.
    pub event: String,
    /// Whether someone must act now.
    pub alarm: bool,
    /// The notice as one sentence for users.
    pub text: String,
}

/// The notice could not be delivered.
#[derive(Debug, thiserror::Error)]
#[error("the notification was not delivered: {reason}")]
pub struct NotifierError {
    /// What the adapter observed, as text for users.
    pub reason: String,
}

/// The destination of notices: EventBridge and SNS on AWS, a table of notices in embedded mode.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Delivers a notice, at least once.
    async fn notify(&self, notice: &Notice) -> Result<(), NotifierError>;
}
