//! AwaitRunning: checks once whether the instance runs again, and discharges the duty when it does.

use serde::Serialize;

use super::env::Limited;
use super::findings::{
    Standing, check_stayed_down, gone, impossible, look, note_fallen_back, rebooting, standing,
};
use super::{SaveRef, Step};
use crate::domain::clock::is_future;
use crate::domain::save::{Finding, SaveRecord, seconds_between};
use crate::domain::{Code, Problem, StepName, Timestamp};
use crate::ports::{Call, Instance};
use crate::rules::Env;

pub(super) struct AwaitRunning;

/// Whether the instance runs, or whether it is stopped although a start was requested, so that the start must be
/// requested again.
#[derive(Debug, Serialize)]
pub(super) struct Output {
    done: bool,
    down: bool,
}

impl Step for AwaitRunning {
    const NAME: StepName = StepName::AwaitRunning;
    const CALLS: &'static [Call] = &[Call::Instances, Call::StatusChecks, Call::Get, Call::Put];
    type Input = Limited;
    type Output = Output;

    async fn run(env: &Env, input: Limited) -> Result<Output, Problem> {
        let record = env.advance(&input.save, Self::NAME).await?;
        let (region, id) = (&record.request.region, &record.instance()?.id);
        let duty = env.registry.duty(region, id).await?;
        let Some(duty) = duty.filter(|duty| duty.value.discharged.is_none()) else {
            return Ok(output(true, false));
        };
        let instance = look(&*env.ec2, region, id).await?;
        let now = env.clock.now();
        let standing = standing(&duty.value, &record, instance.as_ref(), now);
        let waited = waited(&standing, &record, instance.as_ref(), now);
        if standing != Standing::Moving {
            // The state that was seen with the snapshots may have been old.
            if record.reboots() {
                rebooting::check_undisturbed(&record, instance.as_ref(), record.snapshots_at)?;
            } else {
                check_stayed_down(&record, instance.as_ref(), record.captured_at)?;
            }
        }
        match standing {
            Standing::Settled(Finding::Gone) => {
                let (epoch, finding) = (input.save.epoch, Finding::Gone);
                env.registry.discharge(&duty, epoch, finding, now).await?;
                Err(gone(id))
            }
            Standing::Settled(finding) => {
                if finding == Finding::Original {
                    note_running(env, &input.save, &record).await?;
                }
                let epoch = input.save.epoch;
                env.registry.discharge(&duty, epoch, finding, now).await?;
                Ok(output(true, false))
            }
            Standing::Broken { reason } => Err(impossible(id, &reason)),
            Standing::Moving | Standing::Down if waited >= input.limit_s => Err(Problem::new(
                Code::RestartTimedOut,
                format!(
                    "The instance {id} was not running after {:.0} s.",
                    input.limit_s
                ),
            )),
            Standing::Moving => Ok(output(false, false)),
            Standing::Down => {
                note_fallen_back(env, &input.save, &record, instance.as_ref()).await?;
                forget_running(env, &input.save, &record).await?;
                Ok(output(false, true))
            }
        }
    }
}

fn output(done: bool, down: bool) -> Output {
    Output { done, down }
}

/// Returns for how many seconds the instance has been expected to run. If EC2 had capacity only after hours of
/// requests, the full time counts from the launch. A start that fell back to stopped does not get the full time again;
/// otherwise it could repeat forever.
fn waited(
    standing: &Standing,
    record: &SaveRecord,
    instance: Option<&Instance>,
    now: Timestamp,
) -> f64 {
    // A rebooted instance is expected to run once its snapshots have begun.
    let booted = record.snapshots_at.filter(|_| record.reboots());
    let Some(asked) = record.start_requested_at.or(booted) else {
        return 0.0;
    };
    let since = match (standing, instance) {
        // If EC2's launch time lies in the future, one of the clocks is wrong: use the time of the request.
        (Standing::Moving, Some(instance)) if !is_future(instance.launched_at, now) => {
            asked.max(instance.launched_at)
        }
        _ => asked,
    };
    seconds_between(since, now)
}

/// Notes that an instance that was seen running is down again, so that it does not count as restarted yet.
pub(super) async fn forget_running(
    env: &Env,
    save: &SaveRef,
    record: &SaveRecord,
) -> Result<(), Problem> {
    if record.running_at.is_some() {
        env.note(save, |record| {
            record.running_at = None;
            record.downtime_s = None;
        })
        .await?;
    }
    Ok(())
}

/// Records when the instance was seen running and for how long it was down. The status checks are reported but not
/// waited for: they take minutes, and the instance is usable before that.
pub(super) async fn note_running(
    env: &Env,
    save: &SaveRef,
    record: &SaveRecord,
) -> Result<(), Problem> {
    let id = &record.instance()?.id;
    let checks = env.ec2.status_checks(&record.request.region, id).await;
    if let Err(error) = &checks {
        // The instance runs, which is what counts. A throttled status request must not keep the duty open.
        tracing::warn!(save.id = %save.save_id, instance.id = %id, %error, "the status checks could not be read");
    }
    let now = env.clock.now();
    env.note(save, |record| {
        if record.running_at.is_none() {
            record.running_at = Some(now);
            record.trouble = None;
            record.status_checks = checks.as_ref().ok().copied();
            record.downtime_s = record.downtime_until(now);
        }
    })
    .await?;
    Ok(())
}

#[cfg(test)]
repeated!(AwaitRunning: Succeeds, Reboots);
