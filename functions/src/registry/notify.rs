//! How users are notified, and the notices on their way to them.

use super::audit::audit_write;
use super::items::notify::{notify_item, notify_key};
use super::items::outbox::{OPEN, Outgoing, outbox_item, outbox_key};
use super::records::{Stored, next, sortable};
use super::{Listed, Registry, TRIES, problem};
use crate::domain::audit::AuditEvent;
use crate::domain::notify::{NoticeChannel, Notify};
use crate::domain::{Problem, Timestamp, UserId};
use crate::ports::{Condition, Index, Query, SortKeys, TableError, Write};

impl Registry {
    /// Returns how a user is notified; the defaults if the user chose nothing.
    pub async fn notify(&self, user: &UserId) -> Result<Notify, Problem> {
        let notify = self.value(&notify_key(user)).await?;
        Ok(notify.unwrap_or_default())
    }

    /// Changes how a user is notified. If `event` makes an audit event from the settings before and after, it is written,
    /// and the change is counted as one of the user's. `change` is called again if the record was changed concurrently.
    pub(crate) async fn change_notify<T>(
        &self,
        user: &UserId,
        event: impl Fn(&Notify, &Notify) -> Option<AuditEvent>,
        mut change: impl FnMut(&mut Notify) -> Result<T, Problem>,
    ) -> Result<(Notify, T), Problem> {
        for _ in 0..TRIES {
            let before: Option<Stored<Notify>> = self.stored(&notify_key(user)).await?;
            let (revision, condition) = next(before.as_ref());
            let before = before.map(|before| before.value).unwrap_or_default();
            let mut notify = before.clone();
            let result = change(&mut notify)?;
            if notify == before {
                return Ok((notify, result));
            }
            let event = event(&before, &notify);
            notify.changes += u64::from(event.is_some());
            let item = notify_item(user, &notify, revision)?;
            let mut writes = vec![Write::Put(item, condition)];
            if let Some(event) = &event {
                writes.push(audit_write(event, revision)?);
            }
            if self.commit(&writes).await? {
                return Ok((notify, result));
            }
        }
        Err(problem(TableError::Conflict))
    }

    /// Puts a notice into the outbox, unless it was put there before.
    pub(crate) async fn put_outgoing(&self, outgoing: &Outgoing) -> Result<(), Problem> {
        let write = Write::Put(outbox_item(outgoing, 1)?, Condition::ItemAbsent);
        self.commit(&[write]).await.map(drop)
    }

    pub(crate) async fn outgoing(
        &self,
        user: &UserId,
        id: &str,
        channel: NoticeChannel,
    ) -> Result<Option<Stored<Outgoing>>, Problem> {
        self.stored(&outbox_key(user, id, channel)).await
    }

    /// Returns notices of the outbox that are due, the longest waiting first. The index may be out of date.
    pub(crate) async fn due_outgoing(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Listed<Outgoing>, Problem> {
        let query = Query {
            index: Index::Gsi2,
            pk: OPEN.to_owned(),
            // The separator of the sort keys is before "~".
            sort_keys: SortKeys::Between("0".to_owned(), format!("{}~", sortable(now))),
            descending: false,
            limit,
            cursor: None,
        };
        self.list(&query).await
    }

    /// Replaces a notice of the outbox. Returns whether it was unchanged until then.
    pub(crate) async fn change_outgoing(
        &self,
        stored: &Stored<Outgoing>,
        changed: &Outgoing,
    ) -> Result<bool, Problem> {
        let item = outbox_item(changed, stored.revision + 1)?;
        self.commit(&[Write::Put(item, stored.unchanged())]).await
    }
}
