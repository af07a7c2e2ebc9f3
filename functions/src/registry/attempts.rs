//! The attempts of launches.

use super::items::attempts::{Attempts, attempts_item, attempts_key};
use super::records::{self, Stored};
use super::{Registry, problem};
use crate::domain::{Problem, Timestamp};
use crate::ports::{TableError, Write};

impl Registry {
    /// Returns where a launch has been tried; `None` if it is new.
    pub(crate) async fn attempts(&self, token: &str) -> Result<Option<Stored<Attempts>>, Problem> {
        self.stored(&attempts_key(token)).await
    }

    /// Replaces the attempts of a launch, unless they have changed since they were read. Returns the new record, or
    /// `None` if they have.
    pub(crate) async fn put_attempts(
        &self,
        token: &str,
        before: Option<&Stored<Attempts>>,
        value: Attempts,
        now: Timestamp,
    ) -> Result<Option<Stored<Attempts>>, Problem> {
        let (revision, condition) = records::next(before);
        let item = attempts_item(token, &value, revision, now)?;
        match self.table.transact(&[Write::Put(item, condition)]).await {
            Ok(()) => Ok(Some(Stored { value, revision })),
            Err(TableError::ConditionFailed { .. } | TableError::Conflict) => Ok(None),
            Err(error) => Err(problem(error)),
        }
    }
}
