//! The ends of instances, launches and projects.

use super::audit::audit_write;
use super::items::end::{
    INSTANCE_ENDS, LAUNCH_ENDS, PROJECT_ENDS, end_item, end_key, launch_end_item, launch_end_key,
};
use super::items::lock::{held_by, lock_key};
use super::records::{Stored, next, open, sortable};
use super::{Listed, Registry, problem};
use crate::domain::audit::AuditEvent;
use crate::domain::end::{InstanceEnd, LaunchEnd};
use crate::domain::project::Project;
use crate::domain::{Code, InstanceId, Problem, Region, SaveId, Timestamp};
use crate::ports::{Condition, Query, SortKeys, Write};

/// The entries of a partition that are due, oldest first.
fn until(pk: &str, now: Timestamp, limit: usize, cursor: Option<String>) -> Query {
    Query {
        // The first character of a year, and the character after the "#" that ends an instant.
        sort_keys: SortKeys::Between("0".to_owned(), format!("{}$", sortable(now))),
        ..open(pk, limit, cursor)
    }
}

/// The first revision of an end. It differs from all of an earlier end of the instance, so that whoever has read that one
/// does not replace this one.
fn first(value: &InstanceEnd) -> u64 {
    let set_at = value.end.set_at.timestamp_millis();
    u64::try_from(set_at).unwrap_or_default()
}

impl Registry {
    pub async fn end(
        &self,
        region: &Region,
        id: &InstanceId,
    ) -> Result<Option<Stored<InstanceEnd>>, Problem> {
        self.stored(&end_key(region, id)).await
    }

    /// Returns the ends of instances that are due, or whose warnings are.
    pub(crate) async fn due_ends(
        &self,
        now: Timestamp,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<InstanceEnd>, Problem> {
        self.list(&until(INSTANCE_ENDS, now, limit, cursor)).await
    }

    /// Returns the ends of launches that should have been completed by now.
    pub(crate) async fn due_launch_ends(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<LaunchEnd>, Problem> {
        let query = until(LAUNCH_ENDS, now, limit, None);
        Ok(self.list(&query).await?.items)
    }

    /// Returns the projects whose ends are due, or whose members are to be told.
    pub(crate) async fn due_projects(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Project>, Problem> {
        let query = until(PROJECT_ENDS, now, limit, None);
        Ok(self.list(&query).await?.items)
    }

    /// Writes the end of an instance, if nobody has changed it since it was read, with an audit event if a user asked
    /// for it. Returns `None` if somebody has.
    pub(crate) async fn put_end(
        &self,
        before: Option<&Stored<InstanceEnd>>,
        value: InstanceEnd,
        event: Option<&AuditEvent>,
    ) -> Result<Option<Stored<InstanceEnd>>, Problem> {
        self.write_end(before, value, event, None).await
    }

    /// The same, but only if no save holds the instance, except `released`, which has ended.
    pub(crate) async fn put_end_unheld(
        &self,
        before: &Stored<InstanceEnd>,
        value: InstanceEnd,
        event: Option<&AuditEvent>,
        released: Option<&SaveId>,
    ) -> Result<Option<Stored<InstanceEnd>>, Problem> {
        let lock = lock_key(&value.region, &value.instance);
        let free = [Condition::ItemAbsent].into_iter();
        let free = free.chain(released.map(held_by)).collect();
        let unheld = Write::Check(lock, Condition::Any(free));
        self.write_end(Some(before), value, event, Some(unheld))
            .await
    }

    async fn write_end(
        &self,
        before: Option<&Stored<InstanceEnd>>,
        value: InstanceEnd,
        event: Option<&AuditEvent>,
        check: Option<Write>,
    ) -> Result<Option<Stored<InstanceEnd>>, Problem> {
        let (revision, as_read) = match before {
            Some(before) => next(Some(before)),
            None => (first(&value), Condition::ItemAbsent),
        };
        let mut writes = vec![Write::Put(end_item(&value, revision)?, as_read)];
        if let Some(event) = event {
            writes.push(audit_write(event, revision)?);
        }
        writes.extend(check);
        let written = self.commit(&writes).await?;
        Ok(written.then_some(Stored { value, revision }))
    }

    /// Removes the end of an instance, if nobody has changed it since it was read. Returns whether it was removed.
    pub(crate) async fn remove_end(
        &self,
        stored: &Stored<InstanceEnd>,
        event: Option<&AuditEvent>,
    ) -> Result<bool, Problem> {
        let key = end_key(&stored.value.region, &stored.value.instance);
        let mut writes = vec![Write::Delete(key, stored.unchanged())];
        if let Some(event) = event {
            writes.push(audit_write(event, stored.revision + 1)?);
        }
        self.commit(&writes).await
    }

    /// Writes the end of a launch before the launch is requested, or when to look for its instance again.
    pub(crate) async fn put_launch_end(&self, launch: &LaunchEnd) -> Result<(), Problem> {
        let write = Write::Put(launch_end_item(launch, 1)?, Condition::Always);
        self.table.transact(&[write]).await.map_err(problem)
    }

    /// Replaces the end of a launch by that of its instance. An end that the instance already has is kept, because
    /// somebody may have changed it since.
    pub(crate) async fn settle_launch_end(
        &self,
        launch: &LaunchEnd,
        instance: &InstanceId,
    ) -> Result<(), Problem> {
        let end = launch.of(instance.clone());
        let item = end_item(&end, first(&end))?;
        let gone = Write::Delete(
            launch_end_key(&launch.token, &launch.region),
            Condition::Always,
        );
        let writes = [Write::Put(item, Condition::ItemAbsent), gone];
        if self.commit(&writes).await? {
            return Ok(());
        }
        if self.end(&launch.region, instance).await?.is_none() {
            let message = format!("The end of {instance} was being written by somebody else.");
            return Err(Problem::new(Code::RegistryConflict, message));
        }
        self.remove_launch_end(launch).await
    }

    pub(crate) async fn remove_launch_end(&self, launch: &LaunchEnd) -> Result<(), Problem> {
        let key = launch_end_key(&launch.token, &launch.region);
        let write = Write::Delete(key, Condition::Always);
        self.table.transact(&[write]).await.map_err(problem)
    }
}
