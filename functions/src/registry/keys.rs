//! The public SSH keys of users.

use super::audit::audit_write;
use super::items::keys::{keys_item, keys_key};
use super::records::{Stored, next};
use super::{Registry, TRIES, problem};
use crate::domain::audit::AuditEvent;
use crate::domain::public_key::{OwnKey, OwnKeys};
use crate::domain::{Problem, UserId};
use crate::ports::{TableError, Write};

impl Registry {
    /// Returns the keys of a user, in the order in which they were added.
    pub async fn keys(&self, user: &UserId) -> Result<Vec<OwnKey>, Problem> {
        let keys: Option<OwnKeys> = self.value(&keys_key(user)).await?;
        Ok(keys.unwrap_or_default().keys)
    }

    /// Changes the keys of a user, and writes an audit event. `change` returns `false` if there is nothing to change.
    /// It is called again if the keys were changed concurrently.
    pub(crate) async fn change_keys(
        &self,
        user: &UserId,
        event: &AuditEvent,
        change: impl Fn(&mut Vec<OwnKey>) -> Result<bool, Problem>,
    ) -> Result<Vec<OwnKey>, Problem> {
        for _ in 0..TRIES {
            let before: Option<Stored<OwnKeys>> = self.stored(&keys_key(user)).await?;
            let (revision, condition) = next(before.as_ref());
            let mut keys = before.map(|before| before.value).unwrap_or_default();
            if !change(&mut keys.keys)? {
                return Ok(keys.keys);
            }
            let item = keys_item(user, &keys, revision)?;
            let writes = [Write::Put(item, condition), audit_write(event, revision)?];
            if self.commit(&writes).await? {
                return Ok(keys.keys);
            }
        }
        Err(problem(TableError::Conflict))
    }
}
