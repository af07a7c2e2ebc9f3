use async_trait::async_trait;

use super::Refusal;
use crate::domain::Timestamp;
use crate::domain::schedule::Schedule;

/// Why a schedule could not be made to fire, or kept from it.
#[derive(Debug, thiserror::Error)]
pub enum SchedulesError {
    /// The scheduler refuses whatever is asked, for how Prism is set up.
    #[error("the scheduler refused")]
    Refused(#[source] Refusal),
    /// The scheduler does not take this schedule: asking again will not help.
    #[error("the scheduler refused: {reason}")]
    Unacceptable {
        /// What it said, for people.
        reason: String,
    },
    /// The scheduler did not answer, or the answer was lost.
    #[error("the scheduler did not do it: {reason}")]
    Unavailable {
        /// What was seen, for people.
        reason: String,
        /// What the adapter saw.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

/// What starts a save when its schedule is due: EventBridge Scheduler on AWS. Embedded, a server
/// looks for itself which are due (`Service::fire_due_schedules`).
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Lets a schedule fire, the next time at `next`, or changes it so; a paused one holds still.
    /// The same again changes nothing.
    async fn put(&self, schedule: &Schedule, next: Timestamp) -> Result<(), SchedulesError>;

    /// Keeps a schedule from ever firing again. One that is not there is no error; another of the
    /// same name that was made later is left alone.
    async fn delete(&self, schedule: &Schedule) -> Result<(), SchedulesError>;
}
