//! DiscardImage: takes back what a failed save has made: AMIs and snapshots, in every Region.
//!
//! They are found by the save's tag, not only by remembered ids, so that an AMI whose CreateImage
//! never answered is found too (promise P5). Two deployments may have a save of the same id, where the same person
//! asks both under the same request id: what carries the other one's tag is left alone (promise P9).

use std::collections::BTreeSet;

use serde::Serialize;

use super::{SaveRef, Step, pacing};
use crate::domain::pace::Paced;
use crate::domain::save::{RegionCopy, SaveRecord, seconds_between};
use crate::domain::tags::SAVE_TAG;
use crate::domain::{Code, Problem, Region};
use crate::ports::{Call, Ec2Error, ImageFilter, ImageState, SnapshotFilter, from_ec2};
use crate::rules::{Env, Maker};

/// For how long after EC2 was asked for something it may still take effect or appear, in seconds: a call
/// whose answer was lost, eventual consistency (EC2 fact 6), and the initiation of the snapshots, one after the
/// other. AWS says of none how long it takes at most; each is taken for several times what it is seen to take.
pub(crate) const LATE_S: f64 = 45.0;

/// See the module.
pub(super) struct DiscardImage;

/// How much was taken back.
#[derive(Debug, Default, Serialize)]
pub(super) struct Output {
    images: usize,
    snapshots: usize,
}

impl Step for DiscardImage {
    const NAME: &'static str = "DiscardImage";
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
            return Ok(Output::default());
        };
        if stored.value.version.is_some() || stored.value.state.is_final() {
            return Ok(Output::default());
        }
        let record = env.reach(&input, Self::NAME).await?;
        if record.image_requested_at.is_none() && record.copy_requested_at.is_none() {
            return Ok(Output::default());
        }
        // Before anything is taken back: the AMI's name is what keeps a late CreateImage from making a
        // second one (EC2 fact 3), and it is free again once its holder is gone.
        check_late(env, &record)?;
        // A copy has made nothing in the Region that it copies from.
        let own = record.copy_of.is_none().then_some(&record.request.region);
        let regions: BTreeSet<&Region> = record.request.copy_to.iter().chain(own).collect();
        let mut output = Output::default();
        for region in regions {
            let discarded = discard_in(env, &input, &record, region).await?;
            output.images += discarded.images;
            output.snapshots += discarded.snapshots;
        }
        let now = env.clock.now();
        env.note(&input, |record| record.discarded_at = Some(now))
            .await?;
        Ok(output)
    }
}

/// Refuses to take anything back while more may still appear.
pub(super) fn check_late(env: &Env, record: &SaveRecord) -> Result<(), Problem> {
    let asked = record.image_requested_at.max(record.image_repeated_at);
    match asked.max(record.copy_requested_at) {
        Some(asked) if seconds_between(asked, env.clock.now()) < LATE_S => {
            let message = "An AMI was asked for a moment ago: something of it may still appear.";
            Err(Problem::new(Code::NotReady, message))
        }
        _ => Ok(()),
    }
}

/// Takes back what the save has made in one Region. Where the turn of a removal is not now, the step fails as throttled
/// and is tried again: what is gone by then stays gone. The instance is back already, and saves that fail by the dozen
/// at once are too rare to have states of their own in the definition for this.
pub(super) async fn discard_in(
    env: &Env,
    save: &SaveRef,
    record: &SaveRecord,
    region: &Region,
) -> Result<Output, Problem> {
    let mut output = Output::default();
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
    // What another deployment has marked as its own is not touched, though the record names it.
    images.retain(|id| others.iter().all(|image| image.id != *id));
    for image in images {
        pacing::of_removal(env, region, Paced::Removal).await?;
        env.fence(save).await?;
        output.images += usize::from(gone_or(env.ec2.deregister_image(region, &image).await)?);
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
        output.snapshots += usize::from(gone_or(
            env.ec2.delete_snapshot(region, &snapshot.id).await,
        )?);
    }
    Ok(output)
}

/// Whether a deletion happened; what is gone already needs none.
fn gone_or(result: Result<(), Ec2Error>) -> Result<bool, Problem> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.is_not_found() || error.code == "InvalidAMIID.Unavailable" => Ok(false),
        Err(error) if error.code == "InvalidSnapshot.InUse" => Err(Problem::new(
            Code::NotReady,
            "A snapshot is still in use by the AMI that was just deregistered.",
        )
        .because(error)),
        Err(error) => Err(from_ec2(error)),
    }
}
