//! How every step begins, and what it records.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::save::{SaveRecord, SaveState, seconds_between};
use crate::domain::{Code, Problem, SaveId, StepName, Timestamp};
use crate::rules::Env;

/// How long the write of an intent may take. This leaves the rest of [`super::LATE_S`] for the effect of
/// the EC2 request that follows.
const INTENT: Duration = Duration::from_secs(5);
/// The maximum number of times that an intent is written.
const INTENTS: u32 = 3;

/// The save and the number of its execution: the input that all steps except PlanSave share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveRef {
    pub save_id: SaveId,
    /// The number of the execution among those of the save, from 1.
    pub epoch: u32,
}

impl Env {
    /// Begins a step on the way forward, and records the step. Returns the record once it is certain that this
    /// execution works on the save and that the save is not cancelled.
    pub(crate) async fn advance(
        &self,
        save: &SaveRef,
        step: StepName,
    ) -> Result<SaveRecord, Problem> {
        let record = self.reach(save, step).await?;
        if record.state.is_final() && record.state != SaveState::Succeeded {
            // This is another execution with the same number, or a late run of this one. Nobody would undo what it
            // begins.
            let message = format!("The save {} has already ended.", record.save_id);
            return Err(Problem::new(Code::Superseded, message));
        }
        match (&record.cancelled_by, record.version) {
            (Some(user), None) => Err(Problem::new(
                Code::SaveCancelled,
                format!("{user} cancelled the save."),
            )),
            _ => Ok(record),
        }
    }

    /// Begins a step on the way back, which a cancelled save takes as well.
    pub(crate) async fn reach(
        &self,
        save: &SaveRef,
        step: StepName,
    ) -> Result<SaveRecord, Problem> {
        let now = self.clock.now();
        let change = |record: &mut SaveRecord| {
            record.heed_clock(now);
            if record.state == SaveState::Running && *record.step != step {
                record.reach(step, now);
                record.updated_at = now;
            }
            Ok(())
        };
        let (record, ()) = self
            .registry
            .change_save(&save.save_id, Some(save.epoch), change)
            .await?;
        // From here on, log entries name the instance.
        if let Some(plan) = &record.plan {
            tracing::Span::current().record("instance.id", plan.instance.id.as_str());
        }
        Ok(record)
    }

    /// Fails if this execution no longer works on the save. It is called before each EC2 call that changes something
    /// and does not directly follow a write of the record.
    pub(crate) async fn fence(&self, save: &SaveRef) -> Result<(), Problem> {
        let unchanged = |_: &mut SaveRecord| Ok(());
        let registry = &self.registry;
        registry
            .change_save(&save.save_id, Some(save.epoch), unchanged)
            .await?;
        Ok(())
    }

    /// Changes the record of a save that this execution works on.
    pub(crate) async fn note(
        &self,
        save: &SaveRef,
        mut change: impl FnMut(&mut SaveRecord),
    ) -> Result<SaveRecord, Problem> {
        let now = self.clock.now();
        let change = |record: &mut SaveRecord| {
            let before = record.clone();
            change(record);
            if *record != before {
                record.updated_at = now;
            }
            Ok(())
        };
        let (record, ()) = self
            .registry
            .change_save(&save.save_id, Some(save.epoch), change)
            .await?;
        Ok(record)
    }

    /// Records what EC2 is about to be asked for, with the time. The lateness of an effect is counted from that time,
    /// so if the write itself took long, it is repeated; if every write takes long, EC2 is not asked.
    pub(crate) async fn intend(
        &self,
        save: &SaveRef,
        mut intent: impl FnMut(&mut SaveRecord, Timestamp),
    ) -> Result<SaveRecord, Problem> {
        for _ in 0..INTENTS {
            let now = self.clock.now();
            let record = self.note(save, |record| intent(record, now)).await?;
            let limit = self.clock.during(INTENT).as_secs_f64();
            if seconds_between(now, self.clock.now()) <= limit {
                return Ok(record);
            }
        }
        let message = "The registry took too long to record the next request to EC2. The request was not sent.";
        Err(Problem::new(Code::NotReady, message))
    }
}
