//! CreateImage: requests the AMI from EC2, once.
//!
//! CreateImage takes no client token. The AMI's name, which is derived from the save ID, makes the call idempotent: a
//! second call fails with `InvalidAMIName.Duplicate`, and the AMI that has the name belongs to this save if its tag
//! says so (EC2 fact 3). Each call also has its number in a tag. If somebody deregistered the AMI of an earlier call
//! and so freed the name, this tag distinguishes the snapshots of the two AMIs.
//!
//! If the save is to reboot the instance, CreateImage does that too, after it has returned.

use std::collections::BTreeSet;

use serde::Serialize;

use super::findings::look_or_fail;
use super::tags::AskedFor;
use super::{SaveRef, Step, excluded, tags};
use crate::domain::ec2::InstanceState;
use crate::domain::save::SaveRecord;
use crate::domain::tags::SAVE_TAG;
use crate::domain::{Code, ImageId, Problem, StepName};
use crate::ports::{Call, Ec2ErrorKind, ImageFilter, from_ec2};
use crate::rules::{Env, Maker};

pub(super) struct CreateImage;

#[derive(Debug, Serialize)]
pub(super) struct Output {
    image: ImageId,
}

impl Step for CreateImage {
    const NAME: StepName = StepName::CreateImage;
    const CALLS: &'static [Call] = &[
        Call::Instances,
        Call::CreateImage,
        Call::Images,
        Call::Get,
        Call::Put,
    ];
    type Input = SaveRef;
    type Output = Output;

    async fn run(env: &Env, input: SaveRef) -> Result<Output, Problem> {
        let record = env.advance(&input, Self::NAME).await?;
        if let Some(image) = record.image {
            return Ok(Output { image });
        }
        let plan = record.plan()?;
        let instance = look_or_fail(&*env.ec2, &record.request.region, &plan.instance.id).await?;
        // EC2 reboots only a running instance. An AMI of an instance in any other state than stopped would hold
        // half-written files.
        let wanted = if plan.reboots() {
            InstanceState::Running
        } else {
            InstanceState::Stopped
        };
        if instance.state != wanted {
            let message = format!(
                "The instance {} must be {}, but it is {}.",
                plan.instance.id,
                wanted.as_str(),
                instance.state.as_str()
            );
            return Err(Problem::new(Code::InstanceChanged, message));
        }
        let left_out = excluded::of_plan(plan);
        let exclude = excluded::devices(&left_out, &instance);
        let mut attached: BTreeSet<_> = instance.volumes.into_iter().map(|it| it.volume).collect();
        attached.retain(|volume| !left_out.contains(volume));
        // An intent that only this run has written does not count as an earlier request.
        let mut noted = None;
        let record = env
            .intend(&input, |record, now| {
                record.captured_volumes = Some(attached.clone());
                if record.image_requested_at.is_none() || record.image_requested_at == noted {
                    record.image_requested_at = Some(now);
                    noted = Some(now);
                } else {
                    record.image_repeated_at = Some(now);
                }
                record.image_attempts += 1;
            })
            .await?;
        let told = create_or_adopt(env, &record, &exclude).await;
        if told
            .as_ref()
            .is_err_and(|problem| problem.code == Code::PermissionMissing)
        {
            forget_refused(env, &input).await?;
        }
        let (image, attempt) = told?;
        env.note(&input, |record| {
            record.image = Some(image.clone());
            record.image_attempt = attempt;
        })
        .await?;
        Ok(Output { image })
    }
}

/// Forgets the request that EC2 has refused for want of a permission: it had no effect, so nobody needs to wait until
/// its effect could have shown. An earlier request may have had one.
async fn forget_refused(env: &Env, save: &SaveRef) -> Result<(), Problem> {
    env.note(save, |record| {
        if record.image_repeated_at.is_none() {
            record.image_requested_at = None;
        }
    })
    .await?;
    Ok(())
}

/// Returns the AMI, and the number of the request that created it.
async fn create_or_adopt(
    env: &Env,
    record: &SaveRecord,
    exclude: &BTreeSet<String>,
) -> Result<(ImageId, Option<u32>), Problem> {
    let plan = record.plan()?;
    let attempt = record.image_attempts;
    let asked = AskedFor {
        deployment: env.deployment().await?,
        save: &record.save_id,
        by: &record.saved_by,
        request: &record.request,
        instance: &plan.instance.id,
        named: &plan.instance.name,
        reboot: plan.reboots(),
        exclude,
        tags: &env.settings.resource_tags,
    };
    let new = asked.image(attempt);
    match env.ec2.create_image(&record.request.region, &new).await {
        Ok(image) => Ok((image, Some(attempt))),
        Err(error) if error.kind() == Ec2ErrorKind::ImageNameTaken => {
            adopt(env, record, &new.name).await
        }
        Err(error) if error.kind() == Ec2ErrorKind::NotStopped => Err(Problem::new(
            Code::NotReady,
            "EC2 does not report the instance in the necessary state yet.",
        )
        .because(error)),
        Err(error) if error.kind() == Ec2ErrorKind::SnapshotsPending => {
            let message = "Others have started snapshots of a volume since the save was planned.";
            Err(Problem::new(Code::SnapshotsPending, message).because(error))
        }
        Err(error) => Err(from_ec2(error)),
    }
}

/// Returns the AMI that has the name, if this save created it.
async fn adopt(
    env: &Env,
    record: &SaveRecord,
    name: &str,
) -> Result<(ImageId, Option<u32>), Problem> {
    let filter = ImageFilter::OwnName(name.to_owned());
    let holders = env
        .ec2
        .images(&record.request.region, &filter)
        .await
        .map_err(from_ec2)?;
    let Some(holder) = holders.into_iter().next() else {
        // It was created a moment ago and is not listed yet (EC2 fact 6).
        return Err(Problem::new(
            Code::NotReady,
            format!("The AMI named {name} is not listed yet."),
        ));
    };
    let ours = holder
        .tags
        .get(SAVE_TAG)
        .is_some_and(|id| id == record.save_id.as_str())
        && !Maker::is_another(&holder.tags, env.deployment().await?);
    let source = &record.instance()?.id;
    if ours
        && holder
            .source_instance
            .as_ref()
            .is_none_or(|instance| instance == source)
    {
        let attempt = tags::attempt(&holder.tags);
        Ok((holder.id, attempt))
    } else {
        Err(Problem::new(
            Code::ImageNameTaken,
            format!(
                "The AMI {} already has the name {name}, and this save did not create it.",
                holder.id
            ),
        ))
    }
}

#[cfg(test)]
repeated!(CreateImage: Succeeds, Reboots, IsDenied);
