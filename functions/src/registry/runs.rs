//! The most recent runs of schedules.

use super::items::runs::{runs_item, runs_key, runs_sk};
use super::records::{Stored, decode};
use super::{Registry, TRIES, problem};
use crate::domain::save::SaveRecord;
use crate::domain::schedule::{Run, Runs, Schedule};
use crate::domain::{Code, Problem};
use crate::ports::{Condition, Index, Query, SortKeys, TableError, Write};

impl Registry {
    pub async fn runs(&self, schedule: &Schedule) -> Result<Runs, Problem> {
        let stored = self.stored_runs(schedule).await?;
        Ok(of(schedule, stored.map(|stored| stored.value)))
    }

    async fn stored_runs(&self, schedule: &Schedule) -> Result<Option<Stored<Runs>>, Problem> {
        let key = runs_key(&schedule.owner, &schedule.name);
        let item = self.table.get(&key).await.map_err(problem)?;
        item.as_ref().map(decode).transpose()
    }

    /// Returns the most recent runs of several schedules of one owner. The schedules must be sorted by name; the
    /// result has the same order.
    pub async fn runs_of(&self, schedules: &[Schedule]) -> Result<Vec<Runs>, Problem> {
        let (Some(first), Some(last)) = (schedules.first(), schedules.last()) else {
            return Ok(Vec::new());
        };
        let query = Query {
            index: Index::Gsi1,
            pk: format!("OWNER#{}", first.owner),
            sort_keys: SortKeys::Between(runs_sk(&first.name), runs_sk(&last.name)),
            descending: false,
            limit: schedules.len(),
            cursor: None,
        };
        let mut known = self
            .list::<Runs>(&query)
            .await?
            .items
            .into_iter()
            .peekable();
        let of_each = schedules.iter().map(|schedule| {
            // Skips runs of schedules that are no longer in the index.
            while known.next_if(|it| it.schedule < schedule.name).is_some() {}
            of(schedule, known.next_if(|it| it.schedule == schedule.name))
        });
        Ok(of_each.collect())
    }

    /// Records the state of a schedule's save, if the schedule still exists.
    pub(crate) async fn note_run(&self, record: &SaveRecord) -> Result<(), Problem> {
        let Some(name) = &record.schedule else {
            return Ok(());
        };
        let owner = &record.saved_by;
        for _ in 0..TRIES {
            let Some(schedule) = self.schedule(owner, name).await? else {
                return Ok(());
            };
            let schedule = schedule.value;
            if record.started_at < schedule.created_at {
                // The save was requested by an earlier schedule with the same name.
                return Ok(());
            }
            let before = self.stored_runs(&schedule).await?;
            let (condition, revision) = match &before {
                Some(stored) => (stored.unchanged(), stored.revision + 1),
                None => (Condition::ItemAbsent, 1),
            };
            let noted = before.map(|stored| stored.value);
            let mut runs = of(&schedule, noted.clone());
            let run = Run::of(record);
            let missed = schedule.missed(runs.last_began_at(), run.began_at);
            runs.note(Run { missed, ..run });
            if noted.as_ref() == Some(&runs) {
                return Ok(());
            }
            let item = runs_item(owner, &runs, revision)?;
            match self.table.transact(&[Write::Put(item, condition)]).await {
                Ok(()) => return Ok(()),
                Err(TableError::ConditionFailed { .. } | TableError::Conflict) => {}
                Err(error) => return Err(problem(error)),
            }
        }
        let message = format!("Others kept changing the runs of the schedule {name}.");
        Err(Problem::new(Code::RegistryConflict, message))
    }
}

/// The runs of this schedule. Runs of an earlier schedule with the same name are discarded.
fn of(schedule: &Schedule, known: Option<Runs>) -> Runs {
    known
        .filter(|runs| runs.made_at == schedule.created_at)
        .unwrap_or_else(|| Runs::none(schedule.name.clone(), schedule.created_at))
}
