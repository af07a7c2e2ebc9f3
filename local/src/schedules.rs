//! Schedules in the embedded cloud.

use async_trait::async_trait;
use prism_functions::domain::Timestamp;
use prism_functions::domain::schedule::Schedule;
use prism_functions::ports::{Firing, Schedules, SchedulesError};

/// Stores nothing besides the registry: the server asks the registry which schedules are due
/// (`Service::fire_due_schedules`).
#[derive(Debug, Clone, Copy)]
pub struct PolledSchedules;

#[async_trait]
impl Schedules for PolledSchedules {
    async fn put(&self, _: &Schedule, _: Timestamp) -> Result<(), SchedulesError> {
        Ok(())
    }

    async fn delete(&self, _: &Schedule) -> Result<(), SchedulesError> {
        Ok(())
    }

    fn id(&self, schedule: &Schedule) -> String {
        format!("{} {}", schedule.owner, schedule.name)
    }

    async fn firing(&self) -> Result<Vec<Firing>, SchedulesError> {
        Ok(Vec::new())
    }

    async fn remove(&self, _: &str) -> Result<(), SchedulesError> {
        Ok(())
    }
}
