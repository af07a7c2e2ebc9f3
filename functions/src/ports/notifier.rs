use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::{ProjectName, SaveId, Timestamp};

/// Something that people, or machines on their behalf, want to hear about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When it happened.
    pub at: Timestamp,
    /// The save it is about, or that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save_id: Option<SaveId>,
    /// The project it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// What happened: `save.succeeded`, `save.failed`, `save.cancelled`, `save.stranded`, or
    /// `budget.crossed`.
    pub event: String,
    /// Whether somebody must act now.
    pub alarm: bool,
    /// One sentence for people.
    pub text: String,
}

/// The notice could not be delivered.
#[derive(Debug, thiserror::Error)]
#[error("the notice was not delivered: {reason}")]
pub struct NotifierError {
    /// What was seen, for people.
    pub reason: String,
}

/// Where notices go: EventBridge and SNS on AWS, a table of notices embedded.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Delivers a notice, at least once.
    async fn notify(&self, notice: &Notice) -> Result<(), NotifierError>;
}
