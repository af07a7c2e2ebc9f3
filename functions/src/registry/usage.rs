//! How often templates and versions are launched: attributes beside their records, counted by the
//! table itself.

use super::items::launch::{Launch, launch_item};
use super::items::template::template_key;
use super::items::usage::counted;
use super::items::version::version_key;
use super::{Registry, TRIES, problem};
use crate::domain::Problem;
use crate::ports::{Condition, TableError, Write};

impl Registry {
    /// Counts a launch of a version, and of its template. A launch that was counted is not counted
    /// again, however often it is repeated.
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
                // Counted before, or of a version that is no longer there.
                Ok(()) | Err(TableError::ConditionFailed { .. }) => return Ok(()),
                Err(TableError::Conflict) => {}
                Err(error) => return Err(problem(error)),
            }
        }
        Err(problem(TableError::Conflict))
    }
}
