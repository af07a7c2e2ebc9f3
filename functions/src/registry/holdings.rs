//! The instances that users have launched.

use super::items::holdings::{Holdings, holdings_item, holdings_key};
use super::records::{Stored, next};
use super::{Registry, problem};
use crate::domain::{Problem, UserId};
use crate::ports::{TableError, Write};

impl Registry {
    /// Returns the instances that a user has launched; `None` if the user has never launched one.
    pub(crate) async fn holdings(
        &self,
        user: &UserId,
    ) -> Result<Option<Stored<Holdings>>, Problem> {
        self.stored(&holdings_key(user)).await
    }

    /// Replaces the instances of a user. Returns `false` if they have changed since they were read.
    pub(crate) async fn put_holdings(
        &self,
        user: &UserId,
        before: Option<&Stored<Holdings>>,
        holdings: &Holdings,
    ) -> Result<bool, Problem> {
        let (revision, condition) = next(before);
        let item = holdings_item(user, holdings, revision)?;
        match self.table.transact(&[Write::Put(item, condition)]).await {
            Ok(()) => Ok(true),
            Err(TableError::ConditionFailed { .. } | TableError::Conflict) => Ok(false),
            Err(error) => Err(problem(error)),
        }
    }
}
