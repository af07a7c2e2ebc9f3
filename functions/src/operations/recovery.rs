//! Recovery: saves whose execution has ended without them, and executions that hand over.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::parts::Accepted;
use super::{Asked, Service, copies, from_executions};
use crate::domain::audit::Subject;
use crate::domain::ec2::InstanceState;
use crate::domain::save::{Duty, SaveRecord, SaveState, seconds_between};
use crate::domain::{Code, Problem, SaveId, Timestamp};
use crate::operations::operation::{Answered, operation};
use crate::ports::{ExecutionStatus, ExecutionsError};
use crate::rules::access::{Action, Caller};
use crate::steps::Standing;

/// How many executions a copy has to get through before what it made is taken back.
const COPY_EXECUTIONS: u32 = 4;
/// How many open saves and duties are read at once; so many are counted at most.
const SWEEP: usize = 100;

/// A recovery that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The save.
    pub save_id: SaveId,
    /// The execution that recovers it.
    pub execution: String,
}

/// What is open, as far as one sweep looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backlog {
    /// How many saves have not ended.
    pub open_saves: usize,
    /// How many instances are owed their original state.
    pub open_duties: usize,
    /// For how long the oldest duty to start an instance again has been open, in seconds; 0 where
    /// there is none. One towards an instance that was stopped all along is not counted: nobody
    /// waits for it.
    pub oldest_duty_s: f64,
}

/// What a sweep has come to.
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
                tracing::warn!(save.id = %id, code = %problem.code, problem = problem.chain(), "a save could not be looked at");
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
    /// Recover a save at once
    ///
    /// A save whose execution has ended without it is recovered by itself, after ever longer pauses where that keeps
    /// failing, and one that is stranded is tried again. This does so now. One that is worked on stays as it is.
    RecoverSave by recover_save: Post "/v1/saves/{id}/recover" of "saves",
    path: SaveId,
    output: Accepted<SaveRecord>,
}

async fn recover_save(
    service: &Service,
    caller: &Caller,
    asked: Asked<RecoverSave>,
) -> Answered<RecoverSave> {
    let record = service.recover_save(caller, &asked.path);
    record.await.map(Accepted::new)
}

impl Service {
    /// What is open now.
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

    /// Finds saves whose execution is not running and starts their recovery. Safe to run at any
    /// time, and twice at once: each recovery is fenced by an epoch in the save's record. One that fails holds up
    /// no other; the first failure is answered once all have been looked at.
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
        // After all recoveries: that this is another deployment's table keeps no instance down. A table that says
        // nothing yet has its deployment written into it here, if nowhere else before.
        self.env.deployment().await?;
        self.sweep_deletions().await?;
        swept.end()
    }

    /// Recovers a save if it has not ended and no execution works on it any more.
    pub(super) async fn recover_abandoned(
        &self,
        record: &SaveRecord,
    ) -> Result<Option<Recovery>, Problem> {
        if record.state != SaveState::Running || !self.is_abandoned(record).await? {
            return Ok(None);
        }
        self.recover(record).await
    }

    /// Tries a stranded save again if its instance has come back, or may come back by now.
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
            // What kept it down may have passed: no room, no permission, a key that was disabled.
            Standing::Down | Standing::Broken { .. } => is_due(record, now),
            Standing::Moving => false,
        };
        if !again {
            return Ok(None);
        }
        self.recover(record).await
    }

    /// Whether no execution works on an open save any more, and its next recovery is due. What waits for its turn is
    /// not asked about before that: there may be thousands of them, and none of them has touched anything.
    async fn is_abandoned(&self, record: &SaveRecord) -> Result<bool, Problem> {
        let now = self.env.clock.now();
        if record.awaited_turn().is_some_and(|turn| turn.at > now) {
            return Ok(false);
        }
        Ok(self.is_lost(record).await? && is_due(record, now))
    }

    /// Whether no execution works on an open save any more.
    pub(super) async fn is_lost(&self, record: &SaveRecord) -> Result<bool, Problem> {
        let status = match self.executions.describe(&record.execution).await {
            Ok(execution) => Some(execution.status),
            Err(ExecutionsError::NotFound { .. }) => None,
            Err(error) => return Err(from_executions(error)),
        };
        Ok(status != Some(ExecutionStatus::Running))
    }

    /// Recovers at once a save that nobody works on any more: for people, who do not wait for the sweep. Of one that is
    /// worked on nothing changes.
    pub async fn recover_save(&self, caller: &Caller, id: &SaveId) -> Result<SaveRecord, Problem> {
        let record = self.save_for(caller, id, Action::Recover).await?;
        if record.state.is_final() && record.state != SaveState::Stranded {
            let message = format!("The save {id} has ended already.");
            return Err(Problem::new(Code::SaveEnded, message));
        }
        self.recover_for(caller, &record).await?;
        self.save(caller, id).await
    }

    /// Recovers at once a save that has not ended and that no execution works on.
    pub(super) async fn recover_lost(
        &self,
        record: &SaveRecord,
    ) -> Result<Option<Recovery>, Problem> {
        if record.state != SaveState::Running || !self.is_lost(record).await? {
            return Ok(None);
        }
        self.recover(record).await
    }

    /// [`Service::recover_save`] for a caller who may do so. Answers whether a recovery began.
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
            "save.recover",
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
        // A copy keeps nobody's instance: it goes on, unless it ends again and again.
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

    /// Ends the running execution of a save and starts another that goes on with it: for a process
    /// that leaves its save to another one. The steps are idempotent, so the second execution
    /// passes quickly over what the first has done.
    pub async fn hand_over(&self, caller: &Caller, id: &SaveId) -> Result<(), Problem> {
        let record = self.save(caller, id).await?;
        if record.state.is_final() {
            return Ok(());
        }
        let Some(next) = self.next_epoch(&record).await? else {
            return Ok(());
        };
        let cause = format!("The save goes on as the execution {}.", next.execution);
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

    /// Raises the epoch, which shuts out the steps of every earlier execution. `None` when the
    /// record has changed meanwhile.
    async fn next_epoch(&self, record: &SaveRecord) -> Result<Option<SaveRecord>, Problem> {
        let now = self.env.clock.now();
        let change = |after: &mut SaveRecord| {
            let current = after.epoch == record.epoch && after.ended_at.is_none();
            if current {
                after.epoch += 1;
                after.execution = format!("{}-{}", after.save_id, after.epoch);
                if after.state == SaveState::Stranded {
                    // A restore that gave up has its whole time again, and nothing but a restore.
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

/// What an execution is started with that puts back what a save has touched.
fn back(record: &SaveRecord) -> Value {
    json!({ "recover": record.save_id, "epoch": record.epoch })
}

/// Whether the pause before the next recovery is over. It counts from the last sign of an execution: what people write
/// into the record does not postpone it. A sign of the future, from before a clock was set back, says nothing.
fn is_due(record: &SaveRecord, now: Timestamp) -> bool {
    let reached = record.moments.last().map(|moment| moment.at);
    let sign = reached.max(record.recovered_at);
    sign.is_none_or(|sign| sign > now || sign + pause_before(record.epoch) <= now)
}

/// How long the sweep leaves a save alone whose recoveries keep ending: the first three follow at
/// once, the later ones after 5 minutes, doubling up to 6 hours.
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
        // Somebody cancels it meanwhile, or notes anything else.
        record.updated_at = at(129);
        assert!(is_due(&record, at(130)));
        // The clock was set back by an hour.
        assert!(is_due(&record, at(70)));
        // A record of an older version knows of no recovery.
        record.recovered_at = None;
        assert!(is_due(&record, at(110)));
    }
}
