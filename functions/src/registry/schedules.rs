//! Schedules.

use futures::future::try_join_all;

use super::audit::audit_write;
use super::items::runs::runs_key;
use super::items::schedule::{
    ACTIVE_SCHEDULES, SavesTo, saves_to_item, saves_to_key, schedule_item, schedule_key,
};
use super::records::{Stored, contains, indexed, open, within};
use super::{Listed, Registry, problem};
use crate::domain::audit::AuditEvent;
use crate::domain::schedule::Schedule;
use crate::domain::{Code, Problem, ScheduleName, TemplateName, UserId};
use crate::ports::table_rules::QUERY_LIMIT;
use crate::ports::{Condition, TableError, Write};

/// How many schedules are read concurrently.
const AT_ONCE: usize = 16;

impl Registry {
    pub(crate) async fn schedules_into(
        &self,
        template: &TemplateName,
        limit: usize,
    ) -> Result<Vec<SavesTo>, Problem> {
        let query = within(format!("TEMPLATE#{template}"), "SCHEDULE#", limit, None);
        Ok(self.list(&query).await?.items)
    }

    /// Returns all schedules that save to a template, by owner and name.
    pub(crate) async fn all_schedules_into(
        &self,
        template: &TemplateName,
    ) -> Result<Vec<Schedule>, Problem> {
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let pk = format!("TEMPLATE#{template}");
            let page: Listed<SavesTo> = self
                .list(&within(pk, "SCHEDULE#", QUERY_LIMIT, cursor))
                .await?;
            for some in page.items.chunks(AT_ONCE) {
                let read = some.iter().map(|it| self.schedule(&it.owner, &it.name));
                let read = try_join_all(read).await?.into_iter().flatten();
                let there = read.map(|stored| stored.value);
                all.extend(there.filter(|it| it.request.template == *template));
            }
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }

    pub async fn schedule(
        &self,
        owner: &UserId,
        name: &ScheduleName,
    ) -> Result<Option<Stored<Schedule>>, Problem> {
        self.stored(&schedule_key(owner, name)).await
    }

    pub async fn schedules_of(
        &self,
        owner: &UserId,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Schedule>, Problem> {
        let query = indexed(format!("OWNER#{owner}"), "SCHEDULE#", limit, cursor);
        self.list(&query).await
    }

    /// Returns the active schedules of all users that are not paused.
    pub(crate) async fn active_schedules(
        &self,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Schedule>, Problem> {
        self.list(&open(ACTIVE_SCHEDULES, limit, cursor)).await
    }

    /// Writes a new schedule. Fails if the user already has a schedule with this name.
    pub(crate) async fn add_schedule(
        &self,
        new: Schedule,
        event: &AuditEvent,
    ) -> Result<Stored<Schedule>, Problem> {
        let writes = [
            Write::Put(schedule_item(&new, 1)?, Condition::ItemAbsent),
            Write::Put(saves_to_item(&new)?, Condition::Always),
            audit_write(event, 1)?,
        ];
        match self.table.transact(&writes).await {
            Ok(()) => Ok(Stored {
                value: new,
                revision: 1,
            }),
            Err(TableError::ConditionFailed { .. }) => Err(Problem::new(
                Code::ScheduleNameTaken,
                format!("You already have a schedule {}.", new.name),
            )),
            Err(error) => Err(problem(error)),
        }
    }

    /// Changes a schedule that is unchanged since it was read, and writes an audit event. There is no event if Prism
    /// itself makes the change.
    pub(crate) async fn change_schedule(
        &self,
        before: &Stored<Schedule>,
        event: Option<&AuditEvent>,
        change: impl FnOnce(&mut Schedule),
    ) -> Result<Stored<Schedule>, Problem> {
        let mut after = Stored {
            value: before.value.clone(),
            revision: before.revision + 1,
        };
        change(&mut after.value);
        let item = schedule_item(&after.value, after.revision)?;
        let mut writes = vec![Write::Put(item, Self::same(before)?)];
        if let Some(event) = event {
            writes.push(audit_write(event, after.revision)?);
        }
        self.table.transact(&writes).await.map_err(problem)?;
        Ok(after)
    }

    /// Deletes a schedule's record and its runs. Does nothing if the schedule no longer exists or was replaced by
    /// another one with the same name.
    pub(crate) async fn remove_schedule(&self, stored: &Stored<Schedule>) -> Result<(), Problem> {
        let (owner, name) = (&stored.value.owner, &stored.value.name);
        let writes = [
            Write::Delete(schedule_key(owner, name), Self::same(stored)?),
            Write::Delete(runs_key(owner, name), Condition::Always),
            Write::Delete(saves_to_key(&stored.value), Condition::Always),
        ];
        match self.table.transact(&writes).await {
            Ok(()) | Err(TableError::ConditionFailed { .. }) => Ok(()),
            Err(error) => Err(problem(error)),
        }
    }

    /// The condition that the record is unchanged. The revision alone is not sufficient, because a later schedule of
    /// the same name can have the same revision.
    fn same(stored: &Stored<Schedule>) -> Result<Condition, Problem> {
        let record = contains(&stored.value)?;
        Ok(Condition::All(vec![stored.unchanged(), record]))
    }
}
