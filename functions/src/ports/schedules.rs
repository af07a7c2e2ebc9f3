use async_trait::async_trait;

use super::Refusal;
use crate::domain::schedule::Schedule;
use crate::domain::{ScheduleName, Timestamp, UserId};

/// Why an entry in the scheduler could not be created or deleted.
#[derive(Debug, thiserror::Error)]
pub enum SchedulesError {
    /// The scheduler refuses every request because of how Prism is configured.
    #[error("the scheduler refused")]
    Refused(#[source] Refusal),
    /// The scheduler does not accept this schedule. A retry does not help.
    #[error("the scheduler rejected the schedule: {reason}")]
    Unacceptable {
        /// The scheduler's message, as text for users.
        reason: String,
    },
    /// The scheduler did not respond, or the response was lost.
    #[error("the scheduler could not process the request: {reason}")]
    Unavailable {
        /// What the adapter observed, as text for users.
        reason: String,
        /// The underlying error.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// An entry in the scheduler, and the schedule that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// The name of the entry in the scheduler.
    pub id: String,
    /// The owner of the schedule.
    pub owner: UserId,
    pub schedule: ScheduleName,
}

/// Starts a save when its schedule is due. On AWS this is EventBridge Scheduler. In embedded mode, the server itself
/// checks which schedules are due (`Service::fire_due_schedules`).
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Creates or updates the entry of a schedule, which is next due at `next`. A paused schedule does not run.
    /// Repeating the call has no effect.
    async fn put(&self, schedule: &Schedule, next: Timestamp) -> Result<(), SchedulesError>;

    /// Deletes the entry of a schedule so that it never runs again. It is not an error if the entry does not exist. An
    /// entry of a later schedule with the same name is not changed.
    async fn delete(&self, schedule: &Schedule) -> Result<(), SchedulesError>;

    /// The name of a schedule's entry in the scheduler.
    fn id(&self, schedule: &Schedule) -> String;

    /// All entries that Prism created in the scheduler, for finding those that are no longer needed.
    async fn firing(&self) -> Result<Vec<Firing>, SchedulesError>;

    /// Deletes the entry with this name from the scheduler. It is not an error if the entry does not exist.
    async fn remove(&self, id: &str) -> Result<(), SchedulesError>;
}
