//! How every step begins, and what it notes.

use serde::{Deserialize, Serialize};

use crate::domain::save::{SaveRecord, SaveState, seconds_between};
use crate::domain::{Code, Problem, SaveId, Timestamp};
use crate::rules::Env;

/// How long the write of an intent may take, in seconds. What EC2 is asked for after it may still take effect for
/// the rest of [`super::LATE_S`].
const INTENT_S: f64 = 5.0;
/// How often an intent is written at most.
const INTENTS: u32 = 3;

/// Which save, and as which of its executions: the input that all steps but PlanSave share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveRef {
    /// The save.
    pub save_id: SaveId,
    /// The execution's number among those of the save, from 1.
    pub epoch: u32,
}

impl Env {
    /// Begins a step on the way forward: the record, once this execution is known to be the one
    /// that works on the save and nobody has cancelled it. Notes the step in the record.
    pub(crate) async fn advance(&self, save: &SaveRef, step: &str) -> Result<SaveRecord, Problem> {
        let record = self.reach(save, step).await?;
        if record.state.is_final() && record.state != SaveState::Succeeded {
            // Another execution under the same number, or what is left of this one: what it would
            // begin, nobody would put back.
            let message = format!("The save {} has ended already.", record.save_id);
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

    /// Begins a step on the way back, which a cancelled save takes too.
    pub(crate) async fn reach(&self, save: &SaveRef, step: &str) -> Result<SaveRecord, Problem> {
        let now = self.clock.now();
        let change = |record: &mut SaveRecord| {
            record.heed_clock(now);
            if record.state == SaveState::Running && record.step != step {
                record.reach(step, now);
                record.updated_at = now;
            }
            Ok(())
        };
        let (record, ()) = self
            .registry
            .change_save(&save.save_id, Some(save.epoch), change)
            .await?;
        // What is logged from here on names the instance.
        if let Some(plan) = &record.plan {
            tracing::Span::current().record("instance.id", plan.instance.id.as_str());
        }
        Ok(record)
    }

    /// Refuses to go on where this is no longer the execution that works on the save: asked before
    /// each call that changes EC2, where no write of the record comes right before it.
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

    /// Writes down what EC2 is about to be asked for, with the instant. How late an effect may come is counted
    /// from that instant: where the write itself took long it is written once more, and EC2 is not asked where that
    /// takes long each time.
    pub(crate) async fn intend(
        &self,
        save: &SaveRef,
        mut intent: impl FnMut(&mut SaveRecord, Timestamp),
    ) -> Result<SaveRecord, Problem> {
        for _ in 0..INTENTS {
            let now = self.clock.now();
            let record = self.note(save, |record| intent(record, now)).await?;
            if seconds_between(now, self.clock.now()) <= INTENT_S {
                return Ok(record);
            }
        }
        let message = "The registry took too long to note what EC2 was about to be asked for. EC2 was not asked.";
        Err(Problem::new(Code::NotReady, message))
    }
}
