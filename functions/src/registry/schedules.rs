//! Schedules.

use serde::{Deserialize, Serialize};

use super::audit::audit_write;
use super::records::{Indexed, Stored, decode, encode};
use super::runs::RUNS_KEY;
use super::{Listed, Registry, problem};
use crate::domain::audit::AuditEvent;
use crate::domain::schedule::{Schedule, ScheduleState};
use crate::domain::{Code, Problem, ScheduleName, TemplateName, UserId};
use crate::ports::{Condition, Index, Item, Key, Query, SortKeys, TableError, Write};

pub(super) fn schedule_key(owner: &UserId, name: &ScheduleName) -> Key {
    Key::new(format!("SCHEDULE#{owner}#{name}"), "META")
}

fn schedule_item(schedule: &Schedule, revision: u64) -> Result<Item, Problem> {
    let mine = Indexed {
        index: Index::Gsi1,
        pk: format!("OWNER#{}", schedule.owner),
        sk: format!("SCHEDULE#{}", schedule.name),
    };
    let fires = schedule.state == ScheduleState::Active && !schedule.paused;
    let active = fires.then(|| Indexed {
        index: Index::Gsi2,
        pk: "SCHEDULES#ACTIVE".to_owned(),
        sk: format!("{}#{}", schedule.owner, schedule.name),
    });
    encode(
        schedule_key(&schedule.owner, &schedule.name),
        schedule,
        revision,
        [mine].into_iter().chain(active),
    )
}

/// What a schedule saves to, found from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavesTo {
    /// Whose schedule it is.
    pub(crate) owner: UserId,
    /// The schedule.
    pub(crate) name: ScheduleName,
}

fn saves_to_key(schedule: &Schedule) -> Key {
    let template = &schedule.request.template;
    let (owner, name) = (&schedule.owner, &schedule.name);
    Key::new(
        format!("TEMPLATE#{template}"),
        format!("SCHEDULE#{owner}#{name}"),
    )
}

impl Registry {
    /// The schedules that save to a template.
    pub(crate) async fn schedules_into(
        &self,
        template: &TemplateName,
        limit: usize,
    ) -> Result<Vec<SavesTo>, Problem> {
        let query = Query {
            index: Index::Primary,
            pk: format!("TEMPLATE#{template}"),
            sort_keys: SortKeys::BeginsWith("SCHEDULE#".to_owned()),
            descending: false,
            limit,
            cursor: None,
        };
        Ok(self.list(&query).await?.items)
    }

    /// Somebody's schedule.
    pub async fn schedule(
        &self,
        owner: &UserId,
        name: &ScheduleName,
    ) -> Result<Option<Stored<Schedule>>, Problem> {
        let key = schedule_key(owner, name);
        let item = self.table.get(&key).await.map_err(problem)?;
        item.as_ref().map(decode).transpose()
    }

    /// Somebody's schedules, by name.
    pub async fn schedules_of(
        &self,
        owner: &UserId,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Schedule>, Problem> {
        let query = Query {
            index: Index::Gsi1,
            pk: format!("OWNER#{owner}"),
            sort_keys: SortKeys::BeginsWith("SCHEDULE#".to_owned()),
            descending: false,
            limit,
            cursor,
        };
        self.list(&query).await
    }

    /// Everybody's schedules that fire.
    pub(crate) async fn active_schedules(
        &self,
        limit: usize,
        cursor: Option<String>,
    ) -> Result<Listed<Schedule>, Problem> {
        let query = Query {
            index: Index::Gsi2,
            pk: "SCHEDULES#ACTIVE".to_owned(),
            sort_keys: SortKeys::All,
            descending: false,
            limit,
            cursor,
        };
        self.list(&query).await
    }

    /// Writes a new schedule; one of that name is in the way.
    pub(crate) async fn add_schedule(
        &self,
        new: Schedule,
        event: &AuditEvent,
    ) -> Result<Stored<Schedule>, Problem> {
        let saves_to = SavesTo {
            owner: new.owner.clone(),
            name: new.name.clone(),
        };
        let writes = [
            Write::Put(schedule_item(&new, 1)?, Condition::ItemAbsent),
            Write::Put(
                encode(saves_to_key(&new), &saves_to, 1, [])?,
                Condition::Always,
            ),
            audit_write(event, 1)?,
        ];
        match self.table.transact(&writes).await {
            Ok(()) => Ok(Stored {
                value: new,
                revision: 1,
            }),
            Err(TableError::ConditionFailed { .. }) => Err(Problem::new(
                Code::ScheduleNameTaken,
                format!("You have a schedule {} already.", new.name),
            )),
            Err(error) => Err(problem(error)),
        }
    }

    /// Changes a schedule that nobody has changed since it was read, and writes down who did it.
    /// Without an event it is Prism's own doing.
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

    /// Deletes a schedule's record and its runs. One that has gone, or is another of the same name by now, is
    /// left at that.
    pub(crate) async fn remove_schedule(&self, stored: &Stored<Schedule>) -> Result<(), Problem> {
        let key = schedule_key(&stored.value.owner, &stored.value.name);
        let runs = Key::new(key.pk.clone(), RUNS_KEY);
        let writes = [
            Write::Delete(key, Self::same(stored)?),
            Write::Delete(runs, Condition::Always),
            Write::Delete(saves_to_key(&stored.value), Condition::Always),
        ];
        match self.table.transact(&writes).await {
            Ok(()) | Err(TableError::ConditionFailed { .. }) => Ok(()),
            Err(error) => Err(problem(error)),
        }
    }

    /// That the record is the very one: a revision alone may be that of a later schedule of the
    /// same name.
    fn same(stored: &Stored<Schedule>) -> Result<Condition, Problem> {
        let record = serde_json::to_value(&stored.value).map_err(|error| {
            Problem::new(Code::Internal, "A record could not be written.").because(error)
        })?;
        let record = Condition::Equals("record".to_owned(), record);
        Ok(Condition::All(vec![stored.unchanged(), record]))
    }
}
