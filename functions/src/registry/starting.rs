//! The launches and starts of projects that have begun and that no meter counts yet.

use super::items::starting::{Starting, starting_item, starting_key};
use super::records::{Stored, next};
use super::{Registry, problem};
use crate::domain::{Problem, ProjectName, Timestamp};
use crate::ports::{TableError, Write};

impl Registry {
    /// Returns the launches and starts of a project that have begun; `None` if there are none.
    pub(crate) async fn starting(
        &self,
        project: &ProjectName,
    ) -> Result<Option<Stored<Starting>>, Problem> {
        self.stored(&starting_key(project)).await
    }

    /// Replaces the launches and starts of a project. Returns the new record, or `None` if they have changed since they were
    /// read.
    pub(crate) async fn put_starting(
        &self,
        project: &ProjectName,
        before: Option<&Stored<Starting>>,
        value: Starting,
        now: Timestamp,
    ) -> Result<Option<Stored<Starting>>, Problem> {
        let (revision, condition) = next(before);
        let item = starting_item(project, &value, revision, now)?;
        match self.table.transact(&[Write::Put(item, condition)]).await {
            Ok(()) => Ok(Some(Stored { value, revision })),
            Err(TableError::ConditionFailed { .. } | TableError::Conflict) => Ok(None),
            Err(error) => Err(problem(error)),
        }
    }
}
