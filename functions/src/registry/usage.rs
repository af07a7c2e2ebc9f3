//! How often templates and versions are launched. The counts are attributes beside the records and are incremented by
//! the table itself.

use super::items::launch::{Launch, launch_item};
use super::items::template::template_key;
use super::items::usage::counted;
use super::items::version::version_key;
use super::{Registry, TRIES, problem};
use crate::domain::Problem;
use crate::ports::{Condition, TableError, Write};

impl Registry {
    /// Counts a launch of a version and of its template. Repeating the call for the same launch has no effect.
    pub(crate) async fn count_launch(&self, launch: &Launch<'_>) -> Result<(), Problem> {
        let Some(number) = launch.of.version else {
            return Ok(());
        };
        let name = &launch.of.name;
        let writes = [
            Write::Put(launch_item(launch)?, Condition::ItemAbsent),
            counted(template_key(name), launch),
            counted(version_key(name, number), launch),
        ];
        for _ in 0..TRIES {
            match self.table.transact(&writes).await {
                // The launch was already counted, or the version no longer exists.
                Ok(()) | Err(TableError::ConditionFailed { .. }) => return Ok(()),
                Err(TableError::Conflict) => {}
                Err(error) => return Err(problem(error)),
            }
        }
        Err(problem(TableError::Conflict))
    }
}
