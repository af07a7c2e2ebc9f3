//! Recovery of saves whose execution has ended prematurely, and handover between executions.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::parts::Accepted;
use super::{Asked, SaveView, Service, copies, from_executions};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::ec2::InstanceState;
use crate::domain::save::{Duty, SaveRecord, SaveState, seconds_between};
use crate::domain::{Code, Problem, SaveId, Timestamp};
use crate::operations::operation::{Answered, operation};
use crate::ports::{ExecutionStatus, ExecutionsError};
use crate::rules::access::{Action, Caller};
use crate::rules::budget::tell_budget;
use crate::steps::Standing;

/// The number of executions after which an unfinished copy is cleaned up instead of continued.
const COPY_EXECUTIONS: u32 = 4;
/// The number of open saves and duties that are read at once. This is also the maximum that is counted.
const SWEEP: usize = 100;

/// A recovery that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The save.
    pub save_id: SaveId,
    /// The execution that recovers the save.
    pub execution: String,
}

/// The open saves and duties, as far as one sweep counts them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backlog {
    /// The number of saves that have not ended.
    pub open_saves: usize,
    /// The number of instances that must be returned to their original state.
    pub open_duties: usize,
    /// The age of the oldest open duty to start an instance again, in seconds; 0 if there is none. Duties to instances
    /// that were stopped from the beginning are not counted, because nobody waits for them.
    pub oldest_duty_s: f64,
}

/// The result of a sweep.
#[derive(Default)]
struct Swept {
    recoveries: Vec<Recovery>,
    failed: Option<Problem>,
}

impl Swept {
    fn add(&mut self, id: &SaveId, outcome: Result<Option<Recovery>, Problem>) {
        match outcome {
            Ok(recovery) => self.recoveries.extend(recovery),
            Err(problem) => {
                tracing::warn!(save.id = %id, code = %problem.code, problem = problem.chain(), "a save could not be read");
                self.failed.get_or_insert(problem);
            }
        }
    }

    fn end(self) -> Result<Vec<Recovery>, Problem> {
        match self.failed {
            Some(problem) => Err(problem),
            None => Ok(self.recoveries),
        }
    }
}

operation! {
    /// Recovers a save immediately
    ///
    /// A save whose execution has ended prematurely is recovered automatically, with increasing pauses if the recovery
    /// fails repeatedly, and a stranded save is tried again in the same way. This operation starts the recovery without
    /// waiting. If an execution is working on the save, nothing changes.
    RecoverSave by recover_save: Post "/v1/saves/{id}/recover" of "saves",
    path: SaveId,
    output: Accepted<SaveView>,
    rights: [Recover Save, See Save],
}

async fn recover_save(
    service: &Service,
    caller: &Caller,
    asked: Asked<RecoverSave>,
) -> Answered<RecoverSave> {
    let id = &asked.path;
    let record = service.save_for(caller, id, Action::Recover).await?;
    if record.state.is_final() && record.state != SaveState::Stranded {
        let message = format!("The save {id} has already ended.");
        return Err(Problem::new(Code::SaveEnded, message));
    }
    service.recover_for(caller, &record).await?;
    service.save(caller, id).await.map(Accepted::new)
}

impl Service {
    /// Returns the currently open saves and duties.
    pub async fn backlog(&self) -> Result<Backlog, Problem> {
        let registry = &self.env.registry;
        let duties = registry.open_duties(SWEEP, None).await?.items;
        let now = self.env.clock.now();
        let oldest = duties
            .iter()
            .find(|duty| duty.original_state == InstanceState::Running)
            .map_or(0.0, |duty| seconds_between(duty.since, now));
        Ok(Backlog {
            open_saves: registry.open_saves(SWEEP, None).await?.items.len(),
            open_duties: duties.len(),
            oldest_duty_s: oldest,
        })
    }

    /// Finds saves whose execution is not running and starts their recovery. It is safe to run this at any time, and
    /// twice at once: each recovery is fenced by an epoch in the save's record. A failed recovery does not block the
    /// others; the first failure is returned after all saves have been checked.
    pub async fn sweep(&self) -> Result<Vec<Recovery>, Problem> {
        let mut swept = Swept::default();
        let registry = &self.env.registry;
        let mut cursor = None;
        loop {
            let page = registry.open_saves(SWEEP, cursor).await?;
            for record in page.items {
                let outcome = self.recover_abandoned(&record).await;
                swept.add(&record.save_id, outcome);
            }
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        loop {
            let page = registry.open_duties(SWEEP, cursor).await?;
            for duty in page.items {
                let outcome = match registry.save(&duty.save_id).await {
                    Ok(Some(stored)) => self.recover_stranded(&duty, &stored.value).await,
                    Ok(None) => Ok(None),
                    Err(problem) => Err(problem),
                };
                swept.add(&duty.save_id, outcome);
            }
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        // Checked after all recoveries, so that a table of another deployment does not keep instances down. If the
        // table contains no deployment yet, this writes it at the latest.
        self.env.deployment().await?;
        self.sweep_deletions().await?;
        let mut untold = None;
        for project in self.sweep_meters().await? {
            if let Err(problem) = tell_budget(&self.env, &project, None).await {
                tracing::warn!(%project, code = %problem.code, problem = problem.chain(), "the budget of a project was not looked at");
                untold.get_or_insert(problem);
            }
        }
        let ended = swept.end()?;
        untold.map_or(Ok(ended), Err)
    }

    /// Recovers a save if it has not ended and no execution works on it.
    pub(super) async fn recover_abandoned(
        &self,
        record: &SaveRecord,
    ) -> Result<Option<Recovery>, Problem> {
        if record.state != SaveState::Running || !self.is_abandoned(record).await? {
            return Ok(None);
        }
        self.recover(record).await
    }

    /// Recovers a stranded save if its instance is back, or could be started by now.
    pub(super) async fn recover_stranded(
        &self,
        duty: &Duty,
        record: &SaveRecord,
    ) -> Result<Option<Recovery>, Problem> {
        if record.state != SaveState::Stranded {
            return Ok(None);
        }
        let instance = crate::steps::look(&*self.env.ec2, &duty.region, &duty.instance).await?;
        let now = self.env.clock.now();
        let again = match crate::steps::standing(duty, record, instance.as_ref(), now) {
            Standing::Settled(_) => true,
            // The cause may be gone: missing capacity, a missing permission, or a disabled key.
            Standing::Down | Standing::Broken { .. } => is_due(record, now),
            Standing::Moving => false,
        };
        if !again {
            return Ok(None);
        }
        self.recover(record).await
    }

    /// Returns whether no execution works on an open save and its next recovery is due. A save that waits for its turn
    /// is not checked before that: there may be thousands of these, and they have not changed anything yet.
    async fn is_abandoned(&self, record: &SaveRecord) -> Result<bool, Problem> {
        let now = self.env.clock.now();
        if record.awaited_turn().is_some_and(|turn| turn.at > now) {
            return Ok(false);
        }
        Ok(self.is_lost(record).await? && is_due(record, now))
    }

    /// Returns whether no execution works on an open save.
    pub(super) async fn is_lost(&self, record: &SaveRecord) -> Result<bool, Problem> {
        let status = match self.executions.describe(&record.execution).await {
            Ok(execution) => Some(execution.status),
            Err(ExecutionsError::NotFound { .. }) => None,
            Err(error) => return Err(from_executions(error)),
        };
        Ok(status != Some(ExecutionStatus::Running))
    }

    /// Recovers a save immediately if it has not ended and no execution works on it.
    pub(super) async fn recover_lost(
        &self,
        record: &SaveRecord,
    ) -> Result<Option<Recovery>, Problem> {
        if record.state != SaveState::Running || !self.is_lost(record).await? {
            return Ok(None);
        }
        self.recover(record).await
    }

    /// Recovers a save immediately if no execution works on it, for a caller whose rights have been checked. Returns
    /// whether a recovery began.
    pub(super) async fn recover_for(
        &self,
        caller: &Caller,
        record: &SaveRecord,
    ) -> Result<bool, Problem> {
        let waits = match record.state {
            SaveState::Stranded => true,
            SaveState::Running => self.is_lost(record).await?,
            _ => false,
        };
        if !waits {
            return Ok(false);
        }
        let event = self.event(
            caller,
            AuditAction::SaveRecover,
            Subject::Save(record.save_id.clone()),
        );
        self.audit(&event).await?;
        Ok(self.recover(record).await?.is_some())
    }

    /// Starts a recovery, unless somebody else has just done so.
    async fn recover(&self, record: &SaveRecord) -> Result<Option<Recovery>, Problem> {
        let Some(next) = self.next_epoch(record).await? else {
            return Ok(None);
        };
        // A copy does not hold an instance, so it is continued, unless its executions fail repeatedly.
        let onward = (next.epoch <= COPY_EXECUTIONS).then(|| copies::going_on(&next));
        let input = onward.flatten().unwrap_or_else(|| back(&next));
        self.executions
            .start(&next.execution, input)
            .await
            .map_err(from_executions)?;
        Ok(Some(Recovery {
            save_id: next.save_id,
            execution: next.execution,
        }))
    }

    /// Ends the running execution of a save and starts another one that continues it. A process uses this to hand its
    /// save over to another process. The steps are idempotent, so the second execution quickly skips what the first one
    /// has done.
    pub async fn hand_over(&self, caller: &Caller, id: &SaveId) -> Result<(), Problem> {
        let record = self.save(caller, id).await?;
        if record.state.is_final() {
            return Ok(());
        }
        let Some(next) = self.next_epoch(&record).await? else {
            return Ok(());
        };
        let cause = format!("The save continues as the execution {}.", next.execution);
        self.executions
            .stop(&record.execution, &cause)
            .await
            .map_err(from_executions)?;
        let recovering = next.restore_began_at.is_some();
        let input = if recovering {
            back(&next)
        } else if let Some(input) = copies::going_on(&next) {
            input
        } else if next.copy_of.is_some() {
            back(&next)
        } else {
            json!({ "save_id": next.save_id, "epoch": next.epoch, "caller": caller, "request": next.request })
        };
        self.executions
            .start(&next.execution, input)
            .await
            .map_err(from_executions)
    }

    /// Raises the epoch, which excludes the steps of every earlier execution. Returns `None` if the record has changed
    /// in the meantime.
    async fn next_epoch(&self, record: &SaveRecord) -> Result<Option<SaveRecord>, Problem> {
        let now = self.env.clock.now();
        let change = |after: &mut SaveRecord| {
            let current = after.epoch == record.epoch && after.ended_at.is_none();
            if current {
                after.epoch += 1;
                after.execution = format!("{}-{}", after.save_id, after.epoch);
                if after.state == SaveState::Stranded {
                    // After a restore gave up, the next execution only restores, and has the full time for it.
                    after.restore_began_at = Some(now);
                }
                after.state = SaveState::Running;
                after.recovered_at = Some(now);
                after.updated_at = now;
            }
            Ok(current)
        };
        let (after, raised) = self
            .env
            .registry
            .change_save(&record.save_id, None, change)
            .await?;
        Ok(raised.then_some(after))
    }
}

/// Returns the input of an execution that undoes what a save has changed.
fn back(record: &SaveRecord) -> Value {
    json!({ "recover": record.save_id, "epoch": record.epoch })
}

/// Returns whether the pause before the next recovery is over. It begins with the last sign of an execution, so changes
/// to the record by people do not postpone it. A sign that lies in the future, from before a clock was set back, is
/// ignored.
fn is_due(record: &SaveRecord, now: Timestamp) -> bool {
    let reached = record.moments.last().map(|moment| moment.at);
    let sign = reached.max(record.recovered_at);
    sign.is_none_or(|sign| sign > now || sign + pause_before(record.epoch) <= now)
}

/// Returns how long the sweep waits before it recovers a save again. The first three recoveries follow at once, later
/// ones after 5 minutes, doubling up to 6 hours.
fn pause_before(epoch: u32) -> TimeDelta {
    match epoch.checked_sub(4) {
        None => TimeDelta::zero(),
        Some(times) => TimeDelta::minutes((5_i64 << times.min(7)).min(360)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recoveries_that_keep_ending_come_ever_more_rarely() {
        let minutes: Vec<i64> = (1..13)
            .map(|epoch| pause_before(epoch).num_minutes())
            .collect();
        assert_eq!(minutes, [0, 0, 0, 5, 10, 20, 40, 80, 160, 320, 360, 360]);
    }

    #[test]
    fn the_pause_counts_from_the_last_sign_of_an_execution() {
        let at = |minute: i64| Timestamp::from_timestamp(minute * 60, 0).unwrap_or_default();
        let request =
            serde_json::json!({ "instance": "work", "template": "kept", "region": "us-east-1" });
        let mut record = SaveRecord::new(
            "save-0123456789abcdef".parse().expect("it is an id"),
            serde_json::from_value(request).expect("it is a request"),
            "ada".parse().expect("it is a name"),
            "save-0123456789abcdef-5".to_owned(),
            at(100),
        );
        record.epoch = 5;
        record.recovered_at = Some(at(120));
        assert!(!is_due(&record, at(129)));
        assert!(is_due(&record, at(130)));
        // Somebody cancels the save in the meantime, or changes something else in the record.
        record.updated_at = at(129);
        assert!(is_due(&record, at(130)));
        // The clock was set back by an hour.
        assert!(is_due(&record, at(70)));
        // The record was written by an older version, without a recovery time.
        record.recovered_at = None;
        assert!(is_due(&record, at(110)));
    }
}
