//! RestoreInstance: checks once how far the instance is from its original state, and takes the next action to restore
//! it (promise P1).
//!
//! Every failure leads here, from any step and from a recovery. The step therefore assumes nothing: the stop may never
//! have been requested, may be in progress, or may have been undone by somebody else.

use serde::Serialize;

use super::await_running::note_running;
use super::env::Limited;
use super::findings::{
    Standing, impossible, look, note_fallen_back, note_hanging, standing, start,
};
use super::{SaveRef, Step};
use crate::domain::save::{Finding, SaveRecord, seconds_between};
use crate::domain::{Code, Problem, StepName, Timestamp};
use crate::ports::Call;
use crate::rules::Env;

pub(super) struct RestoreInstance;

/// Whether the duty is discharged, and whether the save has its version and only has to be completed.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    done: bool,
    registered: bool,
}

impl Step for RestoreInstance {
    const NAME: StepName = StepName::RestoreInstance;
    const CALLS: &'static [Call] = &[
        Call::Instances,
        Call::StatusChecks,
        Call::StartInstance,
        Call::Get,
        Call::Put,
    ];
    type Input = Limited;
    type Output = Output;

    async fn run(env: &Env, input: Limited) -> Result<Output, Problem> {
        let Some(stored) = env.registry.save(&input.save.save_id).await? else {
            // The save was refused before it began: there is nothing to restore.
            return Ok(Output {
                done: true,
                registered: false,
            });
        };
        if stored.value.plan.is_none() || stored.value.state.is_final() {
            if stored.value.copy_of.is_some() && !stored.value.state.is_final() {
                // A copy changes no instance, but from here on it can no longer succeed.
                begin(env, &input.save).await?;
            }
            return Ok(Output {
                done: true,
                registered: stored.value.version.is_some(),
            });
        }
        let record = begin(env, &input.save).await?;
        let done = restore(env, &input, &record).await?;
        Ok(Output {
            done,
            registered: record.version.is_some(),
        })
    }
}

async fn begin(env: &Env, save: &SaveRef) -> Result<SaveRecord, Problem> {
    env.reach(save, RestoreInstance::NAME).await?;
    let now = env.clock.now();
    env.note(save, |record| {
        record.restore_began_at.get_or_insert(now);
    })
    .await
}

/// Checks the instance once and takes one action. Returns whether the duty is discharged.
async fn restore(env: &Env, input: &Limited, record: &SaveRecord) -> Result<bool, Problem> {
    let (region, id) = (&record.request.region, &record.instance()?.id);
    let duty = env.registry.duty(region, id).await?;
    let Some(duty) =
        duty.filter(|duty| duty.value.save_id == record.save_id && duty.value.discharged.is_none())
    else {
        return Ok(true);
    };
    let instance = look(&*env.ec2, region, id).await?;
    let now = env.clock.now();
    let gave_up = record
        .restore_began_at
        .is_some_and(|began| seconds_between(began, now) >= input.limit_s);
    match standing(&duty.value, record, instance.as_ref(), now) {
        Standing::Settled(finding) => {
            if finding == Finding::Original && record.down_since().is_some() {
                note_running(env, &input.save, record).await?;
            }
            let epoch = input.save.epoch;
            env.registry.discharge(&duty, epoch, finding, now).await?;
            Ok(true)
        }
        Standing::Broken { reason } if asked_since(record, record.restore_began_at) => {
            Err(impossible(id, &reason))
        }
        Standing::Moving | Standing::Down if gave_up => {
            let why = record.trouble.as_ref().map(|trouble| &trouble.message);
            let why = why.map(|why| format!(": {why}"));
            let message = format!(
                "The instance {id} could not be started again within {:.0} s{}",
                input.limit_s,
                why.as_deref().unwrap_or(".")
            );
            Err(Problem::new(Code::RestoreGaveUp, message))
        }
        Standing::Moving => {
            note_hanging(env, &input.save, record, instance.as_ref()).await?;
            Ok(false)
        }
        // A start that failed because of a key happened before this restore: the key may be usable by now.
        Standing::Down | Standing::Broken { .. } => {
            note_fallen_back(env, &input.save, record, instance.as_ref()).await?;
            match start(env, &input.save, region, id).await {
                // The instance existed a moment ago; the next check shows whether it is gone.
                Err(problem) if problem.code == Code::InstanceGone => Ok(false),
                started => started.map(|()| false),
            }
        }
    }
}

/// Returns whether a start has been requested since then.
fn asked_since(record: &SaveRecord, since: Option<Timestamp>) -> bool {
    record.start_repeated_at.max(record.start_requested_at) >= since
}

#[cfg(test)]
repeated!(RestoreInstance: ImageFails, SnapshotFails, IsCancelled, LaterCopyFails, Strands);
