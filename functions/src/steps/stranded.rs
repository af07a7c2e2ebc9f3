//! Stranded: handles a restore that gave up. It raises the alarm; the duty and the lock stay until the instance is
//! back.
//!
//! If only the restart failed and the AMI is good, the version is registered nevertheless. It can be launched where
//! there is capacity, and is the purpose of the save. Once the instance is back, the save only has to be completed.

use serde::{Deserialize, Serialize};

use super::await_image::available;
use super::fail_copy::Caught;
use super::fail_save::{about, failed_step, failure};
use super::register_template::register;
use super::{SaveRef, Step, runs};
use crate::domain::save::{RegionCopy, SaveRecord, SaveState, seconds_between};
use crate::domain::{Code, NoticeEvent, Problem, StepName};
use crate::ports::{Call, Notice};
use crate::rules::Env;

pub(super) struct Stranded;

#[derive(Debug, Deserialize)]
pub(super) struct Input {
    #[serde(flatten)]
    save: SaveRef,
    failure: Caught,
}

#[derive(Debug, Serialize)]
pub(super) struct Output {
    stranded: bool,
}

impl Step for Stranded {
    const NAME: StepName = StepName::Stranded;
    const CALLS: &'static [Call] = &[
        Call::Alarm,
        Call::Images,
        Call::LaunchPermissions,
        Call::AddLaunchPermissions,
        Call::RemoveLaunchPermissions,
        Call::ShareSnapshot,
        Call::UnshareSnapshot,
        Call::Get,
        Call::Query,
        Call::Put,
        Call::Update,
        Call::Delete,
        Call::Check,
    ];
    type Input = Input;
    type Output = Output;

    async fn run(env: &Env, input: Input) -> Result<Output, Problem> {
        let Some(stored) = env.registry.save(&input.save.save_id).await? else {
            return Ok(Output { stranded: false });
        };
        if stored.value.state.is_final() || stored.value.plan.is_none() {
            let stranded = stored.value.state == SaveState::Stranded;
            return Ok(Output { stranded });
        }
        env.fence(&input.save).await?;
        if is_back(env, &stored.value).await? {
            // The failure does not concern the instance: the sweep retries it, so no alarm is needed.
            return Ok(Output { stranded: false });
        }
        let problem = input.failure.problem();
        let version = match keep(env, &input.save, &stored.value, &problem).await {
            Err(problem) if problem.code == Code::Superseded => return Err(problem),
            Err(problem) => {
                // The alarm must not wait for this; the next attempt to restore tries it again.
                let (code, problem) = (problem.code, problem.chain());
                tracing::warn!(save.id = %input.save.save_id, %code, problem, "the version was not registered");
                None
            }
            Ok(version) => version,
        };
        let now = env.clock.now();
        let id = &input.save.save_id;
        let kept = version.map(|version| {
            let name = &stored.value.request.template;
            format!(" The instance was saved as {name}@{version}.")
        });
        let text = format!(
            "{}{} What to do: prism saves show {id}",
            problem.message,
            kept.unwrap_or_default()
        );
        let notice = about(
            &stored.value,
            Notice::new(NoticeEvent::SaveStranded, now, text),
        );
        env.tell(&notice).await;
        let record = env
            .registry
            .end_save(&input.save.save_id, input.save.epoch, true, |record| {
                record.reach(Self::NAME, now);
                record.state = SaveState::Stranded;
                record.updated_at = now;
                record.failure = Some(failure(&problem, StepName::RestoreInstance.to_string()));
            })
            .await?;
        runs::note(env, &record).await;
        Ok(Output { stranded: true })
    }
}

/// Registers the version of a save if nothing but the restart prevents it. Returns its number.
async fn keep(
    env: &Env,
    save: &SaveRef,
    record: &SaveRecord,
    problem: &Problem,
) -> Result<Option<u32>, Problem> {
    if record.version.is_some() {
        return Ok(record.version);
    }
    let failed = failed_step(record);
    let restarting = *failed == StepName::RestartInstance || *failed == StepName::AwaitRunning;
    // A key that cannot be used for the volume cannot be used for the snapshot either.
    let usable = problem.code != Code::RestoreImpossible;
    let whole = record.snapshots_at.is_some() && record.discarded_at.is_none();
    let (Some(image), Some(asked)) = (&record.image, record.image_requested_at) else {
        return Ok(None);
    };
    if !(restarting && usable && whole) || record.cancelled_by.is_some() {
        return Ok(None);
    }
    let waited = seconds_between(asked, env.clock.now());
    if !available(env, &record.request.region, image, waited).await? {
        return Ok(None);
    }
    let record = env
        .note(save, |record| {
            for region in record.request.copy_to.clone() {
                record
                    .copies
                    .entry(region)
                    .or_insert_with(|| RegionCopy::Failed {
                        code: problem.code.to_string(),
                        cause: "It was not copied, because the instance was not running again."
                            .to_owned(),
                    });
            }
        })
        .await?;
    register(env, save, &record).await.map(Some)
}

/// Returns whether the duty of the save has been discharged. In that case the restore did not give up because of the
/// instance.
async fn is_back(env: &Env, record: &SaveRecord) -> Result<bool, Problem> {
    let id = &record.instance()?.id;
    let duty = env.registry.duty(&record.request.region, id).await?;
    let ours = duty.filter(|duty| duty.value.save_id == record.save_id);
    Ok(ours.is_some_and(|duty| duty.value.discharged.is_some()))
}

#[cfg(test)]
repeated!(Stranded: Strands);
