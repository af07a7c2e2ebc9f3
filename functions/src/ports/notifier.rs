use std::collections::BTreeSet;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::{
    InstanceId, NoticeEvent, ProjectName, SaveId, ScheduleName, TemplateName, Timestamp, UserId,
};

/// A notification for people or for software that acts on their behalf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub at: Timestamp,
    /// The event.
    pub event: NoticeEvent,
    /// Whether someone must act now.
    pub alarm: bool,
    /// The notice as one sentence for users.
    pub text: String,
    /// The users whom the notice concerns. If empty, it concerns only those who operate the deployment.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub to: BTreeSet<UserId>,
    /// The save that the notice is about or that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save_id: Option<SaveId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplateName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<ScheduleName>,
}

impl Notice {
    /// A notice that concerns nobody and nothing yet.
    pub fn new(event: NoticeEvent, at: Timestamp, text: impl Into<String>) -> Self {
        Self {
            at,
            event,
            alarm: event.is_alarm(),
            text: text.into(),
            to: BTreeSet::new(),
            save_id: None,
            project: None,
            template: None,
            instance: None,
            schedule: None,
        }
    }
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
