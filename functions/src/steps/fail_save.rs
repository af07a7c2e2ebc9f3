//! FailSave: ends a save that failed or was cancelled. It records the reason and unlocks the instance.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fail_copy::Caught;
use super::{SaveRef, Step, runs};
use crate::domain::save::{Failure, SaveRecord, SaveRequest, SaveState};
use crate::domain::{Code, NoticeEvent, Problem, SaveId, ScheduleName, StepName};
use crate::ports::{Call, Notice};
use crate::rules::Env;
use crate::rules::access::Caller;

pub(super) struct FailSave;

/// The save, the error, and what could not be cleaned up; the execution with its input, for a save that was refused
/// before it had a record.
#[derive(Debug, Deserialize)]
pub(super) struct Input {
    #[serde(flatten)]
    save: SaveRef,
    failure: Caught,
    #[serde(default)]
    leftovers: Option<Caught>,
    execution: String,
    started_with: Value,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    state: SaveState,
}

impl Step for FailSave {
    const NAME: StepName = StepName::FailSave;
    const CALLS: &'static [Call] = &[
        Call::Notice,
        Call::Get,
        Call::Query,
        Call::Put,
        Call::Update,
        Call::Delete,
    ];
    type Input = Input;
    type Output = Output;

    async fn run(env: &Env, input: Input) -> Result<Output, Problem> {
        let problem = input.failure.problem();
        let Some(stored) = env.registry.save(&input.save.save_id).await? else {
            note_refusal(env, &input, &problem).await?;
            return Ok(Output {
                state: SaveState::Failed,
            });
        };
        if stored.value.state.is_final() {
            // A save that was cancelled before its turn has ended outside of its execution.
            runs::note(env, &stored.value).await;
            return Ok(Output {
                state: stored.value.state,
            });
        }
        let state = end_state(&stored.value, &problem);
        let leftovers = input
            .leftovers
            .as_ref()
            .map(|caught| caught.problem().message);
        let failure = end_failure(&stored.value, &problem);
        let now = env.clock.now();
        // The report of a superseded execution is out of date.
        env.fence(&input.save).await?;
        env.tell(&notice(&stored.value, state, &failure, now)).await;
        let record = env
            .registry
            .end_save(&input.save.save_id, input.save.epoch, false, |record| {
                record.state = state;
                record.ended_at = Some(now);
                record.updated_at = now;
                record.failure = Some(failure.clone());
                record.leftovers.clone_from(&leftovers);
            })
            .await?;
        runs::note(env, &record).await;
        Ok(Output {
            state: record.state,
        })
    }
}

/// Returns the final state. A save that has its version has succeeded, whatever failed after that.
fn end_state(record: &SaveRecord, problem: &Problem) -> SaveState {
    if record.version.is_some() {
        SaveState::Succeeded
    } else if problem.code == Code::SaveCancelled || record.cancelled_by.is_some() {
        SaveState::Cancelled
    } else {
        SaveState::Failed
    }
}

/// Returns why the save failed. The recovery of a stranded save only knows that it was interrupted, so the problem that
/// stranded it remains the reason.
fn end_failure(record: &SaveRecord, problem: &Problem) -> Failure {
    match &record.failure {
        Some(before) if problem.code == Code::SaveInterrupted => before.clone(),
        _ => failure(problem, failed_step(record)),
    }
}

/// Returns the last step on the way forward.
pub(super) fn failed_step(record: &SaveRecord) -> String {
    let back = [
        StepName::RestoreInstance,
        StepName::DiscardImage,
        StepName::FailSave,
        StepName::Stranded,
    ];
    let forward = record
        .moments
        .iter()
        .rev()
        .find(|moment| !back.iter().any(|step| *moment.step == *step));
    forward.map_or_else(|| record.step.clone(), |moment| moment.step.clone())
}

pub(crate) fn failure(problem: &Problem, step: String) -> Failure {
    Failure {
        code: problem.code.to_string(),
        message: problem.message.clone(),
        hint: problem.advice().to_owned(),
        step,
    }
}

fn notice(
    record: &SaveRecord,
    state: SaveState,
    failure: &Failure,
    at: crate::domain::Timestamp,
) -> Notice {
    let event = end_event(record, state);
    about(record, Notice::new(event, at, failure.message.clone()))
}

/// The event that reports the end of a save or a copy.
pub(super) fn end_event(record: &SaveRecord, state: SaveState) -> NoticeEvent {
    match (record.copy_of.is_some(), state) {
        (false, SaveState::Succeeded) => NoticeEvent::SaveSucceeded,
        (true, SaveState::Succeeded) => NoticeEvent::CopySucceeded,
        (false, SaveState::Cancelled) => NoticeEvent::SaveCancelled,
        (true, SaveState::Cancelled) => NoticeEvent::CopyCancelled,
        (false, _) => NoticeEvent::SaveFailed,
        (true, _) => NoticeEvent::CopyFailed,
    }
}

/// Addresses a notice about a save to the user who requested it.
pub(super) fn about(record: &SaveRecord, notice: Notice) -> Notice {
    Notice {
        to: BTreeSet::from([record.saved_by.clone()]),
        save_id: Some(record.save_id.clone()),
        template: Some(record.request.template.clone()),
        instance: record.plan.as_ref().map(|plan| plan.instance.id.clone()),
        schedule: record.schedule.clone(),
        ..notice
    }
}

/// Writes the record of a save that was refused before it began, so that a save started by a schedule is not lost from
/// view. No record is written for a dry run or a malformed input, nor for a copy, whose caller received the refusal
/// before it began unless something changed at that very moment.
async fn note_refusal(env: &Env, input: &Input, problem: &Problem) -> Result<(), Problem> {
    #[derive(Deserialize)]
    struct Started {
        request: SaveRequest,
        caller: Caller,
        #[serde(default)]
        schedule: Option<ScheduleName>,
        #[serde(default)]
        dry_run: bool,
    }
    let Ok(started) = serde_json::from_value::<Started>(input.started_with.clone()) else {
        tracing::warn!(execution = input.execution, code = %problem.code, "the request is not a valid save, or it was refused before it had a record");
        return Ok(());
    };
    if started.dry_run {
        return Ok(());
    }
    let id: SaveId = input.save.save_id.clone();
    let now = env.clock.now();
    let mut record = SaveRecord::new(
        id,
        started.request,
        started.caller.user,
        input.execution.clone(),
        now,
    );
    record.schedule = started.schedule;
    record.state = SaveState::Failed;
    record.ended_at = Some(now);
    let failure = failure(problem, StepName::PlanSave.to_string());
    record.failure = Some(failure.clone());
    // Nobody waits for the response to a scheduled run.
    if record.schedule.is_some() {
        let notice = Notice::new(NoticeEvent::ScheduleFailed, now, failure.message.clone());
        env.tell(&about(&record, notice)).await;
    }
    env.registry.note_refused(&record).await?;
    runs::note(env, &record).await;
    Ok(())
}

#[cfg(test)]
repeated!(FailSave: IsRefused, ImageFails, IsCancelled, LaterCopyFails);
