//! DiscardImage: removes what a failed save has created: AMIs and snapshots, in every Region.
//!
//! They are found by the save's tag as well as by recorded IDs, so that an AMI is found even if the response to
//! CreateImage was lost (promise P5). Two deployments may have a save with the same ID, if the same person uses the
//! same request ID in both. Resources that carry the other deployment's tag are left alone (promise P9).

use std::collections::BTreeSet;

use serde::Serialize;

use super::findings::rebooting;
use super::{SaveRef, Step, pacing};
use crate::domain::pace::Paced;
use crate::domain::save::{RegionCopy, SaveRecord, seconds_between};
use crate::domain::tags::SAVE_TAG;
use crate::domain::{Code, Problem, Region, StepName};
use crate::ports::{
    Call, Ec2Error, Ec2ErrorKind, ImageFilter, ImageState, SnapshotFilter, from_ec2,
};
use crate::rules::{Env, Maker};

/// How long after a request to EC2 its effect may still occur or become visible, in seconds. This covers a call whose
/// response was lost, eventual consistency (EC2 fact 6), and the initiation of the snapshots, one after the other. AWS
/// documents no maximum for any of these; each is assumed to take several times its observed duration.
pub(crate) const LATE_S: f64 = 45.0;

pub(super) struct DiscardImage;

/// Empty: what the save had created is gone, whichever run removed it.
#[derive(Debug, Serialize)]
pub(super) struct Output {}

impl Step for DiscardImage {
    const NAME: StepName = StepName::DiscardImage;
    const CALLS: &'static [Call] = &[
        Call::Images,
        Call::DeregisterImage,
        Call::Snapshots,
        Call::DeleteSnapshot,
        Call::Get,
        Call::Put,
        Call::Update,
    ];
    type Input = SaveRef;
    type Output = Output;

    async fn run(env: &Env, input: SaveRef) -> Result<Output, Problem> {
        let Some(stored) = env.registry.save(&input.save_id).await? else {
            return Ok(Output {});
        };
        if stored.value.version.is_some() || stored.value.state.is_final() {
            return Ok(Output {});
        }
        let record = env.reach(&input, Self::NAME).await?;
        if record.image_requested_at.is_none() && record.copy_requested_at.is_none() {
            return Ok(Output {});
        }
        // Checked before anything is removed: the AMI's name prevents a late CreateImage from creating a second AMI
        // (EC2 fact 3), and the name is free again once the AMI is gone.
        check_late(env, &record)?;
        // A copy creates nothing in the Region that it copies from.
        let own = record.copy_of.is_none().then_some(&record.request.region);
        let regions: BTreeSet<&Region> = record.request.copy_to.iter().chain(own).collect();
        for region in regions {
            discard_in(env, &input, &record, region).await?;
        }
        let now = env.clock.now();
        env.note(&input, |record| record.discarded_at = Some(now))
            .await?;
        Ok(Output {})
    }
}

/// Refuses to remove anything while more resources may still appear.
pub(super) fn check_late(env: &Env, record: &SaveRecord) -> Result<(), Problem> {
    let asked = record.image_requested_at.max(record.image_repeated_at);
    let asked = asked.max(rebooting::snapshots_begin_until(record));
    match asked.max(record.copy_requested_at) {
        Some(asked) if seconds_between(asked, env.clock.now()) < LATE_S => {
            let message = "An AMI was requested recently: it may still appear.";
            Err(Problem::new(Code::NotReady, message))
        }
        _ => Ok(()),
    }
}

/// Removes what the save has created in one Region. If the turn of a removal is later, the step fails as throttled and
/// is tried again; it then continues where it ended. This has no states of its own in the definition, because the
/// instance is already back, and many saves that fail at once are rare.
pub(super) async fn discard_in(
    env: &Env,
    save: &SaveRef,
    record: &SaveRecord,
    region: &Region,
) -> Result<(), Problem> {
    let deployment = env.deployment().await?;
    let tag = (SAVE_TAG.to_owned(), record.save_id.to_string());
    let tagged = env
        .ec2
        .images(region, &ImageFilter::OwnTag(tag.0.clone(), tag.1.clone()))
        .await
        .map_err(from_ec2)?;
    let (others, tagged): (Vec<_>, Vec<_>) = tagged
        .into_iter()
        .filter(|image| image.state != ImageState::Deregistered)
        .partition(|image| Maker::is_another(&image.tags, deployment));
    let mut images: BTreeSet<_> = tagged.into_iter().map(|image| image.id).collect();
    if *region == record.request.region {
        images.extend(record.image.clone());
    } else if let Some(RegionCopy::Copying { image } | RegionCopy::Available { image }) =
        record.copies.get(region)
    {
        images.insert(image.clone());
    }
    // An AMI that another deployment has tagged as its own is not changed, even if the record contains its ID.
    images.retain(|id| others.iter().all(|image| image.id != *id));
    for image in images {
        pacing::of_removal(env, region, Paced::Removal).await?;
        env.fence(save).await?;
        gone_or(env.ec2.deregister_image(region, &image).await)?;
    }
    let mut snapshots = env
        .ec2
        .snapshots(region, &SnapshotFilter::Tag(tag.0, tag.1))
        .await
        .map_err(from_ec2)?;
    snapshots.retain(|snapshot| !Maker::is_another(&snapshot.tags, deployment));
    for snapshot in snapshots {
        pacing::of_removal(env, region, Paced::SnapshotRemoval).await?;
        env.fence(save).await?;
        gone_or(env.ec2.delete_snapshot(region, &snapshot.id).await)?;
    }
    Ok(())
}

/// A resource that is already gone needs no deletion.
fn gone_or(result: Result<(), Ec2Error>) -> Result<(), Problem> {
    match result {
        Ok(()) => Ok(()),
        Err(error) if error.is_gone() => Ok(()),
        Err(error) if error.kind() == Ec2ErrorKind::SnapshotInUse => Err(Problem::new(
            Code::NotReady,
            "The AMI that was just deregistered still uses a snapshot.",
        )
        .because(error)),
        Err(error) => Err(from_ec2(error)),
    }
}

#[cfg(test)]
repeated!(DiscardImage: ImageFails, SnapshotFails, IsCancelled, LaterCopyFails);
