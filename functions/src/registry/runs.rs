//! The most recent runs of schedules.

use super::items::runs::{runs_item, runs_key, runs_sk};
use super::records::{Stored, next};
use super::{Registry, TRIES};
use crate::domain::save::SaveRecord;
use crate::domain::schedule::{Run, Runs, Schedule};
use crate::domain::{Code, Problem};
use crate::ports::{Index, Query, SortKeys, Write};

impl Registry {
    pub async fn runs(&self, schedule: &Schedule) -> Result<Runs, Problem> {
        let stored = self.stored_runs(schedule).await?;
        Ok(of(schedule, stored.map(|stored| stored.value)))
    }

    async fn stored_runs(&self, schedule: &Schedule) -> Result<Option<Stored<Runs>>, Problem> {
        let key = runs_key(&schedule.owner, &schedule.name);
        self.stored(&key).await
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
        let known = self.list::<Runs>(&query).await?.items;
        let mut known = known.into_iter().peekable();
        let of_each = schedules.iter().map(|schedule| {
            // Skips runs of schedules that are no longer in the index.
            while known.next_if(|it| it.schedule < schedule.name).is_some() {}
            of(schedule, known.next_if(|it| it.schedule == schedule.name))
        });
        Ok(of_each.collect())
    }

    /// Records the state of a schedule's save, if the schedule still exists. Returns the number of runs that were missed
    /// before this one if it was not recorded before.
    pub(crate) async fn note_run(&self, record: &SaveRecord) -> Result<u32, Problem> {
        let Some(name) = &record.schedule else {
            return Ok(0);
        };
        let owner = &record.saved_by;
        for _ in 0..TRIES {
            let Some(schedule) = self.schedule(owner, name).await? else {
                return Ok(0);
            };
            let schedule = schedule.value;
            if record.started_at < schedule.created_at {
                // The save was requested by an earlier schedule with the same name.
                return Ok(0);
            }
            let before = self.stored_runs(&schedule).await?;
            let (revision, condition) = next(before.as_ref());
            let noted = before.map(|stored| stored.value);
            let mut runs = of(&schedule, noted.clone());
            let run = Run::of(record);
            let missed = schedule.missed(runs.last_began_at(), run.began_at);
            let is_new = !runs.recent.iter().any(|it| it.save_id == run.save_id);
            runs.note(Run { missed, ..run });
            if noted.as_ref() == Some(&runs) {
                return Ok(0);
            }
            let item = runs_item(owner, &runs, revision)?;
            if self.commit(&[Write::Put(item, condition)]).await? {
                return Ok(if is_new { missed } else { 0 });
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
