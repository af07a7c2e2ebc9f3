use async_trait::async_trait;

use super::Refusal;
use crate::domain::schedule::Schedule;
use crate::domain::{ScheduleName, Timestamp, UserId};

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

/// What lies in the scheduler, and whose schedule it fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// Its name in the scheduler.
    pub id: String,
    /// Who owns the schedule.
    pub owner: UserId,
    /// The schedule.
    pub schedule: ScheduleName,
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

    /// The name in the scheduler of what fires a schedule.
    fn id(&self, schedule: &Schedule) -> String;

    /// All that Prism has made in the scheduler, for those who look for what nobody needs any more.
    async fn firing(&self) -> Result<Vec<Firing>, SchedulesError>;

    /// Keeps what lies in the scheduler under that name from ever firing again. What is not there is no error.
    async fn remove(&self, id: &str) -> Result<(), SchedulesError>;
}
