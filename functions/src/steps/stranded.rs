//! Stranded: the restore gave up. Raises the alarm; duty and lock stay until the instance is back.

use serde::{Deserialize, Serialize};

use super::fail_copy::Caught;
use super::fail_save::{failure, tell};
use super::{Env, SaveRef, Step, runs};
use crate::domain::Problem;
use crate::domain::save::SaveState;
use crate::ports::{Call, Notice};

/// See the module.
pub(super) struct Stranded;

/// Which save, and why the restore gave up.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    #[serde(flatten)]
    save: SaveRef,
    failure: Caught,
}

/// Whether the alarm was raised.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    stranded: bool,
}

impl Step for Stranded {
    const NAME: &'static str = "Stranded";
    const CALLS: &'static [Call] = &[Call::Alarm, Call::Get, Call::Put, Call::Delete];
    type Input = Input;
    type Output = Output;

    async fn run(env: &Env, input: Input) -> Result<Output, Problem> {
        let Some(stored) = env.registry.save(&input.save.save_id).await? else {
            return Ok(Output { stranded: false });
        };
        if stored.value.state.is_final() || stored.value.plan.is_none() {
            return Ok(Output { stranded: false });
        }
        let problem = input.failure.problem();
        let now = env.clock.now();
        let notice = Notice {
            at: now,
            save_id: input.save.save_id.clone(),
            event: "save.stranded".to_owned(),
            alarm: true,
            text: problem.message.clone(),
        };
        env.fence(&input.save).await?;
        tell(env, &notice).await;
        let record = env
            .registry
            .end_save(&input.save.save_id, input.save.epoch, true, |record| {
                record.reach(Self::NAME, now);
                record.state = SaveState::Stranded;
                record.updated_at = now;
                record.failure = Some(failure(&problem, "RestoreInstance"));
            })
            .await?;
        runs::note(env, &record).await;
        Ok(Output { stranded: true })
    }
}
